"""Keras' callbacks, on those of `fastgrok.training` and `fastgrok.optim` where these do the same."""

import csv
import math
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .. import training
from ..optim import lr_scheduler
from .hints import missing
from .hooks import Callback, History
from .layers.base import refuse

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]

Logs = dict[str, float] | None


class _Monitor(Callback):
    """A callback that looks at one of the values of every epoch.

    `mode` says whether less of it is better, "min", or more, "max"; "auto" knows for losses and accuracies.

    Raises `ValueError` for another mode, and when "auto" does not know.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0):
        name = type(self).__name__
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{name}: mode={mode!r}, expected 'auto', 'min' or 'max'")
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        if mode == "auto":
            known = monitor.removeprefix("val_")
            more = any(part in known for part in ("acc", "precision", "recall", "auc"))
            less = any(
                part in known for part in ("loss", "error", "mse", "mae", "mape", "entropy", "hinge", "divergence")
            )
            if not (more or less):
                raise ValueError(
                    f"{name}: whether less or more of {monitor!r} is better, mode='min' or mode='max' has to say"
                )
            self.mode = "max" if more else "min"
        self.sign = -1.0 if self.mode == "max" else 1.0  # times it, less is better

    def value(self, logs: Logs) -> float | None:
        """Return the value, times -1 where more is better; None with a warning where there is none."""
        logs = logs or {}
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__}: there is no {self.monitor!r} to look at, only {', '.join(logs) or 'nothing'}"
                + (": give fit validation_data or validation_split" if self.monitor.startswith("val_") else ""),
                stacklevel=2,
            )
            return None
        return self.sign * logs[self.monitor]


class EarlyStopping(_Monitor):
    """End the training when a value has not got better for `patience` epochs: `training.EarlyStopping`.

    Parameters
    ----------
    monitor, mode : str
    min_delta : float
        What counts as better at all.
    patience : int
    verbose : 0 or 1
        1 says when it happens.
    baseline : float, optional
        What has to be reached.
    restore_best_weights : bool
        Whether the model gets the weights of the best epoch at the end.
    start_from_epoch : int
        The first epoch that counts.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.on_train_begin()

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget earlier trainings."""
        baseline = math.inf if self.baseline is None else self.sign * self.baseline
        self._watch = training.EarlyStopping(max(1, self.patience), self.min_delta, baseline)
        self.stopped_epoch = self.best_epoch = 0
        self.best_weights: list[np.ndarray] | None = None

    @property
    def best(self) -> float | None:
        """The best value so far."""
        return None if math.isinf(self._watch.best) else self.sign * self._watch.best

    @property
    def wait(self) -> int:
        """Epochs since the last progress."""
        return self._watch.waited

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the value."""
        value = self.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        before = self._watch.best
        ended = self._watch.count(value)
        if self._watch.best != before or self.best_weights is None:
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
        if ended and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: Logs = None) -> None:
        """Give the best weights back."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(_Monitor):
    """Save the model after every epoch (or every `save_freq` batches), or whenever a value is the best yet.

    Parameters
    ----------
    filepath : str or path
        With the ending of `model.save`, or of `model.save_weights` when `save_weights_only`; "{epoch:02d}" and the
        names of what is measured are filled in.
    monitor, mode, initial_value_threshold
        For `save_best_only`.
    verbose : 0 or 1
        1 names each file.
    save_freq : "epoch" or int
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode)
        endings = (".weights.h5", ".safetensors") if save_weights_only else (".keras", ".safetensors")
        if not str(filepath).endswith(endings):
            raise ValueError(
                f"ModelCheckpoint: filepath={str(filepath)!r}, expected an ending of {' or '.join(endings)}"
            )
        if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(f"ModelCheckpoint: save_freq={save_freq!r}, expected 'epoch' or a number of batches")
        self.filepath, self.verbose, self.save_freq = str(filepath), verbose, save_freq
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.least = math.inf if initial_value_threshold is None else self.sign * initial_value_threshold
        self._epoch = self._batches = 0

    @property
    def best(self) -> float | None:
        """The best value so far."""
        return None if math.isinf(self.least) else self.sign * self.least

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Note the number."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Save when it is time."""
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save({"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Save."""
        if self.save_freq == "epoch":
            self._save(dict(logs or {}))

    def _save(self, logs: dict[str, float]) -> None:
        if self.save_best_only:
            value = self.value(logs)
            if value is not None and not value < self.least:
                return
            self.least = self.least if value is None else value
        try:
            path = Path(self.filepath.format(**{"epoch": self._epoch + 1, **logs}))
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath={self.filepath!r} names {error}, but there are only {', '.join(logs)}"
            ) from None
        path.parent.mkdir(parents=True, exist_ok=True)
        self.model.save_weights(path) if self.save_weights_only else self.model.save(path)
        if self.verbose:
            print(f"Epoch {self._epoch + 1}: saving model to {path}")


class ReduceLROnPlateau(_Monitor):
    """Multiply the learning rate by `factor` when a value has not got better for `patience` epochs.

    `optim.lr_scheduler.ReduceLROnPlateau` with Keras' way of counting: it acts in the last of the epochs waited for,
    and the first epoch after `cooldown` counts again.

    Parameters
    ----------
    monitor, mode : str
    factor, min_lr : float
    patience, cooldown : int
    min_delta : float
        What counts as better at all.
    verbose : 0 or 1
        1 says when it happens.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ):
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau: unknown argument {next(iter(kwargs))!r}")
        super().__init__(monitor, mode, min_delta)
        if not 0 <= factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor={factor!r}, expected at least 0 and less than 1")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._plateau: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forget earlier trainings."""
        self._plateau = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Look at the value."""
        value, optimizer = self.value(logs), self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = float(optimizer.learning_rate)
        if value is None:
            return
        if self._plateau is None:
            self._plateau = lr_scheduler.ReduceLROnPlateau(
                optimizer.inner, "min", self.factor, max(0, self.patience - 1), self.min_delta, "abs",
                max(0, self.cooldown - 1), self.min_lr, eps=0.0,
            )  # fmt: skip
        before = float(optimizer.learning_rate)
        self._plateau.step(value)
        rate = optimizer.inner.param_groups[0]["lr"]
        if rate != before:
            optimizer.learning_rate = rate
            if self.verbose:
                print(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate:g}.")


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch to `schedule(epoch, rate)`, or `schedule(epoch)`."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule={schedule!r}, expected a function of epoch and rate")
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Set the rate."""
        try:
            rate = self.schedule(epoch, float(self.model.optimizer.learning_rate))
        except TypeError:  # a function of the epoch alone
            rate = self.schedule(epoch)
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            print(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate):g}.")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Note the rate among what was measured."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class CSVLogger(Callback):
    """Write what every epoch measured to a CSV file, which is up to date after each."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        self.filename, self.separator, self.append = Path(filename), separator, append
        self._file: TextIO | None = None
        self._names: list[str] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Open the file."""
        self.on_train_end()
        fresh = not (self.append and self.filename.exists() and self.filename.stat().st_size)
        self._file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")
        self._names = [] if fresh else self._header()

    def _header(self) -> list[str]:
        with open(self.filename, newline="", encoding="utf-8") as file:
            return next(csv.reader(file, delimiter=self.separator))[1:]

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write a row."""
        logs, file = logs or {}, self._file
        if file is None:
            return
        writer = csv.writer(file, delimiter=self.separator)
        if not self._names:
            self._names = sorted(logs)
            writer.writerow(["epoch", *self._names])
        writer.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])
        file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class TerminateOnNaN(Callback):
    """End the training when the loss is no longer a number."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Look at the loss."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            print(f"Batch {batch}: Invalid loss, terminating training", file=sys.stderr)
            self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback made of functions: `LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))`.

    Raises `TypeError` for what is no hook, or no function.
    """

    def __init__(self, **functions: Callable[..., Any] | None):
        for hook, function in functions.items():
            if not hook.startswith("on_") or not hasattr(Callback, hook):
                raise TypeError(f"LambdaCallback: there is no hook {hook!r}")
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: {hook}={function!r}, expected a function")
                setattr(self, hook, function)


class TensorBoard(Callback):
    """Write what every epoch measured for TensorBoard, through tensorboardX.

    `log_dir` gets the folders "train" and "validation", with "epoch_loss" and so on in each. Graphs, weights and
    profiles are not written; `write_graph` is taken and changes nothing.

    Raises `ImportError` where tensorboardX is missing.
    """

    def __init__(self, log_dir: Any = "logs", histogram_freq: int = 0, write_graph: bool = True, **kwargs: Any):
        for name in ("write_steps_per_second", "update_freq", "profile_batch"):
            kwargs.pop(name, None)
        options = {"histogram_freq": histogram_freq, **kwargs}
        refuse(self, options, histogram_freq=0, write_images=False, embeddings_freq=0, embeddings_metadata=None)
        for name in options:
            raise TypeError(f"TensorBoard: unknown argument {name!r}")
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ImportError("callbacks.TensorBoard takes tensorboardX: pip install tensorboardX") from None
        self.log_dir, self._make = Path(log_dir), SummaryWriter
        self._writers: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write all values."""
        for name, value in (logs or {}).items():
            folder = "validation" if name.startswith("val_") else "train"
            if folder not in self._writers:
                self._writers[folder] = self._make(str(self.log_dir / folder))
            self._writers[folder].add_scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)

    def on_train_end(self, logs: Logs = None) -> None:
        """Close the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"callbacks.{name}", name)

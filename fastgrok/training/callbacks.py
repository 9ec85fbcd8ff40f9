"""What can be hung into the training loop: the hooks, and the callbacks that only need a few lines."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checkpoint
from .files import FolderLock

if TYPE_CHECKING:
    from .loop import Run

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "Schedule", "StopOnDivergence", "StopOnNaN"]


class Callback:
    """Hooks that `fit` calls, each with the `Run`; override the ones you need.

    A callback whose state matters for continuing a run returns it from `state_dict`, a tree of arrays and plain values.
    """

    def on_train_begin(self, run: "Run") -> None:
        """Act before the first step of this process."""

    def on_epoch_begin(self, run: "Run") -> None:
        """Act before the first step of an epoch; `run.epoch` does not count it yet."""

    def on_step_begin(self, run: "Run") -> None:
        """Act before the forward pass."""

    def on_loss(self, run: "Run") -> None:
        """Act when the loss is known, before the backward pass."""

    def on_update_begin(self, run: "Run") -> None:
        """Act when the gradients are known, before the weights change."""

    def on_step_end(self, run: "Run") -> None:
        """Act after a step; `run.step` counts it already."""

    def on_validation_end(self, run: "Run") -> None:
        """Act on a new validation loss."""

    def on_epoch_end(self, run: "Run") -> None:
        """Act after an epoch and its validation; `run.epoch` counts it already."""

    def on_report(self, run: "Run", line: str) -> None:
        """Act on a line for the user."""

    def on_train_end(self, run: "Run") -> None:
        """Act after the last step, also when the run was stopped, but not when an error ended it."""

    def on_close(self, run: "Run") -> None:
        """Tidy up; called in any case, errors included."""

    def state_dict(self) -> Any:
        """Return what a checkpoint has to keep; None for nothing."""
        return None

    def load_state_dict(self, state: Any) -> None:
        """Continue from what `state_dict` returned."""


class StopOnNaN(Callback):
    """Raise `FloatingPointError` when loss or gradients are no longer finite, before they spoil the weights."""

    def on_loss(self, run: "Run") -> None:
        """Look at the loss."""
        self._check(run, "loss", run.loss)

    def on_update_begin(self, run: "Run") -> None:
        """Look at the norm of the gradients, where it is known."""
        if run.gradient_norm is not None:
            self._check(run, "norm of the gradients", run.gradient_norm)

    def _check(self, run: "Run", name: str, value: float) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the {name} became {value} at step {run.step + 1:,} (learning rate {run.learning_rate:g}): "
                f"{'' if run.clips else 'clip gradients, or '}use a lower learning rate"
            )


class StopOnDivergence(Callback):
    """Raise `FloatingPointError` when the loss is far above that of guessing.

    A high learning rate may drive the running average of the training loss above it for a while, and overfitting the
    validation loss: only beyond `10 * guessing + 10` a run is given up. When it has ended, though, the average must
    be below `1.5 * guessing + 0.5`.

    Parameters
    ----------
    guessing : float
        The loss of a model that knows nothing: log(V) for a cross-entropy over V classes.
    """

    WEIGHT = 0.05  # of the last step in the average: some 20 steps count

    def __init__(self, guessing: float):
        self.guessing = guessing
        self._average: float | None = None

    def on_step_end(self, run: "Run") -> None:
        """Look at the average of the training loss."""
        before = run.loss if self._average is None else self._average
        self._average = before + self.WEIGHT * (run.loss - before)
        limit = 1.5 * self.guessing + 0.5 if run.finished else 10 * self.guessing + 10
        self._check(run, "loss", self._average, limit)

    def on_validation_end(self, run: "Run") -> None:
        """Look at the validation loss."""
        if run.validation is not None:
            self._check(run, "validation loss", run.validation, 10 * self.guessing + 10)

    def _check(self, run: "Run", name: str, value: float, limit: float) -> None:
        if not value <= limit:
            raise FloatingPointError(
                f"training diverged: the {name} is {value:.4g} after step {run.step:,}, while guessing makes "
                f"{self.guessing:.4g} (learning rate {run.learning_rate:g}): use a lower learning rate"
            )


class Schedule(Callback):
    """Set the learning rate before every step, or after every epoch.

    Parameters
    ----------
    schedule : callable, or a scheduler of `fastgrok.optim.lr_scheduler`
        A callable `schedule(step, steps)` returns a factor for the rates that the optimizer began with; `steps`
        is None while it is not known. A scheduler is moved on by its own `step()`.
    every : "step" or "epoch"
        When a scheduler is moved on.
    """

    def __init__(self, schedule: Any, every: str = "step"):
        if every not in ("step", "epoch"):
            raise ValueError(f"Schedule: every={every!r}, expected 'step' or 'epoch'")
        self.schedule, self.every = schedule, every
        self.is_function = not hasattr(schedule, "step")
        self.rates: list[float] = []

    def on_train_begin(self, run: "Run") -> None:
        """Remember the rates that a factor applies to."""
        self.rates = self.rates or [group["lr"] for group in run.optimizer.param_groups]

    def on_step_begin(self, run: "Run") -> None:
        """Apply the factor for this step."""
        if self.is_function:
            factor = self.schedule(run.step, run.steps)
            for group, rate in zip(run.optimizer.param_groups, self.rates, strict=True):
                group["lr"] = rate * factor

    def on_step_end(self, run: "Run") -> None:
        """Move a scheduler on."""
        if not self.is_function and self.every == "step":
            self.schedule.step()

    def on_epoch_end(self, run: "Run") -> None:
        """Move a scheduler on."""
        if not self.is_function and self.every == "epoch":
            self.schedule.step()

    def state_dict(self) -> Any:
        """Return the first rates, and the scheduler's own state."""
        return {"rates": self.rates, "scheduler": None if self.is_function else self.schedule.state_dict()}

    def load_state_dict(self, state: Any) -> None:
        """Continue from what `state_dict` returned."""
        self.rates = state["rates"]
        if not self.is_function:
            self.schedule.load_state_dict(state["scheduler"])


class EarlyStopping(Callback):
    """Stop when `patience` validations in a row have not lowered the validation loss by more than `min_delta`.

    Above `baseline`, lowering it does not count as progress.
    """

    def __init__(self, patience: int = 3, min_delta: float = 0.0, baseline: float = math.inf):
        if patience < 1:
            raise ValueError(f"EarlyStopping: patience={patience!r}, expected at least 1")
        self.patience, self.min_delta, self.baseline = patience, min_delta, baseline
        self.best, self.waited = math.inf, 0

    def count(self, value: float) -> bool:
        """Take a value in; return whether `patience` is at its end."""
        self.waited += 1
        if value < self.best - self.min_delta:
            self.best = value
            if value < self.baseline - self.min_delta:
                self.waited = 0
            return False
        return self.waited >= self.patience

    def on_validation_end(self, run: "Run") -> None:
        """Count validations without progress."""
        if self.count(math.inf if run.validation is None else run.validation):
            run.stop(f"no better validation loss than {self.best:.4f} in {self.waited} validations")

    def state_dict(self) -> Any:
        """Return the best loss and how long it has stood."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: Any) -> None:
        """Continue from what `state_dict` returned."""
        self.best, self.waited = state["best"], state["waited"]


class Checkpoint(Callback):
    """Save the run in a folder: at the start, every now and then, and at the end.

    Writes `checkpoint.safetensors` (see `fastgrok.training.checkpoint`) with all that `fit(resume=...)` needs. While
    the run goes on, it has the folder to itself.

    Parameters
    ----------
    folder : path
    every_seconds : float
    content : dict, optional
        More values for the checkpoint's JSON, such as how to make the model.
    best : bool
        Also write `best.safetensors`, without what only training needs, whenever the validation loss is the lowest yet.

    Raises
    ------
    OSError
        When the folder cannot be written to, or another run is writing to it (`BlockingIOError`); at the start of the
        run, before anything is trained.
    FloatingPointError
        Rather than saving weights that are not finite over a sound checkpoint.
    """

    def __init__(
        self, folder: Any, every_seconds: float = 30.0, content: dict[str, Any] | None = None, best: bool = False
    ):
        self.folder, self.every_seconds, self.content, self.best = Path(folder), every_seconds, content or {}, best
        self.lock = FolderLock(folder)
        self.saved_step: int | None = None  # what the two files hold
        self.saved_best: tuple[float, int] | None = None
        self.seconds = 0.0  # that saving takes
        self._saved_at = -math.inf

    @property
    def path(self) -> Path:
        """The file of the last checkpoint."""
        return self.folder / checkpoint.NAME

    @property
    def best_path(self) -> Path:
        """The file of the best weights."""
        return self.folder / "best.safetensors"

    def save(self, run: "Run") -> None:
        """Save the run now."""
        began, tensors = time.monotonic(), dict[str, np.ndarray]()
        state = checkpoint.pack(run.state_dict(), "", tensors)
        _check_finite(tensors, self.path)
        checkpoint.save(self.path, tensors, {**self._content(run), "run": state})
        self._saved_at, self.saved_step = time.monotonic(), run.step
        self.seconds = self._saved_at - began

    def _content(self, run: "Run") -> dict[str, Any]:
        return {**self.content, "step": run.step, "steps": run.steps, "validation_loss": run.validation}

    def on_train_begin(self, run: "Run") -> None:
        """Make sure that the folder can be written to, by this run alone, before any work is done for it."""
        self.lock.acquire()
        if run.step == 0:
            self.save(run)
        else:
            self.saved_step, self.saved_best = run.step, run.best if self.best_path.exists() else None
        self._saved_at = time.monotonic()

    def on_step_end(self, run: "Run") -> None:
        """Save when it is time."""
        if time.monotonic() - self._saved_at >= self.every_seconds:
            self.save(run)

    def on_validation_end(self, run: "Run") -> None:
        """Keep the best weights."""
        if self.best and run.best is not None and run.best[1] == run.step:
            with run.evaluating() as model:
                tensors = {f"model.{name}": value.detach().numpy() for name, value in model.state_dict().items()}
                _check_finite(tensors, self.best_path)
                checkpoint.save(self.best_path, tensors, self._content(run))
                self.saved_best = run.best

    def on_train_end(self, run: "Run") -> None:
        """Save the end of the run, or of this part of it."""
        self.save(run)

    def on_close(self, run: "Run") -> None:
        """Let others have the folder."""
        self.lock.release()


def _check_finite(tensors: dict[str, np.ndarray], path: Path) -> None:
    for name, array in tensors.items():
        if (
            name.startswith(("model.", "optimizer.", "average."))
            and array.dtype.kind == "f"
            and not np.isfinite(array).all()
        ):
            raise FloatingPointError(
                f"{path} was left as it was, because {name} is no longer finite: use a lower learning rate"
            )

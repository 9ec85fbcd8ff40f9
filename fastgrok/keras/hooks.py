"""Keras' hooks: what a callback can override, and how `fastgrok.training` calls it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import training

if TYPE_CHECKING:
    from ..training import Run

__all__ = ["Bridge", "Callback", "CallbackList", "History"]


class Callback:
    """Hooks that `fit` calls with the number of the epoch or batch and what was measured; override the ones you need.

    Attributes
    ----------
    model : Sequential
        The model in training; `self.model.stop_training = True` ends it.
    params : dict
        "epochs", "steps" (batches in an epoch) and "verbose".
    """

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Take the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take what is known about the training."""
        self.params = params

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Act before the first batch."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Act after the last batch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Act before an epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Act after an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Act before an update."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Act after an update."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The old name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """The old name of `on_train_batch_end`."""

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Act before a validation or `evaluate`."""

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Act after a validation or `evaluate`."""

    def on_test_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Act before a batch that is only measured."""

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Act after a batch that is only measured."""

    def on_predict_begin(self, logs: dict[str, float] | None = None) -> None:
        """Act before `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Act before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Act after a batch of `predict`; `logs` has its "outputs"."""

    def on_predict_end(self, logs: dict[str, float] | None = None) -> None:
        """Act after `predict`."""


class CallbackList:
    """All callbacks of a call, in their order."""

    def __init__(self, callbacks: Any, model: Any = None):
        callbacks = [] if callbacks is None else callbacks if isinstance(callbacks, list | tuple) else [callbacks]
        for callback in callbacks:
            if not isinstance(callback, Callback):
                kind = callback.__name__ if isinstance(callback, type) else type(callback).__name__
                hint = ": write it with parentheses" if isinstance(callback, type) else ""
                raise TypeError(f"callbacks: {kind} is not one of fastgrok.keras.callbacks{hint}")
        self.callbacks: list[Callback] = list(callbacks)
        if model is not None:
            self.begin(model, {})

    def begin(self, model: Any, params: dict[str, Any]) -> None:
        """Introduce the model."""
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)

    def call(self, hook: str, logs: dict[str, float] | None = None) -> None:
        """Call a hook without a number."""
        for callback in self.callbacks:
            getattr(callback, hook)(dict(logs or {}))

    def epoch(self, hook: str, number: int, logs: dict[str, float] | None = None) -> None:
        """Call a hook of an epoch; what a callback adds to the logs, the next ones see."""
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(number, logs)

    def batch(self, hook: str, number: int, logs: Callable[[], dict[str, Any]] | None = None) -> None:
        """Call a hook of a batch; the logs are put together only if someone listens."""
        if self.callbacks:
            self.epoch(hook, number, logs() if logs else None)


class History(training.History):
    """What `fit` returns: `history` has a list per name with a value per epoch; `epoch` has their numbers.

    The rows of `fastgrok.training.History`, every few updates, are there as well, and `plot(path)` draws them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.params: dict[str, Any] = {}
        self.model: Any = None

    def add(self, epoch: int, logs: dict[str, float]) -> None:
        """Add what an epoch measured."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


class Bridge(training.Callback):
    """Turn the hooks of `fastgrok.training` into Keras'."""

    def __init__(
        self, model: Any, callbacks: CallbackList, history: History, measures: Any, initial_epoch: int, epochs: int,
        verbose: Any = 1,
    ):  # fmt: skip
        self.model, self.callbacks, self.history, self.measures = model, callbacks, history, measures
        self.epoch, self.epochs = initial_epoch, epochs
        self.verbose = 1 if verbose == "auto" else verbose
        self.logs: dict[str, float] = {}
        self.validation: dict[str, float] = {}
        self._open = False

    def on_train_begin(self, run: "Run") -> None:
        """Introduce model and parameters."""
        params = {"epochs": self.epochs, "steps": run.steps_per_epoch, "verbose": self.verbose}
        self.history.params, self.history.model = params, self.model
        self.callbacks.begin(self.model, params)
        self.callbacks.call("on_train_begin")

    def on_epoch_begin(self, run: "Run") -> None:
        """Measure from the beginning."""
        self.measures.reset()
        self._open = True
        self.callbacks.epoch("on_epoch_begin", self.epoch)

    def on_step_begin(self, run: "Run") -> None:
        """Announce a batch."""
        self.callbacks.batch("on_train_batch_begin", run.batch)

    def on_step_end(self, run: "Run") -> None:
        """Hand on what the epoch has measured so far."""
        self.callbacks.batch("on_train_batch_end", run.batch - 1, self.measures.logs)
        self._look(run)

    def on_epoch_end(self, run: "Run") -> None:
        """Close the epoch."""
        self._close()
        self._look(run)

    def on_train_end(self, run: "Run") -> None:
        """Close an epoch that was broken off, and the training."""
        if self._open and run.batch:
            self._close()
        self.callbacks.call("on_train_end", self.logs)

    def _close(self) -> None:
        self.logs = {**self.measures.logs(), **self.validation}
        self.validation, self._open = {}, False
        self.callbacks.epoch("on_epoch_end", self.epoch, self.logs)
        self.history.add(self.epoch, self.logs)
        self.epoch += 1

    def _look(self, run: "Run") -> None:
        if self.model.stop_training:
            run.stop("a callback set stop_training")

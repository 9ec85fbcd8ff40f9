"""The training loop: `fit` is the one that every front end of this package shares."""

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

import numpy as np

import fastgrok
from fastgrok.nn.utils import clip_grad_norm_
from fastgrok.optim.swa_utils import AveragedModel

from . import checkpoint
from .average import running_average
from .budget import Budget
from .callbacks import Callback, StopOnNaN
from .history import History
from .interruption import SIGNALS, stop_on_signals
from .progress import Progress

__all__ = ["Run", "evaluate", "evaluating", "fit"]


class Run:
    """A training run: what is being trained, how far it has come, and what it has measured.

    Callbacks get it in every hook, and `fit` returns it.

    Attributes
    ----------
    model, loss_function, optimizer, batches
        As given to `fit`.
    steps, epochs : int or None
        Where the run ends; None where it is not limited, or not known yet (`seconds`).
    step, epoch, batch : int
        Steps and epochs that are finished, and batches of the current epoch.
    items : int
        Targets learnt from in this process: characters, for a language model over characters.
    loss : float
        Of the last step.
    gradient_norm : float or None
        Before clipping; None without `clip_norm`.
    validation : float or None
        The last validation loss.
    validation_seconds : float
        What measuring it took.
    best : tuple of float and int, or None
        The lowest validation loss, and the step that reached it.
    stopped : str or None
        Why the run ended before its end: the name of a signal, or what a callback said.
    history : History
    """

    def __init__(self, model: Any, loss: Callable, optimizer: Any, batches: Iterable):
        self.model, self.loss_function, self.optimizer, self.batches = model, loss, optimizer, batches
        self.steps: int | None = None
        self.epochs: int | None = None
        self.steps_per_epoch = len(batches) if isinstance(batches, Sized) else None
        self.step = self.epoch = self.batch = self.items = 0
        self.loss = math.nan
        self.gradient_norm: float | None = None
        self.validation: float | None = None
        self.validated_at: int | None = None
        self.validation_seconds = 0.0
        self.best: tuple[float, int] | None = None
        self.stopped: str | None = None
        self.carried: Any = None
        self.average: AveragedModel | None = None
        self.history = History()
        self.callbacks: list[Callback] = []
        self.started = time.monotonic()
        self._validate: Callable[[Any], float] | None = None
        self._carry_state = False
        self._clip_norm: float | None = None

    @property
    def finished(self) -> bool:
        """Whether the run has reached its end."""
        return (self.steps is not None and self.step >= self.steps) or (
            self.epochs is not None and self.epoch >= self.epochs
        )

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended the run, as against its end or a callback."""
        return self.stopped in SIGNALS

    @property
    def clips(self) -> bool:
        """Whether gradients are clipped."""
        return self._clip_norm is not None

    @property
    def learning_rate(self) -> float:
        """The learning rate of the optimizer's first group."""
        return self.optimizer.param_groups[0]["lr"]

    def stop(self, reason: str) -> None:
        """End the run after the current step."""
        self.stopped = self.stopped or reason

    def report(self, line: str) -> None:
        """Show a line to whoever watches the run (the `Progress` callback, if there is one)."""
        self._emit("on_report", line)

    def evaluating(self) -> contextlib.AbstractContextManager[Any]:
        """Lend the model, or the averaged one if there is one, for evaluation: in eval mode, without gradients."""
        return evaluating(self.average.module if self.average else self.model)

    def validate(self) -> None:
        """Measure the validation loss, unless that was done at this very step or there is nothing to validate with."""
        if self._validate is None or self.validated_at == self.step:
            return
        began = time.monotonic()
        with self.evaluating() as model:
            self.validation = float(self._validate(model))
        self.validated_at = self.step
        self.validation_seconds = time.monotonic() - began
        if self.best is None or self.validation < self.best[0]:
            self.best = (self.validation, self.step)
        self._emit("on_validation_end")

    # ------------------------------------------------------------------------------------------------ the loop

    def _train(self) -> None:
        while not (self.finished or self.stopped):
            self._train_epoch()
        if self.finished or not self.interrupted:
            self.validate()

    def _train_epoch(self) -> None:
        if hasattr(self.batches, "set_epoch"):
            self.batches.set_epoch(self.epoch)
        if self.batch == 0:
            self._emit("on_epoch_begin")
        for x, y in _skip(self.batches, self.batch):
            self._train_step(x, y)
            if self.stopped or (self.finished and self.batch != self.steps_per_epoch):
                return
        if self.batch == 0:
            raise ValueError(
                "fit: batches is empty, or an iterator that is used up; expected something to iterate over anew"
            )
        self.epoch, self.batch, self.carried = self.epoch + 1, 0, None
        self.validate()
        self._emit("on_epoch_end")

    def _train_step(self, x: Any, y: Any) -> None:
        self._emit("on_step_begin")
        if self._carry_state:
            output, state = self.model(x, self.carried)
            self.carried = _detached(state)
        else:
            output = self.model(x)
        loss = self.loss_function(output, y)
        self.loss = loss.item()
        self._emit("on_loss")
        self.optimizer.zero_grad()
        loss.backward()
        if self._clip_norm is not None:
            self.gradient_norm = float(clip_grad_norm_(self.model.parameters(), self._clip_norm))
        self._emit("on_update_begin")
        self.optimizer.step()
        if self.average:
            self.average.update_parameters(self.model)
        self.step, self.batch = self.step + 1, self.batch + 1
        self.items += math.prod(y.shape)
        self._emit("on_step_end")

    def _emit(self, hook: str, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self, *args)

    # ------------------------------------------------------------------------------------------------ its state

    def state_dict(self) -> dict[str, Any]:
        """Return all that a process needs to continue this run exactly: a tree of arrays and plain values."""
        return {
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "carried": self.carried,
            "random": fastgrok.get_rng_state(),
            "callbacks": {type(c).__name__: state for c in self.callbacks if (state := c.state_dict()) is not None},
            **{name: getattr(self, name) for name in _POSITION},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned; raises `ValueError` or `KeyError` when it was something else."""
        for name, (kinds, expected) in _POSITION.items():
            if type(state[name]) not in kinds or (kinds == _COUNT and state[name] < 0):
                raise ValueError(f"{name}={state[name]!r}, expected {expected}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average and state["average"]:
            self.average.load_state_dict(state["average"])
        self.carried = state["carried"]
        fastgrok.set_rng_state(state["random"])
        for callback in self.callbacks:
            if type(callback).__name__ in state["callbacks"]:
                callback.load_state_dict(state["callbacks"][type(callback).__name__])
        for name in _POSITION:
            setattr(self, name, state[name])


_COUNT, _NONE = (int,), type(None)
_POSITION: dict[str, tuple[tuple[type, ...], str]] = {
    "step": (_COUNT, "a whole number from 0 on"),
    "epoch": (_COUNT, "a whole number from 0 on"),
    "batch": (_COUNT, "a whole number from 0 on"),
    "loss": ((int, float), "a number"),
    "gradient_norm": ((int, float, _NONE), "a number or null"),
    "validation": ((int, float, _NONE), "a number or null"),
    "validated_at": ((int, _NONE), "a whole number or null"),
    "best": ((tuple, _NONE), "a loss and a step, or null"),
}


def fit(
    model: Any,
    loss: Callable,
    optimizer: Any,
    batches: Iterable,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | Budget | None = None,
    validate: Callable[[Any], float] | Iterable | None = None,
    callbacks: list[Callback] | None = None,
    carry_state: bool = False,
    clip_norm: float | None = None,
    average: float | None = None,
    resume: Any = None,
    stop_on_nan: bool = True,
) -> Run:
    """Train `model`: for every batch `(x, y)`, minimise `loss(model(x), y)`.

    Ctrl-C (SIGINT), SIGTERM or SIGHUP ends the run after the current step: callbacks such as `Checkpoint` then save,
    and `fit` returns with the signal's name in `run.stopped`. A second one interrupts at once.

    Parameters
    ----------
    model : nn.Module
    loss : callable
        `loss(output, y)`, a scalar tensor.
    optimizer : optim.Optimizer
    batches : iterable of (x, y)
        Iterated anew in every epoch; `set_epoch(n)` is called first where it exists.
    epochs, steps, seconds
        Where to end: exactly one of them. With `seconds`, steps are timed, and `run.steps` follows from that; a
        `Budget` says more.
    validate : callable or iterable of (x, y), optional
        `validate(model)` returns the validation loss; of batches, the mean of `loss` is taken. At the end of every
        epoch and of the run.
    callbacks : list of Callback, optional
        Default: `[Progress()]`. A `History` is always there. Hooks are called in this order.
    carry_state : bool
        For truncated backpropagation through time: the model is called as `model(x, state)` and returns
        `(output, state)`. The state of one batch, cut off from the graph, goes to the next; None starts an epoch.
    clip_norm : float, optional
        Scale gradients down to this norm, all parameters together.
    average : float, optional
        Keep an exponential average of the weights with this decay, in a copy of the model that is validated (and
        saved) in its place.
    resume : path, optional
        A checkpoint of the same run: continue there. The result is bitwise that of a run without a break.
    stop_on_nan : bool
        Whether `StopOnNaN` comes first among the callbacks.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        When not exactly one of `epochs`, `steps` and `seconds` is given, or one is not positive.
    FloatingPointError
        When the loss or the norm of the gradients is not finite (`stop_on_nan`); the weights are those before that
        step.
    """
    given = {
        name: value for name, value in (("epochs", epochs), ("steps", steps), ("seconds", seconds)) if value is not None
    }
    if len(given) != 1:
        raise ValueError(
            f"fit: {given or 'neither epochs nor steps nor seconds'} given, expected exactly one of the three"
        )
    for name, value in {**given, "clip_norm": 1 if clip_norm is None else clip_norm}.items():
        if not isinstance(value, Budget) and not value > 0:
            raise ValueError(f"fit: {name}={value!r}, expected a positive number")
    run = Run(model, loss, optimizer, batches)
    run.steps, run.epochs = steps, epochs
    if epochs is not None and run.steps_per_epoch is not None:
        run.steps = epochs * run.steps_per_epoch
    run._carry_state, run._clip_norm = carry_state, clip_norm
    run.average = running_average(model, average) if average else None
    run._validate = validate if callable(validate) or validate is None else _mean_loss(loss, validate, carry_state)
    run.callbacks = [*([StopOnNaN()] if stop_on_nan else []), *([Progress()] if callbacks is None else callbacks)]
    run.history = next((c for c in run.callbacks if isinstance(c, History)), run.history)
    if run.history not in run.callbacks:
        run.callbacks.insert(0, run.history)
    if seconds is not None:
        run.callbacks.insert(0, seconds if isinstance(seconds, Budget) else Budget(seconds))
    if resume is not None:
        tensors, content = checkpoint.load_run(resume)
        try:
            run.load_state_dict(checkpoint.unpack(content["run"], tensors))
        except (KeyError, IndexError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            raise checkpoint.CheckpointError(
                f"{resume} is a checkpoint of another run, or damaged: {checkpoint.one_line(error)}"
            ) from None
    model.train()
    # Overflow shows as a loss or a norm that is not finite, and `StopOnNaN` has more to say about it than NumPy.
    with stop_on_signals(run.stop), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            run._emit("on_train_begin")
            run._train()
            if run.stopped and not run.finished:
                of = "" if run.steps is None else f" of {run.steps:,}"
                run.report(f"stopped after step {run.step:,}{of}: {run.stopped}")
            run._emit("on_train_end")
        finally:
            run._emit("on_close")
    return run


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[Any]:
    """Lend a model for evaluation: in eval mode and without gradients for a while, then as it was."""
    training = model.training
    model.eval()
    try:
        with fastgrok.no_grad():
            yield model
    finally:
        model.train(training)


def evaluate(model: Any, loss: Callable, batches: Iterable, carry_state: bool = False) -> float:
    """Return the mean loss over all batches, in eval mode and without gradients.

    Each batch weighs as much as it has targets, so that `loss` is to be a mean over those.
    """
    total, count, state = 0.0, 0, None
    with evaluating(model):
        for x, y in batches:
            if carry_state:
                output, state = model(x, state)
            else:
                output = model(x)
            targets = max(1, math.prod(y.shape))
            total += loss(output, y).item() * targets
            count += targets
    if not count:
        raise ValueError("evaluate: batches is empty")
    return total / count


def _mean_loss(loss: Callable, batches: Iterable, carry_state: bool) -> Callable[[Any], float]:
    return lambda model: evaluate(model, loss, batches, carry_state)


def _skip(batches: Iterable, count: int) -> Iterator[Any]:
    """The batches after the first `count`, which are not even made where batches can be had by number."""
    if count and isinstance(batches, Sized) and hasattr(batches, "__getitem__"):
        yield from (batches[k] for k in range(count, len(batches)))
        return
    for k, batch in enumerate(batches):
        if k >= count:
            yield batch


def _detached(state: Any) -> Any:
    """A tensor, or a tuple, list or dict of them, cut off from the graph."""
    if state is None or hasattr(state, "detach"):
        return None if state is None else state.detach()
    if isinstance(state, dict):
        return {key: _detached(value) for key, value in state.items()}
    return type(state)(_detached(value) for value in state)

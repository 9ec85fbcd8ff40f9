"""`LRScheduler`: counts epochs, and writes the rates of a schedule into the optimizer's groups."""

import warnings
from typing import Any

from ..optimizer import Optimizer

__all__ = ["LRScheduler", "per_group"]


class LRScheduler:
    """The base class: counts epochs and writes what `get_lr` returns into the optimizer's groups.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are changed. Their rates at this moment become "initial_lr".
    last_epoch : int
        -1 to start; the number of the last epoch to continue with groups that have an "initial_lr".

    Raises
    ------
    TypeError
        When `optimizer` is something else.
    KeyError
        When it is to continue and "initial_lr" is missing.
    """

    _is_initial = False  # while the constructor takes its step, which must not change a rate that was restored

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with "
                    "last_epoch >= 0; load the optimizer's state first, or start with last_epoch=-1"
                )
        self.optimizer = optimizer
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            del self._is_initial

    def get_lr(self) -> list[float]:
        """Compute the rate of each group for epoch `last_epoch`. Subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr")

    def get_last_lr(self) -> list[float]:
        """Return the rate of each group as last set."""
        return self._last_lr

    def step(self) -> None:
        """Go on to the next epoch; call it after the optimizer's `step`."""
        own_step = type(self.optimizer).step is Optimizer.step  # one that is overridden is not counted
        if self._step_count == 1 and own_step and self.optimizer.steps_taken == 0:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in the opposite order: "
                "otherwise the first value of the schedule is skipped.",
                stacklevel=2,
            )
        self._step_count += 1
        self.last_epoch += 1
        self._set(self.get_lr())

    def _restart(self) -> None:
        """Set the rates of epoch 0."""
        self.last_epoch = 0
        self._set(self._closed_form() if hasattr(self, "_closed_form") else self.get_lr())

    def _undo(self) -> None:
        """Take back the step of the constructor."""
        self.last_epoch -= 1

    def _set(self, rates: list[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = lr
        self._last_lr = self._current()

    def _current(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimizer: settings and position, as plain Python values."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a `state_dict()`. The rates themselves are in the optimizer's state."""
        self.__dict__.update({name: value for name, value in state_dict.items() if name != "optimizer"})


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """Return a setting as a list with one value for each group of the optimizer.

    Raises `ValueError` when `value` is a list of another length.
    """
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
            f"param_groups has {groups}."
        )
    return list(value)

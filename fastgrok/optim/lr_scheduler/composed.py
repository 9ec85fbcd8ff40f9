"""Schedules made of others: one after another, or all at once."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler
from .plateau import ReduceLROnPlateau

__all__ = ["ChainedScheduler", "SequentialLR"]


def _check_parts(owner: str, optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> None:
    """Raise unless all schedulers can be stepped without arguments and belong to `optimizer`."""
    for i, scheduler in enumerate(schedulers):
        if not isinstance(scheduler, LRScheduler):
            raise TypeError(f"{owner}: schedulers[{i}] is {type(scheduler).__name__}, expected a LRScheduler")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(
                f"{owner} does not support `ReduceLROnPlateau` scheduler, which needs a metric in every step, but got "
                f"one at index {i}"
            )
        if scheduler.optimizer is not optimizer:
            raise ValueError(
                f"{owner} expects all schedulers to belong to the same optimizer, but the one at index "
                f"{i} ({type(scheduler).__name__}) has another"
            )


class _Composed(LRScheduler):
    """What both share: their state is that of their schedulers."""

    _schedulers: list[LRScheduler]

    def _undo(self) -> None:
        for scheduler in self._schedulers:
            scheduler._undo()

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with that of every scheduler."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a `state_dict()`."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Composed):
    """Schedulers one after another: the next takes over, from its epoch 0, at each of the `milestones`.

    Raises
    ------
    ValueError
        When there is no scheduler, one of another optimizer, or not one milestone less than schedulers.
    TypeError
        When something among them is no scheduler.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ):
        if len(schedulers) < 1:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        _check_parts("SequentialLR", optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._schedulers, self._milestones = list(schedulers), list(milestones)
        self.optimizer = optimizer
        # Each scheduler has set the rates for its own start; begin again, with the first one alone.
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"]
        self._undo()
        self._initial_step()
        self.last_epoch += last_epoch + 1

    def _initial_step(self) -> None:
        self.last_epoch = 0
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _restart(self) -> None:
        self.last_epoch = 0
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._restart()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:
        """Go on to the next epoch; call it after the optimizer's `step`."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Composed):
    """Schedulers all at once: each changes what the one before it has made of the rates.

    `optimizer` is that of the first scheduler unless it is given.

    Raises
    ------
    ValueError
        When there is no scheduler, one of another optimizer, or one that needs a metric.
    TypeError
        When something among them is no scheduler.

    Examples
    --------
    >>> import fastgrok
    >>> from fastgrok import optim
    >>> from fastgrok.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> optimizer = optim.SGD([fastgrok.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = ChainedScheduler([ConstantLR(optimizer, factor=0.5, total_iters=1), ExponentialLR(optimizer, 0.5)])
    >>> optimizer.step(); scheduler.step(); scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None):
        if len(schedulers) < 1:
            raise ValueError("ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.")
        first = schedulers[0]
        if optimizer is None and isinstance(first, LRScheduler):
            optimizer = first.optimizer
        _check_parts("ChainedScheduler", optimizer, schedulers)
        self._schedulers, self.optimizer = list(schedulers), optimizer
        self._last_lr = self._current()

    def step(self) -> None:
        """Go on to the next epoch; call it after the optimizer's `step`."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._current()

    def _initial_step(self) -> None:
        # An ordinary step of each, as in PyTorch: one that multiplies rates does so at the start as well.
        for scheduler in self._schedulers:
            scheduler._step_count = 0
        self.step()

    def _restart(self) -> None:
        for scheduler in self._schedulers:
            scheduler._restart()
        self._last_lr = self._current()

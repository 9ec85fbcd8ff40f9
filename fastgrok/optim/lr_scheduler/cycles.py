"""Schedules that go up and down: warm restarts, cycles, and the one cycle of super-convergence."""

import math
import types
from collections.abc import Callable
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, per_group

__all__ = ["CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from initial_lr to `eta_min` in `T_0` epochs, again and again, each `T_mult` times as long.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).

    Raises
    ------
    ValueError
        Unless T_0 and T_mult are whole numbers of at least 1, and eta_min is a number.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1):
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, float | int):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute the rates for this epoch."""
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next epoch, or to `epoch`, which may have a fraction: epoch + batch / batches of an epoch.

        Raises `ValueError` when `epoch` is negative.
        """
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self.T_i, self.T_cur = self.T_0, epoch
            if epoch >= self.T_0 and self.T_mult == 1:
                self.T_cur = epoch % self.T_0
            elif epoch >= self.T_0:
                cycles = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
                self.T_cur = epoch - self.T_0 * (self.T_mult**cycles - 1) / (self.T_mult - 1)
                self.T_i = self.T_0 * self.T_mult**cycles
        self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())


class _MomentumCycle(LRScheduler):
    """What `CyclicLR` and `OneCycleLR` share: momentum goes down where the rate goes up."""

    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(self, optimizer: Optimizer, base: Any, largest: Any, last_epoch: int) -> None:
        """Let all groups begin at their largest momentum (or beta1), and keep both bounds in them.

        Raises `ValueError` when the optimizer has neither, or a list has another length than the groups.
        """
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        bounds = zip(
            per_group("max_momentum", optimizer, largest), per_group("base_momentum", optimizer, base), strict=True
        )
        if last_epoch == -1:
            for group, (most, least) in zip(optimizer.param_groups, bounds, strict=True):
                self._set_momentum(group, most)
                group["max_momentum"], group["base_momentum"] = most, least

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_MomentumCycle):
    """Go in straight lines from `base_lr` up to `max_lr` and down again, cycle after cycle.

    Smith, "Cyclical learning rates for training neural networks" (2017). A step is a batch, not an epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are changed.
    base_lr, max_lr : float, or a list with one for each group
        The bounds; the schedule begins at base_lr.
    step_size_up, step_size_down : int
        Steps of the first and the second half of a cycle; equal unless the second is given.
    mode : "triangular", "triangular2" or "exp_range"
        Cycles of one height, of half the height of the one before, or lower by `gamma` from step to step.
    gamma : float
        See `mode`.
    scale_fn, scale_mode : callable, "cycle" or "iterations"
        In place of a mode: the factor of the height, of the number of the cycle (from 1) or of the step.
    cycle_momentum : bool
        Whether momentum (or beta1) goes from max_momentum to base_momentum and back at the same time.
    base_momentum, max_momentum : float, or a list with one for each group
        The bounds of the momentum.
    last_epoch : int
        As in `LRScheduler`.

    Raises
    ------
    ValueError
        When the mode is unknown, the optimizer has no momentum to cycle, or a list has the wrong length.
    TypeError
        When `optimizer` is something else.
    """

    _MODES = ("triangular", "triangular2", "exp_range")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if mode not in self._MODES and scale_fn is None:
            raise ValueError(f"mode is invalid and scale_fn is None: mode={mode!r}, expected one of {self._MODES}")
        base_lrs = per_group("base_lr", optimizer, base_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = per_group("max_momentum", optimizer, max_momentum)
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs, strict=True):
                group["lr"] = lr
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Return the factor of the height in cycle (or at step) number `x`."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return 0.5 ** (x - 1)
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def get_lr(self) -> list[float]:
        """Compute the rates for this step; sets the momentum as well."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (least, most) in zip(self.optimizer.param_groups, bounds, strict=True):
                self._set_momentum(group, most - (most - least) * height)
        return [base + (most - base) * height for base, most in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return the state; of `scale_fn` only the attributes of a callable object, as functions cannot be saved."""
        fn = self._scale_fn_custom
        attributes = None if fn is None or isinstance(fn, types.FunctionType) else dict(fn.__dict__)
        return {**super().state_dict(), "_scale_fn_custom": attributes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a `state_dict()`."""
        attributes = state_dict["_scale_fn_custom"]
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_scale_fn_custom"})
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)


class OneCycleLR(_MomentumCycle):
    """One rise from a small rate to `max_lr`, and one fall to a much smaller one, over the whole training.

    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2018). A
    step is a batch, not an epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are changed.
    max_lr : float, or a list with one for each group
        The largest rate.
    total_steps : int, optional
        The length of the training; or give `epochs` and `steps_per_epoch`.
    epochs, steps_per_epoch : int, optional
        See `total_steps`.
    pct_start : float
        The part of the steps in which the rate rises, from 0 to 1.
    anneal_strategy : "cos" or "linear"
        The form of the lines.
    cycle_momentum : bool
        Whether momentum (or beta1) goes from max_momentum to base_momentum and back at the same time.
    base_momentum, max_momentum : float, or a list with one for each group
        The bounds of the momentum.
    div_factor, final_div_factor : float
        The first rate is max_lr / div_factor, the last one that divided by final_div_factor.
    three_phase : bool
        Whether the rate falls to where it began in as many steps as it rose, and only then to the end.
    last_epoch : int
        As in `LRScheduler`.

    Raises
    ------
    ValueError
        When a setting makes no sense, the optimizer has no momentum to cycle, or a list has the wrong length; by
        `step`, when there are more than `total_steps`.
    TypeError
        When `optimizer` is something else.

    Examples
    --------
    >>> import fastgrok
    >>> from fastgrok import optim
    >>> optimizer = optim.SGD([fastgrok.zeros(1, requires_grad=True)], momentum=0.9)
    >>> scheduler = OneCycleLR(optimizer, max_lr=1.0, total_steps=5, pct_start=0.6, anneal_strategy="linear")
    >>> for _ in range(4):
    ...     optimizer.step(); scheduler.step(); print(f"{scheduler.get_last_lr()[0]:.4g}")
    0.52
    1
    0.5
    4e-06
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
            _check_positive("epochs", epochs)
            _check_positive("steps_per_epoch", steps_per_epoch)
            total_steps = epochs * steps_per_epoch
        _check_positive("total_steps", total_steps)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        max_lrs = per_group("max_lr", optimizer, max_lr)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        self.total_steps, self._anneal_func_type = total_steps, anneal_strategy
        # Each phase ends at a step, and goes from one rate and momentum of a group to another.
        up = _phase(pct_start * total_steps - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if three_phase:
            back = 2 * pct_start * total_steps - 2
            down = [
                _phase(back, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                _phase(total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            down = [_phase(total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        self._schedule_phases = [up, *down]
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"], group["max_lr"] = most / div_factor, most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute the rates for this step; sets the momentum as well."""
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        start: float = 0.0
        for phase in self._schedule_phases:
            if step <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        part = (step - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                bounds = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*bounds, part))
        return rates

    def _between(self, start: float, end: float, part: float) -> float:
        """Return the point at `part`, from 0 to 1, of the line from `start` to `end`."""
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


def _phase(end: float, start_lr: str, end_lr: str, start_momentum: str, end_momentum: str) -> dict[str, Any]:
    return {
        "end_step": end,
        "start_lr": start_lr,
        "end_lr": end_lr,
        "start_momentum": start_momentum,
        "end_momentum": end_momentum,
    }


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")

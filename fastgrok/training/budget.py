"""Training for a given time: steps are timed, and the number of them follows from that."""

import math
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .callbacks import Callback
from .progress import clock

if TYPE_CHECKING:
    from .loop import Run

__all__ = ["TIMED_STEPS", "YEAR", "Budget", "process_started"]

YEAR = 365 * 24 * 60 * 60
TIMED_STEPS = 20  # at least so many steps are timed; a schedule of learning rates must not depend on the end before
_LOADING_STEPS = 3  # the first steps load or compile kernels, and say nothing about the others
_PARTS = 10  # of the time, and of the steps; after each of them the plan is made anew
_WORTH_SAYING = 0.05  # a plan that has changed by this share is shown to the user


class Budget(Callback):
    """Choose the number of steps so that a run ends in time, and see to it that it does.

    How. Some of the first steps are timed, but not the very first, and then one validation. From that follows the
    number of steps, which leaves time for what comes after the last step (a validation and `reserve`), and on top of
    it keeps `margin` of the time free, because machines have other things to do. Whenever another tenth of
    the time has passed, or of the steps been made, the number of steps follows anew from what the last of them took:
    had it been fixed while something else kept the machine busy for ten seconds, the rest of the run would suffer.
    Learning rates are a function of the step and of that number, `run.steps`, so that they change by as little as the
    number does.

    A run that is broken off and continued keeps the number that the checkpoint has, whatever its steps take now.

    Should the machine turn out so much slower that the time runs out before the last step, the run is stopped, as if
    it had been interrupted, just early enough for the final validation and `reserve`. What has been learnt is saved,
    and the remaining steps can still be made by continuing the run.

    Parameters
    ----------
    seconds : float
        At most a year.
    started : float, optional
        When the clock started, as `time.monotonic()`; default: when `fit` begins.
    timed_steps : int
        Steps that are timed; fewer, but at least 20, when they take more than a tenth of the time.
    reserve : float, or callable
        Seconds that are needed after the last validation, or a function that returns them. What that validation takes
        is known from an earlier one, or from `run.validation_seconds` where a callback has estimated it; in a run so
        short that an earlier one would take much of its time, only from there.
    margin : float
        The share of time that is kept free for slower moments.

    Raises `ValueError` unless 0 < seconds <= a year.
    """

    LATE = "the time ran out"

    def __init__(
        self,
        seconds: float,
        started: float | None = None,
        timed_steps: int = TIMED_STEPS,
        reserve: float | Callable[[], float] = 0.0,
        margin: float = 0.01,
    ):
        if not 0 < seconds <= YEAR:
            raise ValueError(f"Budget: seconds={seconds!r}, expected a positive number, at most {YEAR:,} (a year)")
        self.seconds, self.started, self.timed_steps = seconds, started, timed_steps
        self.reserve, self.margin = reserve, margin
        self.steps: int | None = None
        self._times: list[float] = []  # of steps, with whatever happens from one to the next
        self._last: float | None = None  # when the last step ended; None after a pause, such as a validation
        self._deadline = math.inf

    def on_train_begin(self, run: "Run") -> None:
        """Start the clock, unless the number of steps is known from an earlier part of the run."""
        if self.steps is not None:
            run.steps = self.steps
            return
        self._deadline = (time.monotonic() if self.started is None else self.started) + self.seconds
        self._times, self._last = [], None

    def on_step_begin(self, run: "Run") -> None:
        """Start the clock of a step after a pause."""
        if self._last is None:
            self._last = time.monotonic()

    def on_step_end(self, run: "Run") -> None:
        """Time the steps, plan, and watch the clock."""
        if self._deadline < math.inf and not run.finished:
            now = time.monotonic()
            self._times.append(now - (now if self._last is None else self._last))
            self._last = now
            if self.steps is not None:
                if sum(self._times) > self.seconds / _PARTS or len(self._times) > self.steps / _PARTS:
                    self._plan(run, statistics.fmean(self._times))
            elif self._timed_enough(run):
                times = self._times[_LOADING_STEPS:]
                # A step that loaded or compiled one more kernel says nothing about the others.
                self._plan(run, statistics.fmean(t for t in times if t <= 3 * statistics.median(times)))
        if self.time_left() < self._after_the_last_step(run) and not run.finished:
            run.stop(self.LATE)

    def on_validation_end(self, run: "Run") -> None:
        """Keep the time out of that of the steps."""
        self._last = None

    def time_left(self) -> float:
        """Return the seconds until the time is up; infinity when there is no hurry."""
        return self._deadline - time.monotonic()

    def _after_the_last_step(self, run: "Run") -> float:
        return 1.1 * run.validation_seconds + (self.reserve() if callable(self.reserve) else self.reserve)

    def _timed_enough(self, run: "Run") -> bool:
        spent = sum(self._times[_LOADING_STEPS:])
        enough = len(self._times) > self.timed_steps or spent > 0.1 * self.seconds
        return enough and run.step >= TIMED_STEPS and len(self._times) > _LOADING_STEPS + 5

    def _plan(self, run: "Run", per_step: float) -> None:
        if self.steps is None and self.time_left() > 5 * self._after_the_last_step(run):
            run.validate()
        validations_per_step = run.validation_seconds / run.steps_per_epoch if run.steps_per_epoch else 0.0
        left = self.time_left() - self.margin * self.seconds - self._after_the_last_step(run)
        steps = run.step + max(1, math.floor(left / (per_step + validations_per_step)))
        if self.steps is None or abs(steps - self.steps) > _WORTH_SAYING * self.steps:
            run.report(
                f"{1000 * per_step:.1f} ms per step: {steps:,} steps fit into {clock(self.seconds)}"
                + (f", {steps / run.steps_per_epoch:.1f} epochs" if run.steps_per_epoch else "")
            )
        self.steps = run.steps = steps
        self._times = []

    def state_dict(self) -> Any:
        """Return the number of steps, None before anything was timed."""
        return {"steps": self.steps}

    def load_state_dict(self, state: Any) -> None:
        """Continue with a number of steps that is known already; raises `ValueError` when it is no such number."""
        steps = state["steps"]
        if steps is not None and not (type(steps) is int and steps >= 1):
            raise ValueError(f"Budget: steps={steps!r}, expected a whole number from 1 on, or null")
        self.steps = steps


def process_started() -> float:
    """Return when this process was started, as `time.monotonic()`.

    Linux says so to the hundredth of a second; elsewhere it is taken to be a moment before now.
    """
    try:
        import os

        with open("/proc/self/stat") as file:
            after_boot = int(file.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - after_boot
        if 0 <= age < 600:  # called early in the life of a command; anything else is a clock that counts differently
            return time.monotonic() - age
    except (OSError, ValueError, IndexError, AttributeError):
        pass
    return time.monotonic() - 0.2

"""Whether the machine is as fast as it can be, by two small pieces of work that belong to neither library.

The cores of a virtual machine are threads of its host, which moves them while programs run. On the machine of the
README a line of memory took 44 ns from one core to the other when both shared a cache, 250 when they lay on different
dies, and 19 when they were the two halves of one core, which then multiplied half as fast. Small steps on two threads
took 1.1 to 2.8 times as long on different dies, most of PyTorch's suffered less, for a second or for several minutes.
Threads that hand each other what they have just written notice different dies; threads that do nothing but
multiply-adds notice halves of one core.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .process import Worker, WorkerError
from .worker import serve, time_calls

SLACK = 1.5
"""How many times its mark a piece of work may take before a measurement does not count. Busy neighbours on both cores
cost 1.2 to 1.3, too often to wait for their end, and slow both libraries alike."""

_LOOKS = 20  # before the first measurement, over some seconds
_PAUSE = 0.25  # seconds between looks
_FAST_SHARE = 0.05  # of the looks, which are faster than the mark: the very fastest are flukes
_PASSED = 1 << 16  # numbers that a thread takes from another: 256 KB, from its second-level cache
_OWN = 1 << 10  # numbers that a thread multiplies, in its first-level cache
_STEPS = 8

Result = TypeVar("Result")


class Look(NamedTuple):
    """Seconds that threads took to pass things on, and to multiply."""

    passing: float
    multiplying: float


class Steady:
    """Calls measurements, and again those before or after which the machine was slow.

    Nothing but `look` is looked at, so which measurements count does not depend on what they found. After `patience`
    seconds of waiting and of measuring in vain everything counts, until `renew` is called; `summary` tells how much was
    disturbed.
    """

    def __init__(self, look: Callable[[], Look], patience: float):
        self._look, self._patience, self._left = look, patience, patience
        self._spent = 0.0  # seconds before patience was last renewed
        self._looks: list[Look] = []  # all but those of a wait: a long one must not become what is expected
        self._beside: list[tuple[Look, Look]] = []  # before and after each measurement that counts
        self._repeated = 0

    def __call__(self, measure: Callable[[], Result]) -> Result:
        """Return what `measure()` returned while the machine was steady, or at last when patience was at its end."""
        if not self._looks:
            self._get_to_know()
        while True:
            before = self._wait()
            began = time.monotonic()
            found = measure()
            spent = time.monotonic() - began
            after = self._look()
            self._looks.append(after)
            if self._left <= 0 or (self._is_fast(before) and self._is_fast(after)):
                self._beside.append((before, after))
                return found
            self._left -= spent
            self._repeated += 1

    def renew(self) -> None:
        """Be as patient as at first: an hour of moving cores must not leave nothing for what is measured last."""
        self._spent += self._patience - self._left
        self._left = self._patience

    def _get_to_know(self) -> None:
        for _ in range(_LOOKS if self._patience else 1):
            self._looks.append(self._look())
            time.sleep(_PAUSE)

    def _wait(self) -> Look:
        """Look until the machine is fast, or patience at its end; return the last look."""
        last, began = self._look(), time.monotonic()
        self._looks.append(last)
        while not self._is_fast(last) and time.monotonic() - began < self._left:
            time.sleep(_PAUSE)
            last = self._look()
        self._left -= time.monotonic() - began
        return last

    def _is_fast(self, look: Look) -> bool:
        mark = self._mark()
        return look.passing <= SLACK * mark.passing and look.multiplying <= SLACK * mark.multiplying

    def _mark(self) -> Look:
        """The fast end of all looks; two halves of one core pass things quickly, so only looks that multiply fast."""
        multiplying = _fast_end([look.multiplying for look in self._looks])
        passing = [look.passing for look in self._looks if look.multiplying <= SLACK * multiplying]
        return Look(_fast_end(passing), multiplying)

    def summary(self) -> dict:
        """Return the mark of passing, how many measurements there were, and seconds spent on a steady machine.

        `disturbed` counts those beside which the machine was slow by what is known at the end. Empty without any.
        """
        if not self._beside:
            return {}
        return {
            "microseconds": self._mark().passing * 1e6,
            "measured": len(self._beside),
            "repeated": self._repeated,
            "disturbed": sum(not (self._is_fast(before) and self._is_fast(after)) for before, after in self._beside),
            "seconds": self._spent + self._patience - self._left,
        }


def _fast_end(times: list[float]) -> float:
    return sorted(times)[int(_FAST_SHARE * len(times))]


def looking(stack: ExitStack, start: Callable[[], Worker]) -> Callable[[], Look]:
    """Return what looks, in a process that starts when it is needed, and again should it die; `stack` ends it."""
    workers: list[Worker] = []

    def ask() -> Look:
        if not workers or not workers[-1].alive:
            workers.append(stack.enter_context(start()))
        return Look(**workers[-1].ask("look", seconds=0.02))

    def look() -> Look:
        try:
            return ask()
        except WorkerError:
            return ask()

    return look


def start(threads: int) -> Worker:
    """Start the process that looks with so many threads."""
    return Worker("yardstick", threads, module="asv_bench.compare.yardstick")


def loops() -> tuple[Callable[[np.ndarray, np.ndarray, int], None], Callable[[np.ndarray, int], None]]:
    """Return two compiled functions of arrays (threads, numbers), in which each number becomes (3 x + 1) / 4, 8 times.

    pass_on(x, y, n): n times, each thread takes what another one wrote last; x and y change places.
    multiply(x, n): n times, each thread takes its own.
    """
    import numba

    @numba.njit(fastmath={"contract"})
    def move(source, target):
        for k in range(source.size):
            value = source[k]
            for _ in range(_STEPS):
                value = value * np.float32(0.75) + np.float32(0.25)
            target[k] = value

    @numba.njit(parallel=True)
    def pass_on(x, y, n):
        for i in range(n):
            for s in numba.prange(len(x)):
                part = (s + i) % len(x)
                if i % 2 == 0:
                    move(x[part], y[part])
                else:
                    move(y[part], x[part])

    @numba.njit(parallel=True)
    def multiply(x, n):
        for s in numba.prange(len(x)):
            for _ in range(n):
                move(x[s], x[s])

    return pass_on, multiply


def _look(compiled: tuple[Callable, Callable], threads: int, seconds: float) -> dict:
    pass_on, multiply = compiled
    x, y = np.zeros((threads, _PASSED), np.float32), np.zeros((threads, _PASSED), np.float32)
    own = np.zeros((threads, _OWN), np.float32)
    return {
        "passing": time_calls(lambda: pass_on(x, y, 2), seconds) / 2,
        "multiplying": time_calls(lambda: multiply(own, 40), seconds),
    }


def main() -> None:
    """Serve: {"task": "look", "seconds": 0.02} is answered by the seconds of both."""
    import numba

    # Threads without work spin before they sleep: no longer than between two loops, not into what is measured next.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    threads = int(sys.argv[2])
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    tasks: dict[str, Any] = {"look": lambda compiled, seconds: _look(compiled, threads, seconds)}
    serve(loops(), tasks)


if __name__ == "__main__":
    main()

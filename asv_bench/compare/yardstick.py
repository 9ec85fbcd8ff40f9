"""Whether the machine is as fast as it usually is, by two small pieces of work that belong to neither library.

The cores of a virtual machine are threads of its host, which moves them while programs run. On the machine of the
README a line of memory took 44 ns from one core to the other when both shared a cache, 250 when they lay on different
dies, and 19 when they were the two halves of one core, which then multiplied half as fast. Small steps on two threads
were 1.5 to 3 times as slow there, PyTorch's less so, for a second or for many minutes. Threads that hand each other
what they have just written notice the first, threads that do nothing but multiply-adds the second.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .worker import serve, time_calls

MODULE = "asv_bench.compare.yardstick"
SLACK = 1.5
"""How many times its usual time a piece of work may take before a measurement does not count. Both cores with busy
neighbours cost 1.2 to 1.3, too often to wait for their end, and slow both libraries alike."""

_LOOKS = 20  # before the first measurement, over some seconds
_PAUSE = 0.25  # seconds between looks
_USUAL = 0.05  # the share of the looks that were faster than the usual time: the very fastest are flukes
_PASSED = 1 << 16  # numbers that a thread takes from another: 256 KB, from its second-level cache
_OWN = 1 << 10  # numbers that a thread multiplies, in its first-level cache
_STEPS = 8

Result = TypeVar("Result")


class Steady:
    """Calls measurements, and again those before or after which the machine was slow.

    `look` returns the seconds of the two pieces of work, (passing, multiplying). Nothing else is looked at, so which
    measurements count does not depend on what they found. After `patience` seconds of waiting and of measuring in vain
    everything counts, and `disturbed` tells how often.
    """

    def __init__(self, look: Callable[[], tuple[float, float]], patience: float):
        self._look, self._patience = look, patience
        self._looks: list[tuple[float, float]] = []
        self.measured = self.repeated = self.disturbed = 0

    def __call__(self, measure: Callable[[], Result]) -> Result:
        """Return what `measure()` returned while the machine was steady, or at last when patience was at its end."""
        if not self._looks:
            self._get_to_know()
        began = time.monotonic()
        while True:
            self._wait(began)
            start = time.monotonic()
            found = measure()
            fast = self._fast()
            if fast or not self._has_patience(began):
                break
            self.repeated += 1
        self._patience -= start - began  # all but the measurement that counts
        self.measured += 1
        self.disturbed += not fast
        return found

    def _get_to_know(self) -> None:
        for _ in range(_LOOKS if self._patience else 1):
            self._looks.append(self._look())
            time.sleep(_PAUSE)

    def _wait(self, began: float) -> None:
        while not self._fast() and self._has_patience(began):
            time.sleep(_PAUSE)

    def _has_patience(self, began: float) -> bool:
        return time.monotonic() - began < self._patience

    def _fast(self) -> bool:
        self._looks.append(self._look())
        passing, multiplying = self._usual()
        return self._looks[-1][0] <= SLACK * passing and self._looks[-1][1] <= SLACK * multiplying

    def _usual(self) -> tuple[float, float]:
        """The usual times: of passing where multiplying is fast, since two halves of one core pass things quickly."""
        multiplying = _quick([each for _, each in self._looks])
        return _quick([each for each, beside in self._looks if beside <= SLACK * multiplying]), multiplying

    def summary(self) -> dict:
        """Return the usual time of passing, and how many measurements there were; nothing where there were none."""
        if not self.measured:
            return {}
        counts = {name: getattr(self, name) for name in ("measured", "repeated", "disturbed")}
        return {"microseconds": self._usual()[0] * 1e6, **counts}


def _quick(times: list[float]) -> float:
    return sorted(times)[int(_USUAL * len(times))]


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


def look(worker: Any) -> tuple[float, float]:
    """Ask a worker of this module for both times."""
    found = worker.ask("look", seconds=0.02)
    return found["passing"], found["multiplying"]


def main() -> None:
    """Serve: {"task": "look", "seconds": 0.02} is answered by the seconds of both."""
    import sys

    threads = int(sys.argv[2])
    serve(loops(), {"look": lambda compiled, seconds: _look(compiled, threads, seconds)})


if __name__ == "__main__":
    main()

"""Whether the machine is as fast as at its best, by a small fixed piece of work that belongs to neither library.

The cores of a virtual machine are threads of its host, which moves them while programs run. On the machine of the
README a line of memory took 44 ns from one core to the other when both shared a cache, 250 when they lay on different
dies, and 19 when they were the two halves of one core, which then multiplied half as fast. Small steps on two threads
were 1.5 to 3 times as slow there, PyTorch's less so, for a second or for many minutes. Two threads that hand each
other what they have just written, and calculate a little with it, notice all of this.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from .worker import serve, time_calls

MODULE = "asv_bench.compare.yardstick"
SLACK = 1.15
"""How many times its least time the yardstick may take before a measurement does not count."""

_LOOKS = 20  # for the least time, over some seconds
_PAUSE = 0.25  # seconds between looks
_NUMBERS = 1 << 16  # a thread's part: 256 KB, to be fetched from the other core's second-level cache
_STEPS = 8

Result = TypeVar("Result")


class Steady:
    """Calls measurements, and again those before or after which the yardstick was slow.

    It looks at nothing but the yardstick, so which measurements count does not depend on what they found. After
    `patience` seconds of waiting and of measuring in vain everything counts, and `disturbed` tells how often.
    """

    def __init__(self, look: Callable[[], float], patience: float):
        self._look, self._patience = look, patience
        self.least = float("inf")
        self.measured = self.repeated = self.disturbed = 0

    def __call__(self, measure: Callable[[], Result]) -> Result:
        """Return what `measure()` returned while the machine was steady, or at last when patience was at its end."""
        if not self.measured:
            self._find_least()
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

    def _find_least(self) -> None:
        for _ in range(_LOOKS if self._patience else 1):
            self._fast()
            time.sleep(_PAUSE)

    def _wait(self, began: float) -> None:
        while not self._fast() and self._has_patience(began):
            time.sleep(_PAUSE)

    def _has_patience(self, began: float) -> bool:
        return time.monotonic() - began < self._patience

    def _fast(self) -> bool:
        taken = self._look()
        self.least = min(self.least, taken)
        return taken <= SLACK * self.least

    def summary(self) -> dict:
        """Return the least time and how many measurements there were; nothing where there were none."""
        counts = {name: getattr(self, name) for name in ("measured", "repeated", "disturbed")}
        return {"microseconds": self.least * 1e6, **counts} if self.measured else {}


def passing_loop() -> Callable[[np.ndarray, np.ndarray, int], None]:
    """Return a compiled f(x, y, n) over arrays (threads, numbers): n times, each thread takes another's last results.

    Every element becomes (3 x + 1) / 4, eight times in a row, and x and y change places.
    """
    import numba

    @numba.njit(parallel=True, fastmath={"contract"})
    def loop(x, y, n):
        for i in range(n):
            source, target = (x, y) if i % 2 == 0 else (y, x)
            for s in numba.prange(len(x)):
                part = (s + i) % len(x)
                for k in range(x.shape[1]):
                    value = source[part, k]
                    for _ in range(_STEPS):
                        value = value * np.float32(0.75) + np.float32(0.25)
                    target[part, k] = value

    return loop


def _time(loop: Callable[[np.ndarray, np.ndarray, int], None], threads: int, seconds: float) -> dict:
    x, y = np.zeros((threads, _NUMBERS), np.float32), np.zeros((threads, _NUMBERS), np.float32)
    return {"seconds": time_calls(lambda: loop(x, y, 2), seconds) / 2}


def main() -> None:
    """Serve: {"task": "time", "seconds": 0.02} is answered by the seconds of one exchange."""
    import sys

    threads = int(sys.argv[2])
    tasks: dict[str, Any] = {"time": lambda loop, seconds: _time(loop, threads, seconds)}
    serve(passing_loop(), tasks)


if __name__ == "__main__":
    main()

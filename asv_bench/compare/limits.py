"""What the machine can do, and how much of it the kernels reach. All of it is measured side by side in one process.

Two limits: multiply-adds on vectors that never leave their registers, and copying memory that fits no cache. Both are
measured with as many threads as the kernels get; Python's own threads do, because neither holds the interpreter's lock.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np

from . import rounds

PRODUCTS = {512: 0.75, 1024: 0.85, 2048: 0.85}
"""Sizes of square matrices, and the share of the peak that their product should reach."""
STREAMS = {"SGD": 0.7, "Adam": 0.7, "gather of rows": 0.7, "softmax": 0.7}
"""Kernels that do little but move memory, and the share of the copy's bandwidth that they should reach."""
THREADS = {256: 1.8, 128: 1.5}
"""From how many hidden units on two threads should make a training step how many times faster."""

_CHAINS = 12  # sums that wait for nobody: 2 units with a latency of 4 or 5 cycles each need 10
_ELEMENTS = 1 << 25  # 128 MB of float32, for the copy and each stream alike: several times what caches hold


def collect(
    start: rounds.Start, threads: int, count: int, seconds: float, steady: rounds.Steady = rounds.at_once
) -> dict:
    """Measure in rounds: {"1": {limit or kernel: rates by round}, "2": ...}, the keys being numbers of threads."""
    found: dict = {str(n): {} for n in sorted({1, threads})}
    with start("fastgrok") as worker:
        for number in range(count):
            for n, rates in found.items():
                reply = steady(lambda n=int(n): worker.ask("limits", threads=n, seconds=seconds / 2))
                for name, rate in reply.items():
                    rates.setdefault(name, []).append(rate)
                print(f"limits, round {number + 1}: {n} threads", flush=True)
    return found


def shares(rates: dict, name: str, limit: str) -> float:
    """The median of the rounds' shares of a limit."""
    return median(rate / most for rate, most in zip(rates[name], rates[limit], strict=True))


def measure(library: Any, threads: int, seconds: float) -> dict:
    """Return operations per second of the peak and the products, bytes per second of the copy and the streams."""
    library.set_num_threads(threads)
    with ThreadPoolExecutor(threads) as pool:
        found = {"peak": _multiply_adds(pool, threads, seconds), "copy": _copy(pool, threads, seconds)}
    found.update({f"product {size}": _product(size, seconds) for size in PRODUCTS})
    found.update({name: moved / fastest(call, seconds) for name, (call, moved) in _streams().items()})
    return found


def fastest(call: Callable[[], Any], seconds: float) -> float:
    """Return the seconds of the fastest call: a limit is what is possible, and the kernels are treated the same."""
    call()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def _multiply_adds(pool: ThreadPoolExecutor, threads: int, seconds: float) -> float:
    loop, lanes = multiply_add_loop()
    rounds = 200_000  # about 10 ms
    data = [np.full(lanes, 0.5, np.float32) for _ in range(threads)]

    def run():
        list(pool.map(lambda x: loop(x, rounds), data))

    return threads * rounds * _CHAINS * lanes * 2 / fastest(run, seconds)


def multiply_add_loop() -> tuple[Callable[[np.ndarray, int], None], int]:
    """Return a compiled f(x, n), which does 12 n multiply-adds on vectors of x, and the lanes of a vector."""
    import numba

    from fastgrok_kernels.simd import LANES
    from fastgrok_kernels.vector import load, store

    @numba.njit(nogil=True, fastmath={"contract"})
    def loop(x, n):
        factor = load(x, 0)
        a = b = c = d = e = f = g = h = i = j = k = l = factor
        for _ in range(n):
            a, b, c = a * factor + factor, b * factor + factor, c * factor + factor
            d, e, f = d * factor + factor, e * factor + factor, f * factor + factor
            g, h, i = g * factor + factor, h * factor + factor, i * factor + factor
            j, k, l = j * factor + factor, k * factor + factor, l * factor + factor
        store(x, 0, (a + b + c + d + e + f + g + h + i + j + k + l) * factor)

    return loop, LANES


def _copy(pool: ThreadPoolExecutor, threads: int, seconds: float) -> float:
    source, target = np.ones(_ELEMENTS // 2, np.float32), np.zeros(_ELEMENTS // 2, np.float32)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))

    def run():
        list(pool.map(lambda part: np.copyto(*part), parts))

    return 2 * source.nbytes / fastest(run, seconds)


def _product(size: int, seconds: float) -> float:
    import fastgrok_kernels as kernels

    generator = np.random.default_rng(0)
    a, b = (generator.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    c = np.empty_like(a)
    return 2 * size**3 / fastest(lambda: kernels.matmul_into(c, a, b), seconds)


def _streams() -> dict[str, tuple[Callable[[], Any], float]]:
    """Return for each kernel a call, and the bytes that it has to read and write."""
    import fastgrok_kernels as kernels

    p, g = (np.full(_ELEMENTS // 2, 0.01, np.float32) for _ in range(2))
    adam = [array for whole in (p, g) for array in np.split(whole, 2)]
    table = x = p.reshape(-1, 256)
    ids = np.random.default_rng(0).permutation(len(table))
    return {
        "SGD": (lambda: kernels.sgd_into(p, g, 1e-9, 0.0), 3 * p.nbytes),
        "Adam": (lambda: kernels.adam_into(*adam, 1e-9, 0.9, 0.999, 1e-8, 0.0, 10), 7 * adam[0].nbytes),
        "gather of rows": (lambda: kernels.embedding_forward(table, ids), 2 * table.nbytes + ids.nbytes),
        "softmax": (lambda: kernels.softmax_forward(x), 2 * x.nbytes),
    }

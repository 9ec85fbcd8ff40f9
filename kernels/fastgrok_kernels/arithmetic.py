"""Arithmetic on large arrays, where a second core or more sums at once beat NumPy."""

import numpy as np

from . import jit, memory

__all__ = ["multiply", "total"]

CHUNK = 1 << 13  # elements per parallel iteration; sums are made of chunks of it, whatever the number of threads


def multiply(x, factor):
    """y = factor x, element by element.

    `x` (...), float32 or float64; `factor` of its dtype, and of its shape or (). Returns `y` (...).
    """
    y = memory.empty_like(x)
    if y.size:
        _multiply_chunks(x.reshape(-1), factor.reshape(-1), y.reshape(-1))
    return y


def total(x):
    """The sum of all elements, of chunks in the dtype of x, and of all chunks in float64.

    `x` (...), float32 or float64. Returns an array () of its dtype. One core is 3 times as fast as NumPy.
    """
    sums = np.empty((x.size + CHUNK - 1) // CHUNK, x.dtype)
    if sums.size:
        _sum_chunks(x.reshape(-1), sums)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.add.reduce(sums, dtype=np.float64), x.dtype)


@jit.serial
def _multiply(x, factor, y):
    for i in range(y.size):
        y[i] = x[i] * factor[i]


@jit.serial
def _scale(x, factor, y):
    for i in range(y.size):
        y[i] = x[i] * factor


@jit.serial(reassociate=True)
def _sum(x):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i]
    return total


@jit.parallel(work=lambda x, factor, y: 0.15 * y.size)
def _multiply_chunks(x, factor, y):
    for k in jit.prange((y.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, y.size)
        if factor.size == 1:
            _scale(x[low:high], factor[0], y[low:high])
        else:
            _multiply(x[low:high], factor[low:high], y[low:high])


@jit.parallel(work=lambda x, sums: 0.1 * x.size)
def _sum_chunks(x, sums):
    for k in jit.prange(sums.size):
        sums[k] = _sum(x[k * CHUNK : min(k * CHUNK + CHUNK, x.size)])

"""All products of two vectors: also what repeats a vector, beside or below itself, where one of the two is of ones."""

import numpy as np

from . import jit, memory

__all__ = ["outer"]

CHUNK = 1 << 13  # elements per parallel iteration


def outer(x, other):
    """y[n, m] = x[n] other[m].

    `x` (N,), `other` (M,), float32 or float64. Returns `y` (N, M). NumPy's product of a column and a row takes one core
    half as long again, and has no second one.
    """
    y = memory.empty((x.size, other.size), x.dtype)
    if y.size:
        _multiply_chunks(x, other, y.reshape(-1))
    return y


@jit.serial
def _multiply(x, factor, y):
    for i in range(y.size):
        y[i] = factor * x[i]


@jit.parallel(work=lambda x, other, y: 0.1 * y.size)
def _multiply_chunks(x, other, y):
    M = other.size
    for k in jit.prange((y.size + CHUNK - 1) // CHUNK):
        low, high = np.int64(k) * CHUNK, min(np.int64(k) * CHUNK + CHUNK, y.size)
        n, m = low // M, low % M
        while low < high:
            end = min(low + M - m, high)
            _multiply(other[m : m + end - low], x[n], y[low:end])
            low, n, m = end, n + 1, 0

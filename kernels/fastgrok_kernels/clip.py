"""What clipping by the global norm needs: the sum of squares of a gradient, and its scaling in place."""

import numpy as np

from . import jit

__all__ = ["scale_into", "sum_of_squares"]

CHUNK = 1 << 14  # elements per parallel iteration; fixed, so that sums do not depend on the number of threads


def sum_of_squares(x):
    """The sum of x[i]^2 as a Python float, accumulated in float64.

    `x` (...), float32 or float64.
    """
    sums = np.zeros((x.size + CHUNK - 1) // CHUNK)
    if x.size:
        _square_sums(x.reshape(-1), sums)
    return float(sums.sum())


def scale_into(x, factor):
    """x[i] *= factor, in place.

    `x` (...), float32 or float64; `factor` is rounded to its dtype first.
    """
    if x.size:
        _scale_chunks(x.reshape(-1), x.dtype.type(factor))


@jit.serial(reassociate=True)
def _square_sum(x):
    total = 0.0
    for i in range(x.size):
        value = np.float64(x[i])
        total += value * value
    return total


@jit.serial
def _scale(x, factor):
    for i in range(x.size):
        x[i] *= factor


@jit.parallel(work=lambda x, sums: 0.06 * x.size)
def _square_sums(x, sums):
    for k in jit.prange(sums.size):
        sums[k] = _square_sum(x[k * CHUNK : min(k * CHUNK + CHUNK, x.size)])


@jit.parallel(work=lambda x, factor: 0.06 * x.size)
def _scale_chunks(x, factor):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        _scale(x[k * CHUNK : min(k * CHUNK + CHUNK, x.size)], factor)

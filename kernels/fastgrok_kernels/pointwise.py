"""Cheap functions of single elements: as quick as memory, which one core does not keep busy.

One loop for all of them, since each loop takes seconds to compile.
"""

import numpy as np

from . import jit, memory

__all__ = ["absolute", "ceil", "clamp", "floor", "negative", "rint", "sign"]

CHUNK = 1 << 13  # elements per parallel iteration
ABSOLUTE, CEIL, CLAMP, FLOOR, NEGATIVE, RINT, SIGN = range(7)


def absolute(x):
    """y = |x|. `x` (...), float32 or float64. Returns `y` (...)."""
    return _apply(x, ABSOLUTE)


def ceil(x):
    """y = the smallest whole number that is not smaller than x. `x` (...), float32 or float64. Returns `y` (...)."""
    return _apply(x, CEIL)


def clamp(x, low, high):
    """y = low where x is below it, high where that is above high, and x elsewhere; NaN stays.

    `x` (...), float32 or float64; `low`, `high` numbers, or infinities for no limit. Returns `y` (...).
    """
    return _apply(x, CLAMP, low, high)


def floor(x):
    """y = the largest whole number that is not larger than x. `x` (...), float32 or float64. Returns `y` (...)."""
    return _apply(x, FLOOR)


def negative(x):
    """y = -x. `x` (...), float32 or float64. Returns `y` (...)."""
    return _apply(x, NEGATIVE)


def rint(x):
    """y = the whole number nearest to x, the even one of two. `x` (...), float32 or float64. Returns `y` (...)."""
    return _apply(x, RINT)


def sign(x):
    """y = -1, 0 or 1, and 0 for NaN. `x` (...), float32 or float64. Returns `y` (...)."""
    return _apply(x, SIGN)


def _apply(x, what, low=0.0, high=0.0):
    y = memory.empty_like(x)
    if y.size:
        _chunks(x.ravel(), y.ravel(), what, float(low), float(high))
    return y


@jit.serial
def _chunk(x, y, what, low, high):
    if what == ABSOLUTE:
        for i in range(y.size):
            y[i] = abs(x[i])
    elif what == CEIL:
        for i in range(y.size):
            y[i] = np.ceil(x[i])
    elif what == CLAMP:
        for i in range(y.size):
            v = low if x[i] < low else x[i]
            y[i] = high if v > high else v
    elif what == FLOOR:
        for i in range(y.size):
            y[i] = np.floor(x[i])
    elif what == NEGATIVE:
        for i in range(y.size):
            y[i] = -x[i]
    elif what == RINT:
        for i in range(y.size):
            y[i] = np.rint(x[i])
    else:
        zero, one = y.dtype.type(0), y.dtype.type(1)
        for i in range(y.size):
            y[i] = one if x[i] > zero else -one if x[i] < zero else zero


@jit.parallel(work=lambda x, y, *_: 0.15 * y.size)
def _chunks(x, y, what, low, high):
    low, high = y.dtype.type(low), y.dtype.type(high)
    for k in jit.prange((y.size + CHUNK - 1) // CHUNK):
        begin, end = k * CHUNK, min(k * CHUNK + CHUNK, y.size)
        _chunk(x[begin:end], y[begin:end], what, low, high)

"""Products, extremes and sums of squares along the rows of a matrix, and extremes over its rows with their places.

NumPy multiplies one number after the other and uses one core. What is reduced is cut into pieces of a fixed size,
whatever the number of threads; of each there is a number in float64.
"""

import numpy as np

from . import jit
from .vector import BLOCK, load_block, max_lanes, select, sum_lanes

__all__ = ["column_extremes", "column_places", "row_extremes", "row_products", "row_squares"]

CHUNK = 1 << 13  # elements per piece, at most, and of short rows per parallel iteration
COLUMNS = 128  # per parallel iteration, where places in them are looked for
TALL = 1 << 15  # elements of whole rows per parallel iteration, about, where rows are compared with each other


def column_extremes(x, largest):
    """y[d] = the largest x[n, d] over n, or the smallest; NaN where one is.

    `x` (N, D), float32 or float64, N > 0; `largest` a bool. Returns `y` (D,).
    """
    N, D = x.shape
    rows = max(1, TALL // max(D, 1))
    y = np.empty((-(-N // rows), D), x.dtype)
    if y.size:
        _compare_rows(x.reshape(-1), y, rows, x.dtype.type(1 if largest else -1))
    return (np.maximum if largest else np.minimum).reduce(y, axis=0)


def column_places(x, largest):
    """y[n, s] = the first t where x[n, t, s] is the largest over t, or the smallest; the first NaN where there is one.

    `x` (N, T, S), float32 or float64, 0 < T < 2^31; `largest` a bool. Returns `y` (N, S), int64. NumPy turns the array
    around first, and takes one core ten times as long.
    """
    N, T, S = x.shape
    y = np.empty((N, S), np.int64)
    if y.size:
        _find_places(x.reshape(-1), y.reshape(-1), T, S, x.dtype.type(1 if largest else -1))
    return y


def row_extremes(x, largest):
    """y[n] = the largest x[n, d] over d, or the smallest; NaN where one is.

    `x` (N, D), float32 or float64, D > 0; `largest` a bool. Returns `y` (N,).
    """
    pieces = _pieces(x)
    if pieces.size:
        _find_extremes(x.reshape(-1), x.shape[1], pieces, x.dtype.type(1 if largest else -1))
    return _together(np.maximum if largest else np.minimum, pieces, x)


def row_products(x):
    """y[n] = the product of x[n, d] over d, taken in float64. `x` (N, D), float32 or float64. Returns `y` (N,).

    Of rows of 1000, one core takes a tenth of NumPy's time.
    """
    pieces = _pieces(x)
    if pieces.size:
        _multiply(x.reshape(-1), x.shape[1], pieces)
    return _together(np.multiply, pieces, x)


def row_squares(x, mean):
    """y[n] = the sum of (x[n, d] - mean[n])^2 over d, taken in float64.

    `x` (N, D), `mean` (N,), float32 or float64. Returns `y` (N,).
    """
    pieces = _pieces(x)
    if pieces.size:
        _add_squares(x.reshape(-1), x.shape[1], mean, pieces)
    return _together(np.add, pieces, x)


def _pieces(x):
    """Memory for a number of each piece of each row."""
    return np.empty((len(x), -(-x.shape[1] // CHUNK)))


def _together(function, pieces, x):
    """What a row has of all of its pieces, in the dtype of x."""
    return (pieces[:, 0] if pieces.shape[1] == 1 else function.reduce(pieces, axis=1)).astype(x.dtype)


@jit.serial(reassociate=True)
def _product(x):
    total = 1.0
    for i in range(x.size):
        total *= np.float64(x[i])
    return total


@jit.serial(reassociate=True)
def _square_sum(x, mean):
    mean, total = np.float64(mean), 0.0
    for i in range(x.size):
        deviation = np.float64(x[i]) - mean
        total += deviation * deviation
    return total


@jit.serial
def _extreme(x, sign):
    """The largest of sign * x. NaN goes into a sum of its own, as it is neither more nor less than anything."""
    block, best, unknown = BLOCK // x.itemsize, sign * x[0], x.dtype.type(0)
    i = 0
    if x.size >= block:
        several = sign * load_block(x, 0)
        wrong = select(several != several, several, x.dtype.type(0))
        i = block
        while i + block <= x.size:
            new = sign * load_block(x, i)
            several = select(new > several, new, several)
            wrong = select(new != new, new, wrong)
            i += block
        best, unknown = max_lanes(several), sum_lanes(wrong)
    while i < x.size:
        new = sign * x[np.uint64(i)]
        best = select(new > best, new, best)
        unknown = select(new != new, new, unknown)
        i += 1
    return sign * best if unknown == unknown else unknown


@jit.parallel(work=lambda x, D, pieces: 0.1 * x.size + 5 * pieces.size)
def _multiply(x, D, pieces):
    parts = pieces.shape[1]
    together = max(1, CHUNK // D)
    for block in jit.prange((pieces.size + together - 1) // together):
        for i in range(block * together, min(block * together + together, pieces.size)):
            n, part = i // parts, i % parts
            low = n * D + part * CHUNK
            pieces[n, part] = _product(x[low : min(low + CHUNK, n * D + D)])


@jit.parallel(work=lambda x, D, mean, pieces: 0.1 * x.size + 5 * pieces.size)
def _add_squares(x, D, mean, pieces):
    parts = pieces.shape[1]
    together = max(1, CHUNK // D)
    for block in jit.prange((pieces.size + together - 1) // together):
        for i in range(block * together, min(block * together + together, pieces.size)):
            n, part = i // parts, i % parts
            low = n * D + part * CHUNK
            pieces[n, part] = _square_sum(x[low : min(low + CHUNK, n * D + D)], mean[n])


@jit.parallel(work=lambda x, D, pieces, sign: 0.1 * x.size + 5 * pieces.size)
def _find_extremes(x, D, pieces, sign):
    parts = pieces.shape[1]
    together = max(1, CHUNK // D)
    for block in jit.prange((pieces.size + together - 1) // together):
        for i in range(block * together, min(block * together + together, pieces.size)):
            n, part = i // parts, i % parts
            low = n * D + part * CHUNK
            pieces[n, part] = _extreme(x[low : min(low + CHUNK, n * D + D)], sign)


@jit.serial
def _take_larger(x, best):
    for i in range(x.size):
        old = best[i]
        best[i] = select(old != old, old, select(x[i] <= old, old, x[i]))


@jit.serial
def _take_smaller(x, best):
    for i in range(x.size):
        old = best[i]
        best[i] = select(old != old, old, select(x[i] >= old, old, x[i]))


@jit.parallel(work=lambda x, y, rows, sign: 0.1 * x.size)
def _compare_rows(x, y, rows, sign):
    D = y.shape[1]
    for block in jit.prange(len(y)):
        best = y[block]
        low, end = block * rows * D, min((block + 1) * rows * D, x.size)
        best[:] = x[low : low + D]
        while low + D < end:
            low += D
            if sign > 0:
                _take_larger(x[low : low + D], best)
            else:
                _take_smaller(x[low : low + D], best)


@jit.serial
def _take_places(x, sign, t, best, places):
    for i in range(x.size):
        new, old = sign * x[i], best[i]
        stays = (new <= old) | (old != old)
        best[i] = select(stays, old, new)
        places[i] = select(stays, places[i], t)


@jit.parallel(work=lambda x, y, T, S, sign: 0.2 * x.size)
def _find_places(x, y, T, S, sign):
    parts = (S + COLUMNS - 1) // COLUMNS
    for k in jit.prange(y.size // S * parts):
        n, s = np.int64(k) // parts, np.int64(k) % parts * COLUMNS
        columns = min(COLUMNS, S - s)
        best, places = np.empty(columns, x.dtype), np.zeros(columns, np.int32)
        low = n * T * S + s
        for i in range(columns):
            best[i] = sign * x[low + i]
        for t in range(1, T):
            low += S
            _take_places(x[low : low + columns], sign, np.int32(t), best, places)
        for i in range(columns):
            y[n * S + s + i] = places[i]

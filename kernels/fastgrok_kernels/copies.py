"""Copies of blocks: arrays side by side, with a border, turned around or in another dtype; and one number for all.

NumPy copies on one core, array by array.

Rows are often short, so what comes with each of them counts: `while` loops, as `range` with a step costs a division,
and unsigned indices, which need no test for being negative. A million numbers in rows of 32 take half the time so.
"""

import numpy as np

from . import jit, memory
from .simd import lanes_of
from .vector import load, store

__all__ = ["cast", "flip", "full", "join_into", "pad"]

CHUNK = 1 << 13  # elements per parallel iteration, about


def cast(x, dtype):
    """y = x in another dtype.

    `x` (...), float32, float64, int32 or int64; `dtype` float32 or float64. Returns `y` (...).
    """
    y = memory.empty(x.shape, dtype)
    if y.size:
        _cast_chunks(x.reshape(-1), y.reshape(-1))
    return y


def flip(x):
    """y[n, t, s] = x[n, T - 1 - t, s].

    `x` (N, T, S), float32 or float64. Returns `y` (N, T, S). It is its own adjoint.
    """
    (_, T, S), y = x.shape, memory.empty_like(x)
    if y.size:
        _flip_lines(x.reshape(-1), y.reshape(-1), T, S)
    return y


def full(shape, value):
    """y = value everywhere.

    `shape` (...), a tuple; `value` (), of any dtype of 4 or 8 bytes, as its bits are copied. Returns `y` (...).
    """
    y = memory.empty(shape, value.dtype)
    if y.size:
        bits = np.dtype(f"f{y.itemsize}")
        _fill_chunks(y.reshape(-1).view(bits), value.reshape(1).view(bits))
    return y


def join_into(y, first, a, b):
    """y[n, first + d] = a[n, d], and behind it y[n, first + D + e] = b[n, e].

    `y` (N, W), `a` (N, D), `b` (N, E), float32 or float64; `first` a whole number from 0 to W - D - E. Returns nothing.
    Two arrays at once, as `y` is then written in order: of 1000 x 1000 each, one core takes half the time.
    """
    if a.size + b.size:
        _join_chunks(y.reshape(-1), first, a.reshape(-1), b.reshape(-1), y.shape[1], a.shape[1], b.shape[1])


def pad(x, top, bottom, left, right, value):
    """y[n, top + r, left + s] = x[n, r, s], and `value` in all other places. Widths below 0 cut rows or columns off.

    `x` (N, R, S), float32 or float64; `top`, `bottom`, `left`, `right` whole numbers; `value` a number. Returns `y`
    (N, R + top + bottom, S + left + right). With all widths negated, and the value 0, it is its own adjoint.
    """
    N, R, S = x.shape
    P, Q = R + top + bottom, S + left + right
    y = memory.empty((N, P, Q), x.dtype)
    if y.size:
        _pad_rows(x.reshape(-1), y.reshape(-1), R, S, P, Q, top, left, float(value))
    return y


@jit.serial(inline=True)
def _copy(x, i, y, j, count):
    """y[j + k] = x[i + k] for 0 <= k < count. The last vector overlaps the one before it."""
    lanes = lanes_of(x)
    if count >= lanes:
        k, last = 0, count - lanes
        while k < last:
            store(y, j + k, load(x, i + k))
            k += lanes
        store(y, j + last, load(x, i + last))
    else:
        for k in range(count):
            y[np.uint64(j + k)] = x[np.uint64(i + k)]


@jit.serial(inline=True)
def _fill(y, begin, end, value):
    for i in range(begin, end):
        y[np.uint64(i)] = value


@jit.serial
def _convert(x, y):
    for i in range(y.size):
        y[i] = x[i]


@jit.parallel(work=lambda x, y: 0.15 * y.size)
def _cast_chunks(x, y):
    for k in jit.prange((y.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, y.size)
        _convert(x[low:high], y[low:high])


@jit.parallel(work=lambda y, value: 0.06 * y.size)
def _fill_chunks(y, value):
    for k in jit.prange((y.size + CHUNK - 1) // CHUNK):
        low = np.int64(k) * CHUNK
        _fill(y, low, min(low + CHUNK, y.size), value[0])


@jit.serial
def _reverse(x, y):
    last = np.uint64(x.size - 1)
    for i in range(x.size):
        y[i] = x[last - np.uint64(i)]


@jit.parallel(work=lambda x, *_: 0.1 * x.size)
def _flip_lines(x, y, T, S):
    lines = max(1, CHUNK // S)  # of S elements, per parallel iteration
    parts = (T + lines - 1) // lines
    for k in jit.prange(y.size // (T * S) * parts):
        start, low = np.int64(k) // parts * T * S, np.int64(k) % parts * lines
        high = min(low + lines, T)
        if S == 1:
            _reverse(x[start + T - high : start + T - low], y[start + low : start + high])
        else:
            for t in range(low, high):
                _copy(x, start + (T - 1 - t) * S, y, start + t * S, S)


@jit.parallel(work=lambda y, first, a, b, *_: 0.1 * (a.size + b.size))
def _join_chunks(y, first, a, b, W, D, E):
    total = a.size + b.size
    for chunk in jit.prange((total + CHUNK - 1) // CHUNK):
        low, high = np.int64(chunk) * CHUNK, min(np.int64(chunk) * CHUNK + CHUNK, total)
        n, d = low // (D + E), low % (D + E)
        while low < high:
            if d < D:
                count = min(D - d, high - low)
                _copy(a, n * D + d, y, n * W + first + d, count)
            else:
                count = min(D + E - d, high - low)
                _copy(b, n * E + d - D, y, n * W + first + d, count)
            low, d = low + count, d + count
            if d == D + E:
                n, d = n + 1, 0


@jit.parallel(work=lambda x, y, *_: 0.1 * y.size)
def _pad_rows(x, y, R, S, P, Q, top, left, value):
    value = y.dtype.type(value)
    rows = max(1, CHUNK // Q)
    begin, end = max(0, left), min(Q, left + S)  # the columns of y that x has numbers for
    for block in jit.prange((y.size // Q + rows - 1) // rows):
        row = np.int64(block) * rows
        n, p = row // P, row % P
        for low in range(row * Q, min((row + rows) * Q, y.size), Q):
            r = p - top
            if 0 <= r < R and begin < end:
                _fill(y, low, low + begin, value)
                _copy(x, (n * R + r) * S + begin - left, y, low + begin, end - begin)
                _fill(y, low + end, low + Q, value)
            else:
                _fill(y, low, low + Q, value)
            p += 1
            if p == P:
                n, p = n + 1, 0

"""Elements picked along an axis by their ids, and added to where they were picked.

Each sum is made by one core in the order t = 0, 1, ...: what is shared out are the other two axes. NumPy needs an array
of indices for every axis, and adds one element after the other on one core, in 10 ns each.
"""

import numpy as np

from . import jit, memory

__all__ = ["gather", "scatter_add_into"]

CHUNK = 1 << 13  # elements per parallel iteration, about
COLUMNS = 128  # of an array that one core adds to: what it touches of 1000 rows stays in its second-level cache


def gather(x, ids):
    """y[n, t, s] = x[n, ids[n, t, s], s].

    `x` (N, V, S), float32 or float64; `ids` (N, T, S) int64, each in 0..V-1, or (T,) for the same in all n and s.
    Returns `y` (N, T, S).
    """
    (N, V, S), T = x.shape, ids.shape[ids.ndim // 2]
    y = memory.empty((N, T, S), x.dtype)
    if y.size:
        _gather_chunks(x.reshape(-1), ids.reshape(-1), y.reshape(-1), V, T, S, ids.ndim == 1)
    return y


def scatter_add_into(y, ids, values):
    """y[n, v, s] += the sum of values[n, t, s] over all t with ids[n, t, s] = v.

    `y` (N, V, S), float32 or float64, is written; `ids` (N, T, S) int64, each in 0..V-1, or (T,) for the same in all n
    and s; `values` (N, T, S) of the dtype of y. The values are added one after the other.
    """
    (_, V, S), T = y.shape, values.shape[1]
    if values.size:
        _scatter_columns(y.reshape(-1), ids.reshape(-1), values.reshape(-1), V, T, S, ids.ndim == 1)


@jit.serial(inline=True)
def _pick(x, start, ids, k, y, j, count, step):
    """y[j + i] = x[start + ids[k + i] S + i] for 0 <= i < count and S = step, without the last + i for step 0."""
    if step:
        for i in range(count):
            y[np.uint64(j + i)] = x[np.uint64(start + ids[np.uint64(k + i)] * step + i)]
    else:
        for i in range(count):
            y[np.uint64(j + i)] = x[np.uint64(start + ids[np.uint64(k + i)])]


@jit.serial(inline=True)
def _copy(x, i, y, j, count):
    for k in range(count):
        y[np.uint64(j + k)] = x[np.uint64(i + k)]


@jit.serial(inline=True)
def _add(x, i, y, j, count):
    for k in range(count):
        y[np.uint64(j + k)] += x[np.uint64(i + k)]


@jit.parallel(work=lambda x, ids, y, *_: 0.6 * y.size)
def _gather_chunks(x, ids, y, V, T, S, same):
    W = T if S == 1 else S  # elements of a line, which begin at one place of x or of its row
    for chunk in jit.prange((y.size + CHUNK - 1) // CHUNK):
        low, end = np.int64(chunk) * CHUNK, min(np.int64(chunk) * CHUNK + CHUNK, y.size)
        line, first = low // W, low % W
        while low < end:
            count = min(W - first, end - low)
            if S == 1:
                _pick(x, line * V, ids, first if same else low, y, low, count, 0)
            elif same:
                _copy(x, (line // T * V + ids[line % T]) * S + first, y, low, count)
            else:
                _pick(x, line // T * V * S + first, ids, low, y, low, count, S)
            low, line, first = low + count, line + 1, 0


@jit.parallel(work=lambda y, ids, values, *_: 1.5 * values.size)
def _scatter_columns(y, ids, values, V, T, S, same):
    blocks = (S + COLUMNS - 1) // COLUMNS
    for unit in jit.prange(y.size // (V * S) * blocks):
        n, first = np.int64(unit) // blocks, np.int64(unit) % blocks * COLUMNS
        start, k, count = n * V * S + first, n * T * S + first, min(COLUMNS, S - first)
        if S == 1:
            for t in range(T):
                y[np.uint64(start + ids[np.uint64(t if same else k + t)])] += values[np.uint64(k + t)]
        elif same:
            for t in range(T):
                _add(values, k + t * S, y, start + ids[t] * S, count)
        else:
            for t in range(T):
                for i in range(k + t * S, k + t * S + count):
                    y[np.uint64(start + ids[np.uint64(i)] * S + i - k - t * S)] += values[np.uint64(i)]

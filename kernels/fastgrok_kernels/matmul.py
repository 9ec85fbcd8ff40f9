"""The matrix product, any shape, of one pair of matrices or of many, built on the register tile.

A product is cut into tasks of a group of panels of columns by a run of rows. A task walks down K in steps. It packs the
part of B that belongs to a step, then takes one strip of rows of A after the other, which stays in the second-level
cache, and multiplies it by all panels. A strip of a transposed A is turned first if A is wide, because the columns that
a tile would read lie on too few lines of the first-level cache. Packing strips that need no turning gained nothing
(AVX2).

Products with one vector, or a few, need no tile (matvec.py). So a row's result may differ in the last bits from the one
it has among other rows; it never depends on the number of threads.
"""

import functools

import numpy as np

from . import jit, matvec, memory, small
from .packing import pack_panel, pack_panel_transposed
from .simd import ROWS, VECTORS, lanes_of, panel_product, panel_width
from .vector import load, select, store

DEPTH = 512
"""Most rows of a packed panel: 512 x NR float32 are 32 KB with AVX2, the whole first-level cache. But every step reads
and writes all of C: with 256 a product of 1024 x 1024 was 4 % slower."""
STRIP = 48
"""Rows of A that are multiplied by all panels before the next ones: 24 are as fast, 256 up to 10 % slower."""
PANELS = 32
"""Most panels of a task: 1 MB when packed."""
WIDE = 256
"""Columns up to which a transposed A is read as it lies. Turning takes 100 or 256 columns 1.03 to 1.05 of that time;
of 1024 and more it saves a tenth."""


@jit.serial
def _task(p0, p1, first, rows, a, b, c, bias, a_row, a_k, K, N, transpose_b, accumulate, relu, NR):
    """Rows first ... first + rows of panels p0 ... p1 of C (M, N)."""
    steps = (K + DEPTH - 1) // DEPTH
    step = (K + 8 * steps - 1) // (8 * steps) * 8
    panels, strip = np.empty((p1 - p0) * step * NR, c.dtype), np.empty(STRIP * (step + 16), c.dtype)
    part = np.zeros(STRIP * NR, c.dtype)
    turn = a_k > WIDE and p1 - p0 > 2
    for k in range(0, K, step):
        depth = min(step, K - k)
        if transpose_b:
            for p in range(p0, p1):
                start = (p - p0) * step * NR
                pack_panel_transposed(b, p * NR * K + k, K, min(NR, N - p * NR), depth, panels, start, NR, NR)
        else:
            # A few rows of all panels at a time, because rows of B may be pages apart.
            for r in range(0, depth, 8):
                for p in range(p0, p1):
                    start, some = ((p - p0) * step + r) * NR, min(8, depth - r)
                    pack_panel(b, (k + r) * N + p * NR, N, min(NR, N - p * NR), some, panels, start, NR, NR)
        for i in range(first, first + rows, STRIP):
            some = min(STRIP, first + rows - i)
            source, start, row, column = a, i * a_row + k * a_k, a_row, a_k
            if turn:
                pack_panel_transposed(a, start, a_k, depth, some, strip, 0, step + 16, depth)
                source, start, row, column = strip, 0, step + 16, 1
            for p in range(p0, p1):
                columns, more = min(NR, N - p * NR), accumulate or k > 0
                target, at, wide, width = c, i * N + p * NR, N, columns
                # A full tile in memory of its own is quicker than two masked ones of a vector each.
                aside = NR // VECTORS < columns < NR
                if aside:
                    target, at, wide, width = part, 0, NR, NR
                    if more:
                        _copy(part, 0, NR, c, i * N + p * NR, N, some, columns)
                panel_product(source, start, row, column, 0, panels, (p - p0) * step * NR, NR,
                              target, at, wide, some, 1, depth, width, more)  # fmt: skip
                if aside:
                    _copy(c, i * N + p * NR, N, part, 0, NR, some, columns)
            if bias.size and k + depth == K:  # while the strip is in the cache
                _add_bias(c, i * N, some, N, bias, p0 * NR, min(p1 * NR, N), relu)


@jit.serial
def _copy(y, y0, y_row, x, x0, x_row, rows, columns):
    """Copy a matrix between flat arrays: its offset and the distance of its rows in each, then its size."""
    for i in range(rows):
        for j in range(columns):
            y[y0 + i * y_row + j] = x[x0 + i * x_row + j]


@jit.serial
def _add_bias(y, first, rows, N, bias, low, high, relu):
    """y = y + bias for columns low ... high of some rows; with `relu`, 0 where that is not positive; NaN stays."""
    zero, lanes = y.dtype.type(0), lanes_of(y)
    for row in range(first, first + rows * N, N):
        j = low
        while j + lanes <= high:
            x = load(y, row + j) + load(bias, j)
            store(y, row + j, select(x <= zero, zero, x) if relu else x)
            j += lanes
        while j < high:
            value = y[row + j] + bias[j]
            y[row + j] = zero if relu and value <= zero else value
            j += 1


def _work(a, b, c, bias, sizes, *flags):
    """Nanoseconds: the arithmetic, which for a few columns is that of a panel, packing, and what tiles begin with."""
    B, M, K, N, NR = sizes[:5]
    return a.size * max(N, NR) / 40 + b.size / 2 + c.size / 4


@jit.parallel(work=_work)
def _matmul(a, b, c, bias, sizes, transpose_a, transpose_b, accumulate, relu):
    B, M, K, N, NR, rows, groups = sizes
    a_row, a_k = (1, M) if transpose_a else (K, 1)
    runs, panels = (M + rows - 1) // rows, (N + NR - 1) // NR
    for s in jit.prange(B * runs * groups):
        i, task = np.int64(s) // (runs * groups), np.int64(s) % (runs * groups)
        group, first = task // runs, task % runs * rows
        # Where shares differ the last one is a larger one: the last panel has fewer columns.
        p0, p1 = panels * group // groups, panels * (group + 1) // groups
        _task(p0, p1, first, min(rows, M - first),
              a[i * M * K : (i + 1) * M * K], b[i * K * N : (i + 1) * K * N], c[i * M * N : (i + 1) * M * N], bias,
              a_row, a_k, K, N, transpose_b, accumulate, relu, NR)  # fmt: skip


@functools.lru_cache(maxsize=256)  # a network has few shapes, and each takes as long to cut as a small product
def _cut(B, M, N, NR, by_rows, threads):
    """Rows of a task, and into how many groups panels are cut. Each thread gets an equal share of the columns, as a
    task packs its own part of B.

    With `by_rows`, of the rows: a high A is read once then, and by the thread that may have made those rows.
    """
    panels = -(-N // NR)
    groups, runs = -(-panels // PANELS), 1
    if threads > 1 and B < 4 * threads:
        if not by_rows and (panels % threads == 0 or panels >= 4 * threads):
            groups = -(-groups // threads) * threads
        else:
            runs = threads
    return -(-M // (ROWS * runs)) * ROWS, groups


def _products(c, a, b, sizes, transpose_a, transpose_b, accumulate=False, bias=None, relu=False):
    """Calculate B products, those of `matmul_into`; `sizes` are B, M, K and N."""
    B, M, K, N = sizes
    if K == 0 and not accumulate:
        c[...] = 0
        if bias is not None:
            c[...] = np.where(bias <= 0, 0, bias) if relu else bias
    if c.size and K:
        a, b, c = a.ravel(), b.ravel(), c.reshape(-1)
        bias = c[:0] if bias is None else bias
        if B == 1 and min(M, N) <= matvec.FEW and not accumulate:
            if _few_vectors(c, a, b, M, K, N, transpose_a, transpose_b, bias, relu):
                return
        if B > 1 and not accumulate and small.multiply(c, a, b, sizes, transpose_a, transpose_b):
            return
        NR = panel_width(c.dtype)
        by_rows = M > N and not transpose_a  # rows of a transposed A are pages apart
        sizes = (B, M, K, N, NR, *_cut(B, M, N, NR, by_rows, jit.get_num_threads()))
        _matmul(a, b, c, bias, sizes, transpose_a, transpose_b, accumulate, relu)


def _few_vectors(c, a, b, M, K, N, transpose_a, transpose_b, bias, relu):
    """Calculate a product of a matrix and vectors, if it is one that is quicker without the tile; return whether."""
    if K >= matvec.LONG and M <= matvec.FEW and transpose_b and (M == 1 or not transpose_a):
        matvec.dot_rows(b, a, M, c, True, bias, relu)
    elif K >= matvec.LONG and N <= matvec.FEW and not transpose_a and (N == 1 or transpose_b):
        matvec.dot_rows(a, b, N, c, False, bias, relu)
    elif M == 1 and not transpose_b:
        matvec.combine_rows(b, a, c, bias, relu)
    elif N == 1 and transpose_a:
        matvec.combine_rows(a, b, c, bias, relu)
    else:
        return False
    return True


def matmul_into(c, a, b, transpose_a=False, transpose_b=False, accumulate=False):
    """c = op(a) @ op(b), or c += op(a) @ op(b) with `accumulate`; op transposes where its flag is set.

    c (M, N), a (M, K) or (K, M), b (K, N) or (N, K): C-contiguous, of one dtype, c overlapping neither. The flags are
    `transpose_a` and `transpose_b`.
    Two flags and an `_into` form, against the rule of one kernel per job: gradients of a product are products of the
    same arrays transposed, and accumulating them saves a pass.
    """
    M, K = a.shape[::-1] if transpose_a else a.shape
    _products(c, a, b, (1, M, K, c.shape[1]), transpose_a, transpose_b, accumulate)


def matmul(a, b, transpose_a=False, transpose_b=False):
    """op(a) @ op(b), where op transposes if `transpose_a` or `transpose_b` is set.

    a (M, K) or (K, M), b (K, N) or (N, K): C-contiguous, of one dtype. Returns c (M, N).
    """
    M, K = a.shape[::-1] if transpose_a else a.shape
    N = b.shape[0] if transpose_b else b.shape[1]
    c = memory.empty((M, N), a.dtype)
    _products(c, a, b, (1, M, K, N), transpose_a, transpose_b)
    return c


def matmul_bias(a, b, bias, transpose_a=False, transpose_b=False, relu=False):
    """op(a) @ op(b) + bias, a dense layer; with `relu`, 0 where that is not positive (NaN stays).

    bias (N,), added to every row; the rest as in `matmul`. Returns c (M, N). Both are done to a strip of C while it is
    in the cache: a pass of their own took 27 of 800 us for a layer of 784 x 512 and 128 rows.
    """
    M, K = a.shape[::-1] if transpose_a else a.shape
    N = b.shape[0] if transpose_b else b.shape[1]
    c = memory.empty((M, N), a.dtype)
    _products(c, a, b, (1, M, K, N), transpose_a, transpose_b, False, bias, relu)
    return c


def batched_matmul(a, b, transpose_a=False, transpose_b=False):
    """One product per pair of matrices: c[i] = op(a[i]) @ op(b[i]), the rest as in `matmul`.

    a (B, M, K) or (B, K, M), b (B, K, N) or (B, N, K): C-contiguous, of one dtype. Returns c (B, M, N). The products
    of attention, one per head and sequence, are small: a call for each would cost more than the product.
    """
    B, M, K = (a.shape[0], a.shape[2], a.shape[1]) if transpose_a else a.shape
    N = b.shape[1] if transpose_b else b.shape[2]
    c = memory.empty((B, M, N), a.dtype)
    _products(c, a, b, (B, M, K, N), transpose_a, transpose_b)
    return c

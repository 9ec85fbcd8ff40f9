"""The matrix product, any shape, of one pair of matrices or of many, built on the register tile.

A product is cut into tasks of one panel of columns by a run of rows. A task walks down K in steps that fit the
first-level cache: it packs that part of the panel of B once and multiplies all its rows of A with it.
"""

import numpy as np

from . import jit, memory
from .packing import pack_panel, pack_panel_transposed
from .simd import panel_product, panel_width

DEPTH = 256
"""Rows of a packed panel: 256 x NR float32 are 32 KB at the widest."""
ROWS = 256
"""Most rows of a task. Their share of A, 256 x 256, stays in the second-level cache."""


@jit.serial
def _task(p, first, rows, a, b, c, a_row, a_k, K, N, transpose_b, accumulate, panel, NR):
    """Rows first ... first + rows of panel p of C (M, N)."""
    column = p * NR
    columns = min(NR, N - column)
    for k in range(0, K, DEPTH):
        depth = min(DEPTH, K - k)
        if transpose_b:
            pack_panel_transposed(b, column * K + k, K, columns, depth, panel, 0, NR, NR)
        else:
            pack_panel(b, k * N + column, N, columns, depth, panel, 0, NR, NR)
        panel_product(a, first * a_row + k * a_k, a_row, a_k, 0, panel, 0, NR, c, first * N + column, N,
                      rows, 1, depth, columns, accumulate or k > 0)  # fmt: skip


@jit.parallel(work=lambda a, b, c, sizes, *flags: a.size * sizes[3] / 50 + b.size / 2)
def _matmul(a, b, c, sizes, transpose_a, transpose_b, accumulate):
    B, M, K, N, NR, rows = sizes
    a_row, a_k = (1, M) if transpose_a else (K, 1)
    runs = (M + rows - 1) // rows
    tasks = (N + NR - 1) // NR * runs  # of one product
    for s in jit.prange(B * tasks):
        i, task = np.int64(s) // tasks, np.int64(s) % tasks
        panel = np.empty(DEPTH * NR, c.dtype)
        first = task % runs * rows
        _task(task // runs, first, min(rows, M - first), a[i * M * K : (i + 1) * M * K], b[i * K * N : (i + 1) * K * N],
              c[i * M * N : (i + 1) * M * N], a_row, a_k, K, N, transpose_b, accumulate, panel, NR)  # fmt: skip


def _products(c, a, b, sizes, transpose_a, transpose_b, accumulate):
    """Calculate B products, those of `matmul_into`; `sizes` are B, M, K and N."""
    B, M, K, N = sizes
    if K == 0 and not accumulate:
        c[...] = 0
    if c.size and K:
        # Few panels: cut the rows finer, in whole tiles, so that every thread has work.
        NR = panel_width(c.dtype)
        rows = min(ROWS, max(24, -(-B * M * -(-N // NR) // 8 // 24) * 24))
        sizes = (B, M, K, N, NR, rows)
        _matmul(a.reshape(-1), b.reshape(-1), c.reshape(-1), sizes, transpose_a, transpose_b, accumulate)


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
    M = a.shape[1] if transpose_a else a.shape[0]
    N = b.shape[0] if transpose_b else b.shape[1]
    c = memory.empty((M, N), a.dtype)
    matmul_into(c, a, b, transpose_a, transpose_b)
    return c


def batched_matmul(a, b, transpose_a=False, transpose_b=False):
    """One product per pair of matrices: c[i] = op(a[i]) @ op(b[i]), the rest as in `matmul`.

    a (B, M, K) or (B, K, M), b (B, K, N) or (B, N, K): C-contiguous, of one dtype. Returns c (B, M, N). The products
    of attention, one per head and sequence, are small: a call for each would cost more than the product.
    """
    B, M, K = (a.shape[0], a.shape[2], a.shape[1]) if transpose_a else a.shape
    N = b.shape[1] if transpose_b else b.shape[2]
    c = memory.empty((B, M, N), a.dtype)
    _products(c, a, b, (B, M, K, N), transpose_a, transpose_b, False)
    return c

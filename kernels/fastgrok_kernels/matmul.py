"""The matrix product, any shape, of one pair of matrices or of many, built on the register tile.

A product is cut into tasks of a few panels of columns by a run of rows. A task walks down K in steps; the part of A
that belongs to a step stays in the second-level cache for all its panels. Of each panel it packs that part of B, which
fits the first-level cache, and multiplies all its rows of A with it. Packing A as well was 10 to 40 % slower (AVX2).
"""

import numpy as np

from . import jit, memory
from .packing import pack_panel, pack_panel_transposed
from .simd import panel_product, panel_width

DEPTH = 256
"""Rows of a packed panel: 256 x NR float32 are 32 KB at the widest."""
ROWS = 256
"""Most rows of a task. Their share of A, 256 x 256, stays in the second-level cache."""
PANELS = 8
"""Most panels of a task."""


@jit.serial
def _task(p0, p1, first, rows, a, b, c, a_row, a_k, K, N, transpose_b, accumulate, packed, NR):
    """Rows first ... first + rows of panels p0 ... p1 of C (M, N)."""
    for k in range(0, K, DEPTH):
        depth = min(DEPTH, K - k)
        if not transpose_b:
            # A few rows of all panels at a time, because rows of B may be pages apart.
            for r in range(0, depth, 8):
                for p in range(p0, p1):
                    start = ((p - p0) * DEPTH + r) * NR
                    pack_panel(
                        b, (k + r) * N + p * NR, N, min(NR, N - p * NR), min(8, depth - r), packed, start, NR, NR
                    )
        for p in range(p0, p1):
            start, column = (p - p0) * DEPTH * NR, p * NR
            columns = min(NR, N - column)
            if transpose_b:
                pack_panel_transposed(b, column * K + k, K, columns, depth, packed, start, NR, NR)
            panel_product(a, first * a_row + k * a_k, a_row, a_k, 0, packed, start, NR, c, first * N + column, N,
                          rows, 1, depth, columns, accumulate or k > 0)  # fmt: skip


@jit.parallel(work=lambda a, b, c, sizes, *flags: a.size * sizes[3] / 50 + b.size / 2)
def _matmul(a, b, c, sizes, transpose_a, transpose_b, accumulate):
    B, M, K, N, NR, rows, some = sizes
    a_row, a_k = (1, M) if transpose_a else (K, 1)
    runs, panels = (M + rows - 1) // rows, (N + NR - 1) // NR
    groups = (panels + some - 1) // some
    for s in jit.prange(B * runs * groups):
        i, task = np.int64(s) // (runs * groups), np.int64(s) % (runs * groups)
        packed = np.empty(some * DEPTH * NR, c.dtype)
        p0, first = task // runs * some, task % runs * rows
        _task(p0, min(p0 + some, panels), first, min(rows, M - first),
              a[i * M * K : (i + 1) * M * K], b[i * K * N : (i + 1) * K * N], c[i * M * N : (i + 1) * M * N],
              a_row, a_k, K, N, transpose_b, accumulate, packed, NR)  # fmt: skip


def _products(c, a, b, sizes, transpose_a, transpose_b, accumulate):
    """Calculate B products, those of `matmul_into`; `sizes` are B, M, K and N."""
    B, M, K, N = sizes
    if K == 0 and not accumulate:
        c[...] = 0
    if c.size and K:
        # Few panels: cut the rows finer, in whole tiles, so that every thread has work.
        NR = panel_width(c.dtype)
        panels = -(-N // NR)
        rows = min(ROWS, max(24, -(-B * M * panels // 8 // 24) * 24))
        some = max(1, min(PANELS, B * -(-M // rows) * panels // 8))
        sizes = (B, M, K, N, NR, rows, some)
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

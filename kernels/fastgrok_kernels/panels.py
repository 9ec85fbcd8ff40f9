"""Products with weights that many small products share: they are packed once, and multiplied by again and again.

`matmul` packs its second factor on every call. For a step of a recurrent cell, which multiplies a few rows by a large
matrix, that costs as much as a third of the product.
"""

import numpy as np

from . import jit
from .packing import pack_panel, pack_panel_transposed
from .simd import panel_product

DEPTH = 256
"""Rows of a panel multiplied at a time, so that they stay in the first-level cache."""
PANELS = 8
"""Panels that are packed together: rows of a weight may be pages apart."""


@jit.serial
def _pack_group(panels, w, P, K, N, NR, transpose, p0):
    p1 = min(p0 + PANELS, P)
    if transpose:
        for p in range(p0, p1):
            pack_panel_transposed(w, p * NR * K, K, min(NR, N - p * NR), K, panels, p * K * NR, NR, NR)
        return
    for k in range(0, K, 8):
        for p in range(p0, p1):
            columns, rows = min(NR, N - p * NR), min(8, K - k)
            pack_panel(w, k * N + p * NR, N, columns, rows, panels, (p * K + k) * NR, NR, NR)


@jit.parallel(work=lambda panels, w, sizes, transpose: panels.size / 2)
def _pack(panels, w, sizes, transpose):
    P, K, N, NR = sizes
    for group in jit.prange((P + PANELS - 1) // PANELS):
        _pack_group(panels, w, P, K, N, NR, transpose, np.int64(group) * PANELS)


def panels_into(panels, w, transpose=False):
    """Pack a weight into panels of NR columns each, the last one filled up with zeros.

    panels (P, K, NR) with P = ceil(N / NR) and NR = `simd.panel_width`, w (K, N), or (N, K) with `transpose`, the flag
    that says so.
    """
    (P, K, NR), N = panels.shape, w.shape[0 if transpose else 1]
    if panels.size:
        _pack(panels.reshape(-1), w.reshape(-1), (P, K, N, NR), transpose)


@jit.parallel(work=lambda c, a, panels, sizes, accumulate: c.size * sizes[2] / 25)
def _multiply(c, a, panels, sizes, accumulate):
    G, M, K, N, NR = sizes
    P = (N + NR - 1) // NR
    for s in jit.prange(G * P):
        g, p = np.int64(s) // P, np.int64(s) % P
        for k in range(0, K, DEPTH):
            panel_product(a, k, K, 1, 0, panels, (np.int64(s) * K + k) * NR, NR, c, g * M * N + p * NR, N,
                          M, 1, min(DEPTH, K - k), min(NR, N - p * NR), accumulate or k > 0)  # fmt: skip


def panels_matmul_into(c, a, panels, accumulate=False):
    """c[g] = a @ weights[g] for every g, or c[g] += a @ weights[g] with the flag `accumulate`.

    c (G, M, N), a (M, K), panels (G, P, K, NR): those of G weights (K, N), packed by `panels_into`.
    """
    (G, M, N), K, NR = c.shape, a.shape[1], panels.shape[3]
    if K == 0 and not accumulate:
        c[...] = 0
    if c.size and K:
        _multiply(c.reshape(-1), a.reshape(-1), panels.reshape(-1), (G, M, K, N, NR), accumulate)

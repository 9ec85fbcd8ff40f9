"""Changing the order of axes in memory: images are computed on with channels last, users often bring channels first."""

from . import jit, memory
from .packing import pack_panel_transposed

__all__ = ["swap_axes"]

COLUMNS = 256
"""Columns of a matrix per parallel iteration: a block of 16 rows by 256 columns stays in the first-level cache."""


@jit.parallel(work=lambda x, y, sizes: x.size / 2)
def _swap_axes(x, y, sizes):
    B, M, N = sizes
    blocks = (N + COLUMNS - 1) // COLUMNS
    for s in jit.prange(B * blocks):
        n = s % blocks * COLUMNS
        start = s // blocks * M * N
        pack_panel_transposed(x, start + n, N, M, min(COLUMNS, N - n), y, start + n * M, M, M)


def swap_axes(x):
    """y[b, n, m] = x[b, m, n]: images with channels first (B, C, R * S) become images with channels last, and back.

    `x` (B, M, N), float32 or float64. Returns `y` (B, N, M). It is its own adjoint.
    """
    B, M, N = x.shape
    y = memory.empty((B, N, M), x.dtype)
    if x.size:
        _swap_axes(x.ravel(), y.ravel(), (B, M, N))
    return y

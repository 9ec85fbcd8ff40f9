"""Products of a matrix with one vector, or a few: each number of the matrix is read once, and packing would cost more.

The tile of simd.py takes 330 us for 1024 x 1024 float32 numbers and a vector, on one core, most of it for packing; here
it is 75 where the rows of the matrix are multiplied by the vector, and 60 where they are added up.
"""

import numpy as np

from . import jit
from .vector import BLOCK, load_block, select, sum_lanes

__all__ = ["FEW", "LONG", "combine_rows", "dot_rows"]

FEW = 3
"""Vectors at most: with short rows, four take as long as with the tile."""
LONG = 64
"""Numbers in a row at least: a block of float32, and enough that a row does not cost more than its arithmetic."""
CHUNK = 1 << 13  # numbers of the matrix per parallel iteration, about
STRETCH, DEPTH = 1024, 1024  # columns and rows per parallel iteration, at most; 256 columns took nearly twice as long


@jit.serial(inline=True)
def _finish(total, bias, i, relu):
    """Add a bias, unless it is empty; with `relu`, 0 where that is not positive; NaN stays."""
    y = total + bias[i] if bias.size else total
    return bias.dtype.type(0) if relu and y <= bias.dtype.type(0) else y


@jit.parallel(work=lambda matrix, vectors, F, *_: F * matrix.size / 10)
def dot_rows(matrix, vectors, F, c, turned, bias, relu):
    """The dot products of every row of a matrix (R, K) and every one of F vectors (F, K), plus a bias.

    They go to `c` (R, F) and the bias is (F,); or to `c` (F, R) and the bias is (R,) when `turned`. It may be empty.
    Rows have a block at least, see vector.py; of the last one, what another has had already is left out.
    """
    K, block, zero = vectors.size // F, BLOCK // matrix.itemsize, matrix.dtype.type(0)
    R, rows = matrix.size // K, max(1, CHUNK // K)
    for task in jit.prange((R + rows - 1) // rows):
        left = np.zeros(block, matrix.dtype)
        left[block - K % block :] = matrix.dtype.type(1)
        for r in range(task * rows, min(task * rows + rows, R)):
            for f in range(F):
                last, x, y = K - block, r * K, f * K
                rest = load_block(left, 0) > zero
                total = select(rest, load_block(matrix, x + last) * load_block(vectors, y + last), zero)
                for k in range(0, K - block + 1, block):
                    total = total + load_block(matrix, x + k) * load_block(vectors, y + k)
                i, j = (f * R + r, r) if turned else (r * F + f, f)
                c[i] = _finish(sum_lanes(total), bias, j, relu)


@jit.serial
def _add_four(a, b, c, d, weights, sums):
    w, x, y, z = weights[0], weights[1], weights[2], weights[3]
    for i in range(sums.size):
        sums[i] += (a[i] * w + b[i] * x) + (c[i] * y + d[i] * z)


@jit.serial
def _add(row, weight, sums):
    for i in range(sums.size):
        sums[i] += row[i] * weight


@jit.parallel(work=lambda matrix, *_: matrix.size / 10)
def combine_rows(matrix, weights, c, bias, relu):
    """c = the sum of the rows of a matrix (K, N), each times its weight (K,), plus a bias (N,), (1,) or empty."""
    N, K = c.size, weights.size
    stretch = min(STRETCH, max(256, N // 2))
    parts, blocks = (N + stretch - 1) // stretch, (K + DEPTH - 1) // DEPTH
    sums = np.zeros(blocks * N, c.dtype)
    for s in jit.prange(blocks * parts):
        block, low = np.int64(s) // parts, np.int64(s) % parts * stretch
        k, end, n = block * DEPTH, min(block * DEPTH + DEPTH, K), min(stretch, N - low)
        part = sums[block * N + low : block * N + low + n]
        while k + 4 <= end:
            i, j, l, m = k * N + low, (k + 1) * N + low, (k + 2) * N + low, (k + 3) * N + low
            _add_four(matrix[i : i + n], matrix[j : j + n], matrix[l : l + n], matrix[m : m + n],
                      weights[k : k + 4], part)  # fmt: skip
            k += 4
        while k < end:
            _add(matrix[k * N + low : k * N + low + n], weights[k], part)
            k += 1
    c[:] = sums[:N]
    for block in range(1, blocks):
        _add(sums[block * N : block * N + N], c.dtype.type(1), c)
    if bias.size or relu:
        for i in range(N):
            c[i] = _finish(c[i], bias, i if bias.size > 1 else 0, relu)

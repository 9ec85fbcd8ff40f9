"""Batches of products of matrices so small, or with so few rows, that packing them for the tile is most of the work.

One query of attention and all its keys, or the similarity of pairs of vectors: 4096 pairs of 16 float32 numbers took
the tile 900 us, and take 30 here.
"""

from . import jit
from .vector import BLOCK, load_block, sum_lanes

__all__ = ["multiply"]

FEW = 2
"""Rows up to which packing is most of the work, however many columns there are; with four it is as long as the rest."""
TINY = 512
"""Multiply-adds up to which it is with more rows: 8 x 8 x 8 take half of the tile's time, 16 x 8 x 16 as long."""
MANY = 16
"""Rows up to which that holds, and dot products of vectors that are not long."""
LONG = 64
"""Numbers of a vector of which dot products, one after the other, are quicker than the tile, however many."""
CHUNK = 1 << 13  # multiply-adds per parallel iteration, about


@jit.serial
def _add_rows(a, a0, a_k, K, b, N, sums):
    """sums (N,) = the sum of the rows of b (K, N), each times a number of a."""
    row, weight = b[:N], a[a0]
    for n in range(N):
        sums[n] = row[n] * weight
    k = 1
    while k + 4 <= K:
        i, at = k * N, a0 + k * a_k
        p, q, r, s = b[i : i + N], b[i + N : i + 2 * N], b[i + 2 * N : i + 3 * N], b[i + 3 * N : i + 4 * N]
        u, v, w, x = a[at], a[at + a_k], a[at + 2 * a_k], a[at + 3 * a_k]
        for n in range(N):
            sums[n] += (p[n] * u + q[n] * v) + (r[n] * w + s[n] * x)
        k += 4
    while k < K:
        row, weight = b[k * N : k * N + N], a[a0 + k * a_k]
        for n in range(N):
            sums[n] += row[n] * weight
        k += 1


@jit.serial
def _dot(x, x0, y, y0, K):
    """The sum of the products of K numbers of x, from x0 on, and of y, from y0 on; the same bits with any vectors."""
    block = BLOCK // x.itemsize
    total, k = x.dtype.type(0), 0
    if K >= block:
        several = load_block(x, x0) * load_block(y, y0)
        k = block
        while k + block <= K:
            several = several + load_block(x, x0 + k) * load_block(y, y0 + k)
            k += block
        total = sum_lanes(several)
    while k < K:
        total += x[x0 + k] * y[y0 + k]
        k += 1
    return total


def _work(a, b, c, sizes, transpose_a, transpose_b):
    """Nanoseconds: of dot products, or of rows that are added up."""
    B, M, K, N, _ = sizes
    return B * (10 + (M * N * (5 + K / 5) if transpose_b else M * (10 + K * (2 + N / 20))))


@jit.parallel(work=_work)
def _multiply(a, b, c, sizes, transpose_a, transpose_b):
    B, M, K, N, together = sizes
    a_row, a_k = (1, M) if transpose_a else (K, 1)
    for task in jit.prange((B + together - 1) // together):
        for i in range(task * together, min(task * together + together, B)):
            a0, b0, c0 = i * M * K, i * K * N, i * M * N
            if transpose_b:
                for m in range(M):
                    for n in range(N):
                        c[c0 + m * N + n] = _dot(a, a0 + m * K, b, b0 + n * K, K)
            else:
                matrix = b[b0 : b0 + K * N]
                for m in range(M):
                    _add_rows(a, a0 + m * a_row, a_k, K, matrix, N, c[c0 + m * N : c0 + m * N + N])


def multiply(c, a, b, sizes, transpose_a, transpose_b):
    """c[i] = op(a[i]) @ op(b[i]), where op transposes if its flag is set; if it is quicker so. Return whether.

    Flat arrays of one dtype: c (B * M * N), a (B * M * K) and b (B * K * N); `sizes` are B, M, K and N, none of them 0.
    """
    B, M, K, N = sizes
    if N == 1 and transpose_a:  # the transposed product: of a row and the matrix as it lies
        a, b, M, N, transpose_b = b, a, 1, M, False
    elif N == 1:
        transpose_b = True
    if M == 1:
        transpose_a = False
    if transpose_b:
        quicker = not transpose_a and (M * N <= MANY or (K >= LONG and min(M, N) == 1))
    else:
        quicker = M <= FEW or (M <= MANY and M * K * N <= TINY)
    if quicker:
        _multiply(a, b, c, (B, M, K, N, max(1, CHUNK // (M * K * N))), transpose_a, transpose_b)
    return quicker

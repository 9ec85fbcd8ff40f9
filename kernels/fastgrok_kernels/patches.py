"""The windows of an image as columns of a matrix (im2col), and the sum of such columns over an image, its adjoint.

Convolution does without this matrix (conv.py); it is for users who want the windows themselves. Pairs such as `stride`
are (rows, columns); `size` counts the windows.
"""

from . import jit, memory

__all__ = ["patches_backward", "patches_forward"]


@jit.serial(inline=True)
def _inside(shift, stride, count, length):
    """The first and the end of the outputs q < count with 0 <= q * stride + shift < length."""
    first = max(0, (stride - 1 - shift) // stride)
    return first, max(first, min(count, (length - 1 - shift) // stride + 1))


@jit.serial
def _plane_to_columns(x, x0, columns, to, sizes):
    """Columns (K, L, P, Q) of one channel of one image."""
    R, S, K, L, P, Q, sh, sw, top, left, gh, gw = sizes
    for k in range(K):
        for l in range(L):
            shift = l * gw - left
            first, end = _inside(shift, sw, Q, S)
            for p in range(P):
                row, r = columns[to : to + Q], p * sh + k * gh - top
                to += Q
                inside = 0 <= r < R
                a, b = (first, end) if inside else (Q, Q)
                for q in range(a):
                    row[q] = 0
                for q in range(a, b):
                    row[q] = x[x0 + r * S + q * sw + shift]
                for q in range(b, Q):
                    row[q] = 0


@jit.serial
def _columns_to_plane(columns, start, x, x0, sizes):
    """The other way round, adding up."""
    R, S, K, L, P, Q, sh, sw, top, left, gh, gw = sizes
    plane = x[x0 : x0 + R * S]
    for i in range(plane.size):
        plane[i] = 0
    for k in range(K):
        for l in range(L):
            shift = l * gw - left
            first, end = _inside(shift, sw, Q, S)
            for p in range(P):
                row, r = columns[start : start + Q], p * sh + k * gh - top
                start += Q
                if 0 <= r < R:
                    for q in range(first, end):
                        plane[r * S + q * sw + shift] += row[q]


@jit.parallel(work=lambda x, columns, sizes: columns.size)
def _patches_forward(x, columns, sizes):
    plane = sizes[0] * sizes[1]
    for s in jit.prange(x.size // plane):
        i = s * 1
        _plane_to_columns(x, i * plane, columns, i * (columns.size // (x.size // plane)), sizes)


@jit.parallel(work=lambda columns, x, sizes: columns.size)
def _patches_backward(columns, x, sizes):
    plane = sizes[0] * sizes[1]
    for s in jit.prange(x.size // plane):
        i = s * 1
        _columns_to_plane(columns, i * (columns.size // (x.size // plane)), x, i * plane, sizes)


def patches_forward(x, kernel_size, size, stride, padding, dilation):
    """Each window of every channel as a column; what lies outside the image is zero.

    `x` (B, C, R, S), channels first. The pairs are `kernel_size` (K, L), `size` (P, Q), `stride`, `padding` (above and
    to the left) and `dilation`. Returns `columns` (B, C * K * L, P * Q).
    """
    (B, C, R, S), (K, L), (P, Q) = x.shape, kernel_size, size
    columns = memory.empty((B, C * K * L, P * Q), x.dtype)
    if columns.size and x.size:
        sizes = (R, S, K, L, P, Q, *stride, *padding, *dilation)
        _patches_forward(x.ravel(), columns.ravel(), sizes)
    return columns


def patches_backward(columns, kernel_size, size, image_size, stride, padding, dilation):
    """Add columns up where their windows lie: the adjoint of `patches_forward`.

    `columns` (B, C * K * L, P * Q), the pairs `kernel_size` (K, L), `size` (P, Q) and `image_size` (R, S); `stride`,
    `padding` and `dilation` as in `patches_forward`. Returns `x` (B, C, R, S).
    """
    (K, L), (P, Q), (R, S) = kernel_size, size, image_size
    x = memory.empty((columns.shape[0], columns.shape[1] // (K * L), R, S), columns.dtype)
    if x.size:
        sizes = (R, S, K, L, P, Q, *stride, *padding, *dilation)
        _patches_backward(columns.ravel(), x.ravel(), sizes)
    return x

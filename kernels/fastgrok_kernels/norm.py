"""Normalisation: layer norm over rows, batch norm over channels.

Both need few passes over memory. A row of layer norm is small and stays in the cache: mean, variance and result are one
pass. Batch norm needs the statistics of whole columns of x (N, C) first. They are worked out for blocks that stay in
the cache, each around its own mean, and combined as in Chan, Golub and LeVeque, "Algorithms for computing the sample
variance" (1983), in float64. Blocks depend on shapes only, so results do not depend on the number of threads.

C may be as small as 3. So that loops are long all the same, several rows lie side by side as one *wide row*: x is seen
as wide rows of W numbers, W a multiple of C, and what belongs to a channel is repeated to that width.
"""

import numpy as np

from . import jit, memory

__all__ = [
    "batch_norm_backward_input",
    "batch_norm_backward_sums",
    "batch_norm_forward",
    "batch_norm_statistics",
    "layer_norm_backward",
    "layer_norm_forward",
]

BLOCK = 1 << 15
"""Numbers in a block, about: 128 KB of float32."""
FEW = 1 << 9
"""Numbers up to which NumPy is sooner done with columns: it finds the statistics of 8 x 8 in 5 us instead of 34."""
WIDE = 256
"""Numbers in a wide row, at least (unless there are fewer)."""


# ------------------------------------------------------------------------------------------------ rows


@jit.serial(reassociate=True)
def sum_row(row):
    total = row.dtype.type(0)
    for i in range(row.size):
        total += row[i]
    return total


@jit.serial(reassociate=True)
def sum_squares(row, mean):
    total = row.dtype.type(0)
    for i in range(row.size):
        total += (row[i] - mean) * (row[i] - mean)
    return total


@jit.serial
def _layer_row(x, mean, rstd, weight, bias, y):
    for i in range(x.size):
        y[i] = (x[i] - mean) * rstd * weight[i] + bias[i]


@jit.parallel(work=lambda x, weight, bias, y, mean, rstd, eps, rows: x.size)
def _layer_norm_forward(x, weight, bias, y, mean, rstd, eps, rows):
    D, one = x.size // mean.size, x.dtype.type(1)
    G = weight.size // D
    for block in jit.prange((mean.size + rows - 1) // rows):
        for g in range(G):
            own_weight, own_bias = weight[g * D : g * D + D], bias[g * D : g * D + D]
            for n in range(block * rows + g, min(block * rows + rows, mean.size), G):
                row = x[n * D : n * D + D]
                middle = sum_row(row) / x.dtype.type(D)
                scale = one / np.sqrt(sum_squares(row, middle) / x.dtype.type(D) + eps)
                mean[n], rstd[n] = middle, scale
                _layer_row(row, middle, scale, own_weight, own_bias, y[n * D : n * D + D])


def _multiple(rows, weight):
    """As many rows or some more, so that all weights (D,) or (G, D) are used as often."""
    G = 1 if weight.ndim == 1 else len(weight)
    return -(-rows // G) * G


def layer_norm_forward(x, weight, bias, eps):
    """y = (x - mean) * rstd * weight + bias, row by row; rstd = 1 / sqrt(variance + eps).

    `x` (N, D), `weight` and `bias` (D,), or (G, D) for G rows by turns, the number `eps`. Returns `y` (N, D), `mean`
    (N,) and `rstd` (N,). Source: Ba, Kiros and Hinton, "Layer normalization" (2016).
    """
    N, D = x.shape
    y, mean, rstd = memory.empty_like(x), np.zeros(N, x.dtype), np.zeros(N, x.dtype)
    if x.size:
        rows = _multiple(max(1, 8192 // D), weight)
        flat = [a.ravel() for a in (x, weight, bias, y, mean, rstd)]
        _layer_norm_forward(*flat, x.dtype.type(eps), rows)
    return y, mean, rstd


@jit.serial(reassociate=True)
def _layer_row_sums(dy, x, mean, rstd, weight):
    """The sums of g and g * xhat, for g = dy * weight."""
    sum_g, sum_gx = x.dtype.type(0), x.dtype.type(0)
    for i in range(x.size):
        g = dy[i] * weight[i]
        sum_g += g
        sum_gx += g * ((x[i] - mean) * rstd)
    return sum_g, sum_gx


@jit.serial
def _layer_row_backward(dy, x, mean, rstd, weight, mean_g, mean_gx, dx):
    for i in range(x.size):
        xhat = (x[i] - mean) * rstd
        dx[i] = rstd * (dy[i] * weight[i] - mean_g - xhat * mean_gx)


@jit.serial
def _layer_row_parameters(dy, x, mean, rstd, dweight, dbias):
    for i in range(x.size):
        dweight[i] += dy[i] * ((x[i] - mean) * rstd)
        dbias[i] += dy[i]


@jit.parallel(work=lambda dy, x, mean, rstd, weight, dx, sums, rows: 2 * x.size)
def _layer_norm_backward(dy, x, mean, rstd, weight, dx, sums, rows):
    D, W = x.size // mean.size, weight.size
    for block in jit.prange((mean.size + rows - 1) // rows):
        for g in range(W // D):
            own, low = weight[g * D : g * D + D], 2 * block * W + g * D
            dweight, dbias = sums[low : low + D], sums[low + W : low + W + D]
            for n in range(block * rows + g, min(block * rows + rows, mean.size), W // D):
                a, b = n * D, n * D + D
                sum_g, sum_gx = _layer_row_sums(dy[a:b], x[a:b], mean[n], rstd[n], own)
                sum_g, sum_gx = sum_g / x.dtype.type(D), sum_gx / x.dtype.type(D)
                _layer_row_backward(dy[a:b], x[a:b], mean[n], rstd[n], own, sum_g, sum_gx, dx[a:b])
                _layer_row_parameters(dy[a:b], x[a:b], mean[n], rstd[n], dweight, dbias)


def layer_norm_backward(dy, x, mean, rstd, weight):
    """The gradients of `layer_norm_forward`, with g = dy * weight and xhat = (x - mean) * rstd.

    dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) along rows; dweight and dbias sum dy * xhat and dy over rows.
    `dy`, `x` (N, D), `mean`, `rstd` (N,), `weight` (D,) or (G, D). Returns `dx` (N, D), and `dweight` and `dbias` as
    `weight`.
    """
    N, D = x.shape
    dx = memory.empty_like(x)
    rows = _multiple(max(16, BLOCK // max(1, D)), weight)
    sums = np.zeros((-(-N // rows), 2, *weight.shape), x.dtype)
    if x.size:
        _layer_norm_backward(*[a.ravel() for a in (dy, x, mean, rstd, weight, dx, sums)], rows)
    dweight, dbias = sums.sum(axis=0)
    return dx, dweight, dbias


# ------------------------------------------------------------------------------------------------ columns


def _widths(x):
    """How many rows make a wide row, its width W, and the numbers in a block: a multiple of W."""
    C = x.shape[1]
    repeats = max(1, min(len(x), WIDE // C))
    return repeats, repeats * C, max(1, BLOCK // (repeats * C)) * repeats * C


def _wide(channels, repeats):
    """What belongs to channels (C,), repeated to the width of a wide row."""
    return channels[None].repeat(repeats, axis=0).ravel()  # np.tile takes five times as long


def _per_channel(sums, C):
    """Sums (blocks, ..., W) over blocks and over the repetitions of channels, in float64."""
    total = sums.sum(axis=0, dtype=np.float64)
    return total.reshape(*total.shape[:-1], -1, C).sum(axis=-2)


@jit.serial
def add_row(row, sums):
    for i in range(row.size):
        sums[i] += row[i]


@jit.serial
def add_squares(row, mean, sums):
    for i in range(row.size):
        sums[i] += (row[i] - mean[i]) * (row[i] - mean[i])


@jit.parallel(work=lambda x, mean, squares, W, size: x.size / 2)
def _batch_norm_statistics(x, mean, squares, W, size):
    for block in jit.prange((x.size + size - 1) // size):
        m, squared = mean[block * W : block * W + W], squares[block * W : block * W + W]
        low, high = block * size, min(x.size, block * size + size)
        for n in range(low, high, W):
            add_row(x[n : min(n + W, high)], m)
        rows, rest = (high - low) // W, (high - low) % W
        for i in range(W):
            m[i] /= x.dtype.type(max(1, rows + (i < rest)))
        for n in range(low, high, W):
            add_squares(x[n : min(n + W, high)], m, squared)


def batch_norm_statistics(x):
    """The mean and the (biased) variance of every column. `x` (N, C). Returns `mean` (C,) and `var` (C,)."""
    N, C = x.shape
    if not x.size:
        return np.full(C, np.nan, x.dtype), np.full(C, np.nan, x.dtype)
    if x.size <= FEW:
        mean = np.add.reduce(x, axis=0, dtype=np.float64) / N  # x.mean takes three times as long
        apart = x - mean
        return mean.astype(x.dtype), (np.add.reduce(apart * apart, axis=0) / N).astype(x.dtype)
    repeats, W, size = _widths(x)
    blocks = -(-x.size // size)
    means, squares = np.zeros((blocks, W), x.dtype), np.zeros((blocks, W), x.dtype)
    _batch_norm_statistics(x.ravel(), means.ravel(), squares.ravel(), W, size)
    # How many numbers each mean is of: the last block may be short, and end within a wide row.
    last = x.size - (blocks - 1) * size
    counts = np.full((blocks, W), size // W)
    counts[-1] = last // W + (np.arange(W) < last % W)
    mean = _per_channel(means * counts.astype(np.float64), C) / N
    apart = means - _wide(mean, repeats)
    var = _per_channel(squares + counts * apart * apart, C) / N
    return mean.astype(x.dtype), var.astype(x.dtype)


@jit.serial
def _normalise(x, mean, scale, bias, y):
    for i in range(x.size):
        y[i] = (x[i] - mean[i]) * scale[i] + bias[i]


@jit.parallel(work=lambda x, mean, scale, bias, y, size: x.size / 3)
def _batch_norm_forward(x, mean, scale, bias, y, size):
    W = mean.size
    for block in jit.prange((x.size + size - 1) // size):
        for n in range(block * size, min(x.size, block * size + size), W):
            end = min(n + W, x.size)
            _normalise(x[n:end], mean, scale, bias, y[n:end])


def batch_norm_forward(x, mean, rstd, weight, bias):
    """y = (x - mean) * rstd * weight + bias, column by column.

    `x` (N, C), `mean`, `rstd`, `weight` and `bias` (C,). Returns `y` (N, C). Source: Ioffe and Szegedy, "Batch
    normalization" (2015).
    """
    if x.size <= FEW:
        return (x - mean) * (rstd * weight) + bias
    y = memory.empty_like(x)
    repeats, W, size = _widths(x)
    channels = [_wide(a, repeats) for a in (mean, rstd * weight, bias)]
    _batch_norm_forward(x.ravel(), *channels, y.ravel(), size)
    return y


@jit.serial
def add_products(dy, x, mean, sums, products):
    for i in range(x.size):
        sums[i] += dy[i]
        products[i] += dy[i] * (x[i] - mean[i])


@jit.parallel(work=lambda dy, x, mean, sums, size: x.size / 2)
def _batch_norm_backward_sums(dy, x, mean, sums, size):
    W = mean.size
    for block in jit.prange((x.size + size - 1) // size):
        low = 2 * block * W
        for n in range(block * size, min(x.size, block * size + size), W):
            end = min(n + W, x.size)
            add_products(dy[n:end], x[n:end], mean, sums[low : low + W], sums[low + W : low + 2 * W])


def batch_norm_backward_sums(dy, x, mean, rstd):
    """The gradients of weight and bias: the sums of dy * (x - mean) * rstd and of dy over each column.

    `dy`, `x` (N, C), `mean`, `rstd` (C,). Returns `dweight` (C,) and `dbias` (C,).
    """
    C = x.shape[1]
    if not x.size:
        return np.zeros(C, x.dtype), np.zeros(C, x.dtype)
    if x.size <= FEW:
        dbias, products = (np.add.reduce(a, axis=0, dtype=np.float64) for a in (dy, dy * (x - mean)))
    else:
        repeats, W, size = _widths(x)
        sums = np.zeros((-(-x.size // size), 2, W), x.dtype)
        _batch_norm_backward_sums(dy.ravel(), x.ravel(), _wide(mean, repeats), sums.ravel(), size)
        dbias, products = _per_channel(sums, C)
    return (products * rstd).astype(x.dtype), dbias.astype(x.dtype)


@jit.serial
def _combine(dy, x, mean, scale, slope, shift, dx):
    for i in range(x.size):
        dx[i] = scale[i] * (dy[i] - shift[i] - (x[i] - mean[i]) * slope[i])


@jit.parallel(work=lambda dy, x, mean, scale, slope, shift, dx, size: x.size / 2)
def _batch_norm_backward_input(dy, x, mean, scale, slope, shift, dx, size):
    W = mean.size
    for block in jit.prange((x.size + size - 1) // size):
        for n in range(block * size, min(x.size, block * size + size), W):
            end = min(n + W, x.size)
            _combine(dy[n:end], x[n:end], mean, scale, slope, shift, dx[n:end])


def batch_norm_backward_input(dy, x, mean, rstd, weight, dweight, dbias):
    """dx = weight * rstd * (dy - dbias / N - (x - mean) * rstd * dweight / N), where x gave mean and rstd.

    Where they were given, as in evaluation, dx = weight * rstd * dy: let dweight and dbias be zero. `dy`, `x` (N, C),
    `mean`, `rstd`, `weight`, `dweight` and `dbias` (C,). Returns `dx` (N, C).
    """
    N = x.dtype.type(max(1, len(x)))
    scale, slope, shift = rstd * weight, rstd * dweight / N, dbias / N
    if x.size <= FEW:
        return scale * (dy - shift - (x - mean) * slope)
    dx = memory.empty_like(x)
    repeats, W, size = _widths(x)
    channels = [_wide(a, repeats) for a in (mean, scale, slope, shift)]
    _batch_norm_backward_input(dy.ravel(), x.ravel(), *channels, dx.ravel(), size)
    return dx

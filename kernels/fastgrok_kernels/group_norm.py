"""Normalisation of each group of channels of each image, with channels first or last in memory.

With channels first a group is a run of numbers, and the channels in it are shorter runs. With channels last the
numbers of a channel lie apart: sums are made for all channels side by side, and those of a group are added up then. So
that loops are long with few channels, too, several pixels make a *wide row* of W numbers; what belongs to a channel is
repeated to that width.

An image is one parallel iteration, or a group of it. It stays in the cache, as a rule, from mean to variance to result.
Sums are of chunks in the dtype of x, and of all chunks in float64.
"""

import numpy as np

from . import jit, memory
from .norm import add_products, add_row, add_squares, sum_row, sum_squares

__all__ = ["group_norm_backward", "group_norm_forward", "group_norm_last_backward", "group_norm_last_forward"]

CHUNK = 1 << 13
"""Numbers of a run that are summed in the dtype of x, and of small images in one iteration."""
WIDE, ROWS = 512, 32
"""Numbers in a wide row, at most (unless there are more channels), and how many rows are summed in the dtype of x."""


# ------------------------------------------------------------------------------------------------ channels first


@jit.serial
def _normalise_run(x, mean, scale, bias, y):
    for i in range(x.size):
        y[i] = (x[i] - mean) * scale + bias


@jit.parallel(work=lambda x, *_: 0.3 * x.size)
def _forward(x, weight, bias, y, mean, rstd, K, S, eps):
    D, G = K * S, weight.size // K
    for i in jit.prange(mean.size):
        n = np.int64(i)
        run, total = x[n * D : n * D + D], 0.0
        for low in range(0, D, CHUNK):
            total += np.float64(sum_row(run[low : min(low + CHUNK, D)]))
        middle, total = x.dtype.type(total / D), 0.0
        for low in range(0, D, CHUNK):
            total += np.float64(sum_squares(run[low : min(low + CHUNK, D)], middle))
        scale = x.dtype.type(1 / np.sqrt(total / D + eps))
        mean[n], rstd[n] = middle, scale
        for k in range(K):
            c, low = n % G * K + k, n * D + k * S
            _normalise_run(x[low : low + S], middle, scale * weight[c], bias[c], y[low : low + S])


def group_norm_forward(x, weight, bias, groups, eps):
    """y = (x - mean) * rstd * weight + bias, mean and rstd = 1 / sqrt(variance + eps) being those of a group.

    `x` (B, C, S), of whose channels C / groups neighbours make a group; `weight`, `bias` (C,), the number `eps`.
    Returns `y` (B, C, S), `mean` and `rstd` (B, groups). Source: Wu and He, "Group normalization" (2018).
    """
    B, C, S = x.shape
    y, mean, rstd = memory.empty_like(x), np.zeros((B, groups), x.dtype), np.zeros((B, groups), x.dtype)
    if x.size:
        flat = [a.ravel() for a in (x, weight, bias, y, mean, rstd)]
        _forward(*flat, C // groups, S, eps)
    return y, mean, rstd


@jit.serial(reassociate=True)
def _sums_of_products(dy, x, mean):
    """The sums of dy and of dy * (x - mean)."""
    total, products = x.dtype.type(0), x.dtype.type(0)
    for i in range(x.size):
        total += dy[i]
        products += dy[i] * (x[i] - mean)
    return total, products


@jit.serial
def _run_backward(dy, x, mean, scale, shift, slope, dx):
    for i in range(x.size):
        dx[i] = dy[i] * scale - shift - (x[i] - mean) * slope


@jit.parallel(work=lambda dy, *_: 0.5 * dy.size)
def _backward(dy, x, mean, rstd, weight, dx, dweight, dbias, K, S):
    D, G = K * S, weight.size // K
    for i in jit.prange(mean.size):
        n = np.int64(i)
        middle, scale, sum_g, sum_gx = mean[n], np.float64(rstd[n]), 0.0, 0.0
        for k in range(K):
            total, products, end = 0.0, 0.0, n * D + k * S + S
            for low in range(end - S, end, CHUNK):
                high = min(low + CHUNK, end)
                of_dy, of_products = _sums_of_products(dy[low:high], x[low:high], middle)
                total += np.float64(of_dy)
                products += np.float64(of_products)
            dbias[n * K + k], dweight[n * K + k] = total, products * scale
            sum_g += total * weight[n % G * K + k]
            sum_gx += products * scale * weight[n % G * K + k]
        shift, slope = x.dtype.type(scale * sum_g / D), x.dtype.type(scale * scale * sum_gx / D)
        for k in range(K):
            low, high = n * D + k * S, n * D + k * S + S
            _run_backward(
                dy[low:high], x[low:high], middle, rstd[n] * weight[n % G * K + k], shift, slope, dx[low:high]
            )


def group_norm_backward(dy, x, mean, rstd, weight):
    """The gradients of `group_norm_forward`, with g = dy * weight and xhat = (x - mean) * rstd.

    dx = rstd * (g - mean(g) - xhat * mean(g * xhat)), means over groups; dweight and dbias sum dy * xhat and dy over
    images and pixels. `dy`, `x` (B, C, S), `mean`, `rstd` (B, groups), `weight` (C,). Returns `dx` (B, C, S), `dweight`
    and `dbias` (C,).
    """
    return _gradients(_backward, dy, x, mean, rstd, weight, x.shape[2])


def _gradients(loop, dy, x, mean, rstd, weight, S):
    """Call a loop that gives dx, and for each image dweight and dbias."""
    C, dx, sums = weight.size, memory.empty_like(x), np.zeros((2, len(x), weight.size))
    if x.size:
        flat = [a.ravel() for a in (dy, x, mean, rstd, weight, dx, *sums)]
        loop(*flat, C // mean.shape[1], S)
    dweight, dbias = sums.sum(axis=1).astype(x.dtype)
    return dx, dweight, dbias


# ------------------------------------------------------------------------------------------------ channels last


@jit.serial(reassociate=True)
def _weighted(totals, weight):
    total = 0.0
    for i in range(totals.size):
        total += totals[i] * weight[i]
    return total


@jit.serial
def _normalise_rows(x, mean, scale, bias, y):
    for i in range(x.size):
        y[i] = (x[i] - mean[i]) * scale[i] + bias[i]


@jit.serial
def _rows_backward(dy, x, mean, scale, shift, slope, dx):
    for i in range(x.size):
        dx[i] = dy[i] * scale[i] - shift[i] - (x[i] - mean[i]) * slope[i]


@jit.serial
def _fold(totals, C):
    """Add what belongs to the repetitions of channels to the channels."""
    for w in range(totals.size - 1, C - 1, -1):
        totals[w - C] += totals[w]


@jit.serial
def _repeat(wide, C):
    """Repeat what belongs to channels."""
    for w in range(C, wide.size):
        wide[w] = wide[w - C]


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _last_forward(x, weight, bias, y, mean, rstd, K, S, eps):
    C, G = weight.size, weight.size // K
    W, size = max(1, min(S, WIDE // C)) * C, S * C
    images = max(1, CHUNK // size)
    for block in jit.prange((x.size + images * size - 1) // (images * size)):
        part, totals = np.empty(W, x.dtype), np.empty(W)
        middle, scale, shift = np.empty(W, x.dtype), np.empty(W, x.dtype), np.empty(W, x.dtype)
        shift[:C] = bias
        _repeat(shift, C)
        for b in range(block * images, min(block * images + images, x.size // size)):
            start, end = b * size, b * size + size
            totals[:] = 0
            for low in range(start, end, ROWS * W):
                part[:] = 0
                for n in range(low, min(low + ROWS * W, end), W):
                    add_row(x[n : min(n + W, end)], part)
                add_row(part, totals)
            _fold(totals, C)
            for g in range(G):
                mean[b * G + g] = sum_row(totals[g * K : g * K + K]) / (K * S)
                for c in range(g * K, g * K + K):
                    middle[c] = mean[b * G + g]
            _repeat(middle, C)
            totals[:] = 0
            for low in range(start, end, ROWS * W):
                part[:] = 0
                for n in range(low, min(low + ROWS * W, end), W):
                    add_squares(x[n : min(n + W, end)], middle, part)
                add_row(part, totals)
            _fold(totals, C)
            for g in range(G):
                rstd[b * G + g] = 1 / np.sqrt(sum_row(totals[g * K : g * K + K]) / (K * S) + eps)
                for c in range(g * K, g * K + K):
                    scale[c] = rstd[b * G + g] * weight[c]
            _repeat(scale, C)
            for n in range(start, end, W):
                high = min(n + W, end)
                _normalise_rows(x[n:high], middle, scale, shift, y[n:high])


def group_norm_last_forward(x, weight, bias, groups, eps):
    """y = (x - mean) * rstd * weight + bias, as `group_norm_forward`.

    `x` (B, S, C), `weight`, `bias` (C,), the number `eps`. Returns `y` (B, S, C), `mean` and `rstd` (B, groups).
    """
    B, S, C = x.shape
    y, mean, rstd = memory.empty_like(x), np.zeros((B, groups), x.dtype), np.zeros((B, groups), x.dtype)
    if x.size:
        flat = [a.ravel() for a in (x, weight, bias, y, mean, rstd)]
        _last_forward(*flat, C // groups, S, eps)
    return y, mean, rstd


@jit.parallel(work=lambda dy, *_: 0.7 * dy.size)
def _last_backward(dy, x, mean, rstd, weight, dx, dweight, dbias, K, S):
    C, G = weight.size, weight.size // K
    W, size = max(1, min(S, WIDE // C)) * C, S * C
    images = max(1, CHUNK // size)
    for block in jit.prange((x.size + images * size - 1) // (images * size)):
        part, part_products, totals, products = np.empty(W, x.dtype), np.empty(W, x.dtype), np.empty(W), np.empty(W)
        middle, scale = np.empty(W, x.dtype), np.empty(W, x.dtype)
        shift, slope = np.empty(W, x.dtype), np.empty(W, x.dtype)
        for b in range(block * images, min(block * images + images, x.size // size)):
            start, end = b * size, b * size + size
            for g in range(G):
                for c in range(g * K, g * K + K):
                    middle[c] = mean[b * G + g]
            _repeat(middle, C)
            totals[:] = 0
            products[:] = 0
            for low in range(start, end, ROWS * W):
                part[:] = 0
                part_products[:] = 0
                for n in range(low, min(low + ROWS * W, end), W):
                    high = min(n + W, end)
                    add_products(dy[n:high], x[n:high], middle, part, part_products)
                add_row(part, totals)
                add_row(part_products, products)
            _fold(totals, C)
            _fold(products, C)
            for g in range(G):
                low, high, factor = g * K, g * K + K, np.float64(rstd[b * G + g])
                mean_g = _weighted(totals[low:high], weight[low:high]) / (K * S)
                mean_gx = factor * _weighted(products[low:high], weight[low:high]) / (K * S)
                for c in range(low, high):
                    dbias[b * C + c], dweight[b * C + c] = totals[c], factor * products[c]
                    scale[c], shift[c], slope[c] = factor * weight[c], factor * mean_g, factor * factor * mean_gx
            _repeat(scale, C)
            _repeat(shift, C)
            _repeat(slope, C)
            for n in range(start, end, W):
                high = min(n + W, end)
                _rows_backward(dy[n:high], x[n:high], middle, scale, shift, slope, dx[n:high])


def group_norm_last_backward(dy, x, mean, rstd, weight):
    """The gradients of `group_norm_last_forward`; see `group_norm_backward`.

    `dy`, `x` (B, S, C), `mean`, `rstd` (B, groups), `weight` (C,). Returns `dx` (B, S, C), `dweight` and `dbias` (C,).
    """
    return _gradients(_last_backward, dy, x, mean, rstd, weight, x.shape[1])

"""Softmax, log-softmax and cross-entropy along columns: over the channels of images, the channels first in memory.

Arrays are (N, V, S): a column is x[n, :, s]. Blocks of columns side by side stay in the cache from one pass to the
next, and nothing is transposed.
"""

import numpy as np

from . import jit, memory
from .scalar import exp_below_one, log
from .vector import select

__all__ = [
    "column_cross_entropy_forward",
    "column_cross_entropy_with_gradient",
    "column_log_softmax_backward",
    "column_log_softmax_forward",
    "column_softmax_backward",
    "column_softmax_forward",
]

COLUMNS = 256  # per parallel iteration, at most
LINE = 16  # float32 of a cache line
ROWS = 64  # exponentials added up at a time, since long sums of float32 lose digits; float64 takes half as long again


def column_softmax_forward(x):
    """y[n, v, s] = e^x[n, v, s] / sum_u e^x[n, u, s].

    `x` (N, V, S), float32 or float64. Returns `y` (N, V, S).
    """
    y = memory.empty_like(x)
    if x.size:
        _softmax(x.reshape(-1), y.reshape(-1), *x.shape[1:])
    return y


def column_softmax_backward(dy, y):
    """dx[n, v, s] = y[n, v, s] (dy[n, v, s] - sum_u dy[n, u, s] y[n, u, s]).

    `dy`, `y` (N, V, S): the gradient of, and the result of, `column_softmax_forward`. Returns `dx` (N, V, S).
    """
    dx = memory.empty_like(y)
    if y.size:
        _softmax_backward(dy.reshape(-1), y.reshape(-1), dx.reshape(-1), *y.shape[1:])
    return dx


def column_log_softmax_forward(x):
    """y[n, v, s] = x[n, v, s] - log sum_u e^x[n, u, s].

    `x` (N, V, S), float32 or float64. Returns `y` (N, V, S).
    """
    y = memory.empty_like(x)
    if x.size:
        _log_softmax(x.reshape(-1), y.reshape(-1), *x.shape[1:])
    return y


def column_log_softmax_backward(dy, y):
    """dx[n, v, s] = dy[n, v, s] - e^y[n, v, s] sum_u dy[n, u, s].

    `dy`, `y` (N, V, S): the gradient of, and the result of, `column_log_softmax_forward`. Returns `dx` (N, V, S).
    """
    dx = memory.empty_like(y)
    if y.size:
        _log_softmax_backward(dy.reshape(-1), y.reshape(-1), dx.reshape(-1), *y.shape[1:])
    return dx


def column_cross_entropy_forward(logits, targets):
    """losses[n, s] = log sum_v e^logits[n, v, s] - logits[n, targets[n, s], s].

    `logits` (N, V, S), float32 or float64; `targets` (N, S) int64, below V; a negative target ignores its column, with
    loss 0. Returns `losses` (N, S).
    """
    return _losses(logits, targets, np.empty((0, *logits.shape[1:]), logits.dtype), 0.0)


def column_cross_entropy_with_gradient(logits, targets, dloss):
    """The losses of `column_cross_entropy_forward`, and their gradient for one `dloss` of them all, in one pass.

    dlogits[n, v, s] = dloss (e^logits[n, v, s] / sum_u e^logits[n, u, s] - [v = targets[n, s]]), and 0 in ignored
    columns. `logits` (N, V, S), `targets` (N, S) as there; `dloss` is rounded to the dtype of the logits. Returns
    `losses` (N, S) and `dlogits` (N, V, S).
    """
    dlogits = memory.empty_like(logits)
    return _losses(logits, targets, dlogits, float(dloss)), dlogits


def _losses(logits, targets, dlogits, dloss):
    losses = np.zeros(targets.shape, logits.dtype)
    if logits.size:
        flat = (a.reshape(-1) for a in (logits, targets, losses, dlogits))
        _cross_entropy(*flat, *logits.shape[1:], dloss)
    return losses


# ---------------------------------------------------------------------------------------------------- parts of one row


@jit.serial
def _larger(x, best):
    for i in range(x.size):
        best[i] = select(x[i] > best[i], x[i], best[i])


@jit.serial
def _add_exponentials(x, shift, total):
    for i in range(x.size):
        total[i] += exp_below_one(x[i] - shift[i])


@jit.serial
def _keep_exponentials(x, shift, total, y):
    for i in range(x.size):
        y[i] = exp_below_one(x[i] - shift[i])
        total[i] += y[i]


@jit.serial
def _scale(factor, y):
    for i in range(y.size):
        y[i] *= factor[i]


@jit.serial
def _take_from(x, shift, rest, y):
    for i in range(x.size):
        y[i] = (x[i] - shift[i]) - rest[i]


@jit.serial
def _add(x, total):
    for i in range(x.size):
        total[i] += x[i]


@jit.serial
def _add_products(a, b, total):
    for i in range(a.size):
        total[i] += a[i] * b[i]


@jit.serial
def _softmax_gradient(dy, y, mean, dx):
    for i in range(y.size):
        dx[i] = y[i] * (dy[i] - mean[i])


@jit.serial
def _log_softmax_gradient(dy, y, total, dx):
    for i in range(y.size):
        dx[i] = dy[i] - exp_below_one(y[i]) * total[i]


# --------------------------------------------------------------------------------------------------- a block of columns


@jit.serial
def _block(k, V, S):
    """Where block k of columns begins in `x` (N, V, S), how many there are, and where it begins in (N, S)."""
    parts = (S + COLUMNS - 1) // COLUMNS
    wide = (S + parts * LINE - 1) // (parts * LINE) * LINE
    n, s = np.int64(k) // parts, np.int64(k) % parts * wide
    return n * V * S + s, max(min(wide, S - s), 0), n * S + s


@jit.serial
def _sums(x, y, first, columns, V, S):
    """The maxima of columns and the sums of e^(x - maximum), which `y` keeps if it is not empty."""
    best, total, part = x[first : first + columns].copy(), np.zeros(columns, x.dtype), np.zeros(columns, x.dtype)
    end = first + V * S
    for i in range(first, end, S):
        _larger(x[i : i + columns], best)
    for low in range(first, end, ROWS * S):
        part[:] = 0
        for i in range(low, min(low + ROWS * S, end), S):
            if y.size:
                _keep_exponentials(x[i : i + columns], best, part, y[i : i + columns])
            else:
                _add_exponentials(x[i : i + columns], best, part)
        _add(part, total)
    return best, total


@jit.serial
def _logarithms(total):
    logs = np.empty_like(total)
    for i in range(total.size):
        logs[i] = log(total[i])
    return logs


@jit.serial
def _inverses(total, factor):
    inverses = np.empty_like(total)
    for i in range(total.size):
        inverses[i] = factor / total[i]
    return inverses


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _softmax(x, y, V, S):
    for k in jit.prange(x.size // (V * S) * ((S + COLUMNS - 1) // COLUMNS)):
        first, columns, _ = _block(k, V, S)
        total = _sums(x, y, first, columns, V, S)[1]
        factor = _inverses(total, y.dtype.type(1))
        for i in range(first, first + V * S, S):
            _scale(factor, y[i : i + columns])


@jit.parallel(work=lambda dy, *_: 0.3 * dy.size)
def _softmax_backward(dy, y, dx, V, S):
    for k in jit.prange(y.size // (V * S) * ((S + COLUMNS - 1) // COLUMNS)):
        first, columns, _ = _block(k, V, S)
        total = np.zeros(columns)
        for i in range(first, first + V * S, S):
            _add_products(dy[i : i + columns], y[i : i + columns], total)
        mean = total.astype(y.dtype)
        for i in range(first, first + V * S, S):
            _softmax_gradient(dy[i : i + columns], y[i : i + columns], mean, dx[i : i + columns])


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _log_softmax(x, y, V, S):
    for k in jit.prange(x.size // (V * S) * ((S + COLUMNS - 1) // COLUMNS)):
        first, columns, _ = _block(k, V, S)
        best, total = _sums(x, y[:0], first, columns, V, S)
        rest = _logarithms(total)
        for i in range(first, first + V * S, S):
            _take_from(x[i : i + columns], best, rest, y[i : i + columns])


@jit.parallel(work=lambda dy, *_: 0.6 * dy.size)
def _log_softmax_backward(dy, y, dx, V, S):
    for k in jit.prange(y.size // (V * S) * ((S + COLUMNS - 1) // COLUMNS)):
        first, columns, _ = _block(k, V, S)
        total = np.zeros(columns)
        for i in range(first, first + V * S, S):
            _add(dy[i : i + columns], total)
        sums = total.astype(y.dtype)
        for i in range(first, first + V * S, S):
            _log_softmax_gradient(dy[i : i + columns], y[i : i + columns], sums, dx[i : i + columns])


@jit.serial
def _pick(x, targets, best, rest, dloss, losses, dx, first, V, S):
    """Losses from the logarithms of sums; and the share of the targets in the gradient."""
    for i in range(targets.size):
        target, at = targets[i], first + i
        if target >= 0:
            losses[i] = (best[i] - x[at + target * S]) + rest[i]
            if dx.size:
                dx[at + target * S] -= dloss
        elif dx.size:
            for j in range(at, at + V * S, S):
                dx[j] = 0


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _cross_entropy(x, targets, losses, dx, V, S, dloss):
    dloss = x.dtype.type(dloss)
    for k in jit.prange(x.size // (V * S) * ((S + COLUMNS - 1) // COLUMNS)):
        first, columns, place = _block(k, V, S)
        best, total = _sums(x, dx, first, columns, V, S)
        rest = _logarithms(total)
        if dx.size:
            factor = _inverses(total, dloss)
            for i in range(first, first + V * S, S):
                _scale(factor, dx[i : i + columns])
        some = targets[place : place + columns], best, rest, dloss, losses[place : place + columns]
        _pick(x, *some, dx, first, V, S)

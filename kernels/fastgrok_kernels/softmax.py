"""Softmax, log-softmax and cross-entropy over the rows of a matrix, forward and backward.

Each row is reduced on its own in a fixed order, so the results do not depend on the number of threads.
"""

import numpy as np

from . import jit, memory
from .packing import pack_panel_transposed
from .scalar import exp_below_one, from_ordered, log, to_ordered
from .simd import LANES
from .vector import load, select, store

__all__ = [
    "cross_entropy_backward",
    "cross_entropy_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "softmax_backward",
    "softmax_forward",
]

BLOCK = 8192  # elements per parallel iteration: enough to outweigh its cost, few enough to share a batch among cores
FEW = 256
"""Classes up to which the cross-entropy takes as many rows at once as a vector has lanes: most small vocabularies are
no whole vectors, and the maximum and the sum of a row go across lanes. 0.65 of the time with 33 classes, 0.8 with
65, 0.95 with 128 and 255, 1.3 with 512 (float32; float64 0.6 to 1, with AVX2 0.7 to 1). Gradients would have to be
turned back: slower from 33 classes on."""


def softmax_forward(x):
    """y[n, v] = e^x[n, v] / sum_u e^x[n, u].

    `x` (N, V), float32 or float64. Returns `y` (N, V). The largest element of a row is subtracted first, so that
    nothing overflows (Goodfellow, Bengio and Courville, Deep Learning, 2016, section 4.1).
    """
    y = memory.empty_like(x)
    if x.size:
        _softmax_forward(x, y, _rows_per_block(x))
    return y


def softmax_backward(dy, y):
    """dx = y (dy - sum_v dy y), row by row.

    `dy`, `y` (N, V): the gradient of, and the result of, `softmax_forward`. Returns `dx` (N, V).
    """
    dx = memory.empty_like(y)
    if y.size:
        _softmax_backward(dy, y, dx, _rows_per_block(y))
    return dx


def log_softmax_forward(x):
    """y[n, v] = x[n, v] - log sum_u e^x[n, u].

    `x` (N, V), float32 or float64. Returns `y` (N, V).
    """
    y = memory.empty_like(x)
    if x.size:
        _log_softmax_forward(x, y, _rows_per_block(x))
    return y


def log_softmax_backward(dy, y):
    """dx = dy - e^y sum_v dy, row by row.

    `dy`, `y` (N, V): the gradient of, and the result of, `log_softmax_forward`. Returns `dx` (N, V).
    """
    dx = memory.empty_like(y)
    if y.size:
        _log_softmax_backward(dy, y, dx, _rows_per_block(y))
    return dx


def cross_entropy_forward(logits, targets):
    """The negative log-likelihood of one class per row: losses[n] = log sum_v e^logits[n, v] - logits[n, targets[n]].

    `logits` (N, V), float32 or float64; `targets` (N,) int64, below V; a negative target ignores its row, with loss 0.
    Returns `losses` (N,) and `logsumexp` (N,), both of the dtype of the logits; the latter is for the backward pass.
    """
    losses, logsumexp = np.zeros(len(logits), logits.dtype), np.empty(len(logits), logits.dtype)
    if logits.size:
        maxima, rows = np.empty_like(losses), _rows_per_block(logits)
        if logits.shape[1] <= FEW:
            lanes = LANES * 4 // logits.itemsize
            rows = -(-rows // lanes) * lanes
        _cross_entropy_forward(logits, targets, losses, maxima, logsumexp, rows)
    return losses, logsumexp


def cross_entropy_backward(dlosses, logits, logsumexp, targets):
    """dlogits[n, v] = dlosses[n] (e^(logits[n, v] - logsumexp[n]) - [v = targets[n]]), and 0 in ignored rows.

    `dlosses` (N,): the gradient of the losses; the rest as in `cross_entropy_forward`. Returns `dlogits` (N, V).
    """
    dlogits = memory.empty_like(logits)
    if logits.size:
        _cross_entropy_backward(dlosses, logits, logsumexp, targets, dlogits, _rows_per_block(logits))
    return dlogits


def _rows_per_block(x):
    return max(1, BLOCK // x.shape[1])


# ---------------------------------------------------------------------------------------------------- one row

# Loops over vectors *along* a row, which need no scalar loop for the rest of it, were slower than what the compiler
# makes of these: it has several vectors under way at once (65 classes forward: 246 us for 4096 rows, 315 with our own).
# Exponentials of a whole block of rows at once gain 9 % with 65 classes and lose 10 % with 10,000; the last elements of
# a row as a vector that overlaps the one before are slower (289 instead of 179 us backward).


@jit.serial
def _maximum(row):
    best = to_ordered(row[0])
    for i in range(row.size):
        key = to_ordered(row[i])
        best = key if key > best else best
    return from_ordered(best)


@jit.serial(reassociate=True)
def _sum(row):
    total = row.dtype.type(0)
    for i in range(row.size):
        total += row[i]
    return total


@jit.serial(reassociate=True)
def _dot(a, b):
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@jit.serial(reassociate=True)
def _sum_of_exps(x, shift):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += exp_below_one(x[i] - shift)
    return total


@jit.serial
def _log(x):
    for i in range(x.size):
        x[i] = log(x[i])


@jit.serial
def _softmax_row(x, y):
    shift = _maximum(x)
    for i in range(x.size):
        y[i] = exp_below_one(x[i] - shift)
    scale = y.dtype.type(1) / _sum(y)
    for i in range(x.size):
        y[i] *= scale


@jit.serial
def _softmax_backward_row(dy, y, dx):
    mean = _dot(dy, y)
    for i in range(y.size):
        dx[i] = y[i] * (dy[i] - mean)


@jit.serial
def _log_softmax_row(x, y):
    shift = _maximum(x)
    rest = log(_sum_of_exps(x, shift))
    for i in range(x.size):
        y[i] = (x[i] - shift) - rest


@jit.serial
def _log_softmax_backward_row(dy, y, dx):
    total = _sum(dy)
    for i in range(y.size):
        dx[i] = dy[i] - exp_below_one(y[i]) * total


@jit.serial
def _cross_entropy_backward_row(dloss, logits, logsumexp, dlogits):
    for i in range(logits.size):
        dlogits[i] = dloss * exp_below_one(logits[i] - logsumexp)


@jit.serial
def _maxima_and_sums(logits, n0, n1, maxima, sums):
    """The maximum of each row n0 <= n < n1, and the sum of e^(logit - maximum), for a few classes: a lane per row."""
    V, lanes = logits.shape[1], LANES * 4 // logits.itemsize
    flat, turned, both = logits.reshape(-1), np.empty(V * lanes, logits.dtype), np.empty(2 * lanes, logits.dtype)
    for n in range(n0, n1, lanes):
        rows = min(lanes, n1 - n)
        pack_panel_transposed(flat, n * V, V, rows, V, turned, 0, lanes, lanes)
        best = load(turned, 0)
        for v in range(lanes, V * lanes, lanes):
            x = load(turned, v)
            best = select(x > best, x, best)
        total = exp_below_one(load(turned, 0) - best)
        for v in range(lanes, V * lanes, lanes):
            total = total + exp_below_one(load(turned, v) - best)
        store(both, 0, best)
        store(both, lanes, total)
        for i in range(rows):
            maxima[n + i], sums[n + i] = both[i], both[lanes + i]


# ---------------------------------------------------------------------------------------------------- blocks of rows


@jit.parallel(work=lambda x, y, rows: 0.8 * x.size)
def _softmax_forward(x, y, rows):
    for block in jit.prange((len(x) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(x))):
            _softmax_row(x[n], y[n])


@jit.parallel(work=lambda dy, y, dx, rows: 0.3 * y.size)
def _softmax_backward(dy, y, dx, rows):
    for block in jit.prange((len(y) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(y))):
            _softmax_backward_row(dy[n], y[n], dx[n])


@jit.parallel(work=lambda x, y, rows: 0.8 * x.size)
def _log_softmax_forward(x, y, rows):
    for block in jit.prange((len(x) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(x))):
            _log_softmax_row(x[n], y[n])


@jit.parallel(work=lambda dy, y, dx, rows: 0.6 * y.size)
def _log_softmax_backward(dy, y, dx, rows):
    for block in jit.prange((len(y) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(y))):
            _log_softmax_backward_row(dy[n], y[n], dx[n])


@jit.parallel(work=lambda logits, targets, losses, maxima, logsumexp, rows: 0.8 * logits.size)
def _cross_entropy_forward(logits, targets, losses, maxima, logsumexp, rows):
    for block in jit.prange((len(logits) + rows - 1) // rows):
        n0, n1 = np.int64(block) * rows, min(np.int64(block) * rows + rows, len(logits))
        if logits.shape[1] <= FEW:
            _maxima_and_sums(logits, n0, n1, maxima, logsumexp)
        else:
            for n in range(n0, n1):
                maxima[n] = _maximum(logits[n])
                logsumexp[n] = _sum_of_exps(logits[n], maxima[n])
        _log(logsumexp[n0:n1])  # of many numbers, hence vectorised
        for n in range(n0, n1):
            rest = logsumexp[n]
            logsumexp[n] = maxima[n] + rest
            losses[n] = (maxima[n] - logits[n, targets[n]]) + rest if targets[n] >= 0 else 0


@jit.parallel(work=lambda dlosses, logits, logsumexp, targets, dlogits, rows: 0.4 * logits.size)
def _cross_entropy_backward(dlosses, logits, logsumexp, targets, dlogits, rows):
    for block in jit.prange((len(logits) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(logits))):
            if targets[n] < 0:
                dlogits[n] = 0
            else:
                _cross_entropy_backward_row(dlosses[n], logits[n], logsumexp[n], dlogits[n])
                dlogits[n, targets[n]] -= dlosses[n]

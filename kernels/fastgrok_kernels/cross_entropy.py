"""The cross-entropy of classes over the rows of a matrix, and its gradient, in one pass or in two."""

import numpy as np

from . import jit, memory
from .softmax import exponentials_row, log_of, rows_per_block, softmax_block

__all__ = ["cross_entropy_backward", "cross_entropy_forward", "cross_entropy_with_gradient"]


def cross_entropy_forward(logits, targets):
    """The negative log-likelihood of one class per row: losses[n] = log sum_v e^logits[n, v] - logits[n, targets[n]].

    `logits` (N, V), float32 or float64; `targets` (N,) int64, below V; a negative target ignores its row, with loss 0.
    Returns `losses` (N,) and `logsumexp` (N,), both of the dtype of the logits; the latter is for the backward pass.
    """
    none = np.empty((0, logits.shape[1]), logits.dtype)
    return _losses(logits, targets, none, 0.0)


def cross_entropy_with_gradient(logits, targets, dloss):
    """The losses of `cross_entropy_forward`, and what `cross_entropy_backward` makes of one `dloss` for all rows.

    dlogits[n, v] = dloss (e^logits[n, v] / sum_u e^logits[n, u] - [v = targets[n]]), and 0 in ignored rows.

    `logits`, `targets` as in `cross_entropy_forward`; `dloss` is rounded to the dtype of the logits. Returns `losses`
    (N,), equal up to the order of sums, and `dlogits` (N, V). Every exponential is calculated once, and memory is
    passed once instead of twice: the gradient of a mean or of a sum is known, up to a factor, before anything flows
    back.
    """
    dlogits = memory.empty_like(logits)
    return _losses(logits, targets, dlogits, float(dloss))[0], dlogits


def cross_entropy_backward(dlosses, logits, logsumexp, targets):
    """dlogits[n, v] = dlosses[n] (e^(logits[n, v] - logsumexp[n]) - [v = targets[n]]), and 0 in ignored rows.

    `dlosses` (N,): the gradient of the losses; the rest as in `cross_entropy_forward`. Returns `dlogits` (N, V).
    """
    dlogits = memory.empty_like(logits)
    if logits.size:
        _cross_entropy_backward(dlosses, logits, logsumexp, targets, dlogits, rows_per_block(logits))
    return dlogits


def _losses(logits, targets, dlogits, dloss):
    """The losses and the logarithms of sums (N,), and the gradient if `dlogits` has rows."""
    N, dtype = len(logits), logits.dtype
    losses, maxima, logsumexp = np.zeros(N, dtype), np.empty(N, dtype), np.empty(N, dtype)
    if logits.size:
        _cross_entropy(logits, targets, losses, maxima, logsumexp, dlogits, dloss, rows_per_block(logits))
    return losses, logsumexp


@jit.serial
def _pick(logits, targets, maxima, logs, dloss, losses, dlogits):
    """Losses from the logarithms of sums, to which the maxima are added; and the share of the targets in `dlogits`."""
    for n in range(targets.size):
        target, rest = targets[n], logs[n]
        logs[n] = maxima[n] + rest
        if target >= 0:
            losses[n] = (maxima[n] - logits[n, target]) + rest
            if dlogits.size:
                dlogits[n, target] -= dloss
        else:
            losses[n] = 0
            if dlogits.size:
                dlogits[n] = 0


@jit.parallel(work=lambda logits, *_: 0.5 * logits.size)
def _cross_entropy(logits, targets, losses, maxima, logsumexp, dlogits, dloss, rows):
    dloss = logits.dtype.type(dloss)
    for block in jit.prange((len(logits) + rows - 1) // rows):
        n0, n1 = np.int64(block) * rows, min(np.int64(block) * rows + rows, len(logits))
        softmax_block(logits, n0, n1, dloss, dlogits, maxima, logsumexp)
        log_of(logsumexp[n0:n1])
        some = logits[n0:n1], targets[n0:n1], maxima[n0:n1], logsumexp[n0:n1]
        _pick(*some, dloss, losses[n0:n1], dlogits[n0:n1])


@jit.parallel(work=lambda dlosses, logits, logsumexp, targets, dlogits, rows: 0.4 * logits.size)
def _cross_entropy_backward(dlosses, logits, logsumexp, targets, dlogits, rows):
    for block in jit.prange((len(logits) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(logits))):
            if targets[n] < 0:
                dlogits[n] = 0
            else:
                exponentials_row(dlosses[n], logits[n], logsumexp[n], dlogits[n])
                dlogits[n, targets[n]] -= dlosses[n]

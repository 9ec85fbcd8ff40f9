"""References of cross_entropy.py."""

import numpy as np


def cross_entropy_forward(logits, targets):
    """losses (N,), logsumexp (N,) from logits (N, V), targets (N,); a negative target ignores its row."""
    shift = logits.max(axis=1, keepdims=True, initial=-np.inf)
    logsumexp = np.log(np.exp(logits - shift).sum(axis=1)) + shift[:, 0]
    used = targets >= 0
    losses = np.zeros_like(logsumexp)
    losses[used] = logsumexp[used] - logits[used, targets[used]]
    return losses, logsumexp


def cross_entropy_backward(dlosses, logits, logsumexp, targets):
    """dlogits (N, V) from dlosses, logsumexp, targets (N,) and logits (N, V)."""
    used = targets >= 0
    dlogits = np.exp(logits - logsumexp[:, None])
    dlogits[used, targets[used]] -= 1
    return dlogits * (dlosses * used)[:, None]


def cross_entropy_with_gradient(logits, targets, dloss):
    """losses (N,), dlogits (N, V) from logits (N, V), targets (N,) and one gradient for the losses of all rows."""
    losses, logsumexp = cross_entropy_forward(logits, targets)
    return losses, cross_entropy_backward(np.full_like(losses, dloss), logits, logsumexp, targets)

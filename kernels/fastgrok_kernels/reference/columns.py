"""References of columns.py: whole arrays at a time, in the order of the formulas."""

import numpy as np


def column_softmax_forward(x):
    """y (N, V, S) from x (N, V, S)."""
    e = np.exp(x - _largest(x))
    return e / e.sum(axis=1, keepdims=True)


def column_softmax_backward(dy, y):
    """dx (N, V, S) from dy, y (N, V, S)."""
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def column_log_softmax_forward(x):
    """y (N, V, S) from x (N, V, S)."""
    shifted = x - _largest(x)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def column_log_softmax_backward(dy, y):
    """dx (N, V, S) from dy, y (N, V, S)."""
    return dy - np.exp(y) * dy.sum(axis=1, keepdims=True)


def column_cross_entropy_forward(logits, targets):
    """losses (N, S) from logits (N, V, S), targets (N, S); a negative target ignores its column."""
    losses = -(column_log_softmax_forward(logits) * _chosen(logits, targets)).sum(axis=1)
    return np.where(targets >= 0, losses, 0).astype(logits.dtype)


def column_cross_entropy_with_gradient(logits, targets, dloss):
    """losses (N, S), dlogits (N, V, S) from logits (N, V, S), targets (N, S) and one gradient for all losses."""
    dlogits = column_softmax_forward(logits) - _chosen(logits, targets)
    dlogits = (dlogits * dloss * (targets >= 0)[:, None]).astype(logits.dtype)
    return column_cross_entropy_forward(logits, targets), dlogits


def _chosen(logits, targets):
    return np.arange(logits.shape[1])[:, None] == targets[:, None]


def _largest(x):
    return x.max(axis=1, keepdims=True, initial=-np.inf)

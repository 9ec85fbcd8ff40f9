"""References of softmax.py: whole matrices at a time, in the order of the formulas."""

import numpy as np


def softmax_forward(x):
    """y (N, V) from x (N, V)."""
    e = np.exp(x - _largest(x))
    return e / e.sum(axis=1, keepdims=True)


def softmax_backward(dy, y):
    """dx (N, V) from dy, y (N, V): the product with the Jacobian diag(y) - y y^T of each row."""
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


def log_softmax_forward(x):
    """y (N, V) from x (N, V)."""
    if not x.size:
        return np.zeros_like(x)
    shifted = x - _largest(x)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_softmax_backward(dy, y):
    """dx (N, V) from dy, y (N, V)."""
    return dy - np.exp(y) * dy.sum(axis=1, keepdims=True)


def cross_entropy_forward(logits, targets):
    """losses (N,), logsumexp (N,) from logits (N, V), targets (N,); a negative target ignores its row."""
    largest = _largest(logits)
    logsumexp = np.log(np.exp(logits - largest).sum(axis=1)) + largest[:, 0]
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


def _largest(x):
    return x.max(axis=1, keepdims=True, initial=-np.inf)

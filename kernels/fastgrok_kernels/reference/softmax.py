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


def logsumexp_forward(x):
    """y (N,) from x (N, V)."""
    largest = _largest(x)
    largest = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(divide="ignore", over="ignore"):  # of nothing and of infinities
        return (np.log(np.exp(x - largest).sum(axis=1, keepdims=True)) + largest)[:, 0]


def logsumexp_backward(dy, x, y):
    """dx (N, V) from dy, y (N,) and x (N, V)."""
    with np.errstate(invalid="ignore"):
        return dy[:, None] * np.exp(x - np.where(np.isneginf(y), 0, y)[:, None])


def _largest(x):
    return x.max(axis=1, keepdims=True, initial=-np.inf)

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


def _largest(x):
    return x.max(axis=1, keepdims=True, initial=-np.inf)

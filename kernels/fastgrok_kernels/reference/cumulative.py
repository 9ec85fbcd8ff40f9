"""References of cumulative.py."""

import numpy as np


def cumsum_forward(x):
    """y (N, T, S), of x (N, T, S)."""
    return np.cumsum(x, axis=1)


def cumsum_backward(dy):
    """dx (N, T, S), of dy (N, T, S)."""
    return np.flip(np.cumsum(np.flip(dy, 1), axis=1), 1)


def cumprod_forward(x):
    """y (N, T, S), of x (N, T, S)."""
    return np.cumprod(x, axis=1)

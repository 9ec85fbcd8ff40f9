"""References of rectifiers.py."""

import numpy as np


def leaky_relu_forward(x, slope):
    """y, shaped as x."""
    return np.where(x > 0, x, slope * x).astype(x.dtype)


def leaky_relu_backward(dy, x, slope):
    """dx, shaped as dy and x."""
    return np.where(x > 0, dy, slope * dy).astype(x.dtype)


def elu_forward(x, alpha):
    """y, shaped as x."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))).astype(x.dtype)


def elu_backward(dy, x, alpha):
    """dx, shaped as dy and x."""
    return np.where(x > 0, dy, alpha * np.exp(np.minimum(x, 0)) * dy).astype(x.dtype)

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


def silu_forward(x):
    """y, shaped as x."""
    with np.errstate(invalid="ignore"):  # minus infinity times 0
        return x * _sigmoid(x)


def silu_backward(dy, x):
    """dx, shaped as dy and x."""
    s = _sigmoid(x)
    return dy * s * (1 + x * (1 - s))


def softplus_forward(x, beta, threshold):
    """y, shaped as x."""
    u = beta * x.astype(np.float64)
    with np.errstate(invalid="ignore"):  # NaN
        return np.where(u > threshold, x, np.logaddexp(0, u) / beta).astype(x.dtype)


def softplus_backward(dy, x, beta, threshold):
    """dx, shaped as dy and x."""
    u = beta * x
    return np.where(u > threshold, dy, dy * _sigmoid(u)).astype(x.dtype)


def _sigmoid(x):
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-x))).astype(x.dtype)

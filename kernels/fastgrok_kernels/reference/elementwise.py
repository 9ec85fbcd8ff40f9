"""References of elementwise.py."""

import numpy as np


def exp_forward(x):
    """y, shaped as x."""
    return np.exp(x)


def log_forward(x):
    """y, shaped as x."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(x)


def log1p_forward(x):
    """y, shaped as x."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log1p(x)


def sigmoid_forward(x):
    """y, shaped as x."""
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + z), z / (1 + z))


def sigmoid_backward(dy, y):
    """dx, shaped as dy and y."""
    return dy * y * (1 - y)


def tanh_forward(x):
    """y, shaped as x."""
    return np.tanh(x)


def tanh_backward(dy, y):
    """dx, shaped as dy and y."""
    return dy * (1 - y**2)


def relu_forward(x):
    """y, shaped as x."""
    return np.maximum(x, 0).astype(x.dtype)


def bias_relu_backward(dy, y):
    """dx (N, O) and db (O,), shaped as dy and y, and as a row of them."""
    dx = relu_backward(dy, y)
    return dx, dx.sum(axis=0)


def relu_backward(dy, y):
    """dx, shaped as dy and y."""
    return np.where(y <= 0, 0, dy).astype(dy.dtype)


def where(condition, x, other):
    """y, shaped as condition."""
    return np.where(condition, x, other)


def sqrt_forward(x):
    """y (...)."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


def sqrt_backward(dy, y):
    """dx (...)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return dy / (2 * y)


def erf_forward(x):
    """y, shaped as x."""
    x = np.clip(x.astype(np.float64), -10, 10)  # beyond, a float64 is 1
    total = np.zeros_like(x)
    for node, weight in zip(*np.polynomial.legendre.leggauss(64), strict=True):  # integrates from 0 to x
        total += weight * np.exp(-((x / 2 * (node + 1)) ** 2))
    return x / np.sqrt(np.pi) * total


def erf_backward(dy, x):
    """dx, shaped as dy and x."""
    return dy * 2 / np.sqrt(np.pi) * np.exp(-(x**2))

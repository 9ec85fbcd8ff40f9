"""References of gelu.py."""

import numpy as np


def gelu_forward(x):
    """y, shaped as x."""
    return x * _below(x)


def gelu_backward(dy, x):
    """dx, shaped as dy and x."""
    return dy * (_below(x) + x * _density(x))


def _density(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _below(x):
    """The integral of the density up to x: 1/2 up to 0, and the rest by the rule of Gauss and Legendre."""
    x = np.clip(x.astype(np.float64), -10, 10)  # nothing that a float64 could tell lies beyond
    total = np.zeros_like(x)
    for node, weight in zip(*np.polynomial.legendre.leggauss(64), strict=True):
        total += weight * _density(x / 2 * (node + 1))
    return 0.5 + x / 2 * total


def tanh_gelu_forward(x):
    """y, shaped as x."""
    return x * (1 + np.tanh(_bent(x))) / 2


def tanh_gelu_backward(dy, x):
    """dx, shaped as dy and x."""
    slope = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    return dy * ((1 + np.tanh(_bent(x))) / 2 + x / 2 / np.cosh(_bent(x)) ** 2 * slope)


def _bent(x):
    return np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)

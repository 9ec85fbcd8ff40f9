"""References of gelu.py."""

import math

import numpy as np


def gelu_forward(x):
    """y, shaped as x."""
    return x * _below(x)


def gelu_backward(dy, x):
    """dx, shaped as dy and x."""
    return dy * (_below(x) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi))


def _below(x):
    """The probability that a normal number is below x: the C library's erf, one element at a time."""
    return np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in x.ravel().tolist()]).reshape(x.shape)

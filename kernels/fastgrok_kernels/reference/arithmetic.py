"""References of arithmetic.py."""

import numpy as np


def add(x, other):
    """y, shaped as x."""
    return x + other


def column_sums(x):
    """y (D,), of x (N, D)."""
    return np.asarray(np.sum(x, axis=0, dtype=np.float64), x.dtype)


def multiply(x, factor):
    """y, shaped as x."""
    return x * factor


def row_sums(x):
    """y (N,), of x (N, D)."""
    return np.asarray(np.sum(x, axis=1, dtype=np.float64), x.dtype)


def total(x):
    """A number, of x (...)."""
    return float(np.sum(x, dtype=np.float64))

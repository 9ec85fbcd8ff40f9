"""References of arithmetic.py."""

import numpy as np


def add(x, other):
    """y, of the larger shape."""
    x, other = _fit(x, other)
    return x + other


def column_sums(x):
    """y (D,), of x (N, D)."""
    return np.asarray(np.sum(x, axis=0, dtype=np.float64), x.dtype)


def divide(x, other):
    """y, of the larger shape."""
    x, other = _fit(x, other)
    with np.errstate(divide="ignore", invalid="ignore"):
        return x / other


def middle_sums(x):
    """y (N, S), of x (N, M, S)."""
    return np.asarray(np.sum(x, axis=1, dtype=np.float64), x.dtype)


def multiply(x, factor):
    """y, of the larger shape."""
    x, factor = _fit(x, factor)
    return x * factor


def row_sums(x):
    """y (N,), of x (N, D)."""
    return np.asarray(np.sum(x, axis=1, dtype=np.float64), x.dtype)


def subtract(x, other):
    """y, of the larger shape."""
    x, other = _fit(x, other)
    return x - other


def total(x):
    """A number, of x (...)."""
    return float(np.sum(x, dtype=np.float64))


def _fit(x, other):
    """Both, with an axis more for the short one when they differ."""
    return (x, other) if x.ndim == other.ndim else tuple(a[:, None] if a.ndim == 1 else a for a in (x, other))

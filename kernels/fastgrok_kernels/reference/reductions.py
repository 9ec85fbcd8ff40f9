"""References of reductions.py."""

import numpy as np


def column_extremes(x, largest):
    """y (D,), of x (N, D)."""
    return x.max(axis=0) if largest else x.min(axis=0)


def column_places(x, largest):
    """y (N, S), of x (N, T, S)."""
    return x.argmax(axis=1) if largest else x.argmin(axis=1)


def row_extremes(x, largest):
    """y (N,), of x (N, D)."""
    return x.max(axis=1) if largest else x.min(axis=1)


def row_products(x):
    """y (N,), of x (N, D)."""
    return np.prod(x, axis=1, dtype=np.float64)


def row_squares(x, mean):
    """y (N,), of x (N, D) and mean (N,)."""
    deviation = np.asarray(x, np.float64) - mean[:, None]
    return np.sum(deviation * deviation, axis=1)

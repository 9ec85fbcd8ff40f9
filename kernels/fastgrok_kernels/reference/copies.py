"""References of copies.py."""

import numpy as np


def cast(x, dtype):
    """y (...)."""
    return x.astype(dtype)


def full(shape, value):
    """y (...)."""
    return np.full(shape, value)


def flip(x):
    """y (N, T, S), of x (N, T, S)."""
    return x[:, ::-1]


def join_into(y, first, a, b):
    """Changes y (N, W), of a (N, D) and b (N, E)."""
    D, E = a.shape[1], b.shape[1]
    y[:, first : first + D] = a
    y[:, first + D : first + D + E] = b


def pad(x, top, bottom, left, right, value):
    """y, of x (N, R, S)."""
    widths = (0, 0), (top, bottom), (left, right)
    y = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in widths], constant_values=value)
    _, P, Q = y.shape
    return y[:, max(-top, 0) : P - max(-bottom, 0), max(-left, 0) : Q - max(-right, 0)]

"""References of pointwise.py."""

import numpy as np


def absolute(x):
    """y (...)."""
    return np.abs(x)


def ceil(x):
    """y (...)."""
    return np.ceil(x)


def clamp(x, low, high):
    """y (...)."""
    return np.minimum(np.maximum(x, low), high)


def floor(x):
    """y (...)."""
    return np.floor(x)


def negative(x):
    """y (...)."""
    return -x


def rint(x):
    """y (...)."""
    return np.round(x)


def sign(x):
    """y (...)."""
    return np.nan_to_num(np.sign(x))

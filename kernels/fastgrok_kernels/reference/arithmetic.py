"""References of arithmetic.py."""

import numpy as np


def multiply(x, factor):
    """y, shaped as x."""
    return x * factor


def total(x):
    """A number, of x (...)."""
    return np.asarray(np.sum(x, dtype=np.float64), x.dtype)

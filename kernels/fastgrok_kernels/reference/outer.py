"""References of outer.py."""

import numpy as np


def outer(x, other):
    """y (N, M), of x (N,) and other (M,)."""
    return np.outer(x, other)

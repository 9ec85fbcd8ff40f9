"""References of clip.py."""

import numpy as np


def sum_of_squares(x):
    """The sum of the squares of all elements of x, as a Python float."""
    return float(np.sum(np.square(x, dtype=np.float64)))


def scale_into(x, factor):
    """x, of any shape, times factor, in place."""
    x *= factor

"""References of in_place.py."""

import numpy as np


def add_into(x, other, factor):
    """x, of any shape, seen as runs of M elements: factor times other (M,) added to each, in place."""
    runs = _runs(x, other)
    runs += x.dtype.type(factor) * other


def at_least_into(x, other):
    """Runs of x, raised to other where they lie below."""
    runs = _runs(x, other)
    runs[...] = np.where(runs <= other, other, runs)


def multiply_into(x, other):
    """Runs of x times other, in place."""
    runs = _runs(x, other)
    runs *= other


def divide_into(x, other):
    """Runs of x divided by other, in place."""
    runs = _runs(x, other)
    runs /= other


def copy_into(x, other):
    """Runs of x become other."""
    _runs(x, other)[...] = other


def _runs(x, other):
    """A view of x (..., M) as (N, M)."""
    return x.reshape(x.size // max(1, len(other)), len(other))

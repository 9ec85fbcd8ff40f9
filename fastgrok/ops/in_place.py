"""Changes of arrays in place, as NumPy makes them; those of large arrays by kernels."""

import math
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from .base import SHARED

_KERNELS = {np.multiply: "multiply_into", np.true_divide: "divide_into"}


def update(function: np.ufunc, x: np.ndarray, other: np.ndarray, factor: Any = 1) -> None:
    """x = function(x, factor other); `other` must broadcast to `x`, and is converted to its dtype.

    A factor is for sums and differences. Those of large arrays are rounded once, at the end, small ones twice.
    """
    if x.size >= SHARED:
        run = _run(x, other)
        if run is not None:
            if function is np.add or function is np.subtract:
                return kernels.add_into(x, run, factor if function is np.add else -factor)
            if function in _KERNELS:
                return getattr(kernels, _KERNELS[function])(x, run)
    with np.errstate(all="ignore"):
        function(x, other if factor == 1 else other * factor, out=x, casting="unsafe")


def assign(x: np.ndarray, other: np.ndarray) -> None:
    """x[...] = other. Raises `ValueError` where `other` does not broadcast to `x`."""
    run = _run(x, other) if x.size >= SHARED else None
    if run is None:
        x[...] = other
    else:
        kernels.copy_into(x, run)


def _run(x: np.ndarray, other: np.ndarray) -> np.ndarray | None:
    """Return `other` as the run (M,) of which x holds several, or None where a kernel cannot take the two."""
    if x.dtype != other.dtype or x.dtype.char not in "fd" or not (x.flags.c_contiguous and other.flags.c_contiguous):
        return None
    own = other.shape[next((axis for axis, size in enumerate(other.shape) if size != 1), other.ndim) :]
    if x.shape[x.ndim - len(own) :] != own or np.may_share_memory(x, other):
        return None
    return other.reshape(math.prod(own))

"""Changes of arrays in place, as NumPy makes them; those of large arrays by kernels."""

import math
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from .base import SHARED, memory_axes

_KERNELS = {np.multiply: "multiply_into", np.true_divide: "divide_into"}


def update(function: np.ufunc, x: np.ndarray, other: np.ndarray, factor: Any = 1) -> None:
    """x = function(x, factor other); `other` must broadcast to `x`, and is converted to its dtype.

    A factor is for sums and differences. Those of large arrays are rounded once, at the end, small ones twice.
    """
    if x.size >= SHARED:
        pair = _for_kernel(x, other)
        if pair is not None:
            if function is np.add or function is np.subtract:
                return kernels.add_into(*pair, factor if function is np.add else -factor)
            if function in _KERNELS:
                return getattr(kernels, _KERNELS[function])(*pair)
    with np.errstate(all="ignore"):
        function(x, other if factor == 1 else other * factor, out=x, casting="unsafe")


def assign(x: np.ndarray, other: np.ndarray) -> None:
    """x[...] = other. Raises `ValueError` where `other` does not broadcast to `x`."""
    pair = _for_kernel(x, other) if x.size >= SHARED else None
    if pair is None:
        x[...] = other
    else:
        kernels.copy_into(*pair)


def cut_below_zero(x: np.ndarray) -> None:
    """x = max(x, 0); nan stays nan."""
    zero = np.zeros((), x.dtype)
    pair = _for_kernel(x, zero) if x.size >= SHARED else None
    if pair is None:
        np.maximum(x, zero, out=x)
    else:
        kernels.at_least_into(*pair)


def _for_kernel(x: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return x in C order, and `other` as the run (M,) of which x holds several; None where no kernel takes the two."""
    if x.dtype != other.dtype or x.dtype.char not in "fd" or np.may_share_memory(x, other):
        return None
    if x.shape == other.shape:
        axes = memory_axes(x, other)
        return None if axes is None else (x.transpose(axes), other.transpose(axes).reshape(-1))
    if other.size == 1 and other.ndim <= x.ndim:
        axes = memory_axes(x)
        return None if axes is None else (x.transpose(axes), other.reshape(1))
    own = other.shape[next((axis for axis, size in enumerate(other.shape) if size != 1), other.ndim) :]
    if not (x.flags.c_contiguous and other.flags.c_contiguous) or x.shape[x.ndim - len(own) :] != own:
        return None
    return x, other.reshape(math.prod(own))

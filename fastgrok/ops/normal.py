"""Normally distributed numbers for tensors: no op, as they have no gradient."""

import math

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from ..random import Generator

_MANY = 1 << 16  # numbers that are worth the kernel, which one core fills six times as quickly: 0.6 ms with NumPy


def standard_normal(shape: tuple[int, ...], dtype: np.dtype, generator: Generator, keep: bool = True) -> np.ndarray:
    """Return numbers of mean 0 and deviation 1, in float32 or float64, drawn from the generator.

    Many in float32 come from the kernel, for a seed that is drawn; those of float64 must be more precise than its. With
    `keep` their memory is kept for reuse when they die: not for weights, which are drawn once.
    """
    if math.prod(shape) < _MANY or dtype != np.float32:
        return generator.numpy.standard_normal(shape, dtype)
    y = (memory.empty if keep else np.empty)(shape, dtype)
    kernels.normal_into(y, generator.draw_seed())
    return y

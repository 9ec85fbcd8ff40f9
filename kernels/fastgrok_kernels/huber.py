"""The loss of Huber, of pairs of numbers; squared errors and smooth L1 are cases of it."""

import numpy as np

from . import jit, memory
from .vector import select

__all__ = ["huber_backward", "huber_forward"]

CHUNK = 1 << 13  # elements per parallel iteration


def huber_forward(x, target, limit, unit):
    """y = d^2 / (2 unit) where |d| <= limit, else limit (|d| - limit / 2) / unit, for d = x - target.

    `x`, `target` (...), float32 or float64; `limit`, `unit` positive numbers. Returns `y` (...). Source: Huber, "Robust
    estimation of a location parameter" (1964). With no limit, that is infinity, and unit 1/2 it is d^2; where unit is
    limit it is smooth L1. With m = min(|d|, limit), y = (|d| - m / 2) (m / unit) overflows only where y is too large.
    """
    y = memory.empty_like(x)
    if y.size:
        limit = min(float(limit), float(np.finfo(x.dtype).max))
        _forward_chunks(x.ravel(), target.ravel(), limit, float(unit), y.ravel())
    return y


def huber_backward(dy, x, target, limit, unit):
    """dx = dy d / unit, where d = x - target is cut off at -limit and limit. The gradient of target is -dx.

    `dy` a number; `x`, `target` (...), float32 or float64; `limit`, `unit` positive numbers. Returns `dx` (...).
    """
    dx = memory.empty_like(x)
    if dx.size:
        steepest = float(limit) / float(unit) if limit < np.inf else np.inf
        _backward_chunks(float(dy), x.ravel(), target.ravel(), steepest, float(unit), dx.ravel())
    return dx


@jit.serial
def _forward(x, target, limit, unit, y):
    half, limit, unit = x.dtype.type(0.5), x.dtype.type(limit), x.dtype.type(unit)
    for i in range(x.size):
        size = abs(x[i] - target[i])
        m = select(size > limit, limit, size)
        y[i] = (size - m * half) * (m / unit)


@jit.serial
def _backward(dy, x, target, steepest, unit, dx):
    dy, steepest, unit = x.dtype.type(dy), x.dtype.type(steepest), x.dtype.type(unit)
    for i in range(x.size):
        slope = (x[i] - target[i]) / unit
        slope = select(slope > steepest, steepest, slope)
        dx[i] = dy * select(slope < -steepest, -steepest, slope)


@jit.parallel(work=lambda x, target, limit, unit, y: 0.2 * x.size)
def _forward_chunks(x, target, limit, unit, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _forward(x[low:high], target[low:high], limit, unit, y[low:high])


@jit.parallel(work=lambda dy, x, target, steepest, unit, dx: 0.2 * x.size)
def _backward_chunks(dy, x, target, steepest, unit, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _backward(dy, x[low:high], target[low:high], steepest, unit, dx[low:high])

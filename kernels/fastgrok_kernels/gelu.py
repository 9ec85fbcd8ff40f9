"""The Gaussian error linear unit, and the one with tanh that is close to it.

The one would take NumPy an error function that it does not have, the other a dozen passes over memory.
"""

import numpy as np

from . import jit, memory, scalar

__all__ = ["gelu_backward", "gelu_forward", "tanh_gelu_backward", "tanh_gelu_forward"]

CHUNK = 1 << 13  # elements per parallel iteration
CUBIC, SLOPE = 0.044715, np.sqrt(2 / np.pi)


def gelu_forward(x):
    """y = x P(x), where P(x) = (1 + erf(x / sqrt(2))) / 2 is the normal distribution's probability to be below x.

    `x` (...), float32 or float64. Returns `y` (...). Hendrycks and Gimpel, "Gaussian error linear units" (2016).
    """
    y = memory.empty_like(x)
    if x.size:
        _forward_chunks(x.ravel(), y.ravel())
    return y


def gelu_backward(dy, x):
    """dx = dy (P(x) + x p(x)), where p is the density that belongs to the P of `gelu_forward`.

    `dy`, `x` (...), float32 or float64. Returns `dx` (...).
    """
    dx = memory.empty_like(x)
    if x.size:
        _backward_chunks(dy.ravel(), x.ravel(), dx.ravel())
    return dx


def tanh_gelu_forward(x):
    """y = x (1 + tanh(u)) / 2, where u = sqrt(2 / pi) (x + 0.044715 x^3).

    `x` (...), float32 or float64. Returns `y` (...). Of the paper of `gelu_forward`.
    """
    y = memory.empty_like(x)
    if x.size:
        _tanh_forward_chunks(x.ravel(), y.ravel())
    return y


def tanh_gelu_backward(dy, x):
    """dx = dy (1 + tanh(u) + x (1 - tanh(u)^2) u') / 2, with u of `tanh_gelu_forward` and its derivative u'.

    `dy`, `x` (...), float32 or float64. Returns `dx` (...).
    """
    dx = memory.empty_like(x)
    if x.size:
        _tanh_backward_chunks(dy.ravel(), x.ravel(), dx.ravel())
    return dx


@jit.serial
def _forward(x, y):
    half, one, root_half = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(np.sqrt(0.5))
    for i in range(x.size):
        y[i] = half * x[i] * (one + scalar.erf(x[i] * root_half))


@jit.serial
def _backward(dy, x, dx):
    half, one, root_half = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(np.sqrt(0.5))
    height = x.dtype.type(1 / np.sqrt(2 * np.pi))
    for i in range(x.size):
        below = half * (one + scalar.erf(x[i] * root_half))
        dx[i] = dy[i] * (below + height * x[i] * scalar.exp(-half * x[i] * x[i]))


@jit.parallel(work=lambda x, y: 0.6 * x.size)
def _forward_chunks(x, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _forward(x[low:high], y[low:high])


@jit.parallel(work=lambda dy, x, dx: 0.9 * x.size)
def _backward_chunks(dy, x, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _backward(dy[low:high], x[low:high], dx[low:high])


@jit.serial
def _tanh_forward(x, y):
    half, one, cubic, slope = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(CUBIC), x.dtype.type(SLOPE)
    for i in range(x.size):
        y[i] = half * x[i] * (one + scalar.tanh(slope * (x[i] + cubic * x[i] * x[i] * x[i])))


@jit.serial
def _tanh_backward(dy, x, dx):
    half, one, cubic, slope = x.dtype.type(0.5), x.dtype.type(1), x.dtype.type(CUBIC), x.dtype.type(SLOPE)
    three = x.dtype.type(3)
    for i in range(x.size):
        square = cubic * x[i] * x[i]
        t = scalar.tanh(slope * (x[i] + square * x[i]))
        dx[i] = dy[i] * half * (one + t + x[i] * (one - t * t) * (slope * (one + three * square)))


@jit.parallel(work=lambda x, y: 0.4 * x.size)
def _tanh_forward_chunks(x, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _tanh_forward(x[low:high], y[low:high])


@jit.parallel(work=lambda dy, x, dx: 0.5 * x.size)
def _tanh_backward_chunks(dy, x, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _tanh_backward(dy[low:high], x[low:high], dx[low:high])

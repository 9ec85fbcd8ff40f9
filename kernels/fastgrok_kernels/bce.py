"""The binary cross-entropy of logits: of pairs of numbers, of which one is a probability."""

from . import jit, memory
from .scalar import exp_below_one, log1p_unit, sigmoid
from .vector import select

__all__ = ["bce_backward", "bce_forward"]

CHUNK = 1 << 13  # elements per parallel iteration


def bce_forward(x, target):
    """y = (1 - t) x + log(1 + e^-x), which is -t log s(x) - (1 - t) log(1 - s(x)) for the sigmoid s, without overflow.

    `x`, `target` (...), float32 or float64. Returns `y` (...).
    """
    y = memory.empty_like(x)
    if y.size:
        _forward_chunks(x.reshape(-1), target.reshape(-1), y.reshape(-1))
    return y


def bce_backward(dy, x, target):
    """dx = dy (1 - t - s(-x)), for the sigmoid s.

    `dy` a number; `x`, `target` (...), float32 or float64. Returns `dx` (...).
    """
    dx = memory.empty_like(x)
    if dx.size:
        _backward_chunks(float(dy), x.reshape(-1), target.reshape(-1), dx.reshape(-1))
    return dx


@jit.serial
def _forward(x, target, y):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    for i in range(x.size):
        bend = log1p_unit(exp_below_one(zero - abs(x[i])))  # of e^-|x|, which cannot overflow
        y[i] = (one - target[i]) * x[i] + (select(x[i] < zero, zero - x[i], zero) + bend)


@jit.serial
def _backward(dy, x, target, dx):
    dy, zero, one = x.dtype.type(dy), x.dtype.type(0), x.dtype.type(1)
    for i in range(x.size):
        dx[i] = dy * ((one - target[i]) - sigmoid(zero - x[i]))


@jit.parallel(work=lambda x, target, y: 0.6 * x.size)
def _forward_chunks(x, target, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _forward(x[low:high], target[low:high], y[low:high])


@jit.parallel(work=lambda dy, x, target, dx: 0.4 * x.size)
def _backward_chunks(dy, x, target, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _backward(dy, x[low:high], target[low:high], dx[low:high])

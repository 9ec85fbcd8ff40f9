"""Relatives of ReLU: nonlinearities that leave positive numbers as they are and bend the others, NaN among them."""

from . import jit, memory
from .scalar import exp_below_one, tanh
from .vector import select

__all__ = ["elu_backward", "elu_forward", "leaky_relu_backward", "leaky_relu_forward"]

CHUNK = 1 << 13  # elements per parallel iteration


def leaky_relu_forward(x, slope):
    """y = x where it is positive, else slope x. `x` (...), float32 or float64; `slope` a number. Returns `y` (...)."""
    return _apply(_leaky_relu_chunks, (x,), slope)


def leaky_relu_backward(dy, x, slope):
    """dx = dy where x is positive, else slope dy. `dy`, `x` (...), float32 or float64. Returns `dx` (...)."""
    return _apply(_leaky_relu_backward_chunks, (dy, x), slope)


def elu_forward(x, alpha):
    """y = x where it is positive, else alpha (e^x - 1).

    `x` (...), float32 or float64; `alpha` a number. Returns `y` (...). With t = tanh(x/2), e^x - 1 = 2t / (1 - t), of
    which no digits cancel where x is not positive.
    """
    return _apply(_elu_chunks, (x,), alpha)


def elu_backward(dy, x, alpha):
    """dx = dy where x is positive, else alpha e^x dy. `dy`, `x` (...), float32 or float64. Returns `dx` (...)."""
    return _apply(_elu_backward_chunks, (dy, x), alpha)


def _apply(chunks, arrays, number):
    out = memory.empty_like(arrays[0])
    if out.size:
        chunks(*(a.reshape(-1) for a in arrays), float(number), out.reshape(-1))
    return out


@jit.serial
def _leaky_relu(x, slope, y):
    zero, slope = x.dtype.type(0), x.dtype.type(slope)
    for i in range(x.size):
        y[i] = x[i] if x[i] > zero else slope * x[i]


@jit.serial
def _leaky_relu_backward(dy, x, slope, dx):
    zero, slope = x.dtype.type(0), x.dtype.type(slope)
    for i in range(x.size):
        dx[i] = dy[i] if x[i] > zero else slope * dy[i]


@jit.serial
def _elu(x, alpha, y):
    zero, one, half, alpha = x.dtype.type(0), x.dtype.type(1), x.dtype.type(0.5), x.dtype.type(alpha)
    for i in range(x.size):
        t = tanh(half * select(x[i] > zero, zero, x[i]))
        y[i] = select(x[i] > zero, x[i], alpha * ((t + t) / (one - t)))


@jit.serial
def _elu_backward(dy, x, alpha, dx):
    zero, alpha = x.dtype.type(0), x.dtype.type(alpha)
    for i in range(x.size):
        slope = alpha * exp_below_one(select(x[i] > zero, zero, x[i]))
        dx[i] = select(x[i] > zero, dy[i], slope * dy[i])


@jit.parallel(work=lambda x, slope, y: 0.15 * x.size)
def _leaky_relu_chunks(x, slope, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _leaky_relu(x[low:high], slope, y[low:high])


@jit.parallel(work=lambda dy, x, slope, dx: 0.15 * x.size)
def _leaky_relu_backward_chunks(dy, x, slope, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _leaky_relu_backward(dy[low:high], x[low:high], slope, dx[low:high])


@jit.parallel(work=lambda x, alpha, y: 0.5 * x.size)
def _elu_chunks(x, alpha, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _elu(x[low:high], alpha, y[low:high])


@jit.parallel(work=lambda dy, x, alpha, dx: 0.4 * x.size)
def _elu_backward_chunks(dy, x, alpha, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _elu_backward(dy[low:high], x[low:high], alpha, dx[low:high])

"""Relatives of ReLU: nonlinearities that leave large numbers as they are, or nearly so, and bend the others."""

from . import jit, memory
from .scalar import exp_below_one, log1p_unit, sigmoid, tanh
from .vector import select

__all__ = [
    "elu_backward",
    "elu_forward",
    "leaky_relu_backward",
    "leaky_relu_forward",
    "silu_backward",
    "silu_forward",
    "softplus_backward",
    "softplus_forward",
]

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


def silu_forward(x):
    """y = x / (1 + e^-x). `x` (...), float32 or float64. Returns `y` (...)."""
    return _apply(_silu_chunks, (x,))


def silu_backward(dy, x):
    """dx = dy s (1 + x (1 - s)), where s = 1 / (1 + e^-x). `dy`, `x` (...), float32 or float64. Returns `dx` (...)."""
    return _apply(_silu_backward_chunks, (dy, x))


def softplus_forward(x, beta, threshold):
    """y = log(1 + e^(beta x)) / beta, but x itself where beta x is above `threshold`.

    `x` (...), float32 or float64; `beta` a number, not 0; `threshold` a number. Returns `y` (...). With beta = -1 and
    no threshold, that is infinity, it is the logarithm of the sigmoid.
    """
    return _apply(_softplus_chunks, (x,), beta, threshold)


def softplus_backward(dy, x, beta, threshold):
    """dx = dy / (1 + e^(-beta x)), but dy itself where beta x is above `threshold`.

    `dy`, `x` (...), float32 or float64; `beta`, `threshold` numbers. Returns `dx` (...).
    """
    return _apply(_softplus_backward_chunks, (dy, x), beta, threshold)


def _apply(chunks, arrays, *numbers):
    out = memory.empty_like(arrays[0])
    if out.size:
        chunks(*(a.ravel() for a in arrays), *map(float, numbers), out.ravel())
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


@jit.serial
def _silu(x, y):
    for i in range(x.size):
        y[i] = x[i] * sigmoid(x[i])


@jit.serial
def _silu_backward(dy, x, dx):
    one = x.dtype.type(1)
    for i in range(x.size):
        s = sigmoid(x[i])
        dx[i] = dy[i] * s * (one + x[i] * (one - s))


@jit.serial
def _softplus(x, beta, threshold, y):
    zero, beta, threshold = x.dtype.type(0), x.dtype.type(beta), x.dtype.type(threshold)
    for i in range(x.size):
        u = x[i] * beta
        bend = log1p_unit(exp_below_one(select(u > zero, zero - u, u)))  # of e^-|u|, which cannot overflow
        y[i] = select(u > threshold, x[i], (select(u < zero, zero, u) + bend) / beta)


@jit.serial
def _softplus_backward(dy, x, beta, threshold, dx):
    beta, threshold = x.dtype.type(beta), x.dtype.type(threshold)
    for i in range(x.size):
        u = x[i] * beta
        dx[i] = select(u > threshold, dy[i], dy[i] * sigmoid(u))


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


@jit.parallel(work=lambda x, y: 0.3 * x.size)
def _silu_chunks(x, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _silu(x[low:high], y[low:high])


@jit.parallel(work=lambda dy, x, dx: 0.4 * x.size)
def _silu_backward_chunks(dy, x, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _silu_backward(dy[low:high], x[low:high], dx[low:high])


@jit.parallel(work=lambda x, beta, threshold, y: 0.6 * x.size)
def _softplus_chunks(x, beta, threshold, y):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _softplus(x[low:high], beta, threshold, y[low:high])


@jit.parallel(work=lambda dy, x, beta, threshold, dx: 0.4 * x.size)
def _softplus_backward_chunks(dy, x, beta, threshold, dx):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        _softplus_backward(dy[low:high], x[low:high], beta, threshold, dx[low:high])

"""Dropout with a counter-based generator: whether element i is kept is a function of (seed, i) alone (counter.py).

Nothing has to be stored for the backward pass, and the mask does not depend on the number of threads. That of a
hyperbolic tangent, as after a dense layer, is a kernel too: what is between the two stays in the cache.
"""

import numpy as np

from . import jit, memory, scalar
from .counter import CHUNK, keys, random_word

__all__ = ["dropout_backward", "dropout_forward", "tanh_dropout_backward", "tanh_dropout_forward"]


def dropout_forward(x, p, seed):
    """y[i] = x[i] / (1 - p) where element i is kept, with probability 1 - p, and 0 elsewhere.

    `x` (...), float32 or float64; 0 <= `p` <= 1; `seed` a whole number below 2^64. Returns `y` (...),
    shaped as `x` (Srivastava et al. 2014, in the "inverted" form that leaves evaluation alone).
    """
    y = memory.empty_like(x)
    if p == 1:
        y.fill(0)
    elif x.size:
        _apply(x.ravel(), y.ravel(), *dropping(p, seed, x.dtype))
    return y


def dropout_backward(dy, p, seed):
    """dx[i] = dy[i] / (1 - p) where element i was kept, and 0 elsewhere: the mask of `dropout_forward`, made again.

    `dy` (...), float32 or float64; `p` and `seed` as in the forward pass. Returns `dx` (...).
    """
    return dropout_forward(dy, p, seed)


def tanh_dropout_forward(x, p, seed):
    """y = the hyperbolic tangent of x, and z = what `dropout_forward` makes of y.

    `x` (...), float32 or float64; 0 <= `p` < 1 and `seed` as in `dropout_forward`. Returns `y` and `z` (...).
    """
    y, z = memory.empty_like(x), memory.empty_like(x)
    if x.size:
        _tanh_dropout(x.ravel(), y.ravel(), z.ravel(), *dropping(p, seed, x.dtype))
    return y, z


def tanh_dropout_backward(dz, y, p, seed):
    """dx = dy (1 - y^2), where dy is what `dropout_backward` makes of dz.

    `dz`, `y` (...), float32 or float64: `y`, `p` and `seed` are those of the forward pass. Returns `dx` (...).
    """
    dx = memory.empty_like(dz)
    if dz.size:
        _tanh_dropout_backward(dz.ravel(), y.ravel(), dx.ravel(), *dropping(p, seed, dz.dtype))
    return dx


def dropping(p, seed, dtype):
    """What compiled code wants to know of a dropout with p < 1: `dropped_below`, `scale` and `seed`."""
    return np.uint64(round(p * 2**32)), dtype.type(1 / (1 - p)), np.uint64(seed)


@jit.serial
def _chunk(x, y, inside, dropped_below, scale, key0, key1):
    zero = x.dtype.type(0)
    for i in range(x.size):
        word = random_word(np.uint64(i) + np.uint64(inside), key0, key1)
        y[i] = x[i] * scale if word >= dropped_below else zero


@jit.serial
def drop(x, y, first, dropped_below, scale, seed):
    """Drop from x what `dropout_forward` drops from the elements `first` ... of a larger array."""
    i = 0
    while i < x.size:
        inside = (first + i) % CHUNK
        k, some = np.uint64((first + i) // CHUNK), min(x.size - i, CHUNK - inside)
        key0, key1 = keys(seed, k)
        _chunk(x[i : i + some], y[i : i + some], inside, dropped_below, scale, key0, key1)
        i += some


@jit.parallel(work=lambda x, y, dropped_below, scale, seed: 0.5 * x.size)
def _apply(x, y, dropped_below, scale, seed):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = np.int64(k) * CHUNK, min(np.int64(k) * CHUNK + CHUNK, x.size)
        drop(x[low:high], y[low:high], low, dropped_below, scale, seed)


@jit.serial
def _tanh(x, y):
    for i in range(x.size):
        y[i] = scalar.tanh(x[i])


@jit.serial
def _tanh_backward(dx, y):
    one = y.dtype.type(1)
    for i in range(y.size):
        dx[i] *= one - y[i] * y[i]


@jit.parallel(work=lambda x, *_: 0.8 * x.size)
def _tanh_dropout(x, y, z, dropped_below, scale, seed):
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = np.int64(k) * CHUNK, min(np.int64(k) * CHUNK + CHUNK, x.size)
        _tanh(x[low:high], y[low:high])
        drop(y[low:high], z[low:high], low, dropped_below, scale, seed)


@jit.parallel(work=lambda dz, *_: 0.6 * dz.size)
def _tanh_dropout_backward(dz, y, dx, dropped_below, scale, seed):
    for k in jit.prange((dz.size + CHUNK - 1) // CHUNK):
        low, high = np.int64(k) * CHUNK, min(np.int64(k) * CHUNK + CHUNK, dz.size)
        drop(dz[low:high], dx[low:high], low, dropped_below, scale, seed)
        _tanh_backward(dx[low:high], y[low:high])

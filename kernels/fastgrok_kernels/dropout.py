"""Dropout with a counter-based generator: whether element i is kept is a function of (seed, i) alone (counter.py).

Nothing has to be stored for the backward pass, and the mask does not depend on the number of threads.
"""

import numpy as np

from . import jit, memory
from .counter import CHUNK, keys, random_word

__all__ = ["dropout_backward", "dropout_forward"]


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

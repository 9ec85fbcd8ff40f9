"""Where an array holds something: NumPy looks on one core, and writes each axis of the places apart from the others."""

import numpy as np

from . import jit, memory

__all__ = ["nonzero"]

CHUNK = 1 << 13  # elements per parallel iteration


def nonzero(x):
    """The places of all elements that are true, in their order: one number for each axis.

    `x` (...), bool, of at least one axis. Returns `places` (N, axes) int64.
    """
    flat, counts = x.reshape(-1), np.empty(-(-x.size // CHUNK), np.int64)
    if x.size:
        _count_chunks(flat, counts)
    ends = np.cumsum(counts)
    places = memory.empty((int(ends[-1]) if x.size else 0, x.ndim), np.int64)
    if places.size:
        _place_chunks(flat, np.array(x.shape), ends - counts, places)
    return places


@jit.serial
def _count(x):
    total = 0
    for i in range(x.size):
        total += x[i]
    return total


@jit.parallel(work=lambda x, counts: 0.1 * x.size)
def _count_chunks(x, counts):
    for k in jit.prange(counts.size):
        counts[k] = _count(x[k * CHUNK : min(k * CHUNK + CHUNK, x.size)])


@jit.serial
def _find(x, found):
    """found = the numbers of all true elements, as many as returned; without a branch, which could not be foreseen."""
    count = np.uint64(0)
    for i in range(x.size):
        found[count] = i
        count += np.uint64(x[i])
    return np.int64(count)


@jit.parallel(work=lambda x, *_: 2.0 * x.size)
def _place_chunks(x, shape, starts, places):
    last = shape.size - 1
    S = shape[last]
    for k in jit.prange(starts.size):
        low = np.int64(k) * CHUNK
        found, place = np.empty(CHUNK, np.int64), np.empty(shape.size, np.int64)
        count = _find(x[low : min(low + CHUNK, x.size)], found)
        row, end = low // S, low // S * S + S  # of the last axis, and the first number behind it
        for axis in range(last - 1, -1, -1):
            place[axis], row = row % shape[axis], row // shape[axis]
        for j in range(count):
            number, n = low + found[j], starts[k] + j
            while number >= end:
                end += S
                axis = last - 1
                place[axis] += 1
                while place[axis] == shape[axis]:
                    place[axis] = 0
                    axis -= 1
                    place[axis] += 1
            for axis in range(last):
                places[n, axis] = place[axis]
            places[n, last] = number - end + S

"""Positions of equal ids, for sums that one core makes in their order."""

import numpy as np

from . import jit

DIGIT = 8  # bits of an id per pass


def grouped(ids):
    """Find equal ids: those of group u stand at the positions order[places[u]:places[u + 1]], which rise.

    ids (N,) int64, none negative. Returns `order` (N,) and `places` (U + 1,), for U different ids, rising.
    """
    return _sort(np.ascontiguousarray(ids))


@jit.serial(entry=True)
def _sort(ids):
    """Sort positions by one digit of their ids after the other, the lowest first (Knuth, TAOCP 3, section 5.2.5).

    For 16,384 ids below 20,000 it takes half of the time of sorting with NumPy, for 512 below 65 a fifth.
    """
    order, other = np.empty_like(ids), np.empty_like(ids)
    largest = 0
    for n in range(ids.size):
        order[n] = n
        largest = max(largest, ids[n])
    shift = 0
    while shift < 64 and largest >> shift:
        starts = np.zeros((1 << DIGIT) + 1, np.int64)
        for n in range(ids.size):
            starts[((ids[n] >> shift) & ((1 << DIGIT) - 1)) + 1] += 1
        for digit in range(1 << DIGIT):
            starts[digit + 1] += starts[digit]
        for k in range(ids.size):
            digit = (ids[order[k]] >> shift) & ((1 << DIGIT) - 1)
            other[starts[digit]] = order[k]
            starts[digit] += 1
        order, other = other, order
        shift += DIGIT
    places, groups, before = np.empty(ids.size + 1, np.int64), 0, np.int64(-1)
    for k in range(ids.size):
        if ids[order[k]] != before:
            before = ids[order[k]]
            places[groups] = k
            groups += 1
    places[groups] = ids.size
    return order, places[: groups + 1]

"""Positions of equal ids, for sums that one core makes in their order."""

import numpy as np


def grouped(ids):
    """Find equal ids: those of group u stand at the positions order[places[u]:places[u + 1]], which rise.

    ids (N,) int64. Returns `order`, of which the first N count, and `places` (U + 1,), for U different ids, rising.
    """
    if (ids[1:] > ids[:-1]).all():
        order = np.arange(len(ids) + 1)
        return order, order
    # An id and its position as one number: NumPy sorts numbers much faster than it finds the order of numbers.
    bits = len(ids).bit_length()
    keys = np.sort((ids << bits) + np.arange(len(ids)))
    ids = keys >> bits
    begins = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    return keys & ((1 << bits) - 1), np.concatenate([[0], begins, [len(ids)]])

"""Random order: the one of NumPy's generators, whose numbers come all at once and not one by one."""

import numpy as np

from . import jit
from .vector import select

__all__ = ["shuffle_into"]

LOW, ONE = np.uint64(2**32 - 1), np.uint64(1)


def shuffle_into(order, left, words, half):
    """Change order[left], order[left - 1], ..., order[1] with an element chosen from those up to its own place.

    `order` (N,), int64, N < 2^32; `left` a whole number below N; `words` (M,), uint64, of random bits, no more than are
    needed, of which the low half is used first; `half` 32 bits to use before these, or -1 for none. Returns the new
    `left`, above 0 where words came to an end, and the new `half`. The numbers are those of NumPy's `permutation`.
    """
    left, half = _shuffle(order, left, words, half)
    return int(left), int(half)


@jit.serial(inline=True)
def _place(order, i, mask, bits):
    """Put one element in place if the bits name one of those up to i; without a branch that nobody could foresee."""
    chosen = bits & mask
    fits = chosen <= i
    j = select(fits, chosen, i)
    order[i], order[j] = order[j], order[i]
    return i - select(fits, np.uint64(1), np.uint64(0))


@jit.serial(entry=True)
def _shuffle(order, left, words, half):
    i, mask, half = np.uint64(left), LOW, np.int64(half)
    k = 0
    while i > 0:
        while mask >> ONE >= i:
            mask >>= ONE
        if half >= 0:
            i, half = _place(order, i, mask, np.uint64(half)), np.int64(-1)
        elif k < words.size:
            i, half = _place(order, i, mask, words[k] & LOW), np.int64(words[k] >> np.uint64(32))
            k += 1
        else:
            break
    return i, half

"""Random words without a stream: the word of an element is a function of a seed and of its position alone.

So nothing has to be stored to draw it again, and it does not depend on the number of threads. It is a hash of the
position, in the manner of Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3"; the hash
is the finaliser of MurmurHash3 (Appleby, public domain), applied twice, with a key of the 64-bit seed and the number of
the chunk added before each.
"""

import numpy as np

from . import jit

CHUNK = 1 << 14  # elements that share a pair of keys

# Unsigned 64-bit words throughout, of which the low half is used: no product overflows, in Python neither.
_LOW = np.uint64(0xFFFFFFFF)
_A, _B = np.uint64(0x85EBCA6B), np.uint64(0xC2B2AE35)
_13, _16, _32 = np.uint64(13), np.uint64(16), np.uint64(32)


@jit.serial
def _hash(word):
    word = ((word ^ (word >> _16)) * _A) & _LOW
    word = ((word ^ (word >> _13)) * _B) & _LOW
    return word ^ (word >> _16)


@jit.serial
def keys(seed, chunk):
    """The pair of keys of a chunk; `seed` and `chunk` are uint64."""
    key0 = _hash((_hash(seed & _LOW) + chunk) & _LOW)
    return key0, _hash((_hash((seed >> _32) ^ key0) + chunk) & _LOW)


@jit.serial
def random_word(position, key0, key1):
    """32 random bits, as uint64, for a `position` (uint64) inside the chunk of the keys."""
    return _hash((_hash((position + key0) & _LOW) + key1) & _LOW)

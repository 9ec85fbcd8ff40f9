"""References of dropout.py: the same generator on whole arrays of 32-bit words, which wrap around by themselves."""

import numpy as np

CHUNK = 16384


def dropout_forward(x, p, seed):
    """y, shaped as x."""
    if p == 1:
        return np.zeros_like(x)
    return np.where(_kept(x.size, p, seed).reshape(x.shape), x / (1 - p), 0).astype(x.dtype)


def dropout_backward(dy, p, seed):
    """dx, shaped as dy."""
    return dropout_forward(dy, p, seed)


def tanh_dropout_forward(x, p, seed):
    """y and z, shaped as x."""
    y = np.tanh(x)
    return y, dropout_forward(y, p, seed)


def tanh_dropout_backward(dz, y, p, seed):
    """dx, shaped as dz."""
    return dropout_forward(dz, p, seed) * (1 - y**2)


def _kept(size, p, seed):
    """Which of `size` elements are kept: those whose 32-bit word is at least p 2^32."""
    return _random_words(size, seed) >= round(p * 2**32)


def _random_words(size, seed):
    """The words of `size` elements, as int64."""
    chunk, position = np.divmod(np.arange(size, dtype=np.uint64), CHUNK)
    chunk, position = chunk.astype(np.uint32), position.astype(np.uint32)
    low, high = np.full(size, seed % 2**32, np.uint32), np.full(size, seed // 2**32, np.uint32)
    key0 = _murmur(_murmur(low) + chunk)
    key1 = _murmur(_murmur(high ^ key0) + chunk)
    return _murmur(_murmur(position + key0) + key1).astype(np.int64)


def _murmur(h):
    """The finaliser of MurmurHash3 (Appleby), 32 bits."""
    h = (h ^ (h >> 16)) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> 13)) * np.uint32(0xC2B2AE35)
    return h ^ (h >> 16)

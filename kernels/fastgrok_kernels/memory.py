"""Memory for large results, kept for reuse when they die.

Training allocates the same few dozen megabytes in every step. The C library gives such memory back to the system and
asks for it anew, and the system clears each page of it again when it is first touched: measured 0.2 ms per megabyte, a
fifth of a training step. So large arrays take their memory from here: when the last view of one dies, its block waits
for the next array of the same size.
"""

import math
import threading
from collections import OrderedDict

import numpy as np

LARGE = 1 << 17
"""Bytes from which an array takes its memory from here; below, the C library keeps it too, and is quicker (0.3 instead
of 3 us an array). Above, it gives it back where several arrays die together: measured 140 us for one of 256 KB."""
MOST = 1 << 28
"""Bytes that may wait at most; beyond, the blocks that have waited longest go back to the system."""
ALIGNMENT = 64


class _Waiting:
    """Blocks without a user, by size, those that have waited longest first."""

    def __init__(self):
        self.blocks: OrderedDict[int, list[tuple[np.ndarray, int]]] = OrderedDict()
        self.bytes, self.most = 0, MOST  # of its own: when Python exits, arrays die after the globals of modules
        self.lock = threading.RLock()  # reentrant: a collection of garbage may return a block while one is taken

    def take(self, size):
        """A block of `size` bytes, or None."""
        with self.lock:
            blocks = self.blocks.get(size)
            if not blocks:
                return None
            self.bytes -= size
            return blocks.pop()

    def put(self, size, block):
        """Let a block wait."""
        with self.lock:
            self.blocks.setdefault(size, []).append(block)
            self.blocks.move_to_end(size)
            self.bytes += size
            while self.bytes > self.most:
                oldest, blocks = next(iter(self.blocks.items()))
                if blocks:
                    blocks.pop()
                    self.bytes -= oldest
                if not blocks:
                    del self.blocks[oldest]


_waiting = _Waiting()


class _Lease:
    """What owns a block while an array uses it. NumPy keeps it as the `base` of the array and of all views."""

    __slots__ = ("__array_interface__", "block", "size")

    def __init__(self, size, shape, dtype):
        self.size = size
        self.block = _waiting.take(size) or _new_block(size)
        self.__array_interface__ = {"data": (self.block[1], False), "shape": shape, "typestr": dtype.str, "version": 3}

    def __del__(self, put=_waiting.put):
        put(self.size, self.block)


def _new_block(size):
    """Memory, and its first aligned address."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = memory.ctypes.data
    return memory, start + -start % ALIGNMENT


def empty(shape, dtype):
    """Like `np.empty`: an array with arbitrary content."""
    shape = shape if type(shape) is tuple else (shape,)
    size = math.prod(shape)
    if 8 * size < LARGE:  # small in any dtype: to ask for its size takes as long as the array itself
        return np.empty(shape, dtype)
    dtype = np.dtype(dtype)
    size *= dtype.itemsize
    return np.empty(shape, dtype) if size < LARGE else np.asarray(_Lease(size, shape, dtype))


def zeros(shape, dtype):
    """Like `np.zeros`."""
    y = empty(shape, dtype)
    y[...] = 0
    return y


def empty_like(x):
    """Like `np.empty_like`, for an array in C order."""
    return empty(x.shape, x.dtype)

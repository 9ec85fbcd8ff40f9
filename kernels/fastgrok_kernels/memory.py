"""Memory for large results, kept for reuse when they die.

Training allocates the same few dozen megabytes in every step. The C library gives such memory back to the system and
asks for it anew, and the system clears each page of it again when it is first touched: measured 0.2 ms per megabyte, a
fifth of a training step. So large arrays take their memory from here: when the last view of one dies, its block waits
for the next array of the same size.
"""

import math
import threading

import numpy as np

# Tried: large pages (2 MB) for all blocks, by madvise. Training steps of LSTMs with H from 128 to 512 took 0.99 to 1.02
# of the time on two threads.

LARGE = 1 << 17
"""Bytes from which an array takes its memory from here; below, the C library keeps it too, and is quicker (0.3 instead
of 1 us an array). Above, it gives it back where several arrays die together: measured 140 us for one of 256 KB."""
MOST = 1 << 28
"""Bytes that may wait at most; beyond, blocks go back to the system."""
MOST_SCRATCH = 1 << 25
"""Bytes of scratch memory that a thread keeps at most, for each dtype."""
ALIGNMENT = 64


class _Waiting:
    """Blocks without a user, by size, those of the size that came first in front.

    Without a lock, which took a third of the time of an array: each change is one step of the interpreter. Only the
    count of bytes may miss a block that another thread puts at the same moment, and it is made anew at the limit.
    """

    def __init__(self):
        self.blocks: dict[int, list[_Block]] = {}
        self.bytes, self.most = 0, MOST  # of its own: when Python exits, arrays die after the globals of modules

    def put(self, block):
        """Let a block wait."""
        size = block.size
        try:
            self.blocks[size].append(block)
        except KeyError:
            self.blocks.setdefault(size, []).append(block)
        self.bytes += size
        if self.bytes > self.most:
            self._shrink()

    def _shrink(self):
        """Give blocks back to the system until three quarters of `most` bytes wait."""
        self.bytes = sum([size * len(self.blocks.get(size, ())) for size in list(self.blocks)])
        for size in list(self.blocks):  # whole sizes, so that those in use come to the end, and not at every block
            if self.bytes <= 3 * self.most // 4:
                return
            self.bytes -= size * len(self.blocks.pop(size, ()))


_waiting = _Waiting()


# An array over other memory keeps alive what it was made of, its `base`. NumPy skips arrays between it and the memory
# as long as they are of one class, hence two classes: the array's base is a lease, the lease's base a block.


class _Block(np.ndarray):
    """Bytes that are lent to one array after the other."""

    __slots__ = ()


class Lease(np.ndarray):
    """A view of a block, and the base of the array that uses it; views keep that array. Its end frees the block."""

    __slots__ = ()

    def __del__(self, put=_waiting.put, kind=_Block):
        block = self.base
        if type(block) is kind:  # and this no view of a lease, which somebody made of an array's base
            put(block)


def _new_block(size):
    """Memory that begins at an aligned address."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(_Block)


def empty(shape, dtype):
    """Like `np.empty`: an array with arbitrary content."""
    shape = shape if type(shape) is tuple else (shape,)
    size = math.prod(shape)
    if 8 * size < LARGE:  # small in any dtype: to ask for its size takes as long as the array itself
        return np.empty(shape, dtype)
    dtype = np.dtype(dtype)
    size *= dtype.itemsize
    if size < LARGE:
        return np.empty(shape, dtype)
    try:
        block = _waiting.blocks[size].pop()
        _waiting.bytes -= size
    except (KeyError, IndexError):
        block = _new_block(size)
    return np.ndarray(shape, dtype, block.view(Lease))


class _Scratch(threading.local):
    """Of each thread of Python: an array for each dtype."""

    def __init__(self):
        self.arrays = {}


_scratch = _Scratch()


def scratch(size, dtype):
    """An array (size,) with arbitrary content for what a kernel needs while it runs.

    The next call in this thread returns the same memory, so it must not outlive the kernel, nor be asked for twice.
    """
    array = _scratch.arrays.get(dtype)
    if array is None or array.size < size:
        if size * dtype.itemsize > MOST_SCRATCH:
            return empty(size, dtype)
        array = _scratch.arrays[dtype] = _new_block(size * dtype.itemsize).view(dtype).view(np.ndarray)
    return array[:size]


def zeros(shape, dtype):
    """Like `np.zeros`."""
    y = empty(shape, dtype)
    y[...] = 0
    return y


def empty_like(x):
    """Like `np.empty_like`, for an array in C order."""
    return empty(x.shape, x.dtype)

"""Changes of large arrays in place, which NumPy makes on one core, and in two passes where a factor is involved."""

from . import jit

__all__ = ["add_into", "at_least_into", "copy_into", "divide_into", "multiply_into"]

CHUNK = 1 << 13  # elements per parallel iteration
SHORT = 1 << 10  # elements to which a shorter row is repeated, so that loops are worth their launch
ADD, MULTIPLY, DIVIDE, AT_LEAST, COPY = range(5)


def add_into(x, other, factor):
    """x += factor other.

    `x` (...) and `other` (M,), float32 or float64, not overlapping: x holds a whole number of runs of M elements, and
    `other` is added to each of them; `factor` is rounded to their dtype.
    """
    _change(x, other, factor, ADD)


def at_least_into(x, other):
    """x = other where x <= other; nan stays nan. `x` (...), `other` (M,) as in `add_into`."""
    _change(x, other, 1, AT_LEAST)


def multiply_into(x, other):
    """x *= other. `x` (...), `other` (M,) as in `add_into`."""
    _change(x, other, 1, MULTIPLY)


def divide_into(x, other):
    """x /= other. `x` (...), `other` (M,) as in `add_into`."""
    _change(x, other, 1, DIVIDE)


def copy_into(x, other):
    """x = other. `x` (...), `other` (M,) as in `add_into`."""
    _change(x, other, 1, COPY)


def _change(x, other, factor, what):
    if x.size:
        if other.size < min(SHORT, x.size):
            other = other[None].repeat(min(-(-SHORT // other.size), x.size // other.size), axis=0)
        _change_chunks(x.reshape(-1), other.reshape(-1), x.dtype.type(factor), what)


# Loops that name one array twice, unlike those of arithmetic.py: the compiler does not have to ask whether what is
# written overlaps what is read, and falls back to single elements where it does.


@jit.serial
def _change_run(x, other, factor, what):
    if what == ADD:
        for i in range(x.size):
            x[i] += factor * other[i]
    elif what == MULTIPLY:
        for i in range(x.size):
            x[i] *= other[i]
    elif what == DIVIDE:
        for i in range(x.size):
            x[i] /= other[i]
    elif what == AT_LEAST:
        for i in range(x.size):
            x[i] = other[i] if x[i] <= other[i] else x[i]
    else:
        for i in range(x.size):
            x[i] = other[i]


@jit.parallel(work=lambda x, other, factor, what: 0.1 * x.size)
def _change_chunks(x, other, factor, what):
    M = other.size
    for k in jit.prange((x.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, x.size)
        first = low % M
        while low < high:
            end = min(low + M - first, high)
            _change_run(x[low:end], other[first : first + end - low], factor, what)
            low, first = end, 0

"""Softmax, its logarithm and that of its denominator over the rows of a matrix, forward and backward.

Each row is reduced on its own in a fixed order, so the results do not depend on the number of threads.
"""

import numpy as np

from . import jit, memory
from .scalar import exp_below_one, log
from .simd import lanes_of
from .vector import fetch_line, fetch_line_to_write, load, max_lanes, select, splat, store, sum_lanes

__all__ = [
    "log_softmax_backward", "log_softmax_forward", "logsumexp_backward", "logsumexp_forward", "softmax_backward",
    "softmax_forward",
]  # fmt: skip

BLOCK = 16384  # elements per parallel iteration, up to twice as many: enough to outweigh what it costs to begin one
PART = 1024  # elements added up at a time, since long sums of float32 lose digits: 4e-6 of 10,000 with four lanes
FEWEST = 1024  # elements of a block, if there are so many
APART = 2
"""Rows between the steps of a softmax, so that no step waits for the last operations of the one before. With 64
columns, 1 takes 1.1 of the time of 2, and 3 as long; with 256 columns 1 takes 0.95."""
ELEMENTS_AHEAD = 1024
"""Elements between what is read or written and what is fetched for later. With 256 columns and more than the caches
hold 512 and 2048 take 1.1 of the time, none 1.5, which is a matter of pages: the machine fetches ahead within one."""


def softmax_forward(x):
    """y[n, v] = e^x[n, v] / sum_u e^x[n, u].

    `x` (N, V), float32 or float64. Returns `y` (N, V). The largest element of a row is subtracted first, so that
    nothing overflows (Goodfellow, Bengio and Courville, Deep Learning, 2016, section 4.1).
    """
    y = memory.empty_like(x)
    if x.size:
        _softmax_forward(x, y, *_scratch(x), rows_per_block(x))
    return y


def softmax_backward(dy, y):
    """dx = y (dy - sum_v dy y), row by row.

    `dy`, `y` (N, V): the gradient of, and the result of, `softmax_forward`. Returns `dx` (N, V).
    """
    dx = memory.empty_like(y)
    if y.size:
        _softmax_backward(dy, y, dx, rows_per_block(y))
    return dx


def log_softmax_forward(x):
    """y[n, v] = x[n, v] - log sum_u e^x[n, u].

    `x` (N, V), float32 or float64. Returns `y` (N, V).
    """
    y = memory.empty_like(x)
    if x.size:
        _log_softmax_forward(x, y, *_scratch(x), rows_per_block(x))
    return y


def log_softmax_backward(dy, y):
    """dx = dy - e^y sum_v dy, row by row.

    `dy`, `y` (N, V): the gradient of, and the result of, `log_softmax_forward`. Returns `dx` (N, V).
    """
    dx = memory.empty_like(y)
    if y.size:
        _log_softmax_backward(dy, y, dx, rows_per_block(y))
    return dx


def logsumexp_forward(x):
    """y[n] = log sum_v e^x[n, v], of a row of -inf -inf.

    `x` (N, V), float32 or float64. Returns `y` (N,).
    """
    if not x.size:
        return np.full(len(x), -np.inf, x.dtype)
    maxima, sums = _scratch(x)
    _logsumexp_forward(x, maxima, sums, rows_per_block(x))
    return sums


def logsumexp_backward(dy, x, y):
    """dx[n, v] = dy[n] e^(x[n, v] - y[n]), and dy[n] 0 in rows of -inf.

    `dy`, `y` (N,): the gradient of, and the result of, `logsumexp_forward` of `x` (N, V). Returns `dx` (N, V).
    """
    dx = memory.empty_like(x)
    if x.size:
        _logsumexp_backward(dy, x, y, dx, rows_per_block(x))
    return dx


def rows_per_block(x):
    """Rows of a parallel iteration: few enough to share a batch among cores, and a power of two, as batches are.

    A block of the cross-entropy takes about 0.2 us to begin. On two cores 4096 x 65 takes 36.5 us in blocks of 256
    rows, 39 of 64 and of 126, and 44 of 504, since 9 blocks are no even number.
    """
    V = x.shape[1]
    return 1 << min(BLOCK // V, max(len(x) // 16, FEWEST // V)).bit_length()


def _scratch(x):
    """Memory for the maximum of each row and the sum of its exponentials."""
    return np.empty(len(x), x.dtype), np.empty(len(x), x.dtype)


# ---------------------------------------------------------------------------------------------------- one row


@jit.serial(reassociate=True)
def _sum(row):
    total = row.dtype.type(0)
    for i in range(row.size):
        total += row[i]
    return total


@jit.serial(reassociate=True)
def dot(a, b):
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@jit.serial
def _softmax_backward_row(dy, y, dx):
    mean = dot(dy, y)
    for i in range(y.size):
        dx[i] = y[i] * (dy[i] - mean)


@jit.serial
def _log_softmax_row(x, shift, rest, y):
    for i in range(x.size):
        y[i] = (x[i] - shift) - rest


@jit.serial
def exponentials_row(factor, x, shift, y):
    """y = factor e^(x - shift), for a shift that no x exceeds."""
    for i in range(x.size):
        y[i] = factor * exp_below_one(x[i] - shift)


@jit.serial
def _log_softmax_backward_row(dy, y, dx):
    total = _sum(dy)
    for i in range(y.size):
        dx[i] = dy[i] - exp_below_one(y[i]) * total


# ---------------------------------------------------------------------------------------------------- blocks of rows


@jit.serial
def _rows_in_turn(x, n0, n1, V, factor, y, maxima, sums):
    """What `softmax_block` does, for rows of at least one vector: `x`, and `y` if it is not empty, are flat.

    While the maximum of a row is looked for, the exponentials of an earlier row are calculated, and those of a still
    earlier one are divided by their sum: taken alone, each step would wait at its end until all lanes of a vector are
    reduced to one number. 4096 x 65 takes 0.7 of the time of steps over 16 rows each, which reduce the lanes of all 16
    at once; with 256 columns it is 0.6 of that of a row after the other. Without gain: exponentials in a scratch, so
    that y is written once (1 to 1.05); two or four rows at once in each of the steps (0.93 to 1).

    The last vector of a row overlaps the one before where V is no multiple of the lanes; its store comes last, and what
    lies in both counts once in the sum.
    """
    lanes = lanes_of(x)
    last, new = V - lanes, np.zeros(lanes, x.dtype)
    new[(last + lanes - 1) // lanes * lanes - last :] = 1  # the lanes of the last vector that are in no other
    counted = load(new, 0)
    for newest in range(n0, n1 + 2 * APART):
        n = newest
        if n < n1:
            at, end = n * V, n * V + last
            best = load(x, end)
            while at < end:
                some = load(x, at)
                fetch_line(x, at + ELEMENTS_AHEAD)
                best = select(some > best, some, best)
                at += lanes
            maxima[n] = max_lanes(best)
        n -= APART
        if n0 <= n < n1:
            at, end, shift = n * V, n * V + last, maxima[n]
            e = exp_below_one(load(x, end) - shift)
            total = e * counted
            while at < end:
                part, stop = splat(x, x.dtype.type(0)), min(at + PART, end)
                while at < stop:
                    some = exp_below_one(load(x, at) - shift)
                    part = part + some
                    if y.size:
                        fetch_line_to_write(y, at + ELEMENTS_AHEAD)
                        store(y, at, some)
                    at += lanes
                total = total + part
            if y.size:
                store(y, end, e)
            sums[n] = sum_lanes(total)
        n -= APART
        if n0 <= n and y.size:
            at, end, scale = n * V, n * V + last, factor / sums[n]
            e = load(y, end) * scale
            while at < end:
                store(y, at, load(y, at) * scale)
                at += lanes
            store(y, end, e)


@jit.serial
def _short_rows(x, n0, n1, V, factor, y, maxima, sums):
    """The same for rows that are shorter than a vector, whose other lanes count as -inf.

    What lies in them belongs to the rows behind, whose turn comes later; the last rows are copied to a line of their
    own. 100 x 10 takes 3 us, number by number 7.
    """
    lanes = lanes_of(x)
    line, inside = np.zeros(lanes, x.dtype), np.zeros(lanes, x.dtype)
    inside[:V] = 1
    own, nothing = load(inside, 0) > x.dtype.type(0), x.dtype.type(-np.inf)
    for n in range(n0, n1):
        at, whole = n * V, n * V + lanes <= n1 * V
        if whole:
            row = load(x, at)
        else:
            line[:V] = x[at : at + V]
            row = load(line, 0)
        row = select(own, row, nothing)
        maxima[n] = max_lanes(row)
        e = exp_below_one(row - maxima[n])
        sums[n] = sum_lanes(e)
        if y.size:
            e = e * (factor / sums[n])
            if whole:
                store(y, at, e)
            else:
                store(line, 0, e)
                y[at : at + V] = line[:V]


@jit.serial
def log_of(x):
    """x = log(x), of many numbers at once, hence vectorised."""
    for i in range(x.size):
        x[i] = log(x[i])


@jit.serial
def softmax_block(x, n0, n1, factor, y, maxima, sums):
    """For the rows n0 <= n < n1: their maxima, the sums of e^(x - maximum), and y = factor softmax(x) if y has rows."""
    V = x.shape[1]
    if V >= lanes_of(x):
        _rows_in_turn(x.reshape(-1), n0, n1, V, factor, y.reshape(-1), maxima, sums)
    else:
        _short_rows(x.reshape(-1), n0, n1, V, factor, y.reshape(-1), maxima, sums)


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _softmax_forward(x, y, maxima, sums, rows):
    for block in jit.prange((len(x) + rows - 1) // rows):
        n0, n1 = np.int64(block) * rows, min(np.int64(block) * rows + rows, len(x))
        softmax_block(x, n0, n1, x.dtype.type(1), y, maxima, sums)


@jit.parallel(work=lambda dy, y, dx, rows: 0.3 * y.size)
def _softmax_backward(dy, y, dx, rows):
    for block in jit.prange((len(y) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(y))):
            _softmax_backward_row(dy[n], y[n], dx[n])


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _log_softmax_forward(x, y, maxima, sums, rows):
    for block in jit.prange((len(x) + rows - 1) // rows):
        n0, n1 = np.int64(block) * rows, min(np.int64(block) * rows + rows, len(x))
        softmax_block(x, n0, n1, x.dtype.type(1), y[:0], maxima, sums)
        log_of(sums[n0:n1])
        for n in range(n0, n1):
            _log_softmax_row(x[n], maxima[n], sums[n], y[n])


@jit.parallel(work=lambda dy, y, dx, rows: 0.6 * y.size)
def _log_softmax_backward(dy, y, dx, rows):
    for block in jit.prange((len(y) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(y))):
            _log_softmax_backward_row(dy[n], y[n], dx[n])


@jit.serial
def _unless_unknown(value, row):
    """An infinite `value`, or the first NaN of the row."""
    for i in range(row.size):
        if row[i] != row[i]:
            return row[i]
    return value


@jit.parallel(work=lambda x, *_: 0.5 * x.size)
def _logsumexp_forward(x, maxima, sums, rows):
    for block in jit.prange((len(x) + rows - 1) // rows):
        n0, n1 = np.int64(block) * rows, min(np.int64(block) * rows + rows, len(x))
        softmax_block(x, n0, n1, x.dtype.type(1), x[:0], maxima, sums)
        log_of(sums[n0:n1])
        for n in range(n0, n1):
            infinite = np.isinf(maxima[n])  # then differences from it are unknown
            sums[n] = _unless_unknown(maxima[n], x[n]) if infinite else maxima[n] + sums[n]


@jit.parallel(work=lambda dy, x, *_: 0.4 * x.size)
def _logsumexp_backward(dy, x, y, dx, rows):
    for block in jit.prange((len(x) + rows - 1) // rows):
        for n in range(block * rows, min(block * rows + rows, len(x))):
            shift = x.dtype.type(0) if y[n] == -np.inf else y[n]
            exponentials_row(dy[n], x[n], shift, dx[n])

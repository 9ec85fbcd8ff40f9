"""Lookup of rows in a table, and the sum of their gradients.

The backward pass adds the rows of one id in their order n = 0, 1, ..., whatever core does it, so the result does not
depend on the number of threads. Small tables are shared out by columns; in large ones each core owns some of the ids.
"""

import numpy as np

from . import jit, memory
from .groups import grouped
from .vector import fetch

__all__ = ["add_rows_into", "embedding_backward", "embedding_forward"]

AHEAD = 4  # rows on their way from memory: twice as fast in a table of 5 MB, where each row is somewhere else
ROWS = 64  # looked-up rows per parallel iteration
SHARES = 64  # shares of a large table; the different ids are dealt out, since frequent words tend to be neighbours
COLUMNS = 128  # fewest columns of a small table that are worth a core: 64 took 80 us on two, and 40 on one
LINE = 16  # numbers of a cache line, the unit in which columns are shared out
SMALL_TABLE = 1 << 16  # elements; a table that stays in the cache of each core


def embedding_forward(table, ids):
    """out[n] = table[ids[n]].

    `table` (V, D), float32 or float64; `ids` (N,) int64, each in 0..V-1. Returns `out` (N, D).
    """
    out = memory.empty((len(ids), table.shape[1]), table.dtype)
    if out.size:
        _forward(table, ids, out)
    return out


def embedding_backward(dout, ids, V):
    """dtable[v] = the sum of dout[n] over all n with ids[n] = v.

    `dout` (N, D), float32 or float64; `ids` (N,) int64, each in 0..V-1. Returns `dtable` (V, D).
    """
    dtable = np.zeros((V, dout.shape[1]), dout.dtype)
    if not dout.size:
        return dtable
    if dtable.size <= SMALL_TABLE:
        # At most one range of columns for each thread: of a range of 32, two cache lines of every row of 3 KB, a core
        # fetches nothing ahead, and the sum of 1024 such rows took four times as long.
        wide = max(COLUMNS, -(-dout.shape[1] // (jit.get_num_threads() * LINE)) * LINE)
        _backward_by_columns(dout, ids, wide, dtable)
    else:
        order, starts = _bucketed(ids)
        _backward_by_ids(dout, ids, order, starts, dtable)
    return dtable


def add_rows_into(table, ids, rows, factor):
    """table[v] += factor times the sum of rows[n] over all n with ids[n] = v.

    `table` (V, D), float32 or float64, is written; `ids` (N,) int64, each in 0..V-1; `rows` (N, D) of the dtype of the
    table; `factor` a number. The rows of one id are added up first, in their order.
    """
    if rows.size:
        order, places = grouped(ids)
        _add_sums(table, ids, rows, float(factor), order, places)


def _bucketed(ids):
    """(order, starts): bucket b holds the positions order[starts[b]:starts[b + 1]], in rising order."""
    order, starts = np.empty_like(ids), np.zeros(SHARES + 1, np.int64)
    _count_sort(ids, order, starts)
    return order, starts


@jit.serial(entry=True)
def _count_sort(ids, order, starts):
    for i in ids:
        starts[i % SHARES + 1] += 1
    for b in range(SHARES):
        starts[b + 1] += starts[b]
    following = starts.copy()
    for n in range(ids.size):
        b = ids[n] % SHARES
        order[following[b]] = n
        following[b] += 1


@jit.serial
def _copy(source, target):
    for i in range(target.size):
        target[i] = source[i]


@jit.serial
def _add(source, target):
    for i in range(target.size):
        target[i] += source[i]


@jit.serial
def _add_scaled(source, factor, target):
    factor = target.dtype.type(factor)
    for i in range(target.size):
        target[i] += factor * source[i]


@jit.serial
def _sum_group(rows, order, first, end, total):
    _copy(rows[order[first]], total)
    for k in range(first + 1, end):
        _add(rows[order[k]], total)


@jit.parallel(work=lambda table, ids, rows, factor, order, places: 0.1 * rows.size + 2 * ids.size)
def _add_sums(table, ids, rows, factor, order, places):
    for share in jit.prange(SHARES):
        total = np.empty(rows.shape[1], rows.dtype)
        for u in range(share, places.size - 1, SHARES):
            n = order[places[u]]
            later = order[places[min(u + AHEAD * SHARES, places.size - 2)]]
            fetch(table[ids[later]])
            fetch(rows[later])
            if places[u + 1] - places[u] == 1:
                _add_scaled(rows[n], factor, table[ids[n]])
            else:
                _sum_group(rows, order, places[u], places[u + 1], total)
                _add_scaled(total, factor, table[ids[n]])


@jit.parallel(work=lambda table, ids, out: 0.15 * out.size)
def _forward(table, ids, out):
    for block in jit.prange((ids.size + ROWS - 1) // ROWS):
        for n in range(block * ROWS, min(block * ROWS + ROWS, ids.size)):
            fetch(table[ids[min(n + AHEAD, ids.size - 1)]])
            _copy(table[ids[n]], out[n])


@jit.parallel(work=lambda dout, ids, wide, dtable: 0.1 * dout.size + 3 * ids.size)
def _backward_by_columns(dout, ids, wide, dtable):
    for block in jit.prange((dtable.shape[1] + wide - 1) // wide):
        low, high = block * wide, min(block * wide + wide, dtable.shape[1])
        for n in range(ids.size):
            fetch(dout[min(n + AHEAD, ids.size - 1), low:high])
            _add(dout[n, low:high], dtable[ids[n], low:high])


@jit.parallel(work=lambda dout, ids, order, starts, dtable: 0.2 * dout.size + 10 * ids.size)
def _backward_by_ids(dout, ids, order, starts, dtable):
    for bucket in jit.prange(SHARES):
        for k in range(starts[bucket], starts[bucket + 1]):
            n = order[k]
            later = order[min(k + AHEAD, order.size - 1)]
            fetch(dout[later])
            fetch(dtable[ids[later]])
            _add(dout[n], dtable[ids[n]])

"""Lookup of rows in a table, and the sum of their gradients.

The backward pass adds the rows of one id in their order n = 0, 1, ..., whatever core does it, so the result does not
depend on the number of threads. Small tables are shared out by columns, large ones by ids (groups.py).
"""

import numpy as np

from . import jit, memory
from .groups import grouped, share, shares
from .rows import AHEAD, EARLY, LARGE_TABLE, add_row, add_rows, copy_row, stream_row, sum_rows
from .vector import fetch, fetch_early, finish_streams

__all__ = ["add_rows_into", "embedding_backward", "embedding_forward"]

ROWS = 64  # looked-up rows per parallel iteration
COLUMNS = 128  # fewest columns of a small table that are worth a core: 64 took 80 us on two, and 40 on one
LINE = 16  # numbers of a cache line, the unit in which columns are shared out
SMALL_TABLE = 1 << 16  # elements; a table that stays in the cache of each core


def embedding_forward(table, ids):
    """out[n] = table[ids[n]].

    `table` (V, D), float32 or float64; `ids` (N,) int64, each in 0..V-1. Returns `out` (N, D).
    """
    out = memory.empty((len(ids), table.shape[1]), table.dtype)
    if out.size:
        # What hardly any cache can hold is not read from one soon: 65,536 rows of 256 in 3.5 instead of 4.7 ms.
        past = out.nbytes >= LARGE_TABLE and out.shape[1] % LINE == 0 and out.ctypes.data % 64 == 0
        _forward(table, ids, out, past)
    return out


def embedding_backward(dout, ids, V):
    """dtable[v] = the sum of dout[n] over all n with ids[n] = v.

    `dout` (N, D), float32 or float64; `ids` (N,) int64, each in 0..V-1. Returns `dtable` (V, D).
    """
    D = dout.shape[1]
    if not dout.size or V * D <= SMALL_TABLE:
        dtable = np.zeros((V, D), dout.dtype)
        if dout.size:
            # At most one range of columns for each thread: of a range of 32, two cache lines of every row of 3 KB, a
            # core fetches nothing ahead, and the sum of 1024 such rows took four times as long.
            wide = max(COLUMNS, -(-D // (jit.get_num_threads() * LINE)) * LINE)
            _backward_by_columns(dout, ids, wide, dtable)
        return dtable
    dtable = memory.empty((V, D), dout.dtype)
    order, places = grouped(ids)
    _backward_by_ids(dout, ids, order, places, dtable, shares(ids))
    return dtable


def add_rows_into(table, ids, rows, factor):
    """table[v] += factor times the sum of rows[n] over all n with ids[n] = v.

    `table` (V, D), float32 or float64, is written; `ids` (N,) int64, each in 0..V-1; `rows` (N, D) of the dtype of the
    table; `factor` a number. The rows of one id are added up first, in their order.
    """
    if rows.size:
        order, places = grouped(ids)
        _add_sums(table, ids, rows, float(factor), order, places, shares(ids))


@jit.serial
def _add(source, target):
    for i in range(target.size):
        target[i] += source[i]


@jit.parallel(work=lambda table, ids, rows, *_: 6 * ids.size + 0.1 * rows.size)
def _add_sums(table, ids, rows, factor, order, places, parts):
    # Tried: ids that occur once first, as in embedding_bag.py: 16,384 of 20,000 on one core in 194, not 204 us, but on
    # two in 111 as before.
    large, D = table.size * table.itemsize >= LARGE_TABLE, table.shape[1]
    for s in jit.prange(parts):
        step, one = table.dtype.type(factor), table.dtype.type(1)
        first, end = share(places, np.int64(s), parts)
        which = order[places[first] : places[end]]
        ones = np.ones(which.size, table.dtype)
        for u in range(first, end):
            if large:
                fetch_early(table, ids[order[places[min(u + EARLY, places.size - 2)]]] * D, D)
            later = order[places[min(u + AHEAD, places.size - 2)]]
            fetch(table, ids[later] * D, D)
            fetch(rows, later * D, D)
            k, count = places[u] - places[first], places[u + 1] - places[u]
            n = which[k]
            if count == 1:
                add_row(rows, n, one, table, ids[n], step)
            else:
                add_rows(rows, which, ones, k, k + count, table, ids[n], step)


@jit.parallel(work=lambda table, ids, out, past: 2 * ids.size + 0.1 * out.size)
def _forward(table, ids, out, past):
    large, D = table.size * table.itemsize >= LARGE_TABLE, table.shape[1]
    for block in jit.prange((ids.size + ROWS - 1) // ROWS):
        for n in range(block * ROWS, min(block * ROWS + ROWS, ids.size)):
            if large:
                fetch_early(table, ids[min(n + EARLY, ids.size - 1)] * D, D)
            fetch(table, ids[min(n + AHEAD, ids.size - 1)] * D, D)
            if past:
                stream_row(table, ids[n], out, n)
            else:
                copy_row(table, ids[n], out, n)
        if past:
            finish_streams()


@jit.parallel(work=lambda dout, ids, wide, dtable: 0.1 * dout.size + 3 * ids.size)
def _backward_by_columns(dout, ids, wide, dtable):
    for block in jit.prange((dtable.shape[1] + wide - 1) // wide):
        low, high = block * wide, min(block * wide + wide, dtable.shape[1])
        for n in range(ids.size):
            fetch(dout, min(n + AHEAD, ids.size - 1) * dout.shape[1] + low, high - low)
            _add(dout[n, low:high], dtable[ids[n], low:high])


@jit.parallel(work=lambda dout, ids, order, places, dtable, parts: 0.2 * dout.size + 0.05 * dtable.size + 5 * ids.size)
def _backward_by_ids(dout, ids, order, places, dtable, parts):
    for s in jit.prange(parts):
        first, end = share(places, np.int64(s), parts)
        if first == 0 and end > 0:
            dtable[: ids[order[0]]] = 0
        which = order[places[first] : places[end]]
        ones = np.ones(which.size, dout.dtype)
        for u in range(first, end):
            id = ids[order[places[u]]]
            following = ids[order[places[u + 1]]] if u + 2 < places.size else len(dtable)
            sum_rows(dout, which, ones, places[u] - places[first], places[u + 1] - places[first], dtable, id)
            dtable[id + 1 : following] = 0

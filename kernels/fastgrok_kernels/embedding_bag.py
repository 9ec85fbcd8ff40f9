"""Weighted sums and maxima of rows of a table, bag by bag, and the sum of the gradients of sums, id by id.

A bag is a run of ids: bag b holds ids[starts[b]:starts[b + 1]]. Every sum is made in the order of the ids, by one core,
so the results do not depend on the number of threads. The backward pass gives rows for those ids alone that occur.
"""

import numpy as np

from . import jit, memory
from .groups import grouped, share, shares
from .rows import AHEAD, EARLY, LARGE_TABLE, add_row, add_rows, sum_rows
from .vector import fetch, fetch_early

__all__ = ["add_bag_rows_into", "embedding_bag_backward", "embedding_bag_forward", "embedding_bag_max_forward"]

BAGS = 4  # bags per parallel iteration


def embedding_bag_forward(table, ids, factors, starts):
    """out[b] = the sum of factors[n] table[ids[n]] over starts[b] <= n < starts[b + 1].

    `table` (V, D), float32 or float64; `ids` (N,) int64, each in 0..V-1; `factors` (N,) of the dtype of the table;
    `starts` (B + 1,) int64, rising from 0 to N. Returns `out` (B, D).
    """
    out = memory.empty((len(starts) - 1, table.shape[1]), table.dtype)
    if out.size:
        _forward(table, ids, factors, starts, out)
    return out


def embedding_bag_backward(dout, ids, factors, starts):
    """rows[u] = the sum of factors[n] dout[b] over all n with ids[n] = different[u], b being the bag of n.

    `dout` (B, D); the rest as in `embedding_bag_forward`. Returns `different` (U,) int64, the ids that occur, rising,
    and `rows` (U, D).
    """
    order, places = grouped(ids)
    different = ids[order[places[:-1]]]
    rows = memory.empty((len(different), dout.shape[1]), dout.dtype)
    if rows.size:
        _backward(dout, factors, order, _bags(starts), places, rows, shares(ids))
    return different, rows


def add_bag_rows_into(table, dout, ids, factors, starts, scale):
    """table[v] += scale times the sum of factors[n] dout[b] over all n with ids[n] = v, b being the bag of n.

    `table` (V, D) is written; `dout` (B, D), `ids` and `factors` (N,) and `starts` (B + 1,) as in
    `embedding_bag_backward`; `scale` is a number. The rows that the latter would return are added as they come, and
    never stored: with 9,600 ids and 100 columns 570 us instead of 860 for both steps.
    """
    if table.size and ids.size:
        order, places = grouped(ids)
        _add_sums(table, dout, ids, factors, float(scale), order, _bags(starts), places, shares(ids))


@jit.serial(entry=True)
def _bags(starts):
    """The bag (N,) of each id. NumPy's `repeat` takes 3 us for 9,600 of them, and this 1."""
    bags = np.empty(starts[-1], np.int64)
    for b in range(len(starts) - 1):
        bags[starts[b] : starts[b + 1]] = b
    return bags


def embedding_bag_max_forward(table, ids, starts):
    """out[b] = the largest of table[ids[n]] over starts[b] <= n < starts[b + 1], column by column; 0 without any.

    `table` (V, D), float32 or float64; `ids` (N,) int64, each in 0..V-1; `starts` (B + 1,) int64, rising from 0 to N.
    Returns `out` (B, D) and `chosen` (B, D) int64, the id of the row that each element is from (the first of equals;
    0 without any).
    """
    out = memory.empty((len(starts) - 1, table.shape[1]), table.dtype)
    chosen = memory.empty(out.shape, np.int64)
    if out.size:
        _max_forward(table, ids, starts, out, chosen)
    return out, chosen


@jit.parallel(work=lambda table, ids, factors, starts, out: ids.size * (3 + 0.04 * out.shape[1]))
def _forward(table, ids, factors, starts, out):
    for block in jit.prange((len(out) + BAGS - 1) // BAGS):
        for b in range(block * BAGS, min(block * BAGS + BAGS, len(out))):
            sum_rows(table, ids, factors, starts[b], starts[b + 1], out, b)


@jit.serial(inline=True)
def _taken(a, order):
    """a[order], for positions that exist."""
    out = np.empty(order.size, a.dtype)
    for k in range(order.size):
        out[k] = a[np.uint64(order[k])]
    return out


@jit.parallel(work=lambda dout, factors, order, *_: order.size * (6 + 0.1 * dout.shape[1]))
def _backward(dout, factors, order, bags, places, rows, parts):
    for s in jit.prange(parts):
        first, end = share(places, np.int64(s), parts)
        start = places[first]
        mine = order[start : places[end]]
        which, weights = _taken(bags, mine), _taken(factors, mine)
        for u in range(first, end):
            sum_rows(dout, which, weights, places[u] - start, places[u + 1] - start, rows, u)


@jit.serial(inline=True)
def _alone_and_not(places, first, end):
    """Of the groups first <= u < end, how far those of one position stand behind the first; and the others, as u."""
    alone, others, a, o = np.empty(end - first, np.int64), np.empty(end - first, np.int64), 0, 0
    for u in range(first, end):  # without a branch
        alone[a], others[o] = places[u] - places[first], u
        one = places[u + 1] - places[u] == 1
        a, o = a + one, o + (not one)
    return alone[:a], others[:o]


@jit.parallel(work=lambda table, dout, ids, *_: ids.size * (6 + 0.07 * table.shape[1]))
def _add_sums(table, dout, ids, factors, scale, order, bags, places, parts):
    # Ids that occur once come first, since no processor could foresee which do, and what it begins in vain takes longer
    # than a row: of 7,600 rows of 100, one core adds 9,600 to in 102 us, not 113, two in 54, not 60.
    # Tried: sums of several through a row of memory, half as long again, since loads wait for stores that overlap them;
    # fetching in order to write, or 2 to 16 rows ahead, no less; vectors at multiples of their size in the table, 3 %.
    large, D = table.size * table.itemsize >= LARGE_TABLE, table.shape[1]
    for s in jit.prange(parts):
        step = table.dtype.type(scale)
        first, end = share(places, np.int64(s), parts)
        start = places[first]
        mine = order[start : places[end]]
        which, weights, rows = _taken(bags, mine), _taken(factors, mine), _taken(ids, mine)
        alone, others = _alone_and_not(places, first, end)
        for j in range(alone.size):
            if large:
                fetch_early(table, rows[alone[min(j + EARLY, alone.size - 1)]] * D, D)
            fetch(table, rows[alone[min(j + AHEAD, alone.size - 1)]] * D, D)
            k = alone[j]
            add_row(dout, which[k], weights[k], table, rows[k], step)
        for j in range(others.size):
            if large:
                fetch_early(table, rows[places[others[min(j + EARLY, others.size - 1)]] - start] * D, D)
            fetch(table, rows[places[others[min(j + AHEAD, others.size - 1)]] - start] * D, D)
            k, stop = places[others[j]] - start, places[others[j] + 1] - start
            add_rows(dout, which, weights, k, stop, table, rows[k], step)


@jit.serial
def _take_larger(row, id, out, chosen):
    for i in range(out.size):
        larger = row[i] > out[i] or row[i] != row[i]  # NaN stays
        out[i] = row[i] if larger else out[i]
        chosen[i] = id if larger else chosen[i]


@jit.parallel(work=lambda table, ids, starts, out, chosen: 0.3 * ids.size * out.shape[1])
def _max_forward(table, ids, starts, out, chosen):
    for block in jit.prange((len(out) + BAGS - 1) // BAGS):
        for b in range(block * BAGS, min(block * BAGS + BAGS, len(out))):
            out[b] = 0
            chosen[b] = 0
            if starts[b] < starts[b + 1]:
                out[b] = -np.inf
                chosen[b] = ids[starts[b]]
            for n in range(starts[b], starts[b + 1]):
                _take_larger(table[ids[n]], ids[n], out[b], chosen[b])

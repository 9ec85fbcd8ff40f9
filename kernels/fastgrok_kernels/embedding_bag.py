"""Weighted sums of rows of a table, bag by bag, and the sum of their gradients, id by id.

A bag is a run of ids: bag b holds ids[starts[b]:starts[b + 1]]. Every sum is made in the order of the ids, by one core,
so the results do not depend on the number of threads. The backward pass gives rows for those ids alone that occur.
"""

import numpy as np

from . import jit, memory

__all__ = ["embedding_bag_backward", "embedding_bag_forward"]

BAGS = 4  # bags per parallel iteration
IDS = 64  # different ids per parallel iteration


def embedding_bag_forward(table, ids, factors, starts):
    """out[b] = the sum of factors[n] table[ids[n]] over starts[b] <= n < starts[b + 1].

    `table` (V, D), float32 or float64; `ids` (N,) int64, each in 0..V-1; `factors` (N,) of the dtype of the table;
    `starts` (B + 1,) int64, rising from 0 to N. Returns `out` (B, D).
    """
    out = memory.empty((len(starts) - 1, table.shape[1]), table.dtype)
    if out.size:
        _forward(table, ids, factors, starts, out)
    return out


def embedding_bag_backward(dout, ids, factors, starts, V):
    """rows[u] = the sum of factors[n] dout[b] over all n with ids[n] = different[u], b being the bag of n.

    `dout` (B, D); the rest as in `embedding_bag_forward`. Returns `different` (U,) int64, the ids that occur, rising,
    and `rows` (U, D).
    """
    order, bags = np.empty_like(ids), np.empty_like(ids)
    different, places = np.empty(min(len(ids), V), np.int64), np.empty(min(len(ids), V) + 1, np.int64)
    U = _sort_by_id(ids, starts, np.zeros(V + 1, np.int64), order, bags, different, places)
    rows = memory.empty((U, dout.shape[1]), dout.dtype)
    if rows.size:
        _backward(dout, factors, order, bags, places, rows)
    return different[:U], rows


@jit.serial
def _sort_by_id(ids, starts, following, order, bags, different, places):
    """Fill `order` with the positions of id 0, then those of id 1, ..., and return how many ids occur.

    `different[u]` is the u-th of them, with the positions order[places[u]:places[u + 1]]; `bags[n]` is the bag of n.
    """
    for b in range(starts.size - 1):
        for n in range(starts[b], starts[b + 1]):
            bags[n] = b
            following[ids[n] + 1] += 1
    U = 0
    places[0] = 0
    for v in range(following.size - 1):
        if following[v + 1] > 0:
            different[U] = v
            U += 1
            places[U] = following[v] + following[v + 1]
        following[v + 1] += following[v]
    for n in range(ids.size):
        order[following[ids[n]]] = n
        following[ids[n]] += 1
    return U


@jit.serial
def _scale(row, factor, out):
    for i in range(out.size):
        out[i] = factor * row[i]


@jit.serial
def _add_scaled(row, factor, out):
    for i in range(out.size):
        out[i] += factor * row[i]


@jit.serial
def _add_four_scaled(rows, factors, out):
    """Four rows on their way from memory at once: 1.4 times as fast as one by one, with the same roundings."""
    a, b, c, d = rows
    p, q, r, s = factors
    for i in range(out.size):
        out[i] = (((out[i] + p * a[i]) + q * b[i]) + r * c[i]) + s * d[i]


@jit.parallel(work=lambda table, ids, factors, starts, out: 0.1 * ids.size * out.shape[1])
def _forward(table, ids, factors, starts, out):
    for block in jit.prange((len(out) + BAGS - 1) // BAGS):
        for b in range(block * BAGS, min(block * BAGS + BAGS, len(out))):
            out[b] = 0
            fours = starts[b] + (starts[b + 1] - starts[b]) // 4 * 4
            for n in range(starts[b], fours, 4):
                rows = table[ids[n]], table[ids[n + 1]], table[ids[n + 2]], table[ids[n + 3]]
                _add_four_scaled(rows, (factors[n], factors[n + 1], factors[n + 2], factors[n + 3]), out[b])
            for n in range(fours, starts[b + 1]):
                _add_scaled(table[ids[n]], factors[n], out[b])


@jit.parallel(work=lambda dout, factors, order, bags, places, rows: 0.1 * order.size * dout.shape[1])
def _backward(dout, factors, order, bags, places, rows):
    for block in jit.prange((len(rows) + IDS - 1) // IDS):
        for u in range(block * IDS, min(block * IDS + IDS, len(rows))):
            first = order[places[u]]
            _scale(dout[bags[first]], factors[first], rows[u])
            for k in range(places[u] + 1, places[u + 1]):
                n = order[k]
                _add_scaled(dout[bags[n]], factors[n], rows[u])

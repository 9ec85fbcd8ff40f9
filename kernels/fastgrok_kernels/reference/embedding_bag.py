"""References of embedding_bag.py."""

import numpy as np


def embedding_bag_forward(table, ids, factors, starts):
    """out (B, D) from table (V, D), ids and factors (N,), starts (B + 1,)."""
    bags = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    out = np.zeros((len(starts) - 1, table.shape[1]), table.dtype)
    np.add.at(out, bags, factors[:, None] * table[ids])
    return out


def embedding_bag_backward(dout, ids, factors, starts):
    """different (U,), rows (U, D) from dout (B, D), ids and factors (N,), starts (B + 1,)."""
    different, places = np.unique(ids, return_inverse=True)
    bags = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    rows = np.zeros((len(different), dout.shape[1]), dout.dtype)
    np.add.at(rows, places, factors[:, None] * dout[bags])
    return different, rows


def add_bag_rows_into(table, dout, ids, factors, starts, scale):
    """table (V, D) += scale * the rows of `embedding_bag_backward`."""
    bags = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    sums = np.zeros_like(table)
    np.add.at(sums, ids, factors[:, None] * dout[bags])
    table += (scale * sums).astype(table.dtype)


def embedding_bag_max_forward(table, ids, starts):
    """out (B, D), chosen (B, D) from table (V, D), ids (N,), starts (B + 1,)."""
    out = np.zeros((len(starts) - 1, table.shape[1]), table.dtype)
    chosen = np.zeros(out.shape, np.int64)
    for b in range(len(out)):
        bag = ids[starts[b] : starts[b + 1]]
        if bag.size:
            out[b], chosen[b] = table[bag].max(axis=0), bag[table[bag].argmax(axis=0)]
    return out, chosen

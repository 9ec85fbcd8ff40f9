"""References of embedding_bag.py."""

import numpy as np


def embedding_bag_forward(table, ids, factors, starts):
    """out (B, D) from table (V, D), ids and factors (N,), starts (B + 1,)."""
    bags = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    out = np.zeros((len(starts) - 1, table.shape[1]), table.dtype)
    np.add.at(out, bags, factors[:, None] * table[ids])
    return out


def embedding_bag_backward(dout, ids, factors, starts, V):
    """different (U,), rows (U, D) from dout (B, D), ids and factors (N,), starts (B + 1,)."""
    different, places = np.unique(ids, return_inverse=True)
    bags = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    rows = np.zeros((len(different), dout.shape[1]), dout.dtype)
    np.add.at(rows, places, factors[:, None] * dout[bags])
    return different, rows

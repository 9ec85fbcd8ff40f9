"""References of embedding.py."""

import numpy as np


def embedding_forward(table, ids):
    """out (N, D) from table (V, D), ids (N,)."""
    return table[ids]


def embedding_backward(dout, ids, V):
    """dtable (V, D) from dout (N, D), ids (N,)."""
    dtable = np.zeros((V, dout.shape[1]), dout.dtype)
    np.add.at(dtable, ids, dout)
    return dtable


def add_rows_into(table, ids, rows, factor):
    """table (V, D) += factor * the sums of rows (N, D) by ids (N,)."""
    sums = np.zeros_like(table)
    np.add.at(sums, ids, rows)
    table += (factor * sums).astype(table.dtype)

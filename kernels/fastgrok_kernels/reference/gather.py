"""References of gather.py."""

import numpy as np


def gather(x, ids):
    """y (N, T, S), of x (N, V, S) and ids (N, T, S) or (T,)."""
    return x[:, ids] if ids.ndim == 1 else np.take_along_axis(x, ids, 1)


def scatter_add_into(y, ids, values):
    """Changes y (N, V, S), of values (N, T, S) and ids (N, T, S) or (T,)."""
    ids = np.broadcast_to(ids.reshape(-1, 1) if ids.ndim == 1 else ids, values.shape)
    N, T, S = values.shape
    np.add.at(y, (np.arange(N).reshape(-1, 1, 1), ids, np.arange(S)), values)

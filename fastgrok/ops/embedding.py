"""Rows of a table."""

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ShapeError
from .base import Op, check_float, check_ids, contiguous, rows_of
from .gradients import Gradient, Rows


class Embedding(Op):
    """table (V, D), ids (...) int64 -> (..., D): the rows of the table that the ids name.

    `ids` and `table` stay on the op: a recurrent layer that reads its output may compute with the table itself.
    Its gradient for the output may then be a structured one with a method `table_gradient(V)`.
    """

    saved_inputs = (1,)  # the ids, when they are a variable
    accepts_structured = True

    def forward(self, table, ids, padding_idx=None, scale_grad_by_freq=False):
        """Gather. Row padding_idx gets no gradient; `scale_grad_by_freq` divides that of a row by how often it occurs.

        Raises `IdError` for an id that is not one of 0 .. V - 1.
        """
        check_float("embedding", "weight", table)
        if table.ndim != 2:
            raise ShapeError(f"embedding: weight has shape {table.shape}, expected (V, D)")
        self.ids = check_ids("embedding", "input", ids, len(table))
        self.table, self.padding, self.scale = contiguous(table), padding_idx, scale_grad_by_freq
        return kernels.embedding_forward(self.table, self.ids.reshape(-1)).reshape(*ids.shape, table.shape[1])

    def backward(self, dout):
        """Give each row the sum of the gradients of its copies."""
        V, D = self.table.shape
        if hasattr(dout, "table_gradient"):
            dtable = dout.table_gradient(V)
            if self.padding is not None:
                dtable[self.padding] = 0
            return (dtable / self.frequencies()[:, None] if self.scale else dtable,)
        rows = rows_of(contiguous(dout.dense() if isinstance(dout, Gradient) else dout))
        ids = self.ids.reshape(-1)
        if self.padding is not None:
            kept = ids != self.padding % V
            ids, rows = ids[kept], np.ascontiguousarray(rows[kept])
        if self.scale:
            rows = rows / self.frequencies()[ids, None]
        return (Rows(ids, rows, (V, D)),)

    def frequencies(self) -> np.ndarray:
        """Return how often each id occurs, at least 1."""
        counts = np.bincount(self.ids.reshape(-1), minlength=len(self.table))
        return np.maximum(counts, 1).astype(self.table.dtype)

"""Bags: sums, means or maxima of rows of a table.

The ids of all bags stand in one array (N,), and bag b has those from starts[b] to starts[b + 1] - 1.
"""

from typing import Any

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from ..errors import DtypeError, ShapeError
from .base import Op, check_float, check_ids, contiguous
from .gradients import BagRows, Rows


class _Bags(Op, register=False):
    """What both kinds of bags share: checking, and leaving out the ids of padding."""

    def prepare(self, table: np.ndarray, ids: np.ndarray, starts: np.ndarray, padding_idx: int | None) -> np.ndarray:
        """Check everything, set `shape, kept, ids, starts, counts`; return the table in C order."""
        name = "embedding_bag"
        check_float(name, "weight", table)
        if table.ndim != 2:
            raise ShapeError(f"{name}: weight has shape {table.shape}, expected (V, D)")
        self.shape: Any = table.shape
        self.ids = check_ids(name, "input", ids, len(table))
        self.starts, self.counts, self.kept = starts, starts[1:] - starts[:-1], None
        if starts[0] != 0 or starts[-1] != len(ids) or (self.counts < 0).any():
            raise ShapeError(f"{name}: offsets {starts.tolist()}, expected numbers that rise from 0 to {len(ids)}")
        if padding_idx is not None:
            self.kept = self.ids != padding_idx
            self.ids = self.ids[self.kept]
            self.starts = np.concatenate([[0], np.cumsum(self.kept)])[starts]
            self.counts = self.starts[1:] - self.starts[:-1]
        return contiguous(table)

    @property
    def bags(self) -> np.ndarray:
        """The bag (N,) of each id."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


class EmbeddingBag(_Bags):
    """table (V, D) -> (B, D): the sum of each bag's rows, weighted by `factors` (N,) if there are any, or their mean.

    The row padding_idx does not count, not even in the mean's number. A bag of nothing gives zeros.
    """

    def forward(self, table, factors=None, *, ids, starts, mean=False, padding_idx=None, scale_grad_by_freq=False):
        """Gather and add. Raises `IdError` for an id that is not one of 0 .. V - 1, `ShapeError` and `DtypeError`.

        `ids` (N,) and `starts` (B + 1,) are whole numbers. `scale_grad_by_freq` divides the gradient of each row by
        how often its id occurs.
        """
        self.table, self.scale = self.prepare(table, ids, starts, padding_idx), scale_grad_by_freq
        self.weighted = factors is not None and self.needs[1]
        if factors is None:
            each = 1 / np.maximum(self.counts, 1) if mean else np.ones(len(self.counts))
            self.factors = np.repeat(each.astype(table.dtype), self.counts)
        else:
            if factors.dtype != table.dtype:
                raise DtypeError(
                    f"embedding_bag: per_sample_weights has dtype {factors.dtype}, expected {table.dtype} as weight"
                )
            if factors.shape != ids.shape:
                raise ShapeError(f"embedding_bag: per_sample_weights has shape {factors.shape}, expected {ids.shape}")
            self.factors = contiguous(factors if self.kept is None else factors[self.kept])
            # The rows are needed for the gradient of the factors, and the other way round.
            self.saved_inputs = ((0,) if self.weighted else ()) + ((1,) if self.needs[0] else ())
        return kernels.embedding_bag_forward(self.table, self.ids, self.factors, self.starts)

    def backward(self, dout):
        """Give each row the weighted sum of the gradients of its bags, and each factor the product with its row."""
        dtable: Rows | None = None
        dout, dfactors = contiguous(dout), None
        if self.needs[0]:
            # Copies, since somebody may change the gradient of the output or the factors before the rows are needed.
            factors = self.factors.copy() if len(self.needs) > 1 else self.factors
            dtable = BagRows(dout.copy(), self.ids, factors, self.starts, self.shape)
            if self.scale:
                ids, rows = dtable.joined()
                frequencies = np.bincount(self.ids, minlength=self.shape[0])[ids]
                dtable = Rows(ids, rows / frequencies.astype(rows.dtype)[:, None], self.shape, summed=True)
        if self.weighted:
            dfactors = (kernels.embedding_forward(self.table, self.ids) * dout[self.bags]).sum(axis=1)
            if self.kept is not None:
                kept, dfactors = dfactors, np.zeros(len(self.kept), dout.dtype)
                dfactors[self.kept] = kept
        return dtable, dfactors


class EmbeddingBagMax(_Bags):
    """table (V, D) -> (B, D): the largest of each bag's rows, column by column; the first of equals has the gradient.

    The row padding_idx does not count. A bag of nothing gives zeros.
    """

    stateless = True

    def forward(self, table, *, ids, starts, padding_idx=None):
        """Gather and compare; `ids`, `starts` and what is raised as in `EmbeddingBag`."""
        table = self.prepare(table, ids, starts, padding_idx)
        out, self.chosen = kernels.embedding_bag_max_forward(table, self.ids, self.starts)
        return out

    def backward(self, dout):
        """Give each element's gradient to where it came from."""
        dtable, filled = memory.zeros(self.shape, dout.dtype), self.counts > 0
        np.add.at(dtable, (self.chosen[filled], np.arange(self.shape[1])), dout[filled])
        return (dtable,)

"""Structured gradients: forms of a gradient that are smaller than its array, kept until somebody reads it.

A gradient is an array or one of these. All of them know `+` (with each other and with arrays) and `dense()`.
"""

from functools import cached_property
from typing import Any

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from .base import combined, contiguous


class Gradient:
    """A gradient that is not an array yet.

    `lasting` forms stay as they are in `.grad` until read; the others become arrays at the end of `backward()`,
    because they hold on to buffers of the forward pass.
    """

    __array_ufunc__ = None  # array + Gradient is ours to compute
    lasting = False
    shape: tuple[int, ...]

    def dense(self) -> np.ndarray:
        """Return the gradient as an array."""
        raise NotImplementedError(f"{type(self).__name__} has no dense form")

    def __add__(self, other: Any) -> Any:
        return combined(np.add, self.dense(), other.dense() if isinstance(other, Gradient) else other)

    def __radd__(self, other: Any) -> Any:
        return combined(np.add, other, self.dense())


class Broadcast(Gradient):
    """One value (or an array with axes of size 1) repeated over `shape`: the gradient of a sum or a mean."""

    def __init__(self, value: np.ndarray, shape: tuple[int, ...]):
        self.value, self.shape = value, shape

    def dense(self) -> np.ndarray:
        """Return a read-only view of `shape` that repeats the value without copying it."""
        return np.broadcast_to(self.value, self.shape)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Broadcast) and other.value.shape == self.value.shape:
            return Broadcast(self.value + other.value, self.shape)
        return super().__add__(other)


class OneEach(Gradient):
    """values (N,), each in its row of zeros, at places (N,) int64: the gradient (N, V) of a choice from each row.

    Rows with a negative place have zeros only.
    """

    def __init__(self, values: np.ndarray, places: np.ndarray, shape: tuple[int, ...]):
        self.values, self.places, self.shape = values, places, shape

    def dense(self) -> np.ndarray:
        """Return the array (N, V)."""
        d = memory.zeros(self.shape, self.values.dtype)
        chosen = np.flatnonzero(self.places >= 0)
        d[chosen, self.places[chosen]] = self.values[chosen]
        return d


class _Pieces(Gradient):
    """A sum that is kept as the list of its terms."""

    def __init__(self, pieces: list[tuple[np.ndarray, np.ndarray]], shape: tuple[int, ...]):
        self.pieces, self.count, self.shape = pieces, len(pieces), shape

    def __add__(self, other: Any) -> Any:
        if type(other) is not type(self):
            return super().__add__(other)
        # Sums grow one list, so that T of them cost O(T); the list is copied only if another sum has grown it already.
        pieces = self.pieces if len(self.pieces) == self.count else self.pieces[: self.count]
        pieces += other.pieces[: other.count]
        return type(self)(pieces, self.shape)

    def terms(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the pieces of this sum, without those that a larger one has added to the same list."""
        return self.pieces[: self.count]

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the second parts of all pieces, each joined along the rows."""
        pieces = self.terms()
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([first for first, _ in pieces]), np.concatenate([second for _, second in pieces])


class Outer(_Pieces):
    """`a.T @ b` for a (N, M), b (N, K): the gradient (M, K) of a weight. A sum of T is one product of T * N rows."""

    def __init__(self, pieces: Any, b: Any):
        if isinstance(pieces, list):
            super().__init__(pieces, b)
        else:
            super().__init__([(pieces, b)], (pieces.shape[1], b.shape[1]))

    def transposed(self) -> "Outer":
        """Return the gradient (K, M) of the transposed weight."""
        return Outer([(b, a) for a, b in self.pieces[: self.count]], self.shape[::-1])

    def dense(self) -> np.ndarray:
        """Return the array (M, K)."""
        a, b = self.joined()
        return kernels.matmul(contiguous(a), contiguous(b), transpose_a=True)


class Rows(_Pieces):
    """Rows (N, D) to be added to a zero table of `shape` (V, D) at `ids` (N,) int64: the gradient of a gather.

    `summed` says that the ids are all different, and rising.
    """

    lasting = True
    summed = False

    def __init__(self, ids: Any, rows: Any, shape: tuple[int, ...] | None = None, summed: bool = False):
        self.summed = summed
        if isinstance(ids, list):
            super().__init__(ids, rows)
        else:
            super().__init__([(ids, rows)], shape)  # type: ignore[arg-type]

    @property
    def ids(self) -> np.ndarray:
        """The row numbers (N,), with repetitions."""
        return self.joined()[0]

    @property
    def rows(self) -> np.ndarray:
        """The rows (N, D) to add."""
        return self.joined()[1]

    def sum(self) -> "Rows":
        """Return the same gradient with one row for each id that occurs, the ids rising."""
        if self.summed:
            return self
        ids, places = _different(self.ids)
        return Rows(ids, kernels.embedding_backward(contiguous(self.rows), places, len(ids)), self.shape, summed=True)

    def dense(self) -> np.ndarray:
        """Return the array (V, D)."""
        ids, rows = self.joined()
        if self.summed:
            table = memory.zeros(self.shape, rows.dtype)
            table[ids] = rows
            return table
        return kernels.embedding_backward(contiguous(rows), contiguous(ids), self.shape[0])

    def add_into(self, table: np.ndarray, factor: float) -> None:
        """Add `factor` times the gradient to a contiguous `table` (V, D)."""
        ids, rows = self.joined()
        kernels.add_rows_into(table, contiguous(ids), np.ascontiguousarray(rows, table.dtype), factor)


class BagRows(Rows):
    """The gradient of bags, as those of the bags: row n is factors[n] dout[b], b being the bag of n.

    dout (B, D), ids and factors (N,), starts (B + 1,) as in `kernels.embedding_bag_backward`, which makes rows of them
    when somebody asks. A step that only adds them to the table does without.
    """

    def __init__(
        self, dout: np.ndarray, ids: np.ndarray, factors: np.ndarray, starts: np.ndarray, shape: tuple[int, ...]
    ):
        self.dout, self.bag_ids, self.factors, self.starts = dout, ids, factors, starts
        self.shape, self.summed = shape, True

    @cached_property
    def stored(self) -> Rows:
        """The same gradient with its rows, one for each id that occurs."""
        ids, rows = kernels.embedding_bag_backward(self.dout, self.bag_ids, self.factors, self.starts)
        return Rows(ids, rows, self.shape, summed=True)

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the different ids (U,) and the rows (U, D)."""
        return self.stored.joined()

    def sum(self) -> Rows:
        """Return the same gradient as rows."""
        return self.stored

    def __add__(self, other: Any) -> Any:
        return self.stored + (other.stored if isinstance(other, BagRows) else other)

    def __radd__(self, other: Any) -> Any:
        return other + self.stored

    def add_into(self, table: np.ndarray, factor: float) -> None:
        """Add `factor` times the gradient to a contiguous `table` (V, D)."""
        dout, factors = self.dout.astype(table.dtype, copy=False), self.factors.astype(table.dtype, copy=False)
        kernels.add_bag_rows_into(table, dout, self.bag_ids, factors, self.starts, factor)


def _different(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what `np.unique(ids, return_inverse=True)` does, in a third of the time."""
    # An id and its position as one number: NumPy sorts numbers much faster than it finds the order of numbers.
    bits = len(ids).bit_length()
    keys = np.sort((ids << bits) + np.arange(len(ids)))
    order, ids = keys & ((1 << bits) - 1), keys >> bits
    begins = np.diff(ids, prepend=-1) > 0
    places = np.empty_like(order)
    places[order] = np.cumsum(begins) - 1
    return ids[begins], places

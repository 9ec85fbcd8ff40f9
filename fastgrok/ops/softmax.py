"""Softmax and its logarithm."""

import math

import numpy as np

import fastgrok_kernels as kernels

from .base import Op, check_float, contiguous, normalise_axis, rows_of
from .gradients import OneEach


def as_rows(x: np.ndarray, axis: int) -> np.ndarray:
    """Return x (..., V, ...) as contiguous rows (N, V), V the size of `axis`."""
    if axis != x.ndim - 1:
        x = np.moveaxis(x, axis, -1) if x.ndim else x[None]
    return rows_of(contiguous(x))


WIDE, HIGH = 64, 512
"""Numbers behind an axis from which columns are quicker than rows, and the size of the axis up to which they are.

Beyond, a block of columns leaves the cache. 16 x 300 x 64 take 0.93 of the time of rows, 256 x 32 x 32 take 1.1 of it,
and 1 x 1000 x 1000 twice as long."""


def as_columns(x: np.ndarray, axis: int) -> np.ndarray | None:
    """Return x (..., V, ...) as columns (N, V, S), V the size of `axis`; None where rows are quicker, or as quick."""
    if axis >= x.ndim - 1 or not 0 < x.shape[axis] <= HIGH or not x.flags.c_contiguous:
        return None
    S = math.prod(x.shape[axis + 1 :])
    return x.reshape(math.prod(x.shape[:axis]), x.shape[axis], S) if S >= WIDE else None


def from_rows(rows: np.ndarray, shape: tuple[int, ...], axis: int) -> np.ndarray:
    """Undo `as_rows`."""
    if axis == len(shape) - 1 or not shape:
        return rows.reshape(shape)
    moved = (*shape[:axis], *shape[axis + 1 :], shape[axis])
    return np.moveaxis(rows.reshape(moved), -1, axis)


class Softmax(Op):
    """exp(x) / sum(exp(x)) along one axis."""

    saved_outputs = (0,)
    name = "softmax"
    run_forward = staticmethod(lambda x: kernels.softmax_forward(x))
    run_backward = staticmethod(lambda dy, y: kernels.softmax_backward(dy, y))
    columns_forward = staticmethod(lambda x: kernels.column_softmax_forward(x))
    columns_backward = staticmethod(lambda dy, y: kernels.column_softmax_backward(dy, y))

    def forward(self, x, dim=-1):
        """Normalise along `dim`. Raises `DtypeError` for integers and `IndexError` when there is no such axis."""
        check_float(self.name, "input", x)
        self.axis, self.shape = normalise_axis(self.name, dim, x.ndim), x.shape
        columns = as_columns(x, self.axis)
        if columns is not None:
            self.y = self.columns_forward(columns)
            return self.y.reshape(x.shape)
        self.y = self.run_forward(as_rows(x, self.axis))
        return from_rows(self.y, x.shape, self.axis)

    def backward(self, dy):
        """dx = y * (dy - sum(dy * y)) along the axis; for the logarithm dx = dy - exp(y) * sum(dy)."""
        if self.y.ndim == 3:
            return (self.columns_backward(contiguous(dy).reshape(self.y.shape), self.y).reshape(self.shape),)
        return (from_rows(self.run_backward(as_rows(dy, self.axis), self.y), self.shape, self.axis),)


class LogSoftmax(Softmax):
    """x - log(sum(exp(x))) along one axis."""

    name = "log_softmax"
    run_forward = staticmethod(lambda x: kernels.log_softmax_forward(x))
    run_backward = staticmethod(lambda dy, y: kernels.log_softmax_backward(dy, y))
    columns_forward = staticmethod(lambda x: kernels.column_log_softmax_forward(x))
    columns_backward = staticmethod(lambda dy, y: kernels.column_log_softmax_backward(dy, y))
    accepts_structured = True

    def backward(self, dy):
        """See `Softmax.backward`. Of one choice from each row it is the gradient of the cross-entropy."""
        if isinstance(dy, OneEach) and self.axis == 1:
            log_sums = np.zeros(len(self.y), self.y.dtype)  # these are logits, the exponentials of which have the sum 1
            return (kernels.cross_entropy_backward(-dy.values, self.y, log_sums, dy.places),)
        return super().backward(dy if isinstance(dy, np.ndarray) else dy.dense())

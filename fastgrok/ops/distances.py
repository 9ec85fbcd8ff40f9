"""Lengths of vectors."""

import math

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ShapeError
from .base import Op, as_rows, check_float, combined, normalise_axis, quiet, reduced, summed


class PNorm(Op):
    """(sum of |x|^p)^(1/p) along one axis; for p = inf and -inf the extremes of |x|, for 0 how many are not 0."""

    saved_inputs = (0,)
    saved_outputs = (0,)

    @quiet
    def forward(self, x, p=2.0, dim=-1, keepdim=False):
        """Measure. Raises `DtypeError` for integers and `IndexError` when there is no such axis."""
        check_float("norm", "input", x)
        self.axis = axis = normalise_axis("norm", dim, x.ndim)
        self.x, self.p, self.keepdim = x, p, keepdim or x.ndim == 0
        size = np.abs(x[None] if x.ndim == 0 else x) if p != 2 else x
        if p == 2:
            y = np.sqrt(_squares(x, axis, keepdim)) if x.ndim else np.abs(x)
        elif math.isinf(p) and size.shape[axis] == 0:
            raise ShapeError(f"norm: p={p} along dimension {axis} of shape {x.shape}, expected elements")
        elif math.isinf(p):
            y = size.max(axis=axis, keepdims=keepdim) if p > 0 else size.min(axis=axis, keepdims=keepdim)
        elif p == 0:
            y = (size != 0).sum(axis=axis, keepdims=keepdim).astype(x.dtype)
        else:
            y = (size ** x.dtype.type(p)).sum(axis=axis, keepdims=keepdim) ** x.dtype.type(1 / p)
        self.y = np.asarray(y)
        return self.y

    @quiet
    def backward(self, dy):
        """dx = dy sign(x) |x|^(p-1) / y^(p-1), and 0 where y is 0; the extremes share the gradient evenly."""
        x, y, p = self.x, self.y, self.p
        if not self.keepdim:
            y, dy = np.expand_dims(y, self.axis), np.expand_dims(dy, self.axis)
        if p == 0:
            return (np.zeros_like(x),)
        if math.isinf(p):
            chosen = (np.abs(x) == y).astype(x.dtype)
            return (np.sign(x) * chosen * (dy / chosen.sum(axis=self.axis, keepdims=True)),)
        if p == 2:
            factor = np.where(y == 0, 0, dy / y)
            return (combined(np.multiply, x, factor),)
        power = x.dtype.type(p - 1)
        steepness = np.where((x == 0) & (p < 1), 0, np.abs(x) ** power)  # infinite at 0 otherwise
        return (np.sign(x) * steepness * np.where(y == 0, 0, dy / y**power),)


def _squares(x: np.ndarray, axis: int, keepdim: bool) -> np.ndarray:
    """Return the sum of squares along an axis."""
    rows = as_rows(x, (axis,))
    if rows is None:
        return summed(combined(np.multiply, x, x), (axis,), keepdim)
    return reduced(kernels.row_squares(rows, np.zeros(len(rows), x.dtype)), x.shape, (axis,), keepdim)

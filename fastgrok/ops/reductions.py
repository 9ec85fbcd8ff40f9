"""Sums, means and extremes over some or all axes.

`dim` is an axis, a tuple of axes, or None for all; reduced axes disappear, or stay with size 1 when `keepdim`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import RangeError
from .base import (
    KERNEL_SIZE,
    MANY,
    Op,
    as_rows,
    check_float,
    combined,
    contiguous,
    kept,
    memory_axes,
    normalise_axes,
    normalise_axis,
    quiet,
    reduced,
    room,
    rows_of,
    summed,
)
from .gradients import Broadcast

WIDEST = (
    2048  # columns up to which their extremes are found sooner by the kernel; each of its tasks keeps a row of them
)
_BEHIND = 64  # numbers behind an axis from which places in it are found sooner by the kernel


def _spread(dy: np.ndarray, axes: tuple[int, ...], shape: tuple[int, ...], keepdim: bool) -> Broadcast:
    """Return the gradient of elements that were added up: each gets that of its sum."""
    return Broadcast(dy if keepdim or len(axes) == len(shape) else kept(dy, axes), shape)


class Sum(Op):
    """The sum over `dim`."""

    stateless = True

    def forward(self, x, dim=None, keepdim=False):
        """Add up; bool and integers as int64. Raises `IndexError` when there is no such axis."""
        self.shape, self.axes, self.keepdim = x.shape, normalise_axes("sum", dim, x.ndim), keepdim
        return summed(x, self.axes, keepdim)

    def backward(self, dy):
        """Every summand gets the gradient of its sum."""
        return (_spread(dy, self.axes, self.shape, self.keepdim),)


class Mean(Op):
    """The mean over `dim`."""

    stateless = True

    @quiet
    def forward(self, x, dim=None, keepdim=False):
        """Sum and divide by the number of elements; nan when there are none. Raises `DtypeError` for integers."""
        check_float("mean", "input", x)
        self.shape, self.axes, self.keepdim = x.shape, normalise_axes("mean", dim, x.ndim), keepdim
        y = summed(x, self.axes, keepdim)
        self.count = x.size // y.size if y.size else 0
        return y / y.dtype.type(self.count)

    def backward(self, dy):
        """Every element gets its share of the gradient of its mean."""
        dy = np.divide(dy, dy.dtype.type(max(self.count, 1)))
        return (_spread(dy, self.axes, self.shape, self.keepdim),)


class Var(Op):
    """The variance over `dim`: squared deviations from the mean, summed and divided by N - correction."""

    saved_inputs = (0,)

    @quiet
    def forward(self, x, dim=None, correction=1, keepdim=False):
        """Variance; correction 1 for the unbiased one. Raises `DtypeError` for integers."""
        check_float("var", "input", x)
        self.x, self.axes, self.keepdim = x, normalise_axes("var", dim, x.ndim), keepdim
        self.whole = dim is None or x.ndim == 0
        self.count = math.prod([x.shape[axis] for axis in self.axes])
        self.freedom = self.count - correction
        if x.size < MANY:
            deviation = self.deviation()
            squares = np.add.reduce(deviation * deviation, axis=self.axes, keepdims=keepdim)
        else:
            squares = self.squares()
        return squares / x.dtype.type(max(self.freedom, 0))

    def deviation(self) -> np.ndarray:
        """x - mean; `x.mean` takes three times as long to start."""
        if self.x.size >= MANY:
            return combined(np.subtract, self.x, summed(self.x, self.axes, True) / self.x.dtype.type(self.count))
        return self.x - np.add.reduce(self.x, axis=self.axes, keepdims=True) / self.x.dtype.type(self.count)

    def squares(self) -> np.ndarray:
        """The sum of squared deviations, of many numbers."""
        rows = as_rows(self.x, self.axes)
        if rows is None:
            deviation = self.deviation()
            return summed(combined(np.multiply, deviation, deviation), self.axes, self.keepdim)
        mean = summed(self.x, self.axes).reshape(-1) / self.x.dtype.type(self.count)
        return reduced(kernels.row_squares(rows, mean), self.x.shape, self.axes, self.keepdim)

    @quiet
    def backward(self, dy):
        """dx = dy * 2 (x - mean) / (N - correction); infinite or nan where there is nothing to divide by."""
        deviation = self.deviation()
        dy = dy if self.keepdim else kept(dy, self.axes)
        if self.freedom <= 0 and self.whole:
            return (dy * np.where(deviation == 0, np.nan, np.inf).astype(dy.dtype),)
        return (dy * deviation * (dy.dtype.type(2) / dy.dtype.type(self.freedom)),)


class Amax(Op):
    """The largest element over `dim`."""

    saved_inputs = (0,)
    saved_outputs = (0,)
    largest = True

    def forward(self, x, dim=None, keepdim=False):
        """Find the extreme; nan where there is a nan. Raises `RangeError` when there is no element to choose."""
        name = type(self).__name__.lower()
        self.x, self.axes, self.keepdim = x, normalise_axes(name, dim, x.ndim), keepdim
        if x.size == 0 and 0 in [x.shape[axis] for axis in self.axes]:
            raise RangeError(f"{name}: input has shape {x.shape}, expected at least one element along dim={dim}")
        self.y = _extremes(x, self.axes, keepdim, self.largest)
        return self.y

    @quiet
    def backward(self, dy):
        """Share the gradient evenly among the elements that are equal to the extreme."""
        y, dy = (self.y, dy) if self.keepdim else (kept(self.y, self.axes), kept(dy, self.axes))
        equal = np.asarray(np.equal(self.x, y, out=room(self.x, y)), self.x.dtype)
        share = dy / equal.sum(axis=self.axes, keepdims=True)
        return (np.multiply(equal, share, out=equal),)


class Amin(Amax):
    """The smallest element over `dim`."""

    largest = False


def _extremes(x: np.ndarray, axes: tuple[int, ...], keepdim: bool, largest: bool) -> np.ndarray:
    """Return the largest or the smallest elements over axes."""
    rows, first = as_rows(x, axes), len(axes)
    if rows is not None:
        return reduced(kernels.row_extremes(rows, largest), x.shape, axes, keepdim)
    if x.size >= MANY and x.dtype.char in "fd" and x.flags.c_contiguous and axes == tuple(range(first)) and axes:
        N = math.prod(x.shape[:first])
        if x.size <= WIDEST * N:
            return reduced(kernels.column_extremes(x.reshape(N, -1), largest), x.shape, axes, keepdim)
    extreme: Any = np.maximum.reduce if largest else np.minimum.reduce
    return np.asarray(extreme(x, axis=axes, keepdims=keepdim))


def places_of_largest(x: np.ndarray, k: int, largest: bool) -> np.ndarray:
    """Return where along the last axis the k largest floats are, in order; or the smallest. For few of many."""
    return kernels.topk(rows_of(contiguous(x)), k, largest).reshape(*x.shape[:-1], k)


def places_of_extremes(x: np.ndarray, axis: int, keepdim: bool, largest: bool) -> np.ndarray | None:
    """Return where along an axis the largest or smallest floats are; None where NumPy is as quick, as in the last."""
    S = math.prod(x.shape[axis + 1 :])
    if x.size < MANY or S < _BEHIND or x.dtype.char not in "fd" or not x.flags.c_contiguous:
        return None
    rows = x.reshape(-1, x.shape[axis], S)
    return reduced(kernels.column_places(rows, largest), x.shape, (axis,), keepdim)


def place_of_middle(x: np.ndarray, axis: int) -> np.ndarray:
    """Return where along an axis, kept with size 1, the element of the middle rank is, or the first nan.

    That is the lower one of two; of equal elements the one that has this rank when they stay in order. Of many numbers
    only what the middle one divides is found, not the order: in an eighth of the time, and of floats in a twentieth.
    """
    size = x.shape[axis]
    rank, unknown = (size - 1) // 2, np.isnan(x)
    known = not unknown.any()
    if x.size < KERNEL_SIZE:
        place = np.argsort(x, axis, stable=True).take([rank], axis)
    else:
        lines = np.moveaxis(x, axis, -1)
        rows = rows_of(contiguous(lines))
        if not known:  # numbers that all have an order; what is found in such a row does not count
            rows = np.nan_to_num(rows, nan=np.inf, posinf=np.inf, neginf=-np.inf)
        middle, starts = np.partition(rows, rank, axis=1)[:, rank, None], np.arange(len(rows)) * size
        found = np.flatnonzero(rows == middle)
        if len(found) > len(rows):
            found = found[np.searchsorted(found, starts) + rank - np.count_nonzero(rows < middle, axis=1)]
        place = np.moveaxis((found - starts).reshape(*lines.shape[:-1], 1), -1, axis)
    return place if known else np.where(unknown.any(axis, keepdims=True), unknown.argmax(axis, keepdims=True), place)


class LogSumExp(Op):
    """log(sum(exp(x))) over `dim`, without overflow."""

    saved_inputs = (0,)
    saved_outputs = (0,)

    @quiet
    def forward(self, x, dim=None, keepdim=False):
        """Take the maximum out, so that no exponential overflows. Raises `DtypeError` for integers."""
        check_float("logsumexp", "input", x)
        self.x, self.axes, self.keepdim = x, normalise_axes("logsumexp", dim, x.ndim), keepdim
        rows = as_rows(x, self.axes) if x.flags.c_contiguous else None
        if rows is not None:
            self.y = reduced(kernels.logsumexp_forward(rows), x.shape, self.axes, keepdim)
            return self.y
        largest = x.max(axis=self.axes, keepdims=True, initial=-np.inf)
        largest = np.where(np.isfinite(largest), largest, x.dtype.type(0))
        y = np.log(np.exp(x - largest).sum(axis=self.axes, keepdims=True)) + largest
        self.y = y if keepdim else y.squeeze(self.axes)
        return self.y

    @quiet
    def backward(self, dy):
        """dx = dy * exp(x - y), the softmax; 0 where every x is -inf."""
        rows = as_rows(self.x, self.axes) if self.x.flags.c_contiguous else None
        if rows is not None:
            dx = kernels.logsumexp_backward(contiguous(dy).reshape(-1), rows, self.y.reshape(-1))
            return (dx.reshape(self.x.shape),)
        y, dy = (self.y, dy) if self.keepdim else (kept(self.y, self.axes), kept(dy, self.axes))
        return (dy * np.exp(self.x - np.where(np.isneginf(y), 0, y)),)


class CumSum(Op):
    """Running sums along one axis."""

    stateless = True

    def forward(self, x, dim):
        """Add up along `dim`; bool and integers as int64. Raises `IndexError` when there is no such axis."""
        self.axis = normalise_axis("cumsum", dim, x.ndim)
        if x.size < KERNEL_SIZE or x.dtype.char not in "fd":
            return np.cumsum(x, axis=self.axis).reshape(x.shape)
        return _along(kernels.cumsum_forward, x, self.axis)

    def backward(self, dy):
        """dx is the running sum of dy from the other end."""
        if dy.ndim == 0:
            return (dy,)
        if dy.size < KERNEL_SIZE or dy.dtype.char not in "fd":
            return (np.flip(np.cumsum(np.flip(dy, self.axis), axis=self.axis), self.axis),)
        return (_along(kernels.cumsum_backward, dy, self.axis),)


def _along(kernel: Callable[[np.ndarray], np.ndarray], x: np.ndarray, axis: int) -> np.ndarray:
    """Apply a kernel of arrays (N, T, S) along an axis; the result lies in memory as x does."""
    axes = None if x.flags.c_contiguous else memory_axes(x)
    if axes is not None:
        return _along(kernel, x.transpose(axes), axes.index(axis)).transpose(np.argsort(axes))
    rows = contiguous(x).reshape(math.prod(x.shape[:axis]), x.shape[axis], -1)
    return kernel(rows).reshape(x.shape)


def _before(x: np.ndarray, axis: int) -> np.ndarray:
    """Return the product of all elements in front of each one along an axis, 1 for the first."""
    y = np.ones_like(x)
    np.cumprod(
        x[(slice(None),) * axis + (slice(None, -1),)], axis=axis, out=y[(slice(None),) * axis + (slice(1, None),)]
    )
    return y


class CumProd(Op):
    """Running products along one axis."""

    saved_inputs = (0,)

    @quiet
    def forward(self, x, dim):
        """Multiply along `dim`; bool and integers as int64. Raises `IndexError` when there is no such axis."""
        self.axis, self.x = normalise_axis("cumprod", dim, x.ndim), x
        if x.size < KERNEL_SIZE or x.dtype.char not in "fd":
            return np.cumprod(x, axis=self.axis).reshape(x.shape)
        return _along(kernels.cumprod_forward, x, self.axis)

    @quiet
    def backward(self, dy):
        """dx[i] = (x[0] ... x[i-1]) * s[i] with s[i] = dy[i] + x[i+1] s[i+1], so that a factor of zero does no harm."""
        if dy.size == 0 or dy.ndim == 0:
            return (dy,)
        x, s = np.moveaxis(self.x, self.axis, 0), np.moveaxis(dy, self.axis, 0).copy()
        for i in range(len(x) - 2, -1, -1):
            s[i] += x[i + 1] * s[i + 1]
        return (_before(self.x, self.axis) * np.moveaxis(s, 0, self.axis),)


class Prod(Op):
    """The product over one axis, or of all elements."""

    saved_inputs = (0,)

    @quiet
    def forward(self, x, dim=None, keepdim=False):
        """Multiply; bool and integers as int64. Raises `IndexError` when there is no such axis."""
        self.x, self.axes, self.keepdim = x, normalise_axes("prod", dim, x.ndim), keepdim
        rows = as_rows(x, self.axes)
        if rows is None:
            return x.prod(axis=self.axes, keepdims=keepdim)
        return reduced(kernels.row_products(rows), x.shape, self.axes, keepdim)

    @quiet
    def backward(self, dy):
        """dx = dy times the product of all other factors: those in front of it, and those behind."""
        x = self.x.reshape(-1) if len(self.axes) != 1 else self.x
        axis = 0 if len(self.axes) != 1 else self.axes[0]
        others = _before(x, axis) * np.flip(_before(np.flip(x, axis), axis), axis)
        return ((dy if self.keepdim else kept(dy, self.axes)) * others.reshape(self.x.shape),)

"""Tensor methods that reduce: sums, means, extremes, counts, sorting."""

from typing import Any, NamedTuple

import numpy as np

from .. import autograd, ops
from ..autograd import Variable, apply
from ..errors import ArgumentError, DtypeError, RangeError, ShapeError
from ..ops.base import KERNEL_SIZE, check_float, contiguous, normalise_axes, normalise_axis
from ..ops.reductions import place_of_middle, places_of_extremes, places_of_largest
from .dtypes import int64
from .operands import floating

SHORT, LONG = 16, 4096  # lines to sort; in shorter ones vectors gain nothing, longer ones nearly all hold equal numbers


class ValuesAndIndices(NamedTuple):
    """What `max`, `min`, `sort` and `topk` along a dimension return: the elements, and where they were (int64)."""

    values: Any
    indices: Any


class Reductions(Variable):
    """`dim`: a dimension, a tuple of them or None for all; with `keepdim` they stay with size 1."""

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """Return the sum; bool and whole numbers as int64."""
        return apply(ops.Sum, _summed(self, dtype), dim=dim, keepdim=keepdim)

    def mean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """Return the mean; raises `DtypeError` for whole numbers."""
        x = self if dtype is None else self.to(dtype)  # type: ignore[attr-defined]
        return apply(ops.Mean, x, dim=dim, keepdim=keepdim)

    def var(
        self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None
    ) -> Any:
        """Return the variance: squared deviations from the mean, summed, divided by N - correction (1 if unbiased)."""
        correction = int(unbiased) if correction is None else correction
        return apply(ops.Var, self, dim=dim, correction=correction, keepdim=keepdim)

    def std(
        self, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: int | None = None
    ) -> Any:
        """Return the standard deviation, the square root of the variance."""
        return _root(self.var(dim, unbiased, keepdim, correction=correction))

    def prod(self, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        """Return the product of all elements, or along one dimension; bool and whole numbers as int64."""
        if dim is not None:
            normalise_axis("prod", dim, self.array.ndim)
        return apply(ops.Prod, _summed(self, dtype), dim=dim, keepdim=keepdim)

    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
        """Return (sum of |x|^p)^(1/p); p may be inf, -inf, 0 (how many are not zero) and "fro", which means 2."""
        check_float("norm", "input", self.array)
        x: Any = self
        axes = normalise_axes("norm", dim, self.array.ndim)
        if p == "nuc":
            raise NotImplementedError("norm: p='nuc' is not covered, expected a number or 'fro'")
        if isinstance(p, str) and p != "fro":
            raise ArgumentError(f"norm: p={p!r}, expected a number or 'fro'")
        if p != "fro" and (p < 0 or p == np.inf) and 0 in [self.array.shape[axis] for axis in axes]:
            raise ShapeError(f"norm: p={p} of an input of shape {self.array.shape} along dim={dim}, expected elements")
        if p in (2, "fro"):
            if len(axes) == 1:
                return apply(ops.PNorm, self, dim=axes[0], keepdim=keepdim)
            if len(axes) == x.array.ndim:
                length = apply(ops.PNorm, x.reshape(-1), dim=0)
                return length.reshape((1,) * x.array.ndim) if keepdim else length
            return _root((x * x).sum(dim, keepdim))
        if p == 0:
            return (x.detach() != 0).sum(dim, keepdim).to(x.dtype)
        if p in (np.inf, -np.inf):
            return x.abs().amax(dim, keepdim) if p > 0 else x.abs().amin(dim, keepdim)
        return x.abs().sum(dim, keepdim) if p == 1 else _root(_root(x.abs(), p).sum(dim, keepdim), 1 / p)

    def median(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """Return the element in the middle, the lower one of two; with `dim`, (values, indices) along it.

        Where there is a nan, it is the nan. Without `dim`, elements that are equal share the gradient.
        """
        if dim is None:
            flat = self.reshape(-1)  # type: ignore[attr-defined]
            if not self.array.size and self.array.dtype.kind == "f":
                return flat.sum() * np.nan
            middle = flat.median(0).values
            if not self.requires_grad:
                return middle
            equal = flat.isnan() if np.isnan(middle.array) else flat == middle.detach()
            return flat[equal].mean()
        axis = normalise_axis("median", dim, self.array.ndim)
        if not self.array.ndim:
            return ValuesAndIndices(self.clone(), self._new(np.zeros((), np.int64)))  # type: ignore[attr-defined]
        if not self.array.shape[axis]:
            raise RangeError(f"median: input has shape {self.array.shape}, expected elements along dim={dim}")
        return self._chosen(self._new(place_of_middle(self.array, axis)), axis, keepdim)

    def logsumexp(self, dim: Any, keepdim: bool = False) -> Any:
        """Return log(sum(exp(x))), without overflow."""
        return apply(ops.LogSumExp, floating(self), dim=dim, keepdim=keepdim)

    def cumsum(self, dim: int, *, dtype: Any = None) -> Any:
        """Return the running sums along `dim`."""
        return apply(ops.CumSum, _summed(self, dtype), dim=dim)

    def cumprod(self, dim: int, *, dtype: Any = None) -> Any:
        """Return the running products along `dim`."""
        return apply(ops.CumProd, _summed(self, dtype), dim=dim)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the largest elements; equal ones share the gradient."""
        return apply(ops.Amax, self, dim=dim, keepdim=keepdim)

    def amin(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the smallest elements; equal ones share the gradient."""
        return apply(ops.Amin, self, dim=dim, keepdim=keepdim)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the largest element; with `dim`, (values, indices) along it; with a tensor, the larger of both."""
        if isinstance(dim, Variable):
            return self.maximum(dim)  # type: ignore[attr-defined]
        return self.amax() if dim is None else self._extreme(ops.Amax, self.argmax, dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return the smallest element; with `dim`, (values, indices) along it; with a tensor, the smaller of both."""
        if isinstance(dim, Variable):
            return self.minimum(dim)  # type: ignore[attr-defined]
        return self.amin() if dim is None else self._extreme(ops.Amin, self.argmin, dim, keepdim)

    def _extreme(self, op: type[ops.Op], place: Any, dim: int, keepdim: bool) -> ValuesAndIndices:
        """Return the values that an op finds along a dimension, and their places."""
        dim = normalise_axis(op.__name__[1:].lower(), dim, self.array.ndim)  # one dimension: the op takes several
        if self.requires_grad or autograd.tracer is None:  # a gradient goes to that place, of equal ones too
            return self._chosen(place(dim, keepdim=True), dim, keepdim)
        # An export must see an op find the values; to look for them twice takes four times as long.
        indices = place(dim, keepdim)
        return ValuesAndIndices(apply(op, self, dim=dim, keepdim=keepdim), indices)

    def _chosen(self, indices: Any, dim: int, keepdim: bool) -> ValuesAndIndices:
        values = apply(ops.Gather, self, dim=dim, index=indices.array)
        if keepdim or self.array.ndim == 0:
            return ValuesAndIndices(values, indices)
        return ValuesAndIndices(values.squeeze(dim), self._new(indices.array.squeeze(dim)))

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """Return where the largest element is (int64; the first of equals), in the flattened tensor or along `dim`."""
        return self._arg("argmax", dim, keepdim)

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """Return where the smallest element is (int64; the first of equals), in the flattened tensor or along `dim`."""
        return self._arg("argmin", dim, keepdim)

    def _arg(self, name: str, dim: int | None, keepdim: bool) -> Any:
        axis = None if dim is None or self.array.ndim == 0 else normalise_axis(name, dim, self.array.ndim)
        if self.array.size == 0 and (axis is None or self.array.shape[axis] == 0):
            raise RangeError(
                f"{name}: input has shape {self.array.shape}, expected at least one element along dim={dim}"
            )
        places = None if axis is None else places_of_extremes(self.array, axis, keepdim, name == "argmax")
        return self._new(getattr(self.array, name)(axis=axis, keepdims=keepdim) if places is None else places)

    def all(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return whether no element is zero, as a bool tensor (as 0 and 1 for uint8)."""
        return self._truth("all", np.all, dim, keepdim)

    def any(self, dim: Any = None, keepdim: bool = False) -> Any:
        """Return whether an element is not zero, as a bool tensor (as 0 and 1 for uint8)."""
        return self._truth("any", np.any, dim, keepdim)

    def _truth(self, name: str, function: Any, dim: Any, keepdim: bool) -> Any:
        # Unlike sum() and its kin, these take an empty tuple of dimensions at its word.
        axes = () if isinstance(dim, tuple | list) and not dim else normalise_axes(name, dim, self.array.ndim)
        found = np.asarray(function(self.array, axis=axes, keepdims=keepdim))
        return self._new(found.astype(np.uint8) if self.array.dtype == np.uint8 else found)

    def count_nonzero(self, dim: Any = None) -> Any:
        """Return how many elements are not zero (int64)."""
        return self._new(
            np.asarray(np.count_nonzero(self.array, axis=normalise_axes("count_nonzero", dim, self.array.ndim)))
        )

    def argsort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
        """Return the positions (int64) that put the elements along `dim` in order; equal ones keep their order."""
        axis = normalise_axis("argsort", dim, self.array.ndim)
        if self.array.ndim == 0:
            return self._new(np.zeros((), np.int64))
        if not descending:
            return self._new(_order(self.array, axis))
        # Sorted from behind and turned around twice, so that equal elements stay in order and nan comes first.
        around = (slice(None),) * axis + (slice(None, None, -1),)
        order = _order(self.array[around], axis)
        return self._new(np.ascontiguousarray(self.array.shape[axis] - 1 - order[around]))

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesAndIndices:
        """Return (values, indices): the elements along `dim` in order, and where they were."""
        indices = self.argsort(dim, descending)
        return ValuesAndIndices(apply(ops.Gather, self, dim=dim, index=indices.array), indices)

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesAndIndices:
        """Return (values, indices) of the k largest (or smallest) elements along `dim`, in order."""
        axis = normalise_axis("topk", dim, self.array.ndim)
        size = self.array.shape[axis] if self.array.ndim else 1
        if not 0 <= k <= size:
            raise ShapeError(f"topk: k={k}, expected a value from 0 to {size}, the size of dimension {axis}")
        if self.array.ndim == 0:
            return self.sort(dim)
        lines = self.array.swapaxes(axis, -1)
        if 0 < k * k <= 2 * size and lines.size >= KERNEL_SIZE and lines.dtype.char in "fd":
            places = places_of_largest(lines, k, largest)
        elif 0 < 4 * k < size:  # few of many: only those are put in order
            chosen = lines.argpartition(size - k if largest else k - 1, axis=-1)
            chosen = chosen[..., -k:] if largest else chosen[..., :k]
            order = np.take_along_axis(lines, chosen, -1).argsort(-1)
            places = np.take_along_axis(chosen, order[..., ::-1] if largest else order, -1)
        else:
            places = self.argsort(dim, descending=largest).array.swapaxes(axis, -1)[..., :k]
        places = np.ascontiguousarray(places.swapaxes(axis, -1), np.int64)
        return ValuesAndIndices(apply(ops.Gather, self, dim=axis, index=places), self._new(places))

    def unique(self, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False) -> Any:
        """Return the different elements, always in order; if wanted, which one each is and how often each occurs."""
        options: Any = {"return_inverse": return_inverse, "return_counts": return_counts}
        found: Any = _counted(self.array, **options) or np.unique(self.array, equal_nan=False, **options)
        tensors = tuple(map(self._new, found if isinstance(found, tuple) else (found,)))
        return tensors if len(tensors) > 1 else tensors[0]

    def bincount(self, weights: Any = None, minlength: int = 0) -> Any:
        """Return how often each of 0, 1, 2 ... occurs in a 1-D tensor of whole numbers, or the sum of its weights."""
        x = self.array
        if x.dtype.kind not in "iu":
            raise DtypeError(f"bincount: input has dtype {x.dtype}, expected whole numbers")
        if x.ndim != 1 or (weights is not None and weights.array.shape != x.shape):
            shapes = f"{x.shape}" if weights is None else f"{x.shape} and weights {weights.array.shape}"
            raise ShapeError(f"bincount: input has shape {shapes}, expected one dimension and a weight per element")
        if x.size and x.min() < 0:
            raise ArgumentError(f"bincount: input holds {x.min()}, expected at least 0")
        if weights is None:
            return self._new(np.bincount(x, minlength=minlength))
        sums = np.bincount(x, weights.array, minlength)
        return self._new(sums.astype(weights.array.dtype) if weights.array.dtype.kind == "f" else sums)


def _counted(x: np.ndarray, return_inverse: bool, return_counts: bool) -> tuple[np.ndarray, ...] | None:
    """Return what `np.unique` does of many whole numbers from a small range, by counting; None for others.

    A million numbers below 1000 take a tenth of the time of sorting them.
    """
    if x.size < KERNEL_SIZE or x.dtype.kind not in "iu" or not np.can_cast(x.dtype, np.int64):
        return None
    lowest, largest = int(x.min()), int(x.max())
    if largest - lowest >= x.size:
        return None
    places = x.astype(np.int64) - lowest
    counts = np.bincount(places.ravel())
    different = np.flatnonzero(counts)
    found = [(different + lowest).astype(x.dtype)]
    if return_inverse:
        numbers = np.empty(len(counts), np.int64)
        numbers[different] = np.arange(len(different))
        found.append(numbers[places])
    return (*found, *([counts[different]] if return_counts else []))


def _order(x: np.ndarray, axis: int) -> np.ndarray:
    """Return the positions that put x in order along an axis; equal elements keep theirs."""
    size = x.shape[axis]
    if x.dtype.kind == "f" and x.size >= KERNEL_SIZE and SHORT <= size < LONG:
        # NumPy sorts floats without that promise, on vectors, in a seventh of the time. So only lines that hold equal
        # numbers, or NaN, are sorted with it; all of them at once if these are many in a sample.
        lines = contiguous(x.swapaxes(axis, -1))
        rows = lines.reshape(-1, size)
        if _tied(np.sort(rows[:: max(1, len(rows) // 16)])).mean() < 0.5:
            order = np.argsort(rows, axis=-1)
            tied = _tied(np.take_along_axis(rows, order, -1))
            order[tied] = np.argsort(rows[tied], axis=-1, stable=True)
            return np.ascontiguousarray(order.reshape(lines.shape).swapaxes(axis, -1))
    return x.argsort(axis=axis, stable=True)


def _tied(rows: np.ndarray) -> np.ndarray:
    """Return which rows, each in order, hold equal numbers or NaN."""
    return (rows[:, 1:] == rows[:, :-1]).any(-1) | np.isnan(rows[:, -1])


def _summed(x: Any, dtype: Any = None) -> Any:
    """Return x in the dtype in which it is to be added up: NumPy would make unsigned numbers uint64."""
    return x.to(dtype or int64) if dtype is not None or x.array.dtype.kind == "u" else x


def _root(x: Any, exponent: float = 0.5) -> Any:
    """Return x ** exponent for x >= 0, with the slope 0 at 0 as in PyTorch; that of a root is infinite there."""
    if x.array.all():  # that is, none is 0: the usual case
        return x.sqrt() if exponent == 0.5 else x**exponent
    zero = x.array == 0
    return _root(x.masked_fill(zero, 1), exponent).masked_fill(zero, 0 if exponent > 0 else np.inf)

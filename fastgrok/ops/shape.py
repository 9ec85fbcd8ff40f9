"""Reshaping, permuting, repeating and joining arrays."""

import itertools
import math
import operator
from collections.abc import Sequence

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from ..errors import DtypeError, ShapeError
from .base import SHARED, Op, copied, laid_out, memory_axes, normalise_axes, normalise_axis
from .gradients import Outer

_WORTH_A_KERNEL = 1 << 14  # elements from which a border, or turning around, is worth a kernel
_FEW = 16  # neighbouring elements of each array, on average; with fewer, NumPy joins them sooner


class Reshape(Op):
    """The elements of x, in C order, under another shape."""

    stateless = True
    view = True

    def forward(self, x, shape):
        """Reshape; one size may be -1. Raises `ShapeError` when the number of elements differs."""
        self.shape = x.shape
        if shape and min(shape) < -1:  # NumPy takes any negative size for -1
            raise ShapeError(f"reshape: shape={tuple(shape)}, expected sizes of at least 0, or one that is -1")
        try:
            return x.reshape(shape)
        except ValueError:
            raise ShapeError(
                f"reshape: shape={tuple(shape)} does not fit the {x.size} elements of an input of shape {x.shape}"
            ) from None

    def backward(self, dy):
        """Reshape back."""
        return (dy.reshape(self.shape),)


class Permute(Op):
    """The axes of x in another order."""

    stateless = True
    view = True
    accepts_structured = True

    def forward(self, x, dims):
        """Reorder: axis i of the result is axis dims[i] of x. Raises `ShapeError` when dims is not a permutation."""
        axes, wanted = list(dims), list(range(x.ndim))
        if sorted(axes) != wanted:
            axes = [normalise_axis("permute", axis, x.ndim, "dims") for axis in dims]
        if sorted(axes) != wanted:
            raise ShapeError(f"permute: dims={tuple(dims)}, expected each of the {x.ndim} dimensions of the input once")
        self.dims = axes
        return x.transpose(axes)

    def backward(self, dy):
        """Reorder back; the product behind the gradient of a transposed weight stays a product."""
        if isinstance(dy, Outer) and self.dims == [1, 0]:
            return (dy.transposed(),)
        dy = dy if isinstance(dy, np.ndarray) else dy.dense()
        inverse = [0] * len(self.dims)
        for i, axis in enumerate(self.dims):
            inverse[axis] = i
        return (dy.transpose(inverse),)


class Diagonal(Op):
    """The elements of two axes that lie on a diagonal, along a new last axis."""

    stateless = True
    view = True

    def forward(self, x, offset=0, dim1=0, dim2=1):
        """Select; offset counts diagonals upwards. Raises `IndexError` or `ShapeError` unless there are two axes."""
        axes = [normalise_axis("diagonal", dim, x.ndim, name) for name, dim in (("dim1", dim1), ("dim2", dim2))]
        if axes[0] == axes[1]:
            raise ShapeError(f"diagonal: dim1={dim1} and dim2={dim2}, expected two different dimensions")
        self.shape, self.place = x.shape, (offset, *axes)
        return self._of(x)

    def backward(self, dy):
        """Put the gradient on the diagonal."""
        dx = memory.zeros(self.shape, dy.dtype)
        self._of(dx)[...] = dy
        return (dx,)

    def _of(self, x):
        y = x.diagonal(*self.place)
        y.flags.writeable = x.flags.writeable  # NumPy's is read-only, from a time when it was about to be a copy
        return y


class Expand(Op):
    """x repeated along axes of size 1 and along new axes in front."""

    stateless = True
    view = True

    def forward(self, x, shape):
        """Broadcast to shape, where -1 keeps a size. Raises `ShapeError` when that cannot be done."""
        self.shape, new = x.shape, len(shape) - x.ndim
        sizes = [x.shape[i - new] if size == -1 and i >= new else size for i, size in enumerate(shape)]
        try:
            return np.broadcast_to(x, sizes)
        except ValueError:
            raise ShapeError(
                f"expand: shape={tuple(shape)} does not fit an input of shape {x.shape}; only sizes of 1 repeat"
            ) from None

    def backward(self, dy):
        """Sum over the repetitions."""
        new = dy.ndim - len(self.shape)
        axes = tuple(i for i in range(dy.ndim) if i < new or self.shape[i - new] != dy.shape[i])
        return (dy.sum(axis=axes).reshape(self.shape),)


class Cat(Op):
    """Arrays joined along an existing axis."""

    stateless = True

    def forward(self, *arrays, dim=0):
        """Join; all arrays agree in dtype and in all sizes but that of `dim`. Raises `ShapeError` or `DtypeError`.

        Arrays of shape (0,) fit everything: loops that join often begin with one.
        """
        self.empty, joined = [array.shape == (0,) for array in arrays], list(arrays)
        if True in self.empty:
            joined = [array for array, empty in zip(arrays, self.empty, strict=True) if not empty] or joined[:1]
            self.empty = self.empty if len(joined) == self.empty.count(False) else [False] + [True] * (len(arrays) - 1)
        first = joined[0]
        self.axis = 0 if first.shape == (0,) else normalise_axis("cat", dim, first.ndim)
        before, after = first.shape[: self.axis], first.shape[self.axis + 1 :]
        for i, array in enumerate(joined):
            sizes = array.shape[: self.axis], array.shape[self.axis + 1 :]
            if first.ndim == 0 or array.ndim != first.ndim or sizes != (before, after):
                raise ShapeError(
                    f"cat: tensors[{i}] has shape {array.shape}, tensors[0] {first.shape}; "
                    f"expected at least one dimension and equal sizes everywhere but in dimension {self.axis}"
                )
            if array.dtype != first.dtype:
                raise DtypeError(f"cat: tensors[{i}] has dtype {array.dtype}, expected {first.dtype} as tensors[0]")
        self.ends = list(itertools.accumulate([array.shape[self.axis] for array in joined]))
        return _joined(joined, self.axis, (*before, self.ends[-1], *after))

    def backward(self, dy):
        """Cut the gradient at the seams."""
        before = (slice(None),) * self.axis
        parts = iter([dy[(*before, slice(*place))] for place in itertools.pairwise([0, *self.ends])])
        return tuple([np.zeros(0, dy.dtype) if empty else next(parts) for empty in self.empty])


def _joined(arrays: Sequence[np.ndarray], axis: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return arrays side by side along an axis, which gives an array of `shape`; it lies in memory as the first one."""
    first = arrays[0]
    axes = None if first.flags.c_contiguous else memory_axes(first)
    y = laid_out(shape, first.dtype, axes)
    if y.size < SHARED * len(arrays) or y.dtype.char not in "fd":
        return np.concatenate(arrays, axis, y)
    axes = axes or tuple(range(y.ndim))
    parts = [array.transpose(axes) for array in arrays]
    N, start = math.prod(parts[0].shape[: axes.index(axis)]), 0
    short, whole = y.size < _FEW * N * len(arrays), N == 1  # runs of each array: NumPy copies long ones as fast
    if short or (whole and kernels.jit.get_num_threads() == 1) or not all(part.flags.c_contiguous for part in parts):
        return np.concatenate(arrays, axis, y)
    rows = y.transpose(axes).reshape(N, -1)
    parts = [part.reshape(N, -1) for part in parts]
    for a, b in itertools.zip_longest(parts[::2], parts[1::2], fillvalue=np.empty((N, 0), y.dtype)):
        kernels.join_into(rows, start, a, b)
        start += a.shape[1] + b.shape[1]
    return y


class Stack(Op):
    """Arrays of one shape joined along a new axis."""

    stateless = True

    def forward(self, *arrays, dim=0):
        """Join; all arrays agree in shape and dtype. Raises `ShapeError` or `DtypeError`."""
        first = arrays[0]
        for i, array in enumerate(arrays):
            if array.shape != first.shape:
                raise ShapeError(f"stack: tensors[{i}] has shape {array.shape}, expected {first.shape} as tensors[0]")
            if array.dtype != first.dtype:
                raise DtypeError(f"stack: tensors[{i}] has dtype {array.dtype}, expected {first.dtype} as tensors[0]")
        self.axis = normalise_axis("stack", dim, first.ndim + 1)
        place = (*(slice(None),) * self.axis, None)
        shape = (*first.shape[: self.axis], len(arrays), *first.shape[self.axis :])
        return _joined([array[place] for array in arrays], self.axis, shape)

    def backward(self, dy):
        """Take the layers apart."""
        before = (slice(None),) * self.axis
        return tuple([dy[(*before, i, ...)] for i in range(dy.shape[self.axis])])


class Unbind(Op):
    """The slices of x along an axis, as many outputs: one op where indices would be one for each slice."""

    stateless = True
    view = True

    def forward(self, x, dim):
        """Return the slices; raises `IndexError` when there is no such axis."""
        self.shape = x.shape
        self.before: tuple = (slice(None),) * normalise_axis("unbind", dim, x.ndim)
        return tuple([x[(*self.before, i, ...)] for i in range(x.shape[dim])])

    def backward(self, *dys):
        """Put the gradients side by side, zeros where there is none."""
        dx = memory.zeros(self.shape, next(dy.dtype for dy in dys if dy is not None))
        for i, dy in enumerate(dys):
            if dy is not None:
                dx[(*self.before, i)] = dy
        return (dx,)


class Split(Op):
    """Neighbouring parts of x along an axis, as many outputs: one op where indices would be one for each part."""

    stateless = True
    view = True

    def forward(self, x, dim, sizes):
        """Return parts of these sizes along `dim`, counted from the front; the sizes add up to its own."""
        self.shape, self.axis, self.ends = x.shape, dim, list(itertools.accumulate(sizes))
        before = (slice(None),) * dim
        return tuple([x[(*before, slice(*place))] for place in itertools.pairwise([0, *self.ends])])

    def backward(self, *dys):
        """Join the gradients, with zeros where there is none."""
        dtype = next(dy.dtype for dy in dys if dy is not None)
        parts, start = [], 0
        for dy, end in zip(dys, self.ends, strict=True):
            shape = (*self.shape[: self.axis], end - start, *self.shape[self.axis + 1 :])
            parts.append(np.broadcast_to(np.zeros((), dtype), shape) if dy is None else dy)
            start = end
        return (_joined(parts, self.axis, self.shape),)


class Flip(Op):
    """x with the order along some axes turned around, as a copy."""

    stateless = True

    def forward(self, x, dims):
        """Turn around; dims is a tuple of axes. Raises `IndexError` when there is no such axis."""
        self.axes = normalise_axes("flip", tuple(dims), x.ndim) if dims else ()
        if x.size < _WORTH_A_KERNEL or x.dtype.char not in "fd" or not x.flags.c_contiguous:
            return np.flip(x, self.axes).copy()
        y = x
        for first, last in _runs(self.axes):
            y = kernels.flip(y.reshape(math.prod(x.shape[:first]), math.prod(x.shape[first : last + 1]), -1))
        return copied(x) if y is x else y.reshape(x.shape)

    def backward(self, dy):
        """Turn around again."""
        return (np.flip(dy, self.axes),)


def _runs(axes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the first and the last of all neighbours among axes in order: they are turned around as one."""
    firsts = [axis for axis in axes if axis - 1 not in axes]
    return list(zip(firsts, [axis for axis in axes if axis + 1 not in axes], strict=True))


class Roll(Op):
    """x with the slices along an axis moved on, and those at the end back to the front."""

    stateless = True

    def forward(self, x, shift, dim):
        """Move by `shift`, a whole number. Raises `IndexError` when there is no such axis."""
        self.shift, self.axis = shift, normalise_axis("roll", dim, x.ndim)
        return _rolled(x, shift, self.axis)

    def backward(self, dy):
        """Move back."""
        return (_rolled(dy, -self.shift, self.axis),)


def _rolled(x: np.ndarray, shift: int, axis: int) -> np.ndarray:
    """Return x with the slices along an axis moved on."""
    size = x.shape[axis]
    cut = -shift % size if size else 0
    if not cut:
        return copied(x)
    before = (slice(None),) * axis
    return _joined([x[(*before, slice(cut, None))], x[(*before, slice(cut))]], axis, x.shape)


class Pad(Op):
    """x with borders: of one value, or continued from the inside."""

    stateless = True

    def forward(self, x, widths, mode="constant", value=0.0):
        """Add `widths` (one pair (before, after) per axis) of elements; a negative number cuts elements off.

        Modes are "constant" (all of them `value`), "reflect" (mirrored at the outermost elements), "replicate" (the
        outermost elements again) and "circular" (what stands at the other end).
        """
        self.shape, self.widths, self.mode = x.shape, widths, mode
        if mode == "constant":
            return _padded(x, widths, value)
        # Nothing is cut off before the borders stand: they may show what is.
        self.widths, cut = [[(f(a, 0), f(b, 0)) for a, b in widths] for f in (max, min)]
        y = _padded(x, self.widths, 0.0)
        for axis, places, sources in self._borders():
            lines = np.moveaxis(y, axis, 0)
            lines[places] = lines[sources]
        self.cut = cut if any(a or b for a, b in cut) else None
        return y if self.cut is None else _padded(y, self.cut, 0.0)

    def backward(self, dy):
        """Give every element what went to its place, and in the other modes to its copies in the borders."""
        if self.mode != "constant":
            dy = copied(dy) if self.cut is None else _without(dy, self.cut)
            for axis, places, sources in reversed(self._borders()):  # corners go to the sides first
                lines = np.moveaxis(dy, axis, 0)
                for i, source in zip(places.tolist(), sources.tolist(), strict=True):
                    # One slice after the other: borders are thin, and slices are far quicker than indices.
                    lines[source] += lines[i]
        # What was added is cut off, and where something was cut off there are zeros.
        return (_without(dy, self.widths),)

    def _borders(self) -> list[tuple[int, np.ndarray, np.ndarray]]:
        """Return by axis the places of slices in borders, and of those inside that stand there once more."""
        borders = []
        for axis, (before, after) in enumerate(self.widths):
            if before or after:
                size = self.shape[axis]
                places = np.concatenate([np.arange(before), np.arange(size + before, size + before + after)])
                borders.append((axis, places, _sources(size, before, after, self.mode)[places] + before))
        return borders


def _without(y: np.ndarray, widths: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return what was padded without its borders, and with zeros where something was cut off."""
    return _padded(y, [(-a, -b) for a, b in widths], 0.0)


def _padded(x: np.ndarray, widths: Sequence[tuple[int, int]], value: float) -> np.ndarray:
    """Return x with a border of one value, or without what negative widths cut off; it lies in memory as x does."""
    axes = memory_axes(x)
    if axes is not None and x.size >= _WORTH_A_KERNEL and x.dtype.char in "fd":
        y = _padded_by_kernel(x.transpose(axes), [widths[axis] for axis in axes], value)
        if y is not None:
            return y.transpose(np.argsort(axes))
    cut = zip(x.shape, widths, strict=True)
    inside = x[tuple([slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in cut])]
    shape = tuple([n + max(a, 0) + max(b, 0) for n, (a, b) in zip(inside.shape, widths, strict=True)])
    middle = tuple([slice(max(a, 0), max(a, 0) + n) for n, (a, _) in zip(inside.shape, widths, strict=True)])
    y = laid_out(shape, x.dtype, axes)
    for axis, place in enumerate(middle):
        before = (slice(None),) * axis
        y[(*before, slice(place.start))] = y[(*before, slice(place.stop, None))] = value
    y[middle] = inside
    return y


def _padded_by_kernel(x: np.ndarray, widths: Sequence[tuple[int, int]], value: float) -> np.ndarray | None:
    """Pad x, which lies in C order, along at most two axes; None for more of them.

    Each of the two takes in the axes behind it, up to the next one: x is then N matrices of R rows and S columns.
    """
    padded = [axis for axis, pair in enumerate(widths) if pair != (0, 0)]
    if not 0 < len(padded) <= 2:
        return None
    *above, last = padded
    row = above[0] if above else last
    between, behind = math.prod(x.shape[row + 1 : last]), math.prod(x.shape[last + 1 :])
    rows, columns = [[width * unit for width in widths[axis]] for axis, unit in ((row, between), (last, behind))]
    rows = rows if above else [0, 0]
    R = x.shape[row] * between if above else 1
    blocks = x.reshape(math.prod(x.shape[:row]), R, x.shape[last] * behind)
    y = kernels.pad(blocks, *rows, *columns, value)
    return y.reshape([n + a + b for n, (a, b) in zip(x.shape, widths, strict=True)])


def _sources(size: int, before: int, after: int, mode: str) -> np.ndarray:
    """Return for each place of a padded axis which of `size` elements stands there."""
    places = np.arange(-before, size + after)
    if mode == "replicate":
        return places.clip(0, size - 1)
    if mode == "circular":
        return places % size
    return size - 1 - np.abs(size - 1 - np.abs(places))


def size_argument(name: str, sizes: tuple) -> tuple[int, ...]:
    """Return sizes given as `f(2, 3)` or `f((2, 3))` as a tuple; raises `TypeError` unless they are whole numbers."""
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    try:
        return tuple([operator.index(size) for size in sizes])
    except TypeError:
        raise TypeError(f"{name}: sizes {sizes!r}, expected whole numbers") from None

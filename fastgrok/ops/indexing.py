"""Reading and writing parts of an array by index.

An index is what NumPy takes: numbers, slices, None, Ellipsis, integer arrays and bool arrays, alone or in a tuple.
"""

import math
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ArgumentError, IndexingError, ShapeError
from .base import (
    KERNEL_SIZE,
    Op,
    all_below,
    check_ids,
    contiguous,
    copied,
    normalise_axis,
    rows_of,
    unbroadcast,
    zeros,
)
from .gradients import Rows


def is_basic(index: Any) -> bool:
    """Whether an index selects a view (numbers, slices, None, Ellipsis) and not a copy (arrays, lists)."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (np.ndarray, list, bool)):  # half the time of a union, and asked often
            return False
    return True


def complete(index: Any) -> Any:
    """Append an Ellipsis to a basic index that has none: a single element is then a 0-d view and no longer a copy."""
    return _with_ellipsis(index) if is_basic(index) else index


def _with_ellipsis(index: Any) -> tuple:
    parts = index if isinstance(index, tuple) else (index,)
    return parts if Ellipsis in parts else (*parts, Ellipsis)


def _own(index: Any) -> Any:
    """Complete an index and copy its arrays: backward needs the numbers as they are now, and the kernels trust them."""
    if is_basic(index):
        return _with_ellipsis(index)
    if isinstance(index, tuple):
        return tuple(part.copy() if isinstance(part, np.ndarray) else part for part in index)
    return index.copy() if isinstance(index, np.ndarray) else index


def _positions(axis: int, size: int, ndim: int) -> np.ndarray:
    """Return 0, 1, ..., size - 1 along one of `ndim` axes."""
    return np.arange(size).reshape((1,) * axis + (size,) + (1,) * (ndim - axis - 1))


def _fits(index: tuple[int, ...], x: tuple[int, ...], axis: int) -> bool:
    """Whether an index of the first shape can pick from the second along an axis: no other size is larger."""
    if len(index) == len(x) and index[:axis] == x[:axis] and index[axis + 1 :] == x[axis + 1 :]:
        return True  # the usual case, kept short
    others = [i <= n for k, (i, n) in enumerate(zip(index, x, strict=False)) if k != axis]
    return max(len(index), 1) == max(len(x), 1) and all(others)


def _place(axis: int, ids: np.ndarray, ndim: int) -> tuple:
    """Return NumPy's index for ids along an axis: (N,) for whole slices, or one for each element of what is picked."""
    if ids.ndim == 1:
        return (*(slice(None),) * axis, ids)
    # One index array per axis: positions along the others, the given numbers along `axis`.
    return tuple([ids if k == axis else _positions(k, n, ndim) for k, n in enumerate(ids.shape)])


def _for_kernel(x: np.ndarray, axis: int, ids: np.ndarray, picked: int) -> np.ndarray | None:
    """Return x as (N, V, S), V along the axis, for a kernel that picks so many elements; None where NumPy does it."""
    if picked < KERNEL_SIZE or x.dtype.char not in "fd":
        return None
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    if ids.ndim > 1 and (ids.shape[:axis] != before or ids.shape[axis + 1 :] != after):
        return None
    return contiguous(x).reshape(math.prod(before), x.shape[axis], math.prod(after))


def _as_blocks(ids: np.ndarray, axis: int) -> np.ndarray:
    """Return ids that differ from place to place as (N, T, S), T along the axis."""
    return ids if ids.ndim == 1 else ids.reshape(math.prod(ids.shape[:axis]), ids.shape[axis], -1)


def picked(x: np.ndarray, axis: int, ids: np.ndarray) -> np.ndarray:
    """Return x[i, ids[i, j]] for axis 1, and so on; the slices of x along the axis for ids (N,)."""
    shape = (*x.shape[:axis], len(ids), *x.shape[axis + 1 :]) if ids.ndim == 1 else ids.shape
    blocks = _for_kernel(x, axis, ids, math.prod(shape))
    if blocks is None:
        return x[_place(axis, ids, x.ndim)]
    return kernels.gather(blocks, _as_blocks(ids, axis)).reshape(shape)


def add_picked(y: np.ndarray, axis: int, ids: np.ndarray, values: np.ndarray) -> None:
    """Add values, of the shape of `picked(y, axis, ids)`, to what it picks of y, which lies in C order."""
    blocks = _for_kernel(y, axis, ids, values.size)
    if blocks is None:
        np.add.at(y, _place(axis, ids, y.ndim), values)
    else:
        N, _, S = blocks.shape
        kernels.scatter_add_into(blocks, _as_blocks(ids, axis), contiguous(values).reshape(N, -1, S))


def _slices(index: Any, shape: tuple[int, ...]) -> tuple[int, np.ndarray] | None:
    """Return the axis and the numbers of slices, none negative, where an index picks such by an array; else None.

    None also where a number is out of range: NumPy says so.
    """
    parts = index if isinstance(index, tuple) else (index,)
    ids, axis = parts[-1] if parts else None, len(parts) - 1
    if not isinstance(ids, np.ndarray) or ids.ndim != 1 or ids.dtype.kind not in "iu" or axis >= len(shape):
        return None
    if not all([isinstance(part, slice) and part == slice(None) for part in parts[:-1]]):
        return None
    ids = ids.astype(np.int64, copy=False)
    if not all_below(ids, shape[axis]):
        ids = np.where(ids < 0, ids + shape[axis], ids)
        if not all_below(ids, shape[axis]):
            return None
    return axis, ids


class Index(Op):
    """x[index]: a view for a basic index, a copy for one with arrays."""

    stateless = True
    view = True

    def forward(self, x, index):
        """Select. Raises `IndexError` when a number lies outside or there are more of them than axes."""
        self.shape, self.index = x.shape, _own(index)
        if self._is_mask() and x.size >= KERNEL_SIZE and x.dtype.char in "fd":
            return picked(contiguous(x).reshape(-1), 0, self._numbers())
        slices = _slices(self.index, x.shape) if x.size >= KERNEL_SIZE else None
        return x[self.index] if slices is None else picked(x, *slices)

    def backward(self, dy):
        """Put the gradient where the elements came from; elements that were read twice get both."""
        if is_basic(self.index):
            dx = zeros(self.shape, dy.dtype)
            dx[self.index] = dy
            return (dx,)
        if isinstance(self.index, np.ndarray) and self.index.dtype.kind in "iu" and len(self.shape) == 2:
            ids = self.index.reshape(-1).astype(np.int64, copy=False)
            ids = np.where(ids < 0, ids + self.shape[0], ids)
            return (Rows(ids, rows_of(contiguous(dy)), self.shape),)
        dx = zeros(self.shape, dy.dtype)
        if self._is_mask():
            if dy.size < KERNEL_SIZE:
                dx[self.index] = dy
            else:
                add_picked(dx.reshape(-1), 0, self._numbers(), dy)
            return (dx,)
        slices = _slices(self.index, self.shape) if dy.size >= KERNEL_SIZE else None
        if slices is None:
            np.add.at(dx, self.index, dy)
        else:
            add_picked(dx, *slices, dy)
        return (dx,)

    def _is_mask(self):
        """Whether the index is a mask for all elements, which selects none of them twice."""
        return isinstance(self.index, np.ndarray) and self.index.dtype.kind == "b" and self.index.shape == self.shape

    def _numbers(self):
        """The numbers of the elements that a mask selects, in C order."""
        return kernels.nonzero(contiguous(self.index).reshape(-1)).reshape(-1)


class SetItem(Op):
    """A copy of x in which x[index] has been replaced by `value`."""

    stateless = True

    def forward(self, x, value, index, in_place=False):
        """Replace, in a copy or for once in x itself. Raises `ShapeError` when value does not broadcast to x[index]."""
        self.index, self.shape = _own(index), value.shape
        y = x if in_place else x.copy()
        try:
            y[self.index] = value
        except ValueError:
            raise cannot_assign(value.shape, y[self.index].shape) from None
        return y

    def backward(self, dy):
        """What was replaced has no gradient; the value has that of its place."""
        dx = dy.copy()
        dx[self.index] = 0
        return dx, unbroadcast(dy[self.index], self.shape)


class Overwrite(Op):
    """A copy of x in which the part that a view shows has been replaced by `value`."""

    stateless = True

    def forward(self, x, value, view, static, in_place=False):
        """Replace, in a copy or for once in x itself, what the op `view` shows of x with the settings `static`."""
        self.shown, self.static = view, static
        y = x if in_place else np.array(x, order="C")
        self._part(y)[...] = value
        return y

    def backward(self, dy):
        """What was replaced has no gradient; the value has that of its place."""
        dx = np.array(dy, order="C")  # in C order all that was a view of x is one of dx
        part = self._part(dx)
        dvalue = part.copy()
        part[...] = 0
        return dx, dvalue

    def _part(self, x):
        return self.shown().forward(x, **self.static)


def cannot_assign(value: tuple[int, ...], place: tuple[int, ...]) -> ShapeError:
    """Return the error for a value that does not fit the place it is assigned to."""
    return ShapeError(f"assignment: the value has shape {value}, expected one that broadcasts to {place}")


class Gather(Op):
    """y[i, j] = x[i, index[i, j]] for dim 1, and likewise for other axes."""

    stateless = True

    def forward(self, x, dim, index):
        """Pick along `dim`; index has as many axes as x. Raises `IndexError`, `ShapeError` or `DtypeError`."""
        self.axis = axis = normalise_axis("gather", dim, x.ndim)
        if index.size and not _fits(index.shape, x.shape, axis):
            raise ShapeError(
                f"gather: index has shape {index.shape}, expected as many dimensions as input {x.shape}, "
                f"none larger except dimension {axis}"
            )
        index = check_ids("gather", "index", index, x.shape[axis] if x.ndim else 1)
        self.shape, self.ids = x.shape, index.reshape(index.shape or (1,))
        if index.size == 0 or x.ndim == 0:  # nothing, or the one number as often as it is asked for
            return np.full(index.shape, x.reshape(-1)[0] if index.size else 0, x.dtype)
        return picked(x, axis, self.ids)

    def backward(self, dy):
        """Add the gradients back where the elements came from."""
        if self.shape == ():
            return (dy.sum().reshape(()),)
        dx = zeros(self.shape, dy.dtype)
        if dy.size:
            add_picked(dx, self.axis, self.ids, dy.reshape(self.ids.shape))
        return (dx,)


class AddAt(Op):
    """A copy of x in which `values` have been added to x[i, ids[i, j]] for dim 1; places named twice get both."""

    stateless = True

    def forward(self, x, values, dim, ids, in_place=False):
        """Add, to a copy or for once to x itself where that can be.

        ids, (N,) for slices or with as many axes as x, have been checked; dim is counted from the front, and values has
        the shape of what they pick.
        """
        self.axis, self.ids, self.shape = dim, ids, values.shape
        y = x if in_place and x.flags.c_contiguous and not np.may_share_memory(x, values) else copied(x)
        if values.size:
            add_picked(y, dim, ids, values)
        return y

    def backward(self, dy):
        """The gradient goes to x, and that of each place to the values that went there."""
        if not self.needs[1]:
            return dy, None
        return dy, picked(dy, self.axis, self.ids) if math.prod(self.shape) else np.zeros(self.shape, dy.dtype)


def nonzero(x: np.ndarray) -> np.ndarray:
    """Return where x is not zero: (N, axes) int64."""
    if x.size < KERNEL_SIZE or not x.ndim:
        return np.argwhere(x).astype(np.int64, copy=False)
    # Not x itself: the kernel counts before it writes, and x may change meanwhile.
    return kernels.nonzero(x.copy() if x.dtype.kind == "b" else contiguous(x != 0))


def check_index(index: Any, shape: tuple[int, ...]) -> None:
    """Raise `IndexingError` for what is no index and for negative steps; NumPy checks the rest."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, np.ndarray):
            if part.dtype.kind not in "iub":
                raise IndexingError(
                    f"index: dtype {part.dtype} for an array of shape {shape}, expected int64, int32 or bool"
                )
        elif isinstance(part, slice):
            if part.step is not None and part.step <= 0:
                raise ArgumentError(f"index: a slice with step {part.step}, expected a positive one; see flip()")
        elif not (part is None or part is Ellipsis or isinstance(part, int | np.integer | np.bool_)):
            raise IndexingError(
                f"index: {part!r} of type {type(part).__name__} for an array of shape {shape}, "
                "expected numbers, slices, None, Ellipsis or arrays"
            )

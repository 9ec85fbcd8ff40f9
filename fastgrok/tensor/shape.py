"""Tensor methods that rearrange: shapes, order of dimensions, cutting and repeating."""

import itertools
import math
import operator
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, apply
from ..errors import ArgumentError, RangeError, ShapeError, StateError
from ..ops.base import normalise_axis
from ..ops.shape import size_argument


def _channels_last(x: np.ndarray) -> bool:
    """Whether x (B, C, ...) or (C, ...) lies in memory with C last, without gaps."""
    return x.ndim > 1 and any(np.moveaxis(x, axis, -1).flags.c_contiguous for axis in (0, 1))


class Shape(Variable):
    """Views where the memory allows (they share it, and in-place changes), copies otherwise."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        return self.array.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def size(self, dim: int | None = None) -> Any:
        """Return the shape, or the size of one dimension."""
        return self.array.shape if dim is None else self.array.shape[normalise_axis("size", dim, self.array.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.array.ndim

    def numel(self) -> int:
        """Return the number of elements."""
        return self.array.size

    def reshape(self, *shape: Any) -> Any:
        """Return the elements in C order under another shape; one size may be -1. A view where possible."""
        return apply(ops.Reshape, self, shape=size_argument("reshape", shape))

    def view(self, *shape: Any) -> Any:
        """Return a view under another shape; raises `StateError` where only a copy could have it.

        A result of convolution or pooling lies in memory with channels last, where PyTorch's lies in C order and has
        the view; of such a one it is a copy.
        """
        wanted = size_argument("view", shape)
        result = apply(ops.Reshape, self, shape=wanted)
        if self.array.size and not result.is_view and (self.is_view or not _channels_last(self.array)):
            raise StateError(f"view: shape={wanted} cannot be a view of this tensor's memory; use reshape()")
        return result

    def view_as(self, other: Any) -> Any:
        """Return a view under the shape of another tensor."""
        return self.view(other.shape)

    def reshape_as(self, other: Any) -> Any:
        """Return the elements under the shape of another tensor."""
        return self.reshape(other.shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Any:
        """Merge the dimensions from start_dim to end_dim into one."""
        shape = self.array.shape
        start = normalise_axis("flatten", start_dim, len(shape), "start_dim")
        end = normalise_axis("flatten", end_dim, len(shape), "end_dim")
        if start > end:
            raise ShapeError(f"flatten: start_dim={start_dim}, expected one that does not come after end_dim={end_dim}")
        if start == end and shape:
            return self
        return self.reshape(*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])

    def unflatten(self, dim: int, sizes: Any) -> Any:
        """Split one dimension into several; one size may be -1."""
        shape, axis = self.array.shape, normalise_axis("unflatten", dim, self.array.ndim)
        sizes = list(sizes)
        if -1 in sizes:
            known = math.prod(size for size in sizes if size != -1)
            sizes[sizes.index(-1)] = shape[axis] // max(known, 1)
        if math.prod(sizes) != shape[axis]:
            raise ShapeError(f"unflatten: sizes={sizes}, expected a product of {shape[axis]}, the size of dim={dim}")
        return self.reshape(*shape[:axis], *sizes, *shape[axis + 1 :])

    def ravel(self) -> Any:
        """Return all elements in one dimension."""
        return self.reshape(-1)

    def permute(self, *dims: Any) -> Any:
        """Return a view with the dimensions in another order."""
        return apply(ops.Permute, self, dims=size_argument("permute", dims))

    def transpose(self, dim0: int, dim1: int) -> Any:
        """Return a view with two dimensions swapped."""
        dims = list(range(self.array.ndim))
        a, b = (normalise_axis("transpose", dim, len(dims), name) for dim, name in ((dim0, "dim0"), (dim1, "dim1")))
        if dims:
            dims[a], dims[b] = dims[b], dims[a]
        return apply(ops.Permute, self, dims=dims)

    def swapaxes(self, axis0: int, axis1: int) -> Any:
        """Return a view with two dimensions swapped: `transpose` with NumPy's names."""
        return self.transpose(axis0, axis1)

    def t(self) -> Any:
        """Return the transpose of a matrix; raises `ShapeError` for more than two dimensions."""
        if self.array.ndim > 2:
            raise ShapeError(f"t: shape {self.array.shape}, expected at most two dimensions; use transpose() or mT")
        return apply(ops.Permute, self, dims=tuple(range(self.array.ndim))[::-1])

    @property
    def T(self) -> Any:
        """The tensor with its dimensions in reverse order."""
        return apply(ops.Permute, self, dims=tuple(reversed(range(self.array.ndim))))

    @property
    def mT(self) -> Any:
        """The tensor with its last two dimensions swapped; a 0-d tensor as it is."""
        if self.array.ndim == 1:
            raise ShapeError("mT: one dimension, expected a matrix or a batch of matrices")
        if self.array.ndim == 0:
            return self
        return self.transpose(-2, -1)

    def movedim(self, source: Any, destination: Any) -> Any:
        """Return a view with one dimension, or each of a tuple of them, moved to another place."""
        places = []
        for name, dims in (("source", source), ("destination", destination)):
            dims = dims if isinstance(dims, tuple | list) else (dims,)
            places.append([normalise_axis("movedim", dim, self.array.ndim, name) for dim in dims])
        sources, destinations = places
        if len(set(sources)) != len(sources) or len(set(destinations)) != len(sources):
            raise ArgumentError(
                f"movedim: source={source}, destination={destination}, expected as many different dimensions in both"
            )
        if self.array.ndim == 0:
            return self.permute(())
        dims = [dim for dim in range(self.array.ndim) if dim not in sources]
        for place, dim in sorted(zip(destinations, sources, strict=True)):
            dims.insert(place, dim)
        return apply(ops.Permute, self, dims=dims)

    moveaxis = movedim

    def squeeze(self, dim: Any = None) -> Any:
        """Drop the dimensions of size 1: all of them, or those named if their size is 1."""
        shape = self.array.shape
        if dim is None:
            named = set(range(len(shape)))
        else:
            dims = dim if isinstance(dim, tuple | list) else (dim,)
            named = {normalise_axis("squeeze", d, len(shape)) for d in dims}
        return self.reshape(tuple(size for i, size in enumerate(shape) if size != 1 or i not in named))

    def unsqueeze(self, dim: int) -> Any:
        """Insert a dimension of size 1."""
        axis, shape = normalise_axis("unsqueeze", dim, self.array.ndim + 1), self.array.shape
        return self.reshape(*shape[:axis], 1, *shape[axis:])

    def expand(self, *sizes: Any) -> Any:
        """Return a view that repeats dimensions of size 1 (and new ones in front) up to `sizes`; -1 keeps a size."""
        return apply(ops.Expand, self, shape=size_argument("expand", sizes))

    def expand_as(self, other: Any) -> Any:
        """Return a view repeated up to the shape of another tensor."""
        return self.expand(other.shape)

    def repeat(self, *repeats: Any) -> Any:
        """Return copies laid side by side, so many per dimension; numbers beyond the dimensions add some in front."""
        counts = size_argument("repeat", repeats)
        if len(counts) < self.array.ndim:
            raise ShapeError(
                f"repeat: {len(counts)} numbers for a tensor of shape {self.array.shape}, expected one per dimension"
            )
        if any(count < 0 for count in counts):
            raise ShapeError(f"repeat: repeats={counts}, expected numbers of at least 0")
        shape = (1,) * (len(counts) - self.array.ndim) + self.array.shape
        # Each dimension becomes (copies, size), is expanded, and the two are merged again.
        pairs = [part for size in shape for part in (1, size)]
        expanded = [part for count, size in zip(counts, shape, strict=True) for part in (count, size)]
        merged = [count * size for count, size in zip(counts, shape, strict=True)]
        return self.reshape(pairs).expand(expanded).clone().reshape(merged)

    def tile(self, *repeats: Any) -> Any:
        """Return copies laid side by side; fewer numbers than dimensions count for the last ones."""
        counts = size_argument("tile", repeats)
        return self.repeat((1,) * (self.array.ndim - len(counts)) + counts)

    def repeat_interleave(self, repeats: int, dim: int | None = None) -> Any:
        """Return each element (or slice along `dim`) so many times in a row."""
        if repeats < 0:
            raise ArgumentError(f"repeat_interleave: repeats={repeats}, expected at least 0")
        if dim is None:
            return self.reshape(-1).repeat_interleave(repeats, 0)
        axis = normalise_axis("repeat_interleave", dim, self.array.ndim)
        if self.array.ndim == 0:
            raise RangeError(f"repeat_interleave: dim={dim}, expected None for a tensor without dimensions")
        slices = np.repeat(np.arange(self.array.shape[axis]), repeats)
        return self.index_select(axis, self._new(slices))  # type: ignore[attr-defined]

    def narrow(self, dim: int, start: int, length: int) -> Any:
        """Return the view of `length` slices along `dim`, from `start` on."""
        self._check_dimensions("narrow")
        axis = normalise_axis("narrow", dim, self.array.ndim)
        start = start + self.array.shape[axis] if start < 0 else start
        if not (0 <= start and 0 <= length and start + length <= self.array.shape[axis]):
            raise RangeError(
                f"narrow: start={start} and length={length}, expected a range within 0 to {self.array.shape[axis]}"
            )
        return self[(slice(None),) * axis + (slice(start, start + length),)]  # type: ignore[index]

    def _check_dimensions(self, name: str) -> None:
        if self.array.ndim == 0:
            raise ShapeError(f"{name}: a tensor without dimensions, expected at least one")

    def select(self, dim: int, index: int) -> Any:
        """Return the view of one slice along `dim`."""
        if self.array.ndim == 0:
            raise IndexError("select: a tensor without dimensions, expected at least one")
        axis = normalise_axis("select", dim, self.array.ndim)
        return self[(slice(None),) * axis + (index,)]  # type: ignore[index]

    def split(self, split_size: Any, dim: int = 0) -> tuple:
        """Cut along `dim` into views of `split_size` slices (the last may be smaller), or of the sizes in a list."""
        self._check_dimensions("split")
        size = self.size(dim)
        if isinstance(split_size, int):
            if split_size < (size > 0):
                raise ArgumentError(f"split: split_size={split_size}, expected at least 1")
            sizes = [min(split_size, size - start) for start in range(0, size, split_size or 1)] or [0]
        else:
            sizes = list(split_size)
            if sum(sizes) != size or min(sizes, default=0) < 0:
                raise ShapeError(
                    f"split: split_size={sizes} sums to {sum(sizes)}, expected {size}, the size of dimension {dim}"
                )
        axis = normalise_axis("split", dim, self.array.ndim)
        before, ends = (slice(None),) * axis, itertools.accumulate(sizes)
        places = [(*before, slice(end - length, end)) for end, length in zip(ends, sizes, strict=True)]
        return self._as_views(apply(ops.Split, self, dim=axis, sizes=tuple(sizes)), places)

    def chunk(self, chunks: int, dim: int = 0) -> tuple:
        """Cut along `dim` into at most so many views of equal size (the last may be smaller)."""
        if chunks < 1:
            raise ArgumentError(f"chunk: chunks={chunks}, expected at least 1")
        self._check_dimensions("chunk")
        if self.size(dim) == 0:
            return self.split([0] * chunks, dim)
        return self.split(max(math.ceil(self.size(dim) / chunks), 1), dim)

    def unbind(self, dim: int = 0) -> tuple:
        """Return the slices along `dim` as a tuple of views."""
        if self.array.ndim == 0:
            raise RangeError("unbind: a tensor without dimensions, expected at least one")
        axis = normalise_axis("unbind", dim, self.array.ndim)
        before, slices = (slice(None),) * axis, apply(ops.Unbind, self, dim=axis)
        return self._as_views(slices, [(*before, i) for i in range(len(slices))])

    def _as_views(self, parts: tuple, places: list[tuple]) -> tuple:
        """Let each of several outputs of one op be the view that an index would have made."""
        for part, place in zip(parts, places, strict=True):
            part.storage, part.is_view, part.rebased = self.storage, True, self.storage.rebased
            part.parent = (self, ops.Index, {"index": place})
        return parts

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
        """Return a view of the diagonal of two dimensions, as the last one; `offset` counts upwards."""
        return apply(ops.Diagonal, self, offset=offset, dim1=dim1, dim2=dim2)

    def diag(self, diagonal: int = 0) -> Any:
        """Return a matrix with a vector on its diagonal and zeros elsewhere, or a copy of the diagonal of a matrix."""
        if self.array.ndim not in (1, 2):
            raise ShapeError(f"diag: shape {self.array.shape}, expected one or two dimensions")
        if self.array.ndim == 2:
            return self.diagonal(diagonal).clone()
        size = len(self.array) + abs(diagonal)
        zeros = self._new(np.zeros((size, size), self.array.dtype))
        return apply(ops.Overwrite, zeros, self, view=ops.Diagonal, static={"offset": diagonal})

    def trace(self) -> Any:
        """Return the sum of the diagonal of a matrix."""
        if self.array.ndim != 2:
            raise ShapeError(f"trace: shape {self.array.shape}, expected a matrix")
        return self.diagonal().sum()

    def flip(self, *numbers: Any, dims: Any = ()) -> Any:
        """Return a copy with the order along the named dimensions turned around."""
        return apply(ops.Flip, self, dims=size_argument("flip", numbers or (dims,)))

    def roll(self, shifts: Any, dims: Any = None) -> Any:
        """Return a copy in which the slices along `dims` moved by `shifts`, those at the end back to the front."""
        if dims is None or (isinstance(dims, tuple | list) and not dims and not isinstance(shifts, tuple | list)):
            return self.reshape(-1).roll(shifts, 0).reshape(self.array.shape)
        shifts, dims = (given if isinstance(given, tuple | list) else (given,) for given in (shifts, dims))
        if len(shifts) != len(dims):
            raise ArgumentError(f"roll: shifts={shifts}, expected as many numbers as dims={dims}")
        if not shifts:
            raise RuntimeError("roll: `shifts` required")
        if self.array.ndim == 0:
            raise IndexError(f"roll: dims={dims}, expected none for a tensor without dimensions")
        x = self
        for shift, dim in zip(shifts, dims, strict=True):
            x = apply(ops.Roll, x, shift=operator.index(shift), dim=dim)
        return x

    def tril(self, diagonal: int = 0) -> Any:
        """Return the lower triangle of the last two dimensions, 0 above the `diagonal`."""
        return self._triangle(self._below(diagonal))

    def triu(self, diagonal: int = 0) -> Any:
        """Return the upper triangle of the last two dimensions, 0 below the `diagonal`."""
        return self._triangle(~self._below(diagonal - 1))

    def _below(self, diagonal: int) -> np.ndarray:
        """Return which places of a matrix of this size lie on or below a diagonal."""
        if self.array.ndim < 2:
            raise ShapeError(f"tril and triu: shape {self.array.shape}, expected at least two dimensions")
        rows, columns = self.array.shape[-2:]
        return np.tri(rows, columns, diagonal, dtype=np.bool_)

    def _triangle(self, kept: np.ndarray) -> Any:
        return apply(ops.Where, self, self._new(np.zeros((), self.array.dtype)), condition=kept)

    def contiguous(self) -> Any:
        """Return the tensor itself when it lies in C order, else a copy that does."""
        return self if self.array.flags.c_contiguous else apply(ops.Clone, self)

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in C order, without gaps."""
        return self.array.flags.c_contiguous

    def stride(self, dim: int | None = None) -> Any:
        """Return the steps in memory, counted in elements, from one slice to the next; for all dimensions or one."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[dim]

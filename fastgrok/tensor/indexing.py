"""Tensor methods that read and write parts: `x[index]`, `gather`, `masked_fill` and the like."""

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, apply, is_grad_enabled
from ..errors import DtypeError, ShapeError
from ..ops.base import check_ids, normalise_axis
from ..ops.indexing import cannot_assign, check_index, complete
from .operands import as_array, cast, operands
from .recording import check_in_place, rebase


def plain_index(index: Any) -> Any:
    """Return an index with NumPy's arrays in place of tensors and lists of numbers."""
    if isinstance(index, tuple):
        return tuple([plain_index(part) for part in index])
    if isinstance(index, Variable):
        # A 0-d tensor of a whole number selects like the number itself; a 0-d bool is a mask.
        array = index.array
        return array if array.ndim or array.dtype.kind == "b" else index.__index__()  # type: ignore[attr-defined]
    if isinstance(index, list | range):
        return np.asarray([plain_index(part) for part in index]) if len(index) else np.zeros(0, np.int64)
    return index


def numbers_first(index: Any) -> tuple[tuple, tuple] | None:
    """Return an index as two, the numbers and what is left, to be applied one after the other; None if one will do.

    In `x[0, :, [1, 2]]` a number stands apart from an array. To NumPy the number is an array too, and the dimension
    of arrays that stand apart goes to the front; in PyTorch numbers select first, and it stays in its place.
    """
    if not isinstance(index, tuple):
        return None
    arrays = [i for i, part in enumerate(index) if isinstance(part, np.ndarray)]
    numbers = [i for i, part in enumerate(index) if _is_number(part)] if arrays else []
    places = sorted(arrays + numbers)
    if not numbers or places[-1] - places[0] < len(places):
        return None
    first: list = []
    for part in index:
        if part is Ellipsis or _is_number(part):
            first.append(part)
        elif part is not None:
            mask = isinstance(part, np.ndarray) and part.dtype.kind == "b"
            first += [slice(None)] * (part.ndim if mask else not isinstance(part, bool))
    return tuple(first), tuple([part for part in index if not _is_number(part)])


def _is_number(part: Any) -> bool:
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


class Indexing(Variable):
    """Indices as in NumPy: numbers, slices, None, Ellipsis, integer and bool tensors, alone or in a tuple."""

    def __getitem__(self, index: Any) -> Any:
        index = plain_index(index)
        check_index(index, self.array.shape)
        steps = numbers_first(index)
        if steps is not None:
            return self[steps[0]][steps[1]]
        result = apply(ops.Index, self, index=index)
        if result.is_view:
            result.parent = (self, index)
        return result

    def __setitem__(self, index: Any, value: Any) -> None:
        index = plain_index(index)
        check_index(index, self.array.shape)
        steps = numbers_first(index)
        if steps is not None:
            self[steps[0]][steps[1]] = value
            return
        if isinstance(value, Variable):
            value = cast(value, self.array.dtype)
        else:
            value = self._new(np.asarray(value, self.array.dtype))
        recorded = is_grad_enabled() and (self.requires_grad or value.requires_grad)
        check_in_place("assignment", self, recorded)
        if recorded:
            rebase(self, apply(ops.SetItem, self, value, index=index, in_place=self.parent is None))
            return
        try:
            self.array[complete(index)] = value.array
        except ValueError:
            raise cannot_assign(value.array.shape, self.array[complete(index)].shape) from None
        self.storage.version += 1

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Any:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))  # type: ignore[attr-defined]

    def __contains__(self, element: Any) -> bool:
        return bool((self.array == as_array(element)).any())

    def gather(self, dim: int, index: Any) -> Any:
        """Return y with y[i][j] = self[i][index[i][j]] for dim 1, likewise for others; index has as many dimensions."""
        return apply(ops.Gather, self, dim=dim, index=as_array(index))

    def take_along_dim(self, indices: Any, dim: int) -> Any:
        """Return the elements at `indices` along `dim`: `gather` with its arguments the other way round."""
        return self.gather(dim, indices)

    def index_select(self, dim: int, index: Any) -> Any:
        """Return the slices along `dim` with the numbers in `index` (N,); raises `IndexError` for one out of range."""
        axis = normalise_axis("index_select", dim, self.array.ndim)
        ids = np.atleast_1d(as_array(index))
        if ids.ndim > 1:
            raise IndexError(f"index_select: index has shape {ids.shape}, expected (N,)")
        ids = check_ids("index_select", "index", ids, self.array.shape[axis])
        return apply(ops.Index, self, index=ids if axis == 0 else (slice(None),) * axis + (ids,))

    def masked_select(self, mask: Any) -> Any:
        """Return the elements where the bool tensor `mask` holds, in one dimension."""
        return self[_mask("masked_select", mask)]

    def masked_fill(self, mask: Any, value: Any) -> Any:
        """Return a copy with `value`, a number or 0-d tensor, where the bool tensor `mask` holds."""
        filling = value if isinstance(value, Variable) else self._new(np.array(value, self.array.dtype))
        if filling.array.ndim:
            raise ShapeError(f"masked_fill: value has shape {filling.array.shape}, expected a number or a 0-d tensor")
        filling = cast(filling, self.array.dtype)
        return apply(ops.Where, filling, self, condition=_mask("masked_fill", mask))

    def masked_fill_(self, mask: Any, value: Any) -> Any:
        """Put `value` where the bool tensor `mask` holds, in place."""
        self[np.broadcast_to(_mask("masked_fill_", mask), self.array.shape)] = value
        return self

    def where(self, condition: Any, other: Any) -> Any:
        """Return the elements of self where `condition` holds, else those of `other`."""
        a, b = operands(self, other)
        return apply(ops.Where, a, b, condition=_mask("where", condition))

    def scatter_(self, dim: int, index: Any, src: Any) -> Any:
        """Put src (tensor, at least as large as index, or number) at self[i][index[i][j]] for dim 1, in place."""
        place, src = self._places("scatter_", dim, index, src)
        self[place] = src
        return self

    def scatter(self, dim: int, index: Any, src: Any) -> Any:
        """Return a copy with src (tensor, at least as large as index, or number) at [i][index[i][j]] for dim 1."""
        place, src = self._places("scatter", dim, index, src)
        value = src if isinstance(src, Variable) else self._new(np.asarray(src, self.array.dtype))
        return apply(ops.SetItem, self, value, index=place)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        """Return a copy with src, at least as large as index, added at [i][index[i][j]] for dim 1, likewise others."""
        if not isinstance(src, Variable):
            raise TypeError(f"scatter_add: src is {type(src).__name__}, expected a Tensor")
        place, src = self._places("scatter_add", dim, index, src)
        return apply(ops.AddAt, self, src, index=place)

    def scatter_add_(self, dim: int, index: Any, src: Any) -> Any:
        """Add src at self[i][index[i][j]] for dim 1, likewise for others, in place."""
        return self._become("scatter_add_", lambda x: x.scatter_add(dim, index, src))  # type: ignore[attr-defined]

    def _places(self, name: str, dim: int, index: Any, src: Any) -> tuple[tuple, Any]:
        """Return where `scatter` and its kin write to, as one index array per dimension, and what."""
        axis = normalise_axis(name, dim, self.array.ndim)
        ids, shape = as_array(index), self.array.shape
        if ids.dtype != np.int64:
            raise DtypeError(f"{name}: index has dtype {ids.dtype}, expected int64")
        if isinstance(src, Variable) and src.array.dtype != self.array.dtype:
            raise DtypeError(f"{name}: src has dtype {src.array.dtype}, expected {self.array.dtype} as input")
        if ids.size:
            sources = src.array.shape if isinstance(src, Variable) else ids.shape
            if (
                len(shape) != ids.ndim
                or len(sources) != ids.ndim
                or any(i > n for k, (i, n) in enumerate(zip(ids.shape, shape, strict=True)) if k != axis)
                or any(i > n for i, n in zip(ids.shape, sources, strict=True))
            ):
                raise ShapeError(
                    f"{name}: index has shape {ids.shape}, input {shape} and src {sources}; expected as many dimensions "
                    f"in all, and an index that is nowhere larger than src, nor than input except in dimension {axis}"
                )
        ids = check_ids(name, "index", ids, shape[axis] if shape else 1)
        if not (ids.size and shape):
            # Nothing to write, or one number into one: an index of as many dimensions, that names no or the only place.
            place = (slice(0, 0 if ids.size == 0 else 1),) * len(shape) if shape else () if ids.size else (np.zeros(0, int),)
            return place, src if not isinstance(src, Variable) or ids.size else 0
        place = tuple([ids if k == axis else grid for k, grid in enumerate(np.ogrid[tuple(map(slice, ids.shape))])])
        return place, src[tuple(map(slice, ids.shape))] if isinstance(src, Variable) else src  # type: ignore[index]

    def index_add(self, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
        """Return a copy with alpha * source added to the slices along `dim` that `index` (N,) names.

        `source` has as many slices as `index` numbers. Raises `IndexError` for a number out of range, `ShapeError`
        and `DtypeError` where source does not fit.
        """
        axis = normalise_axis("index_add", dim, self.array.ndim)
        shape, ids, values = self.array.shape, as_array(index), source.array
        if ids.ndim > 1:
            raise IndexError(f"index_add: index has shape {ids.shape}, expected (N,)")
        ids = check_ids("index_add", "index", np.atleast_1d(ids), shape[axis] if shape else 1)
        if values.dtype != self.array.dtype:
            raise DtypeError(f"index_add: source has dtype {values.dtype}, expected {self.array.dtype} as input")
        wanted = (*shape[:axis], len(ids), *shape[axis + 1 :]) if shape else ()
        if values.shape != wanted:
            raise ShapeError(f"index_add: source has shape {values.shape}, expected {wanted}")
        place = (slice(None),) * axis + (ids,) if shape else ()
        return apply(ops.AddAt, self, source if alpha == 1 else source * alpha, index=place)

    def index_add_(self, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
        """Add alpha * source to the slices along `dim` that `index` (N,) names, in place."""
        return self._become("index_add_", lambda x: x.index_add(dim, index, source, alpha=alpha))  # type: ignore

    def nonzero(self, *, as_tuple: bool = False) -> Any:
        """Return the positions (N, ndim) int64 of the elements that are not zero; or one tensor (N,) per dimension."""
        if as_tuple:
            return tuple(self._new(axis) for axis in np.nonzero(np.atleast_1d(self.array)))
        return self._new(np.argwhere(self.array).astype(np.int64))


def _mask(name: str, mask: Any) -> np.ndarray:
    array = as_array(mask)
    if array.dtype.kind != "b":
        raise DtypeError(f"{name}: mask has dtype {array.dtype}, expected bool")
    return array

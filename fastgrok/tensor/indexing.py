"""Tensor methods that read and write parts: `x[index]`, `gather`, `masked_fill` and the like."""

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, apply, is_grad_enabled
from ..errors import DtypeError, RangeError, ShapeError
from ..ops.base import cannot_broadcast, check_ids, normalise_axis
from ..ops.in_place import assign
from ..ops.indexing import cannot_assign, check_index, complete, is_basic, nonzero
from .dtypes import as_element, result_dtype
from .making import to_array
from .operands import as_array, cast, check_tensor, is_number, operands
from .recording import check_in_place, rebase


def plain_index(index: Any) -> Any:
    """Return an index with NumPy's arrays in place of tensors and lists of numbers."""
    if isinstance(index, tuple):
        return tuple([plain_index(part) for part in index])
    if isinstance(index, Variable):
        # A 0-d tensor of a whole number selects like the number itself; a 0-d bool is a mask.
        array = index.array
        return array if array.ndim or array.dtype.kind not in "iu" else array.item()
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


def _fills(index: Any, value: np.ndarray) -> bool:
    """Whether an assignment fills what one mask selects with one number: then the value may have another dtype."""
    arrays = [part for part in (index if isinstance(index, tuple) else (index,)) if isinstance(part, np.ndarray)]
    return value.size == 1 and len(arrays) == 1 and arrays[0].dtype.kind == "b"


class Indexing(Variable):
    """Indices as in NumPy: numbers, slices, None, Ellipsis, integer and bool tensors, alone or in a tuple."""

    def __getitem__(self, index: Any) -> Any:
        if type(index) is int:  # the usual case, kept short
            return apply(ops.Index, self, index=(index, ...))
        index = plain_index(index)
        check_index(index, self.array.shape)
        steps = numbers_first(index)
        if steps is not None:
            return self[steps[0]][steps[1]]
        return apply(ops.Index, self, index=index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if value is None:
            raise TypeError("assignment: the value is None, expected a tensor or numbers")
        index = plain_index(index)
        check_index(index, self.array.shape)
        steps = numbers_first(index)
        if steps is not None:
            self[steps[0]][steps[1]] = value
            return
        if isinstance(value, Variable):
            if value.array.dtype != self.array.dtype and not (is_basic(index) or _fills(index, value.array)):
                ops.Index().forward(self.array, index=index)  # an index that does not fit is worse
                raise DtypeError(
                    f"assignment: the value has dtype {value.array.dtype}, expected {self.array.dtype} where "
                    "arrays index"
                )
            value = cast(value, self.array.dtype)
        else:
            convert = as_element if is_number(value) else to_array
            value = self._new(convert(value, self.array.dtype, "assignment"))
        recorded = is_grad_enabled() and (self.requires_grad or value.requires_grad)
        check_in_place("assignment", self)
        if recorded:
            rebase(self, apply(ops.SetItem, self, value, index=index, in_place=self.parent is None))
            return
        try:
            if index is Ellipsis:
                assign(self.array, value.array)
            else:
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
        """Return the elements at `indices` along `dim`; in the other dimensions both broadcast. See `gather`."""
        x, ids = self.array.shape, as_array(indices)
        axis = normalise_axis("take_along_dim", dim, self.array.ndim)
        if ids.ndim != len(x) or not x:
            raise RangeError(f"take_along_dim: indices has shape {ids.shape}, input {x}; expected as many dimensions")
        try:
            common = np.broadcast_shapes((*x[:axis], 1, *x[axis + 1 :]), (*ids.shape[:axis], 1, *ids.shape[axis + 1 :]))
        except ValueError:
            raise cannot_broadcast("take_along_dim", x, ids.shape) from None
        ids = np.broadcast_to(ids, (*common[:axis], ids.shape[axis], *common[axis + 1 :]))
        whole = self.expand(*common[:axis], x[axis], *common[axis + 1 :])  # type: ignore[attr-defined]
        return whole.gather(dim, ids)

    def index_select(self, dim: int, index: Any) -> Any:
        """Return the slices along `dim` with the numbers in `index` (N,); raises `IndexError` for one out of range."""
        axis = normalise_axis("index_select", dim, self.array.ndim)
        ids = np.atleast_1d(as_array(index))
        if ids.ndim > 1:
            raise IndexError(f"index_select: index has shape {ids.shape}, expected (N,)")
        if self.array.ndim == 0:
            if ids.size != 1:
                raise ShapeError(f"index_select: {ids.size} numbers for a tensor without dimensions, expected one")
            return self.reshape(1).index_select(0, ids).reshape(())  # type: ignore[attr-defined]
        ids = check_ids("index_select", "index", ids, self.array.shape[axis])
        return apply(ops.Index, self, index=ids if axis == 0 else (slice(None),) * axis + (ids,))

    def masked_select(self, mask: Any) -> Any:
        """Return the elements where the bool tensor `mask` holds, in one dimension; both broadcast."""
        kept = _mask("masked_select", mask)
        try:
            shape = np.broadcast_shapes(self.array.shape, kept.shape)
        except ValueError:
            raise cannot_broadcast("masked_select", self.array.shape, kept.shape) from None
        whole = self.expand(shape).reshape(-1)  # type: ignore[attr-defined]
        return whole[np.broadcast_to(kept, shape).reshape(-1)]

    def masked_fill(self, mask: Any, value: Any) -> Any:
        """Return a copy with `value`, a number or 0-d tensor, where the bool tensor `mask` holds."""
        return apply(ops.Where, self._filling("masked_fill", value), self, condition=_mask("masked_fill", mask))

    def masked_fill_(self, mask: Any, value: Any) -> Any:
        """Put `value` where the bool tensor `mask` holds, in place."""
        kept = _mask("masked_fill_", mask)
        try:
            kept = np.broadcast_to(kept, self.array.shape)
        except ValueError:
            raise cannot_broadcast("masked_fill_", self.array.shape, kept.shape) from None
        self[kept] = self._filling("masked_fill_", value)
        return self

    def _filling(self, name: str, value: Any) -> Any:
        """Return what is to stand where a mask holds, a number or a 0-d tensor, in this dtype."""
        if isinstance(value, Variable):
            if value.array.ndim:
                raise ShapeError(f"{name}: value has shape {value.array.shape}, expected a number or a 0-d tensor")
            if value.requires_grad:
                return cast(value, self.array.dtype)
        return self._new(as_element(value, self.array.dtype, f"{name}: value"))

    def where(self, condition: Any, other: Any) -> Any:
        """Return the elements of self where `condition` holds, else those of `other`."""
        if is_number(other):
            other = self._new(as_element(other, result_dtype(self, other), "where: other"))
        a, b = operands(self, other)
        return apply(ops.Where, a, b, condition=_mask("where", condition))

    def scatter_(self, dim: int, index: Any, src: Any) -> Any:
        """Put src (tensor, at least as large as index, or number) at self[i][index[i][j]] for dim 1, in place."""
        return self._become("scatter_", lambda x: x.scatter(dim, index, src), src)  # type: ignore[attr-defined]

    def scatter(self, dim: int, index: Any, src: Any) -> Any:
        """Return a copy with src (tensor, at least as large as index, or number) at [i][index[i][j]] for dim 1."""
        if not isinstance(src, Variable):
            src = self._new(np.full(as_array(index).shape, as_element(src, self.array.dtype, "scatter: src")))
        return self._scattered("scatter", dim, index, src)

    def scatter_add(self, dim: int, index: Any, src: Any) -> Any:
        """Return a copy with src, at least as large as index, added at [i][index[i][j]] for dim 1, likewise others."""
        return self._scatter_added(dim, index, src)

    def scatter_add_(self, dim: int, index: Any, src: Any) -> Any:
        """Add src at self[i][index[i][j]] for dim 1, likewise for others, in place."""
        return self._become("scatter_add_", lambda x: x._scatter_added(dim, index, src, True), src)  # type: ignore

    def _scatter_added(self, dim: int, index: Any, src: Any, in_place: bool = False) -> Any:
        check_tensor("scatter_add", "src", src)
        return self._scattered("scatter_add", dim, index, src, add=True, in_place=in_place)

    def _scattered(self, name: str, dim: int, index: Any, src: Any, add: bool = False, in_place: bool = False) -> Any:
        """Write src to the places that `index` names along `dim`, or add it."""
        axis = normalise_axis(name, dim, self.array.ndim)
        ids, shape, sources = as_array(index), self.array.shape, src.array.shape
        if ids.dtype != np.int64:
            raise DtypeError(f"{name}: index has dtype {ids.dtype}, expected int64")
        if src.array.dtype != self.array.dtype:
            raise DtypeError(f"{name}: src has dtype {src.array.dtype}, expected {self.array.dtype} as input")
        if ids.size == 0:
            whole = self.reshape(-1)  # type: ignore[attr-defined]
            return apply(ops.AddAt, whole, src.reshape(-1)[:0], dim=0, ids=np.zeros(0, np.int64)).reshape(shape)
        if len(shape) == 0 or ids.ndim == 0 or len(sources) == 0:  # no dimension counts as one of size 1
            if max(len(shape), 1) == max(ids.ndim, 1) == max(len(sources), 1):
                x, y = [x.reshape(1) if x.array.ndim == 0 else x for x in (self, src)]  # type: ignore[union-attr]
                return x._scattered(name, dim, ids.reshape(-1), y, add).reshape(shape)
        if (
            not len(shape) == ids.ndim == len(sources)
            or any(i > n for k, (i, n) in enumerate(zip(ids.shape, shape, strict=True)) if k != axis)
            or any(i > n for i, n in zip(ids.shape, sources, strict=True))
        ):
            raise ShapeError(
                f"{name}: index has shape {ids.shape}, input {shape} and src {sources}; expected as many dimensions in "
                f"all, and an index that is nowhere larger than src, nor than input except in dimension {axis}"
            )
        ids = check_ids(name, "index", ids, shape[axis])
        values = src if ids.shape == sources else src[tuple(map(slice, ids.shape))]
        if add:
            return apply(ops.AddAt, self, values, dim=axis, ids=ids, in_place=in_place)
        place = tuple([ids if k == axis else grid for k, grid in enumerate(np.ogrid[tuple(map(slice, ids.shape))])])
        return apply(ops.SetItem, self, values, index=place)

    def index_add(self, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
        """Return a copy with alpha * source added to the slices along `dim` that `index` (N,) names.

        `source` has as many slices as `index` numbers. Raises `IndexError` for a number out of range, `ShapeError`
        and `DtypeError` where source does not fit.
        """
        return self._index_added(dim, index, source, alpha)

    def _index_added(self, dim: int, index: Any, source: Any, alpha: float, in_place: bool = False) -> Any:
        axis = normalise_axis("index_add", dim, self.array.ndim)
        shape, ids, values = self.array.shape, as_array(index), source.array
        if ids.ndim > 1:
            raise IndexError(f"index_add: index has shape {ids.shape}, expected (N,)")
        if not values.ndim and ids.size != 1:
            raise RangeError(f"index_add: source has no dimensions, expected {ids.size} slices")
        if not shape:  # one number counts as one slice
            source = source.reshape(-1)
            return self.reshape(1).index_add(0, index, source, alpha=alpha).reshape(())  # type: ignore[attr-defined]
        ids = np.atleast_1d(ids)
        if values.dtype != self.array.dtype:
            raise DtypeError(f"index_add: source has dtype {values.dtype}, expected {self.array.dtype} as input")
        wanted = (*shape[:axis], len(ids), *shape[axis + 1 :])
        if values.shape != wanted:
            raise ShapeError(f"index_add: source has shape {values.shape}, expected {wanted}")
        if values.size:
            ids = check_ids("index_add", "index", ids, shape[axis])
        elif ids.dtype.kind not in "iu":
            raise DtypeError(f"index_add: index has dtype {ids.dtype}, expected int64 or int32")
        else:
            ids = np.zeros(values.shape[axis], np.int64)  # slices of nothing, or into nothing
        scaled = source if alpha == 1 else source * alpha
        return apply(ops.AddAt, self, scaled, dim=axis, ids=ids, in_place=in_place)

    def index_add_(self, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
        """Add alpha * source to the slices along `dim` that `index` (N,) names, in place."""
        return self._become("index_add_", lambda x: x._index_added(dim, index, source, alpha, True), source)  # type: ignore

    def nonzero(self, *, as_tuple: bool = False) -> Any:
        """Return the positions (N, ndim) int64 of the elements that are not zero; or one tensor (N,) per dimension."""
        if as_tuple:
            return tuple(self._new(axis) for axis in np.nonzero(np.atleast_1d(self.array)))
        return self._new(nonzero(self.array))


def _mask(name: str, mask: Any) -> np.ndarray:
    array = as_array(mask)
    if array.dtype.kind != "b":
        raise DtypeError(f"{name}: mask has dtype {array.dtype}, expected bool")
    return array

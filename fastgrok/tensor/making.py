"""Tensor methods that make new tensors of the same dtype, and arrays out of what users pass as data."""

from typing import Any

import numpy as np

from ..autograd import Variable
from ..errors import DataError, NumberError, ShapeError
from ..ops.base import filled, zeros
from ..ops.shape import size_argument
from .dtypes import as_dtype, as_element, bool_, device, float32
from .operands import as_array


def to_array(data: Any, dtype: Any = None, name: str = "data") -> np.ndarray:
    """Return a new array (C order) of a number, nested sequences, an array or a tensor.

    Without a dtype, Python floats become float32, whole numbers int64; arrays and tensors keep theirs. Raises
    `DataError` for what is no number, or rows of different lengths, and `NumberError` where a number does not fit.
    """
    if dtype is not None:
        dtype = as_dtype(dtype)
    inner = data
    while isinstance(inner, list | tuple) and len(inner):
        inner = inner[0]
    plain = _without_tensors(data) if hasattr(inner, "array") else data
    try:
        array = np.array(plain, order="C")
    except ValueError as error:
        raise DataError(f"{name}: rows of different lengths do not make a tensor ({error})") from None
    if array.dtype == object:
        array = _of_large_numbers(name, array, dtype)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: {type(data).__name__} of {array.dtype} elements, expected numbers")
    whole = isinstance(data, np.ndarray | np.generic) or hasattr(data, "array")
    if array.dtype == np.uint64 and not whole and (dtype is None or dtype.kind in "iu"):
        raise NumberError(f"{name}: {array.max()}, expected whole numbers of at most 63 bits")
    if dtype is None and array.dtype.kind == "f" and not isinstance(inner, np.ndarray | np.generic | Variable):
        dtype = float32
    elif dtype is None and isinstance(data, list | tuple) and array.size == 0:
        dtype = float32
    if dtype is None:
        return array.astype(as_dtype(array.dtype), copy=False)
    if dtype.kind in "iu" and not whole and array.size:
        for extreme in (array.min(), array.max()):  # of numbers one by one each must fit
            as_element(extreme, dtype, name)
    with np.errstate(all="ignore"):
        return array.astype(dtype, copy=False)


def ones_at(ids: np.ndarray, count: int) -> np.ndarray:
    """Return int64 (..., count) with a one at the place that each id (...) names, zeros elsewhere."""
    y = np.zeros((ids.size, count), np.int64)  # which the system clears when it is touched, that is, only in part
    y[np.arange(ids.size), ids.reshape(-1)] = 1
    return y.reshape(*ids.shape, count)


def _of_large_numbers(name: str, array: np.ndarray, dtype: Any) -> np.ndarray:
    """Return an array of Python's numbers, among them whole ones of more than 64 bits, as float64 or bool."""
    numbers = array.reshape(-1).tolist()
    if not all(isinstance(number, int | float) for number in numbers):
        raise DataError(f"{name}: {array.dtype} elements, expected numbers")
    if dtype.kind in "iu" if dtype is not None else all(isinstance(number, int) for number in numbers):
        raise NumberError(f"{name}: a whole number of more than 64 bits, expected at most 63")
    try:
        return array.astype(np.bool_ if dtype == bool_ else np.float64)
    except OverflowError as error:
        raise NumberError(f"{name}: {error}") from None


def _without_tensors(data: Any) -> Any:
    """Return nested sequences with arrays in place of tensors."""
    return [_without_tensors(part) for part in data] if isinstance(data, list | tuple) else as_array(data)


class Making(Variable):
    """`x.new_zeros(2, 3)` and the like: new tensors with the dtype of x, unless another is given."""

    def _made(self, array: np.ndarray, place: Any, requires_grad: bool) -> Any:
        if place is not None:
            device(place)
        result = self._new(array)
        return result.requires_grad_() if requires_grad else result

    def _sizes(self, name: str, sizes: tuple) -> tuple[int, ...]:
        shape = size_argument(name, sizes)
        if any(size < 0 for size in shape):
            raise ShapeError(f"{name}: size {shape}, expected no negative number")
        return shape

    def new_zeros(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Return zeros of the given shape."""
        array = zeros(self._sizes("new_zeros", size), as_dtype(dtype or self.array.dtype))
        return self._made(array, device, requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Return ones of the given shape."""
        array = filled(self._sizes("new_ones", size), as_dtype(dtype or self.array.dtype), 1)
        return self._made(array, device, requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Return a tensor of the given shape with whatever is in memory."""
        array = np.empty(self._sizes("new_empty", size), as_dtype(dtype or self.array.dtype))
        return self._made(array, device, requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """Return a tensor of the given shape with one value everywhere."""
        value = as_element(fill_value, as_dtype(dtype or self.array.dtype), "new_full: fill_value")
        array = filled(self._sizes("new_full", (size,)), value.dtype, value)
        return self._made(array, device, requires_grad)

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Return a tensor with a copy of `data`, as `fastgrok.tensor` does."""
        return self._made(to_array(data, dtype or self.array.dtype), device, requires_grad)

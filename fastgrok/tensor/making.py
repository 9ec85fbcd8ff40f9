"""Tensor methods that make new tensors of the same dtype, and arrays out of what users pass as data."""

from typing import Any

import numpy as np

from ..autograd import Variable
from ..errors import ShapeError
from ..ops.shape import size_argument
from .dtypes import as_dtype, device, float32
from .operands import as_array


def to_array(data: Any, dtype: Any = None) -> np.ndarray:
    """Return a new array (C order) of a number, nested sequences, an array or a tensor.

    Without a dtype, Python floats become float32, whole numbers int64; arrays and tensors keep theirs.
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
        raise ValueError(f"data: rows of different lengths do not make a tensor ({error})") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"data: {type(data).__name__} of {array.dtype} elements, expected numbers")
    if (
        dtype is None
        and array.dtype.kind == "f"
        and not isinstance(inner, np.ndarray | np.generic)
        and not hasattr(inner, "array")
    ):
        dtype = float32
    elif dtype is None and isinstance(data, list | tuple) and array.size == 0:
        dtype = float32
    return array.astype(as_dtype(array.dtype) if dtype is None else dtype, copy=False)


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
        array = np.zeros(self._sizes("new_zeros", size), as_dtype(dtype or self.array.dtype))
        return self._made(array, device, requires_grad)

    def new_ones(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Return ones of the given shape."""
        array = np.ones(self._sizes("new_ones", size), as_dtype(dtype or self.array.dtype))
        return self._made(array, device, requires_grad)

    def new_empty(self, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Return a tensor of the given shape with whatever is in memory."""
        array = np.empty(self._sizes("new_empty", size), as_dtype(dtype or self.array.dtype))
        return self._made(array, device, requires_grad)

    def new_full(
        self, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Any:
        """Return a tensor of the given shape with one value everywhere."""
        array = np.full(self._sizes("new_full", (size,)), fill_value, as_dtype(dtype or self.array.dtype))
        return self._made(array, device, requires_grad)

    def new_tensor(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Any:
        """Return a tensor with a copy of `data`, as `fastgrok.tensor` does."""
        return self._made(to_array(data, dtype or self.array.dtype), device, requires_grad)

"""Tensor methods that lead to other forms: NumPy, Python, other dtypes, copies, pickles, text."""

import operator
from typing import Any, Self

import numpy as np

from .. import ops
from ..autograd import Storage, Variable, apply
from ..errors import DtypeError, ShapeError, StateError
from . import printing
from .dtypes import as_dtype, bool_, device, float32, float64, int32, int64
from .operands import cast


class Conversion(Variable):
    """Conversions; those that only look at the tensor share its memory, those that change the dtype copy."""

    @property
    def dtype(self) -> np.dtype:
        """The type of the elements, one of `fastgrok.float32`, `float64`, `int64` ..."""
        return self.array.dtype

    @property
    def device(self) -> device:
        """Where the tensor lives: always `device("cpu")`."""
        return device("cpu")

    @property
    def data(self) -> Any:
        """The tensor without its history, over the same memory. Changes made through it are not noticed by backward."""
        self.gathered = None  # changes through the alias would go unseen
        alias = self._alias()
        alias.storage = Storage()
        return alias

    @data.setter
    def data(self, value: Variable) -> None:
        if not isinstance(value, Variable):
            raise TypeError(f"data: got {type(value).__name__}, expected a Tensor")
        if self.requires_grad and value.array.dtype.kind != "f":
            raise DtypeError(f"data: dtype {value.array.dtype} for a tensor that requires grad, expected floats")
        self.array, self.storage, self.gathered, self.parent = value.array, value.storage, None, None

    def detach(self) -> Any:
        """Return the tensor without its history, over the same memory."""
        return self._alias()

    def detach_(self) -> Self:
        """Drop the history of this tensor: it becomes a leaf that requires no gradient."""
        if self.is_view and self.op is not None:
            raise StateError("detach_: this tensor is a view; use detach()")
        self.op, self.output, self._requires_grad = None, 0, False
        return self

    def clone(self) -> Any:
        """Return a copy, recorded."""
        return apply(ops.Clone, self)

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """Return the array itself, not a copy; writing to it is not noticed by backward.

        Raises `StateError` for a tensor that requires a gradient, unless `force`.
        """
        if self.requires_grad and not force:
            raise StateError("numpy: this tensor requires grad; use .detach().numpy()")
        self.gathered = None  # changes of the array would go unseen
        return self.array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if copy is False and dtype is not None and np.dtype(dtype) != array.dtype:
            raise ValueError(f"__array__: dtype {array.dtype} cannot become {dtype} without a copy")
        return np.array(array, dtype, copy=copy)

    def __array_wrap__(self, array: np.ndarray, context: Any = None, return_scalar: bool = False) -> Any:
        return self._new(array)  # what NumPy's functions make of a tensor is a tensor again

    def __dlpack__(self, **options: Any) -> Any:
        if self.requires_grad:
            raise BufferError("__dlpack__: this tensor requires grad; use .detach()")
        self.gathered = None
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    __array_priority__ = 1000  # NumPy leaves `array + tensor` to the tensor

    def item(self) -> Any:
        """Return the only element as a Python number; raises `ShapeError` when there is not exactly one."""
        if self.array.size != 1:
            raise ShapeError(f"item: shape {self.array.shape}, expected exactly one element")
        return self.array.item()

    def tolist(self) -> Any:
        """Return nested lists of Python numbers; a number for a 0-d tensor."""
        return self.array.tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub":
            raise TypeError(f"a tensor of dtype {self.array.dtype} cannot be an index, expected whole numbers")
        return operator.index(self.item())

    def to(
        self, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, non_blocking: bool = False
    ) -> Any:
        """Return the tensor with another dtype: `to(dtype)`, `to(device)`, `to(device, dtype)` or `to(other)`.

        The tensor itself where nothing changes, unless `copy`. Raises for devices other than the CPU.
        """
        for argument in args:
            if isinstance(argument, Variable):
                dtype = argument.array.dtype
            elif isinstance(argument, str) or type(argument).__name__ == "device":
                device = argument
            elif argument is not None and not (isinstance(argument, bool) and dtype is not None):
                dtype = argument
        if device is not None:
            type(self.device)(device)  # raises for anything but the CPU
        result = self if dtype is None else cast(self, as_dtype(dtype))
        return result.clone() if copy and result is self else result

    def type(self, dtype: Any = None) -> Any:
        """Return the tensor with another dtype, or the name of its dtype."""
        return str(self.array.dtype) if dtype is None else self.to(dtype)

    def type_as(self, other: Variable) -> Any:
        """Return the tensor with the dtype of another."""
        return self.to(other.array.dtype)

    def float(self) -> Any:
        """Return the tensor as float32."""
        return cast(self, float32)

    def double(self) -> Any:
        """Return the tensor as float64."""
        return cast(self, float64)

    def long(self) -> Any:
        """Return the tensor as int64."""
        return cast(self, int64)

    def int(self) -> Any:
        """Return the tensor as int32."""
        return cast(self, int32)

    def bool(self) -> Any:
        """Return whether the elements differ from 0, as a bool tensor."""
        return cast(self, bool_)

    def half(self) -> Any:
        """Raise `NotImplementedError`: half precision is not covered."""
        raise NotImplementedError("half: float16 is not covered, expected float32 or float64; use float()")

    def bfloat16(self) -> Any:
        """Raise `NotImplementedError`: half precision is not covered."""
        raise NotImplementedError("bfloat16: bfloat16 is not covered, expected float32 or float64; use float()")

    def cpu(self) -> Self:
        """Return the tensor itself: it is on the CPU."""
        return self

    def cuda(self, *args: Any, **keywords: Any) -> Any:
        """Raise `RuntimeError`: fastgrok calculates on the CPU only."""
        return device("cuda")

    def is_floating_point(self) -> Any:
        """Whether the elements are floats."""
        return self.array.dtype.kind == "f"

    def element_size(self) -> Any:
        """Return the bytes per element."""
        return self.array.itemsize

    def data_ptr(self) -> Any:
        """Return the address of the first element."""
        return self.array.ctypes.data

    def __repr__(self) -> str:
        return printing.text(self)

    def __format__(self, specification: str) -> str:
        if self.array.ndim and not specification:
            return repr(self)
        return format(self.item(), specification)

    def __deepcopy__(self, memo: dict) -> Self:
        if self.op is not None:
            raise StateError(
                "deepcopy: this tensor was calculated; only leaves can be copied deeply, use detach() or clone()"
            )
        copied = _restore(type(self), self.array.copy(), self.requires_grad)
        memo[id(self)] = copied
        if self.grad is not None:
            copied._grad = self.grad._new(self.grad.array.copy())
        return copied

    def __reduce__(self) -> Any:
        if self.op is not None:
            raise StateError("pickle: this tensor was calculated; only leaves can be pickled, use detach()")
        return _restore, (type(self), self.array, self.requires_grad)


def _restore(cls: Any, array: np.ndarray, requires_grad: Any) -> Any:
    """Make a leaf of a class from what pickle or deepcopy kept."""
    return cls._from_array(array, requires_grad)

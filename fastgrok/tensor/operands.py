"""How the tensor methods turn what users pass - tensors, numbers, arrays - into operands of one dtype."""

from typing import Any

import numpy as np

from ..autograd import Variable, apply
from ..ops import Cast, Op
from .dtypes import as_dtype, float32, result_dtype

NUMBER = (int, float, np.number, np.bool_)
OPERAND = (Variable, np.ndarray, *NUMBER)


def is_operand(x: Any) -> bool:
    """Whether arithmetic with x is defined."""
    return isinstance(x, OPERAND)


def cast(x: Variable, dtype: np.dtype) -> Any:
    """Return x in another dtype, recorded where that has a gradient; x itself when it has that dtype."""
    if x.array.dtype == dtype:
        return x
    if dtype.kind != "f":  # whole numbers have no gradient
        return x._new(x.array.astype(dtype))
    return apply(Cast, x, dtype=dtype)


def floating(x: Variable) -> Any:
    """Return x itself when it holds floats, else as float32: what functions such as exp do with whole numbers."""
    return x if x.array.dtype.kind == "f" else cast(x, float32)


def operands(a: Variable, b: Any) -> tuple[Any, Any]:
    """Return a and b as variables of the dtype that PyTorch's promotion gives."""
    if isinstance(b, np.ndarray):
        as_dtype(b.dtype, "operand: dtype")
        b = a._result_class._from_array(b)
    if not isinstance(b, Variable):
        dtype = result_dtype(a, b)
        return cast(a, dtype), a._result_class._from_array(np.asarray(b).astype(dtype))
    if a.array.dtype == b.array.dtype:
        return a, b
    dtype = result_dtype(a, b)
    return cast(a, dtype), cast(b, dtype)


def binary(op_class: type[Op], a: Variable, b: Any) -> Any:
    """Apply an op of two operands."""
    if isinstance(b, Variable) and a.array.dtype is b.array.dtype:  # the usual case, kept short
        return apply(op_class, a, b)
    if not is_operand(b):
        return NotImplemented
    return apply(op_class, *operands(a, b))


def checked(name: str, other: Any) -> Any:
    """Return an operand of a method; raises `TypeError` for what is none."""
    if not is_operand(other):
        raise TypeError(f"{name}(): argument 'other' must be Tensor or a number, not {type(other).__name__}")
    return other


def check_tensor(name: str, argument: str, x: Any) -> None:
    """Raise `TypeError` for what is no tensor."""
    if not isinstance(x, Variable):
        raise TypeError(f"{name}(): argument '{argument}' must be Tensor, not {type(x).__name__}")


def as_array(x: Any) -> np.ndarray:
    """Return a tensor's or anybody's array without copying it."""
    return x.array if isinstance(x, Variable) else np.asarray(x)

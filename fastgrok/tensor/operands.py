"""How the tensor methods turn what users pass - tensors, numbers, arrays - into operands of one dtype."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ..autograd import Variable, apply
from ..ops import Cast, Op
from .dtypes import as_dtype, as_operand, float32, result_dtype

NUMBER = (int, float, np.number, np.bool_)
OPERAND = (Variable, np.ndarray, *NUMBER)


def is_operand(x: Any) -> bool:
    """Whether arithmetic with x is defined."""
    return isinstance(x, OPERAND)


def is_number(x: Any) -> bool:
    """Whether x is a number of Python or NumPy."""
    return isinstance(x, NUMBER)


def cast(x: Variable, dtype: np.dtype) -> Any:
    """Return x in another dtype, recorded where that has a gradient; x itself when it has that dtype."""
    if x.array.dtype == dtype:
        return x
    if dtype.kind != "f":  # whole numbers have no gradient
        with np.errstate(all="ignore"):
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
        return cast(a, dtype), a._result_class._from_array(as_operand(b, dtype))
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


def numpy_names(function: Callable) -> Callable:
    """Let a function take NumPy's names `axis` and `keepdims` for `dim` and `keepdim`, as PyTorch's do."""
    taken = inspect.signature(function).parameters
    names = {theirs: ours for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")) if ours in taken}

    @wraps(function)
    def renaming(*arguments: Any, **keywords: Any) -> Any:
        if keywords:
            for theirs, ours in names.items():
                if theirs in keywords and ours not in keywords:
                    keywords[ours] = keywords.pop(theirs)
        return function(*arguments, **keywords)

    return renaming


def check_tensor(name: str, argument: str, x: Any) -> None:
    """Raise `TypeError` for what is no tensor."""
    if not isinstance(x, Variable):
        raise TypeError(f"{name}(): argument '{argument}' must be Tensor, not {type(x).__name__}")


def as_array(x: Any) -> np.ndarray:
    """Return a tensor's or anybody's array without copying it."""
    return x.array if isinstance(x, Variable) else np.asarray(x)

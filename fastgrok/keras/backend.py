"""The functions of `keras.backend` that scripts use on tensors, under their names there."""

from typing import Any

import numpy as np

import fastgrok

from ..tensor import Tensor
from .activations import elu, hard_sigmoid, relu, sigmoid, softmax, softplus, softsign, tanh
from .naming import clear_names

__all__ = [
    "abs", "backend", "cast", "clear_session", "clip", "concatenate", "constant", "dot", "elu", "epsilon", "exp",
    "expand_dims", "flatten", "floatx", "get_value", "hard_sigmoid", "image_data_format", "int_shape", "log", "max",
    "maximum", "mean", "min", "minimum", "ndim", "pow", "relu", "reshape", "round", "set_epsilon", "set_value",
    "shape", "sigmoid", "sign", "softmax", "softplus", "softsign", "sqrt", "square", "squeeze", "std", "sum", "tanh",
    "transpose", "var",
]  # fmt: skip

_epsilon = 1e-7


def backend() -> str:
    """Return the name of what computes."""
    return "fastgrok"


def epsilon() -> float:
    """Return the small number that keeps probabilities from 0 and 1: 1e-7 unless `set_epsilon` changed it."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Change what `epsilon` returns; raises `ValueError` unless it is between 0 and 1."""
    global _epsilon
    if not 0 < value < 1:
        raise ValueError(f"set_epsilon: value={value!r}, expected a number between 0 and 1")
    _epsilon = float(value)


def floatx() -> str:
    """Return the dtype of weights."""
    return "float32"


def image_data_format() -> str:
    """Return where images have their channels."""
    return "channels_last"


def clear_session() -> None:
    """Number new layers from the beginning; there is no other global state to clear."""
    clear_names()


def constant(value: Any, dtype: Any = None, shape: Any = None) -> Tensor:
    """Return a tensor of given values, float32 unless `dtype` says otherwise."""
    array = np.asarray(value, np.dtype(dtype or np.float32))
    return Tensor._from_array(np.array(array if shape is None else np.broadcast_to(array, shape)))


def get_value(x: Any) -> np.ndarray:
    """Return the values of a tensor, a weight or an optimizer's setting as an array."""
    if isinstance(x, Tensor):
        return x.detach().numpy()
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


def set_value(x: Any, value: Any) -> None:
    """Change a weight, which must have the shape of `value`."""
    x.assign(value)


def cast(x: Tensor, dtype: Any) -> Tensor:
    """Return x in another dtype."""
    return x.to(getattr(fastgrok, dtype) if isinstance(dtype, str) else dtype)


def int_shape(x: Any) -> tuple[int, ...]:
    """Return the shape."""
    return tuple(x.shape)


shape = int_shape


def ndim(x: Any) -> int:
    """Return the number of axes."""
    return len(x.shape)


def abs(x: Tensor) -> Tensor:
    """Return |x|."""
    return x.abs()


def exp(x: Tensor) -> Tensor:
    """Return e to the power of x."""
    return x.exp()


def log(x: Tensor) -> Tensor:
    """Return the natural logarithm."""
    return x.log()


def sqrt(x: Tensor) -> Tensor:
    """Return the square root, 0 for negative numbers."""
    return x.clamp(min=0).sqrt()


def square(x: Tensor) -> Tensor:
    """Return x * x."""
    return x * x


def pow(x: Tensor, a: Any) -> Tensor:
    """Return x to the power of a."""
    return x**a


def sign(x: Tensor) -> Tensor:
    """Return -1, 0 or 1."""
    return x.sign()


def round(x: Tensor) -> Tensor:
    """Return the nearest whole number."""
    return x.round()


def clip(x: Tensor, min_value: float, max_value: float) -> Tensor:
    """Return x, limited to an interval."""
    return x.clamp(min_value, max_value)


def maximum(x: Tensor, y: Any) -> Tensor:
    """Return the larger of two numbers, element by element."""
    return x.maximum(y) if isinstance(y, Tensor) else x.clamp(min=y)


def minimum(x: Tensor, y: Any) -> Tensor:
    """Return the smaller of two numbers, element by element."""
    return x.minimum(y) if isinstance(y, Tensor) else x.clamp(max=y)


def sum(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return the sum along an axis, or of everything."""
    return x.sum() if axis is None else x.sum(dim=axis, keepdim=keepdims)


def mean(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return the mean along an axis, or of everything."""
    return x.mean() if axis is None else x.mean(dim=axis, keepdim=keepdims)


def max(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return the largest number along an axis, or of all."""
    return x.amax() if axis is None else x.amax(dim=axis, keepdim=keepdims)


def min(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return the smallest number along an axis, or of all."""
    return x.amin() if axis is None else x.amin(dim=axis, keepdim=keepdims)


def var(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return the mean squared distance from the mean."""
    return x.var(unbiased=False) if axis is None else x.var(dim=axis, unbiased=False, keepdim=keepdims)


def std(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return the root of `var`."""
    return sqrt(var(x, axis, keepdims))


def dot(x: Tensor, y: Tensor) -> Tensor:
    """Return the matrix product."""
    return x.matmul(y)


def transpose(x: Tensor) -> Tensor:
    """Return the matrix with its axes exchanged."""
    return x.t()


def reshape(x: Tensor, shape: Any) -> Tensor:
    """Return the same numbers in another shape."""
    return x.reshape(*shape)


def flatten(x: Tensor) -> Tensor:
    """Return the same numbers along one axis."""
    return x.reshape(-1)


def expand_dims(x: Tensor, axis: int = -1) -> Tensor:
    """Return x with an axis of size 1 more."""
    return x.unsqueeze(axis)


def squeeze(x: Tensor, axis: int) -> Tensor:
    """Return x without an axis of size 1."""
    return x.squeeze(axis)


def concatenate(tensors: Any, axis: int = -1) -> Tensor:
    """Return tensors side by side."""
    return fastgrok.cat(tensors, dim=axis)

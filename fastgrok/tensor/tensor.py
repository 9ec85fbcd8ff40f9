"""`Tensor`: an array with a gradient and PyTorch's methods, put together from families of methods."""

from typing import Any

import numpy as np

from ..autograd import Storage
from .arithmetic import Arithmetic
from .comparison import Comparison
from .conversion import Conversion
from .dtypes import as_dtype, float32
from .indexing import Indexing
from .inplace import InPlace
from .operands import as_array
from .reductions import Reductions
from .shape import Shape


class Tensor(Arithmetic, Comparison, Reductions, Shape, Indexing, InPlace, Conversion, results=True):
    """An n-dimensional array whose calculations are recorded, so that `backward()` finds gradients.

    Usually made by `fastgrok.tensor`, `zeros`, `randn` and the like. `Tensor(data)` makes a float32 copy of numbers,
    and `Tensor(2, 3)` an uninitialised tensor of that shape, as in PyTorch.

    Examples
    --------
    >>> import fastgrok
    >>> x = fastgrok.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y
    tensor(30., grad_fn=<Sum>)
    >>> y.backward()
    >>> x.grad
    tensor([[2., 4.],
            [6., 8.]])
    """

    def __init__(self, *data: Any):
        if data and all(isinstance(size, int) for size in data):
            array = np.empty(data, float32)
        elif len(data) > 1:
            raise TypeError(
                f"Tensor: {len(data)} arguments, expected sizes or one sequence of numbers; see fastgrok.tensor"
            )
        else:
            array = to_array(data[0], float32) if data else np.empty(0, float32)
        self.array, self.storage = array, Storage()


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

"""`Parameter`: a tensor that a module trains."""

from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError
from ..tensor import Tensor, dtypes

__all__ = ["Parameter", "new_parameter"]


class Parameter(Tensor):
    """A leaf tensor that, assigned to an attribute of a `Module`, becomes one of its parameters.

    It shares memory with `data`. What is calculated from it is a plain `Tensor`.

    Raises `TypeError` when `data` is not a tensor, or not one of floats although a gradient is required.

    Examples
    --------
    >>> import fastgrok
    >>> w = Parameter(fastgrok.zeros(2, 3))
    >>> w.requires_grad, w.is_leaf, type(2 * w).__name__
    (True, True, 'Tensor')
    """

    def __init__(self, data: Any = None, requires_grad: bool = True):
        data = Tensor._from_array(np.zeros(0, np.float32)) if data is None else data
        if not isinstance(data, Tensor):
            raise TypeError(f"Parameter: data is {type(data).__name__}, expected Tensor")
        self.array, self.storage, self.is_view = data.array, data.storage, data.is_view
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def new_parameter(shape: tuple[int, ...], device: Any = None, dtype: Any = None) -> Parameter:
    """Return a parameter of `shape`, zero until it is initialised; float32 unless `dtype` says otherwise.

    Raises
    ------
    ValueError, TypeError
        When a size is negative or not a whole number, or the dtype not a floating-point one.
    RuntimeError
        When `device` is not the CPU.
    """
    for size in shape:
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise DtypeError(f"sizes {shape}: {size!r} is {type(size).__name__}, expected whole numbers")
        if size < 0:
            raise ShapeError(f"sizes {shape}: {size} is negative, expected at least 0")
    if device is not None:
        dtypes.device(device)
    dtype = np.dtype(np.float32) if dtype is None else dtypes.as_dtype(dtype)
    if dtype.kind != "f":
        raise DtypeError(f"dtype={dtype}, expected float32 or float64 for parameters")
    return Parameter(Tensor._from_array(np.zeros(shape, dtype)))

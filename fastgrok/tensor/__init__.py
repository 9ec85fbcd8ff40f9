"""Tensors: the class with the user's methods, and the functions that make and combine them.

The package itself is callable: `fastgrok.tensor([1.0, 2.0])` makes a tensor, as in PyTorch, although
`fastgrok.tensor` is the name of this folder too.
"""

import sys
from types import ModuleType
from typing import Any

from . import creation
from .tensor import Tensor

__all__ = ["Tensor"]


class _Callable(ModuleType):
    def __call__(self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        return creation.tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)


sys.modules[__name__].__class__ = _Callable

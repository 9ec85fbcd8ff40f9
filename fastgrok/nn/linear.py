"""`Linear`: a matrix product and a bias."""

import math
from typing import Any

from .. import ops
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import new_parameter

__all__ = ["Linear"]


class Linear(Module):
    """y = x W^T + b.

    Parameters
    ----------
    in_features, out_features : int
        D and O.
    bias : bool
        Whether there is a b.

    Attributes
    ----------
    weight : Parameter (O, D)
        Drawn uniformly from [-1/sqrt(D), 1/sqrt(D)), as in PyTorch.
    bias : Parameter (O,) or None
        Likewise.

    Shape: input (..., D), output (..., O), float32 or float64.

    Raises
    ------
    ShapeError
        By the call, when the last dimension of the input is not D.

    Examples
    --------
    >>> import fastgrok
    >>> layer = Linear(3, 2)
    >>> layer(fastgrok.ones(5, 3)).shape == (5, 2)
    True
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = new_parameter((out_features, in_features), device, dtype)
        if bias:
            self.bias = new_parameter((out_features,), device, dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        if self.weight.array.size:
            init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # with this slope the bound is 1/sqrt(in_features)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """Compute x W^T + b."""
        return F.linear(input, self.weight, self.bias)

    def _forward_then(self, activation: type[ops.Op], p: float, input: Tensor) -> Tensor:
        """Compute an activation of x W^T + b and drop elements of that with probability p, in one op."""
        return F._linear_then(ops.Dense, input, self.weight, self.bias, activation=activation, p=p)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"

"""Nonlinearities as layers, for `Sequential`; each applies the function of the same name to every element or row."""

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["LogSoftmax", "ReLU", "Sigmoid", "Softmax", "Tanh"]


class Tanh(Module):
    """y = tanh(x). Shape: any, kept."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute tanh(x)."""
        return F.tanh(input)


class Sigmoid(Module):
    """y = 1 / (1 + exp(-x)). Shape: any, kept."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute the sigmoid."""
        return F.sigmoid(input)


class ReLU(Module):
    """y = max(x, 0). Shape: any, kept. `inplace=True` overwrites the input, as in PyTorch."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Compute max(x, 0)."""
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        """Return the setting, where it is not the default."""
        return "inplace=True" if self.inplace else ""


class Softmax(Module):
    """y = exp(x) / sum(exp(x)) along `dim`. Shape: any, kept.

    Examples
    --------
    >>> import fastgrok
    >>> Softmax(dim=1)(fastgrok.zeros(1, 4))
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Compute the softmax along `dim`."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """y = x - log(sum(exp(x))) along `dim`. Shape: any, kept."""

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Compute the logarithm of the softmax along `dim`."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"

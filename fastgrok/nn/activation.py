"""Nonlinearities as layers, for `Sequential`; each applies the function of the same name to every element or row."""

from typing import Any

from ..errors import SettingsError
from ..tensor import Tensor
from . import functional as F
from .init import constant_
from .module import Module
from .parameter import new_parameter

__all__ = [
    "ELU",
    "GELU",
    "GLU",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


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


class LogSigmoid(Module):
    """y = log(1 / (1 + exp(-x))), without overflow. Shape: any, kept."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute the logarithm of the sigmoid."""
        return F.logsigmoid(input)


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


class LeakyReLU(Module):
    """y = x where x > 0, else negative_slope * x. Shape: any, kept. `inplace=True` overwrites the input."""

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False):
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Scale what is not positive."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"negative_slope={self.negative_slope}{_in_place(self.inplace)}"


class ELU(Module):
    """y = x where x > 0, else alpha * (exp(x) - 1). Shape: any, kept. `inplace=True` overwrites the input."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Bend what is not positive."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"alpha={self.alpha}{_in_place(self.inplace)}"


class GELU(Module):
    """y = x P(x), P(x) the probability that a normal number is below x; see `F.gelu`. Shape: any, kept.

    Raises
    ------
    RuntimeError, ValueError
        By the call, when `approximate` is neither "none" nor "tanh".
    """

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Weigh x by its probability."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """y = x / (1 + exp(-x)), also known as swish. Shape: any, kept. `inplace=True` overwrites the input."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Weigh x by its sigmoid."""
        return F.silu(input, self.inplace)

    def extra_repr(self) -> str:
        """Return the setting, where it is not the default."""
        return "inplace=True" if self.inplace else ""


class Mish(Module):
    """y = x tanh(log(1 + exp(x))). Shape: any, kept. `inplace=True` overwrites the input."""

    def __init__(self, inplace: bool = False):
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Weigh x by tanh(softplus(x))."""
        return F.mish(input, self.inplace)

    def extra_repr(self) -> str:
        """Return the setting, where it is not the default."""
        return "inplace=True" if self.inplace else ""


class GLU(Module):
    """y = a / (1 + exp(-b)), a and b being the halves of x along `dim`. Shape: that dimension is halved."""

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Gate one half by the other."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the dimension."""
        return f"dim={self.dim}"


class PReLU(Module):
    """y = x where it is positive, else weight * x. Shape: any, kept.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels (dimension 1): one weight for each.
    init : float
        What the weights are at first.

    Attributes
    ----------
    weight : Parameter (num_parameters,)
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = new_parameter((num_parameters,), device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weights to `init`."""
        constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Scale what is not positive."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the number of weights."""
        return f"num_parameters={self.num_parameters}"


class Softplus(Module):
    """y = log(1 + exp(beta x)) / beta, and x itself where beta x > threshold. Shape: any, kept."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Smooth the kink of ReLU."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Hardtanh(Module):
    """y = x, cut off below `min_val` and above `max_val`. Shape: any, kept. `inplace=True` overwrites the input.

    Raises
    ------
    ValueError, AssertionError
        Unless min_val < max_val.
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
        if not max_val > min_val:
            raise SettingsError(f"Hardtanh: min_val={min_val}, expected less than max_val={max_val}")
        super().__init__()
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Cut off."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"min_val={self.min_val}, max_val={self.max_val}{_in_place(self.inplace)}"


class ReLU6(Hardtanh):
    """y = x, cut off below 0 and above 6. Shape: any, kept. `inplace=True` overwrites the input."""

    def __init__(self, inplace: bool = False):
        super().__init__(0.0, 6.0, inplace)

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


def _in_place(inplace: bool) -> str:
    """Return what the text of a layer says about it."""
    return ", inplace=True" if inplace else ""

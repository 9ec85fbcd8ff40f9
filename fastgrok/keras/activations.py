"""Activations by name or callable: what `activation=` of a layer may be."""

from collections.abc import Callable
from typing import Any

from ..nn import functional as F
from ..tensor import Tensor
from .naming import choose

__all__ = [
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
]


def linear(x: Tensor) -> Tensor:
    """Return x."""
    return x


def relu(x: Tensor) -> Tensor:
    """Return max(x, 0)."""
    return F.relu(x)


def relu6(x: Tensor) -> Tensor:
    """Return min(max(x, 0), 6)."""
    return F.relu6(x)


def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """Return x, times `negative_slope` where it is negative."""
    return F.leaky_relu(x, negative_slope)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x, or alpha * (exp(x) - 1) where it is negative."""
    return F.elu(x, alpha)


def selu(x: Tensor) -> Tensor:
    """Return elu(x, 1.6733) times 1.0507, which keeps mean and variance (Klambauer et al. 2017)."""
    return F.elu(x, 1.6732632423543772) * 1.0507009873554805


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """Return x times the probability that a normal number is below x; by tanh when `approximate`."""
    return F.gelu(x, "tanh" if approximate else "none")


def silu(x: Tensor) -> Tensor:
    """Return x * sigmoid(x)."""
    return F.silu(x)


swish = silu


def mish(x: Tensor) -> Tensor:
    """Return x * tanh(softplus(x))."""
    return x * F.tanh(F.softplus(x))


def softplus(x: Tensor) -> Tensor:
    """Return log(1 + exp(x))."""
    return F.softplus(x)


def softsign(x: Tensor) -> Tensor:
    """Return x / (1 + |x|)."""
    return x / (x.abs() + 1)


def tanh(x: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    return F.tanh(x)


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return F.sigmoid(x)


def hard_sigmoid(x: Tensor) -> Tensor:
    """Return relu6(x + 3) / 6."""
    return F.relu6(x + 3) / 6


def exponential(x: Tensor) -> Tensor:
    """Return exp(x)."""
    return x.exp()


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Return exp(x), divided by its sum along `axis`."""
    return F.softmax(x, dim=axis)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Return the logarithm of `softmax`."""
    return F.log_softmax(x, dim=axis)


_ALL: dict[str, Callable[..., Any]] = {name: globals()[name] for name in __all__ if name not in ("get", "serialize")}


def get(identifier: Any) -> Callable[..., Any]:
    """Return the activation of that name; a callable as it is, and `linear` for None.

    Raises `ValueError` for an unknown name.

    Examples
    --------
    >>> get("relu") is relu
    True
    """
    if identifier is None:
        return linear
    return identifier if callable(identifier) else choose("activation", identifier, _ALL)


def serialize(activation: Callable[..., Any]) -> str:
    """Return the name under which `get` finds an activation again.

    Raises `ValueError` for a function of one's own.
    """
    for name, known in _ALL.items():
        if known is activation:
            return name
    raise ValueError(
        f"activation {getattr(activation, '__name__', activation)!r} is a function of your own, which a file cannot "
        "hold: save the weights alone (save_weights), or use one of Keras' activations by name"
    )

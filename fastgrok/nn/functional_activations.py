"""Nonlinearities as functions: the newer ones; `functional` has the oldest and gives them all their place in `F`."""

from collections.abc import Callable
from typing import Any

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError, DtypeError, ShapeError
from ..ops.base import check_float
from ..tensor import Tensor
from .checks import check_tensors

__all__ = [
    "elu",
    "gelu",
    "glu",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "prelu",
    "relu6",
    "silu",
    "softplus",
]


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else negative_slope * x; `inplace=True` overwrites the input, here and below.

    Raises
    ------
    NotImplementedError
        When x does not hold floats; so do the other functions, except `hardtanh` and `relu6`.
    """
    return _elementwise("leaky_relu", ops.LeakyReLU, input, inplace, slope=negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x where it is positive, else alpha * (e^x - 1).

    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units" (2015).
    """
    return _elementwise("elu", ops.ELU, input, inplace, alpha=alpha)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return x P(x), P(x) = (1 + erf(x / sqrt(2))) / 2: the Gaussian error linear unit.

    `approximate="tanh"` takes 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) for it. Both: Hendrycks and Gimpel,
    "Gaussian error linear units" (2016).

    Raises
    ------
    RuntimeError, ValueError
        For another `approximate`.

    Examples
    --------
    >>> import fastgrok
    >>> gelu(fastgrok.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu: approximate={approximate!r}, approximate argument must be either none or tanh.")
    return _elementwise("gelu", ops.GELU if approximate == "none" else ops.TanhGELU, input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x / (1 + e^-x), which is also known as swish."""
    return _elementwise("silu", ops.SiLU, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x tanh(log(1 + e^x)). Misra, "Mish: a self regularized non-monotonic activation function" (2019)."""
    check_tensors("mish", input=input)
    function: Callable[[Tensor], Tensor] = lambda x: x * softplus(x).tanh()  # noqa: E731
    return input._become("mish", function) if inplace else function(input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return the first half of x along `dim`, times the sigmoid of the other half.

    Dauphin, Fan, Auli and Grangier, "Language modeling with gated convolutional networks" (2016).

    Raises
    ------
    ShapeError
        When x has no dimension, or an odd size along `dim`.
    """
    check_tensors("glu", input=input)
    if input.dim() == 0:
        raise ShapeError("glu: input has no dimensions, expected at least one")
    check_float("glu", "input", input.array)
    if input.size(dim) % 2:
        raise ShapeError(f"glu: input has the size {input.size(dim)} along dim={dim}, expected an even one")
    half = input.size(dim) // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return x where it is positive, else weight * x; `weight` is one number, or one per channel (dimension 1).

    He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015).

    Raises
    ------
    ShapeError, DtypeError
        When the weight does not go with the input.
    """
    check_tensors("prelu", input=input, weight=weight)
    check_float("prelu", "input", input.array)
    if weight.array.dtype != input.array.dtype:
        raise DtypeError(f"prelu: weight has dtype {weight.array.dtype}, expected {input.array.dtype} as input")
    channels = input.shape[1] if input.dim() > 1 else 1
    if weight.dim() > 1 or (weight.numel() != 1 and (input.dim() == 0 or weight.numel() != channels)):
        raise ShapeError(
            f"prelu: weight has shape {weight.shape} for an input of shape {input.shape}, expected "
            f"one number or {channels}"
        )
    slope = weight.reshape(-1, *[1] * max(input.dim() - 2, 0)) if weight.numel() > 1 else weight.reshape(())
    return input.where(input.detach() > 0, input * slope)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return log(1 + e^(beta x)) / beta, and x itself where beta x > threshold."""
    return _elementwise("softplus", ops.Softplus, input, beta=beta, threshold=threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """Return log(1 / (1 + e^-x)), without overflow."""
    return _elementwise("logsigmoid", ops.LogSigmoid, input)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return x, cut off below `min_val` and above `max_val`; the gradient at the limits is 0.

    Raises
    ------
    ValueError
        When min_val > max_val.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val={min_val}, max_val={max_val}: min_val cannot be greater than max_val")
    return _elementwise("hardtanh", ops.Hardtanh, input, inplace, low=min_val, high=max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return x, cut off below 0 and above 6."""
    return _elementwise("relu6", ops.Hardtanh, input, inplace, low=0, high=6)


def _elementwise(name: str, op: type[ops.Op], input: Tensor, inplace: bool = False, **settings: Any) -> Tensor:
    """Apply an op to a tensor, whose elements the results replace when `inplace`."""
    check_tensors(name, input=input)
    function: Callable[[Tensor], Tensor] = lambda x: apply(op, x, **settings)  # noqa: E731
    return input._become(name, function) if inplace else function(input)

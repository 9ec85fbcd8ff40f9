"""Initial values for parameters. Every function fills its tensor in place, unrecorded, and returns it."""

import math
import warnings
from typing import Any

import numpy as np

from ..autograd import no_grad
from ..errors import ArgumentError
from ..tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

CONVOLUTIONS = tuple(f"{kind}{n}d" for kind in ("conv", "conv_transpose") for n in (1, 2, 3))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which a nonlinearity shrinks the standard deviation of what passes through it, inverted.

    `param` is the negative slope of `leaky_relu` (default 0.01). The values are PyTorch's: 1 for linear functions and
    the sigmoid, 5/3 for tanh, sqrt(2) for ReLU, sqrt(2 / (1 + slope^2)) for leaky ReLU, 3/4 for SELU.

    Raises
    ------
    ValueError
        For another name, or a slope that is not a number.

    Examples
    --------
    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity in ("linear", "sigmoid") or nonlinearity in CONVOLUTIONS:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with draws from the uniform distribution on [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with draws from the normal distribution of the given mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Any = None
) -> Tensor:
    """Fill with draws from a normal distribution cut to [a, b].

    Where less than 0.3 of the normal distribution lies there, uniform draws from [a, b] are kept with a probability in
    proportion to the density; otherwise normal draws that fall outside are drawn again. So PyTorch does it.

    Warns when `mean` lies more than two standard deviations outside.

    Raises
    ------
    RuntimeError
        When `std` is negative or a > b.
    ZeroDivisionError
        When `std` is 0.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. "
            "The distribution of values may be incorrect.",
            stacklevel=2,
        )
    if not (std >= 0 and a <= b):
        raise ArgumentError(f"trunc_normal_: std={std}, a={a}, b={b}, expected std >= 0 and a <= b")
    inside = _normal_below((b - mean) / std) - _normal_below((a - mean) / std)
    peak = max(a, min(mean, b))

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return candidates, and which of them to keep."""
        values = Tensor._from_array(np.empty(count, tensor.array.dtype))
        if inside > 0.3:
            array = values.normal_(mean, std, generator=generator).array
            return array, (array >= a) & (array <= b)
        array = values.uniform_(a, b, generator=generator).array
        chance = np.exp(0.5 * (((peak - mean) / std) ** 2 - ((array - mean) / std) ** 2))
        return array, Tensor._from_array(np.empty_like(array)).uniform_(generator=generator).array < chance

    result = np.empty(tensor.array.size, tensor.array.dtype)
    missing = np.arange(result.size)
    while missing.size:
        result[missing], kept = draw(missing.size)
        missing = missing[~kept]
    with no_grad():
        return tensor.copy_(Tensor._from_array(result.reshape(tensor.shape)))


def _normal_below(x: float) -> float:
    """Return the probability that a standard normal number is less than x."""
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with the value `val`."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with ones on the diagonal and zeros elsewhere. Raises `ValueError` for what is no matrix."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: tensor has shape {tuple(tensor.shape)}. Only tensors with 2 dimensions are supported")
    with no_grad():
        return tensor.copy_(Tensor._from_array(np.eye(*tensor.shape, dtype=tensor.array.dtype)))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight (O, I, ...) of a convolution so that it hands on as many channels as it can, in each group.

    Raises `ValueError` unless there are 3, 4 or 5 dimensions and `groups` divides O.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(
            f"dirac_: tensor has shape {tuple(tensor.shape)}. Only tensors with 3, 4, or 5 dimensions are supported"
        )
    if tensor.shape[0] % groups != 0:
        raise ValueError(f"dirac_: dim 0 must be divisible by groups, got {tensor.shape[0]} and {groups}")
    weight = np.zeros(tensor.shape, tensor.array.dtype)
    middle = tuple(size // 2 for size in weight.shape[2:])
    for group in np.split(weight, groups):
        for channel in range(min(group.shape[:2])):
            group[(channel, channel, *middle)] = 1
    with no_grad():
        return tensor.copy_(Tensor._from_array(weight))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix with normal draws, and a fraction `sparsity` of each column, rounded up, with zeros.

    Martens, "Deep learning via Hessian-free optimization" (2010). Raises `ValueError` for what is no matrix.
    """
    if tensor.ndim != 2:
        raise ValueError(
            f"sparse_: tensor has shape {tuple(tensor.shape)}. Only tensors with 2 dimensions are supported"
        )
    zeros = math.ceil(sparsity * tensor.shape[0])
    normal_(tensor, 0.0, std, generator)
    order = Tensor._from_array(np.empty(tensor.shape, np.float64)).uniform_(generator=generator).array.argsort(axis=0)
    weight = tensor.array.copy()
    np.put_along_axis(weight, order[:zeros], 0, axis=0)
    with no_grad():
        return tensor.copy_(Tensor._from_array(weight))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with uniform draws from [-a, a), a = gain * sqrt(6 / (fan_in + fan_out)).

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
    For a weight (O, I, ...), fan_in is I times the size of what follows, fan_out O times that size.

    Raises
    ------
    ValueError
        When the tensor has fewer than two dimensions.
    """
    fan_in, fan_out = _fans(tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with normal draws of standard deviation gain * sqrt(2 / (fan_in + fan_out)); see `xavier_uniform_`."""
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill with uniform draws from [-s, s), s = gain * sqrt(3 / fan), where `gain` is that of the nonlinearity.

    He et al., "Delving deep into rectifiers" (2015). `a` is the negative slope of `leaky_relu`; `mode` picks the fan
    ("fan_in" keeps the variance of the forward pass, "fan_out" that of the backward pass).

    Raises
    ------
    ValueError
        For another mode or nonlinearity, or a tensor of fewer than two dimensions.
    """
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else uniform_(tensor, -math.sqrt(3.0) * std, math.sqrt(3.0) * std, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """Fill with normal draws of standard deviation gain / sqrt(fan); see `kaiming_uniform_`."""
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a random (semi-)orthogonal matrix times `gain`; dimensions after the first are taken as one.

    Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (2013): the Q
    of a QR decomposition of normal draws, its signs fixed so that Q is uniformly distributed. LAPACK computes it, in
    float64, so last digits may differ between machines.

    Raises
    ------
    ValueError
        When the tensor has fewer than two dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"orthogonal_: tensor has shape {tuple(tensor.shape)}. Only tensors with 2 or more dimensions are supported"
        )
    if tensor.array.size == 0:
        return tensor
    shape = (tensor.shape[0], tensor.array.size // tensor.shape[0])
    draws = normal_(Tensor._from_array(np.empty(shape, np.float64)), generator=generator).array
    q, r = np.linalg.qr(draws.T if shape[0] < shape[1] else draws)
    q = q * np.sign(np.diag(r))
    q = q.T if shape[0] < shape[1] else q
    with no_grad():
        return tensor.copy_(Tensor._from_array((gain * q).reshape(tensor.shape)))


def _fans(tensor: Tensor) -> tuple[int, int]:
    """Return fan_in and fan_out of a weight (O, I, ...)."""
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise ValueError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got shape {shape}"
        )
    receptive_field = math.prod(shape[2:])
    return shape[1] * receptive_field, shape[0] * receptive_field


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """Return the standard deviation that He et al. ask for; None for a tensor without elements."""
    if 0 in tuple(tensor.shape):
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _fans(tensor)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan_in if mode.lower() == "fan_in" else fan_out)

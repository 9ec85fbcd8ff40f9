"""Normalisation: `F.layer_norm` and `F.batch_norm`."""

import math
from collections.abc import Sequence

import numpy as np

from .. import ops
from ..autograd import apply, no_grad
from ..errors import ArgumentError, DtypeError, ShapeError
from ..ops.base import check_float
from ..ops.images import per_axis
from ..tensor import Tensor
from ..tensor.recording import check_in_place
from .checks import check_tensors

__all__ = ["batch_norm", "group_norm", "layer_norm"]


def _parameters(name: str, input: Tensor, shape: tuple[int, ...], weight: Tensor | None, bias: Tensor | None) -> tuple:
    """Return weight and bias, with ones and zeros for those that are None."""
    check_float(name, "input", input.array)
    given = {argument: t for argument, t in (("weight", weight), ("bias", bias)) if t is not None}
    check_tensors(name, **given)
    return (
        Tensor._from_array(np.ones(shape, input.array.dtype)) if weight is None else weight,
        Tensor._from_array(np.zeros(shape, input.array.dtype)) if bias is None else bias,
    )


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance taken over the last axes of x.

    Parameters
    ----------
    input : Tensor (..., *normalized_shape)
    normalized_shape : sequence of int
        The sizes of the axes to normalise over.
    weight, bias : Tensor (*normalized_shape), optional

    Raises
    ------
    ShapeError, DtypeError, TypeError
        When sizes or dtypes do not go together.

    Examples
    --------
    >>> import fastgrok
    >>> layer_norm(fastgrok.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    check_tensors("layer_norm", input=input)
    if not isinstance(normalized_shape, tuple | list):
        raise TypeError(f"layer_norm(): argument 'normalized_shape' must be tuple of ints, not {normalized_shape!r}")
    shape = tuple(per_axis("layer_norm", "normalized_shape", normalized_shape, len(normalized_shape)))
    weight, bias = _parameters("layer_norm", input, shape, weight, bias)
    return apply(ops.LayerNorm, input, weight, bias, normalized_shape=shape, eps=eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Return (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance being those of a group of channels.

    Parameters
    ----------
    input : Tensor (N, C, ...)
        Each of the N is normalised for itself.
    num_groups : int
        In how many groups of equal size the C channels are cut; it divides C.
    weight, bias : Tensor (C,), optional

    Raises
    ------
    ValueError
        When there would be only one value per group, or num_groups does not divide C.
    ShapeError, DtypeError, TypeError
        When sizes or dtypes do not go together.
    """
    check_tensors("group_norm", input=input)
    shape = input.array.shape
    if len(shape) < 2:
        raise ShapeError(f"group_norm: input has shape {shape}, expected at least 2 dimensions, (N, C, ...)")
    N, C = shape[:2]
    if num_groups < 1 or C % num_groups:
        raise ArgumentError(f"group_norm: num_groups={num_groups}, expected a divisor of the {C} channels")
    size = math.prod(shape[1:]) // num_groups
    if N * size == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)}")
    weight, bias = _parameters("group_norm", input, (C,), weight, bias)
    return apply(ops.GroupNorm, input, weight, bias, groups=num_groups, eps=eps)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance being those of each channel.

    When `training` they are those of the batch, and the running ones, if given, move towards them by the factor
    `momentum`, the running variance towards the unbiased one. Otherwise the running ones are used.

    Parameters
    ----------
    input : Tensor (N, C) or (N, C, ...)
    running_mean, running_var : Tensor (C,), or None when training
        Changed in place when training.
    weight, bias : Tensor (C,), optional

    Raises
    ------
    ValueError
        When training with one value per channel, with one of the running statistics alone, or with an eps that may
        divide by zero.
    ShapeError, DtypeError, TypeError
        When sizes or dtypes do not go together.
    """
    check_tensors("batch_norm", input=input)
    shape = input.array.shape
    if training and len(shape) > 1 and math.prod(shape[2:]) * shape[0] == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(shape)}")
    if eps < 0 or (training and eps == 0):
        raise ArgumentError(f"batch_norm: eps={eps}, expected a positive number (or 0 in evaluation)")
    running = _check_running(input, running_mean, running_var, training)
    weight, bias = _parameters("batch_norm", input, shape[1:2], weight, bias)
    if not training:
        mean, var = (t.array for t in running)
        return apply(ops.BatchNorm, input, weight, bias, mean=mean, var=var, eps=eps)
    output, mean, var = apply(ops.BatchNorm, input, weight, bias, eps=eps)
    count = math.prod(shape[2:]) * shape[0]
    if count and running:
        with no_grad():
            for old in running:
                check_in_place("batch_norm", old)
        for old, new in zip(running, (mean.array, var.array * (count / (count - 1))), strict=True):
            mixed = (1 - momentum) * old.array
            mixed += momentum * new
            old.array[...] = mixed
            old.storage.version += 1
    return output


def _check_running(input: Tensor, mean: Tensor | None, var: Tensor | None, training: bool) -> tuple[Tensor, ...]:
    """Return the running statistics, or nothing when training without."""
    if training and (mean is None) != (var is None):
        raise ValueError("batch_norm: running_mean and running_var must either both be None or neither be None")
    if mean is None or var is None:
        if not training:
            missing = "running_mean" if mean is None else "running_var"
            raise ArgumentError(f"batch_norm: {missing} must be defined in evaluation mode, got None")
        return ()
    channels = input.array.shape[1:2] or (0,)
    for name, value in (("running_mean", mean), ("running_var", var)):
        check_tensors("batch_norm", **{name: value})
        if value.array.shape != channels:
            raise ShapeError(f"batch_norm: {name} has shape {value.array.shape}, expected {channels}")
        if value.array.dtype != input.array.dtype:
            raise DtypeError(f"batch_norm: {name} has dtype {value.array.dtype}, expected {input.array.dtype} as input")
    return mean, var

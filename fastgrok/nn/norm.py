"""Normalisation as layers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import new_parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "LayerNorm"]


class LayerNorm(Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias, mean and variance taken over the last axes of x.

    Ba, Kiros and Hinton, "Layer normalization" (2016).

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of the axes to normalise over, the last of the input.
    eps : float
        Keeps the division from overflowing.
    elementwise_affine, bias : bool
        Whether there are weight and bias; whether there is a bias beside the weight.

    Attributes
    ----------
    weight : Parameter (*normalized_shape) or None
        Ones at first.
    bias : Parameter (*normalized_shape) or None
        Zeros at first.

    Shape: input and output alike, (..., *normalized_shape).

    Examples
    --------
    >>> import fastgrok
    >>> LayerNorm(2)(fastgrok.tensor([[1.0, 3.0]])).tolist()[0][1] > 0.99
    True
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        single = isinstance(normalized_shape, int | np.integer)
        self.normalized_shape: tuple[int, ...] = (normalized_shape,) if single else tuple(normalized_shape)  # type: ignore
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        for name, wanted in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            self.register_parameter(name, new_parameter(self.normalized_shape, device, dtype) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to ones and the bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """(x - mean) / sqrt(variance + eps) * weight + bias, mean and variance being those of a group of channels.

    Wu and He, "Group normalization" (2018).

    Parameters
    ----------
    num_groups, num_channels : int
        In how many groups of equal size the C channels are cut.
    eps : float
        Keeps the division from overflowing.
    affine, bias : bool
        Whether there are weight and bias; whether there is a bias beside the weight.

    Attributes
    ----------
    weight, bias : Parameter (C,) or None
        Ones and zeros at first.

    Shape: input and output alike, (N, C, ...).

    Raises
    ------
    ValueError
        When num_groups does not divide num_channels.

    Examples
    --------
    >>> import fastgrok
    >>> GroupNorm(2, 4)(fastgrok.arange(8.0).reshape(1, 4, 2))[0, 0]
    tensor([-1.3416, -0.4472], grad_fn=<Index>)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ArgumentError(
                f"GroupNorm: num_channels={num_channels}, expected a multiple of num_groups={num_groups}: "
                "num_channels must be divisible by num_groups"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, new_parameter((num_channels,), device, dtype) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to ones and the bias to zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class _BatchNorm(Module):
    """Batch norm for inputs of `ndims` dimensions."""

    ndims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        self.num_features = num_features
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, new_parameter((num_features,), device, dtype) if wanted else None)
        like = new_parameter((num_features,), device, dtype).array
        buffers = {"running_mean": like, "running_var": like.copy(), "num_batches_tracked": np.array(0)}
        for name, array in buffers.items():
            self.register_buffer(name, Tensor._from_array(array) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics: mean 0, variance 1, no batches."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the running statistics, set the weight to ones and the bias to zeros."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise; in training, move the running statistics."""
        F.check_tensors(self._get_name(), input=input)
        if input.array.ndim not in self.ndims:
            wanted = " or ".join(f"{n}D" for n in self.ndims)
            raise ValueError(f"expected {wanted} input (got {input.array.ndim}D input)")
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.array[...] += 1
            self.num_batches_tracked.storage.version += 1
            if self.momentum is None:  # the average over all batches so far
                factor = 1.0 / self.num_batches_tracked.item()
        tracked = not self.training or self.track_running_stats
        mean, var = (self.running_mean, self.running_var) if tracked else (None, None)
        by_batch = self.training or (mean is None and var is None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, factor, self.eps)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch norm of vectors (B, C) or sequences (B, C, L); see `BatchNorm2d`."""

    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """(x - mean) / sqrt(variance + eps) * weight + bias, mean and variance being those of each channel.

    Ioffe and Szegedy, "Batch normalization" (2015). While training they are those of the batch; in evaluation, running
    averages of them.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        Keeps the division from overflowing.
    momentum : float or None
        How far the running averages move towards those of a batch; None for the average over all batches.
    affine, bias : bool
        Whether there are weight and bias; whether there is a bias beside the weight.
    track_running_stats : bool
        Whether to keep running averages; without, evaluation uses the batch as well.

    Attributes
    ----------
    weight, bias : Parameter (C,) or None
        Ones and zeros at first.
    running_mean, running_var : Tensor (C,) or None
        Buffers.
    num_batches_tracked : Tensor () or None
        A buffer, int64.

    Shape: input and output alike, (B, C, R, S).

    Raises
    ------
    ValueError
        By the call, when the input has another number of dimensions, or in training one value per channel.

    Examples
    --------
    >>> import fastgrok
    >>> layer = BatchNorm2d(3)
    >>> layer(fastgrok.ones(2, 3, 4, 4)).abs().max().item(), layer.running_mean.tolist()
    (0.0, [0.10000000149011612, 0.10000000149011612, 0.10000000149011612])
    """

    ndims = (4,)

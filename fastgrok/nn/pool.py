"""Pooling as layers: the maximum or the mean of each window, channel by channel. The arguments are `functional`'s."""

from collections.abc import Sequence
from typing import Any

from ..ops.images import per_axis
from ..tensor import Tensor
from . import functional as F
from .functional_images import max_pool
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "MaxPool1d",
    "MaxPool2d",
]

Size = int | Sequence[int]


class _MaxPool(Module):
    """The settings of maximum pooling."""

    dims: int

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )

    def _forward_relu(self, input: Tensor) -> Tensor:
        """Take maxima of relu(input), in one op."""
        settings = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        return max_pool(self.dims, input, *settings, relu=True)


class MaxPool1d(_MaxPool):
    """The maximum of each window of sequences; see `functional.max_pool1d`.

    Shape: input ([B,] C, L), output ([B,] C, P), with `return_indices` also the places of the maxima.
    """

    dims = 1

    def forward(self, input: Tensor) -> Any:
        """Take maxima."""
        return F.max_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool2d(_MaxPool):
    """The maximum of each window of images; see `functional.max_pool2d`.

    Shape: input ([B,] C, R, S), output ([B,] C, P, Q), with `return_indices` also the places r * S + s of the maxima.

    Examples
    --------
    >>> import fastgrok
    >>> MaxPool2d(2)(fastgrok.arange(8.0).reshape(1, 2, 4))
    tensor([[[5., 7.]]])
    """

    dims = 2

    def forward(self, input: Tensor) -> Any:
        """Take maxima."""
        return F.max_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class AvgPool1d(Module):
    """The mean of each window of sequences; see `functional.avg_pool1d`.

    Shape: input ([B,] C, L), output ([B,] C, P).
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__()
        self.kernel_size = per_axis("AvgPool1d", "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else per_axis("AvgPool1d", "stride", stride, 1)
        self.padding = per_axis("AvgPool1d", "padding", padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """Take means."""
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )  # fmt: skip

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window of images; see `functional.avg_pool2d`.

    Shape: input ([B,] C, R, S), output ([B,] C, P, Q).
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """Take means."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _Adaptive(Module):
    """The one setting of pooling to a given size."""

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Return the setting."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_Adaptive):
    """Means of windows that share the elements out evenly. Shape: ([B,] C, L) -> ([B,] C, output_size)."""

    def forward(self, input: Tensor) -> Tensor:
        """Take means."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_Adaptive):
    """Means of windows that share the pixels out evenly. Shape: ([B,] C, R, S) -> ([B,] C, *output_size).

    `output_size` is (P, Q) or a number for both; None keeps the size of its axis.

    Examples
    --------
    >>> import fastgrok
    >>> AdaptiveAvgPool2d((1, None))(fastgrok.ones(3, 5, 4)).shape == (3, 1, 4)
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        """Take means."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class _AdaptiveMax(_Adaptive):
    """The settings of adaptive maxima."""

    def __init__(self, output_size: Any, return_indices: bool = False):
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMax):
    """Maxima of windows that share the elements out evenly. Shape: ([B,] C, L) -> ([B,] C, output_size)."""

    def forward(self, input: Tensor) -> Any:
        """Take maxima."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMax):
    """Maxima of windows that share the pixels out evenly. Shape: ([B,] C, R, S) -> ([B,] C, *output_size)."""

    def forward(self, input: Tensor) -> Any:
        """Take maxima."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)

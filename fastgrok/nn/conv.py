"""Convolution as layers, over sequences and images, and the windows of images on their own."""

import math
from collections.abc import Sequence
from typing import Any

from ..ops.images import per_axis
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import new_parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Fold", "Unfold"]

Size = int | Sequence[int]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Conv(Module):
    """What all convolutions share: their settings, their parameters, their text."""

    dims: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Size | str,
        dilation: Size,
        output_padding: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ):
        super().__init__()
        name = self._get_name()
        if groups <= 0:
            raise ValueError(f"{name}: groups={groups}, groups must be a positive integer")
        for argument, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name}: {argument}={channels}, {argument} must be divisible by groups={groups}")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = per_axis(name, "kernel_size", kernel_size, self.dims)
        self.stride = per_axis(name, "stride", stride, self.dims)
        if isinstance(padding, str) and not self.transposed:
            if padding not in ("same", "valid"):
                raise ValueError(f"{name}: Invalid padding string {padding!r}, should be one of 'same', 'valid'")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(f"{name}: padding='same' is not supported for stride={stride}, expected 1")
            self.padding: tuple[int, ...] | str = padding
        else:
            self.padding = per_axis(name, "padding", padding, self.dims)
        self.dilation = per_axis(name, "dilation", dilation, self.dims)
        self.output_padding = per_axis(name, "output_padding", output_padding, self.dims)
        self.groups = groups
        if padding_mode not in PADDING_MODES or (self.transposed and padding_mode != "zeros"):
            modes = ("zeros",) if self.transposed else PADDING_MODES
            raise ValueError(f"{name}: padding_mode={padding_mode!r}, padding_mode must be one of {modes}")
        self.padding_mode = padding_mode
        ends = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = new_parameter((*ends, *self.kernel_size), device, dtype)
        if bias:
            self.bias = new_parameter((out_channels,), device, dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        if self.weight.array.size:
            init.kaiming_uniform_(self.weight, a=math.sqrt(5))  # with this slope the bound is 1/sqrt(fan_in)
        if self.bias is not None:
            fan_in = math.prod(self.weight.array.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        """Return the settings, those that are not the default."""
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        for name, default in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            if value != (default,) * self.dims:
                parts.append(f"{name}={value}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)

    def _convolve(self, function: Any, input: Tensor) -> Tensor:
        """Apply a convolution, after the border that `padding_mode` asks for."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._border(), mode=self.padding_mode), 0
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _border(self) -> list[int]:
        """Return the widths of the border, from the last axis to the first, as `functional.pad` takes them."""
        padding: Any = self.padding
        if padding == "valid":
            return [0, 0] * self.dims
        if padding == "same":
            totals = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            return [width for total in reversed(totals) for width in (total // 2, total - total // 2)]
        return [width for p in reversed(padding) for width in (p, p)]


class Conv1d(_Conv):
    """Convolution of sequences: `Conv2d` with one axis.

    Shape: input ([B,] C, L), output ([B,] O, P); weight (O, C / groups, K).

    Examples
    --------
    >>> import fastgrok
    >>> Conv1d(3, 8, 5, stride=2)(fastgrok.zeros(4, 3, 21)).shape == (4, 8, 9)
    True
    """

    dims = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Convolve."""
        return self._convolve(F.conv1d, input)


class Conv2d(_Conv):
    """Convolution of images: each output is the sum of a window of all channels, weighted, plus a bias.

    Parameters
    ----------
    in_channels, out_channels : int
        C and O.
    kernel_size : int or tuple
        K and L, the size of a window.
    stride, padding, dilation, groups
        As in `functional.conv2d`; padding may be "same" or "valid".
    bias : bool
        Whether there is one.
    padding_mode : str
        What surrounds the image: "zeros", or what the other modes of `functional.pad` give: "reflect", "replicate",
        "circular".

    Attributes
    ----------
    weight : Parameter (O, C / groups, K, L)
        Drawn uniformly from +-1/sqrt(C / groups * K * L), as in PyTorch.
    bias : Parameter (O,) or None
        Likewise.

    Shape: input ([B,] C, R, S), output ([B,] O, P, Q), float32 or float64.

    Raises
    ------
    ValueError, TypeError
        When settings do not go together.
    ShapeError, DtypeError, ArgumentError
        By the call, when the input does not fit.

    Examples
    --------
    >>> import fastgrok
    >>> layer = Conv2d(3, 8, 5, padding="same")
    >>> layer(fastgrok.zeros(2, 3, 28, 28)).shape == (2, 8, 28, 28)
    True
    """

    dims = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Convolve."""
        return self._convolve(F.conv2d, input)


class _ConvTranspose(_Conv):
    """What both transposed convolutions share."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def _spread(self, function: Any, input: Tensor, output_size: Sequence[int] | None) -> Tensor:
        extra = self.output_padding if output_size is None else self._extra(input, list(output_size))
        return function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )  # fmt: skip

    def _extra(self, input: Tensor, output_size: list[int]) -> tuple[int, ...]:
        """Return the output padding that leads to `output_size`."""
        if len(output_size) == input.array.ndim:
            output_size = output_size[-self.dims :]
        if len(output_size) != self.dims:
            raise ValueError(
                f"{self._get_name()}: output_size={output_size}, expected {self.dims} or {input.array.ndim} sizes"
            )
        least = []
        for i, n in enumerate(input.array.shape[-self.dims :]):
            reach = self.dilation[i] * (self.kernel_size[i] - 1) + 1
            least.append((n - 1) * self.stride[i] - 2 * int(self.padding[i]) + reach)
        most = [size + s - 1 for size, s in zip(least, self.stride, strict=True)]
        if any(not low <= size <= high for low, size, high in zip(least, output_size, most, strict=True)):
            raise ValueError(
                f"{self._get_name()}: output_size={output_size}, expected sizes from {least} to {most} for an input of "
                f"shape {input.array.shape}"
            )
        return tuple(size - low for size, low in zip(output_size, least, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of sequences: `ConvTranspose2d` with one axis.

    Shape: input ([B,] C, L), output ([B,] O, P); weight (C, O / groups, K).
    """

    dims = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Spread; of the possible sizes of the output, `output_size` picks one."""
        return self._spread(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTranspose):
    """Spread each input over a window of the output, weighted: the way back from the shapes of a `Conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        C and O.
    kernel_size : int or tuple
        K and L, the size of a window.
    stride, padding, output_padding, groups, dilation
        As in `functional.conv_transpose2d`.
    bias : bool
        Whether there is one.

    Attributes
    ----------
    weight : Parameter (C, O / groups, K, L)
    bias : Parameter (O,) or None

    Shape: input ([B,] C, R, S), output ([B,] O, P, Q), float32 or float64.

    Examples
    --------
    >>> import fastgrok
    >>> layer = ConvTranspose2d(8, 3, 2, stride=2)
    >>> layer(fastgrok.zeros(2, 8, 7, 7)).shape == (2, 3, 14, 14)
    True
    """

    dims = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Spread; of the possible sizes of the output, `output_size` picks one."""
        return self._spread(F.conv_transpose2d, input, output_size)


class Unfold(Module):
    """The windows of images as columns; see `functional.unfold`.

    Shape: input ([B,] C, R, S), output ([B,] C * K * L, windows).
    """

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1):
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        """Copy the windows out."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """The sum of columns over images; see `functional.fold`.

    Shape: input ([B,] C * K * L, windows), output ([B,] C, *output_size).
    """

    def __init__(self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1):
        super().__init__()
        self.output_size = output_size
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        """Add up."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """Return the settings."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )

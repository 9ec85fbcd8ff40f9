"""Layers for images, channels last: `Conv2D` and pooling.

The layers of `fastgrok.nn` take (B, C, R, S) but keep channels last in memory, so that turning the axes costs nothing.
"""

from typing import Any

import numpy as np

from ... import nn
from ...errors import ShapeError
from ...nn import functional as F
from ...tensor import Tensor
from .. import activations, initializers
from .base import NO_PENALTIES, Layer, Shape, Weight, activated, floating, positive, refuse

__all__ = ["AveragePooling2D", "Conv2D", "GlobalAveragePooling2D", "MaxPooling2D"]


class _Windows(Layer):
    """What convolution and pooling share: windows over (B, R, S, C), and Keras' two kinds of padding."""

    def __init__(self, window: Any, strides: Any, padding: str, data_format: str | None, **kwargs: Any):
        refuse(self, {"data_format": data_format or "channels_last"}, data_format="channels_last")
        super().__init__(**kwargs)
        self.window, self.strides = window, strides
        if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
            raise ValueError(f"{type(self).__name__}: padding={padding!r}, expected 'valid' or 'same'")
        self.padding = padding.lower()
        self.dilation = (1, 1)

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` for what are no images, and for those that are smaller than a window."""
        if len(input_shape) != 4:
            raise ShapeError(
                f"layer {self.name}: inputs have shape {input_shape}, expected (batch, rows, columns, channels)"
                + ("; add the axis of channels with reshape(-1, rows, columns, 1)" if len(input_shape) == 3 else "")
            )
        for size, spread in zip(input_shape[1:3], self._spread(), strict=True):
            if self.padding == "valid" and size is not None and size < spread:
                raise ShapeError(
                    f"layer {self.name}: inputs have shape {input_shape}, smaller than one window of "
                    f"{self._spread()}: use padding='same', larger images or fewer layers before it"
                )

    def _spread(self) -> tuple[int, ...]:
        """Return rows and columns from the first to the last tap of a window."""
        return tuple((k - 1) * d + 1 for k, d in zip(self.window, self.dilation, strict=True))

    def _places(self, size: int | None, spread: int, stride: int) -> int | None:
        """Return the number of windows along an axis."""
        if size is None:
            return None
        return -(-size // stride) if self.padding == "same" else (size - spread) // stride + 1

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One output per window."""
        sizes = zip(input_shape[1:3], self._spread(), self.strides, strict=True)
        return (input_shape[0], *(self._places(*each) for each in sizes), input_shape[3])

    def _pads(self, sizes: Any) -> list[int]:
        """Return what "same" adds: left, right, top, bottom; one more at the end where it is odd."""
        pads: list[int] = []
        for size, spread, stride in reversed(list(zip(sizes, self._spread(), self.strides, strict=True))):
            total = max((-(-size // stride) - 1) * stride + spread - size, 0)
            pads += [total // 2, total - total // 2]
        return pads

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "strides": list(self.strides),
            "padding": self.padding,
            "data_format": "channels_last",
        }


class Conv2D(_Windows):
    """activation(convolution of images + bias): `nn.Conv2d` under Keras' names.

    Weights: kernel (*kernel_size, C / groups, filters), bias (filters,). Shape: (B, R, S, C) -> (B, P, Q, filters).

    Parameters
    ----------
    filters : int
    kernel_size, strides, dilation_rate : int or pair of int
    padding : "valid" or "same"
    groups : int
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or initializer
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ):
        refuse(self, kwargs, **NO_PENALTIES)
        self_name = "Conv2D"
        super().__init__(
            _pair(self_name, "kernel_size", kernel_size), _pair(self_name, "strides", strides), padding, data_format,
            **kwargs,
        )  # fmt: skip
        self.dilation = _pair(self_name, "dilation_rate", dilation_rate)
        self.filters, self.groups = positive(self_name, "filters", filters), positive(self_name, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"Conv2D: filters={filters} cannot be divided among groups={groups}")
        self.use_bias, self.activation = bool(use_bias), activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` when the images have another number of channels than the kernel."""
        super().check_input(input_shape)
        channels = self.weights[0].shape[2] * self.groups if self.built else None
        if input_shape[3] is None or (channels is not None and input_shape[3] != channels):
            raise ShapeError(
                f"layer {self.name}: inputs have shape {input_shape}, whose last axis is that of the channels; "
                f"expected {channels or 'a number'} there"
            )

    def build(self, input_shape: Shape) -> None:
        """Make kernel and bias."""
        self.conv = nn.Conv2d(
            input_shape[3], self.filters, self.window, self.strides, 0, self.dilation, self.groups, self.use_bias  # type: ignore[arg-type]
        )  # fmt: skip
        self.weights = [Weight("kernel", self.conv.weight, lambda array: array.transpose(2, 3, 1, 0))]
        self.weights[0].assign(self.kernel_initializer(self.weights[0].shape))
        if self.use_bias:
            self.weights.append(Weight("bias", self.conv.bias))
            self.weights[1].assign(self.bias_initializer((self.filters,)))

    @property
    def kernel(self) -> Weight:
        """The kernel (*kernel_size, C / groups, filters)."""
        return self.weights[0]

    @property
    def bias(self) -> Weight | None:
        """The bias (filters,)."""
        return self.weights[1] if self.use_bias else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One output per window and filter."""
        return (*super().compute_output_shape(input_shape)[:3], self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        """Convolve, add, activate."""
        return activated(self.activation, self.logits(inputs))

    def logits(self, inputs: Tensor) -> Tensor:
        """Return what the activation is applied to."""
        x = channels_first(floating(inputs))
        padding: Any = 0
        if self.padding == "same":
            left, right, top, bottom = self._pads(x.shape[2:])
            if left == right and top == bottom:
                padding = (top, left)
            else:
                x = F.pad(x, (left, right, top, bottom))
        y = F.conv2d(x, self.conv.weight, self.conv.bias, self.strides, padding, self.dilation, self.groups)
        return channels_last(y)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.window),
            "dilation_rate": list(self.dilation),
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }


class _Pooling2D(_Windows):
    """Windows that are as far apart as they are wide, unless `strides` says otherwise."""

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ):
        name = type(self).__name__
        window = _pair(name, "pool_size", pool_size)
        super().__init__(
            window, window if strides is None else _pair(name, "strides", strides), padding, data_format, **kwargs
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "pool_size": list(self.window)}


class MaxPooling2D(_Pooling2D):
    """The largest number of every window, per channel: (B, R, S, C) -> (B, P, Q, C)."""

    def call(self, inputs: Tensor) -> Tensor:
        """Pool."""
        x = channels_first(floating(inputs))
        if self.padding == "same" and any(pads := self._pads(x.shape[2:])):
            x = F.pad(x, pads, value=float(np.finfo(x.array.dtype).min))
        return channels_last(F.max_pool2d(x, self.window, self.strides))


class AveragePooling2D(_Pooling2D):
    """The mean of every window, per channel: (B, R, S, C) -> (B, P, Q, C).

    What "same" adds does not count where it is the same on both sides. Where it is one more at the end, the pixels at
    the border are repeated, as Keras does on PyTorch; on TensorFlow and JAX nothing that is added counts.
    """

    def __init__(self, pool_size: Any, *args: Any, **kwargs: Any):  # which Keras demands here
        super().__init__(pool_size, *args, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """Pool."""
        x = channels_first(floating(inputs))
        padding: Any = 0
        if self.padding == "same":
            left, right, top, bottom = pads = self._pads(x.shape[2:])
            if left == right and top == bottom:
                padding = (top, left)
            else:
                x = F.pad(x, pads, mode="replicate")
        return channels_last(F.avg_pool2d(x, self.window, self.strides, padding, count_include_pad=False))


class GlobalAveragePooling2D(Layer):
    """The mean of every channel: (B, R, S, C) -> (B, C), or (B, 1, 1, C) with `keepdims`."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        refuse(self, {"data_format": data_format or "channels_last"}, data_format="channels_last")
        super().__init__(**kwargs)
        self.keepdims = bool(keepdims)

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` for what are no images."""
        if len(input_shape) != 4:
            raise ShapeError(
                f"layer {self.name}: inputs have shape {input_shape}, expected (batch, rows, columns, channels)"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Batch and channels."""
        return (input_shape[0], 1, 1, input_shape[3]) if self.keepdims else (input_shape[0], input_shape[3])

    def call(self, inputs: Tensor) -> Tensor:
        """Take the mean."""
        return floating(inputs).mean(dim=(1, 2), keepdim=self.keepdims)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "keepdims": self.keepdims}


def channels_first(x: Tensor) -> Tensor:
    """Return images (B, R, S, C) as (B, C, R, S): a view."""
    return x.permute(0, 3, 1, 2)


def channels_last(x: Tensor) -> Tensor:
    """Return images (B, C, R, S) as (B, R, S, C): a view."""
    return x.permute(0, 2, 3, 1)


def _pair(owner: str, name: str, value: Any) -> tuple[int, int]:
    """Return one or two sizes as two; raises `ValueError` for what is neither."""
    if isinstance(value, int | np.integer):
        value = (value, value)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(f"{owner}: {name}={value!r}, expected one or two whole numbers")
    return positive(owner, name, value[0]), positive(owner, name, value[1])

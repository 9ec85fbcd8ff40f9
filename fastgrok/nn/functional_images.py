"""Convolution, pooling, windows and dropout of channels: `F.conv2d` and its relatives.

Images are (B, C, R, S), or (C, R, S) for one; sequences (B, C, L) or (C, L). A setting such as `stride` is one number
for all axes or one for each.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError
from ..ops.images import check_images, per_axis
from ..ops.pool import adaptive_windows, sliding_windows
from ..tensor import Tensor
from .checks import check_dropout, check_tensors

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "dropout1d",
    "dropout2d",
    "fold",
    "max_pool1d",
    "max_pool2d",
    "unfold",
]

Size = int | Sequence[int]

# ------------------------------------------------------------------------------------------------------- convolution


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve sequences: `conv2d` with one axis; input ([B,] C, L), weight (O, C / groups, K), output ([B,] O, P)."""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images: each output is the sum of a window of all channels, weighted, plus a bias.

    y[b, o, p, q] = bias[o] + the sum over c, k, l of weight[o, c, k, l] times
    x[b, c, p * stride + k * dilation - padding, q * stride + l * dilation - padding], zero outside the image
    (Goodfellow, Bengio and Courville, Deep Learning, 2016, section 9.1).

    Parameters
    ----------
    input : Tensor ([B,] C, R, S)
    weight : Tensor (O, C / groups, K, L)
    bias : Tensor (O,), optional
    stride, dilation : int or tuple
        From window to window, and from tap to tap.
    padding : int, tuple or str
        Zeros on both sides of each axis; "valid" is none, "same" as many as keep the size, one more at the end where
        they are odd.
    groups : int
        Each of so many groups of output channels sees its share of the input channels.

    Returns
    -------
    Tensor ([B,] O, P, Q)
        In memory with channels last, which the next layer is glad of; `contiguous()` changes that.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError, TypeError
        When sizes, dtypes or settings do not go together.

    Examples
    --------
    >>> import fastgrok
    >>> conv2d(fastgrok.ones(1, 3, 3), fastgrok.ones(1, 1, 2, 2), padding="same")
    tensor([[[4., 4., 2.],
             [4., 4., 2.],
             [2., 2., 1.]]])
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def _conv(
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Size,
    padding: Size | str,
    dilation: Size,
    groups: int,
) -> Tensor:
    name = f"conv{dims}d"
    check_tensors(name, input=input, weight=weight, **({} if bias is None else {"bias": bias}))
    stride, dilation = per_axis(name, "stride", stride, dims, 1), per_axis(name, "dilation", dilation, dims, 1)
    (groups,) = per_axis(name, "groups", groups, 1, 1)
    if not isinstance(padding, str):
        pairs = [(p, p) for p in per_axis(name, "padding", padding, dims)]
    elif padding == "valid":
        pairs = [(0, 0)] * dims
    elif padding != "same":
        raise ArgumentError(f"{name}: padding={padding!r}, expected numbers, 'valid' or 'same'")
    elif max(stride) > 1:
        raise ArgumentError(f"{name}: padding='same' is not supported for stride={stride}, expected 1")
    else:
        totals = [d * (k - 1) for d, k in zip(dilation, weight.array.shape[2:], strict=False)]
        pairs = [(total // 2, total - total // 2) for total in totals]
    operands = (input, weight) if bias is None else (input, weight, bias)
    return apply(ops.Conv, *operands, stride=stride, padding=tuple(pairs), dilation=dilation, groups=groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Do for sequences what `conv_transpose2d` does for images: input ([B,] C, L), weight (C, O / groups, K)."""
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Spread each input over a window of the output, weighted: what the gradient of `conv2d` does to its input.

    Parameters
    ----------
    input : Tensor ([B,] C, R, S)
    weight : Tensor (C, O / groups, K, L)
    bias : Tensor (O,), optional
    stride, dilation : int or tuple
        From window to window, and from tap to tap.
    padding : int or tuple
        Cut off both sides of the result.
    output_padding : int or tuple
        Added to the end of the result: which of the sizes that `conv2d` would shrink alike is meant.
    groups : int
        As in `conv2d`.

    Returns
    -------
    Tensor ([B,] O, P, Q)
        P = (R - 1) * stride - 2 * padding + dilation * (K - 1) + output_padding + 1, and Q likewise.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError, TypeError
        When sizes, dtypes or settings do not go together.
    """
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _conv_transpose(
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
) -> Tensor:
    name = f"conv_transpose{dims}d"
    check_tensors(name, input=input, weight=weight, **({} if bias is None else {"bias": bias}))
    (groups,) = per_axis(name, "groups", groups, 1, 1)
    operands = (input, weight) if bias is None else (input, weight, bias)
    return apply(
        ops.ConvTranspose,
        *operands,
        stride=per_axis(name, "stride", stride, dims, 1),
        padding=per_axis(name, "padding", padding, dims),
        output_padding=per_axis(name, "output_padding", output_padding, dims),
        dilation=per_axis(name, "dilation", dilation, dims, 1),
        groups=groups,
    )


# ------------------------------------------------------------------------------------------------------- windows


def unfold(input: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> Tensor:
    """Return the windows of images ([B,] C, R, S) as columns ([B,] C * K * L, windows), from left to right and down.

    Raises `ShapeError` when there is no window.

    Examples
    --------
    >>> import fastgrok
    >>> unfold(fastgrok.arange(6.0).reshape(1, 2, 3), (2, 2))
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """
    check_tensors("unfold", input=input)
    return apply(ops.Unfold, input, **_window_settings("unfold", kernel_size, dilation, padding, stride))


def fold(
    input: Tensor, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Add columns ([B,] C * K * L, windows) up over images ([B,] C, *output_size), where `unfold` would take them from.

    Raises `ShapeError` when the columns do not fit.
    """
    check_tensors("fold", input=input)
    settings = _window_settings("fold", kernel_size, dilation, padding, stride)
    return apply(ops.Fold, input, output_size=per_axis("fold", "output_size", output_size, 2, 1), **settings)


def _window_settings(name: str, kernel_size: Size, dilation: Size, padding: Size, stride: Size) -> dict[str, Any]:
    return {
        "kernel_size": per_axis(name, "kernel_size", kernel_size, 2, 1),
        "dilation": per_axis(name, "dilation", dilation, 2, 1),
        "padding": per_axis(name, "padding", padding, 2),
        "stride": per_axis(name, "stride", stride, 2, 1),
    }


# ------------------------------------------------------------------------------------------------------- pooling


def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Take the maximum of each window of sequences ([B,] C, L): `max_pool2d` with one axis."""
    return max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Take the maximum of each window of images ([B,] C, R, S), channel by channel.

    Parameters
    ----------
    input : Tensor ([B,] C, R, S)
    kernel_size : int or tuple
        The size of a window.
    stride : int or tuple, optional
        From window to window; without it windows lie side by side.
    padding : int or tuple
        How far windows may reach beyond the image, at most half of them; nothing there is a maximum. A window without
        any element has -inf, and the place -1.
    dilation : int or tuple
        From element to element of a window.
    ceil_mode : bool
        Whether a last window may reach even further, so that no element is left out.
    return_indices : bool
        Whether to return as well, as int64, where each maximum stands in its image: r * S + s.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError, TypeError
        When sizes and settings do not go together, or the input is not a float tensor.
    """
    return max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool(
    dims: int,
    input: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
    return_indices: bool = False,
    relu: bool = False,
) -> Any:
    """`max_pool1d` or, with `dims=2`, `max_pool2d`, of relu(input) if that is asked for."""
    name = f"max_pool{dims}d"
    check_tensors(name, input=input)
    kernel, step, pad = _pool_settings(name, dims, kernel_size, stride, padding)
    gaps = per_axis(name, "dilation", dilation, dims, 1)
    check_images(name, input.array, dims)
    windows = [
        sliding_windows(name, *axis, ceil_mode)
        for axis in zip(input.array.shape[-dims:], kernel, step, pad, gaps, strict=True)
    ]
    settings = {"windows": windows, "dilation": gaps, "return_indices": return_indices, "name": name, "relu": relu}
    return apply(ops.MaxPool, input, **settings)


def _pool_settings(name: str, dims: int, kernel_size: Size, stride: Size | None, padding: Size) -> tuple:
    """Return kernel_size, stride and padding per axis."""
    kernel = per_axis(name, "kernel_size", kernel_size, dims, 1)
    given = stride is not None and stride != () and stride != []
    return (
        kernel,
        per_axis(name, "stride", stride, dims, 1) if given else kernel,
        per_axis(name, "padding", padding, dims),
    )


def avg_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Take the mean of each window of sequences ([B,] C, L): `avg_pool2d` with one axis."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Take the mean of each window of images ([B,] C, R, S), channel by channel.

    `kernel_size`, `stride`, `padding` and `ceil_mode` are those of `max_pool2d`. The sum of a window is divided by its
    number of elements, with `count_include_pad` including those in the padding, or by `divisor_override`.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError, TypeError
        When sizes and settings do not go together, or the input is not a float tensor.
    """
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool(
    dims: int,
    input: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    name = f"avg_pool{dims}d"
    check_tensors(name, input=input)
    kernel, step, pad = _pool_settings(name, dims, kernel_size, stride, padding)
    if divisor_override == 0:
        raise ArgumentError(f"{name}: divisor_override=0, expected a divisor")
    check_images(name, input.array, dims)
    windows = [
        sliding_windows(name, *axis, 1, ceil_mode)
        for axis in zip(input.array.shape[-dims:], kernel, step, pad, strict=True)
    ]
    return apply(
        ops.AvgPool,
        input,
        windows=windows,
        count_include_pad=count_include_pad,
        padding=pad,
        divisor_override=divisor_override,
        name=name,
    )


def adaptive_avg_pool1d(input: Tensor, output_size: Size) -> Tensor:
    """Take means of windows of sequences ([B,] C, L) that share L out evenly among `output_size` outputs."""
    windows = _adaptive("adaptive_avg_pool1d", 1, input, output_size)
    return apply(ops.AvgPool, input, windows=windows, name="adaptive_avg_pool1d")


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Take means of windows of images ([B,] C, R, S) that share R and S out evenly among P and Q outputs.

    `output_size` is (P, Q), or a number for both; None keeps the size of its axis. Window p covers the rows from
    floor(p * R / P) up to ceil((p + 1) * R / P).

    Examples
    --------
    >>> import fastgrok
    >>> adaptive_avg_pool2d(fastgrok.arange(8.0).reshape(1, 2, 4), (1, 2))
    tensor([[[2.5000, 4.5000]]])
    """
    windows = _adaptive("adaptive_avg_pool2d", 2, input, output_size)
    return apply(ops.AvgPool, input, windows=windows, name="adaptive_avg_pool2d")


def adaptive_max_pool1d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """Take maxima over the windows of `adaptive_avg_pool1d`, with `return_indices` also where they stand."""
    windows = _adaptive("adaptive_max_pool1d", 1, input, output_size)
    return apply(
        ops.MaxPool, input, windows=windows, dilation=(1,), return_indices=return_indices, name="adaptive_max_pool1d"
    )


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Take maxima over the windows of `adaptive_avg_pool2d`, with `return_indices` also where they stand."""
    windows = _adaptive("adaptive_max_pool2d", 2, input, output_size)
    return apply(ops.MaxPool, input, windows=windows, return_indices=return_indices, name="adaptive_max_pool2d")


def _adaptive(name: str, dims: int, input: Tensor, output_size: Any) -> list[np.ndarray]:
    """Check, and return the bounds of windows for each axis."""
    check_tensors(name, input=input)
    check_images(name, input.array, dims)
    lengths = input.array.shape[-dims:]
    if dims == 2 and isinstance(output_size, tuple | list) and len(output_size) == 2:
        output_size = tuple(n if size is None else size for size, n in zip(output_size, lengths, strict=True))
    elif isinstance(output_size, tuple | list) and len(output_size) != dims:
        raise ArgumentError(f"{name}: output_size={output_size!r}, expected a whole number or {dims} of them")
    return [
        adaptive_windows(n, size)
        for n, size in zip(lengths, per_axis(name, "output_size", output_size, dims), strict=True)
    ]


# ------------------------------------------------------------------------------------------------------- dropout


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of sequences ([B,] C, L) with probability `p` and scale the others by 1 / (1 - p).

    Raises `ShapeError` for other shapes, else as `dropout`.
    """
    check_tensors("dropout1d", input=input)
    check_dropout(p, inplace)
    check_images("dropout1d", input.array, 1)
    return _drop_channels(input, input.array.shape[:-1], p, training)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of images (B, C, R, S) with probability `p` and scale the others by 1 / (1 - p).

    Tompson et al., "Efficient object localization using convolutional networks" (2015). Three dimensions are taken for
    a batch of sequences (B, C, L), as in PyTorch. `inplace=True` is not covered and raises `NotImplementedError`.

    Raises
    ------
    ValueError
        Unless 0 <= p <= 1.
    ShapeError
        When the input has other than three or four dimensions.
    """
    check_tensors("dropout2d", input=input)
    check_dropout(p, inplace)
    check_images("dropout2d", input.array, 2)
    return _drop_channels(input, input.array.shape[:2], p, training)


def _drop_channels(input: Tensor, channels: tuple[int, ...], p: float, training: bool) -> Tensor:
    if not training or p == 0:
        return input
    ones = Tensor._from_array(np.ones((*channels, *(1,) * (input.array.ndim - len(channels))), input.array.dtype))
    return input * apply(ops.Dropout, ones, p=p)

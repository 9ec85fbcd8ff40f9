"""Convolution, transposed convolution, and the windows that they slide over an image.

All work on images (B, C, R, S), one image (C, R, S), and with `dims=1` on sequences (B, C, L) or (C, L), which are
images of one row. Settings come as one number per axis.
"""

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ShapeError
from .base import FACTORS, Op, check_float, contiguous, sum_first
from .images import as_images, as_pairs, channels_first, channels_last, check_images, from_images
from .matmul import check_dtypes


def _check(name, x, W, b, channels, outputs, dims):
    """Raise unless dtypes are one, and the number of axes and of channels are as W says."""
    check_dtypes(name, x, W, ("input", "weight"))
    if W.ndim != dims + 2:
        raise ShapeError(f"{name}: weight has shape {W.shape}, expected {dims + 2} dimensions")
    if W.shape[0] < 1:
        raise ShapeError(f"{name}: weight has shape {W.shape}, expected at least 1 in dimension 0")
    if min(W.shape[2:]) < 1:
        raise ShapeError(f"{name}: weight has shape {W.shape}, expected a kernel of at least 1 in each direction")
    check_images(name, x, dims)
    if x.shape[-dims - 1] != channels:
        raise ShapeError(
            f"{name}: input has shape {x.shape}, expected {channels} channels for a weight of shape {W.shape}"
        )
    if b is not None:
        check_dtypes(name, b, W, ("bias", "weight"))
        if b.shape != (outputs,):
            raise ShapeError(f"{name}: bias has shape {b.shape}, expected ({outputs},)")


def _bias(b, outputs, dtype):
    return np.zeros(outputs, dtype) if b is None else contiguous(b)


class Conv(Op):
    """Each output is the sum of a window of all channels, weighted: W (O, C / groups, K, L), b (O,) or absent."""

    def forward(self, x, W, b=None, stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
        """Convolve. `padding` is (before, after) for each axis, and there are as many settings as axes.

        Raises `ShapeError` when sizes do not fit and `DtypeError` unless all have one float dtype.
        """
        dims, name = len(stride), f"conv{len(stride)}d"
        _check(name, x, W, b, W.shape[1] * groups if W.ndim > 1 else 0, W.shape[0] if W.ndim else 0, dims)
        if W.shape[0] % groups:
            raise ShapeError(f"{name}: weight has shape {W.shape}, expected a multiple of groups={groups} outputs")
        size = tuple(
            (n + before + after - d * (k - 1) - 1) // s + 1
            for n, (before, after), d, k, s in zip(x.shape[-dims:], padding, dilation, W.shape[2:], stride, strict=True)
        )
        if min(size) < 1:
            raise ShapeError(
                f"{name}: input has shape {x.shape}; with padding {padding} it is smaller than the kernel of shape "
                f"{W.shape[2:]} with dilation {dilation}"
            )
        self.x, self.W, self.saved_inputs, self.dims = x, W, FACTORS[self.needs[:2]], dims
        self.geometry = (
            as_pairs(stride, 1), as_pairs(tuple(before for before, _ in padding), 0), as_pairs(dilation, 1), groups,
        )  # fmt: skip
        self.image = channels_last(as_images(x, dims))
        self.weight = contiguous(W)[:, :, None] if dims == 1 else contiguous(W)
        bias = _bias(b, len(W), x.dtype)
        y = kernels.conv_forward(self.image, self.weight, bias, as_pairs(size, 1), *self.geometry)
        return from_images(channels_first(y), x.ndim, dims)

    def backward(self, dy):
        """The input collects dy W from all outputs that saw it, the weight dy x from all outputs, the bias dy."""
        dx = dW = db = None
        dy = channels_last(as_images(dy, self.dims))
        if self.needs[0]:
            dx = kernels.conv_backward_input(dy, self.weight, self.image.shape[1:3], *self.geometry)
            dx = from_images(channels_first(dx, self.x), self.x.ndim, self.dims)
        wants_bias = len(self.needs) > 2 and self.needs[2]
        if self.needs[1]:
            dW, db = kernels.conv_backward_weight(dy, self.image, self.weight.shape[2:], *self.geometry)
            dW = dW.reshape(self.W.shape)
        elif wants_bias:
            db = sum_first(dy, 3)
        return dx, dW, db if wants_bias else None


class ConvTranspose(Op):
    """The adjoint of `Conv` in its input: each input adds W, weighted, to a window of the output.

    W (C, O / groups, K, L), b (O,) or absent.
    """

    def forward(self, x, W, b=None, stride=(1, 1), padding=(0, 0), output_padding=(0, 0), dilation=(1, 1), groups=1):
        """Spread. `padding` is cut off the result, and `output_padding` added to its end.

        Raises `ShapeError` when sizes do not fit and `DtypeError` unless all have one float dtype.
        """
        dims, name = len(stride), f"conv_transpose{len(stride)}d"
        outputs = W.shape[1] * groups if W.ndim > 1 else 0
        _check(name, x, W, b, W.shape[0] if W.ndim else 0, outputs, dims)
        if W.shape[0] % groups:
            raise ShapeError(f"{name}: weight has shape {W.shape}, expected a multiple of groups={groups} inputs")
        # As in PyTorch, no images at all may have any size, even an empty one.
        empty = x.ndim == dims + 2 and not len(x)
        if not empty and any(p >= max(s, d) for p, s, d in zip(output_padding, stride, dilation, strict=True)):
            raise ShapeError(
                f"{name}: output_padding={output_padding}, expected less than stride={stride} or dilation={dilation}"
            )
        size = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
            for n, s, p, d, k, extra in zip(
                x.shape[-dims:], stride, padding, dilation, W.shape[2:], output_padding, strict=True
            )
        )
        if min(size) < 0 or (not empty and (0 in size or 0 in x.shape[-dims:])):
            raise ShapeError(f"{name}: input has shape {x.shape}, too small: the output would have the size {size}")
        self.x, self.W, self.saved_inputs, self.dims = x, W, FACTORS[self.needs[:2]], dims
        self.geometry = as_pairs(stride, 1), as_pairs(padding, 0), as_pairs(dilation, 1), groups
        self.image = channels_last(as_images(x, dims))
        self.weight = contiguous(W)[:, :, None] if dims == 1 else contiguous(W)
        y = kernels.conv_backward_input(self.image, self.weight, as_pairs(size, 1), *self.geometry)
        if b is not None:
            y += b
        return from_images(channels_first(y), x.ndim, dims)

    def backward(self, dy):
        """The gradients of `Conv` with input and output in each other's place."""
        dx = dW = db = None
        dy = channels_last(as_images(dy, self.dims))
        if self.needs[0]:
            nothing = _bias(None, len(self.W), dy.dtype)
            dx = kernels.conv_forward(dy, self.weight, nothing, self.image.shape[1:3], *self.geometry)
            dx = from_images(channels_first(dx, self.x), self.x.ndim, self.dims)
        if self.needs[1]:
            dW, _ = kernels.conv_backward_weight(self.image, dy, self.weight.shape[2:], *self.geometry)
            dW = dW.reshape(self.W.shape)
        if len(self.needs) > 2 and self.needs[2]:
            db = sum_first(dy, 3)
        return dx, dW, db


def _windows(size, kernel_size, stride, padding, dilation):
    """How many windows there are along each axis."""
    return tuple(
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(size, padding, dilation, kernel_size, stride, strict=True)
    )


class Unfold(Op):
    """The windows of images (B, C, R, S) or (C, R, S) as columns (B, C * K * L, windows)."""

    stateless = True

    def forward(self, x, kernel_size, dilation=(1, 1), padding=(0, 0), stride=(1, 1)):
        """Copy the windows out. Raises `ShapeError` when there are none, `DtypeError` unless x is a float array."""
        check_float("unfold", "input", x)
        check_images("unfold", x, 2)
        self.ndim, images = x.ndim, contiguous(as_images(x, 2))
        size = _windows(images.shape[2:], kernel_size, stride, padding, dilation)
        if min(size) < 1 or 0 in images.shape[1:]:
            raise ShapeError(
                f"unfold: input has shape {x.shape}, too small for a kernel of {kernel_size} with dilation={dilation}, "
                f"padding={padding} and stride={stride}"
            )
        self.arguments = kernel_size, size, images.shape[2:], stride, padding, dilation
        columns = kernels.patches_forward(images, kernel_size, size, stride, padding, dilation)
        return columns if x.ndim == 4 else columns[0]

    def backward(self, dy):
        """Fold the gradient."""
        columns = contiguous(dy if self.ndim == 4 else dy[None])
        return (from_images(kernels.patches_backward(columns, *self.arguments), self.ndim, 2),)


class Fold(Op):
    """The sum of columns (B, C * K * L, windows), or those of one image, over images (B, C, R, S)."""

    stateless = True

    def forward(self, x, output_size, kernel_size, dilation=(1, 1), padding=(0, 0), stride=(1, 1)):
        """Add the windows up. Raises `ShapeError` when sizes do not fit, `DtypeError` unless x is a float array."""
        check_float("fold", "input", x)
        size = _windows(output_size, kernel_size, stride, padding, dilation)
        K, L = kernel_size
        fits = x.ndim in (2, 3) and min(size) > 0 and x.shape[-2] > 0
        if not fits or x.shape[-2] % (K * L) or x.shape[-1] != size[0] * size[1]:
            raise ShapeError(
                f"fold: input has shape {x.shape}, expected ([B,] C * {K} * {L}, {size[0]} * {size[1]}) for "
                f"output_size={output_size}, dilation={dilation}, padding={padding} and stride={stride}"
            )
        self.ndim, self.arguments = x.ndim, (kernel_size, size, stride, padding, dilation)
        columns = contiguous(x if x.ndim == 3 else x[None])
        images = kernels.patches_backward(columns, kernel_size, size, output_size, stride, padding, dilation)
        return images if x.ndim == 3 else images[0]

    def backward(self, dy):
        """Unfold the gradient."""
        columns = kernels.patches_forward(contiguous(dy if self.ndim == 3 else dy[None]), *self.arguments)
        return (columns if self.ndim == 3 else columns[0],)

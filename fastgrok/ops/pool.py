"""The maximum and the mean over windows of images (B, C, R, S), (C, R, S), or sequences (B, C, L), (C, L).

Settings come as one number per axis; sequences are images of one row. A window is given by its bounds along each axis,
so that padding, rounding and adaptive windows differ in how bounds are worked out, and in nothing else.
"""

import functools

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ArgumentError, ShapeError
from .base import Op, check_float
from .images import as_images, as_pairs, channels_first, channels_last, check_images, from_images

WHOLE = np.array([[0, 1]])
"""The one window over the one row of a sequence."""


def _check(name, x, dims):
    check_float(name, "input", x)
    check_images(name, x, dims)
    if 0 in x.shape[-dims - 1 :]:
        raise ShapeError(f"{name}: input has shape {x.shape}, expected at least one channel and one element per axis")


@functools.lru_cache(maxsize=256)  # a model asks for the same ones in every step
def sliding_windows(
    name: str, length: int, kernel_size: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False
) -> np.ndarray:
    """Return the bounds (windows, 2) of windows that slide over `length` elements and `padding` on both sides.

    The array is kept for the next call with the same settings, and must not be changed.
    With `ceil_mode` a last window may reach beyond that, if it starts within the elements or the padding before them.
    Raises `ArgumentError` for more padding than half a window, `ShapeError` when there is no window.
    """
    reach = dilation * (kernel_size - 1) + 1
    if 2 * padding > kernel_size:
        raise ArgumentError(f"{name}: padding={padding}, expected at most half of kernel_size={kernel_size}")
    room = length + 2 * padding - reach
    count = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    if ceil_mode and (count - 1) * stride >= length + padding:
        count -= 1
    if count < 1:
        raise ShapeError(f"{name}: {length} elements are too few for kernel_size={kernel_size}, dilation={dilation}")
    return np.arange(count)[:, None] * stride + np.array([-padding, reach - padding])


def adaptive_windows(length: int, count: int) -> np.ndarray:
    """Return the bounds (count, 2) of windows that share `length` elements out evenly, overlapping where need be."""
    i = np.arange(count)
    return np.stack([i * length // max(count, 1), -(-(i + 1) * length // max(count, 1))], axis=1)


def _two_axes(windows, x):
    """Bounds for rows and columns, and the lengths of both."""
    return ((WHOLE, windows[0]), (1, x.shape[-1])) if len(windows) == 1 else (tuple(windows), x.shape[-2:])


def _within(bounds, length, step=1):
    """Cut windows off at the edges of the image; those with a step keep to their elements."""
    if not len(bounds) or (bounds[0, 0] >= 0 and bounds[-1, 1] <= length):  # they are in order
        return np.ascontiguousarray(bounds)
    starts, ends = bounds.T
    return np.ascontiguousarray(np.stack([np.where(starts < 0, starts % step, starts), np.minimum(ends, length)], 1))


class MaxPool(Op):
    """The maximum of each window, and if asked for where it stands: r * S + s, for the first of equal ones.

    With `relu` it is that of relu(x), which spares two arrays as large as x; where it stands is then not to be had.
    """

    def forward(self, x, windows, dilation=(1, 1), return_indices=False, name="max_pool", relu=False):
        """Find maxima; NaN counts as the largest. `windows` are the bounds for each axis, `dilation` their steps.

        Raises `ShapeError` when there is nothing to choose from, `DtypeError` unless x is a float array.
        """
        dims = self.dims = len(windows)
        _check(name, x, dims)
        bounds, lengths = _two_axes(windows, x)
        steps = as_pairs(dilation, 1)
        rows, columns = self.windows = tuple(map(_within, bounds, lengths, steps))
        image = channels_last(as_images(x, dims))
        self.ndim, self.size = x.ndim, image.shape[1:3]
        y, self.index = kernels.max_pool_forward(image, rows, columns, steps, relu)
        y = from_images(channels_first(y), x.ndim, dims)
        if not return_indices:
            return y
        return y, from_images(channels_first(self.index), x.ndim, dims).astype(np.int64)

    def backward(self, dy, dindex=None):
        """The gradient of a maximum goes to where it stands."""
        dy = channels_last(as_images(dy, self.dims))
        dx = channels_first(kernels.max_pool_backward(dy, self.index, *self.windows, self.size))
        return (from_images(dx, self.ndim, self.dims),)


class AvgPool(Op):
    """The mean of each window: its sum over a number, which is not always that of its elements."""

    stateless = True

    def forward(self, x, windows, count_include_pad=False, padding=(0, 0), divisor_override=None, name="avg_pool"):
        """Average. `windows` are the bounds for each axis.

        A sum is divided by the number of elements; with `count_include_pad` also those of the `padding`, but not what
        lies beyond; or by `divisor_override`. Raises as `MaxPool` does.
        """
        dims = self.dims = len(windows)
        _check(name, x, dims)
        bounds, lengths = _two_axes(windows, x)
        self.windows = counted = [_within(b, n) for b, n in zip(bounds, lengths, strict=True)]
        if count_include_pad:
            ends = [n + p for n, p in zip(lengths, as_pairs(padding, 0), strict=True)]
            counted = [np.minimum(b, end) for b, end in zip(bounds, ends, strict=True)]
        rows, columns = (np.maximum(b[:, 1] - b[:, 0], 0) for b in counted)
        divisors = rows[:, None] * columns
        divisors = np.maximum(divisors, 1) if divisor_override is None else np.full_like(divisors, divisor_override)
        self.divisors = divisors.astype(x.dtype)
        self.ndim, image = x.ndim, channels_last(as_images(x, dims))
        self.size = image.shape[1:3]
        y = kernels.avg_pool_forward(image, *self.windows, self.divisors)
        return from_images(channels_first(y), x.ndim, dims)

    def backward(self, dy):
        """The gradient of a mean is shared out among its elements."""
        dy = channels_last(as_images(dy, self.dims))
        dx = channels_first(kernels.avg_pool_backward(dy, *self.windows, self.divisors, self.size))
        return (from_images(dx, self.ndim, self.dims),)

"""Layer norm, group norm and batch norm."""

import math

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ShapeError
from .base import Op, check_float, contiguous, quiet
from .images import channels_last
from .matmul import check_dtypes

_PIXELS = 64  # of fewer each has weights of its own: 32 images of 64 x 7 x 7 take half the time then


def _check(name, x, weight, bias, shape):
    check_float(name, "input", x)
    for argument, array in (("weight", weight), ("bias", bias)):
        check_dtypes(name, x, array, ("input", argument))
        if array.shape != shape:
            raise ShapeError(f"{name}: {argument} has shape {array.shape}, expected {shape} for an input of {x.shape}")


def _channels_last(x):
    """x (N, C, ...) as a view (N, ..., C), in a tenth of the time that `np.moveaxis` takes."""
    return x.transpose(0, *range(2, x.ndim), 1)


def _channels_second(x):
    """x (N, ..., C) as a view (N, C, ...)."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


class LayerNorm(Op):
    """x less its mean over its standard deviation, along the last axes, times weight plus bias."""

    saved_inputs = (0, 1)

    def forward(self, x, weight, bias, normalized_shape, eps=1e-5):
        """Normalise over the last axes, which are `normalized_shape`, as are weight and bias.

        Raises `ShapeError` when sizes do not fit and `DtypeError` unless all have one float dtype.
        """
        axes = len(normalized_shape)
        if axes == 0 or x.shape[max(0, x.ndim - axes) :] != normalized_shape:
            raise ShapeError(
                f"layer_norm: input has shape {x.shape}, expected (..., {', '.join(map(str, normalized_shape))}) for "
                f"normalized_shape={normalized_shape}"
            )
        _check("layer_norm", x, weight, bias, normalized_shape)
        self.shape, self.normalized_shape, D = x.shape, normalized_shape, weight.size
        N = math.prod(x.shape[: x.ndim - axes])
        self.x, self.weight = contiguous(x).reshape(N, D), contiguous(weight).reshape(D)
        y, self.mean, self.rstd = kernels.layer_norm_forward(self.x, self.weight, contiguous(bias).reshape(D), eps)
        return y.reshape(x.shape)

    def backward(self, dy):
        """dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) with g = dy * weight; see Ba et al. (2016)."""
        dy = contiguous(dy).reshape(self.x.shape)
        dx, dweight, dbias = kernels.layer_norm_backward(dy, self.x, self.mean, self.rstd, self.weight)
        parameters = [d.reshape(self.normalized_shape) for d in (dweight, dbias)]
        return dx.reshape(self.shape), *parameters


class GroupNorm(Op):
    """x (N, C, ...) less the mean of its group of channels over its standard deviation, times weight plus bias."""

    saved_inputs = (0, 1)

    def forward(self, x, weight, bias, groups, eps=1e-5):
        """Normalise each group of C / groups channels of each of N; weight and bias are (C,).

        The result lies in memory as x does, where that is channels first or last. Raises `ShapeError` when sizes or
        dtypes do not fit and `DtypeError` unless x has a float dtype.
        """
        check_float("group_norm", "input", x)
        C = x.shape[1]
        for name, t in (("weight", weight), ("bias", bias)):
            if t.shape != (C,) or t.dtype != x.dtype:
                raise ShapeError(f"group_norm: {name} has shape {t.shape}, expected ({C},) of {x.dtype}")
        self.shape, self.groups, self.weight = x.shape, groups, contiguous(weight)
        self.last = not x.flags.c_contiguous and _channels_last(x).flags.c_contiguous
        self.few = not self.last and math.prod(x.shape[2:]) < _PIXELS
        self.x = self._rows(x)
        if self.few:
            each = self._of_pixels(self.weight), self._of_pixels(contiguous(bias))
            y, self.mean, self.rstd = kernels.layer_norm_forward(self.x, *each, eps)
        else:
            forward = kernels.group_norm_last_forward if self.last else kernels.group_norm_forward
            y, self.mean, self.rstd = forward(self.x, self.weight, contiguous(bias), groups, eps)
        return self._images(y)

    def backward(self, dy):
        """dx = rstd * (g - mean(g) - xhat * mean(g * xhat)) with g = dy * weight; see Wu and He (2018)."""
        given = self._rows(dy), self.x, self.mean, self.rstd
        if self.few:
            dx, *parameters = kernels.layer_norm_backward(*given, self._of_pixels(self.weight))
            dweight, dbias = (d.reshape(self.weight.size, math.prod(self.shape[2:])).sum(axis=1) for d in parameters)
        else:
            backward = kernels.group_norm_last_backward if self.last else kernels.group_norm_backward
            dx, dweight, dbias = backward(*given, self.weight)
        return self._images(dx), dweight, dbias

    def _rows(self, x):
        """x (N, C, ...) in C order as (N, pixels, C), (N, C, pixels) or rows of groups."""
        (N, C), S = self.shape[:2], math.prod(self.shape[2:])
        if self.last:
            return contiguous(_channels_last(x)).reshape(N, S, C)
        return contiguous(x).reshape((N * self.groups, C // self.groups * S) if self.few else (N, C, S))

    def _images(self, rows):
        """The other way round, as a view."""
        N, C, *axes = self.shape
        return _channels_second(rows.reshape(N, *axes, C)) if self.last else rows.reshape(self.shape)

    def _of_pixels(self, channels):
        """What belongs to channels, for each number of a group."""
        S = math.prod(self.shape[2:])
        return channels.repeat(S).reshape(self.groups, channels.size // self.groups * S)


class BatchNorm(Op):
    """x (N, C) or (N, C, ...) less the mean of its channel over its standard deviation, times weight plus bias."""

    saved_inputs = (0, 1)

    @quiet
    def forward(self, x, weight, bias, mean=None, var=None, eps=1e-5):
        """Normalise by the given `mean` and `var` (C,), or by those of x.

        Returns y; without `mean` and `var` also mean and (biased) variance of x. Raises `ShapeError` when sizes do not
        fit and `DtypeError` unless x, weight and bias have one float dtype.
        """
        if x.ndim < 2:
            raise ShapeError(f"batch_norm: input has shape {x.shape}, expected (N, C) or (N, C, ...)")
        _check("batch_norm", x, weight, bias, x.shape[1:2])
        self.shape, self.given = x.shape, mean is not None
        self.x = rows = self._rows(x)
        if not self.given:
            mean, var = kernels.batch_norm_statistics(rows)
        # The statistics may be a module's running ones, which change: keep copies.
        self.mean, self.rstd = mean.astype(x.dtype), (1 / np.sqrt(var + x.dtype.type(eps))).astype(x.dtype)
        self.weight = contiguous(weight)
        y = kernels.batch_norm_forward(rows, self.mean, self.rstd, self.weight, bias)
        y = self._images(y)
        return y if self.given else (y, mean, var)

    @quiet
    def backward(self, dy, dmean=None, dvar=None):
        """dx = weight * rstd * (dy - mean(dy) - xhat * mean(dy * xhat)), without the means where they were given."""
        dy = self._rows(dy)
        dx = dweight = dbias = None
        if not self.given or any(self.needs[1:3]):
            dweight, dbias = kernels.batch_norm_backward_sums(dy, self.x, self.mean, self.rstd)
        if self.needs[0]:
            nothing = np.zeros_like(self.mean)
            sums = (nothing, nothing) if self.given else (dweight, dbias)
            dx = self._images(kernels.batch_norm_backward_input(dy, self.x, self.mean, self.rstd, self.weight, *sums))
        return dx, dweight, dbias

    def _rows(self, x):
        """x (N, C, ...) as contiguous rows of channels."""
        N, C = x.shape[:2]
        if x.ndim == 2:
            return contiguous(x)
        images = x if x.ndim == 4 else x.reshape(N, C, 1, math.prod(x.shape[2:]))
        return channels_last(images).reshape(-1 if C else 0, C)

    def _images(self, rows):
        """The other way round, as a view."""
        if len(self.shape) == 2:
            return rows
        N, C, *axes = self.shape
        return _channels_second(rows.reshape(N, *axes, C))

"""Convolution, pooling, patches and normalisation."""

import math

import numpy as np

from ..reference import pool as reference
from .case import Case, Kernel, bound, named, normal, sized


def _outputs(size, kernel_size, stride, padding, dilation):
    """Rows and columns of the result of a convolution with the same padding on both sides."""
    return tuple((size[i] + 2 * padding[i] - dilation[i] * (kernel_size[i] - 1) - 1) // stride[i] + 1 for i in range(2))


# B x C x O, R x S, K x L, stride, padding, dilation, groups: nothing, one pixel, each setting for itself and together,
# more channels than a panel, more rows of weights than one product, more rows than a scratch, one row, one column, one
# window as large as the image, one channel, and that in several slices.
_CONVOLUTIONS = {
    "no-batch": (0, 2, 3, (4, 5), (3, 3), (1, 1), (0, 0), (1, 1), 1),
    "pixel": (1, 1, 1, (1, 1), (1, 1), (1, 1), (0, 0), (1, 1), 1),
    "only-padding": (1, 1, 2, (1, 1), (1, 1), (1, 1), (2, 1), (1, 1), 1),
    "plain": (2, 3, 5, (5, 6), (3, 2), (1, 1), (0, 0), (1, 1), 1),
    "padding": (2, 2, 3, (4, 5), (3, 3), (1, 1), (2, 1), (1, 1), 1),
    "stride": (2, 3, 4, (6, 7), (3, 2), (2, 3), (1, 0), (1, 1), 1),
    "far-stride": (1, 1, 2, (5, 7), (1, 2), (3, 4), (0, 0), (1, 1), 1),
    "dilation": (1, 3, 4, (6, 7), (2, 3), (1, 1), (1, 2), (3, 2), 1),
    "groups": (2, 4, 6, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), 2),
    "depthwise": (2, 3, 6, (4, 5), (3, 2), (2, 1), (1, 1), (1, 2), 3),
    "depthwise-vectors": (2, 20, 20, (4, 5), (3, 2), (2, 1), (1, 1), (1, 2), 20),
    "row": (2, 3, 4, (1, 12), (1, 3), (1, 2), (0, 1), (1, 1), 1),
    "column": (2, 2, 3, (12, 2), (3, 2), (1, 1), (0, 0), (1, 1), 1),
    "panels": (3, 17, 35, (6, 7), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "vectors": (2, 16, 16, (7, 9), (3, 3), (2, 1), (1, 1), (1, 1), 1),
    "deep": (2, 70, 33, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "deep-back": (2, 5, 300, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "slices": (2, 24, 20, (60, 40), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "images": (40, 3, 16, (6, 6), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "whole": (3, 5, 20, (4, 3), (4, 3), (2, 1), (0, 0), (1, 1), 1),
    "whole-no-batch": (0, 5, 20, (4, 3), (4, 3), (1, 1), (0, 0), (1, 1), 1),
    "whole-groups": (3, 4, 6, (4, 3), (4, 3), (1, 1), (0, 0), (1, 1), 2),
    "channel": (3, 1, 19, (9, 14), (3, 2), (1, 2), (1, 1), (2, 1), 1),
    "channel-slices": (1, 1, 16, (70, 60), (5, 5), (1, 1), (2, 2), (1, 1), 1),
    "channel-geometry": (2, 1, 19, (13, 37), (4, 3), (2, 1), (1, 5), (2, 3), 1),
    "channel-only-padding": (1, 1, 3, (2, 3), (2, 2), (3, 1), (6, 4), (1, 1), 1),
}
_CONVOLUTIONS_BENCH = {
    "bench-1-channel": (64, 1, 16, (28, 28), (5, 5), (1, 1), (2, 2), (1, 1), 1),
    "bench-16-channels": (32, 16, 32, (28, 28), (3, 3), (1, 1), (1, 1), (1, 1), 1),
}


# Likewise, for as many groups as channels: also fewer channels than a vector, more that do not fill vectors, four
# vectors and more, rows of which three outputs have the same taps and rows of which none have, gaps between the taps
# that an input meets, outputs that see nothing but padding, images smaller than the kernel, a weight's sum in shares.
_DEPTHWISE = {
    "no-batch": (0, 5, (4, 5), (3, 3), (1, 1), (1, 1), (1, 1)),
    "channel": (2, 1, (5, 6), (3, 2), (1, 1), (1, 0), (1, 1)),
    "only-padding": (2, 3, (1, 1), (1, 1), (1, 1), (2, 1), (1, 1)),
    "padding": (1, 5, (2, 3), (3, 3), (1, 1), (4, 5), (1, 1)),
    "vector": (2, 16, (5, 9), (3, 3), (1, 1), (1, 1), (1, 1)),
    "tail": (2, 21, (4, 8), (3, 3), (1, 1), (1, 1), (1, 1)),
    "no-padding": (1, 17, (5, 12), (5, 3), (1, 1), (0, 0), (1, 1)),
    "stride": (2, 18, (6, 17), (3, 4), (2, 2), (1, 1), (1, 1)),
    "far-stride": (1, 4, (7, 15), (2, 1), (3, 4), (0, 1), (1, 1)),
    "dilation": (1, 6, (7, 9), (3, 3), (1, 1), (2, 3), (3, 2)),
    "stride-dilation": (2, 7, (9, 17), (3, 3), (2, 6), (3, 4), (3, 4)),
    "row": (3, 19, (1, 20), (1, 4), (1, 1), (0, 3), (1, 1)),
    "column": (2, 4, (13, 1), (4, 1), (1, 1), (1, 0), (1, 1)),
    "small-image": (2, 20, (3, 4), (7, 7), (1, 1), (3, 3), (1, 1)),
    "four-vectors": (1, 64, (4, 5), (3, 3), (1, 1), (1, 1), (1, 1)),
    "many-channels": (2, 163, (7, 7), (7, 7), (1, 1), (3, 3), (1, 1)),
    "shares": (5, 24, (14, 9), (3, 5), (1, 1), (1, 2), (1, 1)),
    "large-sums": (3, 1040, (5, 3), (9, 7), (1, 1), (4, 3), (1, 1)),
}
_DEPTHWISE_BENCH = {
    "bench-3x3": (16, 64, (32, 32), (3, 3), (1, 1), (1, 1), (1, 1)),
    "bench-7x7": (8, 96, (28, 28), (7, 7), (1, 1), (3, 3), (1, 1)),
}


def _convolved(rng, dtype, B, C, O, image, kernel, stride, padding, dilation, groups):
    size = _outputs(image, kernel, stride, padding, dilation)
    x, w = normal(rng, dtype, B, *image, C), normal(rng, dtype, O, C // groups, *kernel)
    return x, w, normal(rng, dtype, O), size, stride, padding, dilation, groups


def _convolved_input(rng, dtype, B, C, O, image, kernel, *geometry):
    dy = normal(rng, dtype, B, *_outputs(image, kernel, *geometry[:3]), O)
    return dy, normal(rng, dtype, O, C // geometry[3], *kernel), image, *geometry


def _convolved_weight(rng, dtype, B, C, O, image, kernel, *geometry):
    dy = normal(rng, dtype, B, *_outputs(image, kernel, *geometry[:3]), O)
    return dy, normal(rng, dtype, B, *image, C), kernel, *geometry


def _unfolded(rng, dtype, B, C, O, image, kernel, stride, padding, dilation, groups):
    size = _outputs(image, kernel, stride, padding, dilation)
    return normal(rng, dtype, B, C, *image), kernel, size, stride, padding, dilation


def _folded(rng, dtype, B, C, O, image, kernel, stride, padding, dilation, groups):
    size = _outputs(image, kernel, stride, padding, dilation)
    columns = normal(rng, dtype, B, C * math.prod(kernel), math.prod(size))
    return columns, kernel, size, image, stride, padding, dilation


def _images(make):
    for id, size in _CONVOLUTIONS.items():
        yield Case(id, bound(make, size), large=math.prod((*size[:3], *size[3], *size[4])) > 5000)
    for id, size in _CONVOLUTIONS_BENCH.items():
        yield Case(id, bound(make, size), bench=True)


def _by_channel(make):
    """Cases of `make` with as many groups as channels, which are no argument of the kernel then."""

    def case(rng, dtype, B, C, *geometry):
        return make(rng, dtype, B, C, C, *geometry, C)[:-1]

    for id, size in _DEPTHWISE.items():
        yield Case(id, bound(case, size), large=math.prod((*size[:2], *size[2], *size[3])) > 5000)
    for id, size in _DEPTHWISE_BENCH.items():
        yield Case(id, bound(case, size), bench=True)


def _windows(length, kernel, stride, padding, dilation=1):
    """The bounds of windows along one axis."""
    count = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    starts = np.arange(count) * stride - padding
    ends = np.minimum(starts + dilation * (kernel - 1) + 1, length)
    return np.stack([np.where(starts < 0, starts % dilation, starts), ends], axis=1)


# B x C, R x S, kernel, stride, padding, dilation. The sixth has windows of which nothing lies in the image. In the last
# three windows lie side by side and leave a row over, overlap, and cover the image.
_POOLS = (
    (0, 3, (4, 4), 2, 2, 0, 1),
    (1, 1, (1, 1), 1, 1, 0, 1),
    (2, 3, (5, 6), 2, 2, 0, 1),
    (2, 17, (5, 6), 3, 2, 1, 1),
    (1, 5, (6, 7), 3, 1, 1, 2),
    (1, 3, (1, 2), 2, 1, 2, 3),
    (3, 16, (9, 7), 2, 3, 1, 1),
    (5, 40, (20, 17), 3, 2, 1, 1),
    (2, 16, (5, 8), 2, 2, 0, 1),
    (2, 32, (6, 4), 2, 1, 0, 1),
    (2, 24, (9, 6), 3, 3, 0, 1),
)
_POOLS_BENCH = (128, 16, (28, 28), 2, 2, 0, 1)


def _max_pooled(rng, dtype, B, C, image, kernel, stride, padding, dilation):
    rows, columns = (_windows(length, kernel, stride, padding, dilation) for length in image)
    return normal(rng, dtype, B, *image, C), rows, columns, (dilation, dilation), False


def _relu_pooled(rng, dtype, *size):
    return *_max_pooled(rng, dtype, *size)[:-1], True


def _with_special_values(make, size):
    """Many pixels alike: nan, infinite, equal, and zeros of both signs."""

    def case(rng, dtype):
        x, *others = make(rng, dtype, *size)
        for value, share in ((np.nan, 0.1), (-np.inf, 0.5), (1.0, 0.2), (0.0, 0.1), (-0.0, 0.1)):
            x[rng.random(x.shape) < share] = value
        return x, *others

    return case


def _max_pooled_backward(rng, dtype, *size):
    x, rows, columns, dilation, _ = _max_pooled(rng, dtype, *size)
    y, index = reference.max_pool_forward(x, rows, columns, dilation, True)
    return normal(rng, dtype, *y.shape), index.astype(f"i{x.itemsize}"), rows, columns, x.shape[1:3]


def _avg_pooled(rng, dtype, *size):
    x, rows, columns, *_ = _max_pooled(rng, dtype, *size)
    return x, rows, columns, rng.integers(1, 9, (len(rows), len(columns))).astype(dtype)


def _avg_pooled_backward(rng, dtype, *size):
    x, rows, columns, divisors = _avg_pooled(rng, dtype, *size)
    return normal(rng, dtype, len(x), *divisors.shape, x.shape[3]), rows, columns, divisors, x.shape[1:3]


def _pooled(make, prefix=""):
    for size in _POOLS:
        name = f"{prefix}{size[0]}x{size[1]}x{named(size[2])}-k{size[3]}s{size[4]}p{size[5]}d{size[6]}"
        yield Case(name, bound(make, size), large=math.prod((*size[:2], *size[2])) > 3000)
    yield Case(f"{prefix}bench-28x28", bound(make, _POOLS_BENCH), bench=True)


# N x C. 50,000 x 3 are several blocks of wide rows, the last of them short; 7 x 300 have wide rows of one row each.
_NORMALISED = ((0, 5), (3, 0), (1, 1), (1, 16), (5, 3), (300, 7), (7, 300), (50_000, 3), (40, 1500))
_LAYER_NORMALISED = (*_NORMALISED, (6, 5, 3), (5000, 7, 2))  # the last two with weights for 3 and 2 rows by turns
_NORMALISED_BENCH = ((25088, 32), (512, 512))  # batch norm of 32 images of 28 x 28, layer norm of 512 words


def _columns(rng, dtype, N, C):
    return (normal(rng, dtype, N, C) + normal(rng, dtype, C, scale=10.0),)


def _statistics(rng, dtype, C):
    return normal(rng, dtype, C), (0.5 + rng.random(C)).astype(dtype)


def _batch_normed(rng, dtype, N, C):
    return *_columns(rng, dtype, N, C), *_statistics(rng, dtype, C), *_statistics(rng, dtype, C)[::-1]


def _batch_normed_sums(rng, dtype, N, C):
    return normal(rng, dtype, N, C), normal(rng, dtype, N, C), *_statistics(rng, dtype, C)


def _batch_normed_backward(rng, dtype, N, C):
    return *_batch_normed_sums(rng, dtype, N, C), *(normal(rng, dtype, C) for _ in range(3))


def _layer_normed(rng, dtype, N, D, *G):
    return normal(rng, dtype, N, D), normal(rng, dtype, *G, D), normal(rng, dtype, *G, D), 1e-5


def _layer_normed_backward(rng, dtype, N, D, *G):
    mean, rstd = _statistics(rng, dtype, N)
    return normal(rng, dtype, N, D), normal(rng, dtype, N, D), mean, rstd, normal(rng, dtype, *G, D)


def _normed(name, make, rtol32, sizes=_NORMALISED, bench=_NORMALISED_BENCH[0]):
    return Kernel(name, "norm", sized(make, sizes, bench), rtol32=rtol32)


# B x C x S, groups: nothing, one pixel, wide rows with a short last one, many images in a block, a run of several
# chunks, more rows than are summed at once, more channels than a wide row.
_GROUPED = (
    (0, 4, 5, 2), (2, 4, 0, 2), (1, 2, 1, 1), (2, 6, 5, 3), (3, 3, 130, 1), (700, 8, 3, 4), (2, 4, 9001, 2),
    (2, 300, 70, 5),
)  # fmt: skip
_GROUPED_BENCH = (32, 32, 784, 8)


def _group_normed(rng, dtype, B, C, S, groups, last=False):
    x = normal(rng, dtype, *(B, S, C) if last else (B, C, S)) + normal(rng, dtype, B, 1, 1)
    return x, normal(rng, dtype, C), normal(rng, dtype, C), groups, 1e-5


def _group_normed_backward(rng, dtype, B, C, S, groups, last=False):
    shape = (B, S, C) if last else (B, C, S)
    mean, rstd = normal(rng, dtype, B, groups), (0.5 + rng.random((B, groups))).astype(dtype)
    return normal(rng, dtype, *shape), normal(rng, dtype, *shape), mean, rstd, normal(rng, dtype, C)


def _grouped(name, make, last, rtol32):
    cases = sized(lambda *arguments: make(*arguments, last=last), _GROUPED, _GROUPED_BENCH)
    return Kernel(name, "group_norm", cases, rtol32=rtol32)


def _matrices(rng, dtype, B, M, N):
    return (normal(rng, dtype, B, M, N),)


_SWAPPED = ((0, 3, 4), (2, 1, 5), (2, 3, 4), (1, 17, 300), (3, 16, 784))
KERNELS = (
    Kernel("conv_forward", "conv", tuple(_images(_convolved)), rtol32=5e-6),
    Kernel("conv_backward_input", "conv", tuple(_images(_convolved_input)), rtol32=5e-6),
    Kernel("conv_backward_weight", "conv", tuple(_images(_convolved_weight)), rtol32=1e-5),
    Kernel("depthwise_forward", "depthwise", tuple(_by_channel(_convolved))),
    Kernel("depthwise_backward_input", "depthwise", tuple(_by_channel(_convolved_input))),
    Kernel("depthwise_backward_weight", "depthwise", tuple(_by_channel(_convolved_weight)), rtol32=1e-5),
    Kernel("swap_axes", "layout", sized(_matrices, _SWAPPED, (32, 16, 784)), rtol32=0.0, rtol64=0.0),
    Kernel("patches_forward", "patches", tuple(_images(_unfolded)), rtol32=0.0, rtol64=0.0),
    Kernel("patches_backward", "patches", tuple(_images(_folded))),
    Kernel(
        "max_pool_forward",
        "pool",
        (
            *_pooled(_max_pooled),
            *_pooled(_relu_pooled, "relu-"),
            *(
                Case(f"special-{make.__name__}-{size}", _with_special_values(make, _POOLS[size]))
                for make in (_max_pooled, _relu_pooled)
                for size in (3, 8)
            ),
        ),
        rtol32=0.0,
        rtol64=0.0,
    ),
    Kernel("max_pool_backward", "pool", tuple(_pooled(_max_pooled_backward))),
    Kernel("avg_pool_forward", "pool", tuple(_pooled(_avg_pooled))),
    Kernel("avg_pool_backward", "pool", tuple(_pooled(_avg_pooled_backward))),
    _normed("batch_norm_statistics", _columns, 2e-6),
    _normed("batch_norm_forward", _batch_normed, 2e-6),
    _normed("batch_norm_backward_sums", _batch_normed_sums, 1e-5),
    _normed("batch_norm_backward_input", _batch_normed_backward, 2e-6),
    _normed("layer_norm_forward", _layer_normed, 5e-6, _LAYER_NORMALISED, _NORMALISED_BENCH[1]),
    _normed("layer_norm_backward", _layer_normed_backward, 1e-5, _LAYER_NORMALISED, _NORMALISED_BENCH[1]),
    _grouped("group_norm_forward", _group_normed, False, 5e-6),
    _grouped("group_norm_backward", _group_normed_backward, False, 1e-5),
    _grouped("group_norm_last_forward", _group_normed, True, 5e-6),
    _grouped("group_norm_last_backward", _group_normed_backward, True, 1e-5),
)

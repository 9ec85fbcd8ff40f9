"""Rows for convolution, pooling, windows, normalisation, and dropout of channels."""

import dataclasses

from hypothesis import strategies as st

from parity.draw import FLOATS, arrays, pick, rarely, seeds
from parity.framework import Array
from parity.table import layers, rows

F = "nn.functional."
either = (True, False)
dtypes = st.sampled_from(FLOATS)


def size(draw, n, values):
    """Return one number for all axes, or one for each."""
    if draw(st.booleans()):
        return draw(st.sampled_from(values))
    return tuple([draw(st.sampled_from(values)) for _ in range(n)])


def sizes(draw, n, **choices):
    """Return some of the settings, each one number or one for each of n axes."""
    return {name: size(draw, n, values) for name, values in choices.items() if draw(st.booleans())}


def image(draw, n, channels, dtype, low=1):
    """Return images (B, C, ...), or one without B."""
    batch = draw(st.sampled_from(((2,), (1,), (), (3,))))
    return draw(arrays((*batch, channels, *[draw(st.integers(low, 6)) for _ in range(n)]), (dtype,)))


# ---------------------------------------------------------------------------------------------------- convolution


@st.composite
def convolution(draw, n, transposed=False, function=False):
    """Channels, the kernel and its settings, and images; rarely of other channels."""
    dtype, groups = draw(dtypes), draw(st.sampled_from((1, 1, 2)))
    C, out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    settings = sizes(draw, n, stride=(1, 2), padding=(0, 1), dilation=(1, 2))
    if transposed:
        settings |= sizes(draw, n, output_padding=(0, 1))
    elif rarely(draw, 5):
        settings["padding"] = draw(st.sampled_from(("same", "valid", "other")))
    settings["groups"] = groups + rarely(draw, 15)
    kernel = size(draw, n, (1, 2, 3))
    x = image(draw, n, C + rarely(draw, 15), dtype)
    if function:
        shape = (C, out // groups) if transposed else (out, C // groups)
        weight = draw(arrays((*shape, *((kernel,) * n if isinstance(kernel, int) else kernel)), (dtype,)))
        return (x, weight, draw(st.none() | arrays((out,), (dtype,)))), settings
    settings |= draw(
        pick(
            bias=either,
            padding_mode=("zeros", "zeros", "zeros")
            if transposed
            else ("zeros", "reflect", "replicate", "circular", "other"),
        )
    )
    return (C, out, kernel), settings, (x,), {}, {"dtype": dtype}


# ---------------------------------------------------------------------------------------------------- pooling


@st.composite
def pooling(draw, n, kind, function=False):
    """A window and its settings, and images."""
    dtype = draw(dtypes)
    settings = sizes(draw, n, stride=(1, 2, 3), padding=(0, 1))
    options = {"ceil_mode": either}
    if kind == "max":
        settings |= sizes(draw, n, dilation=(1, 2))
        options["return_indices"] = either
    else:
        options["count_include_pad"] = either
        if n == 2:
            options["divisor_override"] = (None, 3, 0)
    settings |= draw(pick(**options))
    kernel = size(draw, n, (1, 2, 3))
    x = image(draw, n, draw(st.integers(1, 2)), dtype)
    return ((x, kernel), settings) if function else ((kernel,), settings, (x,), {}, {"dtype": dtype})


@st.composite
def adaptive(draw, n, kind, function=False):
    """The size of what comes out, and images."""
    dtype = draw(dtypes)
    wanted = size(draw, n, (1, 2, 3, 5, None) if n > 1 else (1, 2, 3, 5))
    options = draw(pick(return_indices=either)) if kind == "max" else {}
    x = image(draw, n, draw(st.integers(1, 2)), dtype)
    return ((x, wanted), options) if function else ((wanted,), options, (x,), {}, {"dtype": dtype})


for n in (1, 2):
    layers(f"nn.Conv{n}d", convolution(n))
    rows(f"{F}conv{n}d", convolution(n, function=True))
    layers(f"nn.ConvTranspose{n}d", convolution(n, True))
    rows(f"{F}conv_transpose{n}d", convolution(n, True, True))
    for kind, name in (("max", "Max"), ("avg", "Avg")):
        layers(f"nn.{name}Pool{n}d", pooling(n, kind))
        rows(f"{F}{kind}_pool{n}d", pooling(n, kind, True))
        layers(f"nn.Adaptive{name}Pool{n}d", adaptive(n, kind))
        rows(f"{F}adaptive_{kind}_pool{n}d", adaptive(n, kind, True))

# ---------------------------------------------------------------------------------------------------- windows


@st.composite
def windows(draw, folded, function=False):
    """The settings of windows, and images, or what is to become images."""
    dtype = draw(dtypes)
    kernel = size(draw, 2, (1, 2, 3))
    settings = sizes(draw, 2, dilation=(1, 2), padding=(0, 1), stride=(1, 2))
    batch, C = draw(st.sampled_from(((2,), (1,), ()))), draw(st.integers(1, 2))
    shape = (draw(st.integers(2, 5)), draw(st.integers(2, 5)))
    if not folded:
        x = draw(arrays((*batch, C, *shape), (dtype,)))
        return ((x, kernel), settings) if function else ((kernel,), settings, (x,), {}, {"dtype": dtype})
    count, inner = 1, 1
    for axis in range(2):
        k, d, p, s = (
            v if isinstance(v, int) else v[axis]
            for v in (
                kernel,
                *(settings.get(key, default) for key, default in (("dilation", 1), ("padding", 0), ("stride", 1))),
            )
        )
        count *= max((shape[axis] + 2 * p - d * (k - 1) - 1) // s + 1, 1)
        inner *= k
    x = draw(arrays((*batch, C * inner + rarely(draw, 15), count + rarely(draw, 15)), (dtype,)))
    return ((x, shape, kernel), settings) if function else ((shape, kernel), settings, (x,), {}, {"dtype": dtype})


layers("nn.Unfold", windows(False))
layers("nn.Fold", windows(True))
rows(F + "unfold", windows(False, True))
rows(F + "fold", windows(True, True))

# ---------------------------------------------------------------------------------------------------- normalisation


@st.composite
def layer_norm(draw, function=False):
    """The sizes that are normalised, and a tensor that ends in them."""
    dtype = draw(dtypes)
    shape = draw(st.lists(st.integers(2, 4), min_size=1, max_size=2))
    x = draw(
        arrays((*draw(st.lists(st.integers(1, 3), max_size=2)), *shape[:-1], shape[-1] + rarely(draw, 15)), (dtype,))
    )
    eps = draw(pick(eps=(1e-5, 0.1)))
    if function:
        parameter = st.none() | arrays(tuple(shape), (dtype,))
        return (x, shape, draw(parameter), draw(parameter)), eps
    settings = eps | draw(pick(elementwise_affine=either, bias=either))
    return (shape[0] if len(shape) == 1 and draw(st.booleans()) else shape,), settings, (x,), {}, {"dtype": dtype}


@st.composite
def batch_norm(draw, n, function=False):
    """The number of channels, settings, and batches."""
    dtype, C = draw(dtypes), draw(st.integers(1, 3))
    tail = [draw(st.integers(1, 4)) for _ in range(n)] if n > 1 or draw(st.booleans()) else []
    x = draw(arrays((draw(st.integers(1, 4)), C + rarely(draw, 15), *tail), (dtype,)))
    # PyTorch's gradients mix up elements in other orders of memory where the statistics are given.
    x = dataclasses.replace(x, layout="C")
    if function:
        running = [Array((C,), dtype, kind, draw(seeds)) for kind in ("normal", "positive")]
        if rarely(draw, 6):
            running = [None, None]
        parameter = st.none() | st.builds(Array, st.just((C,)), st.just(dtype), st.just("normal"), seeds, st.booleans())
        options = draw(pick(training=either, momentum=(0.1, 0.5), eps=(1e-5, 0.1)))
        return (x, *running), options | draw(pick(weight=parameter, bias=parameter))
    settings = draw(pick(eps=(1e-5, 0.1), momentum=(0.1, None, 1.0), affine=either, track_running_stats=either))
    return (C,), settings, (x,), {}, {"dtype": dtype, "training": draw(st.booleans())}


@st.composite
def group_norm(draw, function=False):
    """Groups and channels, settings, and batches."""
    dtype, groups, size = draw(dtypes), draw(st.integers(1, 3)), draw(st.integers(3, 4))
    C = groups * size  # of one or two values the gradient is nearly 0, and what there is of it is rounding
    tail = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 2)))]
    x = draw(arrays((draw(st.integers(1, 3)), C + rarely(draw, 15), *tail), (dtype,)))
    groups += rarely(draw, 15)
    eps = draw(pick(eps=(1e-5, 0.1)))
    if function:
        parameter = st.none() | arrays((C,), (dtype,))
        return (x, groups, draw(parameter), draw(parameter)), eps
    return (groups, C), eps | draw(pick(affine=either, bias=either)), (x,), {}, {"dtype": dtype}


layers("nn.GroupNorm", group_norm())
rows(F + "group_norm", group_norm(True))
layers("nn.LayerNorm", layer_norm())
rows(F + "layer_norm", layer_norm(True))
layers("nn.BatchNorm1d", batch_norm(1))
layers("nn.BatchNorm2d", batch_norm(2))
rows(F + "batch_norm", st.integers(1, 2).flatmap(lambda n: batch_norm(n, True)))

# ---------------------------------------------------------------------------------------------------- dropout


@st.composite
def dropped(draw, n, function=False):
    """Images, and a probability at one of both ends, or no training: then nothing is random."""
    x = image(draw, n, 2, draw(dtypes))
    certain = draw(st.booleans())
    p = {"p": draw(st.sampled_from((0.0, 1.0, 1.5, -0.1) if certain else (0.5, 0.1)))}
    if function:
        return (x,), p | ({} if certain else {"training": False})
    return (), p, (x,), {}, {"training": certain}


for n in (1, 2):
    layers(f"nn.Dropout{n}d", dropped(n))
    rows(f"{F}dropout{n}d", dropped(n, True))

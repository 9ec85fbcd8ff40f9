"""Joined, padded and flipped arrays, large enough for kernels, in any layout and dtype, beside what NumPy does."""

import numpy as np
import pytest

from fastgrok import ops
from fastgrok.ops import shape


def _images(rng, dtype, channels_last):
    """Images (5, 6, 64, 80), more elements than a kernel is worth for, in one of two layouts."""
    images = (100 * rng.standard_normal((5, 64, 80, 6) if channels_last else (5, 6, 64, 80))).astype(dtype)
    return images.transpose(0, 3, 1, 2) if channels_last else images


@pytest.fixture
def kernels_always(monkeypatch):
    """Use kernels for joining from the first element on: their threshold is high."""
    monkeypatch.setattr(shape, "SHARED", 1)
    monkeypatch.setattr(shape, "_FEW", 1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("dim", [0, 1, 3, -2])
def test_cat_and_stack(rng, kernels_always, dtype, first, second, dim):
    arrays = [_images(rng, dtype, layout) for layout in (first, second, first)]
    joined, stacked = ops.Cat().forward(*arrays, dim=dim), ops.Stack().forward(*arrays, dim=dim)
    np.testing.assert_array_equal(joined, np.concatenate(arrays, dim))
    np.testing.assert_array_equal(stacked, np.stack(arrays, dim))
    assert joined.dtype == stacked.dtype == arrays[0].dtype
    if first == second:  # the result lies in memory as they do
        assert joined.transpose(0, 2, 3, 1).flags.c_contiguous == first


def test_cat_of_different_sizes_and_of_nothing(rng, kernels_always):
    arrays = [rng.standard_normal((700, D)) for D in (1, 40, 0, 17, 300)]
    np.testing.assert_array_equal(ops.Cat().forward(*arrays, dim=1), np.concatenate(arrays, 1))
    whole = np.arange(700_000.0).reshape(700, 1000)
    parts = [whole[:, :300], whole[:, 300:]]  # with gaps between rows
    np.testing.assert_array_equal(ops.Cat().forward(*parts, dim=1), whole)
    np.testing.assert_array_equal(ops.Cat().forward(*parts[:1], *parts[:1], dim=0), np.concatenate(parts[:1] * 2))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    "widths",
    [
        ((0, 0), (0, 0), (0, 0), (0, 0)),
        ((0, 0), (0, 0), (0, 0), (1, 2)),
        ((0, 0), (0, 0), (2, 1), (1, 0)),
        ((0, 0), (1, 1), (0, 0), (0, 3)),
        ((1, 1), (0, 0), (0, 0), (0, 0)),
        ((0, 0), (0, 0), (-1, -2), (3, -4)),
        ((0, 0), (1, -1), (2, 2), (1, 1)),
        ((0, 0), (0, 0), (-64, 0), (0, 1)),
    ],
)
def test_pad_and_its_gradient(rng, dtype, channels_last, widths):
    x, op = _images(rng, dtype, channels_last), ops.Pad()
    y = op.forward(x, widths, value=3.0)
    added, cut = ([(max(s * a, 0), max(s * b, 0)) for a, b in widths] for s in (1, -1))
    inside = x[tuple(slice(a, n - b) for n, (a, b) in zip(x.shape, cut, strict=True))]
    np.testing.assert_array_equal(y, np.pad(inside, added, constant_values=3))
    assert y.dtype == x.dtype and not np.shares_memory(x, y)
    dy = rng.standard_normal(y.shape)
    (dx,) = op.backward(dy)
    middle = dy[tuple(slice(a, n - b) for n, (a, b) in zip(y.shape, added, strict=True))]
    np.testing.assert_array_equal(dx, np.pad(middle, cut))


def test_pad_keeps_nan_and_infinity():
    x = np.full((200, 200), np.nan)
    x[::2] = -np.inf
    np.testing.assert_array_equal(ops.Pad().forward(x, ((1, 1), (1, 1)), value=np.inf)[1:-1, 1:-1], x)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dims", [(), (0,), (3,), (-2,), (1, 3), (0, 2, 3), (0, 1, 2, 3)])
def test_flip_and_copies(rng, dtype, channels_last, dims):
    x = _images(rng, dtype, channels_last)
    y = ops.Flip().forward(x, dims)
    np.testing.assert_array_equal(y, np.flip(x, dims))
    assert y.flags.c_contiguous and not np.shares_memory(x, y)
    np.testing.assert_array_equal(ops.Clone().forward(x), x)


@pytest.mark.parametrize("size", [1, 40])  # with a kernel, and without
def test_axes_of_one_element_leave_the_layout_alone(rng, kernels_always, size):
    narrow = rng.standard_normal((1, 600 * size))
    assert ops.Pad().forward(narrow, ((1, 1), (0, 0))).flags.c_contiguous
    one_channel = rng.standard_normal((2, 1, 20 * size, 40))
    assert ops.Pad().forward(one_channel, ((0, 0), (1, 1), (0, 0), (0, 0))).flags.c_contiguous
    one_image = rng.standard_normal((1, 20 * size, 40, 3)).transpose(0, 3, 1, 2)  # channels last
    for y in (ops.Cat().forward(one_image, one_image), ops.Pad().forward(one_image, ((0, 1), (0, 0), (1, 1), (1, 1)))):
        assert y.transpose(0, 2, 3, 1).flags.c_contiguous
    turned = rng.standard_normal((30 * size, 20)).T
    assert ops.Stack().forward(turned, turned, turned).transpose(0, 2, 1).flags.c_contiguous


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(("shift", "dim"), [(1, 0), (-3, 0), (7, 2), (-79, 3), (0, 1), (6, 1), (1000, -1)])
def test_roll(rng, kernels_always, dtype, channels_last, shift, dim):
    x, op = _images(rng, dtype, channels_last), ops.Roll()
    y = op.forward(x, shift, dim)
    np.testing.assert_array_equal(y, np.roll(x, shift, dim))
    np.testing.assert_array_equal(op.backward(y)[0], x)
    assert y.dtype == x.dtype and not np.shares_memory(x, y)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize(
    ("small", "large"),
    [
        ((), (300, 500)),
        ((500,), (300, 500)),
        ((300, 1), (300, 500)),
        ((20, 25), (3, 100, 20, 25)),
        ((4, 1, 5, 1, 1), (4, 1, 5, 300, 50)),
        ((3, 1, 500), (3, 100, 500)),  # in the middle
        ((1, 300, 1), (5, 300, 100)),  # on both sides
        ((3,), (50_000, 3)),  # too few for a kernel
        ((50_000, 1), (50_000, 3)),
        ((2, 1, 250_000), (2, 3, 250_000)),
    ],
)
def test_copies_of_what_is_repeated(rng, dtype, small, large):
    x = np.asarray(100 * rng.standard_normal(small)).astype(dtype)
    x.reshape(-1)[:1] = -0.0
    for part in (x, np.stack([x, x], -1)[..., 0]):  # the second with gaps
        expected = np.empty(large, dtype)
        expected[...] = part
        y = ops.Clone().forward(np.broadcast_to(part, large))
        assert y.tobytes() == expected.tobytes() and y.flags.c_contiguous and y.flags.writeable


def test_copies_of_repeated_nan_and_infinity():
    x = np.array([np.nan, np.inf, -np.inf] * 100)
    for repeated in (np.broadcast_to(x, (300, 300)), np.broadcast_to(x[:, None], (300, 300))):
        np.testing.assert_array_equal(ops.Clone().forward(repeated), repeated)


@pytest.mark.parametrize("shape", [(400, 500), (1000, 300), (100_000, 3), (0, 3), (3, 0), (2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_outer_products(rng, shape, dtype):
    a, b = (np.repeat(100 * rng.standard_normal(size), 2).astype(dtype)[::2] for size in shape)
    op = ops.OuterProduct()
    y = op.forward(a, b)
    np.testing.assert_array_equal(y, a[:, None] * b)
    assert y.dtype == a.dtype
    if dtype != "int64" and y.size:
        dy = rng.standard_normal(shape).astype(dtype)
        exact = [dy.astype(float) @ b, a @ dy.astype(float)]
        for found, expected in zip(op.backward(dy), exact, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())

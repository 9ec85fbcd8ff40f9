"""Extremes, products, variances and lengths of arrays large enough for kernels, in any layout, beside NumPy's."""

import itertools

import numpy as np
import pytest

import fastgrok
from fastgrok import ops
from fastgrok.ops.reductions import place_of_middle

SHAPE = (30, 20, 50)
AXES = [axes for count in (1, 2, 3) for axes in itertools.combinations(range(3), count)]
LAYOUTS = {
    "C order": lambda x: x,
    "turned around": lambda x: np.ascontiguousarray(x.T).T,
    "channels last": lambda x: np.ascontiguousarray(x.transpose(0, 2, 1)).transpose(0, 2, 1),
    "with gaps": lambda x: np.repeat(x, 2, -1)[..., ::2],
}
each_layout = pytest.mark.parametrize("layout", LAYOUTS)


def _beside(op, function, x, axes, keepdim, rtol, **settings):
    found, expected = op().forward(x, dim=axes, keepdim=keepdim, **settings), function(x, axis=axes, keepdims=keepdim)
    assert found.dtype == x.dtype and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=rtol)


@each_layout
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_extremes(rng, layout, keepdim, axes, dtype):
    x = LAYOUTS[layout]((100 * rng.standard_normal(SHAPE)).astype(dtype))
    _beside(ops.Amax, np.max, x, axes, keepdim, 0)
    _beside(ops.Amin, np.min, x, axes, keepdim, 0)


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_extremes_with_nan_and_infinity(rng, axes, odd):
    x = rng.standard_normal(SHAPE)
    x[[0, 3, 29], [0, 7, 19], [1, 30, 49]] = odd
    x[5] = odd
    _beside(ops.Amax, np.max, x, axes, False, 0)
    _beside(ops.Amin, np.min, x, axes, False, 0)


@each_layout
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_variances(rng, layout, keepdim, axes, dtype):
    x = LAYOUTS[layout]((3 + rng.standard_normal(SHAPE)).astype(dtype))
    expected = np.var(x.astype(np.float64), axis=axes, keepdims=keepdim, ddof=2)
    found = ops.Var().forward(x, dim=axes, correction=2, keepdim=keepdim)
    assert found.dtype == x.dtype and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_gradients_of_variances_of_many_numbers(rng):
    x = rng.standard_normal(SHAPE)
    for axes in AXES:
        op = ops.Var()
        dy = rng.standard_normal(op.forward(x, dim=axes, keepdim=True).shape)
        count = x.size // dy.size
        expected = 2 * dy * (x - x.mean(axes, keepdims=True)) / (count - 1)
        np.testing.assert_allclose(op.backward(dy)[0], expected, rtol=1e-9, atol=1e-12)


@each_layout
@pytest.mark.parametrize("dim", [None, 0, 1, 2])
def test_products(rng, layout, dim):
    x = LAYOUTS[layout](1 + rng.standard_normal(SHAPE) / 100)
    for dtype, rtol in ((np.float32, 3e-3), (np.float64, 1e-11)):
        expected = np.prod(x.astype(dtype), axis=dim, dtype=np.float64)
        for keepdim in (False, True):
            found = ops.Prod().forward(x.astype(dtype), dim=dim, keepdim=keepdim)
            assert (
                found.dtype == dtype and found.size == expected.size and found.ndim == (3 if keepdim else expected.ndim)
            )
            np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=rtol)


def test_products_of_zeros_and_of_large_numbers():
    x = np.full((200, 300), 10, np.float32)
    x[1, 70], x[2, 5], x[3, 5] = 0, -1, np.nan
    found = ops.Prod().forward(x, dim=1)
    np.testing.assert_array_equal(found[:5], np.array([np.inf, 0, -np.inf, np.nan, np.inf], np.float32))


@each_layout
@pytest.mark.parametrize("dim", [None, 0, 1, 2, (1, 2), (0, 2)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_lengths_and_their_gradients(rng, layout, dim, keepdim):
    x = LAYOUTS[layout](rng.standard_normal(SHAPE))
    x[:, 3] = 0
    expected = np.sqrt((x * x).sum(dim, keepdims=True))
    variable = fastgrok.tensor(x, requires_grad=True)
    length = variable.norm(dim=dim, keepdim=keepdim)
    assert length.shape == np.sum(x, axis=dim, keepdims=keepdim).shape
    np.testing.assert_allclose(length.numpy(force=True).reshape(expected.shape), expected, rtol=1e-12)
    length.sum().backward()
    with np.errstate(invalid="ignore"):
        slope = np.where(expected == 0, 0, x / expected)
    np.testing.assert_allclose(variable.grad.numpy(), slope, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (2, 3)])
def test_lengths_of_little(shape):
    x = fastgrok.ones(shape, requires_grad=True)
    for keepdim in (False, True):
        length = x.norm(keepdim=keepdim)
        assert length.shape == ((1,) * len(shape) if keepdim else ())
        assert length.item() == pytest.approx(np.sqrt(np.prod(shape)))
        length.sum().backward()


@each_layout
@pytest.mark.parametrize("dim", [0, 1, 2, -2])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("odd", [None, np.nan, -np.inf])
def test_places_of_extremes(rng, layout, dim, dtype, odd):
    x = np.round(3 * rng.standard_normal((20, 15, 70)))
    if odd is not None and dtype != "int64":
        x[3:5, 3:5] = x[:, :, 60] = odd
    x = LAYOUTS[layout](x.astype(dtype))
    variable = fastgrok.from_numpy(x)
    for name in ("argmax", "argmin"):
        for keepdim in (False, True):
            found, expected = (getattr(of, name)(axis=dim, keepdims=keepdim) for of in (variable, x))
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found.numpy(), expected)
    values, indices = variable.max(dim)
    np.testing.assert_array_equal(values.numpy(), x.max(dim))
    np.testing.assert_array_equal(indices.numpy(), x.argmax(dim))


@pytest.mark.parametrize("spread", [3, 1000])  # many equal numbers, and few
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("shape", [(100, 101), (2, 5000), (20, 30, 40)])
def test_places_of_middle_of_many_numbers(rng, shape, dtype, spread):
    x = (rng.standard_normal(shape) * spread).astype("int64").astype(dtype)
    if dtype != "int64":
        x[0], x[1, ::2], x[1, 1] = np.nan, np.inf, -np.inf
        x.reshape(-1)[rng.integers(0, x.size, 5)] = np.nan
    for given in (x, x.T, x[:, ::-1]):
        for axis in range(x.ndim):
            order = np.argsort(given, axis, stable=True)
            expected = order.take([(given.shape[axis] - 1) // 2], axis)
            unknown = np.isnan(given)
            first = unknown.argmax(axis, keepdims=True)
            expected = np.where(unknown.any(axis, keepdims=True), first, expected)
            np.testing.assert_array_equal(place_of_middle(given, axis), expected)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_running_products_of_many_numbers(rng, dtype, axes):
    x = rng.uniform(0.9, 1.1, (20, 30, 40)).astype(dtype).transpose(axes)
    for axis in range(3):
        y = ops.CumProd().forward(x, axis)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, np.cumprod(x, axis, np.float64), rtol=1e-6 if dtype == "float32" else 1e-14)

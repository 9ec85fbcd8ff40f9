"""Functions of arrays so large that kernels compute them, in any layout and dtype, beside what NumPy makes of them."""

import math

import numpy as np
import pytest

import fastgrok
from fastgrok import ops
from fastgrok.ops.base import SHARED, copied, filled

EDGES = [np.nan, np.inf, -np.inf, 0.0, -0.0, -0.3, 0.5, -0.5, 1.5, 2.5, -2.5, 2**23 + 1, 1e30, -1e-40]
FUNCTIONS = {
    ops.Neg: np.negative,
    ops.Abs: np.abs,
    ops.Floor: np.floor,
    ops.Ceil: np.ceil,
    ops.Round: np.round,
    ops.Sign: lambda x: np.nan_to_num(np.sign(x)) if x.dtype.kind == "f" else np.sign(x),
}


def _large(rng, dtype, axes=(0, 1, 2)):
    x = (4 * rng.standard_normal((60, 50, 50))).astype(dtype)
    if x.dtype.kind == "f":
        x.flat[: len(EDGES)] = x.flat[-len(EDGES) :] = EDGES
    assert x.size >= SHARED
    return x.transpose(axes)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_with_edges(rng, op, axes, dtype):
    x = _large(rng, dtype, axes)
    before = x.copy()
    for given in (x, np.concatenate([x, x], axis=2)[:, :, ::2]):
        y, expected = op().forward(given), FUNCTIONS[op](given)
        assert y.dtype == x.dtype and not np.shares_memory(y, given)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize(
    "limits", [(-1, 2), (None, 1), (0, None), (2, -2), (np.nan, 1), (-np.inf, np.inf), (1e300, None)]
)
def test_clamp(rng, limits, dtype):
    if dtype == "int64" and not all(limit is None or abs(limit) < 10 for limit in limits):
        return
    x = _large(rng, dtype)
    with np.errstate(over="ignore"):
        low, high = (None if limit is None else x.dtype.type(limit) for limit in limits)
    np.testing.assert_array_equal(ops.Clamp().forward(x, *limits), np.clip(x, low, high))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [-3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 4, 1.5])
@pytest.mark.parametrize("size", [5, SHARED])
def test_powers(rng, size, n, dtype):
    a, dy = np.resize(np.abs(_large(rng, dtype)) + 0.1, size), rng.standard_normal(size).astype(dtype)
    a[-1] = -a[-1] if n % 1 == 0 else a[-1]
    wide, op = a.astype(np.float64), ops.Pow()
    with np.errstate(all="ignore"):
        y, expected, slope = (
            op.forward(a, np.array(n, dtype)),
            wide**n,
            n * wide ** (n - 1.0) if n else np.zeros_like(wide),
        )
        (dx, _), rtol = op.backward(dy), {"float32": 1e-6, "float64": 1e-14}[dtype]
        expected, gradient = expected.astype(dtype), (dy * slope).astype(dtype)
    assert y.dtype == dx.dtype == a.dtype and not np.shares_memory(y, a)
    np.testing.assert_allclose(y[2:], expected[2:], rtol)
    np.testing.assert_allclose(dx[2:], gradient[2:], rtol)


@pytest.mark.parametrize("size", [5, SHARED])
def test_the_power_0_has_slope_0_everywhere(size):
    op = ops.Pow()
    op.forward(np.resize(np.array([0, -0.0, 2, np.nan, np.inf], np.float32), size), np.array(0, np.float32))
    np.testing.assert_array_equal(op.backward(np.ones(size, np.float32))[0], 0)


def test_powers_of_whole_numbers():
    a = np.array([-3, 0, 2, 2**62])
    for n in (0, 1, 2, 3, 5):
        np.testing.assert_array_equal(ops.Pow().forward(a, np.array(n)), a**n)


@pytest.mark.parametrize(
    ("op", "slope"),
    [
        (ops.Neg, lambda x: -np.ones_like(x)),
        (ops.Erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
        (ops.Abs, np.sign),
        (ops.Exp, np.exp),
        (ops.Expm1, np.exp),
        (ops.Log, lambda x: 1 / x),
        (ops.Log1p, lambda x: 1 / (1 + x)),
        (ops.Floor, np.zeros_like),
    ],
)
def test_gradients(rng, op, slope):
    x, dy = 0.1 + rng.random(SHARED), rng.standard_normal(SHARED)
    op = op()
    op.forward(x)
    np.testing.assert_allclose(op.backward(dy)[0], dy * slope(x), rtol=1e-14)


@pytest.mark.parametrize("to", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_conversions(rng, axes, dtype, to):
    x, op = _large(rng, "int8", axes).astype(dtype) if to == "int64" else _large(rng, dtype, axes), ops.Cast()
    for given in (x, x[:, ::-1]):
        y = op.forward(given, dtype=np.dtype(to))
        assert y.dtype == to and not np.shares_memory(y, x)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(y, given.astype(to))
        (dx,) = op.backward(y)
        assert dx.dtype == dtype


def test_conversions_round_to_even_and_overflow():
    x = np.resize([2.0**53 + 1, 1 + 2.0**-24, 1 + 3 * 2.0**-24, 1e300, -1e-300, 1e-42], SHARED)
    with np.errstate(all="ignore"):
        expected = x.astype("float32")
    y = ops.Cast().forward(x, dtype=np.dtype("float32"))
    np.testing.assert_array_equal(y.view("int32"), expected.view("int32"))
    whole = np.resize([2**24 + 1, 2**24 + 3, -(2**62) - 1, 2**63 - 1], SHARED)
    np.testing.assert_array_equal(ops.Cast().forward(whole, dtype=np.dtype("float32")), whole.astype("float32"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (SHARED,), (3, 50_000)])
def test_one_value_everywhere(shape, dtype):
    for value in (0, 1, 2**31 - 2**22 - 1, -0.0, np.nan, np.inf):  # the bits of this integer are those of a float's nan
        if np.dtype(dtype).kind == "f" or (isinstance(value, int) and (value < 2 or dtype.startswith("int"))):
            y = filled(shape, np.dtype(dtype), value)
            expected = np.full(shape, value, dtype)
            assert y.shape == shape and y.dtype == dtype and y.flags.c_contiguous
            assert y.tobytes() == expected.tobytes()
    made = (
        fastgrok.zeros(shape),
        fastgrok.ones(shape),
        fastgrok.full(shape, 2.5),
        fastgrok.ones(shape).new_full(shape, 3),
    )
    assert [bool((x.numpy() == value).all()) for x, value in zip(made, (0, 1, 2.5, 3), strict=True)] == [True] * 4


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_copies_of_whole_numbers(rng, dtype):
    x = rng.integers(0, 2**63 - 1, SHARED + 3).astype(dtype)
    x[0] = np.array(2**31 - 2**22 - 1).astype(dtype)
    y = ops.Clone().forward(x)
    assert y.dtype == dtype and not np.shares_memory(x, y)
    np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_the_error_function(rng, axes):
    x = _large(rng, "float64", axes)
    y = ops.Erf().forward(x)
    np.testing.assert_allclose(y[0], np.vectorize(math.erf)(x[0]), rtol=1e-15)
    odd = ops.Erf().forward(np.resize([np.nan, np.inf, -np.inf, 0.0, -0.0], SHARED))
    np.testing.assert_array_equal(odd[:5], [np.nan, 1, -1, 0, -0.0])
    assert list(np.signbit(odd[3:5])) == [False, True]


@pytest.mark.parametrize(("dtype", "value"), [("float32", 2.5), ("float64", np.nan), ("int64", 3)])
def test_copies_of_one_number(dtype, value):
    x = np.broadcast_to(np.array([[value]]).astype(dtype), (3, SHARED))
    y = copied(x)
    assert y.dtype == dtype and y.flags.c_contiguous and y.flags.writeable
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("op", [ops.Softmax, ops.LogSoftmax])
def test_softmax_of_columns_is_that_of_rows(rng, op, axis):
    x, dy = rng.standard_normal((5, 70, 300)), rng.standard_normal((5, 70, 300))
    columns, rows = op(), op()
    moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    np.testing.assert_allclose(columns.forward(x, axis), np.moveaxis(rows.forward(moved, -1), -1, axis), rtol=1e-12)
    (dx,), (expected,) = columns.backward(dy), rows.backward(np.moveaxis(dy, axis, -1))
    np.testing.assert_allclose(dx, np.moveaxis(expected, -1, axis), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("needed", [True, False])
def test_cross_entropy_of_images_is_that_of_rows(rng, reduction, needed):
    x, targets = rng.standard_normal((4, 10, 8, 9)), rng.integers(0, 10, (4, 8, 9))  # 72 behind the axis
    targets[1, 2, 3:] = -100
    columns, rows = ops.CrossEntropy(), ops.CrossEntropy()
    columns.needs = rows.needs = (needed, False)
    y = columns.forward(x, targets, reduction)
    last = rows.forward(np.moveaxis(x, 1, -1).reshape(-1, 10), targets.reshape(-1), reduction)
    np.testing.assert_allclose(y.reshape(last.shape), last, rtol=1e-12)
    if needed:
        dy = rng.standard_normal(y.shape)
        for _ in range(2):  # the second time it is calculated anew
            (dx,), (expected,) = columns.backward(dy), rows.backward(dy.reshape(last.shape))
            np.testing.assert_allclose(np.moveaxis(dx, 1, -1).reshape(-1, 10), expected, rtol=1e-10, atol=1e-15)

"""The functions of scalar.py: distance from the exact result, special values, vectorisation, fitted tables."""

import importlib.util
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import mpmath
import numpy as np
import pytest

from fastgrok_kernels import jit, scalar
from fastgrok_kernels.simd import LANES
from fastgrok_kernels.vector import load, store

NAMES = ("exp", "tanh", "sigmoid", "log", "log1p", "erf")
ULP32, ULP64 = 4, 2
compiled_only = pytest.mark.skipif(jit.DISABLED, reason="needs compiled code")


def uncached(function):
    """Compile anew in every run: the key of the cache covers the kernels, but not what a test calls."""
    with mock.patch.object(jit, "cache_directory", lambda: None):
        return jit.serial(function)


def looped(name):
    """The function over arrays, in a loop as kernels have them."""
    function = getattr(scalar, name)

    @uncached
    def loop(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return loop


LOOPS = {name: looped(name) for name in (*NAMES, "exp_below_one", "log1p_unit")}


def apply(name, x):
    y = np.empty_like(x)
    with np.errstate(all="ignore"):
        LOOPS[name](x, y)
    return y


def wide(name, x):
    """NumPy's result in float64 for float32 numbers, which is exact enough to measure their errors."""
    with np.errstate(all="ignore"):
        x = x.astype(np.float64)
        if name == "sigmoid":
            z = np.exp(-np.abs(x))
            return np.where(x < 0, z, 1) / (1 + z)
        if name == "erf":
            return apply("erf", x)  # our own of float64, which is compared with mpmath
        if name == "log":
            return np.where(x < 0, np.nan, np.log(np.abs(x)))  # NumPy is slow below zero
        if name == "log1p":
            return np.where(x < -1, np.nan, np.log1p(np.maximum(x, -1)))
        return getattr(np, name)(x)


def worst_ulp(y, exact):
    """The largest distance from the exact result in units in its last place; a wrong NaN counts as infinite."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(y.dtype)
        same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
        error = np.abs(y.astype(exact.dtype) - exact) / np.spacing(np.abs(rounded)).astype(exact.dtype)
    # What rounds to infinity may be infinite; all else that is not finite is wrong unless it is the same.
    error[~np.isfinite(error)] = np.inf
    error[same & ~np.isfinite(error)] = 0
    return float(error.max(initial=0))


@pytest.mark.parametrize("name", NAMES)
def test_float32_on_a_sample_of_all_inputs(name):
    step = 2**32 // (2000 if jit.DISABLED else 2**20) - 3
    x = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)
    assert worst_ulp(apply(name, x), wide(name, x)) <= ULP32


@compiled_only
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_float32_on_all_inputs(name):
    """Within ULP32 - 1 numbers of the exact result as float32, which itself is within half an ulp of it."""
    chunk = np.arange(1 << 16, dtype=np.uint32)  # small enough for the cache

    def check(start):
        x = (chunk + np.uint32(start)).view(np.float32)
        y, exact = apply(name, x), wide(name, x)
        with np.errstate(all="ignore"):
            rounded = exact.astype(np.float32)
        far = np.abs(counted(y) - counted(rounded)) >= ULP32
        assert not (far & ~(np.isnan(y) & np.isnan(rounded))).any(), f"in bits {start:#x} and following"
        return chunk.size

    with ThreadPoolExecutor(jit.get_num_threads()) as cores:  # loops of NumPy and ours run side by side
        assert sum(cores.map(check, range(0, 2**32, chunk.size))) == 2**32


def counted(x):
    """The place of each float32 among all of them, from the most negative on."""
    bits = x.view(np.int32)
    return np.where(bits < 0, np.int32(-(2**31)) - bits, bits)


@pytest.mark.parametrize("name", NAMES)
def test_float64_on_a_sample(name):
    rng = np.random.default_rng(3)
    parts = [rng.normal(0, 1, 400), rng.uniform(-0.5, 0.5, 400), rng.uniform(-40, 40, 200), rng.uniform(-745, 709, 200)]
    x = np.concatenate(parts)
    if name == "log":
        x = np.concatenate([np.abs(x), np.exp(rng.uniform(-700, 700, 300)), 1 + rng.uniform(-1e-3, 1e-3, 300)])
    if name == "log1p":
        x = np.concatenate([np.abs(x), np.exp(rng.uniform(-700, 700, 300)), rng.uniform(-1, 1, 2000)])
        x = np.concatenate([x, np.exp(rng.uniform(-30, -0.1, 500)) - 1, -np.exp(rng.uniform(-50, -0.1, 500))])
    if name == "erf":
        x = np.concatenate([x, rng.uniform(-6, 6, 1000), 0.84375 + rng.uniform(-1e-3, 1e-3, 300)])
    y = apply(name, x)
    exact = {
        "exp": mpmath.exp,
        "tanh": mpmath.tanh,
        "sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)),
        "log": mpmath.log,
        "log1p": mpmath.log1p,
        "erf": mpmath.erf,
    }[name]
    with mpmath.workprec(160):
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            expected = exact(mpmath.mpf(a))
            assert abs(mpmath.mpf(b) - expected) <= ULP64 * float(np.spacing(abs(float(expected)))), (name, a)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_below_one_is_as_exact_as_exp(dtype):
    rng, lowest = np.random.default_rng(4), {np.float32: -104, np.float64: -746}[dtype]
    parts = [rng.uniform(lowest, 1, 20000), rng.uniform(-1, 1, 20000), -np.exp(rng.uniform(-100, 9, 20000))]
    x = np.concatenate(parts)[:: 100 if jit.DISABLED else 1].astype(dtype)
    y, ulp = apply("exp_below_one", x), {np.float32: ULP32, np.float64: ULP64}[dtype]
    assert worst_ulp(y, np.exp(x.astype(np.longdouble))) <= ulp
    special = np.repeat(np.array([np.nan, -np.inf, 0.0, -0.0, -1e4, -np.finfo(dtype).tiny], dtype), 37)
    np.testing.assert_array_equal(apply("exp_below_one", special), np.repeat(np.array([np.nan, 0, 1, 1, 0, 1]), 37))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log1p_unit_is_as_exact_as_log(dtype):
    rng = np.random.default_rng(5)
    parts = [rng.uniform(0, 1, 20000), rng.uniform(0.41, 0.42, 20000), np.exp(rng.uniform(-100, 0, 20000)), [0, 1]]
    x = np.concatenate(parts)[:: 100 if jit.DISABLED else 1].astype(dtype)
    y, ulp = apply("log1p_unit", x), {np.float32: ULP32, np.float64: ULP64}[dtype]
    assert worst_ulp(y, np.log1p(x.astype(np.longdouble))) <= ulp
    assert np.isnan(apply("log1p_unit", np.full(37, np.nan, dtype))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(dtype):
    inf, nan = np.inf, np.nan
    tiny = np.finfo(dtype).smallest_subnormal
    expected = {
        "exp": {nan: nan, inf: inf, -inf: 0, 0.0: 1, 1e4: inf, -1e4: 0, tiny: 1},
        "tanh": {nan: nan, inf: 1, -inf: -1, 0.0: 0, 50.0: 1, -50.0: -1, tiny: tiny, -tiny: -tiny},
        "sigmoid": {nan: nan, inf: 1, -inf: 0, 0.0: 0.5, 50.0: 1, -1e4: 0, tiny: 0.5},
        "erf": {nan: nan, inf: 1, -inf: -1, 0.0: 0, 50.0: 1, -50.0: -1},
        "log1p": {nan: nan, inf: inf, -inf: nan, -1.0: -inf, -1.5: nan, 0.0: 0, tiny: tiny, -tiny: -tiny},
        "log": {nan: nan, inf: inf, -inf: nan, 0.0: -inf, -1.0: nan, 1.0: 0, -tiny: nan},
    }
    assert apply("log", np.array([-0.0], dtype))[0] == -inf
    for name in ("tanh", "log1p"):
        assert np.signbit(apply(name, np.full(37, -0.0, dtype))).all()
    for name, values in expected.items():
        # Enough copies that the vector part and the remainder of the loop both see each value.
        x = np.repeat(np.array(list(values), dtype), 37)
        np.testing.assert_array_equal(
            apply(name, x), np.repeat(np.array(list(values.values()), dtype), 37), err_msg=name
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["exp", "exp_below_one", "tanh", "sigmoid", "erf"])
def test_vectors_give_the_bits_of_scalars(name, dtype):
    function, lanes = getattr(scalar, name), LANES * 4 // np.dtype(dtype).itemsize

    @uncached
    def loop(x, y):
        for i in range(0, x.size, lanes):
            store(y, i, function(load(x, i)))

    x = np.random.default_rng(0).normal(0, 8, 32 * lanes).astype(dtype)
    x[:5] = [np.nan, np.inf, -np.inf, 0, -0.0]
    if name == "exp_below_one":
        x = np.minimum(x, 1)
    y = np.empty_like(x)
    with np.errstate(all="ignore"):
        loop(x, y)
    np.testing.assert_array_equal(y, apply(name, x))
    np.testing.assert_array_equal(np.signbit(y[1:]), np.signbit(apply(name, x)[1:]))


@compiled_only
@pytest.mark.skipif(jit.CHECK, reason="bounds checks keep loops scalar")
@pytest.mark.parametrize("name", (*NAMES, "exp_below_one"))
def test_float32_loops_are_vectorised(name):
    apply(name, np.ones(100, np.float32))
    loop = LOOPS[name]
    llvm = loop.inspect_llvm(next(s for s in loop.signatures if s[0].dtype.name == "float32"))
    assert re.search(r"= fmul [a-z ]*<(4|8|16) x float>", llvm)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ordered_integers_sort_as_floats(dtype):
    values = [np.inf, 3e38, 1.0, np.finfo(dtype).smallest_subnormal, 0.0, -1e-30, -1.0, -np.inf]
    keys = [scalar.to_ordered(dtype(v)) if jit.DISABLED else _ordered(np.array([v], dtype)) for v in values]
    assert keys == sorted(keys, reverse=True)


@uncached
def _ordered(x):
    return scalar.to_ordered(x[0])


def load_fit_scalar():
    path = Path(__file__).parents[2] / "kernels" / "fit_scalar.py"
    spec = importlib.util.spec_from_file_location("fit_scalar", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        *[("EXP", 32), ("LOG", 32), ("LOG", 64), ("ERF", 32)],
        *[
            pytest.param(*table, marks=pytest.mark.slow)
            for table in (("EXP", 64), ("ERF", 64), ("ERFC", 32), ("ERFC", 64))
        ],
    ],
)
def test_tables_are_those_that_the_script_fits(name, bits):
    fit_scalar = load_fit_scalar()
    dtype = {32: np.float32, 64: np.float64}[bits]
    table, error = fit_scalar.fit(name, dtype)
    assert table == getattr(scalar, f"{name}{bits}")
    assert error < float(np.finfo(dtype).eps) / 16
    assert fit_scalar.split_ln2(dtype) == getattr(scalar, f"LN2_{bits}")
    assert float(fit_scalar.ERF_SPLIT) == scalar.ERF_SPLIT

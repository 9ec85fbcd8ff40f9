"""Smooth L1 and Huber losses where a careless formula overflows, or loses small numbers."""

import numpy as np
import pytest

from fastgrok import ops

D = np.array([0, 1e-30, -1e-12, 0.5, -3, 1e20, -3e37, np.inf, -np.inf, np.nan], np.float32)


@pytest.mark.parametrize("D", [D, np.tile(D, 500)], ids=["few", "many"])
@pytest.mark.parametrize("limit", [1e-38, 1e-3, 1, 100.0, 1e30, np.inf])
@pytest.mark.parametrize("op", [ops.SmoothL1, ops.Huber])
def test_bowls_of_any_size(op, limit, D):
    d, m = D.astype(np.float64), np.float64(np.float32(limit))
    size = np.abs(d)
    with np.errstate(over="ignore", invalid="ignore"):
        value = np.where(size < m, size * size / 2, m * (size - m / 2))
        slope = np.clip(d, -m, m)
        if op is ops.SmoothL1:
            value, slope = np.where(size < m, size * size / 2 / m, size - m / 2), slope / m
        if np.isinf(limit):  # a parabola alone, which smooth L1 makes flat
            value, slope = (d * d / 2, d) if op is ops.Huber else (0 * d, 0 * d)
        expected = value.astype(np.float32), slope.astype(np.float32)
        one, setting = op(), {"delta" if op is ops.Huber else "beta": limit}
        found = one.forward(D, np.zeros_like(D), "none", **setting), one.backward(np.ones_like(D))[0]
        if np.isinf(limit) and op is ops.SmoothL1:
            finite = np.isfinite(D)
            found, expected = [x[finite] for x in found], [x[finite] for x in expected]
    for ours, exact in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-6, atol=1e-44)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_of_many_logits_is_that_of_few(dtype, reduction):
    rng = np.random.default_rng(0)
    x = (9 * rng.standard_normal((130, 70))).astype(dtype).T
    target = rng.uniform(0, 1, x.shape).astype(dtype)
    whole, parts = ops.BCEWithLogits(), [ops.BCEWithLogits() for _ in x]
    losses = np.stack([part.forward(*pair, reduction="none") for part, *pair in zip(parts, x, target, strict=True)])
    expected = {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]
    tolerance = {"rtol": 2e-6, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-12}
    np.testing.assert_allclose(whole.forward(x, target, reduction=reduction), expected, **tolerance)
    dy = rng.standard_normal(x.shape if reduction == "none" else ()).astype(dtype)
    rows = np.broadcast_to(dy / (x.size if reduction == "mean" else 1), x.shape)
    gradients = [part.backward(row) for part, row in zip(parts, rows, strict=True)]
    for i, gradient in enumerate(whole.backward(np.asarray(dy))):
        np.testing.assert_allclose(gradient, np.stack([pair[i] for pair in gradients]), **tolerance)

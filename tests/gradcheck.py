"""The check of gradients that all tests share: along a random direction, in float64.

For y = f(x) and random u, v the number <u, J v> is worked out twice: from backward as <J^T u, v>, and from forward as a
central difference of fourth order. One random direction tests all elements at once. Source: HIPS/autograd,
test_util.py.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastgrok.autograd import Variable, apply
from fastgrok.ops import Gradient, Op

STEP = 1e-3
TOLERANCE = 1e-7


def directional_error(function: Callable, arrays: Sequence[np.ndarray], gradients_of: Callable, rng: Any) -> float:
    """Return how far backward and finite differences are apart, relative to the size of the terms.

    `function(arrays)` -> list of outputs; `gradients_of(weights)` -> the gradient for each array (None: not checked).
    """
    outputs = function(arrays)
    weights = [rng.standard_normal(np.shape(y)) for y in outputs]
    gradients = gradients_of(weights)
    directions = [None if g is None else rng.standard_normal(x.shape) for g, x in zip(gradients, arrays, strict=True)]

    def moved(step: float) -> float:
        at = [x if d is None else x + step * d for x, d in zip(arrays, directions, strict=True)]
        return sum(float((w * y).sum()) for w, y in zip(weights, function(at), strict=True))

    numeric = (8 * (moved(STEP) - moved(-STEP)) - (moved(2 * STEP) - moved(-2 * STEP))) / (12 * STEP)
    terms = [g * d for g, d in zip(gradients, directions, strict=True) if d is not None]
    analytic = sum(float(term.sum()) for term in terms)
    scale = float(np.sqrt(sum(float((term * term).sum()) for term in terms))) + 1e-12
    return abs(numeric - analytic) / scale


def check_op(
    op_class: type[Op], arrays: Sequence[np.ndarray], static: dict, rng: Any, tolerance: float = TOLERANCE
) -> None:
    """Assert that an op's backward is the derivative of its forward, for its float64 inputs."""

    def forward(at: Sequence[np.ndarray]) -> list:
        y = op_class().forward(*at, **static)
        return [part for part in (y if isinstance(y, tuple) else (y,)) if np.asarray(part).dtype.kind == "f"]

    def backward(weights: list) -> list:
        variables = [Variable(x, requires_grad=x.dtype.kind == "f") for x in arrays]
        result = apply(op_class, *variables, **static)
        assert not isinstance(result, tuple), "write the check of an op with several outputs by hand"
        result.backward(weights[0])
        for v in variables:
            if v.grad is not None:
                assert v.grad.array.shape == v.array.shape and v.grad.array.dtype == v.array.dtype
        return [
            None if x.dtype.kind != "f" else np.zeros_like(x) if v.grad is None else v.grad.array
            for x, v in zip(arrays, variables, strict=True)
        ]

    error = directional_error(forward, arrays, backward, rng)
    assert error < tolerance, f"{op_class.__name__}: gradient off by {error:.2e}, expected less than {tolerance:.0e}"


def check_function(function: Callable, arrays: Sequence[np.ndarray], rng: Any, tolerance: float = TOLERANCE) -> None:
    """Assert the gradients of a function of tensors (to one tensor) with respect to all of them."""
    from fastgrok import Tensor

    def forward(at: Sequence[np.ndarray]) -> list:
        return [function(*[Tensor._from_array(x) for x in at]).array]

    def backward(weights: list) -> list:
        tensors = [Tensor._from_array(x, requires_grad=True) for x in arrays]
        function(*tensors).backward(weights[0])
        return [np.zeros_like(x) if t.grad is None else t.grad.array for x, t in zip(arrays, tensors, strict=True)]

    error = directional_error(forward, arrays, backward, rng)
    assert error < tolerance, f"gradient off by {error:.2e}, expected less than {tolerance:.0e}"


def dense(gradient: Any) -> np.ndarray:
    """Return a gradient as an array, whatever its form."""
    return gradient.dense() if isinstance(gradient, Gradient) else np.asarray(gradient)

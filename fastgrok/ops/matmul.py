"""The matrix product and the linear layer built on it. All products go through our kernel, none through BLAS."""

import math
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import DtypeError, ShapeError
from .base import FACTORS, SHARED, Op, cannot_broadcast, check_float, contiguous, rows_of, sum_first, unbroadcast
from .gradients import Outer


def product(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None, relu: bool = False) -> np.ndarray:
    """Return a (M, K) times b (K, N) as a new array (M, N); transposed views are multiplied without copying them.

    A bias (N,) is added to each row, and `relu` then cuts off below 0.
    """
    a, transpose_a = _c_order(a)
    b, transpose_b = _c_order(b)
    if bias is None:
        return kernels.matmul(a, b, transpose_a, transpose_b)
    return kernels.matmul_bias(a, b, contiguous(bias), transpose_a, transpose_b, relu)


def _c_order(x: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return a matrix in C order and whether it is the transpose of the one given."""
    if x.flags.c_contiguous:
        return x, False
    return (x.T, True) if x.flags.f_contiguous else (x.copy(), False)


def check_dtypes(name: str, a: np.ndarray, b: np.ndarray, names: tuple[str, str]) -> None:
    """Raise `DtypeError` unless both are float32 or both are float64."""
    if a.dtype is b.dtype and a.dtype.char in "fd":
        return
    check_float(name, names[0], a)
    check_float(name, names[1], b)
    if a.dtype != b.dtype:
        raise DtypeError(f"{name}: {names[0]} has dtype {a.dtype} and {names[1]} {b.dtype}, expected one dtype")


class MatMul(Op):
    """a @ b for a (..., M, K) and b (..., K, N); leading axes broadcast, and 1-D operands are a row or a column."""

    def forward(self, a, b):
        """Multiply. Raises `ShapeError` when sizes do not fit and `DtypeError` unless both have one float dtype."""
        if not (a.dtype == b.dtype and a.dtype.kind in "iu"):
            check_dtypes("matmul", a, b, ("input", "other"))
        if a.ndim == 0 or b.ndim == 0:
            raise ShapeError(f"matmul: shapes {a.shape} and {b.shape}, expected at least one dimension each")
        self.shapes = a.shape, b.shape
        self.saved_inputs = FACTORS[self.needs[:2]]
        self.a = a = a[None] if a.ndim == 1 else a
        self.b = b = b[:, None] if b.ndim == 1 else b
        if a.shape[-1] != b.shape[-2]:
            raise ShapeError(
                f"matmul: shapes {self.shapes[0]} and {self.shapes[1]} cannot be multiplied: "
                f"rows of {a.shape[-1]} elements, columns of {b.shape[-2]}"
            )
        y = batched(a, b) if a.dtype.kind == "f" else whole_numbers(a, b)
        if len(self.shapes[0]) == 1:
            y = y[..., 0, :]
        return y[..., 0] if len(self.shapes[1]) == 1 else y

    def backward(self, dy):
        """da = dy @ b^T and db = a^T @ dy, the latter kept as two factors when b is one matrix."""
        a, b = self.a, self.b
        da: Any = None
        db: Any = None
        dy = dy.reshape(*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1])
        if self.needs[0]:
            da = unbroadcast(batched(dy, b.swapaxes(-1, -2)), a.shape).reshape(self.shapes[0])
        if self.needs[1] and b.ndim == 2 and len(self.shapes[1]) == 2:
            db = Outer(rows_of(a), rows_of(dy))
        elif self.needs[1]:
            db = unbroadcast(batched(a.swapaxes(-1, -2), dy), b.shape).reshape(self.shapes[1])
        return da, db


def whole_numbers(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product of whole numbers, exactly (modulo the dtype): one outer product after the other."""
    try:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise cannot_broadcast("matmul", a.shape[:-2], b.shape[:-2]) from None
    y = np.zeros((*lead, a.shape[-2], b.shape[-1]), a.dtype)
    for k in range(a.shape[-1]):
        y += a[..., :, k : k + 1] * b[..., k : k + 1, :]
    return y


def batched(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a (..., M, K) times b (..., K, N), one product per pair of matrices."""
    if b.ndim == 2:  # one matrix on the right: all rows at once
        y = product(rows_of(a), b)
        return y if a.ndim == 2 else y.reshape(*a.shape[:-1], b.shape[-1])
    batch = a.shape[:-2]
    if b.shape[:-2] != batch:
        try:
            batch = np.broadcast_shapes(batch, b.shape[:-2])
        except ValueError:
            raise cannot_broadcast("matmul", batch, b.shape[:-2]) from None
    left, transpose_a = _c_order_batch(a, batch)
    right, transpose_b = _c_order_batch(b, batch)
    return kernels.batched_matmul(left, right, transpose_a, transpose_b).reshape(*batch, a.shape[-2], b.shape[-1])


def _c_order_batch(x: np.ndarray, batch: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Return matrices (..., M, K) as (B, M, K) or (B, K, M) in C order, and whether it is the latter."""
    x = x if x.shape[:-2] == batch else np.broadcast_to(x, (*batch, *x.shape[-2:]))
    transposed = x.strides[-2] < x.strides[-1]  # whether elements of a column lie closer together than those of a row
    x = contiguous(x.swapaxes(-1, -2) if transposed else x)
    return x.reshape(math.prod(batch), *x.shape[-2:]), transposed


class OuterProduct(Op):
    """All products of the elements of two vectors (N,) and (M,): a matrix (N, M)."""

    def forward(self, a, b):
        """Multiply a column and a row."""
        self.saved_inputs = FACTORS[self.needs[:2]]
        self.a, self.b = a, b
        # Short rows, or all on one core, NumPy multiplies sooner.
        if a.size * b.size < SHARED or a.dtype.char not in "fd" or b.size < 64 or kernels.jit.get_num_threads() == 1:
            return a[:, None] * b
        return kernels.outer(contiguous(a), contiguous(b))

    def backward(self, dy):
        """da = dy b and db = dy^T a."""
        da = product(dy, self.b[:, None])[:, 0] if self.needs[0] else None
        return da, product(self.a[None], dy)[0] if self.needs[1] else None


class Linear(Op):
    """y = x W^T + b: every row of x through one layer. x (..., D), W (O, D), b (O,) or absent -> y (..., O)."""

    relu = False

    def forward(self, x, W, b=None):
        """Multiply and add. Raises `ShapeError` when sizes do not fit, `DtypeError` unless all have one float dtype."""
        check_linear(x, W, b)
        self.shape, self.W, self.saved_inputs = x.shape, W, FACTORS[self.needs[:2]]
        self.x = x = rows_of(x)
        y = product(x, W.T, b, self.relu)
        return y if len(self.shape) == 2 else y.reshape(*self.shape[:-1], W.shape[0])

    def backward(self, dy):
        """dx = dy W, dW = dy^T x, db = the sum of dy over rows."""
        dy = rows_of(dy)
        return *self.products(dy), sum_first(dy) if len(self.needs) > 2 and self.needs[2] else None

    def products(self, dy: np.ndarray) -> tuple[Any, Any]:
        """Return dx and dW, or None, for dy (N, O)."""
        dx = product(dy, self.W).reshape(self.shape) if self.needs[0] else None
        return dx, Outer(dy, self.x) if self.needs[1] else None


class LinearReLU(Linear):
    """`Linear` and `ReLU` at once, which saves a copy of y: max(x W^T + b, 0)."""

    relu = True
    saved_outputs = (0,)

    def forward(self, x, W, b=None):
        """Multiply, add, cut off below 0; nan stays nan. Raises as `Linear` does."""
        self.y = y = super().forward(x, W, np.zeros(len(W), W.dtype) if b is None else b)
        return y

    def backward(self, dy):
        """Where y is positive (or nan) what `Linear` does."""
        dy, db = kernels.bias_relu_backward(contiguous(rows_of(dy)), rows_of(self.y))
        return *self.products(dy), db


def check_linear(x: np.ndarray, W: np.ndarray, b: np.ndarray | None) -> None:
    """Raise `ShapeError` or `DtypeError` unless the arrays of a linear layer fit together."""
    if x.dtype is not W.dtype or W.dtype.char not in "fd":
        check_dtypes("linear", x, W, ("input", "weight"))
    if W.ndim != 2 or x.ndim == 0 or x.shape[-1] != W.shape[1]:
        raise ShapeError(f"linear: input has shape {x.shape} and weight {W.shape}, expected (..., D) and (O, D)")
    if b is None:
        return
    if b.dtype is not W.dtype:
        check_dtypes("linear", b, W, ("bias", "weight"))
    if b.shape != W.shape[:1]:
        raise ShapeError(f"linear: bias has shape {b.shape}, expected {W.shape[:1]} for a weight of shape {W.shape}")

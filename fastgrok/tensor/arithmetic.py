"""Tensor methods for arithmetic and for functions of single elements."""

from typing import Any, Self

import numpy as np

from .. import ops
from ..autograd import Variable, apply
from ..errors import ArgumentError, DtypeError, ShapeError
from ..ops.base import cannot_broadcast
from .dtypes import LARGEST, as_element, as_operand, float32, result_dtype
from .operands import binary, cast, check_tensor, checked, floating, is_operand, operands


class Arithmetic(Variable):
    """`+ - * / ** @`, and functions element by element; the results require a gradient when an operand does."""

    def __add__(self, other: Any) -> Any:
        return binary(ops.Add, self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        check_not_bool(self, other)
        return binary(ops.Sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        check_not_bool(self, other)
        return _reversed(ops.Sub, self, other)

    def __mul__(self, other: Any) -> Any:
        return binary(ops.Mul, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return _quotient(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _quotient(self, other, swapped=True)

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, int | np.integer) and exponent < 0 and self.array.dtype.kind != "f":
            raise DtypeError(f"pow: {self.array.dtype} to the power {exponent}, expected at least 0; convert to float")
        exponent = checked_exponent(self, exponent)
        return binary(ops.Pow, self, exponent)

    def __rpow__(self, base: Any) -> Any:
        return _reversed(ops.Pow, self, base)

    def __floordiv__(self, other: Any) -> Any:
        return self._floor_divide(other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._floor_divide(other, swapped=True)

    def __mod__(self, other: Any) -> Any:
        return self._remainder(other)

    def __rmod__(self, other: Any) -> Any:
        return self._remainder(other, swapped=True)

    def __neg__(self) -> Any:
        if self.array.dtype.kind == "b":
            raise DtypeError("neg: dtype bool, expected numbers; use ~x or logical_not")
        return apply(ops.Neg, self)

    def __pos__(self) -> Self:
        if self.array.dtype.kind == "b":
            raise DtypeError("+: dtype bool, expected numbers")
        return self

    def __abs__(self) -> Any:
        return apply(ops.Abs, self)

    def __matmul__(self, other: Any) -> Any:
        if not isinstance(other, Variable):
            return NotImplemented
        return apply(ops.MatMul, self, other)

    def _whole_operands(self, name: str, other: Any, swapped: bool) -> tuple:
        """Return the operands of `//` and `%`, and check that whole numbers are not divided by 0."""
        a, b = operands(self, other)
        a, b = (b, a) if swapped else (a, b)
        if a.array.dtype.kind == "b":
            raise DtypeError(f"{name}: dtype bool, expected numbers")
        if b.array.dtype.kind != "f" and not b.array.all():
            raise ArgumentError(f"{name}: other holds 0, expected only other whole numbers")
        return a, b

    def _floor_divide(self, other: Any, swapped: bool = False) -> Any:
        if not is_operand(other):
            return NotImplemented
        if self.requires_grad or (isinstance(other, Variable) and other.requires_grad):
            raise NotImplementedError("floor_divide: gradients are not covered; use detach()")
        a, b = self._whole_operands("floor_divide", other, swapped)
        try:
            with np.errstate(all="ignore"):
                return self._new(np.floor_divide(a.array, b.array))
        except ValueError:
            raise cannot_broadcast("floor_divide", a.array.shape, b.array.shape) from None

    def _remainder(self, other: Any, swapped: bool = False) -> Any:
        if not is_operand(other):
            return NotImplemented
        return apply(ops.Remainder, *self._whole_operands("remainder", other, swapped))

    def add(self, other: Any, *, alpha: float = 1) -> Any:
        """Return self + alpha * other."""
        return self + (checked("add", other) if alpha == 1 else times("add", self, other, alpha))

    def sub(self, other: Any, *, alpha: float = 1) -> Any:
        """Return self - alpha * other."""
        return self - (checked("sub", other) if alpha == 1 else times("sub", self, other, alpha))

    def mul(self, other: Any) -> Any:
        """Return self * other."""
        return self * checked("mul", other)

    def div(self, other: Any) -> Any:
        """Return self / other; whole numbers give float32."""
        return self / checked("div", other)

    def pow(self, exponent: Any) -> Any:
        """Return self ** exponent."""
        return self ** checked("pow", exponent)

    def remainder(self, other: Any) -> Any:
        """Return self % other, with the sign of other."""
        return self % checked("remainder", other)

    def neg(self) -> Any:
        """Return -self."""
        return -self

    def matmul(self, other: Any) -> Any:
        """Return self @ other: (..., M, K) times (..., K, N), 1-D operands as a row or a column."""
        check_tensor("matmul", "other", other)
        return self @ other

    def mm(self, other: Any) -> Any:
        """Return the product of two matrices (M, K) and (K, N)."""
        return _of_dimensions("mm", self, other, 2)

    def addmm(self, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
        """Return beta * self + alpha * (mat1 @ mat2): self broadcasts to (M, N), the others are (M, K) and (K, N)."""
        return _scaled("addmm", self, beta, mat1.mm(mat2), alpha)

    def addmv(self, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Any:
        """Return beta * self + alpha * (mat @ vec): self broadcasts to (M,), mat is (M, K) and vec (K,)."""
        if mat.dim() != 2 or vec.dim() != 1:
            raise ShapeError(f"addmv: mat has shape {mat.shape} and vec {vec.shape}, expected (M, K) and (K,)")
        return _scaled("addmv", self, beta, mat.matmul(vec), alpha)

    def baddbmm(self, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Any:
        """Return beta * self + alpha * (batch1 @ batch2), matrix by matrix: (B, M, K) and (B, K, N)."""
        return _scaled("baddbmm", self, beta, batch1.bmm(batch2), alpha)

    def bmm(self, other: Any) -> Any:
        """Return the products of matrices, pair by pair: (B, M, K) and (B, K, N)."""
        return _of_dimensions("bmm", self, other, 3)

    def dot(self, other: Any) -> Any:
        """Return the sum of the products of two vectors' elements."""
        return _of_dimensions("dot", self, other, 1)

    def maximum(self, other: Any) -> Any:
        """Return the larger of both, element by element."""
        check_tensor("maximum", "other", other)
        return binary(ops.Maximum, self, other)

    def minimum(self, other: Any) -> Any:
        """Return the smaller of both, element by element."""
        check_tensor("minimum", "other", other)
        return binary(ops.Minimum, self, other)

    def exp(self) -> Any:
        """Return e to the power of each element; whole numbers give float32, here and below."""
        return apply(ops.Exp, floating(self))

    def log(self) -> Any:
        """Return the natural logarithm."""
        return apply(ops.Log, floating(self))

    def log2(self) -> Any:
        """Return the logarithm to base 2."""
        return self.log() / float(np.log(2))

    def log10(self) -> Any:
        """Return the logarithm to base 10."""
        return self.log() / float(np.log(10))

    def log1p(self) -> Any:
        """Return log(1 + self), exact also for tiny elements."""
        return apply(ops.Log1p, floating(self))

    def expm1(self) -> Any:
        """Return exp(self) - 1, exact also for tiny elements."""
        return apply(ops.Expm1, floating(self))

    def erf(self) -> Any:
        """Return the error function: exact, but element by element in Python."""
        return apply(ops.Erf, floating(self))

    def sqrt(self) -> Any:
        """Return the square root."""
        return apply(ops.Sqrt, floating(self))

    def rsqrt(self) -> Any:
        """Return 1 / sqrt."""
        return 1 / self.sqrt()

    def square(self) -> Any:
        """Return self * self; bool as int64."""
        return self**2

    def reciprocal(self) -> Any:
        """Return 1 / self."""
        return 1 / self

    def sin(self) -> Any:
        """Return the sine."""
        return apply(ops.Sin, floating(self))

    def cos(self) -> Any:
        """Return the cosine."""
        return apply(ops.Cos, floating(self))

    def tanh(self) -> Any:
        """Return the hyperbolic tangent."""
        return apply(ops.Tanh, floating(self))

    def sigmoid(self) -> Any:
        """Return 1 / (1 + exp(-self))."""
        return apply(ops.Sigmoid, floating(self))

    def relu(self) -> Any:
        """Return the elements where they are positive, else 0; raises `DtypeError` for bool."""
        if self.array.dtype.kind == "b":
            raise DtypeError("relu: dtype bool, expected numbers")
        return apply(ops.ReLU, self)

    def abs(self) -> Any:
        """Return the absolute values."""
        return apply(ops.Abs, self)

    def softmax(self, dim: int, dtype: Any = None) -> Any:
        """Return exp(self) / sum(exp(self)) along `dim`."""
        return apply(ops.Softmax, self if dtype is None else self.to(dtype), dim=dim)  # type: ignore[attr-defined]

    def log_softmax(self, dim: int, dtype: Any = None) -> Any:
        """Return the logarithm of the softmax along `dim`."""
        return apply(ops.LogSoftmax, self if dtype is None else self.to(dtype), dim=dim)  # type: ignore[attr-defined]

    def clamp(self, min: Any = None, max: Any = None) -> Any:
        """Return the elements cut off below `min` and above `max`: numbers, tensors or None for no limit."""
        if min is None and max is None:
            raise ArgumentError("clamp: min=None and max=None, expected at least one of them")
        if isinstance(min, Variable) or isinstance(max, Variable):
            limits = [limit for limit in (min, max) if isinstance(limit, Variable)]
            if len(limits) + (min is None) + (max is None) < 2:
                raise TypeError("clamp: a number and a tensor, expected both limits of one kind")
            dtype = self.array.dtype
            for limit in limits:
                dtype = result_dtype(self._new(self.array.astype(dtype)), limit)
            if dtype.kind == "b":
                raise DtypeError("clamp: dtype bool, expected numbers")
            return _clamped(cast(self, dtype), *[x if x is None else cast(x, dtype) for x in (min, max)])
        x = self
        for limit in (min, max):
            x = x if limit is None else cast(x, result_dtype(x, limit))
        return apply(ops.Clamp, x, low=_limit(min, x.array.dtype), high=_limit(max, x.array.dtype))

    clip = clamp

    def floor(self) -> Any:
        """Return the largest whole numbers that are not larger; the gradient is zero, here and in the next three."""
        return self._step("floor", ops.Floor)

    def ceil(self) -> Any:
        """Return the smallest whole numbers that are not smaller."""
        return self._step("ceil", ops.Ceil)

    def round(self, *, decimals: int = 0) -> Any:
        """Return the nearest numbers of so many decimals, halves to even."""
        return self._step("round", ops.Round, decimals=decimals)

    def sign(self) -> Any:
        """Return -1, 0 or 1 (0 for nan); bool stays as it is."""
        if self.array.dtype.kind == "b":
            return self.clone()  # type: ignore[attr-defined]
        return apply(ops.Sign, self)

    def _step(self, name: str, op: type[ops.Op], **options: Any) -> Any:
        if self.array.dtype.kind == "b":
            raise DtypeError(f"{name}: dtype bool, expected numbers")
        return apply(op, self, **options)


def times(name: str, x: Any, other: Any, alpha: float) -> Any:
    """Return alpha * other in the dtype that x and other have together."""
    x, other = operands(x, checked(name, other))
    if x.array.dtype.kind != "f" and isinstance(alpha, float):
        raise ArgumentError(f"{name}: alpha={alpha} for a result of dtype {x.array.dtype}, expected a whole number")
    return other * other._new(as_element(alpha, other.array.dtype, f"{name}: alpha"))


def _scaled(name: str, x: Any, beta: float, product: Any, alpha: float) -> Any:
    """Return beta * x + alpha * product; for beta 0 what is in x, be it nan, does not count."""
    if x.array.dtype != product.array.dtype:
        raise DtypeError(f"{name}: input has dtype {x.array.dtype}, expected {product.array.dtype}")
    x, product = x.expand(product.shape), product if alpha == 1 else product * alpha
    return product + (x if beta == 1 else x * beta if beta else x.masked_fill(x._new(np.True_), 0))


def _limit(limit: Any, dtype: np.dtype) -> float | None:
    """Return a limit of `clamp` as a number that fits into a dtype, or None; raises `NumberError` where it does not."""
    if limit is None:
        return None
    if type(limit) in (float, int) and dtype.kind == "f" and -LARGEST <= limit <= LARGEST:
        return float(limit)  # the usual case, kept short
    return as_element(limit, dtype, "clamp").item()


def _clamped(x: Any, low: Any, high: Any) -> Any:
    """Clamp between tensors; one of them may be None."""
    extreme = np.iinfo if x.array.dtype.kind in "iu" else np.finfo
    if low is None:
        low = x._new(-np.inf if extreme is np.finfo else extreme(x.array.dtype).min)
    if high is None:
        high = x._new(np.inf if extreme is np.finfo else extreme(x.array.dtype).max)
    return apply(ops.ClampBetween, *[cast(v, x.array.dtype) for v in (x, low, high)])


def checked_exponent(x: Variable, exponent: Any) -> Any:
    """Return an exponent; raises `NumberError` for a whole number that does not fit into the dtype of x."""
    if isinstance(exponent, int) and x.array.dtype.kind in "iu":
        return x._new(as_element(exponent, x.array.dtype, "pow: exponent"))
    return exponent


def check_not_bool(a: Variable, b: Any) -> None:
    """Raise `DtypeError` where a difference has a bool operand."""
    for x in (a, b):
        dtype = x.array.dtype if isinstance(x, Variable) else np.asarray(x).dtype if is_operand(x) else None
        if dtype is not None and dtype.kind == "b":
            raise DtypeError("sub: an operand is bool, expected numbers; use ~x or logical_not to invert a mask")


def _quotient(a: Variable, b: Any, swapped: bool = False) -> Any:
    """Return a / b, or b / a; whole numbers are divided as float32."""
    if not is_operand(b):
        return NotImplemented
    if isinstance(b, Variable) and a.array.dtype is b.array.dtype and a.array.dtype.kind == "f":
        return apply(ops.Div, a, b)
    b = b if isinstance(b, Variable) or not isinstance(b, np.ndarray) else a._new(b)
    dtype = result_dtype(a, b)
    dtype = dtype if dtype.kind == "f" else float32
    x, y = cast(a, dtype), cast(b, dtype) if isinstance(b, Variable) else a._new(as_operand(b, dtype))
    return apply(ops.Div, y, x) if swapped else apply(ops.Div, x, y)


def _reversed(op_class: type[ops.Op], b: Variable, a: Any) -> Any:
    """Apply an op whose first operand is not a tensor."""
    if not is_operand(a):
        return NotImplemented
    b, a = operands(b, a)
    return apply(op_class, a, b)


def _of_dimensions(name: str, a: Variable, b: Any, ndim: int) -> Any:
    """Multiply two tensors that both have `ndim` dimensions (and, for three, batches of one size)."""
    if not isinstance(b, Variable):
        raise TypeError(f"{name}: other is {type(b).__name__}, expected a Tensor")
    if a.array.ndim != ndim or b.array.ndim != ndim or (ndim == 3 and len(a.array) != len(b.array)):
        raise ShapeError(
            f"{name}: shapes {a.array.shape} and {b.array.shape}, expected {ndim} dimensions each"
            + (" and one batch size" if ndim == 3 else "")
        )
    return apply(ops.MatMul, a, b)

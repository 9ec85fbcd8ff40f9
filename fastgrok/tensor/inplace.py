"""Tensor methods that change a tensor in place; PyTorch marks them with an underscore at the end.

Each change raises the version of the memory: a backward that needs the old values then fails instead of being wrong.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .. import ops
from ..autograd import Variable, apply, is_grad_enabled
from ..errors import ArgumentError, DtypeError, ShapeError
from ..ops.base import check_float, fits
from ..ops.in_place import assign, cut_below_zero, update
from ..ops.normal import standard_normal
from ..random import Generator, default_generator
from .arithmetic import check_not_bool, checked_exponent, times
from .dtypes import as_element, as_operand, number_dtype
from .operands import floating, is_operand
from .recording import check_in_place, former, place_of, rebase

#: Kinds of dtypes; in place, a result may be of a kind with a lower rank, or the same, whatever its size.
RANK = {"b": 0, "i": 1, "u": 1, "f": 2}

SUMS, PRODUCTS = (np.add, np.subtract), (np.multiply, np.true_divide)


class InPlace(Variable):
    """Results keep shape and dtype; what would need another raises `ShapeError` or `DtypeError` and changes nothing."""

    def _update(self, name: str, ufunc: np.ufunc, op_class: type[ops.Op], other: Any, alpha: Any = 1) -> Self:
        """Replace the elements by ufunc(self, alpha * other), recorded as `op_class` where the graph has to know."""
        if alpha != 1:
            if self._scales(other):
                alpha = as_element(alpha, self.array.dtype, f"{name}: alpha")
            else:
                other, alpha = times(name, self, other, alpha), 1
        if not isinstance(other, Variable):
            if not is_operand(other):
                raise TypeError(f"{name}: operand of type {type(other).__name__}, expected a tensor or a number")
            if np.ndim(other) == 0 and (self.array.dtype.kind == "f" or isinstance(other, int)):
                other = as_operand(other, self.array.dtype if self.array.dtype.kind == "f" else number_dtype(other))
            other = self._new(other)
        recorded = is_grad_enabled() and (self.requires_grad or other.requires_grad)
        check_in_place(name, self)
        if ufunc is np.subtract:
            check_not_bool(self, other)
        kind, other_kind = self.array.dtype.kind, other.array.dtype.kind
        if (kind != other_kind and RANK[kind] < RANK[other_kind]) or (ufunc is np.true_divide and kind != "f"):
            raise DtypeError(
                f"{name}: the result of {self.array.dtype} and {other.array.dtype} does not fit into {self.array.dtype}"
            )
        if not fits(other.array.shape, self.array.shape):
            raise ShapeError(
                f"{name}: operand has shape {other.array.shape}, expected one that broadcasts to {self.array.shape}"
            )
        if recorded:
            operand = other if other.array.dtype == self.array.dtype else apply(ops.Cast, other, dtype=self.array.dtype)
            # Of sums nothing is read again, of products what the other factor's gradient takes.
            if self.parent is None and (ufunc in SUMS or (ufunc in PRODUCTS and not operand.requires_grad)):
                rebase(self, apply(op_class, place_of(self), operand, in_place=True))
            else:
                rebase(self, apply(op_class, former(self), operand))
        else:
            update(ufunc, self.array, other.array, alpha)  # what does not fit was found above
            self.storage.version += 1
        return self

    def _scales(self, other: Any) -> bool:
        """Whether a multiple of `other` needs no array of its own: floats of one dtype, not recorded."""
        if not isinstance(other, Variable) or self.array.dtype.kind != "f" or other.array.dtype != self.array.dtype:
            return False
        return not is_grad_enabled() or not (self.requires_grad or other.requires_grad)

    def _become(self, name: str, function: Callable[[Any], Any], *others: Any) -> Self:
        """Replace the elements by those of function(self), a tensor of the same shape and dtype.

        `others` are tensors that the function uses: the change is recorded when one of them requires a gradient.
        """
        wanted = [x.requires_grad for x in (self, *others) if isinstance(x, Variable)]
        recorded = is_grad_enabled() and any(wanted)
        check_in_place(name, self)
        result = function(former(self) if recorded else self.detach())  # type: ignore[attr-defined]
        if result.array.dtype != self.array.dtype:
            raise DtypeError(
                f"{name}: the result has dtype {result.array.dtype}, which does not fit into {self.array.dtype}"
            )
        if result.array.shape != self.array.shape:
            raise ShapeError(f"{name}: the result has shape {result.array.shape}, expected {self.array.shape}")
        if recorded:
            rebase(self, result)
        else:
            if result.array is not self.array:  # the function has made the change itself
                assign(self.array, result.array)
            self.storage.version += 1
        return self

    def add_(self, other: Any, *, alpha: float = 1) -> Self:
        """Add alpha * other."""
        return self._update("add_", np.add, ops.Add, other, alpha)

    def sub_(self, other: Any, *, alpha: float = 1) -> Self:
        """Subtract alpha * other."""
        return self._update("sub_", np.subtract, ops.Sub, other, alpha)

    def mul_(self, other: Any) -> Self:
        """Multiply by other."""
        return self._update("mul_", np.multiply, ops.Mul, other)

    def div_(self, other: Any) -> Self:
        """Divide by other; raises `DtypeError` for whole numbers."""
        return self._update("div_", np.true_divide, ops.Div, other)

    def pow_(self, exponent: Any) -> Self:
        """Raise to a power."""
        return self._update("pow_", np.power, ops.Pow, checked_exponent(self, exponent))

    __iadd__, __isub__, __imul__, __itruediv__, __ipow__ = add_, sub_, mul_, div_, pow_

    def __ifloordiv__(self, other: Any) -> Self:
        return self._become("//=", lambda x: x // other)

    def __imod__(self, other: Any) -> Self:
        return self._become("%=", lambda x: x % other)

    def __iand__(self, other: Any) -> Self:
        return self._become("&=", lambda x: x & other)

    def __ior__(self, other: Any) -> Self:
        return self._become("|=", lambda x: x | other)

    def __ixor__(self, other: Any) -> Self:
        return self._become("^=", lambda x: x ^ other)

    def addcmul_(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """Add value * tensor1 * tensor2."""
        return self.add_(tensor1 * tensor2, alpha=value)

    def addcdiv_(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """Add value * tensor1 / tensor2."""
        return self.add_(tensor1 / tensor2, alpha=value)

    def lerp_(self, end: Any, weight: float) -> Self:
        """Move towards `end` by the fraction `weight`."""
        if end.array.dtype != self.array.dtype:
            raise DtypeError(f"lerp_: end has dtype {end.array.dtype}, expected {self.array.dtype}")
        return self.add_(end - self, alpha=weight)

    def neg_(self) -> Self:
        """Change the sign."""
        return self._become("neg_", lambda x: -x)

    def exp_(self) -> Self:
        """Exponential."""
        return self._become("exp_", lambda x: x.exp())

    def log_(self) -> Self:
        """Natural logarithm."""
        return self._become("log_", lambda x: x.log())

    def sqrt_(self) -> Self:
        """Square root."""
        return self._become("sqrt_", lambda x: x.sqrt())

    def abs_(self) -> Self:
        """Absolute value."""
        return self._become("abs_", lambda x: x.abs())

    def tanh_(self) -> Self:
        """Hyperbolic tangent."""
        return self._become("tanh_", lambda x: x.tanh())

    def sigmoid_(self) -> Self:
        """1 / (1 + exp(-x))."""
        return self._become("sigmoid_", lambda x: x.sigmoid())

    def relu_(self) -> Self:
        """Cut off below 0."""
        if self.array.dtype.kind == "b":
            raise DtypeError("relu_: dtype bool, expected numbers")
        check_in_place("relu_", self)
        if not (is_grad_enabled() and self.requires_grad):
            cut_below_zero(self.array)
            self.storage.version += 1
        elif self.parent is None:  # the op reads no more than its output, so that it may write over its input
            rebase(self, apply(ops.ReLU, place_of(self), in_place=True))
            self.op.saved = ((self.storage, self.storage.version),)  # type: ignore[union-attr]
        else:
            rebase(self, former(self).relu())  # type: ignore[attr-defined]
        return self

    def clamp_(self, min: Any = None, max: Any = None) -> Self:
        """Cut off below `min` and above `max`."""
        return self._become("clamp_", lambda x: x.clamp(min, max), min, max)

    def zero_(self) -> Self:
        """Set all elements to 0."""
        self[...] = 0  # type: ignore[index]
        return self

    def fill_(self, value: Any) -> Self:
        """Set all elements to one number."""
        if not is_operand(value):
            raise TypeError(f"fill_: value={value!r} is {type(value).__name__}, expected a number")
        if (value.array if isinstance(value, Variable) else np.asarray(value)).ndim:
            raise ShapeError("fill_: value has dimensions, expected a number")
        self[...] = value  # type: ignore[index]
        return self

    def copy_(self, src: Any) -> Self:
        """Take over the elements of `src`, converted and broadcast to this tensor's dtype and shape."""
        if not is_operand(src):
            raise TypeError(f"copy_: src is {type(src).__name__}, expected a Tensor")
        if isinstance(src, Variable) and src.array.ndim > self.array.ndim:
            raise ShapeError(
                f"copy_: src has shape {src.array.shape}, expected one that broadcasts to {self.array.shape}"
            )
        self[...] = src  # type: ignore[index]
        return self

    def normal_(self, mean: float = 0, std: float = 1, *, generator: Any = None) -> Self:
        """Fill with numbers from a normal distribution. Raises `ArgumentError` when `std` is negative."""
        if not std >= 0:
            raise ArgumentError(f"normal_: normal expects std >= 0.0, but found std {std}")
        check_float("normal_", "the tensor", self.array)

        def draw(stream: Generator, dtype: Any) -> np.ndarray:
            y = standard_normal(self.array.shape, dtype, stream, keep=False)
            y *= dtype.type(std)
            y += dtype.type(mean)
            return y

        return self._draw("normal_", draw, generator)

    def uniform_(self, from_: float = 0, to: float = 1, *, generator: Any = None) -> Self:
        """Fill with numbers from a uniform distribution over [from, to). Raises `ArgumentError` when from > to."""
        if not from_ <= to:
            raise ArgumentError(f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
        check_float("uniform_", "the tensor", self.array)

        def draw(stream: Generator, dtype: Any) -> np.ndarray:
            return stream.numpy.random(self.array.shape, dtype) * dtype.type(to - from_) + dtype.type(from_)

        return self._draw("uniform_", draw, generator)

    def bernoulli_(self, p: float = 0.5, *, generator: Any = None) -> Self:
        """Fill with 1 with probability p, else 0."""
        if not 0 <= p <= 1:
            raise ArgumentError(f"bernoulli_: p={p}, expected a probability from 0 to 1")
        return self._draw("bernoulli_", lambda stream, dtype: stream.numpy.random(self.array.shape) < p, generator)

    def _draw(self, name: str, draw: Callable[[Generator, Any], np.ndarray], generator: Any) -> Self:
        """Fill with what `draw` takes from the stream for this tensor's dtype (float32 for whole numbers)."""
        check_in_place(name, self)
        if not isinstance(generator, Generator | None):
            raise TypeError(f"{name}: generator is {type(generator).__name__}, expected a Generator")
        self[...] = draw(generator or default_generator, floating(self.detach()).array.dtype)  # type: ignore
        return self

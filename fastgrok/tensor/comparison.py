"""Tensor methods that compare and combine truth values. The results are bool tensors and have no gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import Variable
from ..errors import DtypeError, ShapeError
from ..ops.base import cannot_broadcast, combined, quiet
from ..ops.elementwise import mapped
from .operands import check_tensor, checked, is_operand, operands


class Comparison(Variable):
    """`== != < <= > >= & | ^ ~`, element by element with broadcasting."""

    def _compare(self, function: Callable, other: Any) -> Any:
        if not is_operand(other):
            return NotImplemented
        a, b = operands(self._alias(), other._alias() if isinstance(other, Variable) else other)
        try:
            return self._new(function(a.array, b.array))
        except ValueError:
            raise cannot_broadcast(function.__name__, a.array.shape, b.array.shape) from None
        except TypeError:
            raise DtypeError(
                f"{function.__name__}: dtypes {a.array.dtype} and {b.array.dtype}, expected bool or whole numbers"
            ) from None

    def __eq__(self, other: Any) -> Any:
        return self._compare(np.equal, other)

    def __ne__(self, other: Any) -> Any:
        return self._compare(np.not_equal, other)

    def __lt__(self, other: Any) -> Any:
        return self._compare(np.less, other)

    def __le__(self, other: Any) -> Any:
        return self._compare(np.less_equal, other)

    def __gt__(self, other: Any) -> Any:
        return self._compare(np.greater, other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(np.greater_equal, other)

    __hash__ = object.__hash__  # a tensor is a key by identity, although == compares elements

    def __and__(self, other: Any) -> Any:
        return self._compare(np.bitwise_and, other)

    def __or__(self, other: Any) -> Any:
        return self._compare(np.bitwise_or, other)

    def __xor__(self, other: Any) -> Any:
        return self._compare(np.bitwise_xor, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Any:
        return self._new(np.invert(self.array))

    def eq(self, other: Any) -> Any:
        """Return self == other."""
        return self == checked("eq", other)

    def ne(self, other: Any) -> Any:
        """Return self != other."""
        return self != checked("ne", other)

    def lt(self, other: Any) -> Any:
        """Return self < other."""
        return self < checked("lt", other)

    def le(self, other: Any) -> Any:
        """Return self <= other."""
        return self <= checked("le", other)

    def gt(self, other: Any) -> Any:
        """Return self > other."""
        return self > checked("gt", other)

    def ge(self, other: Any) -> Any:
        """Return self >= other."""
        return self >= checked("ge", other)

    def logical_not(self) -> Any:
        """Return where the elements are zero."""
        return self._new(np.logical_not(self.array))

    def logical_and(self, other: Any) -> Any:
        """Return where the elements of both are not zero."""
        return self._compare(np.logical_and, checked("logical_and", other))

    def logical_or(self, other: Any) -> Any:
        """Return where an element of either is not zero."""
        return self._compare(np.logical_or, checked("logical_or", other))

    def isnan(self) -> Any:
        """Return where the elements are nan."""
        return self._new(np.isnan(self.array))

    def isinf(self) -> Any:
        """Return where the elements are infinite."""
        return self._new(np.isinf(self.array))

    def isfinite(self) -> Any:
        """Return where the elements are neither nan nor infinite."""
        return self._new(np.isfinite(self.array))

    def isclose(self, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
        """Return where |self - other| <= atol + rtol * |other|."""
        return self._new(self._near("isclose", other, rtol, atol, equal_nan))

    def allclose(self, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
        """Whether |self - other| <= atol + rtol * |other| everywhere; `ShapeError` unless the shapes broadcast."""
        return bool(self._near("allclose", other, rtol, atol, equal_nan).all())

    def _near(self, name: str, other: Any, rtol: float, atol: float, equal_nan: bool) -> np.ndarray:
        check_tensor(name, "other", other)
        if self.array.dtype != other.array.dtype:
            raise DtypeError(f"{name}: dtypes {self.array.dtype} and {other.array.dtype}, expected one")
        a, b = (x.array if x.array.dtype.kind == "f" else x.array.astype(np.float64) for x in (self, other))
        try:
            return _is_close(a, b, rtol, atol, equal_nan)
        except ValueError:
            raise cannot_broadcast(name, a.shape, b.shape) from None

    def equal(self, other: Any) -> bool:
        """Whether both have the same shape and the same elements."""
        check_tensor("equal", "other", other)
        return self.array.shape == other.array.shape and bool((self.array == other.array).all())

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ShapeError(
                f"the truth value of a tensor of shape {self.array.shape} is ambiguous, "
                "expected one element; use any() or all()"
            )
        return bool(self.array.item())


@quiet
def _is_close(a: np.ndarray, b: np.ndarray, rtol: float, atol: float, equal_nan: bool) -> np.ndarray:
    """Return what `np.isclose` does for floats; in less than half of the time."""
    limit, distance = np.asarray(mapped(np.abs, b)), mapped(np.abs, combined(np.subtract, a, b))
    limit *= b.dtype.type(rtol)
    limit += b.dtype.type(atol)
    near = distance <= np.minimum(limit, np.finfo(b.dtype).max, out=limit)  # so that nothing is near infinity
    near |= a == b
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near

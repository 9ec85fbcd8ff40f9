"""Addition, multiplication and their relatives, on two operands that broadcast against each other."""

import numpy as np

from ..errors import DtypeError
from .base import FACTORS, Op, cannot_broadcast, chosen, combined, quiet, unbroadcast
from .elementwise import Sqrt, negated
from .gradients import Broadcast, Gradient
from .in_place import update


def _result(function, a, b, in_place):
    """Return function(a, b), in the memory of a if `in_place`; then b fits into a, and backward must not read a."""
    if not in_place:
        return combined(function, a, b)
    update(function, a, b)
    return a


class Add(Op):
    """a + b."""

    stateless = True

    def forward(self, a, b, in_place=False):
        """Add: a and b of any shapes that broadcast; raises `ShapeError` when they do not."""
        self.shapes = a.shape, b.shape
        try:
            return _result(np.add, a, b, in_place)
        except ValueError:
            raise cannot_broadcast("add", a.shape, b.shape) from None

    def backward(self, dout):
        """Pass the gradient on to both."""
        return tuple(
            [
                unbroadcast(dout, shape) if needed else None
                for shape, needed in zip(self.shapes, self.needs, strict=False)
            ]
        )


class Sub(Op):
    """a - b."""

    stateless = True

    def forward(self, a, b, in_place=False):
        """Subtract b from a; raises `ShapeError` when they do not broadcast."""
        self.shapes = a.shape, b.shape
        if a.dtype.kind == "b" and b.dtype.kind == "b":
            raise DtypeError("sub: both operands are bool, expected numbers; use a logical operation instead")
        try:
            return _result(np.subtract, a, b, in_place)
        except ValueError:
            raise cannot_broadcast("sub", a.shape, b.shape) from None

    def backward(self, dout):
        """Pass the gradient on to a, its negative to b."""
        da = unbroadcast(dout, self.shapes[0]) if self.needs[0] else None
        db = negated(unbroadcast(dout, self.shapes[1])) if self.needs[1] else None
        return da, db


class Mul(Op):
    """a * b."""

    accepts_structured = True

    def forward(self, a, b, in_place=False):
        """Multiply; raises `ShapeError` when a and b do not broadcast."""
        self.saved_inputs = FACTORS[self.needs[:2]]
        self.a, self.b = a, b
        try:
            return _result(np.multiply, a, b, in_place)
        except ValueError:
            raise cannot_broadcast("mul", a.shape, b.shape) from None

    def backward(self, dout):
        """Each factor gets the gradient times the other; of a square, the one gets both."""
        a, b = self.a, self.b
        if a is b and self.needs[0] and self.needs[1]:
            if isinstance(dout, Broadcast):  # doubling its value spares a pass over all elements
                return _times(dout + dout, a, a.shape), None
            da = _times(dout, a, a.shape)
            da += da
            return da, None
        da = unbroadcast(_times(dout, b, a.shape), a.shape) if self.needs[0] else None
        db = unbroadcast(_times(dout, a, b.shape), b.shape) if self.needs[1] else None
        return da, db


def _times(dout, factor, shape):
    """Multiply a gradient by a factor that was broadcast to its shape; `shape` is that of the other factor."""
    if isinstance(dout, Gradient):
        if not isinstance(dout, Broadcast):
            dout = dout.dense()
        elif dout.shape == shape != factor.shape and 1 in (dout.value.size, factor.size):  # repeated elements, still
            return Broadcast(np.asarray(dout.value * factor), shape)
        else:
            dout = dout.value if dout.shape == factor.shape else dout.dense()
    return combined(np.multiply, factor, dout)


class Div(Op):
    """a / b."""

    @quiet
    def forward(self, a, b, in_place=False):
        """Divide a by b; raises `ShapeError` when they do not broadcast. Division by zero gives inf or nan."""
        self.saved_inputs = (0, 1) if self.needs[1] else (1,)
        self.a, self.b = a, b
        try:
            return _result(np.divide, a, b, in_place)
        except ValueError:
            raise cannot_broadcast("div", a.shape, b.shape) from None

    @quiet
    def backward(self, dout):
        """d(a/b) = da / b - a db / b^2."""
        da = combined(np.divide, dout, self.b)
        if not self.needs[1]:
            return unbroadcast(da, self.a.shape), None
        quotient = combined(np.divide, self.a, self.b)
        db = negated(unbroadcast(combined(np.multiply, da, quotient), self.b.shape))
        return unbroadcast(da, self.a.shape) if self.needs[0] else None, db


class Pow(Op):
    """a ** b."""

    saved_inputs = (0, 1)

    @quiet
    def forward(self, a, b):
        """Raise a to the power b; raises `ShapeError` when they do not broadcast."""
        self.a, self.b = a, b
        if a.dtype.kind != "f" and (b < 0).any():
            raise DtypeError(f"pow: a whole number to the power {b.min()}, expected at least 0; convert to float first")
        y = _power(a, b.item()) if b.ndim == 0 else None
        if y is not None and y is not a:
            return y
        try:
            return np.power(a, b)
        except ValueError:
            raise cannot_broadcast("pow", a.shape, b.shape) from None

    @quiet
    def backward(self, dout):
        """d(a^b) = b a^(b-1) da + a^b log(a) db; 0 where b = 0 (first term) or a = 0 and b >= 0 (second term)."""
        a, b, da, db = self.a, self.b, None, None
        if self.needs[0]:
            power = _power(a, b.item() - 1) if b.ndim == 0 and b != 0 else None  # 0 * 0^-1 would be nan
            if power is None:
                slope = np.where(b == 0, 0, b * np.power(a, b - 1))
            else:
                slope = combined(np.multiply, power, b)
            da = unbroadcast(combined(np.multiply, dout, slope).astype(dout.dtype, copy=False), a.shape)
        if self.needs[1]:
            slope = np.where((a == 0) & (b >= 0), 0, np.power(a, b) * np.log(a))
            db = unbroadcast((dout * slope).astype(dout.dtype, copy=False), b.shape)
        return da, db


def _power(a: np.ndarray, n: float) -> np.ndarray | None:
    """Return a to the power n, which is `a` itself for 1, by products, quotients and roots; None for most numbers.

    `np.power` takes 10 times as long, and 500 times where a is negative.
    """
    if n == 1:
        return a
    if n == 2:
        return combined(np.multiply, a, a)
    if n == 3:
        return combined(np.multiply, combined(np.multiply, a, a), a)
    if n == 0.5:
        return Sqrt().forward(a)
    y = _power(a, -n) if n < 0 and a.dtype.kind == "f" else None
    return y if y is None else combined(np.divide, np.ones((), a.dtype), y)


class Maximum(Op):
    """The larger of a and b, element by element."""

    saved_inputs = (0, 1)
    choose = staticmethod(np.maximum)

    def forward(self, a, b):
        """Choose; nan where either is nan. Raises `ShapeError` when a and b do not broadcast."""
        self.a, self.b = a, b
        try:
            return self.choose(a, b)
        except ValueError:
            raise cannot_broadcast(type(self).__name__.lower(), a.shape, b.shape) from None

    def backward(self, dout):
        """The gradient goes to the one that was chosen, half to each where they are equal."""
        a, b = self.a, self.b
        share = np.where(a == b, dout.dtype.type(0.5), (self.choose(a, b) == a).astype(dout.dtype))
        return unbroadcast(dout * share, a.shape), unbroadcast(dout * (1 - share), b.shape)


class Minimum(Maximum):
    """The smaller of a and b, element by element."""

    choose = staticmethod(np.minimum)


class Where(Op):
    """a where the condition holds, else b."""

    stateless = True

    def forward(self, a, b, condition):
        """Choose by condition, a bool array; raises `ShapeError` when the three do not broadcast."""
        self.condition, self.shapes = condition.copy(), (a.shape, b.shape)  # the caller may go on with the mask
        try:
            return chosen(condition, a, b)
        except ValueError:
            raise cannot_broadcast("where", condition.shape, a.shape, b.shape) from None

    def backward(self, dout):
        """The gradient goes to the one that was chosen."""
        zero = np.zeros((), dout.dtype)
        da = unbroadcast(chosen(self.condition, dout, zero), self.shapes[0]) if self.needs[0] else None
        db = unbroadcast(chosen(self.condition, zero, dout), self.shapes[1]) if self.needs[1] else None
        return da, db


class Remainder(Op):
    """a modulo b, with the sign of b."""

    saved_inputs = (0, 1)

    @quiet
    def forward(self, a, b):
        """Remainder; nan where b is 0. Raises `ShapeError` when a and b do not broadcast."""
        self.a, self.b = a, b
        try:
            return np.remainder(a, b)
        except ValueError:
            raise cannot_broadcast("remainder", a.shape, b.shape) from None

    @quiet
    def backward(self, dout):
        """a - floor(a / b) b has the slope 1 in a and -floor(a / b) in b."""
        da = unbroadcast(dout, self.a.shape) if self.needs[0] else None
        db = unbroadcast(-dout * np.floor(self.a / self.b), self.b.shape) if self.needs[1] else None
        return da, db


class ClampBetween(Op):
    """x, cut off below `low` and above `high`, arrays that broadcast with x."""

    saved_inputs = (0, 1, 2)

    def forward(self, x, low, high):
        """Cut off; where low > high the result is high. Raises `ShapeError` when the three do not broadcast."""
        self.x, self.low, self.high = x, low, high
        try:
            return np.minimum(np.maximum(x, low), high)
        except ValueError:
            raise cannot_broadcast("clamp", x.shape, low.shape, high.shape) from None

    def backward(self, dout):
        """The gradient goes to x within the limits (limits included), else to the limit that holds."""
        x, low, high = self.x, self.low, self.high
        inside, below, above = (x >= low) & (x <= high), (low < high) & (x < low), (x > high) | (high < low)
        return tuple([unbroadcast(dout * part, to.shape) for part, to in ((inside, x), (below, low), (above, high))])

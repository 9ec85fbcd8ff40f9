"""Functions of one array, element by element. All take an array of any shape and return one of that shape."""

import math
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from .base import KERNEL_SIZE, SHARED, Op, check_float, chosen, combined, copied, elementwise, quiet, room, zeros
from .in_place import cut_below_zero


def sign(x: np.ndarray) -> np.ndarray:
    """Return -1, 0 or 1, and 0 for nan, which `np.sign` would keep."""
    return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)


def mapped(function: Any, x: np.ndarray) -> np.ndarray:
    """Return what a function, such as `np.floor`, makes of x; of large floats by the kernel of its name."""
    if x.size < SHARED or x.dtype.char not in "fd":
        return function(x)
    return elementwise(getattr(kernels, function.__name__), x)


def negated(x: np.ndarray) -> np.ndarray:
    """Return -x."""
    return -x if x.size < SHARED else mapped(np.negative, x)


def clipped(x: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """Return x within limits, None for no limit, but not for both."""
    if x.size < KERNEL_SIZE:  # `np.clip` is slow to start
        y = x if low is None else np.maximum(x, x.dtype.type(low))
        return y if high is None else np.minimum(y, x.dtype.type(high))
    if x.size >= SHARED and x.dtype.char in "fd" and low == low and high == high:  # a limit of nan makes all nan
        low, high = (-math.inf if low is None else low), (math.inf if high is None else high)
        return elementwise(lambda x: kernels.clamp(x, low, high), x)
    limits = [None if limit is None else x.dtype.type(limit) for limit in (low, high)]
    return np.clip(x, *limits, out=room(x, x))  # type: ignore[arg-type]


def _one(x: np.ndarray) -> np.ndarray:
    return np.ones((), x.dtype)


class Neg(Op):
    """-x."""

    stateless = True

    def forward(self, x):
        """Change the sign."""
        return negated(x)

    def backward(self, dy):
        """dx = -dy."""
        return (negated(dy),)


class Clone(Op):
    """A copy of x, in C order."""

    stateless = True

    def forward(self, x):
        """Copy."""
        return copied(x)

    def backward(self, dy):
        """dx = dy."""
        return (dy,)


class Cast(Op):
    """x in another dtype."""

    stateless = True

    @quiet
    def forward(self, x, dtype):
        """Convert to dtype."""
        self.dtype = x.dtype
        return x.astype(dtype) if x.size < SHARED else _converted(x, dtype)

    def backward(self, dy):
        """Convert the gradient back."""
        return (dy.astype(self.dtype) if dy.size < SHARED else _converted(dy, self.dtype),)


def _converted(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return a large x in another dtype, by the kernel where it knows both."""
    if dtype.char not in "fd" or x.dtype.kind not in "fi" or x.itemsize < 4 or x.dtype == dtype:
        return x.astype(dtype)
    return elementwise(lambda x: kernels.cast(x, dtype), x)


class Exp(Op):
    """e to the power x."""

    saved_outputs = (0,)

    @quiet
    def forward(self, x):
        """Exponential."""
        self.y = np.exp(x) if x.size < KERNEL_SIZE else elementwise(kernels.exp_forward, x)
        return self.y

    def backward(self, dy):
        """dx = dy * y."""
        return (dy * self.y if dy.size < SHARED else combined(np.multiply, dy, self.y),)


class Erf(Op):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""

    saved_inputs = (0,)

    def forward(self, x):
        """Take Python's for few numbers, element by element, as NumPy has none."""
        check_float("erf", "input", x)
        self.x = x
        return np.asarray(_erf(x)).astype(x.dtype) if x.size < KERNEL_SIZE else elementwise(kernels.erf_forward, x)

    @quiet
    def backward(self, dy):
        """dx = dy * 2 / sqrt(pi) * exp(-x^2)."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(kernels.erf_backward, dy, self.x),)
        return (dy * (np.exp(-self.x * self.x) * self.x.dtype.type(2 / math.sqrt(math.pi))),)


_erf = np.frompyfunc(math.erf, 1, 1)


class Log(Op):
    """The natural logarithm of x."""

    saved_inputs = (0,)

    @quiet
    def forward(self, x):
        """Logarithm; -inf at 0, nan below."""
        self.x = x
        return np.log(x) if x.size < KERNEL_SIZE else elementwise(kernels.log_forward, x)

    @quiet
    def backward(self, dy):
        """dx = dy / x."""
        return (dy / self.x if dy.size < SHARED else combined(np.divide, dy, self.x),)


class Log1p(Op):
    """log(1 + x), exact also where x is tiny."""

    saved_inputs = (0,)

    @quiet
    def forward(self, x):
        """Logarithm of 1 + x; -inf at -1, nan below."""
        self.x = x
        return np.log1p(x) if x.size < KERNEL_SIZE else elementwise(kernels.log1p_forward, x)

    @quiet
    def backward(self, dy):
        """dx = dy / (1 + x)."""
        if dy.size >= SHARED:
            return (combined(np.divide, dy, combined(np.add, self.x, _one(dy))),)
        return (dy / (1 + self.x),)


class Expm1(Op):
    """e to the power x, less 1; exact also where x is tiny."""

    saved_outputs = (0,)

    @quiet
    def forward(self, x):
        """Exponential less 1."""
        self.y = np.expm1(x)
        return self.y

    def backward(self, dy):
        """dx = dy * (y + 1)."""
        if dy.size >= SHARED:
            return (combined(np.multiply, dy, combined(np.add, self.y, _one(dy))),)
        return (dy * (self.y + 1),)


class Sqrt(Op):
    """The square root of x."""

    saved_outputs = (0,)

    @quiet
    def forward(self, x):
        """Square root; nan below 0."""
        small = x.size < SHARED or x.dtype.char not in "fd"
        self.y = np.sqrt(x, out=room(x, x)) if small else elementwise(kernels.sqrt_forward, x)
        return self.y

    @quiet
    def backward(self, dy):
        """dx = dy / (2 y)."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(kernels.sqrt_backward, dy, self.y),)
        return (dy / (2 * self.y),)


class Abs(Op):
    """The absolute value of x."""

    saved_inputs = (0,)

    def forward(self, x):
        """Drop the sign."""
        self.x = x
        return np.abs(x) if x.size < SHARED else mapped(np.abs, x)

    def backward(self, dy):
        """dx = dy * sign(x); 0 at 0."""
        return (dy * sign(self.x) if dy.size < SHARED else combined(np.multiply, dy, mapped(sign, self.x)),)


class Sin(Op):
    """The sine of x."""

    saved_inputs = (0,)

    @quiet
    def forward(self, x):
        """Sine, x in radians."""
        self.x = x
        return np.sin(x)

    def backward(self, dy):
        """dx = dy * cos(x)."""
        return (dy * np.cos(self.x),)


class Cos(Op):
    """The cosine of x."""

    saved_inputs = (0,)

    @quiet
    def forward(self, x):
        """Cosine, x in radians."""
        self.x = x
        return np.cos(x)

    def backward(self, dy):
        """dx = -dy * sin(x)."""
        return (-dy * np.sin(self.x),)


class Tanh(Op):
    """The hyperbolic tangent of x."""

    saved_outputs = (0,)

    def forward(self, x):
        """Hyperbolic tangent; raises `DtypeError` unless x is a float array."""
        check_float("tanh", "input", x)
        self.y = np.tanh(x) if x.size < KERNEL_SIZE else elementwise(kernels.tanh_forward, x)
        return self.y

    def backward(self, dy):
        """dx = dy * (1 - y^2)."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(kernels.tanh_backward, dy, self.y),)
        return (dy * (1 - self.y * self.y),)


class Sigmoid(Op):
    """1 / (1 + e^-x)."""

    saved_outputs = (0,)

    @quiet
    def forward(self, x):
        """Logistic function; raises `DtypeError` unless x is a float array."""
        check_float("sigmoid", "input", x)
        self.y = 1 / (1 + np.exp(-x)) if x.size < KERNEL_SIZE else elementwise(kernels.sigmoid_forward, x)
        return self.y

    def backward(self, dy):
        """dx = dy * y * (1 - y)."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(kernels.sigmoid_backward, dy, self.y),)
        return (dy * self.y * (1 - self.y),)


class ReLU(Op):
    """x where it is positive, else 0."""

    saved_outputs = (0,)

    def forward(self, x, in_place=False):
        """Cut off below 0, in a new array or in x itself; nan stays nan."""
        if in_place:
            cut_below_zero(x)
            self.y = x
            return x
        small = x.size < KERNEL_SIZE or x.dtype.kind != "f"
        self.y = np.maximum(x, x.dtype.type(0)) if small else elementwise(kernels.relu_forward, x)
        return self.y

    def backward(self, dy):
        """dx = dy where y > 0 (or nan), else 0."""
        if dy.size >= KERNEL_SIZE:
            return (elementwise(kernels.relu_backward, dy, self.y),)
        return (np.where(self.y <= 0, dy.dtype.type(0), dy),)


class Clamp(Op):
    """x, cut off below `low` and above `high`."""

    saved_inputs = (0,)

    def forward(self, x, low=None, high=None):
        """Cut off; low and high are numbers, or None for no limit. When low > high the result is high."""
        self.x, self.low, self.high = x, low, high
        if low is None and high is None:
            return x.copy()
        return clipped(x, low, high)

    def backward(self, dy):
        """dx = dy within the limits (the limits included), else 0."""
        inside = np.ones(dy.shape, bool) if self.low is None else self.x >= self.low
        inside = inside if self.high is None else inside & (self.x <= self.high)
        return (chosen(inside, dy, np.zeros((), dy.dtype)),)


class Floor(Op):
    """The largest whole number that is not larger than x. A step function: its gradient is zero everywhere."""

    stateless = True
    step: Any = staticmethod(np.floor)

    def forward(self, x):
        """Round down."""
        return self.step(x) if x.size < SHARED else mapped(self.step, x)

    def backward(self, dy):
        """dx = 0."""
        return (zeros(dy.shape, dy.dtype),)


class Ceil(Floor):
    """The smallest whole number that is not smaller than x; its gradient is zero."""

    step = staticmethod(np.ceil)


class Sign(Floor):
    """-1, 0 or 1; its gradient is zero."""

    step = staticmethod(sign)


class Round(Floor):
    """The nearest number of so many decimals, halves to even; its gradient is zero."""

    def forward(self, x, decimals=0):
        """Round."""
        if x.size < SHARED or decimals or x.dtype.kind != "f":
            return np.round(x, decimals)
        return mapped(np.rint, x)

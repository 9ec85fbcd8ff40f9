"""Losses of two arrays of one shape, element by element. `reduction` is as in losses.py."""

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, ShapeError
from .base import Op, check_float, quiet, room, unbroadcast
from .losses import check_reduction, reduce


def check_pair(name: str, x: np.ndarray, target: np.ndarray, reduction: str) -> None:
    """Raise unless both are float arrays of one shape and dtype, and the reduction is known."""
    check_reduction(name, reduction)
    check_float(name, "input", x)
    if target.dtype != x.dtype:
        raise DtypeError(f"{name}: target has dtype {target.dtype}, expected {x.dtype} as input")
    if x.shape != target.shape:  # broadcasting here is nearly always (N, 1) against (N,), and a wrong loss
        raise ShapeError(f"{name}: input has shape {x.shape} and target {target.shape}, expected one shape")


def as_factors(name: str, argument: str, factors: np.ndarray | None, x: np.ndarray) -> np.ndarray | None:
    """Return `factors` in the dtype of x, or None; raises `ShapeError` unless they broadcast to its shape."""
    if factors is None:
        return None
    try:
        fits = np.broadcast_shapes(factors.shape, x.shape) == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: {argument} has shape {factors.shape}, expected one that broadcasts to {x.shape}")
    return factors.astype(x.dtype)


class _Pointwise(Op, register=False):
    """What the losses of this file share: reducing, and giving each element its part of the gradient."""

    reduction: str

    def dlosses(self, dy: np.ndarray, shape: tuple[int, ...]) -> Any:
        """Return the gradients of the elements' losses, an array of `shape` or the one number that all have."""
        if self.reduction == "mean":
            return np.divide(dy, dy.dtype.type(max(math.prod(shape), 1)))
        return dy


class _OfDifference(_Pointwise, register=False):
    """A loss that depends on x - target alone: `value` of the differences, and its derivative `slope`."""

    name: str
    value: Any
    slope: Any

    def forward(self, x, target, reduction="mean", **settings):
        """Compute the loss. Raises `ShapeError` unless the shapes are equal, `DtypeError` unless the dtypes are."""
        check_pair(self.name, x, target, reduction)
        self.reduction, self.settings = reduction, settings
        self.difference = np.subtract(x, target, out=room(x, target))
        return reduce(self.value(self.difference, **settings), reduction, self.difference.size)

    def backward(self, dy):
        """dx = the slope at x - target times the gradient of the element's loss, dtarget = -dx."""
        dx = self.slope(self.difference, **self.settings)
        dx *= self.dlosses(dy, dx.shape)
        return dx, -dx if len(self.needs) > 1 and self.needs[1] else None


class MSE(_OfDifference):
    """(x - target)^2."""

    name = "mse_loss"
    value = staticmethod(lambda d: np.square(d, out=room(d, d)))
    slope = staticmethod(lambda d: np.add(d, d, out=room(d, d)))


class L1(_OfDifference):
    """|x - target|; the slope at 0 is 0."""

    name = "l1_loss"
    value = staticmethod(lambda d: np.abs(d, out=room(d, d)))
    slope = staticmethod(np.sign)


# Each step of these takes memory that is kept for reuse: fresh memory costs more than the arithmetic.


def _bowl(d: np.ndarray, limit: float, unit: float = 1) -> np.ndarray:
    """Return d^2 / 2 where |d| <= limit, else limit (|d| - limit / 2), in units of `unit`.

    With m = min(|d|, limit) that is (|d| - m / 2) (m / unit), which overflows only where the result does.
    """
    size = np.abs(d, out=room(d, d))
    cut = np.minimum(size, d.dtype.type(min(limit, np.finfo(d.dtype).max)), out=room(d, d))
    size -= np.multiply(cut, d.dtype.type(0.5), out=room(d, d))
    cut /= d.dtype.type(unit)
    size *= cut
    return size


def _cut_off(d: np.ndarray, limit: float) -> np.ndarray:
    """Return d, no less than -limit and no more than limit."""
    low, high = d.dtype.type(-limit), d.dtype.type(limit)
    above = np.maximum(d, low, out=room(d, d))
    return np.minimum(above, high, out=room(d, d))


class SmoothL1(_OfDifference):
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, for d = x - target and beta > 0."""

    name = "smooth_l1_loss"

    @staticmethod
    def value(d: np.ndarray, beta: float = 1.0) -> np.ndarray:
        """Return a parabola that goes over into straight lines."""
        return _bowl(d, beta, beta)

    @staticmethod
    def slope(d: np.ndarray, beta: float = 1.0) -> np.ndarray:
        """Return d / beta, cut off at -1 and 1."""
        return _cut_off(np.divide(d, d.dtype.type(beta), out=room(d, d)), 1)


class Huber(_OfDifference):
    """d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), for d = x - target and delta > 0."""

    name = "huber_loss"

    @staticmethod
    def value(d: np.ndarray, delta: float = 1.0) -> np.ndarray:
        """Return a parabola that goes over into straight lines."""
        return _bowl(d, delta)

    @staticmethod
    def slope(d: np.ndarray, delta: float = 1.0) -> np.ndarray:
        """Return d, cut off at -delta and delta."""
        return _cut_off(d, delta)


class BCE(_Pointwise):
    """-w (t log x + (1 - t) log(1 - x)) for probabilities x, targets t from 0 to 1 and factors w, or None.

    A logarithm counts as -100 at least, as in PyTorch, so that a certainty that is wrong costs no infinity.
    """

    saved_inputs = (0, 1)

    @quiet
    def forward(self, x, target, weight=None, reduction="mean"):
        """Compute the loss. Raises `ShapeError`, `DtypeError`, and `ArgumentError` for an x outside of 0 .. 1."""
        name = "binary_cross_entropy"
        check_pair(name, x, target, reduction)
        weight = as_factors(name, "weight", weight, x)
        outside = ~((x >= 0) & (x <= 1))
        if outside.any():
            raise ArgumentError(f"{name}: input holds {x[outside].flat[0]}, all elements should be between 0 and 1")
        self.x, self.target, self.weight, self.reduction = x, target, weight, reduction
        losses = (target - 1) * self.logarithm(-x, np.log1p) - target * self.logarithm(x, np.log)
        return reduce(losses if weight is None else losses * weight, reduction, x.size)

    def backward(self, dy):
        """dx = (x - t) / (x (1 - x)) * w * the gradient of the element's loss, dt = log(1 - x) - log(x) likewise."""
        x, target = self.x, self.target
        d = self.dlosses(dy, x.shape)
        d = d if self.weight is None else d * self.weight
        dx = d * (x - target) / np.maximum(x * (1 - x), x.dtype.type(1e-12))
        if not (len(self.needs) > 1 and self.needs[1]):
            return dx, None
        return dx, d * (self.logarithm(-x, np.log1p) - self.logarithm(x, np.log))

    @staticmethod
    @quiet
    def logarithm(x: np.ndarray, log: Any) -> np.ndarray:
        """Return `log` of x, or -100 where it is less."""
        return np.maximum(log(x), x.dtype.type(-100))


class BCEWithLogits(_Pointwise):
    """BCE of the sigmoid of x, without overflow: w ((1 - t) x - (1 + (p - 1) t) log sigmoid(x)).

    The factors p (`pos_weight`) count for targets of 1, w (`weight`) for all; either may be None.
    """

    saved_inputs = (0, 1)

    def forward(self, x, target, weight=None, pos_weight=None, reduction="mean"):
        """Compute the loss. Raises `ShapeError` unless the shapes are equal, `DtypeError` unless the dtypes are."""
        name = "binary_cross_entropy_with_logits"
        check_pair(name, x, target, reduction)
        weight = as_factors(name, "weight", weight, x)
        pos_weight = as_factors(name, "pos_weight", pos_weight, x)
        self.x, self.target, self.reduction = x, target, reduction
        self.weight, self.pos_weight = weight, pos_weight
        self.z = np.exp(-np.abs(x))  # cannot overflow
        self.log_sigmoid = np.minimum(x, 0) - np.log1p(self.z)
        losses = (1 - target) * x - (self.log_sigmoid if pos_weight is None else self.log_sigmoid * self.factors())
        return reduce(losses if weight is None else losses * weight, reduction, x.size)

    def factors(self) -> np.ndarray:
        """Return 1 + (p - 1) t."""
        return 1 + (self.pos_weight - 1) * self.target

    def backward(self, dy):
        """dx = (1 - t - (1 + (p - 1) t) (1 - sigmoid(x))) * w * the gradient of the element's loss.

        dt = (-x - (p - 1) log sigmoid(x)) likewise.
        """
        x, target, dtarget = self.x, self.target, None
        d = self.dlosses(dy, x.shape)
        d = d if self.weight is None else d * self.weight
        below = np.where(x < 0, 1, self.z) / (1 + self.z)  # the sigmoid of -x
        dx = d * (1 - target - (below if self.pos_weight is None else below * self.factors()))
        if len(self.needs) > 1 and self.needs[1]:
            dtarget = d * (-x if self.pos_weight is None else -x - (self.pos_weight - 1) * self.log_sigmoid)
        return dx, dtarget


class KLDiv(_Pointwise):
    """t (log t - x) for log-probabilities x and probabilities t, 0 where t is 0; shapes broadcast.

    With `log_target`, t is given by its logarithm.
    """

    saved_inputs = (0, 1)

    @quiet
    def forward(self, x, target, reduction="mean", log_target=False):
        """Compute the loss. Raises `DtypeError` unless both have one float dtype."""
        check_reduction("kl_div", reduction)
        check_float("kl_div", "input", x)
        if target.dtype != x.dtype:
            raise DtypeError(f"kl_div: target has dtype {target.dtype}, expected {x.dtype} as input")
        self.x, self.target, self.reduction, self.log_target = x, target, reduction, log_target
        if log_target:
            losses = np.exp(target) * (target - x)
        else:
            losses = np.where(target == 0, 0, target * np.log(target)) - target * x
        self.shape = losses.shape
        return reduce(losses, reduction, losses.size)

    @quiet
    def backward(self, dy):
        """dx = -t, dt = log t + 1 - x, or t times that for a logarithm; times the gradient of the element's loss."""
        d, x, target = np.broadcast_to(self.dlosses(dy, self.shape), self.shape), self.x, self.target
        dtarget = None
        if len(self.needs) > 1 and self.needs[1]:
            slope = np.exp(target) * (target + 1 - x) if self.log_target else np.log(target) + 1 - x
            dtarget = unbroadcast(d * slope, target.shape)
        return unbroadcast(-d * (np.exp(target) if self.log_target else target), x.shape), dtarget

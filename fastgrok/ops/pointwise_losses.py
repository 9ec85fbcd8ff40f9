"""Losses of two arrays of one shape, element by element. `reduction` is as in losses.py."""

import math
from functools import partial
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ArgumentError, DtypeError, ShapeError
from .activations import LogSigmoid
from .base import KERNEL_SIZE, Op, check_float, combined, elementwise, fits, quiet, room, unbroadcast
from .elementwise import Sigmoid
from .losses import check_reduction, reduce

#: Logits from which their loss is worth a kernel: of 64, both ways take 7 us instead of 15.
_FEW_LOGITS = 32


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
    if not fits(factors.shape, x.shape):
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


class L1(_Pointwise):
    """|x - target|; the slope at 0 is 0."""

    def forward(self, x, target, reduction="mean"):
        """Compute the loss. Raises `ShapeError` unless the shapes are equal, `DtypeError` unless the dtypes are."""
        check_pair("l1_loss", x, target, reduction)
        self.reduction = reduction
        self.difference = combined(np.subtract, x, target)
        return reduce(np.abs(self.difference, out=room(x, target)), reduction, x.size)

    def backward(self, dy):
        """dx = the sign of x - target times the gradient of the element's loss, dtarget = -dx."""
        dx = np.sign(self.difference, out=room(self.difference, self.difference))
        dx *= self.dlosses(dy, dx.shape)
        return dx, -dx if len(self.needs) > 1 and self.needs[1] else None


class _Bowl(_Pointwise, register=False):
    """d^2 / (2 unit) where |d| <= limit, else limit (|d| - limit / 2) / unit, for d = x - target."""

    saved_inputs = (0, 1)
    name: str

    @quiet
    def compute(self, x, target, reduction, limit, unit):
        """Compute the loss. Raises `ShapeError` unless the shapes are equal, `DtypeError` unless the dtypes are."""
        check_pair(self.name, x, target, reduction)
        self.x, self.target, self.reduction, self.limit, self.unit = x, target, reduction, limit, unit
        if x.size >= KERNEL_SIZE:
            losses = elementwise(lambda x, target: kernels.huber_forward(x, target, limit, unit), x, target)
        else:
            size = np.abs(x - target)
            cut = np.minimum(size, x.dtype.type(min(limit, np.finfo(x.dtype).max)))
            losses = (size - cut / 2) * (cut / x.dtype.type(unit))  # which overflows only where the loss is too large
        return reduce(losses, reduction, x.size)

    @quiet
    def backward(self, dy):
        """dx = d / unit, cut off at -limit / unit and limit / unit, times dy; dtarget = -dx."""
        x, target, limit, unit, d = self.x, self.target, self.limit, self.unit, self.dlosses(dy, self.x.shape)
        if x.size >= KERNEL_SIZE:
            factor = d if d.ndim == 0 else 1
            dx = elementwise(lambda x, target: kernels.huber_backward(factor, x, target, limit, unit), x, target)
            if d.ndim:
                dx *= d
        else:
            slope, steepest = (x - target) / x.dtype.type(unit), x.dtype.type(limit / unit)
            dx = d * (slope if limit == math.inf else np.clip(slope, -steepest, steepest))
        return dx, -dx if len(self.needs) > 1 and self.needs[1] else None


class MSE(_Bowl):
    """(x - target)^2."""

    name = "mse_loss"

    def forward(self, x, target, reduction="mean"):
        """Square the differences. Raises as all losses here do: see `_Bowl.compute`."""
        return self.compute(x, target, reduction, math.inf, 0.5)


class SmoothL1(_Bowl):
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, for d = x - target and beta > 0."""

    name = "smooth_l1_loss"

    def forward(self, x, target, reduction="mean", beta=1.0):
        """Let a parabola go over into straight lines. Raises as all losses here do: see `_Bowl.compute`."""
        return self.compute(x, target, reduction, beta, beta)


class Huber(_Bowl):
    """d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), for d = x - target and delta > 0."""

    name = "huber_loss"

    def forward(self, x, target, reduction="mean", delta=1.0):
        """Let a parabola go over into straight lines. Raises as all losses here do: see `_Bowl.compute`."""
        return self.compute(x, target, reduction, delta, 1.0)


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
        if self.plain():
            return reduce(elementwise(kernels.bce_forward, x, target), reduction, x.size)
        rest = LogSigmoid().forward(x)
        rest = rest if pos_weight is None else rest * self.factors()
        losses = combined(np.subtract, combined(np.multiply, self.complement(), x), rest)
        return reduce(losses if weight is None else combined(np.multiply, losses, weight), reduction, x.size)

    def plain(self) -> bool:
        """Whether there are no factors and so many elements that it is worth a kernel."""
        return self.weight is None and self.pos_weight is None and self.x.size >= _FEW_LOGITS

    def complement(self) -> np.ndarray:
        """Return 1 - t."""
        return combined(np.subtract, np.ones((), self.x.dtype), self.target)

    def factors(self) -> np.ndarray:
        """Return 1 + (p - 1) t."""
        return 1 + (self.pos_weight - 1) * self.target

    def backward(self, dy):
        """dx = (1 - t - (1 + (p - 1) t) sigmoid(-x)) * w * the gradient of the element's loss.

        dt = (-x - (p - 1) log sigmoid(x)) likewise.
        """
        x, dtarget = self.x, None
        d = self.dlosses(dy, x.shape)
        d = d if self.weight is None else d * self.weight
        if self.plain() and d.ndim == 0:
            dx = elementwise(partial(kernels.bce_backward, d), x, self.target)
        else:
            below = Sigmoid().forward(-x)
            below = below if self.pos_weight is None else below * self.factors()
            dx = combined(np.multiply, combined(np.subtract, self.complement(), below), d)
        if len(self.needs) > 1 and self.needs[1]:
            dtarget = -x if self.pos_weight is None else -x - (self.pos_weight - 1) * LogSigmoid().forward(x)
            dtarget = d * dtarget
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

"""Losses, each one op. `reduction` is 'none' (a loss per row or element), 'sum' or 'mean'; sums are made in float64."""

from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import DtypeError, ShapeError
from .base import Op, check_float, check_ids
from .gradients import Broadcast
from .softmax import as_rows, from_rows


def check_reduction(name: str, reduction: str) -> None:
    """Raise `ValueError` unless it is one of the three."""
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"{name}: reduction={reduction!r}, expected 'none', 'sum' or 'mean'")


def reduce(losses: np.ndarray, reduction: str, count: Any) -> np.ndarray:
    """Return the losses themselves, their sum, or their sum divided by `count`."""
    if reduction == "none":
        return losses
    total = losses.sum(dtype=np.float64)
    with np.errstate(all="ignore"):  # the mean of nothing is nan
        return np.asarray(total if reduction == "sum" else total / np.float64(count), losses.dtype)


def unreduce(dy: np.ndarray, shape: tuple[int, ...], reduction: str, count: Any) -> np.ndarray:
    """Return the gradient of each single loss."""
    if reduction == "none":
        return dy
    return np.full(shape, dy if reduction == "sum" else dy / dy.dtype.type(max(count, 1)), dy.dtype)


class _ClassLoss(Op, register=False):
    """What losses of scores (N, V) against targets (N,) share; also (V,) with (), and (N, V, ...) with (N, ...)."""

    name: str

    def prepare(self, scores: np.ndarray, targets: np.ndarray, reduction: str, ignore_index: int) -> np.ndarray:
        """Check everything, set `axis, shape, targets, count, reduction`; return the scores as rows (N, V)."""
        check_reduction(self.name, reduction)
        check_float(self.name, "input", scores)
        if targets.dtype.kind == "f":
            raise DtypeError(
                f"{self.name}: target has dtype {targets.dtype}, expected int64: probabilities are not covered"
            )
        self.axis = 0 if scores.ndim == 1 else 1
        if scores.ndim == 0 or targets.shape != scores.shape[: self.axis] + scores.shape[self.axis + 1 :]:
            raise ShapeError(
                f"{self.name}: input has shape {scores.shape} and target {targets.shape}, "
                "expected (N, V) and (N,), or (V,) and (), or (N, V, ...) and (N, ...)"
            )
        ids = check_ids(self.name, "target", targets, scores.shape[self.axis], ignored=ignore_index)
        self.targets = ids = ids.reshape(-1)
        ignored = ids == ignore_index
        self.count = ids.size - np.count_nonzero(ignored)
        if self.count < ids.size:
            self.targets = np.where(ignored, -1, ids)  # the kernels ignore negative targets
        self.shape, self.reduction, self.losses_shape = scores.shape, reduction, targets.shape
        return as_rows(scores, self.axis)

    def finish(self, losses: np.ndarray) -> np.ndarray:
        """Reduce the losses of rows."""
        return reduce(losses.reshape(self.losses_shape), self.reduction, self.count)

    def dlosses(self, dy: np.ndarray) -> np.ndarray:
        """Return the gradients (N,) of the losses of rows."""
        return np.ascontiguousarray(unreduce(dy, self.losses_shape, self.reduction, self.count)).reshape(-1)


class CrossEntropy(_ClassLoss):
    """-log softmax(logits)[target]: logits (N, V), targets (N,) int64."""

    name = "cross_entropy"
    saved_inputs = (0, 1)

    def forward(self, logits, targets, reduction="mean", ignore_index=-100):
        """Compute the loss. Rows with target `ignore_index` do not count.

        Raises `IndexError` for a target that is not one of 0 .. V - 1, `ShapeError`, `DtypeError`, and `ValueError`
        for an unknown reduction.
        """
        self.logits = self.prepare(logits, targets, reduction, ignore_index)
        losses, self.logsumexp = kernels.cross_entropy_forward(self.logits, self.targets)
        return self.finish(losses)

    def backward(self, dy):
        """dlogits = (softmax(logits) - onehot(target)) * the gradient of the row's loss."""
        d = kernels.cross_entropy_backward(self.dlosses(dy), self.logits, self.logsumexp, self.targets)
        return (from_rows(d, self.shape, self.axis),)


class NLL(_ClassLoss):
    """-log_probabilities[target]: log probabilities (N, V), targets (N,) int64."""

    name = "nll_loss"
    saved_inputs = (1,)
    stateless = True

    def forward(self, log_probabilities, targets, reduction="mean", ignore_index=-100):
        """Pick. Rows with target `ignore_index` do not count; raises as `CrossEntropy` does."""
        rows = self.prepare(log_probabilities, targets, reduction, ignore_index)
        picked = (
            rows[np.arange(len(rows)), np.maximum(self.targets, 0)] if rows.size else np.zeros(len(rows), rows.dtype)
        )
        return self.finish(np.where(self.targets >= 0, -picked, rows.dtype.type(0)))

    def backward(self, dy):
        """-1 times the gradient of the loss, at the target."""
        d = np.zeros((len(self.targets), self.shape[self.axis]), dy.dtype)
        counted = np.flatnonzero(self.targets >= 0)
        d[counted, self.targets[counted]] = -self.dlosses(dy)[counted]
        return (from_rows(d, self.shape, self.axis),)


class MSE(Op):
    """(x - target)^2, element by element."""

    def forward(self, x, target, reduction="mean"):
        """Compute the loss. Raises `ShapeError` unless the shapes are equal, `DtypeError` unless the dtypes are."""
        check_reduction("mse_loss", reduction)
        check_float("mse_loss", "input", x)
        if target.dtype != x.dtype:
            raise DtypeError(f"mse_loss: target has dtype {target.dtype}, expected {x.dtype} as input")
        if x.shape != target.shape:  # broadcasting here is nearly always (N, 1) against (N,), and a wrong loss
            raise ShapeError(f"mse_loss: input has shape {x.shape} and target {target.shape}, expected one shape")
        self.reduction = reduction
        self.difference = np.subtract(x, target)
        return reduce(np.square(self.difference), reduction, self.difference.size)

    def backward(self, dy):
        """dx = 2 (x - target) * the gradient of the element's loss, dtarget = -dx."""
        d = self.difference
        if self.reduction == "mean":
            dy = np.divide(dy, d.dtype.type(max(d.size, 1)))
        dx = d * (2 * (dy if self.reduction == "none" else Broadcast(dy, d.shape).dense()))
        return dx, -dx if len(self.needs) > 1 and self.needs[1] else None

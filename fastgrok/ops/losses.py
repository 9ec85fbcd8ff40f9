"""Losses over classes, each one op.

`reduction` is 'none' (a loss per row or element), 'sum' or 'mean'; sums are made in float64.
"""

import math
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import DtypeError, ShapeError
from .base import LARGE_SUM, Op, all_below, check_float, check_ids
from .gradients import OneEach
from .matmul import check_dtypes
from .softmax import as_columns, as_rows, from_rows

_CLASS_DTYPES = (np.dtype(np.int64), np.dtype(np.uint8))


def check_reduction(name: str, reduction: str) -> None:
    """Raise `ValueError` unless it is one of the three."""
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(f"{name}: reduction={reduction!r}, expected 'none', 'sum' or 'mean'")


def reduce(losses: np.ndarray, reduction: str, count: Any) -> np.ndarray:
    """Return the losses themselves, their sum, or their sum divided by `count`."""
    if reduction == "none":
        return losses
    if losses.size >= LARGE_SUM and losses.dtype.char in "fd" and losses.flags.c_contiguous:
        with np.errstate(all="ignore"):
            total = np.float64(kernels.total(losses))
    else:
        total = np.add.reduce(losses, axis=None, dtype=np.float64)
    if reduction == "mean" and count > 0:
        return np.asarray(total / count, losses.dtype)
    with np.errstate(all="ignore"):  # the mean of nothing is nan, and a sum may be too large
        return np.asarray(total if reduction == "sum" else total / np.float64(count), losses.dtype)


def unreduce(dy: np.ndarray, shape: tuple[int, ...], reduction: str, count: Any) -> np.ndarray:
    """Return the gradient of each single loss."""
    if reduction == "none":
        return dy
    gradient = np.empty(shape, dy.dtype)
    gradient[...] = dy if reduction == "sum" else dy / dy.dtype.type(max(count, 1))
    return gradient


class _ClassLoss(Op, register=False):
    """What losses of scores (N, V) against targets (N,) share; also (V,) with (), and (N, V, ...) with (N, ...)."""

    name: str

    def prepare(
        self, scores: np.ndarray, targets: np.ndarray, reduction: str, ignore_index: int, columns: bool = False
    ) -> np.ndarray:
        """Check everything, set `axis, shape, targets, count, reduction`; return the scores as rows (N, V).

        With `columns` they may be columns (N, V, S) instead, where nothing need be moved for these.
        """
        check_reduction(self.name, reduction)
        check_float(self.name, "input", scores)
        if targets.dtype not in _CLASS_DTYPES:
            raise DtypeError(
                f"{self.name}: target has dtype {targets.dtype}, expected int64, or probabilities of input's shape"
            )
        self.axis = 0 if scores.ndim == 1 else 1
        if scores.ndim == 0 or targets.shape != scores.shape[: self.axis] + scores.shape[self.axis + 1 :]:
            raise ShapeError(
                f"{self.name}: input has shape {scores.shape} and target {targets.shape}, "
                "expected (N, V) and (N,), or (V,) and (), or (N, V, ...) and (N, ...)"
            )
        V = scores.shape[self.axis]
        self.targets, self.count = targets.astype(np.int64, order="C").reshape(-1), targets.size
        outside = not all_below(self.targets, V)
        if outside:  # targets to be ignored, or wrong ones
            check_ids(self.name, "target", targets, V, ignored=ignore_index)
        if outside or 0 <= ignore_index < V:
            ignored = self.targets == ignore_index
            self.count -= int(np.count_nonzero(ignored))
            self.targets[ignored] = -1  # the kernels ignore negative targets
        self.shape, self.reduction, self.losses_shape = scores.shape, reduction, targets.shape
        found = as_columns(scores, self.axis) if columns else None
        return as_rows(scores, self.axis) if found is None else found

    def finish(self, losses: np.ndarray) -> np.ndarray:
        """Reduce the losses of rows."""
        return reduce(losses.reshape(self.losses_shape), self.reduction, self.count)

    def dlosses(self, dy: np.ndarray) -> np.ndarray:
        """Return the gradients (N,) of the losses of rows."""
        return np.ascontiguousarray(unreduce(dy, self.losses_shape, self.reduction, self.count)).reshape(-1)


class CrossEntropy(_ClassLoss):
    """-log softmax(logits)[target]: logits (N, V), targets (N,) int64.

    The gradient of a sum or a mean is calculated with it, where one is wanted, and kept until backward.
    """

    name = "cross_entropy"
    saved_inputs = (0, 1)

    def forward(self, logits, targets, reduction="mean", ignore_index=-100):
        """Compute the loss. Rows with target `ignore_index` do not count.

        Raises `IndexError` for a target that is not one of 0 .. V - 1, `ShapeError`, `DtypeError`, and `ValueError`
        for an unknown reduction.
        """
        self.logits = self.prepare(logits, targets, reduction, ignore_index, columns=reduction != "none")
        self.dlogits = None
        if self.needs[0] and reduction != "none":
            losses, self.dlogits = self.with_gradient()
        elif self.logits.ndim == 3:
            losses = kernels.column_cross_entropy_forward(self.logits, self.column_targets())
        else:
            losses, self.logsumexp = kernels.cross_entropy_forward(self.logits, self.targets)
        return self.finish(losses)

    def with_gradient(self, dy: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the losses of rows, and dy times the gradient of their sum or mean."""
        dloss = dy / max(int(self.count), 1) if self.reduction == "mean" else dy
        if self.logits.ndim == 3:
            return kernels.column_cross_entropy_with_gradient(self.logits, self.column_targets(), dloss)
        return kernels.cross_entropy_with_gradient(self.logits, self.targets, dloss)

    def column_targets(self) -> np.ndarray:
        """Return the targets (N, S) of columns (N, V, S)."""
        return self.targets.reshape(self.logits.shape[::2])

    def backward(self, dy):
        """dlogits = (softmax(logits) - onehot(target)) * the gradient of the row's loss."""
        if self.reduction == "none":
            d = kernels.cross_entropy_backward(self.dlosses(dy), self.logits, self.logsumexp, self.targets)
        else:
            # What is returned belongs to others: a second time it is calculated anew.
            d, self.dlogits = self.dlogits, None
            factor = float(dy)
            if not math.isfinite(factor):  # by which the zeros of ignored rows must not be multiplied
                d = self.with_gradient(factor)[1]
            else:
                d = self.with_gradient()[1] if d is None else d
                if factor != 1:
                    kernels.scale_into(d, factor)
        if d.ndim == 3:
            return (d.reshape(self.shape),)
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
        rows = len(self.targets), self.shape[self.axis]
        d = OneEach(-self.dlosses(dy), self.targets, rows)
        return (d if rows == self.shape else from_rows(d.dense(), self.shape, self.axis),)


class SoftCrossEntropy(Op):
    """-sum_v w[v] t[v] log softmax(logits)[v]: logits and target probabilities t (N, V), weight w (V,) or None.

    Also (V,) each, or (N, V, ...) each. Gradients go to both. The mean divides by the number of rows.
    """

    def forward(self, logits, target, weight=None, reduction="mean", label_smoothing=0.0):
        """Compute the loss of targets (1 - s) t + s / V, s the smoothing.

        Raises `ShapeError`, `DtypeError`, and `ValueError` for an unknown reduction.
        """
        check_reduction("cross_entropy", reduction)
        check_dtypes("cross_entropy", logits, target, ("input", "target"))
        if logits.ndim == 0 or logits.shape != target.shape:
            raise ShapeError(f"cross_entropy: input has shape {logits.shape} and target {target.shape}, expected one")
        self.axis, self.shape, self.reduction = min(logits.ndim - 1, 1), logits.shape, reduction
        V = logits.shape[self.axis]
        kept, spread = logits.dtype.type(1 - label_smoothing), logits.dtype.type(label_smoothing / max(V, 1))
        weight = None if weight is None else weight.astype(logits.dtype)
        self.weight = kept if weight is None else kept * weight
        self.target = as_rows(target, self.axis) * kept + spread
        if weight is not None:
            self.target *= weight
        self.log_softmax = kernels.log_softmax_forward(as_rows(logits, self.axis))
        self.losses_shape = logits.shape[: self.axis] + logits.shape[self.axis + 1 :]
        losses = -(self.log_softmax * self.target).sum(axis=1)
        return reduce(losses.reshape(self.losses_shape), reduction, losses.size)

    def backward(self, dy):
        """dlogits = (softmax(logits) sum(w t) - w t) * the gradient of the row's loss, dt = -w log_softmax(logits)."""
        count = math.prod(self.losses_shape)
        dlosses = unreduce(dy, self.losses_shape, self.reduction, count).reshape(-1, 1)
        dlogits = np.exp(self.log_softmax) * self.target.sum(axis=1, keepdims=True) - self.target
        dtarget = -self.log_softmax * self.weight
        return tuple(from_rows(d * dlosses, self.shape, self.axis) for d in (dlogits, dtarget))

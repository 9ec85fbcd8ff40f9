"""Losses as functions. `reduction` is "mean", "sum" or "none" (a loss per element or row) in all of them.

`size_average` and `reduce` are what it has replaced in PyTorch: anything but None raises `NotImplementedError`.
"""

import warnings
from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from ..tensor.operands import operands
from .checks import check_label_smoothing, check_reduction, check_tensors

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]

# ------------------------------------------------------------------------------------------------------- of classes


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log(softmax(logits)[target]), reduced by "mean", "sum" or "none".

    Parameters
    ----------
    input : Tensor (N, V), (V,) or (N, V, d1, ...)
        Logits.
    target : Tensor (N,), () or (N, d1, ...), int64; or of the shape and dtype of `input`
        Class ids. Those equal to `ignore_index` do not count, also not in the mean's number. Or the probability of
        every class; the mean then divides by the number of rows, and the gradient goes to the target as well.
    weight : Tensor (V,), optional
        A factor for the loss of each class; the mean then divides by the sum of the factors of the targets.
    label_smoothing : float
        s, 0 <= s <= 1: the part of the target's probability that is shared out evenly among all V classes
        (Szegedy et al., "Rethinking the inception architecture for computer vision", 2016).
    size_average, reduce
        Replaced by `reduction`; anything but None raises `NotImplementedError`.

    Raises
    ------
    IndexError
        When a target is not one of 0 .. V - 1.
    ShapeError, DtypeError
        When shapes or dtypes do not go together.
    ValueError
        For an unknown reduction, or a label_smoothing that is no probability.
    RuntimeError
        For an `ignore_index` of 0 or more beside probabilities.

    Examples
    --------
    >>> import fastgrok
    >>> cross_entropy(fastgrok.zeros(2, 10), fastgrok.tensor([3, 7]))
    tensor(2.3026)
    """
    check_tensors("cross_entropy", input=input, target=target)
    check_reduction("cross_entropy", reduction, size_average, reduce)
    check_label_smoothing("cross_entropy", label_smoothing)
    if target.array.dtype.kind == "f" and target.array.shape == input.array.shape:
        if ignore_index >= 0:
            raise ArgumentError(f"cross_entropy: ignore_index={ignore_index} is not supported for probabilities")
        factors = None if weight is None else class_factors("cross_entropy", weight, input)
        options = {"weight": factors, "reduction": reduction, "label_smoothing": label_smoothing}
        return apply(ops.SoftCrossEntropy, input, target, **options)
    if weight is not None or label_smoothing:
        log_probabilities = apply(ops.LogSoftmax, input, dim=0 if input.array.ndim == 1 else 1)
        return _class_loss("cross_entropy", log_probabilities, target, weight, ignore_index, reduction, label_smoothing)
    return apply(ops.CrossEntropy, input, target, reduction=reduction, ignore_index=ignore_index)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target]: `cross_entropy` of log-probabilities, with the same shapes, options and errors."""
    check_tensors("nll_loss", input=input, target=target)
    check_reduction("nll_loss", reduction, size_average, reduce)
    if weight is not None:
        return _class_loss("nll_loss", input, target, weight, ignore_index, reduction)
    return apply(ops.NLL, input, target, reduction=reduction, ignore_index=ignore_index)


def _class_loss(
    name: str,
    log_probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Compute `nll_loss` with factors per class and smoothing, from simpler functions."""
    axis = 0 if log_probabilities.array.ndim == 1 else 1
    V, dtype = log_probabilities.array.shape[axis], log_probabilities.array.dtype
    factors = np.ones(V, dtype) if weight is None else class_factors(name, weight, log_probabilities)
    losses = apply(ops.NLL, log_probabilities, target, reduction="none", ignore_index=ignore_index)
    counted = target.array != ignore_index
    weights = Tensor._from_array(factors[np.where(counted, target.array, 0)] * counted)
    losses = losses * weights
    if label_smoothing:
        per_class = factors.reshape((V,) + (1,) * (log_probabilities.array.ndim - axis - 1))
        spread = -(log_probabilities * Tensor._from_array(per_class)).sum(axis) * Tensor._from_array(
            counted.astype(dtype)
        )
        losses = losses * (1 - label_smoothing) + spread * (label_smoothing / V)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / weights.sum()


def class_factors(name: str, weight: Tensor, scores: Tensor) -> np.ndarray:
    """Return the factors (V,) of the classes of `scores`; raises `ShapeError` when there are not V of them."""
    check_tensors(name, weight=weight)
    V = scores.array.shape[0 if scores.array.ndim == 1 else 1]
    if weight.array.shape != (V,):
        raise ShapeError(f"{name}: weight has shape {weight.array.shape}, expected ({V},), one factor per class")
    return weight.array.astype(scores.array.dtype)


# ------------------------------------------------------------------------------------------------------- of differences


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x - y)^2; input and target of one shape, any, and so `weight`, a factor for each element.

    With weights, the mean divides by their sum.

    Raises
    ------
    ShapeError
        When the shapes differ. (PyTorch warns and broadcasts, which is nearly always a mistake.)
    DtypeError
        When the dtypes differ.
    """
    return _pointwise("mse_loss", ops.MSE, input, target, reduction, weight, (size_average, reduce))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x - y|; weights and errors as in `mse_loss`."""
    return _pointwise("l1_loss", ops.L1, input, target, reduction, weight, (size_average, reduce))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, for d = x - y; `l1_loss` for beta = 0.

    Girshick, "Fast R-CNN" (2015). Raises `RuntimeError` for a negative beta, and as `mse_loss` does.
    """
    if beta < 0:
        raise ArgumentError(f"smooth_l1_loss: beta={beta}, expected at least 0")
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    return _pointwise("smooth_l1_loss", ops.SmoothL1, input, target, reduction, None, (size_average, reduce), beta=beta)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), for d = x - y.

    Huber, "Robust estimation of a location parameter" (1964). `weight` has a factor for each element; the mean divides
    by the number of elements all the same, as in PyTorch. Raises `RuntimeError` unless delta > 0, and as `mse_loss`.
    """
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta={delta}, expected more than 0")
    return _pointwise("huber_loss", ops.Huber, input, target, reduction, weight, (None, None), delta=delta)


def _pointwise(
    name: str,
    op: type[ops.Op],
    input: Tensor,
    target: Tensor,
    reduction: str,
    weight: Tensor | None,
    replaced: tuple,
    **settings: Any,
) -> Tensor:
    """Apply a loss of differences, weighted or not."""
    check_tensors(name, input=input, target=target)
    check_reduction(name, reduction, *replaced)
    if op is not ops.Huber:
        input, target = operands(input, target)
    if weight is None:
        return apply(op, input, target, reduction=reduction, **settings)
    check_tensors(name, weight=weight)
    if weight.array.shape != input.array.shape:
        raise ShapeError(f"{name}: weight has shape {weight.array.shape}, expected {input.array.shape} as input")
    losses = apply(op, input, target, reduction="none", **settings) * weight
    if reduction == "mean" and op is not ops.Huber:
        return losses.sum() / weight.sum()
    return reduced(losses, reduction)


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """Return losses as they are, their sum, or their mean."""
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


# ----------------------------------------------------------------------------------------------------- of probabilities


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t from 0 to 1, of one shape, any.

    `weight` broadcasts to that shape: a factor for each element. Logarithms count as -100 at least, as in PyTorch.

    Raises
    ------
    ShapeError, DtypeError
        When shapes or dtypes do not go together.
    RuntimeError
        When the input holds something that is not from 0 to 1.
    """
    name = "binary_cross_entropy"
    check_tensors(name, input=input, target=target)
    check_reduction(name, reduction, size_average, reduce)
    return apply(ops.BCE, input, target, weight=_factors(name, "weight", weight), reduction=reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of the sigmoid of the input, calculated without overflow.

    `pos_weight` broadcasts to the shape of the input: factors of the part t log p, to weigh up a rare class.

    Raises
    ------
    ShapeError, DtypeError
        When shapes or dtypes do not go together.

    Examples
    --------
    >>> import fastgrok
    >>> binary_cross_entropy_with_logits(fastgrok.zeros(3), fastgrok.tensor([0.0, 1.0, 1.0]))
    tensor(0.6931)
    """
    name = "binary_cross_entropy_with_logits"
    check_tensors(name, input=input, target=target)
    check_reduction(name, reduction, size_average, reduce)
    factors = {
        "weight": _factors(name, "weight", weight),
        "pos_weight": _factors(name, "pos_weight", pos_weight),
    }
    return apply(ops.BCEWithLogits, input, target, **factors, reduction=reduction)


def _factors(name: str, argument: str, factors: Tensor | None) -> np.ndarray | None:
    """Return optional factors as an array."""
    if factors is None:
        return None
    check_tensors(name, **{argument: factors})
    return factors.array


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (log t - x) for log-probabilities x and probabilities t: the Kullback-Leibler divergence of x from t.

    With `log_target`, the target holds log t. `reduction="batchmean"` divides the sum by the size of the first
    dimension, which is the divergence's own mean; "mean", by the number of elements, warns, as in PyTorch.

    Raises
    ------
    ShapeError, DtypeError
        When shapes do not broadcast, or dtypes differ.
    """
    check_tensors("kl_div", input=input, target=target)
    check_reduction("kl_div", "sum" if reduction == "batchmean" else reduction, size_average, reduce)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition.",
            stacklevel=2,
        )
    check_broadcast("kl_div", input, target)
    if input.array.dtype.kind == target.array.dtype.kind == "f":
        input, target = operands(input, target)
    if reduction != "batchmean":
        return apply(ops.KLDiv, input, target, reduction=reduction, log_target=log_target)
    total = apply(ops.KLDiv, input, target, reduction="sum", log_target=log_target)
    return total / input.array.shape[0] if input.array.ndim else total


def check_broadcast(name: str, *tensors: Tensor) -> tuple[int, ...]:
    """Return the shape that tensors broadcast to; raises `ShapeError` when there is none."""
    shapes = [tensor.array.shape for tensor in tensors]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ops.base.cannot_broadcast(name, *shapes) from None

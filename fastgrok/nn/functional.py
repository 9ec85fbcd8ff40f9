"""The functions behind the layers (`F.*`): each checks its arguments and applies one op, which has the formula."""

import warnings
from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import DtypeError, ShapeError
from ..ops.base import contiguous
from ..tensor import Tensor
from .functional_pad import pad

__all__ = [
    "cross_entropy",
    "dropout",
    "embedding",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "pad",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]

# ------------------------------------------------------------------------------------------------------- layers


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: input (..., D), weight (O, D), bias (O,) or None, output (..., O).

    Raises
    ------
    ShapeError, DtypeError
        When shapes or dtypes do not go together.
    """
    check_tensors("linear", input=input, weight=weight)
    if bias is None:
        return apply(ops.Linear, input, weight)
    check_tensors("linear", bias=bias)
    return apply(ops.Linear, input, weight, bias)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of a table: input (...) int64, weight (V, D), output (..., D).

    Row `padding_idx` gets no gradient. The other options are not covered: anything but the default raises
    `NotImplementedError`.

    Raises
    ------
    IndexError
        When an id is not one of 0 .. V - 1.
    DtypeError
        When the ids are not integers.
    """
    check_tensors("embedding", input=input, weight=weight)
    check_embedding_options("embedding", max_norm, norm_type, scale_grad_by_freq, sparse)
    padding_idx = row_of_padding("embedding", padding_idx, weight.array.shape[0])
    output = apply(ops.Embedding, weight, input, padding_idx=padding_idx)
    if input.array.ndim == 2:  # perhaps a window for a recurrent layer, which may then compute with the table itself
        output.gathered = ops.Gathered(
            contiguous(weight.array), input.array.astype(np.int64, order="C"), weight.storage
        )
    return output


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability `p` and scale the others by 1 / (1 - p) when `training`.

    Otherwise the input is returned as it is. The mask comes from the default generator (`manual_seed`) and does not
    depend on the number of threads.
    `inplace=True` is not covered and raises `NotImplementedError`.

    Raises
    ------
    ValueError
        Unless 0 <= p <= 1.
    """
    check_tensors("dropout", input=input)
    check_dropout(p, inplace)
    return apply(ops.Dropout, input, p=p) if training and p > 0 else input


# ------------------------------------------------------------------------------------------------------- nonlinearities


def tanh(input: Tensor) -> Tensor:
    """Return tanh(x), element by element."""
    check_tensors("tanh", input=input)
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x)), element by element."""
    check_tensors("sigmoid", input=input)
    return input.sigmoid()


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return max(x, 0), element by element; `inplace=True` overwrites the input."""
    check_tensors("relu", input=input)
    return input.relu_() if inplace else input.relu()


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return exp(x) / sum(exp(x)) along `dim`, in `dtype` if given.

    Without `dim`, dimension 1 is taken (0 for tensors of 0, 1 or 3 dimensions), with a warning, as in PyTorch.

    Raises
    ------
    IndexError
        When there is no such dimension.
    """
    return _softmax("softmax", ops.Softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Return x - log(sum(exp(x))) along `dim`; the arguments are those of `softmax`."""
    return _softmax("log_softmax", ops.LogSoftmax, input, dim, dtype)


def _softmax(name: str, op: type[ops.Op], input: Tensor, dim: int | None, dtype: Any) -> Tensor:
    check_tensors(name, input=input)
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. "
            "Change the call to include dim=X as an argument.",
            stacklevel=3,
        )
        dim = 0 if input.array.ndim in (0, 1, 3) else 1
    return apply(op, input if dtype is None else input.to(dtype), dim=dim)


# ------------------------------------------------------------------------------------------------------- losses


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
    target : Tensor (N,), () or (N, d1, ...), int64
        Class ids. Those equal to `ignore_index` do not count, also not in the mean's number.
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

    Examples
    --------
    >>> import fastgrok
    >>> cross_entropy(fastgrok.zeros(2, 10), fastgrok.tensor([3, 7]))
    tensor(2.3026)
    """
    check_tensors("cross_entropy", input=input, target=target)
    check_reduction("cross_entropy", reduction, size_average, reduce)
    check_label_smoothing("cross_entropy", label_smoothing)
    if weight is not None or label_smoothing:
        log_probabilities = log_softmax(input, dim=0 if input.array.ndim == 1 else 1)
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
    factors = np.ones(V, dtype)
    if weight is not None:
        check_tensors(name, weight=weight)
        if weight.array.shape != (V,):
            raise ShapeError(f"{name}: weight has shape {weight.array.shape}, expected ({V},), one factor per class")
        factors = weight.array.astype(dtype)
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


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """(x - y)^2, reduced by "mean", "sum" or "none"; input and target of one shape, any.

    Raises
    ------
    ShapeError
        When the shapes differ. (PyTorch warns and broadcasts, which is nearly always a mistake.)
    DtypeError
        When the dtypes differ.
    """
    check_tensors("mse_loss", input=input, target=target)
    check_reduction("mse_loss", reduction, size_average, reduce)
    return apply(ops.MSE, input, target, reduction=reduction)


# ------------------------------------------------------------------------------------------------------- others


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return int64 (..., V) with a one at the place that each id (...) names, zeros elsewhere.

    V is `num_classes`, or for -1 the largest id + 1.

    Raises
    ------
    DtypeError
        When the ids are not int64.
    ValueError, RuntimeError
        When an id is negative or not less than V, or V cannot be told because there are no ids.

    Examples
    --------
    >>> import fastgrok
    >>> one_hot(fastgrok.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    check_tensors("one_hot", tensor=tensor)
    ids = tensor.array
    if ids.dtype != np.int64:
        raise DtypeError(f"one_hot is only applicable to index tensor of type int64, got {ids.dtype}")
    if ids.size == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if ids.size and ids.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, got {ids.min()}.")
    if num_classes == -1:
        num_classes = int(ids.max()) + 1
    elif num_classes < 1:
        raise RuntimeError(f"num_classes should be positive, got {num_classes}")
    elif ids.size and ids.max() >= num_classes:
        raise RuntimeError(f"Class values must be smaller than num_classes, got {ids.max()} and {num_classes}.")
    return Tensor._from_array((ids[..., None] == np.arange(num_classes)).astype(np.int64))


# ------------------------------------------------------------------------------------------------------- checks


def check_tensors(name: str, **arguments: Any) -> None:
    """Raise `TypeError` for an argument that is not a `Tensor`."""
    for argument, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}(): argument '{argument}' must be Tensor, not {type(value).__name__}")


def check_embedding_options(
    name: str, max_norm: float | None, norm_type: float, scale_grad_by_freq: bool, sparse: bool
) -> None:
    """Raise `NotImplementedError` for options of an embedding that are not covered."""
    options = {"max_norm": (max_norm, None), "norm_type": (norm_type, 2.0)}
    options |= {"scale_grad_by_freq": (scale_grad_by_freq, False), "sparse": (sparse, False)}
    for argument, (value, default) in options.items():
        if value != default:
            raise NotImplementedError(f"{name}: {argument}={value} is not covered, expected {default}")


def row_of_padding(name: str, padding_idx: int | None, V: int) -> int | None:
    """Return `padding_idx` counted from the front, or None; raises `ValueError` when V rows have no such row."""
    if padding_idx is not None and not -V <= padding_idx < V:
        raise ValueError(f"{name}: padding_idx={padding_idx}. Padding_idx must be within num_embeddings ({V})")
    return padding_idx if padding_idx is None or padding_idx >= 0 else V + padding_idx


def check_dropout(p: float, inplace: bool) -> None:
    """Raise for a probability that is none, and for dropping in place."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if inplace:
        raise NotImplementedError("dropout: inplace=True is not covered, expected False")


def check_label_smoothing(name: str, label_smoothing: float) -> None:
    """Raise `ValueError` unless it is between 0 and 1."""
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"{name}: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")


def check_reduction(name: str, reduction: str, size_average: Any, reduce: Any) -> None:
    """Raise `ValueError` for an unknown reduction, and `NotImplementedError` for the arguments that it has replaced."""
    if size_average is not None or reduce is not None:
        raise NotImplementedError(f"{name}: size_average and reduce are not covered, use reduction")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{name}: {reduction} is not a valid value for reduction, expected 'none', 'mean' or 'sum'")

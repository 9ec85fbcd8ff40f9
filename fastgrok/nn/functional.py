"""The functions behind the layers (`F.*`): each checks its arguments and applies one op, which has the formula.

The basic ones are here; the files functional_*.py beside this one hold families of their own.
"""

import warnings
from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import DtypeError
from ..not_covered import missing
from ..tensor import Tensor
from ..tensor.making import ones_at
from .checks import check_dropout as check_dropout
from .checks import check_reduction as check_reduction
from .checks import check_tensors as check_tensors
from .checks import row_of_padding as row_of_padding
from .functional_activations import (
    elu,
    gelu,
    glu,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu6,
    silu,
    softplus,
)
from .functional_attention import scaled_dot_product_attention
from .functional_distances import (
    cosine_embedding_loss,
    cosine_similarity,
    hinge_embedding_loss,
    margin_ranking_loss,
    normalize,
    nt_xent,
    pairwise_distance,
    triplet_margin_loss,
)
from .functional_embedding import embedding, embedding_bag
from .functional_images import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    conv1d,
    conv2d,
    conv_transpose1d,
    conv_transpose2d,
    dropout1d,
    dropout2d,
    fold,
    max_pool1d,
    max_pool2d,
    unfold,
)
from .functional_losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)
from .functional_norms import batch_norm, group_norm, layer_norm
from .functional_pad import pad

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "embedding_bag",
    "fold",
    "gelu",
    "glu",
    "group_norm",
    "hardtanh",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "nt_xent",
    "one_hot",
    "pad",
    "pairwise_distance",
    "prelu",
    "relu",
    "relu6",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
    "triplet_margin_loss",
    "unfold",
]

# ------------------------------------------------------------------------------------------------------- layers


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: input (..., D), weight (O, D), bias (O,) or None, output (..., O).

    Raises
    ------
    ShapeError, DtypeError
        When shapes or dtypes do not go together.
    """
    return _linear_then(ops.Linear, input, weight, bias)


def _linear_then(op: type[ops.Linear], input: Tensor, weight: Tensor, bias: Tensor | None, **settings: Any) -> Tensor:
    """`linear`, by an op that may do more: its `settings` say what."""
    operands = (input, weight) if bias is None else (input, weight, bias)
    for operand in operands:
        if not isinstance(operand, Tensor):
            check_tensors("linear", input=input, weight=weight, bias=operand)
    return apply(op, *operands, **settings)


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
    return Tensor._from_array(ones_at(ids, num_classes))


def __getattr__(name: str) -> Any:
    raise missing(f"module {__name__!r}", name)

"""Distances between vectors, and the losses that compare them: triplets, pairs, rankings, contrasts."""

from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from .checks import check_reduction, check_tensors
from .functional_losses import check_broadcast, cross_entropy, reduced

__all__ = [
    "cosine_embedding_loss",
    "cosine_similarity",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "normalize",
    "nt_xent",
    "pairwise_distance",
    "triplet_margin_loss",
]

# ------------------------------------------------------------------------------------------------------- distances


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Return x / max(|x|, eps), where |x| is the p-norm along `dim`. Shape: any, kept.

    Raises
    ------
    IndexError
        When there is no such dimension.
    """
    check_tensors("normalize", input=input)
    return input / apply(ops.PNorm, input, p=p, dim=dim, keepdim=True).clamp(min=eps)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the p-norm of x1 - x2 + eps along the last dimension: (..., D) and (..., D) -> (...)."""
    check_tensors("pairwise_distance", x1=x1, x2=x2)
    check_broadcast("pairwise_distance", x1, x2)
    return apply(ops.PNorm, x1 - x2 + eps, p=p, dim=-1, keepdim=keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`, which disappears; the shapes broadcast.

    Raises
    ------
    ShapeError, IndexError
        When the shapes do not broadcast, or there is no such dimension.

    Examples
    --------
    >>> import fastgrok
    >>> cosine_similarity(fastgrok.tensor([[1.0, 0.0]]), fastgrok.tensor([[3.0, 3.0]]))
    tensor([0.7071])
    """
    check_tensors("cosine_similarity", x1=x1, x2=x2)
    shape = check_broadcast("cosine_similarity", x1, x2)
    units = []
    for x in (x1, x2):
        x = x if x.array.shape == shape else x.expand(shape)
        length = apply(ops.PNorm, x, dim=dim, keepdim=True)
        # Raised to eps past the graph, as in PyTorch: the gradient is that of the length even where it is less.
        length = length + Tensor._from_array(np.maximum(length.array.dtype.type(eps) - length.array, 0))
        units.append(x / length)
    return (units[0] * units[1]).sum(dim)


# ------------------------------------------------------------------------------------------------------- losses


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), d the `pairwise_distance`: (N, D) or (D,) each.

    With `swap`, the distance from the positive to the negative takes the place of the anchor's where it is smaller
    (Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses", 2016).

    Raises
    ------
    ShapeError
        When the numbers of dimensions differ.
    ValueError
        Unless margin > 0.
    """
    name = "triplet_margin_loss"
    check_tensors(name, anchor=anchor, positive=positive, negative=negative)
    check_reduction(name, reduction, size_average, reduce)
    if not margin > 0:
        raise ArgumentError(f"{name}: margin={margin}, margin must be greater than 0")
    _check_dimensions(name, anchor=anchor, positive=positive, negative=negative)
    to_positive = pairwise_distance(anchor, positive, p, eps)
    to_negative = pairwise_distance(anchor, negative, p, eps)
    if swap:
        to_negative = to_negative.minimum(pairwise_distance(positive, negative, p, eps))
    return reduced((to_positive - to_negative + margin).clamp(min=0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - c where the target is 1, max(c - margin, 0) where it is -1, c the cosine of the angle between the inputs.

    Shapes: inputs (N, D) and target (N,), or (D,) and ().

    Raises
    ------
    ShapeError
        For other shapes.
    """
    name = "cosine_embedding_loss"
    check_tensors(name, input1=input1, input2=input2, target=target)
    check_reduction(name, reduction, size_average, reduce)
    if target.array.ndim > 1 or not input1.array.ndim == input2.array.ndim == target.array.ndim + 1:
        raise ShapeError(
            f"{name}: input1 has shape {input1.array.shape}, input2 {input2.array.shape} and target "
            f"{target.array.shape}, expected (N, D), (N, D) and (N,), or (D,), (D,) and ()"
        )
    check_broadcast(name, input1, input2)
    tiny = 1e-12  # beside the squared lengths, so that no division is by zero; PyTorch's value
    squared1, squared2 = (input1 * input1).sum(-1) + tiny, (input2 * input2).sum(-1) + tiny
    cosine = (input1 * input2).sum(-1) / (squared1 * squared2).sqrt()
    return reduced(_by_sign(target, 1 - cosine, (cosine - margin).clamp(min=0)), reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The input x itself, a distance, where the target is 1; max(margin - x, 0) where it is -1. Shapes broadcast."""
    check_tensors("hinge_embedding_loss", input=input, target=target)
    check_reduction("hinge_embedding_loss", reduction, size_average, reduce)
    check_broadcast("hinge_embedding_loss", input, target)
    return reduced(_by_sign(target, input, (margin - input).clamp(min=0)), reduction)


def _by_sign(target: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Return `positive` where the target is 1, `negative` where it is -1, and their sum elsewhere, as PyTorch does."""
    dtype = positive.array.dtype
    alike, different = (Tensor._from_array((target.array != sign).astype(dtype)) for sign in (-1, 1))
    return positive * alike + negative * different


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(-y (x1 - x2) + margin, 0), where y is 1 if x1 should be the larger one, else -1. Shapes (N,) or () each.

    Raises
    ------
    ShapeError
        When the numbers of dimensions differ, or the shapes do not broadcast.
    """
    name = "margin_ranking_loss"
    check_tensors(name, input1=input1, input2=input2, target=target)
    check_reduction(name, reduction, size_average, reduce)
    _check_dimensions(name, input1=input1, input2=input2, target=target)
    check_broadcast(name, input1, input2, target)
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def _check_dimensions(name: str, **tensors: Tensor) -> None:
    """Raise `ShapeError` unless all have one number of dimensions."""
    if len({tensor.array.ndim for tensor in tensors.values()}) > 1:
        shown = ", ".join(f"{argument} {tensor.array.shape}" for argument, tensor in tensors.items())
        raise ShapeError(f"{name}: shapes {shown}, expected the same number of dimensions")


def nt_xent(z1: Tensor, z2: Tensor, temperature: float = 0.5, reduction: str = "mean") -> Tensor:
    """The normalised temperature-scaled cross-entropy of two views of one batch, a form of InfoNCE.

    Of the 2N vectors z_1 .. z_2N, those at i and j are views of one example, and the other 2N - 2 are its negatives:

        l(i, j) = -log( exp(sim(z_i, z_j) / t) / sum over k != i of exp(sim(z_i, z_k) / t) )

    with sim the cosine similarity and t the temperature; the loss is the mean over all pairs, both (i, j) and (j, i).
    Chen, Kornblith, Norouzi and Hinton, "A simple framework for contrastive learning of visual representations"
    (SimCLR, 2020), section 2.1, equation 1. PyTorch has no such function.

    Parameters
    ----------
    z1, z2 : Tensor (N, D)
        Row n of both belongs to example n. They need not be normalised.
    temperature : float
        t, more than 0.
    reduction : str
        "mean", "sum", or "none": (2N,), the losses of the rows of z1, then those of z2.

    Raises
    ------
    ShapeError
        Unless both are (N, D), with N > 0.
    ValueError
        For an unknown reduction, or a temperature that is not more than 0.

    Examples
    --------
    >>> import fastgrok
    >>> views = fastgrok.eye(2)  # each example like its other view, and unlike the other example
    >>> nt_xent(views, views, temperature=1.0)
    tensor(0.5514)
    """
    check_tensors("nt_xent", z1=z1, z2=z2)
    check_reduction("nt_xent", reduction, None, None)
    if not temperature > 0:
        raise ArgumentError(f"nt_xent: temperature={temperature}, expected more than 0")
    if z1.array.ndim != 2 or z1.array.shape != z2.array.shape or not len(z1.array):
        raise ShapeError(f"nt_xent: z1 has shape {z1.array.shape} and z2 {z2.array.shape}, expected (N, D) each, N > 0")
    N = len(z1.array)
    z = normalize(apply(ops.Cat, z1, z2, dim=0))
    similarities = z.matmul(z.transpose(0, 1)) / temperature
    itself = np.where(np.eye(2 * N, dtype=bool), -np.inf, 0).astype(z.array.dtype)
    other_view = Tensor._from_array(np.roll(np.arange(2 * N), N))
    return cross_entropy(similarities + Tensor._from_array(itself), other_view, reduction=reduction)

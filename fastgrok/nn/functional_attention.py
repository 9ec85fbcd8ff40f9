"""Attention: `F.scaled_dot_product_attention`, and the masks it takes."""

import math
import warnings
from typing import Any

import numpy as np

from .. import autograd, ops
from ..autograd import apply
from ..errors import ArgumentError, DtypeError, InputError
from ..ops.base import check_float
from ..tensor import Tensor
from .checks import check_tensors

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return softmax(scale * query key^T + mask) value: for every query a weighted mean of the values.

    Vaswani et al., "Attention is all you need" (2017), section 3.2.1.

    Parameters
    ----------
    query : Tensor (..., L, E)
    key : Tensor (..., S, E)
    value : Tensor (..., S, D)
        Leading dimensions broadcast.
    attn_mask : Tensor (..., L, S), optional
        Bool: True where a query may attend to a key. Float: added to the scores. It broadcasts to the scores. A query
        that may attend to no key gets zeros.
    dropout_p : float
        The probability with which a weight is dropped; also outside of training, so give 0 there.
    is_causal : bool
        Whether query i may attend to keys 0 .. i only; with a mask, both hold.
    scale : float, optional
        1 / sqrt(E) if None.
    enable_gqa : bool
        True is not covered and raises `NotImplementedError`.

    Returns
    -------
    Tensor (..., L, D)

    Raises
    ------
    ShapeError, DtypeError, TypeError
        When sizes or dtypes do not go together.
    ArgumentError
        When dropout_p is not a probability.

    Examples
    --------
    >>> import fastgrok
    >>> x = fastgrok.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(x, x, x, is_causal=True)[0]
    tensor([1., 0.])
    """
    name = "scaled_dot_product_attention"
    check_tensors(name, query=query, key=key, value=value)
    check_float(name, "query", query.array)
    if enable_gqa:
        raise NotImplementedError(f"{name}: enable_gqa=True is not covered, expected False")
    if not 0.0 <= dropout_p <= 1.0:
        raise ArgumentError(f"{name}: dropout_p={dropout_p}, expected a probability from 0 to 1")
    if not (scale is None or isinstance(scale, int | float | np.number)):
        raise TypeError(f"{name}(): argument 'scale' must be float, not {type(scale).__name__}")
    mask = None
    if attn_mask is not None:
        check_tensors(name, attn_mask=attn_mask)
        if attn_mask.array.dtype.kind == "b":
            attn_mask = attn_mask.logical_not()
        mask = additive_mask(name, "attn_mask", attn_mask, query.array.dtype)
    if scale is None:
        scale = 1 / math.sqrt(max(1, query.array.shape[-1])) if query.array.ndim else 1.0
    heads = math.prod(query.array.shape[:-2])
    if needs_no_weights(mask, dropout_p, heads) and ops.FusedAttention.covers(query.array, key.array, value.array):
        settings = {"scale": scale, "mask": None if mask is None else mask.array, "causal": bool(is_causal)}
        return apply(ops.FusedAttention, query, key, value, p=dropout_p, **settings)
    if is_causal and min(query.array.ndim, key.array.ndim) >= 2:
        causal = causal_mask(query.array.shape[-2], key.array.shape[-2], query.array.dtype)
        mask = causal if mask is None else mask + causal
    operands = (query, key, value) if mask is None else (query, key, value, mask)
    return apply(ops.Attention, *operands, scale=scale, p=dropout_p)


def needs_no_weights(mask: Tensor | None, dropout_p: float, heads: int) -> bool:
    """Whether attention, of `heads` heads in all sequences together, had better not keep all weights in memory.

    Its gradients are calculated head by head, which takes heads for all cores. Where a model is exported, the formula
    is spelled out.
    """
    return heads >= 4 and dropout_p < 1 and not ((mask is not None and mask.requires_grad) or autograd.tracer)


def additive_mask(name: str, argument: str, mask: Tensor, dtype: np.dtype, other: Tensor | None = None) -> Tensor:
    """Return a mask as numbers of `dtype` to add to scores: -inf where a bool mask is True.

    Warns when there is another mask of another dtype. Raises `InputError` for whole numbers and `DtypeError` for
    floats that are neither float32 nor of `dtype`.
    """
    kind = mask.array.dtype.kind
    if kind not in "bf":
        raise InputError(f"{name}: {argument} has dtype {mask.array.dtype}, expected bool or {dtype}")
    if other is not None and other.array.dtype != mask.array.dtype:
        warnings.warn(
            f"Support for mismatched {argument} and attn_mask is deprecated. Use same type for both instead.",
            stacklevel=3,
        )
    if kind == "b":
        return Tensor._from_array(np.where(mask.array, dtype.type(-np.inf), dtype.type(0)))
    if mask.array.dtype == dtype:
        return mask
    if mask.array.dtype != np.float32:
        floats = "float32" if dtype == np.float32 else f"float32 or {dtype}"
        raise DtypeError(f"{name}: {argument} has dtype {mask.array.dtype}, expected bool or {floats}")
    return mask.to(dtype)


def causal_mask(L: int, S: int, dtype: Any) -> Tensor:
    """Return (L, S): 0 on and below the diagonal, -inf above."""
    return Tensor._from_array(np.where(np.tri(L, S, dtype=bool), dtype.type(0), dtype.type(-np.inf)))

"""Scaled dot-product attention, and the heads it works on."""

import math

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from ..errors import ArgumentError, ShapeError
from ..random import default_generator
from .base import Op, cannot_broadcast, check_float, contiguous, rows_of, unbroadcast
from .dropout import Dropout
from .matmul import batched, check_dtypes

_NAME = "scaled_dot_product_attention"


class Attention(Op):
    """softmax(scale * q k^T + mask) v: each query gets the mean of the values, weighted by how well their keys fit.

    Source: Vaswani et al., "Attention is all you need" (2017), section 3.2.1. One op, so that the weights, the largest
    arrays of a transformer, are kept once and passed over as rarely as can be. Where nothing but y is wanted of them,
    `FusedAttention` does without.
    """

    saved_inputs = (1, 2)

    def forward(self, q, k, v, mask=None, scale=1.0, p=0.0, seed=None):
        """Attend: q (..., L, E), k (..., S, E), v (..., S, D), mask (..., L, S) or absent -> y (..., L, D).

        Leading axes broadcast; those of the mask may not exceed the others'. A query whose keys are all masked with
        -inf gets zeros. Weights are dropped with probability p. Raises `ShapeError` or `DtypeError`.
        """
        for name, x in (("key", k), ("value", v), ("attn_mask", mask)):
            if x is not None:
                check_dtypes(_NAME, q, x, ("query", name))
        if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
            raise ShapeError(
                f"{_NAME}: query has shape {q.shape}, key {k.shape} and value {v.shape}, "
                "expected (..., L, E), (..., S, E) and (..., S, D)"
            )
        self.scale, self.k, self.v = q.dtype.type(scale), k, v
        self.shapes = [x.shape for x in (q, k, v, mask) if x is not None]
        self.q = q * self.scale
        scores = batched(self.q, k.swapaxes(-1, -2))
        if mask is not None:
            try:
                scores += mask
            except ValueError:
                raise cannot_broadcast(f"{_NAME} (attn_mask)", scores.shape, mask.shape) from None
        self.weights = kernels.softmax_forward(rows_of(scores)).reshape(scores.shape)
        if mask is not None:
            _clear_rows_without_keys(self.weights, scores)
        self.dropout = Dropout() if p else None
        self.dropped = self.weights if self.dropout is None else self.dropout.forward(self.weights, p, seed)
        return batched(self.dropped, v)

    def backward(self, dy):
        """dv = weights^T dy; what reaches the weights, dy v^T, passes softmax as dscores, and dq = scale dscores k."""
        dq = dk = dv = dmask = None
        q_shape, k_shape, v_shape, *mask_shape = self.shapes
        dy = contiguous(dy)
        if self.needs[2]:
            dv = unbroadcast(batched(self.dropped.swapaxes(-1, -2), dy), v_shape)
        if any(self.needs[:2]) or any(self.needs[3:4]):
            # The sum: v may have leading axes that q and k have not.
            dweights = unbroadcast(batched(dy, self.v.swapaxes(-1, -2)), self.weights.shape)
            if self.dropout is not None:
                (dweights,) = self.dropout.backward(dweights)
            dscores = kernels.softmax_backward(rows_of(contiguous(dweights)), rows_of(self.weights))
            dscores = dscores.reshape(self.weights.shape)
            if self.needs[0]:
                dq = unbroadcast(batched(dscores, self.k) * self.scale, q_shape)
            if self.needs[1]:
                dk = unbroadcast(batched(dscores.swapaxes(-1, -2), self.q), k_shape)
            if mask_shape and self.needs[3]:
                dmask = unbroadcast(dscores, mask_shape[0])
        return (dq, dk, dv, dmask)[: len(self.shapes)]


class FusedAttention(Op):
    """`Attention` that never has all weights in memory, for heads that do not broadcast and a mask without gradient."""

    saved_inputs = (0, 1, 2)
    saved_outputs = (0,)

    @staticmethod
    def covers(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> bool:
        """Whether the shapes are ones that `forward` takes."""
        return (
            q.dtype == k.dtype == v.dtype
            and min(q.ndim, k.ndim, v.ndim) >= 2
            and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
            and q.shape[-1] == k.shape[-1]
            and k.shape[-2] == v.shape[-2]
        )

    def forward(self, q, k, v, scale=1.0, mask=None, causal=False, p=0.0, seed=None):
        """Attend: q (..., L, E), k (..., S, E), v (..., S, D), mask broadcasting to (..., L, S) -> y (..., L, D).

        With `causal` query i sees keys 0 .. i. A query whose keys are all masked with -inf gets zeros. The weights that
        `Dropout` would drop with probability p < 1 are dropped; without a seed one is drawn. Raises
        `ShapeError` when `covers` says no or the mask does not fit, and `DtypeError`.
        """
        for name, x in (("key", k), ("value", v)):
            check_dtypes(_NAME, q, x, ("query", name))
        if not self.covers(q, k, v):
            raise ShapeError(
                f"{_NAME}: query has shape {q.shape}, key {k.shape} and value {v.shape}, "
                "expected (..., L, E), (..., S, E) and (..., S, D) with the same leading dimensions"
            )
        mask, causal = _mask_of_heads(mask, causal, (*q.shape[:-1], k.shape[-2]), q.dtype)
        self.shapes, self.settings = (q.shape, k.shape, v.shape), (float(scale), causal, *_dropout(p, seed))
        self.inputs = *[_heads_together(x) for x in (q, k, v)], mask
        self.y, *self.found = kernels.attention_forward(*self.inputs, *self.settings)
        return self.y.reshape(*q.shape[:-1], v.shape[-1])

    def backward(self, dy):
        """See `attention_backward`: the weights are found anew."""
        dy = _heads_together(dy)
        gradients = kernels.attention_backward(dy, *self.inputs, self.y, *self.found, *self.settings)
        return tuple([d.reshape(shape) for d, shape in zip(gradients, self.shapes, strict=True)])

    def own_outputs(self) -> bool:
        """Copy y."""
        self.y = self.y.copy()
        return True


class SelfAttention(Op):
    """`FusedAttention` of queries, keys and values that one product made, side by side, and so are the results."""

    saved_inputs = (0,)
    saved_outputs = (0,)

    def forward(self, x, heads, scale=1.0, mask=None, causal=False, p=0.0, seed=None, batch_first=False):
        """Attend: x (T, B, 3 * E), or (B, T, 3 * E) if batch_first, -> y (T, B, E) or (B, T, E), for `heads` heads.

        `heads` divides E; mask, `causal`, p and seed are those of `FusedAttention`, for scores (B, heads, T, T). Raises
        `ShapeError` or `DtypeError`.
        """
        check_float(_NAME, "input", x)
        if x.ndim != 3 or heads < 1 or x.shape[2] % (3 * heads):
            raise ShapeError(f"{_NAME}: input has shape {x.shape}, expected (.., .., 3 * {heads} * size of a head)")
        B, T = x.shape[:2] if batch_first else x.shape[1::-1]
        self.mask, causal = _mask_of_heads(mask, causal, (B, heads, T, T), x.dtype)
        self.settings, E = (float(scale), causal, *_dropout(p, seed), batch_first), x.shape[2] // 3
        self.x = contiguous(x).reshape(*x.shape[:2], 3, heads, E // heads)
        self.y, *self.found = kernels.self_attention_forward(self.x, self.mask, *self.settings)
        return self.y.reshape(*x.shape[:2], E)

    def backward(self, dy):
        """See `attention_backward`: the weights are found anew."""
        dy = contiguous(dy).reshape(self.y.shape)
        dx = kernels.self_attention_backward(dy, self.x, self.mask, self.y, *self.found, *self.settings)
        return (dx.reshape(*dx.shape[:2], math.prod(dx.shape[2:])),)

    def own_outputs(self) -> bool:
        """Copy y."""
        self.y = self.y.copy()
        return True


def _dropout(p: float, seed: int | None) -> tuple[float, int]:
    """Return the probability and the seed of a dropout; none is drawn where nothing is dropped."""
    if not 0 <= p < 1:
        raise ArgumentError(f"{_NAME}: p={p}, expected a probability from 0 to less than 1")
    return float(p), (default_generator.draw_seed() if p and seed is None else int(seed or 0))


def _heads_together(x: np.ndarray) -> np.ndarray:
    """Return (..., L, E) as (N, L, E) in C order."""
    return contiguous(x).reshape(math.prod(x.shape[:-2]), *x.shape[-2:])


def _mask_of_heads(
    mask: np.ndarray | None, causal: bool, shape: tuple[int, ...], dtype: np.dtype
) -> tuple[np.ndarray, bool]:
    """Return a mask for scores of `shape` (..., L, S) as the kernels take it, and whether it is causal instead.

    That is (B, H, L, S), where H is the last of the leading dimensions and B are all before it, with 1 for each of B, H
    and L that share it; (0, 0, 0, 0) for none. It is a copy, as the caller may go on with the mask.
    """
    if mask is None:
        return np.zeros((0, 0, 0, 0), dtype), causal
    check_float(_NAME, "attn_mask", mask)
    try:
        np.broadcast_to(mask, shape)
    except ValueError:
        raise cannot_broadcast(f"{_NAME} (attn_mask)", shape, mask.shape) from None
    *before, H, L, _ = (1,) * (max(len(shape), 3) - mask.ndim) + mask.shape
    batch = shape[:-3] if math.prod(before) != 1 else (1,) * len(before)
    mask = np.array(np.broadcast_to(mask, (*batch, H, L, shape[-1])), dtype, order="C")
    mask = mask.reshape(math.prod(batch), H, L, shape[-1])
    return (np.zeros((0, 0, 0, 0), dtype), True) if not causal and _is_causal(mask, shape) else (mask, causal)


def _is_causal(mask: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether a mask (B, H, L, S) hides just what follows a query: `causal` does the same in half the time."""
    if mask.shape != (1, 1, *shape[-2:]) or min(shape[-2:]) < 2:
        return False
    only = mask[0, 0]
    if only[0, -1] != -np.inf or only[-1, 0] != 0:  # most masks that are not causal show it there
        return False
    seen = np.tri(*only.shape, dtype=np.bool_)
    return bool((only == np.where(seen, only.dtype.type(0), only.dtype.type(-np.inf))).all())


def _clear_rows_without_keys(weights: np.ndarray, scores: np.ndarray) -> None:
    """Put zeros where all scores of a row are -inf: their softmax is nan."""
    if weights.size and np.isnan(weights[..., 0]).any():  # a row is nan everywhere or nowhere
        weights[(scores == -np.inf).all(axis=-1)] = 0


class Heads(Op):
    """Several vectors for each of several heads, laid side by side, one array for each of the vectors.

    Query, key and value of all heads come from one product; attention wants each of them by itself, heads in front.
    """

    stateless = True

    def forward(self, x, parts, heads, batch_first=False):
        """x (L, B, parts * heads * D), or (B, L, ...) if batch_first -> `parts` arrays (B, heads, L, D), contiguous."""
        self.shape, self.batch_first = x.shape, batch_first
        x = x.reshape(*x.shape[:2], parts, heads, x.shape[2] // (parts * heads))
        return tuple([part.copy() for part in x.transpose((2, 0, 3, 1, 4) if batch_first else (2, 1, 3, 0, 4))])

    def backward(self, *dy):
        """Put the gradients side by side again."""
        given = next(d for d in dy if d is not None)
        B, heads, L, D = given.shape
        dx = memory.empty((*self.shape[:2], len(dy), heads, D), given.dtype)
        for part, d in zip(dx.transpose((2, 0, 3, 1, 4) if self.batch_first else (2, 1, 3, 0, 4)), dy, strict=True):
            part[...] = 0 if d is None else d
        return (dx.reshape(self.shape),)

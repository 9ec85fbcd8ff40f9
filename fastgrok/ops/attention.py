"""Scaled dot-product attention, and the heads it works on."""

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ShapeError
from .base import Op, cannot_broadcast, contiguous, rows_of, unbroadcast
from .dropout import Dropout
from .matmul import batched, check_dtypes


class Attention(Op):
    """softmax(scale * q k^T + mask) v: each query gets the mean of the values, weighted by how well their keys fit.

    Source: Vaswani et al., "Attention is all you need" (2017), section 3.2.1. One op, so that the weights, the largest
    arrays of a transformer, are kept once and passed over as rarely as can be.
    """

    saved_inputs = (1, 2)

    def forward(self, q, k, v, mask=None, scale=1.0, p=0.0, seed=None):
        """Attend: q (..., L, E), k (..., S, E), v (..., S, D), mask (..., L, S) or absent -> y (..., L, D).

        Leading axes broadcast; those of the mask may not exceed the others'. A query whose keys are all masked with
        -inf gets zeros. Weights are dropped with probability p. Raises `ShapeError` or `DtypeError`.
        """
        for name, x in (("key", k), ("value", v), ("attn_mask", mask)):
            if x is not None:
                check_dtypes("scaled_dot_product_attention", q, x, ("query", name))
        if min(q.ndim, k.ndim, v.ndim) < 2 or q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
            raise ShapeError(
                f"scaled_dot_product_attention: query has shape {q.shape}, key {k.shape} and value {v.shape}, "
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
                raise cannot_broadcast("scaled_dot_product_attention (attn_mask)", scores.shape, mask.shape) from None
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
        dx = np.zeros((*self.shape[:2], len(dy), heads, D), given.dtype)
        for part, d in zip(dx.transpose((2, 0, 3, 1, 4) if self.batch_first else (2, 1, 3, 0, 4)), dy, strict=True):
            if d is not None:
                part[...] = d
        return (dx.reshape(self.shape),)

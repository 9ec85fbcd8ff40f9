"""Attention of heads that lie one after another, and side by side."""

import math

import numpy as np

from ..reference.attention import attention_forward, self_attention_forward
from .case import Case, Kernel, bound, named, normal

# N x L x S x E x D: nothing, single elements, sizes that fill no panel, more than a strip, keys in several blocks.
_HEADS = ((0, 3, 4, 2, 2), (2, 0, 3, 2, 2), (2, 3, 0, 2, 2), (1, 1, 1, 1, 1), (2, 4, 5, 3, 7), (3, 40, 33, 5, 4))
_HEADS += ((1, 70, 300, 8, 33), (17, 37, 70, 4, 3), (1, 12, 1100, 2, 3))
_HEADS_BENCH = (8, 256, 256, 64, 64)
_MASKS = {"": None, "-rows": (1, True), "-keys": (None, False), "-all": (None, True)}
"""Of a mask: one for all heads or one each, and whether it has rows or is the same for all queries."""


def _heads(mask, causal, p):
    def make(rng, dtype, N, L, S, E, D):
        q, k, v = (normal(rng, dtype, *shape) for shape in ((N, L, E), (N, S, E), (N, S, D)))
        added = np.zeros((0, 0, 0), dtype)
        if mask is not None:
            added = normal(rng, dtype, mask[0] or N, L if mask[1] else 1, S)
            added[rng.random(added.shape) < 0.3] = -np.inf
            added[:, -1:] = -np.inf  # a query without any key
        return q, k, v, added, 0.6, causal, p, 12345

    return make


def _heads_backward(*flags):
    def make(rng, dtype, *size):
        q, k, v, *settings = _heads(*flags)(rng, np.float64, *size)
        y, logsumexp = attention_forward(q, k, v, *settings)
        arrays = [rng.standard_normal(y.shape), q, k, v, settings[0], y, logsumexp]
        return *[a.astype(dtype) for a in arrays], *settings[1:]

    return make


def _heads_cases(make):
    for size in _HEADS:
        for name, mask in _MASKS.items():
            for causal in (False, True):
                id = f"{named(size)}{name}{'-causal' * causal}"
                yield Case(id, bound(make(mask, causal, 0.0), size), large=math.prod(size) > 3000)
        yield Case(f"{named(size)}-dropout", bound(make((None, True), causal, 0.3), size), large=math.prod(size) > 3000)
    yield Case(f"bench-{named(_HEADS_BENCH)}-causal", bound(make(None, True, 0.0), _HEADS_BENCH), bench=True)


# B x T x H x D
_SELF = ((0, 3, 2, 2), (2, 0, 2, 2), (1, 1, 1, 1), (2, 5, 3, 4), (3, 40, 2, 5), (1, 270, 2, 33))
_SELF_FLAGS = (
    ("causal", None, True, 0.0, True),
    ("mask", (None, True), False, 0.0, True),
    ("time", (1, True), False, 0.0, False),
    ("time-dropout", None, True, 0.4, False),
)
_SELF_BENCH = (32, 64, 4, 32)


def _self(mask, causal, p, batch_first):
    def make(rng, dtype, B, T, H, D):
        x = normal(rng, dtype, *((B, T) if batch_first else (T, B)), 3, H, D)
        return x, *_heads(mask, causal, p)(rng, dtype, B * H, T, T, D, D)[3:], batch_first

    return make


def _self_backward(*flags):
    def make(rng, dtype, *size):
        x, mask, *settings = _self(*flags)(rng, np.float64, *size)
        y, logsumexp = self_attention_forward(x, mask, *settings)
        return *[a.astype(dtype) for a in (rng.standard_normal(y.shape), x, mask, y, logsumexp)], *settings

    return make


def _self_cases(make):
    for size in _SELF:
        for name, *flags in _SELF_FLAGS:
            yield Case(f"{named(size)}-{name}", bound(make(*flags), size), large=math.prod(size) > 3000)
    yield Case(f"bench-{named(_SELF_BENCH)}-causal", bound(make(None, True, 0.0, True), _SELF_BENCH), bench=True)


KERNELS = (
    Kernel("attention_forward", "attention", (*_heads_cases(_heads),)),
    Kernel("attention_backward", "attention", (*_heads_cases(_heads_backward),), rtol32=1e-5),
    Kernel("self_attention_forward", "attention", (*_self_cases(_self),)),
    Kernel("self_attention_backward", "attention", (*_self_cases(_self_backward),), rtol32=1e-5),
)

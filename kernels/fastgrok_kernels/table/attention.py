"""Attention of heads that lie one after another, and side by side."""

import math

import numpy as np

from ..reference.attention import attention_forward, self_attention_forward
from .case import Case, Kernel, bound, named, normal

# N x L x S x E x D: nothing, two keys (with one, gradients cancel out), sizes that fill no panel, more than a strip,
# keys in several blocks.
_HEADS = ((0, 3, 4, 2, 2), (2, 0, 3, 2, 2), (2, 3, 0, 2, 2), (2, 3, 4, 0, 2), (2, 3, 4, 2, 0), (1, 1, 2, 1, 1))
_HEADS += ((4, 4, 5, 3, 7), (6, 40, 33, 5, 4), (1, 70, 300, 8, 33), (17, 37, 70, 4, 3), (1, 12, 1100, 2, 3))
_HEADS_BENCH = (8, 256, 256, 64, 64)
# Whether sequences, heads and queries have masks of their own, and the settings `causal` and `p`.
_MASKS = {
    "": (None, False, 0.0),
    "-causal": (None, True, 0.0),
    "-shared": ((False, False, True), False, 0.0),
    "-keys": ((True, False, False), False, 0.0),
    "-keys-causal": ((True, False, False), True, 0.0),
    "-heads": ((False, True, True), False, 0.0),
    "-all": ((True, True, True), True, 0.0),
    "-dropout": (None, False, 0.3),
    "-dropout-all": ((True, True, True), True, 0.3),
}


def _heads(mask, causal, p):
    def make(rng, dtype, N, L, S, E, D):
        q, k, v = (normal(rng, dtype, *shape) for shape in ((N, L, E), (N, S, E), (N, S, D)))
        B = 2 if N and N % 2 == 0 else 1
        return q, k, v, _mask(rng, dtype, mask, B, N // B, L, S), 0.6, causal, p, 12345

    return make


def _mask(rng, dtype, own, B, H, L, S):
    """Numbers, and -inf; where queries have masks of their own, the last one sees no key."""
    if own is None:
        return np.zeros((0, 0, 0, 0), dtype)
    mask = normal(rng, dtype, *[size if some else 1 for size, some in zip((B, H, L), own, strict=True)], S)
    mask[rng.random(mask.shape) < 0.3] = -np.inf
    if own[2]:
        mask[:, :, -1:] = -np.inf
    return mask


def _heads_backward(*flags):
    def make(rng, dtype, *size):
        q, k, v, *settings = _heads(*flags)(rng, np.float64, *size)
        results = attention_forward(q, k, v, *settings)
        arrays = [rng.standard_normal(results[0].shape), q, k, v, settings[0], *results]
        return *[a.astype(dtype) for a in arrays], *settings[1:]

    return make


def _far(rng, dtype):
    """A mask that hides keys by a large number, where it hides all of them: the weights are equal."""
    q, v = np.zeros((1, 3, 2), dtype), normal(rng, dtype, 1, 4, 2)
    return q, np.zeros((1, 4, 2), dtype), v, np.full((1, 1, 3, 4), -1e9, dtype), 1.0, False, 0.0, 0


def _far_backward(rng, dtype):
    q, k, v, *settings = _far(rng, dtype)
    return normal(rng, dtype, 1, 3, 2), q, k, v, settings[0], *attention_forward(q, k, v, *settings), *settings[1:]


def _heads_cases(make, far):
    for size in _HEADS:
        for name, flags in _MASKS.items():
            yield Case(f"{named(size)}{name}", bound(make(*flags), size), large=math.prod(size) > 3000)
    yield Case("far", far)
    yield Case(f"bench-{named(_HEADS_BENCH)}-causal", bound(make(None, True, 0.0), _HEADS_BENCH), bench=True)


# B x T x H x D
_SELF = ((0, 3, 2, 2), (2, 0, 2, 2), (1, 1, 1, 1), (2, 5, 3, 4), (3, 40, 2, 5), (1, 270, 2, 33))
_SELF_FLAGS = (
    ("causal", None, True, 0.0, True),
    ("mask", (True, True, True), False, 0.0, True),
    ("time-heads", (False, True, True), False, 0.0, False),
    ("time-keys", (True, False, False), True, 0.0, False),
    ("time-dropout", None, True, 0.4, False),
)
_SELF_BENCH = (32, 64, 4, 32)


def _self(mask, causal, p, batch_first):
    def make(rng, dtype, B, T, H, D):
        x = normal(rng, dtype, *((B, T) if batch_first else (T, B)), 3, H, D)
        return x, _mask(rng, dtype, mask, B, H, T, T), 0.6, causal, p, 12345, batch_first

    return make


def _self_backward(*flags):
    def make(rng, dtype, *size):
        x, mask, *settings = _self(*flags)(rng, np.float64, *size)
        y, *found = self_attention_forward(x, mask, *settings)
        return *[a.astype(dtype) for a in (rng.standard_normal(y.shape), x, mask, y, *found)], *settings

    return make


def _self_cases(make):
    for size in _SELF:
        for name, *flags in _SELF_FLAGS:
            yield Case(f"{named(size)}-{name}", bound(make(*flags), size), large=math.prod(size) > 3000)
    yield Case(f"bench-{named(_SELF_BENCH)}-causal", bound(make(None, True, 0.0, True), _SELF_BENCH), bench=True)


KERNELS = (
    # Two products with exponentials between them: 2.1e-6 with four lanes, where multiply-adds are not fused.
    Kernel("attention_forward", "attention", (*_heads_cases(_heads, _far),), rtol32=4e-6),
    Kernel("attention_backward", "attention", (*_heads_cases(_heads_backward, _far_backward),), rtol32=1e-5),
    Kernel("self_attention_forward", "attention", (*_self_cases(_self),), rtol32=4e-6),
    Kernel("self_attention_backward", "attention", (*_self_cases(_self_backward),), rtol32=1e-5),
)

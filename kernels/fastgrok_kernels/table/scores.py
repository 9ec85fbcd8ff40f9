"""Softmax, losses of classes and attention: cases of rows of scores."""

import math

import numpy as np

from ..reference.attention import attention_forward
from .case import Case, Kernel, bound, named, normal, sized

# Rows x vocabulary. 300 x 65 is cut into several blocks of rows, 3 x 10007 into one row each. From one vector to
# 128, 256 or 512 columns, depending on its lanes, rows go together: of 33, one is left alone.
_ROWS = (
    *((0, 5), (1, 1), (3, 0), (1, 17), (7, 16), (5, 65), (300, 65), (3, 10007)),
    *((33, 7), (33, 31), (16, 128), (5, 129), (16, 256), (7, 512), (5, 513)),
)
_ROWS_BENCH = (2048, 65)


def _scores(rng, dtype, N, V):
    return (normal(rng, dtype, N, V, scale=4.0),)


def _probabilities(rng, dtype, N, V):
    e = np.exp(normal(rng, np.float64, N, V, scale=2.0))
    return normal(rng, dtype, N, V), (e / e.sum(axis=1, keepdims=True)).astype(dtype)


def _log_probabilities(rng, dtype, N, V):
    dy, y = _probabilities(rng, np.float64, N, V)
    return dy.astype(dtype), np.log(y).astype(dtype)


def _targets(rng, N, V):
    """Classes, with every fifth row ignored."""
    return np.where(np.arange(N) % 5 == 4, -100, rng.integers(0, max(V, 1), N))


def _classified(rng, dtype, N, V):
    return normal(rng, dtype, N, V, scale=4.0), _targets(rng, N, V)


def _classified_backward(rng, dtype, N, V):
    logits = normal(rng, dtype, N, V, scale=4.0)
    logsumexp = np.log(np.exp(logits.astype(np.float64)).sum(axis=1)).astype(dtype)
    return normal(rng, dtype, N), logits, logsumexp, _targets(rng, N, V)


def _classified_at_once(rng, dtype, N, V):
    return *_classified(rng, dtype, N, V), 1 / max(N, 1)


_CLASSES = tuple(size for size in _ROWS if size != (3, 0))  # without classes there is no target
_HUGE = ((1e4, 0, -1e4), (-1e4, -1e4, -1e4), (3e4, 3e4, 0))
_EXTREME = [Case(f"huge {n}", lambda rng, dtype, n=n: (np.tile(np.array(_HUGE, dtype), n),)) for n in (1, 11)]

# N x L x S x E x D: nothing, single elements, sizes that fill no panel, more than a strip, keys in several blocks.
_HEADS = ((0, 3, 4, 2, 2), (2, 0, 3, 2, 2), (2, 3, 0, 2, 2), (1, 1, 1, 1, 1), (2, 4, 5, 3, 7), (3, 40, 33, 5, 4))
_HEADS += ((1, 70, 300, 8, 33), (17, 37, 70, 4, 3), (1, 12, 1100, 2, 3))
_HEADS_BENCH = (8, 256, 256, 64, 64)
_MASKS = {"": None, "-rows": (1, True), "-keys": (None, False), "-all": (None, True)}
"""Of a mask: one for all heads or one each, and whether it has rows or is the same for all queries."""


def _heads(mask, causal):
    def make(rng, dtype, N, L, S, E, D):
        q, k, v = (normal(rng, dtype, *shape) for shape in ((N, L, E), (N, S, E), (N, S, D)))
        added = np.zeros((0, 0, 0), dtype)
        if mask is not None:
            added = normal(rng, dtype, mask[0] or N, L if mask[1] else 1, S)
            added[rng.random(added.shape) < 0.3] = -np.inf
            added[:, -1:] = -np.inf  # a query without any key
        return q, k, v, added, 0.6, causal

    return make


def _heads_backward(mask, causal):
    def make(rng, dtype, *size):
        q, k, v, *settings = _heads(mask, causal)(rng, np.float64, *size)
        y, logsumexp = attention_forward(q, k, v, *settings)
        arrays = [rng.standard_normal(y.shape), q, k, v, settings[0], y, logsumexp]
        return *[a.astype(dtype) for a in arrays], *settings[1:]

    return make


def _heads_cases(make):
    for size in _HEADS:
        for name, mask in _MASKS.items():
            for causal in (False, True):
                id = f"{named(size)}{name}{'-causal' * causal}"
                yield Case(id, bound(make(mask, causal), size), large=math.prod(size) > 3000)
    yield Case(f"bench-{named(_HEADS_BENCH)}-causal", bound(make(None, True), _HEADS_BENCH), bench=True)


KERNELS = (
    Kernel("softmax_forward", "softmax", (*sized(_scores, _ROWS, _ROWS_BENCH), *_EXTREME)),
    Kernel("softmax_backward", "softmax", sized(_probabilities, _ROWS, _ROWS_BENCH)),
    Kernel("log_softmax_forward", "softmax", (*sized(_scores, _ROWS, _ROWS_BENCH), *_EXTREME)),
    Kernel("log_softmax_backward", "softmax", sized(_log_probabilities, _ROWS, _ROWS_BENCH), rtol32=1e-5),
    Kernel("attention_forward", "attention", (*_heads_cases(_heads),)),
    Kernel("attention_backward", "attention", (*_heads_cases(_heads_backward),), rtol32=1e-5),
    Kernel("cross_entropy_forward", "cross_entropy", sized(_classified, _CLASSES, _ROWS_BENCH)),
    Kernel("cross_entropy_backward", "cross_entropy", sized(_classified_backward, _CLASSES, _ROWS_BENCH), rtol32=5e-6),
    Kernel(
        "cross_entropy_with_gradient", "cross_entropy", sized(_classified_at_once, _CLASSES, _ROWS_BENCH), rtol32=5e-6
    ),
)

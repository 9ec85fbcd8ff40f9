"""Scaled dot-product attention: the weights of a few queries at a time, in the cache, and never all of them in memory.

All heads of all sequences lie one after another, N of them. A task takes a head and works on strips of its queries:
their scores against all keys they may see are one product, softmax turns them into weights, and those times the values
are the result. The backward pass finds the weights anew from the scores and the logarithms of their sums, which costs
a product and saves memory that grows with the square of the length: Dao, "FlashAttention-2" (2023), section 3. Unlike
there a strip sees whole rows of scores in the forward pass: they fit into the cache of a core, where they would not
into that of a graphics processor, and sums need no correction then.

Keys that follow a query, with `causal`, are not even multiplied where a whole strip does not see them.
"""

import numpy as np

from . import jit, memory
from .packing import pack_panel, pack_panel_transposed
from .scalar import exp_below_one
from .simd import panel_product, panel_width
from .softmax import log_of, softmax_block

__all__ = ["attention_backward", "attention_forward"]

QUERIES = 32
"""Queries of a strip: fewer waste less on what is hidden by `causal`, more read keys and values less often."""
SCORES = 1 << 15
"""Scores of a strip in the forward pass, about: 128 KB of float32. Of long sequences strips are lower."""
KEYS = 256
"""Keys that a strip of the backward pass sees at a time."""
TASKS = 16
"""Tasks to aim at: where there are fewer heads, each is cut into parts, so that all cores have work."""


def attention_forward(q, k, v, mask, scale, causal):
    """y[n] = softmax(scale q[n] k[n]^T + mask) v[n] for every head n; with `causal` query i sees keys 0 .. i only.

    `q` (N, L, E), `k` (N, S, E), `v` (N, S, D): float32 or float64. `mask` (1 or N, 1 or L, S), or (0, 0, 0) for none,
    and the number `scale`. Returns `y` (N, L, D) and `logsumexp` (N, L) of the scores. Where a mask hides all keys from
    a query, its y is 0. Source: Vaswani et al., "Attention is all you need" (2017), section 3.2.1.
    """
    (N, L, _), (_, S, D) = q.shape, v.shape
    y, logsumexp = memory.empty((N, L, D), q.dtype), np.zeros((N, L), q.dtype)
    if S == 0:
        y[...] = 0
    elif y.size:
        rows = min(QUERIES, max(8, SCORES // S // 8 * 8))
        sizes = (*_sizes(q, v, mask, rows), rows)
        _forward(*_flat(q, k, v, mask), y.reshape(-1), logsumexp.reshape(-1), q.dtype.type(scale), causal, sizes)
    return y, logsumexp


def attention_backward(dy, q, k, v, mask, y, logsumexp, scale, causal):
    """The gradients of `attention_forward`, from that of `y`, what it got and what it returned.

    For weights p = e^(scores - logsumexp): dv = p^T dy, ds = p (dy v^T - sum_d dy y), dq = scale ds k,
    dk = scale ds^T q.

    `dy` (N, L, D), `y` (N, L, D), `logsumexp` (N, L), the rest as in `attention_forward`. Returns `dq` (N, L, E), `dk`
    (N, S, E) and `dv` (N, S, D).
    """
    (N, L, E), (_, S, D) = q.shape, v.shape
    sizes = _sizes(q, v, mask, QUERIES)
    parts = sizes[6]
    dq, dk, dv = (memory.empty(shape, q.dtype) for shape in ((N, L, E), (parts, N, S, E), (parts, N, S, D)))
    for d in (dq, dk, dv):
        if not (N * L * S):
            d[...] = 0
    if N * L * S:
        _backward(dy.reshape(-1), *_flat(q, k, v, mask), y.reshape(-1), logsumexp.reshape(-1),
                  *_flat(dq, dk, dv), q.dtype.type(scale), causal, sizes)  # fmt: skip
    return dq, *[d[0] if parts == 1 else d.sum(axis=0) for d in (dk, dv)]


def _sizes(q, v, mask, rows):
    (N, L, E), (_, S, D) = q.shape, v.shape
    parts = max(1, min(-(-TASKS // max(N, 1)), L // rows))
    mask_row = S if mask.ndim == 3 and mask.shape[1] > 1 else 0
    mask_head = mask.shape[1] * S if len(mask) > 1 else 0
    return N, L, S, E, D, panel_width(q.dtype), parts, mask_head, mask_row


def _flat(*arrays):
    return [a.reshape(-1) for a in arrays]


# ---------------------------------------------------------------------------------------------------- parts of both


@jit.serial
def _pack(source, s0, rows, columns, panels, NR):
    """panels[p, r, j] = source[s0 + r * columns + p * NR + j], for products that sum over these rows."""
    for p in range((columns + NR - 1) // NR):
        some = min(NR, columns - p * NR)
        pack_panel(source, s0 + p * NR, columns, some, rows, panels, p * rows * NR, NR, NR)


@jit.serial
def _pack_transposed(source, s0, rows, columns, panels, NR):
    """panels[p, c, j] = source[s0 + (p * NR + j) * columns + c], for products that sum over these columns."""
    for p in range((rows + NR - 1) // NR):
        some = min(NR, rows - p * NR)
        pack_panel_transposed(source, s0 + p * NR * columns, columns, some, columns, panels, p * columns * NR, NR, NR)


@jit.serial
def _product(a, a_row, a_k, panels, p0, size, c, c0, rows, depth, columns, row, accumulate, NR):
    """c[rows, columns] (+)= a[rows, depth] @ the panels from p0 on, `size` numbers apart; rows of c are `row` apart."""
    for p in range((columns + NR - 1) // NR):
        panel_product(a, 0, a_row, a_k, 0, panels, p0 + p * size, NR, c, c0 + p * NR, row,
                      rows, 1, depth, min(NR, columns - p * NR), accumulate)  # fmt: skip


@jit.serial
def _scaled(x, x0, size, scale, y):
    for i in range(size):
        y[i] = scale * x[x0 + i]


@jit.serial
def _scale(x, scale):
    for i in range(x.size):
        x[i] *= scale


@jit.serial
def _hide(scores, rows, wide, query, key, S, mask, m0, m_row, causal):
    """Add the mask to scores [rows, wide] of the queries and keys that begin with these; -inf where there is no key."""
    for r in range(rows):
        seen = min(wide, S - key)
        if causal:
            seen = max(0, min(seen, query + r + 1 - key))
        if mask.size:
            at = m0 + (query + r) * m_row + key
            for j in range(seen):
                scores[r * wide + j] += mask[at + j]
        for j in range(seen, wide):
            scores[r * wide + j] = -np.inf


# ---------------------------------------------------------------------------------------------------- forward


@jit.serial
def _nothing(scores):
    """Whether all keys are hidden. The maximum alone does not tell: beside nan it is -inf as well."""
    for i in range(scores.size):
        if scores[i] != -np.inf:
            return False
    return True


@jit.serial
def _forward_part(q, k, v, mask, y, logsumexp, scale, causal, n, part, sizes):
    """Every `parts`-th strip of head n: with `causal` late ones are longer, so that all parts get of both kinds."""
    N, L, S, E, D, NR, parts, mask_head, mask_row, height = sizes
    padded, one = (S + NR - 1) // NR * NR, q.dtype.type(1)
    keys, values = np.empty(padded * E, q.dtype), np.empty((D + NR - 1) // NR * NR * S, q.dtype)
    _pack_transposed(k, n * S * E, S, E, keys, NR)
    _pack(v, n * S * D, S, D, values, NR)
    strip, maxima, sums = np.empty(height * E, q.dtype), np.empty(height, q.dtype), np.empty(height, q.dtype)
    scores, weights = np.empty(height * padded, q.dtype), np.empty(height * padded, q.dtype)
    for i in range(part * height, L, parts * height):
        rows = min(height, L - i)
        width = min(S, i + rows) if causal else S
        wide = (width + NR - 1) // NR * NR
        _scaled(q, (n * L + i) * E, rows * E, scale, strip)
        _product(strip, E, 1, keys, 0, E * NR, scores, 0, rows, E, wide, wide, False, NR)
        _hide(scores, rows, wide, i, 0, S, mask, n * mask_head, mask_row, causal)
        shown, shares = scores[: rows * wide].reshape(rows, wide), weights[: rows * wide].reshape(rows, wide)
        softmax_block(shown, 0, rows, one, shares, maxima, sums)
        for r in range(rows):
            if mask.size and maxima[r] == -np.inf and _nothing(shown[r]):
                shares[r] = 0
                maxima[r], sums[r] = 0, 1
        log_of(sums[:rows])
        for r in range(rows):
            logsumexp[n * L + i + r] = maxima[r] + sums[r]
        _product(weights, wide, 1, values, 0, S * NR, y, (n * L + i) * D, rows, width, D, D, False, NR)


def _forward_work(q, k, v, mask, y, logsumexp, scale, causal, sizes):
    N, L, S, E, D = sizes[:5]
    return N * L * S * ((E + D) / 40 + 1)


@jit.parallel(work=_forward_work)
def _forward(q, k, v, mask, y, logsumexp, scale, causal, sizes):
    N, parts = sizes[0], sizes[6]
    for task in jit.prange(N * parts):
        n, part = np.int64(task) // parts, np.int64(task) % parts
        _forward_part(q, k, v, mask, y, logsumexp, scale, causal, n, part, sizes)


# ---------------------------------------------------------------------------------------------------- backward


@jit.serial
def _weights(scores, logsumexp):
    for i in range(scores.size):
        scores[i] = exp_below_one(scores[i] - logsumexp)


@jit.serial
def _dscores(dweights, weights, mean):
    for i in range(weights.size):
        dweights[i] = weights[i] * (dweights[i] - mean)


@jit.serial(reassociate=True)
def _dot(a, b):
    total = a.dtype.type(0)
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@jit.serial
def _backward_part(dy, q, k, v, mask, y, logsumexp, dq, dk, dv, scale, causal, n, part, sizes):
    N, L, S, E, D, NR, parts, mask_head, mask_row = sizes
    padded, E_padded, D_padded = (S + NR - 1) // NR * NR, (E + NR - 1) // NR * NR, (D + NR - 1) // NR * NR
    keys, keys_transposed = np.empty(S * E_padded, q.dtype), np.empty(padded * E, q.dtype)
    values_transposed = np.empty(padded * D, q.dtype)
    _pack(k, n * S * E, S, E, keys, NR)
    _pack_transposed(k, n * S * E, S, E, keys_transposed, NR)
    _pack_transposed(v, n * S * D, S, D, values_transposed, NR)
    dk0, dv0 = (part * N + n) * S * E, (part * N + n) * S * D
    dk[dk0 : dk0 + S * E] = 0
    dv[dv0 : dv0 + S * D] = 0
    strip, queries = np.empty(QUERIES * E, q.dtype), np.empty(QUERIES * E_padded, q.dtype)
    dstrip, dresults = np.empty(QUERIES * D, q.dtype), np.empty(QUERIES * D_padded, q.dtype)
    weights, dscores = np.empty(QUERIES * KEYS, q.dtype), np.empty(QUERIES * KEYS, q.dtype)
    means = np.empty(QUERIES, q.dtype)
    for i in range(part * QUERIES, L, parts * QUERIES):
        rows, at = min(QUERIES, L - i), n * L + i
        _scaled(q, at * E, rows * E, scale, strip)
        _pack(strip, 0, rows, E, queries, NR)
        dstrip[: rows * D] = dy[at * D : (at + rows) * D]
        _pack(dstrip, 0, rows, D, dresults, NR)
        for r in range(rows):
            means[r] = _dot(dstrip[r * D : r * D + D], y[(at + r) * D : (at + r + 1) * D])
        end = min(S, i + rows) if causal else S
        for j in range(0, end, KEYS):
            width = min(KEYS, end - j)
            wide = (width + NR - 1) // NR * NR
            _product(strip, E, 1, keys_transposed, j * E, E * NR, weights, 0, rows, E, wide, wide, False, NR)
            _hide(weights, rows, wide, i, j, S, mask, n * mask_head, mask_row, causal)
            for r in range(rows):
                _weights(weights[r * wide : r * wide + wide], logsumexp[at + r])
            _product(weights, 1, wide, dresults, 0, rows * NR, dv, dv0 + j * D, width, rows, D, D, True, NR)
            _product(dstrip, D, 1, values_transposed, j * D, D * NR, dscores, 0, rows, D, wide, wide, False, NR)
            for r in range(rows):
                _dscores(dscores[r * wide : r * wide + wide], weights[r * wide : r * wide + wide], means[r])
            _product(dscores, 1, wide, queries, 0, rows * NR, dk, dk0 + j * E, width, rows, E, E, True, NR)
            _product(dscores, wide, 1, keys, j * NR, S * NR, dq, at * E, rows, width, E, E, j > 0, NR)
        _scale(dq[at * E : (at + rows) * E], scale)


def _backward_work(dy, q, k, v, mask, y, logsumexp, dq, dk, dv, scale, causal, sizes):
    N, L, S, E, D = sizes[:5]
    return N * L * S * ((3 * E + 2 * D) / 40 + 1)


@jit.parallel(work=_backward_work)
def _backward(dy, q, k, v, mask, y, logsumexp, dq, dk, dv, scale, causal, sizes):
    N, parts = sizes[0], sizes[6]
    for task in jit.prange(N * parts):
        n, part = np.int64(task) // parts, np.int64(task) % parts
        _backward_part(dy, q, k, v, mask, y, logsumexp, dq, dk, dv, scale, causal, n, part, sizes)

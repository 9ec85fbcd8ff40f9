"""Scaled dot-product attention: the weights of a few queries at a time, in the cache, and never all of them in memory.

A task takes one head of one sequence and works on strips of its queries: their scores against all keys they may see are
one product, softmax turns them into weights, and those times the values are the result. The backward pass finds the
weights anew from the scores, their maxima and sums, which costs a product and saves memory that grows with the square
of the length: Dao, "FlashAttention-2" (2023), section 3. Two things differ from there. A strip sees whole rows of
scores in the forward pass: they fit into the cache of a core, where they would not into that of a graphics processor,
and sums need no correction then. And maxima and sums are kept apart: of scores near -1e9, as masks make them,
max + log(sum) is but the maximum, and the weights found with it would not be those of the forward pass.

Keys that follow a query, with `causal`, are not even multiplied where a whole strip does not see them.

Operands are read and written where they lie, so that heads that come side by side from one product need not be copied
apart: `strides` holds, for queries, keys, values, results and the mask, where they begin in their array, and how many
numbers apart sequences, heads and rows are. It is one flat tuple, as parallel loops take no nested ones.
"""

import numpy as np

from . import jit, memory
from .dropout import drop, dropping
from .packing import pack_panel, pack_panel_transposed
from .scalar import exp_below_one
from .simd import panel_product, panel_width
from .softmax import dot, softmax_block
from .vector import fetch

__all__ = ["attention_backward", "attention_forward", "self_attention_backward", "self_attention_forward"]

QUERIES = 32
"""Queries of a strip: fewer waste less on what is hidden by `causal`, more read keys and values less often."""
SCORES = 1 << 15
"""Scores of a strip in the forward pass, about: 128 KB of float32. Of long sequences strips are lower."""
KEYS = 256
"""Keys that a strip of the backward pass sees at a time."""
TASKS = 16
"""Tasks to aim at in the forward pass: where there are fewer heads, each is cut into parts. The backward pass, where
keys gather from all queries, has a task for each head: with fewer heads than cores, some cores have nothing to do."""


def attention_forward(q, k, v, mask, scale, causal, p, seed):
    """y[n] = softmax(scale q[n] k[n]^T + mask) v[n] for every head n; with `causal` query i sees keys 0 .. i only.

    `q` (N, L, E), `k` (N, S, E), `v` (N, S, D): float32 or float64. `mask` (1 or B, 1 or H, 1 or L, S) with N = B * H,
    or (0, 0, 0, 0) for none, and the number `scale`. Of the weights (N, L, S) those are dropped that `dropout_forward`
    drops for `p` < 1 and `seed`. Returns `y` (N, L, D), and the scores' `maxima` (N, L) and `sums` (N, L) of
    e^(score - maximum). Where a mask hides all keys from a query, its y is 0. Source: Vaswani et al., "Attention is all
    you need" (2017), section 3.2.1.
    """
    sizes, strides = _one_after_another(q, v, mask)
    y, maxima, sums = _results(q.dtype, (*q.shape[:2], v.shape[2]), q.shape[:2])
    _run_forward(*_flat(q, k, v), mask, *_flat(y, maxima, sums), (scale, causal, p, seed), sizes, strides)
    return y, maxima, sums


def attention_backward(dy, q, k, v, mask, y, maxima, sums, scale, causal, p, seed):
    """The gradients of `attention_forward`, from that of `y`, what it got and what it returned.

    For weights w = e^(scores - maxima) / sums, and u = dropout(w) of them used: dv = u^T dy,
    ds = u (dy v^T) - w sum_d dy y, dq = scale ds k, dk = scale ds^T q.

    `dy` (N, L, D), `y` (N, L, D), `maxima` (N, L), `sums` (N, L), the rest as in `attention_forward`. Returns `dq`
    (N, L, E), `dk` (N, S, E) and `dv` (N, S, D).
    """
    sizes, strides = _one_after_another(q, v, mask)
    dq, dk, dv = (memory.empty_like(a) for a in (q, k, v))
    options = (scale, causal, p, seed)
    _run_backward(*_flat(dy, q, k, v), mask, *_flat(y, maxima, sums, dq, dk, dv), options, sizes, strides)
    return dq, dk, dv


def self_attention_forward(x, mask, scale, causal, p, seed, batch_first):
    """`attention_forward` of the queries, keys and values that lie side by side in one array.

    `x` (B, T, 3, H, D), with L = S = T and E = D, or (T, B, 3, H, D) unless the flag `batch_first` is set. `mask`
    (1 or B, 1 or H, 1 or T, T) or (0, 0, 0, 0), `scale`, `causal`, `p` and `seed`: as there. Returns `y` (B, T, H, D)
    or (T, B, H, D), `maxima` (B * H, T) and `sums` (B * H, T).
    """
    sizes, strides = _side_by_side(x, batch_first)
    B, H, T, _, _, D = sizes
    y, maxima, sums = _results(x.dtype, (*x.shape[:2], H, D), (B * H, T))
    flat = x.ravel()
    _run_forward(flat, flat, flat, mask, *_flat(y, maxima, sums), (scale, causal, p, seed), sizes, strides)
    return y, maxima, sums


def self_attention_backward(dy, x, mask, y, maxima, sums, scale, causal, p, seed, batch_first):
    """The gradient of `self_attention_forward`: see `attention_backward`.

    `dy` (B, T, H, D), `y` (B, T, H, D), `maxima` (B * H, T), `sums` (B * H, T), with B and T in the order of x; the
    rest as in `self_attention_forward`. Returns `dx` (B, T, 3, H, D).
    """
    sizes, strides = _side_by_side(x, batch_first)
    dx = memory.empty_like(x)
    dy, flat, y, dflat = _flat(dy, x, y, dx)
    options = (scale, causal, p, seed)
    _run_backward(dy, *[flat] * 3, mask, y, *_flat(maxima, sums), *[dflat] * 3, options, sizes, strides)
    return dx


def _one_after_another(q, v, mask):
    """Sizes and strides of heads that are arrays of their own: as many to a sequence as the mask says."""
    (N, L, E), (_, S, D) = q.shape, v.shape
    H = N // mask.shape[0] if mask.shape[0] > 1 else max(1, mask.shape[1])
    in_q, in_k, in_v, in_y = ((0, H * rows * n, rows * n, n) for rows, n in ((L, E), (S, E), (S, D), (L, D)))
    return (N // H, H, L, S, E, D), (*in_q, *in_k, *in_v, *in_y)


def _side_by_side(x, batch_first):
    """Sizes and strides of what lies in x (B, T, 3, H, D), or (T, B, 3, H, D)."""
    B, T = x.shape[:2] if batch_first else x.shape[1::-1]
    H, D = x.shape[3:]
    in_x, in_y = ((n * T, D, n) if batch_first else (n, D, n * B) for n in (3 * H * D, H * D))
    return (B, H, T, T, D, D), (0, *in_x, H * D, *in_x, 2 * H * D, *in_x, 0, *in_y)


def _results(dtype, y, rows):
    """Memory for what the forward pass returns: y, and a maximum and a sum of each row."""
    return memory.empty(y, dtype), np.zeros(rows, dtype), np.ones(rows, dtype)


def _flat(*arrays):
    return [a.ravel() for a in arrays]


def _of_mask(mask):
    """The mask in one dimension, and its strides: 0 where all share it."""
    B, H, L, S = mask.shape
    return mask.ravel(), (0, H * L * S if B > 1 else 0, L * S if H > 1 else 0, S if L > 1 else 0)


def _settings(scale, causal, p, seed, dtype):
    return (dtype.type(scale), bool(causal), *dropping(p, seed, dtype))


def _run_forward(q, k, v, mask, y, maxima, sums, options, sizes, strides):
    B, H, L, S, E, D = sizes
    if S == 0:
        y[...] = 0
    elif B * H * L:
        height = min(QUERIES, max(8, SCORES // S // 8 * 8))
        parts = max(1, min(-(-TASKS // (B * H)), L // height))
        mask, mask_strides = _of_mask(mask)
        sizes, strides = (*sizes, panel_width(q.dtype), parts, height), (*strides, *mask_strides)
        settings = _settings(*options, q.dtype)
        _forward(q, k, v, mask, y, maxima, sums, settings, sizes, strides)


def _run_backward(dy, q, k, v, mask, y, maxima, sums, dq, dk, dv, options, sizes, strides):
    B, H, L, S, E, D = sizes
    if B * H * L * S:
        mask, mask_strides = _of_mask(mask)
        sizes = (*sizes, panel_width(q.dtype))
        strides = (*strides, *mask_strides)
        settings = _settings(*options, q.dtype)
        _backward(dy, q, k, v, mask, y, maxima, sums, dq, dk, dv, settings, sizes, strides)
    else:
        for d in (dq, dk, dv):
            d[...] = 0


# ---------------------------------------------------------------------------------------------------- parts of both


@jit.serial
def _start(strides, n, H):
    """Where head n begins."""
    return strides[0] + n // H * strides[1] + n % H * strides[2]


@jit.serial
def _pack(source, s0, s_row, rows, columns, panels, NR):
    """panels[p, r, j] = source[s0 + r * s_row + p * NR + j], for products that sum over these rows."""
    for p in range((columns + NR - 1) // NR):
        some = min(NR, columns - p * NR)
        pack_panel(source, s0 + p * NR, s_row, some, rows, panels, p * rows * NR, NR, NR)


@jit.serial
def _pack_transposed(source, s0, s_row, rows, columns, panels, NR):
    """panels[p, c, j] = source[s0 + (p * NR + j) * s_row + c], for products that sum over these columns."""
    for p in range((rows + NR - 1) // NR):
        some = min(NR, rows - p * NR)
        pack_panel_transposed(source, s0 + p * NR * s_row, s_row, some, columns, panels, p * columns * NR, NR, NR)


@jit.serial
def _product(a, a_row, a_k, panels, p0, size, c, c0, c_row, rows, depth, columns, accumulate, NR):
    """c[rows, columns] (+)= a[rows, depth] @ the panels from p0 on, which are `size` numbers apart."""
    for p in range((columns + NR - 1) // NR):
        panel_product(a, 0, a_row, a_k, 0, panels, p0 + p * size, NR, c, c0 + p * NR, c_row,
                      rows, 1, depth, min(NR, columns - p * NR), accumulate)  # fmt: skip


@jit.serial
def _fetch(x, x0, x_row, rows, columns):
    """Have rows on their way before one after the other is waited for: side by side, heads are no run of addresses.

    With 128 heads of 64 x 32, out of the cache, forward and backward took 5.2 instead of 7.5 ms on one thread.
    """
    for r in range(rows):
        fetch(x, x0 + r * x_row, columns)


@jit.serial
def _copy(source, s0, s_row, rows, columns, factor, y):
    """y[r, j] = factor * source[s0 + r * s_row + j]"""
    for r in range(rows):
        for j in range(columns):
            y[r * columns + j] = factor * source[s0 + r * s_row + j]


@jit.serial
def _scale(x, factor):
    for i in range(x.size):
        x[i] *= factor


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
def _forward_part(q, k, v, mask, y, maxima, sums, settings, n, part, sizes, strides):
    """Every `parts`-th strip of head n: with `causal` late ones are longer, so that all parts get of both kinds."""
    B, H, L, S, E, D, NR, parts, height = sizes
    scale, causal, dropped_below, kept, seed = settings
    of_q, of_k, of_v, of_y, of_mask = strides[:4], strides[4:8], strides[8:12], strides[12:16], strides[16:]
    q0, k0, v0, y0 = _start(of_q, n, H), _start(of_k, n, H), _start(of_v, n, H), _start(of_y, n, H)
    m0 = _start(of_mask, n, H)
    padded, one = (S + NR - 1) // NR * NR, q.dtype.type(1)
    keys, values = np.empty(padded * E, q.dtype), np.empty((D + NR - 1) // NR * NR * S, q.dtype)
    _fetch(k, k0, of_k[3], S, E)
    _fetch(v, v0, of_v[3], S, D)
    _pack_transposed(k, k0, of_k[3], S, E, keys, NR)
    _pack(v, v0, of_v[3], S, D, values, NR)
    strip = np.empty(height * E, q.dtype)
    scores, weights = np.empty(height * padded, q.dtype), np.empty(height * padded, q.dtype)
    for i in range(part * height, L, parts * height):
        rows = min(height, L - i)
        width = min(S, i + rows) if causal else S
        wide = (width + NR - 1) // NR * NR
        _fetch(q, q0 + i * of_q[3], of_q[3], rows, E)
        _copy(q, q0 + i * of_q[3], of_q[3], rows, E, scale, strip)
        _product(strip, E, 1, keys, 0, E * NR, scores, 0, wide, rows, E, wide, False, NR)
        _hide(scores, rows, wide, i, 0, S, mask, m0, of_mask[3], causal)
        shown, shares = scores[: rows * wide].reshape(rows, wide), weights[: rows * wide].reshape(rows, wide)
        found = slice(n * L + i, n * L + i + rows)
        some_maxima, some_sums = maxima[found], sums[found]
        softmax_block(shown, 0, rows, one, shares, some_maxima, some_sums)
        for r in range(rows):
            if mask.size and some_maxima[r] == -np.inf and _nothing(shown[r]):
                shares[r] = 0
                some_maxima[r], some_sums[r] = 0, 1
        if dropped_below:
            for r in range(rows):  # into the place of the scores, which have done their duty
                row, at = slice(r * wide, r * wide + width), (n * L + i + r) * S
                drop(weights[row], scores[row], at, dropped_below, kept, seed)
        used, y1 = scores if dropped_below else weights, y0 + i * of_y[3]
        _product(used, wide, 1, values, 0, S * NR, y, y1, of_y[3], rows, width, D, False, NR)


def _forward_work(q, k, v, mask, y, maxima, sums, settings, sizes, strides):
    B, H, L, S, E, D = sizes[:6]
    return B * H * L * S * ((E + D) / 40 + 1)


@jit.parallel(work=_forward_work)
def _forward(q, k, v, mask, y, maxima, sums, settings, sizes, strides):
    heads, parts = sizes[0] * sizes[1], sizes[7]
    for task in jit.prange(heads * parts):
        n, part = np.int64(task) // parts, np.int64(task) % parts
        _forward_part(q, k, v, mask, y, maxima, sums, settings, n, part, sizes, strides)


# ---------------------------------------------------------------------------------------------------- backward


@jit.serial
def _weights(scores, maximum, total):
    """Put weights in the place of scores, the same as those of the forward pass."""
    scale = scores.dtype.type(1) / total
    for i in range(scores.size):
        scores[i] = exp_below_one(scores[i] - maximum) * scale


@jit.serial
def _dscores(dweights, used, weights, mean):
    """Gradients of scores in place of those of the weights that were used: after dropout some are 0."""
    for i in range(weights.size):
        dweights[i] = used[i] * dweights[i] - weights[i] * mean


@jit.serial
def _backward_head(dy, q, k, v, mask, y, maxima, sums, dq, dk, dv, settings, n, sizes, strides):
    """The gradients of head n; those of its keys and values are sums over all of its queries."""
    B, H, L, S, E, D, NR = sizes
    scale, causal, dropped_below, kept, seed = settings
    of_q, of_k, of_v, of_y, of_mask = strides[:4], strides[4:8], strides[8:12], strides[12:16], strides[16:]
    q0, k0, v0, y0 = _start(of_q, n, H), _start(of_k, n, H), _start(of_v, n, H), _start(of_y, n, H)
    m0 = _start(of_mask, n, H)
    padded, E_padded, D_padded = (S + NR - 1) // NR * NR, (E + NR - 1) // NR * NR, (D + NR - 1) // NR * NR
    keys, keys_transposed = np.empty(S * E_padded, q.dtype), np.empty(padded * E, q.dtype)
    values_transposed = np.empty(padded * D, q.dtype)
    _fetch(k, k0, of_k[3], S, E)
    _fetch(v, v0, of_v[3], S, D)
    _pack(k, k0, of_k[3], S, E, keys, NR)
    _pack_transposed(k, k0, of_k[3], S, E, keys_transposed, NR)
    _pack_transposed(v, v0, of_v[3], S, D, values_transposed, NR)
    strip, queries = np.empty(QUERIES * E, q.dtype), np.empty(QUERIES * E_padded, q.dtype)
    dstrip, dresults = np.empty(QUERIES * D, q.dtype), np.empty(QUERIES * D_padded, q.dtype)
    weights, dscores = np.empty(QUERIES * KEYS, q.dtype), np.empty(QUERIES * KEYS, q.dtype)
    dropped, means = np.empty(QUERIES * KEYS if dropped_below else 0, q.dtype), np.empty(QUERIES, q.dtype)
    _fetch(dk, k0, of_k[3], S, E)
    _fetch(dv, v0, of_v[3], S, D)
    for r in range(S):
        dk[k0 + r * of_k[3] : k0 + r * of_k[3] + E] = 0
        dv[v0 + r * of_v[3] : v0 + r * of_v[3] + D] = 0
    for i in range(0, L, QUERIES):
        rows, q1, y1 = min(QUERIES, L - i), q0 + i * of_q[3], y0 + i * of_y[3]
        _fetch(q, q1, of_q[3], rows, E)
        _fetch(dy, y1, of_y[3], rows, D)
        _fetch(y, y1, of_y[3], rows, D)
        _fetch(dq, q1, of_q[3], rows, E)
        _copy(q, q1, of_q[3], rows, E, scale, strip)
        _copy(dy, y1, of_y[3], rows, D, q.dtype.type(1), dstrip)
        _pack(strip, 0, E, rows, E, queries, NR)
        _pack(dstrip, 0, D, rows, D, dresults, NR)
        for r in range(rows):
            means[r] = dot(dstrip[r * D : r * D + D], y[y1 + r * of_y[3] : y1 + r * of_y[3] + D])
        end = min(S, i + rows) if causal else S
        for j in range(0, end, KEYS):
            width = min(KEYS, end - j)
            wide, k1, v1 = (width + NR - 1) // NR * NR, k0 + j * of_k[3], v0 + j * of_v[3]
            _product(strip, E, 1, keys_transposed, j * E, E * NR, weights, 0, wide, rows, E, wide, False, NR)
            _hide(weights, rows, wide, i, j, S, mask, m0, of_mask[3], causal)
            for r in range(rows):
                _weights(weights[r * wide : r * wide + wide], maxima[n * L + i + r], sums[n * L + i + r])
            if dropped_below:
                for r in range(rows):
                    row, at = slice(r * wide, r * wide + width), (n * L + i + r) * S + j
                    drop(weights[row], dropped[row], at, dropped_below, kept, seed)
            used = dropped if dropped_below else weights
            _product(used, 1, wide, dresults, 0, rows * NR, dv, v1, of_v[3], width, rows, D, True, NR)
            _product(dstrip, D, 1, values_transposed, j * D, D * NR, dscores, 0, wide, rows, D, wide, False, NR)
            for r in range(rows):
                row = slice(r * wide, r * wide + width)
                _dscores(dscores[row], used[row], weights[row], means[r])
            _product(dscores, 1, wide, queries, 0, rows * NR, dk, k1, of_k[3], width, rows, E, True, NR)
            _product(dscores, wide, 1, keys, j * NR, S * NR, dq, q1, of_q[3], rows, width, E, j > 0, NR)
        for r in range(rows):
            _scale(dq[q1 + r * of_q[3] : q1 + r * of_q[3] + E], scale)


def _backward_work(dy, q, k, v, mask, y, maxima, sums, dq, dk, dv, settings, sizes, strides):
    B, H, L, S, E, D = sizes[:6]
    return B * H * L * S * ((3 * E + 2 * D) / 40 + 1)


@jit.parallel(work=_backward_work)
def _backward(dy, q, k, v, mask, y, maxima, sums, dq, dk, dv, settings, sizes, strides):
    for head in jit.prange(sizes[0] * sizes[1]):
        _backward_head(dy, q, k, v, mask, y, maxima, sums, dq, dk, dv, settings, np.int64(head), sizes, strides)

"""Sampling from a language model, id by id, in one compiled loop: Embedding -> LSTM layers -> Linear -> draw.

With one sequence at a time there is nothing to compute with a weight but one multiply-add, so the speed is that of
reading the weights. They are packed once, the embedding is folded into the first layer's input table, and the units
are split among the threads, which meet once per layer and step.
"""

import numpy as np

from . import jit
from .gates import BLOCK, flat, gates_forward, pack_gates, unit_blocks
from .lstm import _activate
from .packing import pack_panel_transposed
from .scalar import exp
from .simd import lanes_of, panel_product, panel_width
from .vector import load, store

THREADED_FROM = 384
"""H from which a second core pays: below, a step is so short that waiting for each other costs more than it saves."""


@jit.serial
def _layer_slice(j0, j1, layer, id_, old, new, h, c, inputs, deep, deep_bias, packed, gates, sizes):
    """Units of the blocks j0 <= j < j1 of one layer; h (2, L, H) holds the old and the new hidden states."""
    L, H, V, NR = sizes
    J = (H + BLOCK - 1) // BLOCK
    wide, lanes = 4 * BLOCK, lanes_of(gates)
    panels = wide // NR  # of a block
    for j in range(j0, j1):
        for u in range(j * wide, (j + 1) * wide, lanes):
            if layer == 0:
                store(gates, u, load(inputs, (j * V + id_) * wide + u - j * wide))
            else:
                store(gates, u, load(deep_bias, (layer - 1) * J * wide + u))
    if layer > 0:
        first = (layer - 1) * J * panels
        _multiply(h, new * L + layer - 1, H, deep, first, j0 * panels, j1 * panels, NR, gates)
    _multiply(h, old * L + layer, H, packed, layer * J * panels, j0 * panels, j1 * panels, NR, gates)
    for j in range(j0, j1):
        at, units = layer * H + j * BLOCK, min(BLOCK, H - j * BLOCK)
        _activate(gates, j * wide, c, at, at, h, new * L * H + at, 1, wide, H, units)


@jit.serial
def _multiply(h, row, H, packed, first, p0, p1, NR, gates):
    """Add one row of h times the panels first + p0 <= p < first + p1 to the gates of panels p0 <= p < p1."""
    for p in range(p0, p1):
        panel_product(h, row * H, H, 1, 0, packed, (first + p) * H * NR, NR, gates, p * NR, NR, 1, 1, H, NR, True)


@jit.serial
def _logits(h, row, H, out_packed, out_bias, NR, logits):
    """Scores of all ids."""
    V = out_bias.size
    for v in range(V):
        logits[v] = out_bias[v]
    for p in range((V + NR - 1) // NR):
        panel_product(
            h, row * H, H, 1, 0, out_packed, p * H * NR, NR, logits, p * NR, NR, 1, 1, H, min(NR, V - p * NR), True
        )


@jit.serial
def _draw(logits, uniform, temperature, top_k, top_p, p):
    """One id from softmax(logits / temperature), restricted to the likeliest; p is scratch space (V,) float64."""
    V = logits.size
    best = 0
    for v in range(V):
        if logits[v] > logits[best]:
            best = v
    if temperature == 0:
        return best
    total = 0.0
    for v in range(V):
        p[v] = exp((np.float64(logits[v]) - np.float64(logits[best])) / temperature)
        total += p[v]
    threshold = 0.0
    if 0 < top_k < V:
        threshold = _threshold(p, top_k, np.inf)
    if top_p < 1:
        kept = 0.0
        for v in range(V):
            if p[v] >= threshold:
                kept += p[v]
            else:
                p[v] = 0
        threshold = _threshold(p, V, top_p * kept)
    total = 0.0
    for v in range(V):
        if p[v] < threshold:
            p[v] = 0
        total += p[v]
    target, last = uniform * total, best
    for v in range(V):
        if p[v] > 0:
            last = v
            target -= p[v]
            if target < 0:
                break
    return last


@jit.serial
def _threshold(p, count, mass):
    """The largest probability such that what is at least as likely numbers `count`, or weighs `mass`, or more."""
    low, high = 0.0, 1.0  # the likeliest has 1
    for _ in range(64):
        middle = 0.5 * (low + high)
        n, weight = 0, 0.0
        for x in p:
            if x >= middle:
                n += 1
                weight += x
        if n >= count or weight >= mass:
            low = middle
        else:
            high = middle
    return low


@jit.parallel(work=lambda slices, *others: 1e9 if slices > 1 else 0)
def _generate(
    slices, start, uniforms, options, h, c, inputs, deep, deep_bias, packed, out_packed, out_bias, ids, sizes
):
    L, H, V, NR = sizes
    temperature, top_k, top_p = options
    J = (H + BLOCK - 1) // BLOCK
    gates, logits, scratch = np.empty(J * 4 * BLOCK, h.dtype), np.empty(V, h.dtype), np.empty(V)
    id_ = start[0]
    for step in range(start.size + ids.size - 1):
        if step < start.size:
            id_ = start[step]
        old, new = step % 2, (step + 1) % 2
        for layer in range(L):
            for s in jit.prange(slices):
                j0, j1 = np.int64(s * J // slices), np.int64((s + 1) * J // slices)
                _layer_slice(j0, j1, layer, id_, old, new, h, c, inputs, deep, deep_bias, packed, gates, sizes)
        n = step - start.size + 1
        if n >= 0:
            _logits(h, new * L + L - 1, H, out_packed, out_bias, NR, logits)
            id_ = _draw(logits, uniforms[n], temperature, top_k, top_p, scratch)
            ids[n] = id_


@jit.serial(entry=True)
def _pack_gates(w, packed, sizes):
    H, K, NR = sizes
    for p in range(packed.size // (K * NR)):
        pack_gates(w, packed, p * K * NR, H, K, 4, NR, p)


@jit.serial(entry=True)
def _pack_rows(w, packed, sizes):
    V, H, NR = sizes
    for p in range((V + NR - 1) // NR):
        pack_panel_transposed(w, p * NR * H, H, min(NR, V - p * NR), H, packed, p * H * NR, NR, NR)


def lstm_generate(table, layers, w_out, b_out, start, uniforms, temperature, top_k, top_p, h0, c0):
    """Feed the ids `start`, then draw one id per element of `uniforms`, each fed back.

    table (V, D), layers: per layer (w_ih (4 * H, D or H), w_hh (4 * H, H), bias (4 * H,)), w_out (V, H), b_out (V,),
    start (N,) int64 with N >= 1, uniforms (U,) float64 in [0, 1), h0 and c0 (L, H).
    temperature 0 takes the likeliest id; top_k > 0 keeps the k likeliest, top_p < 1 then the fewest that together have
    this share (ids as likely as the last one kept stay too).
    -> ids int64, one per uniform, and h and c (L, H) after the last id but one was fed: the last one drawn is not fed.
    """
    L, H = h0.shape
    V, dtype = len(table), table.dtype
    inputs = gates_forward(table, layers[0][0], layers[0][2], 4)
    J, NR = inputs.shape[0], panel_width(dtype)
    packed = np.stack([_packed(w_hh) for _, w_hh, _ in layers])
    deep = np.empty((L - 1, *packed.shape[1:]), dtype)
    deep_bias = np.empty((L - 1, J, 1, 4, BLOCK), dtype)
    for layer, (w_ih, _, bias) in enumerate(layers[1:]):
        deep[layer] = _packed(w_ih)
        deep_bias[layer] = gates_forward(np.zeros((1, H), dtype), w_ih, bias, 4)
    out_packed = np.empty((-(-V // NR), H, NR), dtype)
    _pack_rows(*flat(w_out, out_packed), (V, H, NR))
    h, c = np.empty((2, L, H), dtype), c0.copy()
    h[0] = h0
    ids = np.empty(len(uniforms), np.int64)
    if len(ids) == 0:
        return ids, h0.copy(), c
    slices = jit.get_num_threads() if H >= THREADED_FROM and jit.synchronises_quickly() else 1
    _generate(slices, start, uniforms, (float(temperature), int(top_k), float(top_p)),
              *map(np.ravel, (h, c, inputs, deep, deep_bias, packed, out_packed, b_out)), ids,
              (L, H, V, NR))  # fmt: skip
    return ids, h[(len(start) + len(ids) - 1) % 2].copy(), c


def _packed(w):
    """All panels (P, K, NR) of the weights w (4 * H, K) of one layer."""
    H, K, NR = len(w) // 4, w.shape[1], panel_width(w.dtype)
    packed = np.empty((unit_blocks(H) * 4 * BLOCK // NR, K, NR), w.dtype)
    _pack_gates(*flat(w, packed), (H, K, NR))
    return packed

"""The recurrence of a plain recurrent layer (Elman 1990) over a window of T steps, forward and backward.

    h = tanh(inputs + h @ w.T)        or relu(...)

What comes from the inputs is one product over the whole window and is done outside (matmul.py); only what must wait for
the previous step is here. Rows are plain: with one gate there are no blocks to keep together (gates.py). Weights are
packed once per window; with one step backward there is nothing to multiply.

Work is cut over the batch or, with a small batch, over the units, as in lstm.py.
"""

import numpy as np

from . import jit, memory
from .gates import DEPTH, flat
from .lstm import _choose_slices, _cut
from .packing import pack_panel, pack_panel_transposed
from .scalar import tanh
from .simd import lanes_of, panel_product, panel_width
from .vector import load, select, store

# ------------------------------------------------------------------------------------------------ shared with gru.py


@jit.serial
def pack_units(w, packed, G, H, NR, p):
    """Panel p for products that yield gates, h @ w.T: NR units of every gate. w (G * H, H), packed (P, G, H, NR)."""
    columns = min(NR, H - p * NR)
    for g in range(G):
        pack_panel_transposed(w, (g * H + p * NR) * H, H, columns, H, packed, (p * G + g) * H * NR, NR, NR)


@jit.serial
def pack_rows(w, packed, G, H, NR, p):
    """Panel p for products that consume gates, dgates @ w: NR columns. w (G * H, H), packed (P, G * H, NR)."""
    pack_panel(w, p * NR, H, min(NR, H - p * NR), G * H, packed, p * G * H * NR, NR, NR)


@jit.serial
def product(a, a0, K, packed, p0, c, c0, c_row, rows, columns, NR, accumulate):
    """C[rows, columns] (+)= A[rows, K] @ panel; A from a0 on with K numbers a row, C from c0 on with c_row a row."""
    for k in range(0, K, DEPTH):
        depth = min(DEPTH, K - k)
        panel_product(a, a0 + k, K, 1, 0, packed, p0 + k * NR, NR,
                      c, c0, c_row, rows, 1, depth, columns, accumulate or k > 0)  # fmt: skip


@jit.serial
def copy(source, s0, target, t0, count):
    """target[t0 : t0 + count] = source[s0 : s0 + count]."""
    lanes = lanes_of(target)
    whole = count // lanes * lanes
    for u in range(0, whole, lanes):
        store(target, t0 + u, load(source, s0 + u))
    for u in range(whole, count):
        target[t0 + u] = source[s0 + u]


def work(G):
    """Estimate the nanoseconds of a window with G gates from its sizes, the last argument, that begin T, B, H."""

    def estimate(*arguments):
        T, B, H = arguments[-1][:3]
        return G * T * B * H * (H / 48 + 1)

    return estimate


def cut(B, H, NR):
    """Whether to cut a window over its units, and into how many slices."""
    return _choose_slices(B, H, -(-H // NR), False, True)


# ------------------------------------------------------------------------------------------------ forward


@jit.serial
def _activate(h, at, count, relu):
    """Apply tanh or relu in place to `count` numbers from flat offset `at` on."""
    zero, lanes = h.dtype.type(0), lanes_of(h)
    whole = count // lanes * lanes
    if relu:
        for u in range(at, at + whole, lanes):
            x = load(h, u)
            store(h, u, select(x < zero, zero, x))
        for u in range(at + whole, at + count):
            h[u] = select(h[u] < zero, zero, h[u])
        return
    for u in range(at, at + whole, lanes):
        store(h, u, tanh(load(h, u)))
    for u in range(at + whole, at + count):
        h[u] = tanh(h[u])


@jit.serial
def _forward_step(t, p0, p1, b0, b1, inputs, ids, packed, h, relu, sizes):
    """Step t for the panels p0 <= p < p1 of units and the batch rows b0 <= b < b1."""
    T, B, H, NR = sizes
    if b0 == b1 or p0 == p1:
        return
    u0, count = p0 * NR, min(p1 * NR, H) - p0 * NR
    for b in range(b0, b1):
        copy(inputs, ids[t * B + b] * H + u0, h, ((t + 1) * B + b) * H + u0, count)
    for p in range(p0, p1):
        to = ((t + 1) * B + b0) * H + p * NR
        product(h, (t * B + b0) * H, H, packed, p * H * NR, h, to, H, b1 - b0, min(NR, H - p * NR), NR, True)
    for b in range(b0, b1):
        _activate(h, ((t + 1) * B + b) * H + u0, count, relu)


@jit.parallel(work=work(1))
def _forward(inputs, ids, w, packed, h, relu, by_units, slices, sizes):
    T, B, H, NR = sizes
    P = (H + NR - 1) // NR
    for s in jit.prange(P):
        pack_units(w, packed, 1, H, NR, np.int64(s))
    if by_units:
        for t in range(T):
            for s in jit.prange(slices):
                p0, p1 = np.int64(s * P // slices), np.int64((s + 1) * P // slices)
                _forward_step(t, p0, p1, 0, B, inputs, ids, packed, h, relu, sizes)
    else:
        for s in jit.prange(slices):
            b0, b1 = _cut(s, slices, B), _cut(s + 1, slices, B)
            for t in range(T):
                _forward_step(t, 0, P, b0, b1, inputs, ids, packed, h, relu, sizes)


def rnn_forward(inputs, ids, w, h0, relu):
    """All T steps of a window. Step t of sequence b takes row ids[t, b] of `inputs`.

    inputs (N, H), ids (T, B) int64, w (H, H), h0 (B, H), relu bool (else tanh)
    -> h (T + 1, B, H) with the initial state first.
    One flag, against the rule of one kernel per job: compiling the loops twice for one line would cost seconds.
    """
    (T, B), H, NR = ids.shape, w.shape[1], panel_width(w.dtype)
    h = memory.empty((T + 1, B, H), w.dtype)
    h[0] = h0
    if h0.size and T:
        packed = memory.scratch(-(-H // NR) * H * NR, w.dtype)
        _forward(*flat(inputs, ids, w, packed, h), relu, *cut(B, H, NR), (T, B, H, NR))
    return h


# ------------------------------------------------------------------------------------------------ backward


@jit.serial
def _differentiate(h, dh, d0, dout, da, at, count, relu):
    """da = (dh + dout) * f'(h), for `count` numbers; all from flat offset `at` on, h one step later, dh from d0 on."""
    zero, one, lanes = da.dtype.type(0), da.dtype.type(1), lanes_of(da)
    whole = count // lanes * lanes
    for u in range(0, whole, lanes):
        y, d = load(h, u + at + dh.size), load(dh, d0 + u) + load(dout, at + u)
        store(da, at + u, select(y > zero, d, y) if relu else d * (one - y * y))
    for u in range(whole, count):
        y, d = h[u + at + dh.size], dh[d0 + u] + dout[at + u]
        da[at + u] = select(y > zero, d, y) if relu else d * (one - y * y)


@jit.serial
def _backward_step(t, p0, p1, b0, b1, dout, dh, packed, h, da, relu, sizes):
    """Step t for the panels p0 <= p < p1 of units and the batch rows b0 <= b < b1."""
    T, B, H, NR = sizes
    if b0 == b1 or p0 == p1:
        return
    u0, count = p0 * NR, min(p1 * NR, H) - p0 * NR
    if t < T - 1:
        for p in range(p0, p1):
            start, columns = ((t + 1) * B + b0) * H, min(NR, H - p * NR)
            product(da, start, H, packed, p * H * NR, dh, b0 * H + p * NR, H, b1 - b0, columns, NR, False)
    for b in range(b0, b1):
        _differentiate(h, dh, b * H + u0, dout, da, (t * B + b) * H + u0, count, relu)


@jit.parallel(work=work(1))
def _backward(dout, dh, w, packed, h, da, relu, by_units, slices, sizes):
    T, B, H, NR = sizes
    P = (H + NR - 1) // NR
    if T > 1:
        for s in jit.prange(P):
            pack_rows(w, packed, 1, H, NR, np.int64(s))
    if by_units:
        for step in range(T):
            for s in jit.prange(slices):
                p0, p1 = np.int64(s * P // slices), np.int64((s + 1) * P // slices)
                _backward_step(T - 1 - step, p0, p1, 0, B, dout, dh, packed, h, da, relu, sizes)
    else:
        for s in jit.prange(slices):
            b0, b1 = _cut(s, slices, B), _cut(s + 1, slices, B)
            for step in range(T):
                _backward_step(T - 1 - step, 0, P, b0, b1, dout, dh, packed, h, da, relu, sizes)


def rnn_backward(dout, dh_n, w, h, relu):
    """Gradient before activation, for a whole window.

    dout (T, B, H) for the outputs, dh_n (B, H) for the last state, w (H, H), h (T + 1, B, H) from `rnn_forward`, relu
    as there -> da (T, B, H). What flows to h0, to the weights and to the inputs are products of da.
    """
    (T, B, H), NR = dout.shape, panel_width(w.dtype)
    dh, da = dh_n.copy(), memory.empty((T, B, H), w.dtype)
    if da.size:
        packed = memory.scratch(-(-H // NR) * H * NR, w.dtype)
        _backward(*flat(dout, dh, w, packed, h, da), relu, *cut(B, H, NR), (T, B, H, NR))
    return da

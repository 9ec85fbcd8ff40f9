"""The recurrence of an LSTM over a window of T steps, forward and backward.

Per step (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), gates in PyTorch's order:

    i, f, o = sigmoid(inputs + h @ w.T)        g = tanh(inputs + h @ w.T)
    c = f * c + i * g                          h = o * tanh(c)

What comes from the inputs is a dense product over the whole window and is done outside (gates.py); only what must wait
for the previous step is here. The weights are packed once per window.

Work is cut in one of two ways. A slice of the batch runs through all T steps on its own, without ever waiting for the
others. A slice of the units reads only its share of the weights, but all slices must meet after every step; with a
batch that fills no tiles for each thread it is the only way to share the work. Where both are possible they took the
same time (two cores with 1 MB of second-level cache, H from 128 to 512; forward with 8 rows for each thread, units 5 %
less of a training step), as long as the cores had nothing else to do. Beside other work, a meeting per step can cost a
time slice of the scheduler: with two busy processes, a training step of B = 16 took 0.4 instead of 0.1 s. So batches
are preferred.
"""

import numpy as np

from . import jit, memory
from .gates import BLOCK, flat, gates_to_panels, multiply_panels, pack_block, pack_gates
from .scalar import sigmoid, tanh
from .simd import lanes_of, panel_width
from .vector import load, store

UNIT_SLICES_FROM = 192
"""H from which slices of units are worth a meeting of all threads per step."""
TILE_ROWS = 8
"""Rows that fill a tile: a smaller slice of the batch would waste part of it."""


# ------------------------------------------------------------------------------------------------ forward


@jit.serial(inline=True)
def _cell(i, f, g, o, c):
    """The gates after activation and the new cell state, of one unit or of a vector of units."""
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    return i, f, g, o, f * c + i * g


@jit.serial
def _activate(gates, at, c, before, after, h, to, rows, wide, H, units):
    """Activate the gates from flat offset `at` on and update the states, for `rows` rows of one block of units.

    Old cell states are at c[before], new ones go to c[after], hidden states to h[to]; rows are `wide` gates and H
    states apart. Hidden states have a loop of their own: they wait for the cell states, and a core does best with
    many calculations that do not wait for each other.
    """
    lanes = lanes_of(gates)
    if units == BLOCK:
        for b in range(rows):
            for u in range(0, BLOCK, lanes):
                k, s = at + b * wide + u, b * H + u
                i, f, g, o, cell = _cell(
                    load(gates, k),
                    load(gates, k + BLOCK),
                    load(gates, k + 2 * BLOCK),
                    load(gates, k + 3 * BLOCK),
                    load(c, before + s),
                )
                store(gates, k, i)
                store(gates, k + BLOCK, f)
                store(gates, k + 2 * BLOCK, g)
                store(gates, k + 3 * BLOCK, o)
                store(c, after + s, cell)
        for b in range(rows):
            for u in range(0, BLOCK, lanes):
                o, s = load(gates, at + b * wide + 3 * BLOCK + u), b * H + u
                store(h, to + s, o * tanh(load(c, after + s)))
        return
    for b in range(rows):
        for u in range(units):
            k, s = at + b * wide + u, b * H + u
            i, f, g, o = gates[k], gates[k + BLOCK], gates[k + 2 * BLOCK], gates[k + 3 * BLOCK]
            i, f, g, o, cell = _cell(i, f, g, o, c[before + s])
            gates[k], gates[k + BLOCK], gates[k + 2 * BLOCK], gates[k + 3 * BLOCK] = i, f, g, o
            c[after + s], h[to + s] = cell, o * tanh(cell)


# Tried: weights packed by each core for itself, so that none has to fetch what the other packed: with H = 128, where
# both copies fit the second-level caches, steps took 1.00 to 1.01 of the time.
# Tried: gates in the place of their inputs, where each row is used once. Without the copy, training steps of LSTMs over
# real numbers took as long as with it (H = 256 and 512; three rounds in turns, on one thread and on two).


@jit.serial
def _forward_step(t, j0, j1, b0, b1, inputs, ids, packed, h, c, gates, sizes):
    """Step t for the unit blocks j0 <= j < j1 and the batch rows b0 <= b < b1."""
    T, B, H, NR = sizes
    N, V = T * B, inputs.size // (gates.size // (T * B))
    wide, lanes = 4 * BLOCK, lanes_of(gates)
    for j in range(j0, j1):
        for b in range(b0, b1):
            row, to = (j * V + ids[t * B + b]) * wide, (j * N + t * B + b) * wide
            for u in range(0, wide, lanes):
                store(gates, to + u, load(inputs, row + u))
    p0, p1 = j0 * wide // NR, j1 * wide // NR
    multiply_panels(h, t * B + b0, b1 - b0, H, packed, p0 * H * NR, p0, p1, NR, gates, N, 4, t * B + b0)
    for j in range(j0, j1):
        units = min(BLOCK, H - j * BLOCK)
        before = (t * B + b0) * H + j * BLOCK
        after = before + B * H
        _activate(gates, (j * N + t * B + b0) * wide, c, before, after, h, after, b1 - b0, wide, H, units)


@jit.serial
def _cut(s, slices, B):
    """Where slice s of the batch begins: at an even row, since tiles of one row are slow."""
    return np.int64(B if s == slices else s * B // slices // 2 * 2)


def _work(*arguments):
    """Estimate the nanoseconds of a window from its sizes (T, B, H, NR): 8 * T * B * H * H operations and some."""
    T, B, H, _ = arguments[-1]
    return T * B * H * (H / 12 + 2)


@jit.parallel(work=_work)
def _forward_batch_slices(slices, inputs, ids, w, packed, h, c, gates, sizes):
    T, B, H, NR = sizes
    J = (H + BLOCK - 1) // BLOCK
    for p in jit.prange(packed.size // (H * NR)):
        pack_gates(w, packed, np.int64(p) * H * NR, H, H, 4, NR, np.int64(p))
    for s in jit.prange(slices):
        b0, b1 = _cut(s, slices, B), _cut(s + 1, slices, B)
        for t in range(T):
            _forward_step(t, 0, J, b0, b1, inputs, ids, packed, h, c, gates, sizes)


@jit.parallel(work=_work)
def _forward_unit_slices(slices, inputs, ids, w, packed, h, c, gates, sizes):
    T, B, H, NR = sizes
    J = (H + BLOCK - 1) // BLOCK
    for p in jit.prange(packed.size // (H * NR)):
        pack_gates(w, packed, np.int64(p) * H * NR, H, H, 4, NR, np.int64(p))
    for t in range(T):
        for s in jit.prange(slices):
            j0, j1 = np.int64(s * J // slices), np.int64((s + 1) * J // slices)
            _forward_step(t, j0, j1, 0, B, inputs, ids, packed, h, c, gates, sizes)


def lstm_forward(inputs, ids, w, h0, c0):
    """All T steps of a window. Step t of sequence b takes row ids[t, b] of `inputs`.

    inputs (J, N, 4, 16) from `gates_forward`, ids (T, B) int64, w (4 * H, H), h0 and c0 (B, H)
    -> h and c (T + 1, B, H) with the initial state first, gates (J, T * B, 4, 16) after activation.
    """
    (T, B), H = ids.shape, w.shape[1]
    h, c = memory.empty((T + 1, B, H), w.dtype), memory.empty((T + 1, B, H), w.dtype)
    h[0], c[0] = h0, c0
    gates = memory.empty((inputs.shape[0], T * B, 4, BLOCK), w.dtype)
    if h[0].size and T:
        packed = memory.scratch(gates.shape[0] * 4 * BLOCK * H, w.dtype)
        run, slices = _choose_slices(B, H, gates.shape[0], _forward_batch_slices, _forward_unit_slices)
        run(slices, *flat(inputs, ids, w, packed, h, c, gates), (T, B, H, panel_width(w.dtype)))
    return h, c, gates


def _choose_slices(B, H, groups, by_batch, by_units):
    """Which of two loops to run, over how many slices; units can be cut into `groups` at most."""
    threads = jit.get_num_threads()
    fills_tiles = B >= TILE_ROWS * threads
    if not fills_tiles and H >= UNIT_SLICES_FROM and groups >= threads and jit.synchronises_quickly():
        return by_units, threads
    return by_batch, max(1, min(threads, B))


# ------------------------------------------------------------------------------------------------ backward


@jit.serial(inline=True)
def _cell_gradient(i, f, g, o, c_before, c, dh, dc, one):
    """Gradients of the four gates before activation, and of the earlier cell state."""
    squashed = tanh(c)
    dc = dc + dh * o * (one - squashed * squashed)
    return (
        dc * g * i * (one - i),
        dc * c_before * f * (one - f),
        dc * i * (one - g * g),
        dh * squashed * o * (one - o),
        dc * f,
    )


@jit.serial
def _differentiate(gates, dgates, at, c, before, after, dout, dh, dc, to, units):
    """Like `_activate`: gates at flat offset `at`, cell states at `before` and `after`, dh and dc at `to`."""
    one = gates.dtype.type(1)
    lanes = lanes_of(gates)
    if units == BLOCK:
        for u in range(0, BLOCK, lanes):
            k = at + u
            i, f, g, o = load(gates, k), load(gates, k + BLOCK), load(gates, k + 2 * BLOCK), load(gates, k + 3 * BLOCK)
            dhidden = load(dh, to + u) + load(dout, before + u)
            di, df, dg, do, dcell = _cell_gradient(
                i, f, g, o, load(c, before + u), load(c, after + u), dhidden, load(dc, to + u), one
            )
            store(dgates, k, di)
            store(dgates, k + BLOCK, df)
            store(dgates, k + 2 * BLOCK, dg)
            store(dgates, k + 3 * BLOCK, do)
            store(dc, to + u, dcell)
        return
    for part in range(4):
        for u in range(units, BLOCK):
            dgates[at + part * BLOCK + u] = 0
    for u in range(units):
        k = at + u
        i, f, g, o = gates[k], gates[k + BLOCK], gates[k + 2 * BLOCK], gates[k + 3 * BLOCK]
        dhidden = dh[to + u] + dout[before + u]
        di, df, dg, do, dcell = _cell_gradient(i, f, g, o, c[before + u], c[after + u], dhidden, dc[to + u], one)
        dgates[k], dgates[k + BLOCK], dgates[k + 2 * BLOCK], dgates[k + 3 * BLOCK] = di, df, dg, do
        dc[to + u] = dcell


@jit.serial
def _backward_step(t, p0, p1, b0, b1, dout, c, gates, dh, dc, packed, dgates, sizes):
    """Step t for the panels p0 <= p < p1 of hidden units and the batch rows b0 <= b < b1."""
    T, B, H, NR = sizes
    N, J = T * B, (H + BLOCK - 1) // BLOCK
    if t < T - 1:
        gates_to_panels(dgates, J, N, 4, (t + 1) * B + b0, b1 - b0, packed, p0, p1, NR, dh, H, b0)
    for j in range(p0 * NR // BLOCK, min((p1 * NR + BLOCK - 1) // BLOCK, J)):
        units = min(BLOCK, H - j * BLOCK)
        for b in range(b0, b1):
            at, to = (j * N + t * B + b) * 4 * BLOCK, b * H + j * BLOCK
            before = t * B * H + to
            _differentiate(gates, dgates, at, c, before, before + B * H, dout, dh, dc, to, units)


@jit.parallel(work=_work)
def _backward_batch_slices(slices, dout, c, gates, dh, dc, w, packed, dgates, sizes):
    T, B, H, NR = sizes
    J, P = (H + BLOCK - 1) // BLOCK, (H + NR - 1) // NR
    for j in jit.prange(J):
        pack_block(w, packed, np.int64(j) * 4 * BLOCK * NR, J * 4 * BLOCK * NR, H, H, 4, NR, 0, P, np.int64(j))
    for s in jit.prange(slices):
        b0, b1 = _cut(s, slices, B), _cut(s + 1, slices, B)
        for step in range(T):
            _backward_step(T - 1 - step, 0, P, b0, b1, dout, c, gates, dh, dc, packed, dgates, sizes)


@jit.parallel(work=_work)
def _backward_unit_slices(slices, dout, c, gates, dh, dc, w, packed, dgates, sizes):
    T, B, H, NR = sizes
    J, P = (H + BLOCK - 1) // BLOCK, (H + NR - 1) // NR
    for j in jit.prange(J):
        pack_block(w, packed, np.int64(j) * 4 * BLOCK * NR, J * 4 * BLOCK * NR, H, H, 4, NR, 0, P, np.int64(j))
    group = max(1, BLOCK // NR)  # a slice must cover whole blocks of units
    groups = (P + group - 1) // group
    for step in range(T):
        for s in jit.prange(slices):
            p0, p1 = np.int64(s * groups // slices * group), np.int64((s + 1) * groups // slices * group)
            _backward_step(T - 1 - step, p0, min(p1, P), 0, B, dout, c, gates, dh, dc, packed, dgates, sizes)


def lstm_backward(dout, dh_n, dc_n, w, c, gates, place=None):
    """Gradients of the gates before activation, for a whole window.

    dout (T, B, H) for the outputs, dh_n and dc_n (B, H) for the last hidden and cell state, w (4 * H, H), c and gates
    from `lstm_forward` -> dgates (J, T * B, 4, 16), dc0 (B, H). What flows to h0, to the weights and to the inputs are
    products of dgates (gates.py). They are written to `place`, which may be `gates` itself: that saves 1 % of a
    training step, and its memory. No `_into` form: the same call returns what is new in both cases.
    """
    T, B, H = dout.shape
    dh, dc, dgates = dh_n.copy(), dc_n.copy(), memory.empty_like(gates) if place is None else place
    if dh.size and T:
        NR = panel_width(w.dtype)
        P, group = -(-H // NR), max(1, BLOCK // NR)
        packed = memory.scratch(P * NR * gates.shape[0] * 4 * BLOCK, w.dtype)
        run, slices = _choose_slices(B, H, P // group, _backward_batch_slices, _backward_unit_slices)
        run(slices, *flat(dout, c, gates, dh, dc, w, packed, dgates), (T, B, H, NR))
    return dgates, dc

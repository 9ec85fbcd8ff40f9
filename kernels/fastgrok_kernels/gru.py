"""The recurrence of a gated recurrent unit over a window of T steps, forward and backward.

Per step (Cho et al. 2014, in the form of PyTorch, with the reset gate after the product), gates in the order r, z, n:

    r, z = sigmoid(inputs + h @ w.T)        m = h @ w.T + b        n = tanh(inputs + r * m)
    h = (1 - z) * n + z * h

What comes from the inputs is one product over the whole window and is done outside (matmul.py), with all biases but b,
which the reset gate scales. The rest is as in rnn.py.
"""

import numpy as np

from . import jit, memory
from .gates import flat
from .lstm import _cut
from .rnn import copy, cut, pack_rows, pack_units, product, work
from .scalar import sigmoid, tanh
from .simd import lanes_of, panel_width
from .vector import load, store

# ------------------------------------------------------------------------------------------------ forward


@jit.serial(inline=True)
def _cell(r, z, x, m, h):
    """The gates after activation and the new state, of one unit or of a vector of units; x is the input share of n."""
    r, z = sigmoid(r), sigmoid(z)
    n = tanh(x + r * m)
    return r, z, n, n + z * (h - n)


@jit.serial
def _activate(gates, at, inputs, x, h, before, after, H, count):
    """One row: `count` units of each gate from flat offset `at` on; the input share of n at `x`, states in h."""
    lanes = lanes_of(gates)
    whole = count // lanes * lanes
    for u in range(0, whole, lanes):
        k = at + u
        r, z, n, new = _cell(
            load(gates, k), load(gates, k + H), load(inputs, x + u), load(gates, k + 3 * H), load(h, before + u)
        )
        store(gates, k, r)
        store(gates, k + H, z)
        store(gates, k + 2 * H, n)
        store(h, after + u, new)
    for u in range(whole, count):
        k = at + u
        r, z, n, new = _cell(gates[k], gates[k + H], inputs[x + u], gates[k + 3 * H], h[before + u])
        gates[k], gates[k + H], gates[k + 2 * H], h[after + u] = r, z, n, new


@jit.serial
def _forward_step(t, p0, p1, b0, b1, inputs, ids, packed, bias, h, gates, sizes):
    """Step t for the panels p0 <= p < p1 of units and the batch rows b0 <= b < b1."""
    T, B, H, NR = sizes
    if b0 == b1 or p0 == p1:
        return
    u0, count = p0 * NR, min(p1 * NR, H) - p0 * NR
    for b in range(b0, b1):
        start, to = ids[t * B + b] * 3 * H + u0, (t * B + b) * 4 * H + u0
        copy(inputs, start, gates, to, count)
        copy(inputs, start + H, gates, to + H, count)
        copy(bias, u0, gates, to + 3 * H, count)
    for p in range(p0, p1):
        for g in range(3):
            to = (t * B + b0) * 4 * H + (g if g < 2 else 3) * H + p * NR
            columns = min(NR, H - p * NR)
            product(h, (t * B + b0) * H, H, packed, (p * 3 + g) * H * NR, gates, to, 4 * H, b1 - b0, columns, NR, True)
    for b in range(b0, b1):
        row, x = (t * B + b) * H + u0, (ids[t * B + b] * 3 + 2) * H + u0
        _activate(gates, (t * B + b) * 4 * H + u0, inputs, x, h, row, row + B * H, H, count)


@jit.parallel(work=work(3))
def _forward(inputs, ids, w, packed, bias, h, gates, by_units, slices, sizes):
    T, B, H, NR = sizes
    P = (H + NR - 1) // NR
    for s in jit.prange(P):
        pack_units(w, packed, 3, H, NR, np.int64(s))
    if by_units:
        for t in range(T):
            for s in jit.prange(slices):
                p0, p1 = np.int64(s * P // slices), np.int64((s + 1) * P // slices)
                _forward_step(t, p0, p1, 0, B, inputs, ids, packed, bias, h, gates, sizes)
    else:
        for s in jit.prange(slices):
            b0, b1 = _cut(s, slices, B), _cut(s + 1, slices, B)
            for t in range(T):
                _forward_step(t, 0, P, b0, b1, inputs, ids, packed, bias, h, gates, sizes)


def gru_forward(inputs, ids, w, bias, h0):
    """All T steps of a window. Step t of sequence b takes row ids[t, b] of `inputs`.

    inputs (N, 3 * H), ids (T, B) int64, w (3 * H, H), bias (H,) of the product m, h0 (B, H)
    -> h (T + 1, B, H) with the initial state first, gates (T, B, 4, H): r, z, n after activation, and m.
    """
    (T, B), H, NR = ids.shape, w.shape[1], panel_width(w.dtype)
    h, gates = memory.empty((T + 1, B, H), w.dtype), memory.empty((T, B, 4, H), w.dtype)
    h[0] = h0
    if gates.size:
        packed = memory.scratch(-(-H // NR) * 3 * H * NR, w.dtype)
        _forward(*flat(inputs, ids, w, packed, bias, h, gates), *cut(B, H, NR), (T, B, H, NR))
    return h, gates


# ------------------------------------------------------------------------------------------------ backward


@jit.serial(inline=True)
def _cell_gradient(r, z, n, m, h, dh, one):
    """Gradients of r, z, n before activation and of m, and the share of the earlier state that skips the gates."""
    dn = dh * (one - z) * (one - n * n)
    return dn * m * r * (one - r), dh * (h - n) * z * (one - z), dn, dn * r, dh * z


@jit.serial
def _differentiate(gates, at, h, dout, row, dh, d0, da, dm, to, H, count):
    """One row: like `_activate`; h and dout from `row` on, da and dm from `to` on, dh from d0 on."""
    one, lanes = da.dtype.type(1), lanes_of(da)
    whole = count // lanes * lanes
    for u in range(0, whole, lanes):
        k, s = at + u, to + u
        dr, dz, dn, dmu, direct = _cell_gradient(
            load(gates, k), load(gates, k + H), load(gates, k + 2 * H), load(gates, k + 3 * H), load(h, row + u),
            load(dh, d0 + u) + load(dout, row + u), one,
        )  # fmt: skip
        store(da, s, dr)
        store(da, s + H, dz)
        store(da, s + 2 * H, dn)
        store(dm, s, dr)
        store(dm, s + H, dz)
        store(dm, s + 2 * H, dmu)
        store(dh, d0 + u, direct)
    for u in range(whole, count):
        k, s = at + u, to + u
        dr, dz, dn, dmu, direct = _cell_gradient(
            gates[k], gates[k + H], gates[k + 2 * H], gates[k + 3 * H], h[row + u], dh[d0 + u] + dout[row + u], one
        )
        da[s], da[s + H], da[s + 2 * H] = dr, dz, dn
        dm[s], dm[s + H], dm[s + 2 * H] = dr, dz, dmu
        dh[d0 + u] = direct


@jit.serial
def _backward_step(t, p0, p1, b0, b1, dout, dh, packed, h, gates, da, dm, sizes):
    """Step t for the panels p0 <= p < p1 of units and the batch rows b0 <= b < b1."""
    T, B, H, NR = sizes
    if b0 == b1 or p0 == p1:
        return
    u0, count = p0 * NR, min(p1 * NR, H) - p0 * NR
    if t < T - 1:
        for p in range(p0, p1):
            start, columns = ((t + 1) * B + b0) * 3 * H, min(NR, H - p * NR)
            product(dm, start, 3 * H, packed, p * 3 * H * NR, dh, b0 * H + p * NR, H, b1 - b0, columns, NR, True)
    for b in range(b0, b1):
        n = t * B + b
        _differentiate(gates, n * 4 * H + u0, h, dout, n * H + u0, dh, b * H + u0, da, dm, n * 3 * H + u0, H, count)


@jit.parallel(work=work(3))
def _backward(dout, dh, w, packed, h, gates, da, dm, by_units, slices, sizes):
    T, B, H, NR = sizes
    P = (H + NR - 1) // NR
    if T > 1:
        for s in jit.prange(P):
            pack_rows(w, packed, 3, H, NR, np.int64(s))
    if by_units:
        for step in range(T):
            for s in jit.prange(slices):
                p0, p1 = np.int64(s * P // slices), np.int64((s + 1) * P // slices)
                _backward_step(T - 1 - step, p0, p1, 0, B, dout, dh, packed, h, gates, da, dm, sizes)
    else:
        for s in jit.prange(slices):
            b0, b1 = _cut(s, slices, B), _cut(s + 1, slices, B)
            for step in range(T):
                _backward_step(T - 1 - step, 0, P, b0, b1, dout, dh, packed, h, gates, da, dm, sizes)


def gru_backward(dout, dh_n, w, h, gates):
    """Gradients of the gates before activation, for a whole window.

    dout (T, B, H) for the outputs, dh_n (B, H) for the last state, w (3 * H, H), h and gates from `gru_forward`
    -> da (T, B, 3 * H) for what comes from the inputs, dm (T, B, 3 * H) for h @ w.T: they differ in the gate n;
    dh (B, H), the share of h0's gradient that skips the gates. The other share is dm[0] @ w.
    """
    (T, B, H), NR = dout.shape, panel_width(w.dtype)
    dh = dh_n.copy()
    da, dm = memory.empty((T, B, 3 * H), w.dtype), memory.empty((T, B, 3 * H), w.dtype)
    if da.size:
        packed = memory.scratch(-(-H // NR) * 3 * H * NR, w.dtype)
        _backward(*flat(dout, dh, w, packed, h, gates, da, dm), *cut(B, H, NR), (T, B, H, NR))
    return da, dm, dh

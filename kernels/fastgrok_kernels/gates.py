"""The dense half of a recurrent layer: products between sequences, hidden states and the weights of its gates.

Gates are kept in blocks of 16 units, so that a register tile of the matrix product holds *all* gates of its units and
the pointwise part of a cell works on one short contiguous run:

    gates (J, N, G, 16): block j, row n (a time step of a sequence), gate g, unit 16 * j + l        J = ceil(H / 16)

Units beyond H are padding: their weights count as zero, and nobody reads them. Weights stay in PyTorch's layout,
(G * H, D) with all units of the first gate first; panels for the tile are packed from them on every call.
"""

import numpy as np

from . import jit, memory
from .packing import pack_panel, pack_panel_transposed
from .simd import lanes_of, panel_product, panel_width
from .vector import load, store

BLOCK = 16
DEPTH = 512
"""Rows of a panel multiplied at a time, so that they stay in the first-level cache. It depends on nothing else: cutting
the sum over k elsewhere would keep the bits too, but not the speed."""
STRIP = 48
"""Rows that are multiplied by all panels of a task before the next ones, so that they stay in the second-level cache:
with all rows at once, `gates_backward_input` read its gates from memory for each panel, at half the speed."""
PANELS = 8
"""Most panels that `gates_backward_input` packs at a time: 512 KB, half of a second-level cache."""
# Tried in the tile: to fetch the next panel while one is multiplied. Once a window of H = 512, whose weights exceed the
# second-level cache, seemed to gain 16 %, and H <= 256 lost 10 %. Three rounds in turns, two threads, nothing beside:
# H = 512 lost 10 to 20 %, whether lines were to go to the first or the second level. Cores fetch well by themselves.


def flat(*arrays):
    """Views of contiguous arrays as one dimension: the form in which compiled functions take them all."""
    return [array.ravel() for array in arrays]  # views, as arrays are contiguous; reshape(-1) takes twice as long


def unit_blocks(H: int) -> int:
    """J, the number of blocks of 16 units."""
    return -(-H // BLOCK)


# ------------------------------------------------------------------------------------------------ packing weights
# Compiled functions see all arrays flat, with their sizes beside them: one type each, so each is compiled once.
# A kernel packs the weights it is given into `packed`, memory that its caller provides, before it multiplies by them.


@jit.serial
def pack_gates(w, packed, to, H, K, G, NR, p):
    """Panel p of weights w (G * H, K) for products that yield gates, from packed[to] on.

    The panels of a block stand side by side.
    """
    width = min(NR, BLOCK)
    for inside in range(0, NR, width):
        column = p * NR + inside
        g, unit = column // BLOCK % G, column // (BLOCK * G) * BLOCK + column % BLOCK
        columns = max(0, min(width, H - unit))
        pack_panel_transposed(w, (g * H + unit) * K, K, columns, K, packed, to + inside, NR, width)


@jit.serial
def pack_block(w, packed, start, apart, H, K, G, NR, p0, p1, j):
    """The rows of block j, in the order gate, unit, in the panels p0 <= p < p1 of weights w (G * H, K).

    They are for products that consume gates. Those of panel p0 go to packed[start], of the next one `apart` further on.
    """
    units = min(BLOCK, H - j * BLOCK)
    for g in range(G):
        for p in range(p0, p1):  # all columns of a few rows, because rows may be pages apart
            to = start + (p - p0) * apart + g * BLOCK * NR
            columns = min(NR, K - p * NR)
            pack_panel(w, (g * H + j * BLOCK) * K + p * NR, K, columns, units, packed, to, NR, NR)
            for i in range(to + units * NR, to + BLOCK * NR):
                packed[i] = 0


# ------------------------------------------------------------------------------------------------ inputs to gates


@jit.serial
def multiply_panels(a, row, rows, K, packed, at, p0, p1, NR, gates, N, G, to_row):
    """gates[block of panel p, to_row : to_row + rows] += a[row : row + rows] @ panel p, for the panels p0 <= p < p1.

    a (..., K), gates (J, N, G, 16), all flat; panels (K, NR) lie one after the other from packed[at] on.
    """
    wide = G * BLOCK
    for k in range(0, K, DEPTH):
        depth = min(DEPTH, K - k)
        for r in range(0, rows, STRIP):
            for p in range(p0, p1):
                to = (p * NR // wide * N + to_row + r) * wide + p * NR % wide
                panel_product(a, (row + r) * K + k, K, 1, 0, packed, at + ((p - p0) * K + k) * NR, NR,
                              gates, to, wide, min(STRIP, rows - r), 1, depth, NR, True)  # fmt: skip


@jit.serial
def _fill_bias(bias, gates, H, G, N, j):
    """Start all rows of block j with its biases: of gate g, up to 16 numbers from bias[g * H + 16 * j] on."""
    units, wide, first = min(BLOCK, H - j * BLOCK), G * BLOCK, j * N * G * BLOCK
    for g in range(G):
        for u in range(BLOCK):
            gates[first + g * BLOCK + u] = bias[g * H + j * BLOCK + u] if u < units else 0
    lanes = lanes_of(gates)
    for u in range(first, first + wide, lanes):
        values = load(gates, u)
        for n in range(1, N):
            store(gates, u + n * wide, values)


@jit.parallel(work=lambda x, w, packed, bias, gates, sizes: x.size * (gates.size / max(1, sizes[0])) / 50)
def _gates_forward(x, w, packed, bias, gates, sizes):
    N, K, H, G, NR, slices = sizes
    J, panels, each = (H + BLOCK - 1) // BLOCK, G * BLOCK // NR, packed.size // slices
    for s in jit.prange(slices):
        for j in range(np.int64(s * J // slices), np.int64((s + 1) * J // slices)):
            for p in range(panels):
                pack_gates(w, packed, np.int64(s) * each + p * K * NR, H, K, G, NR, j * panels + p)
            _fill_bias(bias, gates, H, G, N, j)
            at, p0 = np.int64(s) * each, j * panels
            multiply_panels(x, 0, N, K, packed, at, p0, p0 + panels, NR, gates, N, G, 0)


def gates_forward(x, w, bias, G):
    """Input share of the gates: x @ w.T + bias, blocked.

    x (N, D), w (G * H, D), bias (G * H,) -> gates (J, N, G, 16).
    """
    (N, D), H, NR = x.shape, w.shape[0] // G, panel_width(x.dtype)
    J = unit_blocks(H)
    gates = memory.empty((J, N, G, BLOCK), x.dtype)
    if gates.size:
        slices = min(J, jit.get_num_threads())
        packed = memory.scratch(slices * G * BLOCK * D, x.dtype)  # of one block in each slice: it stays near
        _gates_forward(*flat(x, w, packed, bias, gates), (N, D, H, G, NR, slices))
    return gates


# ------------------------------------------------------------------------------------------------ gradients


@jit.serial
def gates_to_panels(gates, J, N, G, row, rows, packed, p0, p1, NR, out, K, to_row):
    """out[to_row : to_row + rows, columns of panel p] = gates[:, row : row + rows] @ packed[p], for p0 <= p < p1.

    gates (J, N, G, 16), packed (ceil(K / NR), J * G * 16, NR), out (..., K), all flat.
    """
    wide = G * BLOCK
    # A group of blocks at a time: their part of a panel stays in the first-level cache.
    group = DEPTH // wide
    for j in range(0, J, group):
        some = min(group, J - j)
        for r in range(0, rows, STRIP):
            for p in range(p0, p1):
                panel_product(gates, (j * N + row + r) * wide, wide, 1, N * wide, packed, (p * J + j) * wide * NR, NR,
                              out, (to_row + r) * K + p * NR, K, min(STRIP, rows - r), some, wide,
                              min(NR, K - p * NR), j > 0)  # fmt: skip


@jit.serial
def _input_columns(dgates, w, packed, at, dx, J, N, H, G, K, NR, p0, p1):
    """dx[:, columns of the panels p0 <= p < p1] = dgates @ w.

    Of the panels a group of blocks is packed at a time, from packed[at] on, and multiplied by while it lies in the
    second-level cache.
    """
    wide = G * BLOCK
    group = DEPTH // wide
    for j in range(0, J, group):
        some = min(group, J - j)
        for block in range(some):
            pack_block(w, packed, at + block * wide * NR, group * wide * NR, H, K, G, NR, p0, p1, j + block)
        for r in range(0, N, STRIP):
            for p in range(p0, p1):
                panel_product(dgates, (j * N + r) * wide, wide, 1, N * wide, packed, at + (p - p0) * group * wide * NR,
                              NR, dx, r * K + p * NR, K, min(STRIP, N - r), some, wide,
                              min(NR, K - p * NR), j > 0)  # fmt: skip


@jit.parallel(work=lambda dgates, w, packed, dx, sizes: dx.size * sizes[0] * sizes[3] / 3)
def _gates_backward_input(dgates, w, packed, dx, sizes):
    J, N, H, G, K, NR, slices = sizes
    panels, each = (K + NR - 1) // NR, packed.size // slices
    for s in jit.prange(slices):
        p0, p1 = np.int64(s * panels // slices), np.int64((s + 1) * panels // slices)
        _input_columns(dgates, w, packed, np.int64(s) * each, dx, J, N, H, G, K, NR, p0, p1)


def gates_backward_input(dgates, w):
    """Gradient of the input of `gates_forward`: dgates @ w.

    dgates (J, N, G, 16), w (G * H, D) -> dx (N, D).
    """
    (J, N, G, _), D, NR = dgates.shape, w.shape[1], panel_width(w.dtype)
    dx = memory.empty((N, D), dgates.dtype)
    panels, threads = -(-D // NR), jit.get_num_threads()
    slices = max(1, -(-panels // (PANELS * threads)) * threads)
    packed = memory.scratch(slices * -(-panels // slices) * (DEPTH // (G * BLOCK) * G * BLOCK) * NR, w.dtype)
    _gates_backward_input(*flat(dgates, w, packed, dx), (J, N, w.shape[0] // G, G, D, NR, slices))
    return dx


@jit.serial
def _weight_block(dgates, packed, dw, N, G, H, D, NR, j):
    """Rows of dw that belong to block j: for each gate, up to 16 rows of D columns."""
    rows = min(BLOCK, H - j * BLOCK)
    wide = G * BLOCK
    # Gates are turned first: one gate of many rows lies on too few lines of the first-level cache.
    line = min(DEPTH, N) + BLOCK
    turned = np.empty(wide * line, dw.dtype)
    for n in range(0, N, DEPTH):
        depth = min(DEPTH, N - n)
        pack_panel_transposed(dgates, (j * N + n) * wide, wide, depth, wide, turned, 0, line, depth)
        for p in range((D + NR - 1) // NR):
            columns = min(NR, D - p * NR)
            for g in range(G):
                panel_product(turned, g * BLOCK * line, line, 1, 0, packed, (p * N + n) * NR, NR,
                              dw, (g * H + j * BLOCK) * D + p * NR, D, rows, 1, depth, columns, n > 0)  # fmt: skip


@jit.serial
def _pack_some(x, packed, N, D, NR, n):
    """Up to 16 rows of x (N, D), from row n on, into all panels: a few rows, because they may be pages apart."""
    for p in range((D + NR - 1) // NR):
        pack_panel(x, n * D + p * NR, D, min(NR, D - p * NR), min(BLOCK, N - n), packed, (p * N + n) * NR, NR, NR)


@jit.parallel(work=lambda dgates, x, packed, dw, sizes: dw.size * sizes[0] / 50)
def _gates_backward_weight(dgates, x, packed, dw, sizes):
    N, G, H, D, NR = sizes
    for s in jit.prange((N + BLOCK - 1) // BLOCK):
        _pack_some(x, packed, N, D, NR, np.int64(s) * BLOCK)
    for j in jit.prange((H + BLOCK - 1) // BLOCK):
        _weight_block(dgates, packed, dw, N, G, H, D, NR, np.int64(j))


def gates_backward_weight(dgates, x, H):
    """Gradient of the weights of `gates_forward`: dgates.T @ x.

    dgates (J, N, G, 16), x (N, D) -> dw (G * H, D).
    """
    (N, D), G, NR = x.shape, dgates.shape[2], panel_width(x.dtype)
    dw = (memory.empty if N else np.zeros)((G * H, D), x.dtype)
    packed = memory.scratch(-(-D // NR) * N * NR, x.dtype)
    _gates_backward_weight(*flat(dgates, x, packed, dw), (N, G, H, D, NR))
    return dw


@jit.serial
def _bias_block(dgates, dbias, N, G, H, j):
    """The sum over rows of block j, as part of dbias."""
    lanes, units, total = lanes_of(dgates), min(BLOCK, H - j * BLOCK), np.empty(BLOCK, dgates.dtype)
    for g in range(G):
        first = (j * N * G + g) * BLOCK
        for u in range(0, BLOCK, lanes):
            sums = load(dgates, first + u)
            for n in range(1, N):
                sums = sums + load(dgates, first + n * G * BLOCK + u)
            store(total, u, sums)
        for u in range(units):
            dbias[g * H + j * BLOCK + u] = total[u]


@jit.parallel(work=lambda dgates, dbias, sizes: dgates.size / 8)
def _gates_backward_bias(dgates, dbias, sizes):
    N, G, H = sizes
    for j in jit.prange((H + BLOCK - 1) // BLOCK):
        _bias_block(dgates, dbias, N, G, H, np.int64(j))


def gates_backward_bias(dgates, H):
    """Gradient of the bias of `gates_forward`: the sum over rows. dgates (J, N, G, 16) -> dbias (G * H,)."""
    _, N, G, _ = dgates.shape
    dbias = np.zeros(G * H, dgates.dtype)
    if N:
        _gates_backward_bias(dgates.ravel(), dbias, (N, G, H))
    return dbias


@jit.serial
def _sum_block(dgates, ids, V, wide, j, sums):
    """sums[j, ids[n]] += dgates[j, n] for all n, with `wide` numbers per row."""
    N, lanes = ids.size, lanes_of(sums)
    for i in range(j * V * wide, (j + 1) * V * wide, lanes):
        for u in range(lanes):
            sums[i + u] = 0
    for n in range(N):
        row, to = (j * N + n) * wide, (j * V + ids[n]) * wide
        for u in range(0, wide, lanes):
            store(sums, to + u, load(sums, to + u) + load(dgates, row + u))


@jit.parallel(work=lambda dgates, ids, table, packed, sums, dw, dbias, sizes: dgates.size / 8 + dw.size * sizes[0] / 50)
def _gates_backward_table(dgates, ids, table, packed, sums, dw, dbias, sizes):
    V, G, H, D, NR = sizes
    for s in jit.prange((V + BLOCK - 1) // BLOCK):
        _pack_some(table, packed, V, D, NR, np.int64(s) * BLOCK)
    for block in jit.prange((H + BLOCK - 1) // BLOCK):
        j = np.int64(block)
        _sum_block(dgates, ids, V, G * BLOCK, j, sums)
        _bias_block(sums, dbias, V, G, H, j)
        _weight_block(sums, packed, dw, V, G, H, D, NR, j)


def gates_backward_table(dgates, ids, table, H):
    """Gradients of `gates_forward` of a table whose rows were picked by ids afterwards: all that needs no weights.

    dgates (J, N, G, 16), those of the picked rows, ids (N,), table (V, D), V > 0 -> sums (J, V, G, 16) of the rows that
    share an id, dw (G * H, D) = sums.T @ table, dbias (G * H,). From sums follows the table's (`gates_backward_input`).
    """
    (V, D), (J, _, G, _), NR = table.shape, dgates.shape, panel_width(table.dtype)
    sums = memory.empty((J, V, G, BLOCK), dgates.dtype)
    dw, dbias = memory.empty((G * H, D), dgates.dtype), np.empty(G * H, dgates.dtype)
    packed = memory.scratch(-(-D // NR) * V * NR, table.dtype)
    _gates_backward_table(*flat(dgates, ids, table, packed, sums, dw, dbias), (V, G, H, D, NR))
    return sums, dw, dbias

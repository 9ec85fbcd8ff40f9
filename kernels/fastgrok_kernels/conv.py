"""Convolution of images with channels last, on the register tile, without ever writing the matrix of patches.

    y[b, p, q, o] = bias[o] + sum over k, l, c of x[b, p * stride + k * dilation - padding, ..., c] w[o, c, k, l]

A row of outputs is a matrix product of Q patches with the weights. With channels last, the L * C numbers of a patch
that lie in one image row are neighbours in memory, and the next patch starts stride * C further on: the tile walks over
the image itself, as soon as its rows have their padding. So each task copies a slice of one image, with a border of
zeros, into a scratch that fits the second-level cache, and multiplies from there.

The gradient of the input runs over taps in rows and patches in columns: for an input row, the sum over k and o is a
matrix product with L * C columns, one run of a patch for each output column; these runs are added where they belong.
A single channel has too few columns. There, if outputs of a row are neighbours, taps are rows and the pixels of an
output row columns: 640 instead of 910 us for 64 images of 28 x 28, 5 x 5 weights and 16 channels above, on one core.
The gradient of the weights is a matrix product over all outputs of a few images; the sums of such groups of images
are added at the end. The groups depend on shapes only, so results do not depend on the number of threads. It has a row
for each number of a run: of a single channel, too few to keep the tile busy. There the patches of one slice are written
after all, and all taps go through one product: 0.55 instead of 1.25 ms for 128 images of 28 x 28 and 3 x 3 weights. The
forward product gains nothing by that: 0.87 instead of 0.93 ms, and 0.78 instead of 0.69 for 64 images, 5 x 5 weights.

Pairs such as `stride` are (rows, columns). `padding` is what lies above and to the left; what lies below and to the
right follows from the `size` of the result. Weights are in PyTorch's layout and packed on every call; with `groups`,
each group of output channels sees its share of the input channels. Groups of one channel each, one product with a
single column after the other, have kernels of their own in depthwise.py.
"""

import math

import numpy as np

from . import depthwise, jit, layout, memory, whole_image
from .packing import pack_panel_transposed
from .simd import LANES, ROWS, lanes_of, panel_product, panel_width
from .vector import load, splat, store

__all__ = ["conv_backward_input", "conv_backward_weight", "conv_forward"]

SCRATCH = 1 << 15
"""Numbers in the scratch of a task: 128 KB of float32, in the second-level cache beside the weights."""
DEPTH = 512
"""Most rows of packed weights in one product: 32 KB of float32."""
GROUPED = 1 << 18
"""Numbers in all sums of weight gradients together, unless one alone is larger."""

# Literal arguments, such as a plain 1, make Numba compile the called function once more for each of them.
ZERO, ONE, ADD, NEW = np.int64(0), np.int64(1), np.bool_(True), np.bool_(False)


# Compiled functions get all sizes as one tuple. In it sh, sw are the stride and gh, gw the gaps between taps, which
# users call dilation; `rows` are those of a slice.


def _is_depthwise(C, O, groups, dtype):
    """Whether each channel has one filter, and there are enough to fill half of a vector."""
    return 1 < groups == C == O and C * dtype.itemsize >= LANES * 2


def _packed(columns, axes, NR):
    """Matrices (groups, depth, N) as panels (groups, ceil(N / NR), depth, NR), padded with zeros.

    Depth is split over `axes` axes, and N over what is left of them.
    """
    *shape, last = columns.shape
    if last % NR == 0:  # panels are parts of the last axis: one copy
        parts = columns.reshape(*shape, last // NR, NR)
        order = (0, *range(1 + axes, parts.ndim - 1), *range(1, 1 + axes), parts.ndim - 1)
        return np.ascontiguousarray(parts.transpose(order))
    groups, depth, N = len(columns), math.prod(shape[1 : 1 + axes]), math.prod(shape[1 + axes :]) * last
    columns, panels = columns.reshape(groups, depth, N), -(-N // NR)
    padded = np.zeros((groups, depth, panels * NR), columns.dtype)
    padded[:, :, :N] = columns
    return np.ascontiguousarray(padded.reshape(groups, depth, panels, NR).transpose(0, 2, 1, 3))


def _slice_rows(rows, row_size):
    """How many of `rows` a task takes, where each adds `row_size` numbers to its scratch: evenly many per task."""
    tasks = -(-rows // max(1, min(rows, SCRATCH // max(1, row_size))))
    return -(-rows // tasks)


@jit.serial
def _copy_window(x, image, R, S, C, first_row, first_column, height, width, window):
    """window (height, width, C) = the part of an image (R, S, C) from a pixel on, zero where there is no image."""
    left = min(max(0, -first_column), width)
    right = max(left, min(S - first_column, width))
    for i in range(height):
        r, to = first_row + i, i * width * C
        inside = 0 <= r < R
        a, b = (left, right) if inside else (width, width)
        row = window[to : to + a * C]
        for j in range(row.size):
            row[j] = 0
        row = window[to + a * C : to + b * C]
        if row.size:
            start = image + (r * S + first_column + a) * C
            source = x[start : start + row.size]
            for j in range(row.size):
                row[j] = source[j]
        row = window[to + b * C : to + width * C]
        for j in range(row.size):
            row[j] = 0


# ------------------------------------------------------------------------------------------------ forward


@jit.serial
def _repeat_row(row, out, start, count):
    """Write `row` to `out` `count` times in succession, from `start` on."""
    O, lanes = row.size, lanes_of(row)
    whole = O // lanes * lanes
    for o in range(0, whole, lanes):
        values = load(row, o)
        for i in range(count):
            store(out, start + i * O + o, values)
    for o in range(whole, O):
        for i in range(count):
            out[start + i * O + o] = row[o]


@jit.serial
def _forward_slice(x, packed, bias, y, sizes, n, p0, p1, window):
    """Output rows p0 ... p1 of image n."""
    R, S, C, P, Q, O, K, L, sh, sw, top, left, gh, gw, groups, NR, _ = sizes
    width, rows = (Q - 1) * sw + (L - 1) * gw + 1, p1 - p0
    _copy_window(x, n * R * S * C, R, S, C, p0 * sh - top, -left, (rows - 1) * sh + (K - 1) * gh + 1, width, window)
    out = (n * P + p0) * Q * O
    _repeat_row(bias, y, out, rows * Q)
    Cg, Og = C // groups, O // groups
    # The taps of a patch as steps of some blocks of neighbours.
    steps, blocks, run, step, block = K, L, Cg, gh * width * C, gw * C
    if gw == 1 and groups == 1:
        blocks, run = 1, L * C
        if K * run <= DEPTH:
            steps, blocks, block = 1, K, step
    # Tiles run along the longer side of the slice.
    lines, line, c_line, M, a_row, c_row = rows, sh * width * C, Q * O, Q, sw * C, O
    if rows > Q:
        lines, line, c_line, M, a_row, c_row = Q, sw * C, O, rows, sh * width * C, Q * O
    panels = (Og + NR - 1) // NR
    for g in range(groups):
        for p in range(panels):
            b0, columns = (g * panels + p) * K * L * Cg * NR, min(NR, Og - p * NR)
            for k in range(steps):
                for i in range(lines):
                    panel_product(window, i * line + k * step + g * Cg, a_row, ONE, block,
                                  packed, b0 + k * blocks * run * NR, NR, y, out + i * c_line + g * Og + p * NR, c_row,
                                  M, blocks, run, columns, ADD)  # fmt: skip


@jit.parallel(work=lambda x, packed, bias, y, sizes: y.size * (packed.size / max(1, bias.size)) / 30)
def _conv_forward(x, packed, bias, y, sizes):
    R, S, C, P, Q, O, K, L, sh, sw, top, left, gh, gw, groups, NR, rows = sizes
    slices = (P + rows - 1) // rows
    height, width = (rows - 1) * sh + (K - 1) * gh + 1, (Q - 1) * sw + (L - 1) * gw + 1
    for s in jit.prange(y.size // (P * Q * O) * slices):
        task = np.int64(s)
        window = np.empty(height * width * C, x.dtype)
        p0 = task % slices * rows
        _forward_slice(x, packed, bias, y, sizes, task // slices, p0, min(P, p0 + rows), window)


def conv_forward(x, w, bias, size, stride, padding, dilation, groups):
    """y[b, p, q, o] = bias[o] + the sum of a window of x, weighted; see the top of this file.

    `x` (B, R, S, C), `w` (O, C / groups, K, L), `bias` (O,). The pairs are `size` (P, Q), `stride`, `padding` and
    `dilation`, and `groups` divides C and O. Returns `y` (B, P, Q, O).
    """
    (B, R, S, C), (O, Cg, K, L), (P, Q) = x.shape, w.shape, size
    if _is_depthwise(C, O, groups, x.dtype):
        return depthwise.depthwise_forward(x, w, bias, size, stride, padding, dilation)
    if whole_image.is_one_window((R, S), (K, L), size, padding, groups):
        return whole_image.forward(x, w, bias)
    y = memory.empty((B, P, Q, O), x.dtype)
    if y.size:
        NR = panel_width(x.dtype)
        turned = layout.swap_axes(w.reshape(groups, O // groups, Cg * K * L))
        packed = _packed(turned.reshape(groups, Cg, K, L, O // groups).transpose(0, 2, 3, 1, 4), 3, NR)
        rows = _slice_rows(P, ((Q - 1) * stride[1] + (L - 1) * dilation[1] + 1) * stride[0] * C)
        sizes = (R, S, C, P, Q, O, K, L, *stride, *padding, *dilation, groups, NR, rows)
        _conv_forward(x.ravel(), packed.ravel(), bias, y.ravel(), sizes)
    return y


# ------------------------------------------------------------------------------------------------ gradient of the input


@jit.serial
def _add_runs(runs, r0, dx, d0, S, Q, L, Cg, C, sw, left, gw):
    """Add to one row of dx, from d0 on, the runs (Q, L, Cg) of one row, from r0 on."""
    lanes = lanes_of(dx)
    for l in range(L):
        shift = l * gw - left
        first, end = max(0, (sw - 1 - shift) // sw), min(Q, (S - 1 - shift) // sw + 1)  # those within the image
        if Cg == 1:
            for q in range(first, end):
                dx[d0 + (q * sw + shift) * C] += runs[r0 + q * L + l]
            continue
        for q in range(first, end):
            source, to, c = r0 + (q * L + l) * Cg, d0 + (q * sw + shift) * C, 0
            while c + lanes <= Cg:
                store(dx, to + c, load(dx, to + c) + load(runs, source + c))
                c += lanes
            while c < Cg:
                dx[to + c] += runs[source + c]
                c += 1


@jit.serial
def _taps(r, P, K, sh, top, gh):
    """The first and the last k for which row r of the input meets an output row; none when the first is larger.

    With a stride, those between may miss.
    """
    first, last = K, -1
    for k in range(K):
        t = r + top - k * gh
        if t >= 0 and t % sh == 0 and t // sh < P:
            first, last = min(first, k), k
    return first, last


@jit.serial
def _backward_input_slice(dy, packed, dx, sizes, n, r0, r1, runs):
    """Input rows r0 ... r1 of image n."""
    R, S, C, P, Q, O, K, L, sh, sw, top, left, gh, gw, groups, NR, _ = sizes
    row = dx[(n * R + r0) * S * C : (n * R + r1) * S * C]
    for i in range(row.size):
        row[i] = 0
    Cg, Og = C // groups, O // groups
    N, image = L * Cg, n * P * Q * O
    panels = (N + NR - 1) // NR
    while r0 < r1:
        # Neighbouring rows that meet the same taps go through one product: their output rows are neighbours too.
        first, last = _taps(r0, P, K, sh, top, gh)
        rows = 1
        while sh == 1 and r0 + rows < r1 and _taps(r0 + rows, P, K, sh, top, gh) == (first, last):
            rows += 1
        # The taps as steps of some blocks of neighbours.
        steps, blocks = max(0, last - first + 1), 1
        if sh == 1 and steps * Og <= DEPTH:
            steps, blocks = min(1, steps), steps
        for g in range(groups if steps else 0):
            for p in range(panels):
                b0, columns = (g * panels + p) * K * Og * NR, min(NR, N - p * NR)
                for k in range(last, last - steps, -1):
                    t = r0 + top - k * gh
                    if t % sh == 0:
                        panel_product(dy, image + t // sh * Q * O + g * Og, O, ONE, gh * Q * O,
                                      packed, b0 + (K - 1 - k) * Og * NR, NR,
                                      runs, p * NR, N, rows * Q, blocks, Og, columns, k < last)  # fmt: skip
            for i in range(rows):
                _add_runs(runs, i * Q * N, dx, (n * R + r0 + i) * S * C + g * Cg, S, Q, L, Cg, C, sw, left, gw)
        r0 += rows


@jit.serial
def _one_channel_slice(dy, taps, dx, sizes, n, r0, r1, shares, panel):
    """Input rows r0 ... r1 of image n, which has one channel, where outputs of a row are neighbours (sw = 1).

    shares (K * L, p1 - p0, width): what each tap gives of each output, at its column q + margin, zeros beside them;
    arbitrary where a tap leads from output row p to no row of the slice. Element (r, s) gets the share of tap (k, l)
    from output ((r + top - k * gh) / sh, s + left - l * gw), if that is whole and there, so that the rows of all taps
    are added as they lie, as vectors.
    """
    R, S, _, P, Q, O, K, L, sh, _, top, left, gh, gw, margin, NR, _ = sizes
    p0, p1 = max(0, -((-(r0 + top - (K - 1) * gh)) // sh)), min(P, (r1 - 1 + top) // sh + 1)
    rows, lanes = max(0, p1 - p0), lanes_of(dx)
    width = _share_width(S, Q, left, margin, lanes)
    for p in range(rows):
        t = (p0 + p) * sh  # above this input row lie `top` more
        first, end = max(0, -((t - r0 - top) // gh)), min(K, (r1 - 1 + top - t) // gh + 1)
        at = first * L * rows * width + p * width
        for q in range(0, Q, NR):
            some = min(NR, Q - q)
            pack_panel_transposed(dy, ((n * P + p0 + p) * Q + q) * O, O, some, O, panel, 0, NR, NR)
            panel_product(taps, first * L * O, O, ONE, ZERO, panel, ZERO, NR, shares, at + margin + q, rows * width,
                          max(0, end - first) * L, ONE, O, (some + lanes - 1) // lanes * lanes, NEW)  # fmt: skip
        # Whole vectors were written, where an infinite weight has left NaN behind the last output.
        while first < end:
            for _ in range(L):
                for j in range(margin):
                    shares[at + j] = 0
                for j in range(margin + Q, width):
                    shares[at + j] = 0
                at += rows * width
            first += 1
    line = np.empty((S + lanes - 1) // lanes * lanes, dx.dtype)
    for r in range(r0, r1):
        for s in range(0, S, lanes):
            total = splat(dx, dx.dtype.type(0))
            for k in range(K):
                t = r + top - k * gh
                if t % sh == 0 and p0 <= t // sh < p1:
                    at = (k * L * rows + t // sh - p0) * width + margin + s + left
                    for l in range(L):
                        total = total + load(shares, at + l * (rows * width - gw))
            store(line, s, total)
        row = dx[(n * R + r) * S : (n * R + r + 1) * S]
        for s in range(row.size):
            row[s] = line[s]


@jit.serial
def _share_width(S, Q, left, margin, lanes):
    """Numbers in a row of shares: Q of them and S of their sums, both in whole vectors."""
    return margin + max((Q + lanes - 1) // lanes * lanes, (S + lanes - 1) // lanes * lanes + left)


@jit.parallel(work=lambda dy, taps, dx, sizes: dy.size * (taps.size / max(1, sizes[5])) / 30)
def _one_channel(dy, taps, dx, sizes):
    R, S, _, P, Q, O, K, L, sh, _, top, left, gh, gw, margin, NR, rows = sizes
    slices, lanes = (R + rows - 1) // rows, lanes_of(dx)
    most = min(P, (rows - 1 + (K - 1) * gh) // sh + 1)
    for s in jit.prange(dx.size // (R * S) * slices):
        task = np.int64(s)
        shares = np.empty(K * L * most * _share_width(S, Q, left, margin, lanes), dy.dtype)
        panel = np.empty(O * NR, dy.dtype)
        r0 = task % slices * rows
        _one_channel_slice(dy, taps, dx, sizes, task // slices, r0, min(R, r0 + rows), shares, panel)


@jit.parallel(work=lambda dy, packed, dx, sizes: dy.size * (packed.size / max(1, sizes[5])) / 30)
def _conv_backward_input(dy, packed, dx, sizes):
    R, S, C, P, Q, O, K, L, sh, sw, top, left, gh, gw, groups, NR, rows = sizes
    slices = (R + rows - 1) // rows
    for s in jit.prange(dx.size // (R * S * C) * slices):
        task = np.int64(s)
        runs = np.empty(rows * Q * L * (C // groups), dy.dtype)
        r0 = task % slices * rows
        _backward_input_slice(dy, packed, dx, sizes, task // slices, r0, min(R, r0 + rows), runs)


def conv_backward_input(dy, w, size, stride, padding, dilation, groups):
    """dx[b, r, s, c] = the sum of dy w over all outputs and taps that read that input; also a transposed convolution.

    `dy` (B, P, Q, O), `w` (O, C / groups, K, L), the pair `size` (R, S); `stride`, `padding`, `dilation` and `groups`
    as in `conv_forward`. Returns `dx` (B, R, S, C).
    """
    (B, P, Q, O), (_, Cg, K, L), (R, S) = dy.shape, w.shape, size
    C = Cg * groups
    if _is_depthwise(C, O, groups, dy.dtype):
        return depthwise.depthwise_backward_input(dy, w, size, stride, padding, dilation)
    if whole_image.is_one_window((R, S), (K, L), (P, Q), padding, groups):
        return whole_image.backward_input(dy, w)
    dx = memory.empty((B, R, S, C), dy.dtype)
    NR = panel_width(dy.dtype)
    if dx.size and C == 1 and stride[1] == 1 and dy.size:
        margin = max(0, (L - 1) * dilation[1] - padding[1])
        rows = _slice_rows(R, K * L * (Q + S))
        sizes = (R, S, C, P, Q, O, K, L, *stride, *padding, *dilation, margin, NR, rows)
        _one_channel(dy.ravel(), np.ascontiguousarray(w.reshape(O, K * L).T).ravel(), dx.ravel(), sizes)
    elif dx.size:
        # Taps from the last to the first: then output rows go up.
        columns = w.reshape(groups, O // groups, Cg, K, L)[:, :, :, ::-1].transpose(0, 3, 1, 4, 2)
        packed = _packed(columns, 2, NR)
        rows = _slice_rows(R, Q * L * Cg)
        sizes = (R, S, C, P, Q, O, K, L, *stride, *padding, *dilation, groups, NR, rows)
        _conv_backward_input(dy.ravel(), packed.ravel(), dx.ravel(), sizes)
    return dx


# ------------------------------------------------------------------------------------------------ gradient of weights


@jit.serial(inline=True)
def _copy_row(x, start, step, y, to, count, lanes):
    """y[to + q] = x[start + q * step]."""
    if step == 1 and count >= lanes:
        q = 0
        while q < count - lanes:
            store(y, to + q, load(x, start + q))
            q += lanes
        store(y, to + count - lanes, load(x, start + count - lanes))
        return
    for q in range(count):
        y[to + q] = x[start + q * step]


@jit.serial
def _copy_patches(x, image, sizes, p0, rows, scratch):
    """The taps of some rows of outputs as rows of a matrix (lines, rows * Q), the last of them of ones.

    It begins the scratch; what those outputs read is laid out behind it first.
    """
    R, S, _, P, Q, _, K, L, sh, sw, top, left, gh, gw, _, _, _, _, lines = sizes
    height, width = (rows - 1) * sh + (K - 1) * gh + 1, (Q - 1) * sw + (L - 1) * gw + 1
    window, lanes = scratch[lines * rows * Q :], lanes_of(x)
    _copy_window(x, image, R, S, ONE, p0 * sh - top, -left, height, width, window)
    to = 0
    for k in range(K):
        for l in range(L):
            for p in range(rows):
                _copy_row(window, (p * sh + k * gh) * width + l * gw, sw, scratch, to, Q, lanes)
                to += Q
    ones = scratch[to : lines * rows * Q]
    for i in range(ones.size):
        ones[i] = 1


@jit.serial
def _weight_slice(window, dy, d0, sums, s0, sizes, p0, p1, panel):
    """Add the share of output rows p0 ... p1 of one image to the columns of one panel of the sums.

    The window holds what those outputs read; their gradients start at dy[d0].
    """
    R, S, C, P, Q, O, K, L, sh, sw, top, left, gh, gw, groups, NR, rows, images, lines = sizes
    width = (Q - 1) * sw + (L - 1) * gw + 1
    Cg, Og = C // groups, O // groups
    panels = (Og + NR - 1) // NR
    g, first = panel // panels, panel % panels * NR
    columns, column = min(NR, Og - first), panel // panels * Og + first
    if C == 1:
        # A row of ones sums up the gradient of the bias.
        pixels = (p1 - p0) * Q
        panel_product(window, ZERO, pixels, ONE, ZERO, dy, d0 + column, O, sums, s0 + column, O,
                      lines, ONE, pixels, columns, ADD)  # fmt: skip
        return
    taps, run = (1, L * C) if gw == 1 and groups == 1 else (L, Cg)
    for k in range(K):
        for l in range(taps):
            panel_product(window, (k * gh * width + l * gw) * C + g * Cg, ONE, sw * C, sh * width * C,
                          dy, d0 + column, O, sums, s0 + (k * L + l) * Cg * O + column, O,
                          run, p1 - p0, Q, columns, ADD)  # fmt: skip
    total = s0 + K * L * Cg * O + column  # of the gradient of the bias
    for i in range((p1 - p0) * Q):
        row, bias = dy[d0 + column + i * O :], sums[total : total + columns]
        for o in range(bias.size):
            bias[o] += row[o]


@jit.serial
def _weight_group(x, dy, sums, sizes, n0, n1, s0, panel, window, spare):
    """Sum over images n0 ... n1 in one panel."""
    R, S, C, P, Q, O, K, L, sh, sw, top, left, gh, gw, groups, NR, rows, images, lines = sizes
    width = (Q - 1) * sw + (L - 1) * gw + 1
    for n in range(n0, n1):
        for p0 in range(0, P, rows):
            p1 = min(P, p0 + rows)
            if C == 1:
                _copy_patches(x, n * R * S, sizes, p0, p1 - p0, window)
            else:
                height = (p1 - p0 - 1) * sh + (K - 1) * gh + 1
                _copy_window(x, n * R * S * C, R, S, C, p0 * sh - top, -left, height, width, window)
            gradients, d0 = dy, (n * P + p0) * Q * O
            if spare.size:
                # The tile reads whole vectors: past the last channel, which at the end of dy is past its end.
                _copy_window(dy, n * P * Q * O, P, Q, O, p0, ZERO, p1 - p0, Q, spare)
                gradients, d0 = spare, 0
            _weight_slice(window, gradients, d0, sums, s0, sizes, p0, p1, panel)


@jit.parallel(work=lambda x, dy, sums, sizes: dy.size * (sizes[2] * sizes[6] * sizes[7] / sizes[14]) / 30)
def _conv_backward_weight(x, dy, sums, sizes):
    R, S, C, P, Q, O, K, L, sh, sw, top, left, gh, gw, groups, NR, rows, images, lines = sizes
    height, width = (rows - 1) * sh + (K - 1) * gh + 1, (Q - 1) * sw + (L - 1) * gw + 1
    panels = (O // groups + NR - 1) // NR * groups
    size = lines * O
    B, lanes = dy.size // (P * Q * O), lanes_of(x)
    scratch = height * width * C + (lines * rows * Q if C == 1 else 0)
    for s in jit.prange(sums.size // size * panels):
        task = np.int64(s)
        window = np.empty(scratch, x.dtype)
        spare = np.zeros(rows * Q * O + lanes if O // groups % lanes else 0, x.dtype)
        n0 = task // panels * images
        _weight_group(x, dy, sums, sizes, n0, min(B, n0 + images), task // panels * size, task % panels, window, spare)


def conv_backward_weight(dy, x, kernel_size, stride, padding, dilation, groups):
    """dw[o, c, k, l] = the sum over images and outputs of dy and the input under that tap; dbias[o] = the sum of dy.

    `dy` (B, P, Q, O), `x` (B, R, S, C), the pair `kernel_size` (K, L); `stride`, `padding`, `dilation` and `groups` as
    in `conv_forward`. Returns `dw` (O, C / groups, K, L) and `dbias` (O,).
    """
    (B, P, Q, O), (_, R, S, C), (K, L) = dy.shape, x.shape, kernel_size
    if _is_depthwise(C, O, groups, x.dtype):
        return depthwise.depthwise_backward_weight(dy, x, kernel_size, stride, padding, dilation)
    if whole_image.is_one_window((R, S), (K, L), (P, Q), padding, groups):
        return whole_image.backward_weight(dy, x)
    Cg = C // groups
    lines = K * L * Cg + 1
    if C == 1:  # more rows of ones fill the last tile
        lines = -(-lines // ROWS) * ROWS
    images = -(-B // max(1, min(B, 32, GROUPED // max(1, lines * O))))  # of a group
    sums = np.zeros((-(-B // max(1, images)), lines, O), x.dtype)
    if dy.size and x.size:
        row = K * L * Q if C == 1 else ((Q - 1) * stride[1] + (L - 1) * dilation[1] + 1) * stride[0] * C
        rows = _slice_rows(P, row)
        NR = panel_width(x.dtype)
        sizes = (R, S, C, P, Q, O, K, L, *stride, *padding, *dilation, groups, NR, rows, images, lines)
        _conv_backward_weight(x.ravel(), dy.ravel(), sums.ravel(), sizes)
    taps, bias = np.split(sums.sum(axis=0)[: K * L * Cg + 1], [K * L * Cg])
    lines = taps.reshape(K, L, Cg, O).transpose(2, 0, 1, 3)
    return layout.swap_axes(lines.reshape(1, Cg * K * L, O)).reshape(O, Cg, K, L), bias[0].copy()

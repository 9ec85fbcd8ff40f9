"""Depthwise convolution, channels last: each channel has a filter of its own and sees no other.

    y[b, p, q, c] = bias[c] + sum over k, l of x[b, p * stride + k * dilation - padding, ..., c] w[c, 0, k, l]

As products of matrices these would be many with a single column each. But all channels of a pixel are neighbours in
memory and go through the vector registers together. What lies in the padding is left out of the sums.

One loop does all the work: an output is a sum of taps times sources. For the result, taps are weights and sources are
pixels of x; for the gradient of the input, sources are pixels of dy; for that of the weights, which are the outputs
then, taps are pixels of dy and sources pixels of x. Three outputs with the same taps share each that they load: 3 x 3
weights are three times three. By fours, the gradient of 3 x 3 weights took 1.2 times as long, and the others about the
same. Where the taps and their sources are stands in a table: with two loops, over rows and columns of taps, the
compiler spends most of the time on addresses, 1.1 instead of 0.6 ms for 16 images of 32 x 32 with 64 channels and 3 x 3
weights on one core.

Pairs such as `stride` are (rows, columns). `padding` is what lies above and to the left; what lies below and to the
right follows from the `size` of the result.
"""

import math

import numpy as np

from . import jit, memory
from .simd import LANES, lanes_of
from .vector import load, store

__all__ = ["depthwise_backward_input", "depthwise_backward_weight", "depthwise_forward"]

SHARES = 32
"""Most sums of weight gradients, each over some rows of images, that are added at the end."""
GROUPED = 1 << 18
"""Numbers in all these sums together, unless one alone is larger."""


# ------------------------------------------------------------------------------------------------ taps and sources


@jit.serial(entry=True)
def _taps(outputs, taps, sources, divisor, stride, step, shift):
    """Which taps outputs have along one axis, as a flat table (outputs, 4).

    Tap t of output i is on source (i * stride + t * step + shift) / divisor, if that is a whole number: every few taps.
    The table has the first of these taps, its source, and from which to which of them there are sources.
    """
    table = np.zeros(4 * outputs, np.int64)
    for i in range(outputs):
        row, count = table[4 * i : 4 * i + 4], 0
        for t in range(taps):
            place = i * stride + t * step + shift
            if place % divisor:
                continue
            if count == 0:
                row[0], row[1] = t, place // divisor
            if 0 <= place < sources * divisor:
                if row[3] == 0:
                    row[2] = count
                row[3] = count + 1
            count += 1
    return table


@jit.serial
def _list_taps(w_at, x_at, rows, count, gaps):
    """Write where taps and their sources are, counted from the first: in so many rows, `count` in each."""
    tap_row, tap_gap, source_row, source_gap = gaps
    for k in range(rows):
        for t in range(count):
            w_at[k * count + t] = k * tap_row + t * tap_gap
            x_at[k * count + t] = k * source_row + t * source_gap


# ------------------------------------------------------------------------------------------------ sums

# Taps begin at w[tap], their sources at x[source]; w_at and x_at tell how much further the others are. Sums begin with
# `before`, which is the bias or the sum so far. A last vector that would have too few channels begins earlier: some are
# computed twice. In sums that go on, where this would count twice, it has a place of its own, so that their `width` is
# larger than C.


@jit.serial
def _one(w, tap, x, source, before, b0, y, y0, C, width, w_at, x_at, taps):
    """All channels of one output, four vectors at a time as long as there are so many: a sum alone would wait."""
    lanes = lanes_of(x)
    whole = C // (4 * lanes) * 4 * lanes
    for c in range(0, whole, 4 * lanes):
        t0, x0, b, z = tap + c, source + c, b0 + c, y0 + c
        s0, s1 = load(before, b), load(before, b + lanes)
        s2, s3 = load(before, b + 2 * lanes), load(before, b + 3 * lanes)
        for n in range(taps):
            i, j = t0 + w_at[n], x0 + x_at[n]
            s0 = s0 + load(w, i) * load(x, j)
            s1 = s1 + load(w, i + lanes) * load(x, j + lanes)
            s2 = s2 + load(w, i + 2 * lanes) * load(x, j + 2 * lanes)
            s3 = s3 + load(w, i + 3 * lanes) * load(x, j + 3 * lanes)
        store(y, z, s0)
        store(y, z + lanes, s1)
        store(y, z + 2 * lanes, s2)
        store(y, z + 3 * lanes, s3)
    for v in range(whole, C, lanes):
        c, z = min(v, C - lanes), min(v, width - lanes)
        t0, x0, s0 = tap + c, source + c, load(before, b0 + z)
        for n in range(taps):
            s0 = s0 + load(w, t0 + w_at[n]) * load(x, x0 + x_at[n])
        store(y, y0 + z, s0)


@jit.serial
def _three(w, tap, x, source, shift, before, b0, b_shift, y, y0, y_shift, C, width, w_at, x_at, taps):
    """All channels of three outputs that have the same taps; their sources are `shift` apart."""
    lanes = lanes_of(x)
    for v in range(0, C, lanes):
        c, z = min(v, C - lanes), min(v, width - lanes)
        t0, x0, b = tap + c, source + c, b0 + z
        x1, x2 = x0 + shift, x0 + 2 * shift
        s0, s1, s2 = load(before, b), load(before, b + b_shift), load(before, b + 2 * b_shift)
        for n in range(taps):
            here, i = load(w, t0 + w_at[n]), x_at[n]
            s0 = s0 + here * load(x, x0 + i)
            s1 = s1 + here * load(x, x1 + i)
            s2 = s2 + here * load(x, x2 + i)
        store(y, y0 + z, s0)
        store(y, y0 + z + y_shift, s1)
        store(y, y0 + z + 2 * y_shift, s2)


def _at_least_a_vector(a):
    """Arrays (..., C) with zeros behind the channels, if these do not fill a vector."""
    missing = LANES * 4 // a.itemsize - a.shape[-1]
    if missing <= 0:
        return a
    wide = np.zeros((*a.shape[:-1], a.shape[-1] + missing), a.dtype)
    wide[..., : a.shape[-1]] = a
    return wide


# ------------------------------------------------------------------------------------------------ forward, input


@jit.serial
def _sum_row(w, w0, x, x0, bias, y, y0, C, columns, divisor, rows, gaps, w_at, x_at):
    """A row of outputs. Those that are `divisor` apart have the same taps, as long as these lie within the image."""
    _, tap_gap, _, source_gap = gaps
    step, outputs, listed = 4 * divisor, columns.size, -1
    for phase in range(0, min(step, outputs), 4):
        i = phase
        while i < outputs:
            first, end, j, k = columns[i + 2], columns[i + 3], i + step, i + 2 * step
            if listed != end - first:
                listed = end - first
                _list_taps(w_at, x_at, rows, listed, gaps)
            tap, source = w0 + columns[i] * C + first * tap_gap, x0 + columns[i + 1] * C + first * source_gap
            out, taps = y0 + i // 4 * C, rows * listed
            same = k < outputs and columns[j + 2] == first and columns[j + 3] == end
            if same and columns[k + 2] == first and columns[k + 3] == end:
                shift = (columns[j + 1] - columns[i + 1]) * C
                _three(w, tap, x, source, shift, bias, 0, 0, y, out, divisor * C, C, C, w_at, x_at, taps)
                i += 3 * step
            else:
                _one(w, tap, x, source, bias, 0, y, out, C, C, w_at, x_at, taps)
                i += step


@jit.parallel(work=lambda x, w, bias, y, rows, columns, divisor, sizes, gaps: y.size * (w.size // bias.size + 2) / 16)
def _sum_rows(x, w, bias, y, rows, columns, divisor, sizes, gaps):
    (R, S, C, L), P, Q = sizes, rows.size // 4, columns.size // 4
    for s in jit.prange(y.size // (Q * C)):
        task = np.int64(s)
        p = task % P * 4
        tap, source, first, end = rows[p], rows[p + 1], rows[p + 2], rows[p + 3]
        w0, x0 = tap * L * C + first * gaps[0], (task // P * R + source) * S * C + first * gaps[2]
        w_at, x_at = np.empty(w.size // C, np.int64), np.empty(w.size // C, np.int64)
        _sum_row(w, w0, x, x0, bias, y, task * Q * C, C, columns, divisor, end - first, gaps, w_at, x_at)


def _sums(x, w, bias, size, divisor, stride, step, shift):
    """Sums of taps of w times sources in x, see `_taps`, for images of outputs of that size."""
    C, K, L = len(w), *w.shape[2:]
    w = np.ascontiguousarray(w.reshape(C, K, L).transpose(1, 2, 0))
    x, w, bias = _at_least_a_vector(x), _at_least_a_vector(w), _at_least_a_vector(bias)
    B, R, S, width = x.shape
    y = memory.empty((B, *size, width), x.dtype)
    if y.size:
        rows, columns = (
            _taps(size[i], w.shape[i], x.shape[i + 1], divisor[i], stride[i], step[i], shift[i]) for i in range(2)
        )
        common = [math.gcd(divisor[i], step[i]) for i in range(2)]
        (tap_row, tap_gap), (source_row, source_gap) = ([a[i] // common[i] for i in range(2)] for a in (divisor, step))
        gaps = tap_row * L * width, tap_gap * width, source_row * S * width, source_gap * width
        flat = (a.ravel() for a in (x, w, bias, y))
        _sum_rows(*flat, rows, columns, divisor[1], (R, S, width, L), gaps)
    return y if width == C else np.ascontiguousarray(y[..., :C])


def depthwise_forward(x, w, bias, size, stride, padding, dilation):
    """y[b, p, q, c] = bias[c] + the sum of a window of channel c of x, weighted; see the top of this file.

    `x` (B, R, S, C), `w` (C, 1, K, L), `bias` (C,). The pairs are `size` (P, Q), `stride`, `padding` and `dilation`.
    Returns `y` (B, P, Q, C).
    """
    return _sums(x, w, bias, size, (1, 1), stride, dilation, (-padding[0], -padding[1]))


def depthwise_backward_input(dy, w, size, stride, padding, dilation):
    """dx[b, r, s, c] = the sum of dy w over all outputs and taps that read that input.

    `dy` (B, P, Q, C), `w` (C, 1, K, L), the pair `size` (R, S); `stride`, `padding` and `dilation` as in
    `depthwise_forward`. Returns `dx` (B, R, S, C).
    """
    return _sums(dy, w, np.zeros(len(w), w.dtype), size, stride, (1, 1), (-dilation[0], -dilation[1]), padding)


# ------------------------------------------------------------------------------------------------ gradient of weights


@jit.serial
def _weight_row(dy, d0, x, image, p, sums, s0, columns, sizes, w_at, x_at):
    """Add the share of row p of dy, from d0 on, to the sums (K * L + 1, width), from s0 on."""
    R, S, C, P, Q, K, sh, sw, top, gh, width, _ = sizes
    L, lanes = columns.size // 4, lanes_of(x)
    r0 = p * sh - top
    for l in range(L):
        source, first, end = columns[4 * l + 1], columns[4 * l + 2], columns[4 * l + 3]
        tap, shift, taps, row, k = d0 + first * C, gh * S * C, end - first, L * width, 0
        while k < K:
            r, to = r0 + k * gh, s0 + (k * L + l) * width
            at = image + (r * S + source + first * sw) * C
            if 0 <= r and k + 2 < K and r + 2 * gh < R:
                _three(dy, tap, x, at, shift, sums, to, row, sums, to, row, C, width, w_at, x_at, taps)
                k += 3
                continue
            if 0 <= r < R:
                _one(dy, tap, x, at, sums, to, sums, to, C, width, w_at, x_at, taps)
            k += 1
    bias = s0 + K * L * width
    for v in range(0, C, lanes):
        c, total = min(v, C - lanes), load(sums, bias + v)
        for q in range(Q):
            total = total + load(dy, d0 + q * C + c)
        store(sums, bias + v, total)


@jit.parallel(work=lambda dy, x, sums, columns, sizes: dy.size * (sizes[5] * (columns.size // 4) + 2) / 16)
def _weight_rows(dy, x, sums, columns, sizes):
    R, S, C, P, Q, K, sh, sw, top, gh, width, share = sizes
    size = (K * (columns.size // 4) + 1) * width
    for s in jit.prange(sums.size // size):
        task = np.int64(s)
        w_at, x_at = np.empty(Q, np.int64), np.empty(Q, np.int64)
        _list_taps(w_at, x_at, 1, Q, (0, C, 0, sw * C))
        for row in range(task * share, min((task + 1) * share, dy.size // (Q * C))):
            image = row // P * R * S * C
            _weight_row(dy, row * Q * C, x, image, row % P, sums, task * size, columns, sizes, w_at, x_at)


def depthwise_backward_weight(dy, x, kernel_size, stride, padding, dilation):
    """dw[c, 0, k, l] = the sum over images and outputs of dy and the input under that tap; dbias[c] = the sum of dy.

    `dy` (B, P, Q, C), `x` (B, R, S, C), the pair `kernel_size` (K, L); `stride`, `padding` and `dilation` as in
    `depthwise_forward`. Returns `dw` (C, 1, K, L) and `dbias` (C,).
    """
    C, (K, L), lanes = x.shape[3], kernel_size, LANES * 4 // x.itemsize
    dy, x = _at_least_a_vector(dy), _at_least_a_vector(x)
    (B, P, Q, wide), (_, R, S, _) = dy.shape, x.shape
    width = -(-wide // lanes) * lanes
    share = -(-B * P // max(1, min(B * P, SHARES, GROUPED // ((K * L + 1) * width))))  # rows of dy in one sum
    sums = np.zeros((-(-B * P // max(1, share)), K * L + 1, width), x.dtype)
    if x.size and dy.size:
        columns = _taps(L, Q, S, 1, dilation[1], stride[1], -padding[1])
        sizes = (R, S, wide, P, Q, K, *stride, padding[0], dilation[0], width, share)
        _weight_rows(dy.ravel(), x.ravel(), sums.ravel(), columns, sizes)
    total = sums.sum(axis=0)
    total = np.concatenate([total[:, : wide - lanes], total[:, width - lanes :]], axis=1)[:, :C]
    return np.ascontiguousarray(total[:-1].T).reshape(C, 1, K, L), total[-1].copy()

"""Weighted sums of rows of a table, in vectors: what lookups and bags have in common.

Tables are in C order, and the rows and columns given exist. A row is a run of whole vectors, of which the last overlaps
the one before it where the row is no multiple of a vector: its elements are computed twice, to the same bits. Each sum
is one chain of multiply-adds in the order of its rows, whatever the width of vectors.

The helpers become instructions of their callers: a call hands over all parts of each array, which takes longer than
to add a row of 100 numbers.
"""

from . import jit
from .simd import lanes_of
from .vector import fetch, fetch_early, load, splat, store, stream

AHEAD = 4  # rows on their way from memory
SMALL_TABLE = 1 << 15  # bytes; what the first-level cache holds need not be fetched
EARLY, LARGE_TABLE = 16, 1 << 25
"""Rows on their way to the second-level cache, where a table has so many bytes that hardly any cache holds it. On one
core, caches filled with other things before: 9,600 rows of 300 of 400,000, looked up 1.6 to 1.8 instead of 2.1 to 2.2
ms, changed 2.5 to 2.8 instead of 2.8 to 3.9; bags of them 1.0 to 1.4 instead of 1.6 to 1.9. Where the same rows are
still in a cache it costs up to a fifth, and so it does in all tables of 5 MB."""


@jit.serial(inline=True)
def copy_row(table, n, out, row):
    """out[row] = table[n]."""
    D, wide = table.shape[1], lanes_of(table)
    if D < wide:
        for i in range(D):
            out[row, i] = table[n, i]
        return
    x, y, last, i = n * D, row * D, D - wide, 0
    while i < last:
        store(out, y + i, load(table, x + i))
        i += wide
    store(out, y + last, load(table, x + last))


@jit.serial(inline=True)
def stream_row(table, n, out, row):
    """out[row] = table[n], past the caches: `out` begins at a cache line, and a row is whole vectors."""
    D, i = table.shape[1], 0
    while i < D:
        stream(out, row * D + i, load(table, n * D + i))
        i += lanes_of(table)


@jit.serial(inline=True)
def sum_rows(table, which, factors, first, end, out, row):
    """out[row] = the sum of factors[n] table[which[n]] over first <= n < end."""
    _sum(table, which, factors, first, end, out, row, table.dtype.type(0), False)


@jit.serial(inline=True)
def add_rows(table, which, factors, first, end, out, row, scale):
    """out[row] += scale times the sum of factors[n] table[which[n]] over first <= n < end."""
    _sum(table, which, factors, first, end, out, row, scale, True)


@jit.serial(inline=True)
def _sum(table, which, factors, first, end, out, row, scale, add):
    D, wide, column = table.shape[1], lanes_of(table), 0
    if D < wide:
        for i in range(D):
            total = table.dtype.type(0)
            for n in range(first, end):
                total += factors[n] * table[which[n], i]
            out[row, i] = out[row, i] + scale * total if add else total
        return
    while column < D:  # in steps that leave nothing or at least one vector
        stop = D if D - column <= 8 * wide else min(column + 8 * wide, D - wide)
        _sum_columns(table, which, factors, first, end, column, stop, out, row, scale, add)
        column = stop


@jit.serial(inline=True)
def _sum_columns(table, which, factors, first, end, column, stop, out, row, scale, add):
    """The part of `_sum` for columns from `column` to `stop`, in eight vectors that never leave the registers.

    All beyond the last column are the last vector once more. Four rows at once, and the sums in memory, took twice as
    long even where all rows were in the first-level cache.
    """
    D, wide, size = table.shape[1], lanes_of(table), table.size * table.itemsize
    last, wanted = stop - wide, stop - column
    a, b = column, min(column + wide, last)
    c, d = min(column + 2 * wide, last), min(column + 3 * wide, last)
    e, f = min(column + 4 * wide, last), min(column + 5 * wide, last)
    g, h = min(column + 6 * wide, last), min(column + 7 * wide, last)
    at_a = at_b = at_c = at_d = at_e = at_f = at_g = at_h = splat(table, table.dtype.type(0))
    for n in range(first, end):
        if size >= LARGE_TABLE:
            fetch_early(table, which[min(n + EARLY, which.size - 1)] * D + column, wanted)
        if size >= SMALL_TABLE:
            fetch(table, which[min(n + AHEAD, which.size - 1)] * D + column, wanted)
        x, factor = which[n] * D, factors[n]
        at_a, at_b = at_a + factor * load(table, x + a), at_b + factor * load(table, x + b)
        at_c, at_d = at_c + factor * load(table, x + c), at_d + factor * load(table, x + d)
        at_e, at_f = at_e + factor * load(table, x + e), at_f + factor * load(table, x + f)
        at_g, at_h = at_g + factor * load(table, x + g), at_h + factor * load(table, x + h)
    x = row * D
    if add:
        at_a, at_b = load(out, x + a) + scale * at_a, load(out, x + b) + scale * at_b
        at_c, at_d = load(out, x + c) + scale * at_c, load(out, x + d) + scale * at_d
        at_e, at_f = load(out, x + e) + scale * at_e, load(out, x + f) + scale * at_f
        at_g, at_h = load(out, x + g) + scale * at_g, load(out, x + h) + scale * at_h
    store(out, x + a, at_a)
    store(out, x + b, at_b)
    store(out, x + c, at_c)
    store(out, x + d, at_d)
    store(out, x + e, at_e)
    store(out, x + f, at_f)
    store(out, x + g, at_g)
    store(out, x + h, at_h)


@jit.serial(inline=True)
def add_row(table, n, factor, out, row, scale):
    """out[row] += scale (factor table[n])."""
    D, wide = table.shape[1], lanes_of(table)
    if D < wide:
        for i in range(D):
            out[row, i] += scale * (factor * table[n, i])
        return
    x, y, last, i = n * D, row * D, D - wide, 0
    end = load(out, y + last) + scale * (factor * load(table, x + last))  # before parts of it change
    while i < last:
        store(out, y + i, load(out, y + i) + scale * (factor * load(table, x + i)))
        i += wide
    store(out, y + last, end)

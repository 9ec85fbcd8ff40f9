"""Rows of a table: lookups, their gradients, bags; and single elements by their ids."""

from functools import partial

import numpy as np

from .case import Case, Kernel, bound, named, normal, sized

# N x V x D. A table of 1000 x 70 is a large one, with its ids shared out.
_LOOKUPS = ((0, 5, 3), (1, 1, 1), (3, 7, 0), (9, 5, 16), (21, 4, 33), (1300, 65, 40), (700, 1000, 70))
_LOOKUPS_BENCH = (2048, 65, 64)


def _lookup(rng, dtype, N, V, D):
    return normal(rng, dtype, V, D), rng.integers(0, V, N)


def _scatter(rng, dtype, N, V, D):
    return normal(rng, dtype, N, D), rng.integers(0, V, N), V


def _scatter_words(rng, dtype, N, V, D):
    """Ids of words, of which a few are frequent (Zipf)."""
    return normal(rng, dtype, N, D), np.minimum(rng.zipf(1.3, N) - 1, V - 1).astype(np.int64), V


def _one_id(rng, dtype, N, V, D, id):
    return normal(rng, dtype, N, D), np.full(N, id), V


def _some_rows(rng, dtype, N, V, D):
    """Different ids, in any order."""
    ids = rng.permutation(V)[:N]
    return normal(rng, dtype, V, D), ids, normal(rng, dtype, len(ids), D), -0.3


def _rising_rows(rng, dtype, N, V, D):
    table, ids, rows, factor = _some_rows(rng, dtype, N, V, D)
    return table, np.sort(ids), rows, factor


def _rows_of_one_id(rng, dtype, N, V, D, id):
    return normal(rng, dtype, V, D), np.full(N, id), normal(rng, dtype, N, D), -0.3


def _repeated_rows(rng, dtype, N, V, D):
    return normal(rng, dtype, V, D), rng.integers(0, V, N), normal(rng, dtype, N, D), -0.3


# B x V x D, of bags of 0 to 6 ids; 200 bags are several blocks of bags, and of different ids.
_BAGS = ((0, 5, 3), (1, 1, 1), (3, 7, 0), (5, 4, 16), (7, 5, 33), (200, 1000, 40))


def _bag_of_words(rng, dtype, B, V, D, most=6):
    starts = np.concatenate([[0], np.cumsum(rng.integers(0, most + 1, B))]).astype(np.int64)
    return rng.integers(0, V, starts[-1]), rng.random(starts[-1]).astype(dtype), starts


def _bags(rng, dtype, B, V, D):
    return normal(rng, dtype, V, D), *_bag_of_words(rng, dtype, B, V, D)


def _bags_backward(rng, dtype, B, V, D):
    return normal(rng, dtype, B, D), *_bag_of_words(rng, dtype, B, V, D)


def _bags_added(rng, dtype, B, V, D):
    return normal(rng, dtype, V, D), *_bags_backward(rng, dtype, B, V, D), -0.3


def _bags_of_one_word(rng, dtype, B, V, D):
    table, dout, ids, factors, starts, scale = _bags_added(rng, dtype, B, V, D)
    return table, dout, np.full_like(ids, V - 1), factors, starts, scale


def _bags_max(rng, dtype, B, V, D):
    """Few different numbers, so that some are equal; and a row of -inf."""
    ids, _, starts = _bag_of_words(rng, dtype, B, V, D)
    table = rng.integers(0, 9, (V, D)).astype(dtype)
    table[0] = -np.inf
    return table, ids, starts


# N x V x S, and T ids; more than one chunk, block of columns, and line in a chunk.
_PICKED = ((2, 4, 3, 0), (0, 4, 3, 2), (1, 1, 1, 1), (3, 5, 1, 7), (2, 5, 4, 6), (2, 7, 300, 9), (40, 9, 1, 700))
_PICKED_BENCH = (1, 1000, 1000, 1000)


def _picked(rng, dtype, N, V, S, T):
    return normal(rng, dtype, N, V, S), rng.integers(0, V, (N, T, S))


def _picked_alike(rng, dtype, N, V, S, T):
    return normal(rng, dtype, N, V, S), rng.integers(0, V, T)


def _added(rng, dtype, N, V, S, T):
    return *_picked(rng, dtype, N, V, S, T), normal(rng, dtype, N, T, S)


def _added_alike(rng, dtype, N, V, S, T):
    return *_picked_alike(rng, dtype, N, V, S, T), normal(rng, dtype, N, T, S)


def _with_alike(apart, alike):
    """Cases with ids of their own in all places, and with the same."""
    same = [Case(f"same-{named(size)}", bound(alike, size), large=size[-1] > 99) for size in _PICKED]
    return (
        *sized(apart, _PICKED, _PICKED_BENCH),
        *same,
        Case("bench-lines", bound(apart, (1000, 1000, 1, 1000)), bench=True),
        Case("bench-same", bound(alike, (1000, 1000, 1, 1000)), bench=True),
    )


def _bench_bags(kind):
    def make(rng, dtype):
        ids, factors, starts = _bag_of_words(rng, dtype, 64, 20000, 100, most=300)
        array = normal(rng, dtype, 64 if kind == "backward" else 20000, 100)
        if kind == "add":
            return array, normal(rng, dtype, 64, 100), ids, factors, starts, -0.3
        return (array, ids, starts) if kind == "max" else (array, ids, factors, starts)

    return Case("bench-64x20000x100", make, bench=True)


KERNELS = (
    Kernel(
        "embedding_forward",
        "embedding",
        (
            *sized(_lookup, _LOOKUPS, _LOOKUPS_BENCH),
            Case("threads", bound(_lookup, (1300, 65, 520)), large=True),  # copying less is not worth a second core
        ),
        rtol32=0.0,
        rtol64=0.0,
    ),
    Kernel(
        "embedding_backward",
        "embedding",
        (
            *sized(_scatter, _LOOKUPS, _LOOKUPS_BENCH),
            Case("few-of-many", bound(_scatter, (3, 70_000, 1))),
            Case("columns", bound(_scatter, (300, 65, 520)), large=True),  # in two ranges on two threads
            Case("letters", bound(_scatter, (300, 40, 2048)), large=True),  # a large table of few rows
            *(Case(f"only {id}", partial(_one_id, N=300, V=1000, D=70, id=id), large=True) for id in (0, 7, 999)),
            Case("bench-letters", bound(_scatter, (2048, 65, 2048)), bench=True),
            Case("bench-words", lambda rng, dtype: _scatter_words(rng, dtype, 8192, 20000, 64), bench=True),
        ),
        rtol32=2e-5,  # up to a few thousand rows are added in float32
    ),
    Kernel(
        "add_rows_into",
        "embedding",
        (
            *sized(_repeated_rows, _LOOKUPS, (16384, 20000, 64)),
            *(Case(f"different {N}", partial(_some_rows, N=N, V=20, D=5)) for N in (0, 1, 15)),
            Case("rising", partial(_rising_rows, N=15, V=20, D=5)),
            Case("one id", partial(_rows_of_one_id, N=300, V=9, D=900, id=8), large=True),
        ),
        mutates=(0,),
        rtol32=2e-5,
    ),
    Kernel(
        "embedding_bag_forward",
        "embedding_bag",
        (*sized(_bags, _BAGS, (64, 1000, 64)), _bench_bags("forward")),
        rtol32=5e-6,
    ),
    Kernel(
        "embedding_bag_backward",
        "embedding_bag",
        (*sized(_bags_backward, _BAGS, (64, 1000, 64)), _bench_bags("backward")),
        rtol32=5e-6,
    ),
    Kernel(
        "add_bag_rows_into",
        "embedding_bag",
        (
            *sized(_bags_added, _BAGS, (64, 1000, 64)),
            Case("one word", partial(_bags_of_one_word, B=200, V=9, D=300), large=True),
            _bench_bags("add"),
        ),
        mutates=(0,),
        rtol32=5e-6,
    ),
    Kernel(
        "embedding_bag_max_forward",
        "embedding_bag",
        (*sized(_bags_max, _BAGS, (64, 1000, 64)), _bench_bags("max")),
    ),
    Kernel("gather", "gather", _with_alike(_picked, _picked_alike), rtol32=0.0, rtol64=0.0),
    Kernel("scatter_add_into", "gather", _with_alike(_added, _added_alike), mutates=(0,), rtol32=2e-5),
)

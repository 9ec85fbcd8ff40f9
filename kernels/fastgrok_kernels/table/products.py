"""Matrix products."""

import math

import numpy as np

from ..simd import panel_width
from .case import Case, Kernel, bound, named, normal

# M x K x N: nothing, single elements, every edge of the tile, several steps of K, strips of rows, groups of panels.
_PRODUCTS = ((0, 3, 2), (2, 0, 3), (1, 1, 1), (3, 5, 7), (9, 4, 33), (13, 257, 31), (70, 600, 65), (300, 40, 130))
_PRODUCTS += ((3, 5, 1100), (50, 600, 26))
# One vector, or a few: with rows too short for that, and long enough, more than one part, more than one block.
_PRODUCTS += ((1, 7, 6), (1, 64, 9), (9, 70, 1), (3, 130, 11), (11, 70, 2), (1, 70, 1300), (1300, 70, 1), (200, 300, 3))
_PRODUCTS += ((1, 2500, 6), (1, 1025, 600))
_PRODUCTS_BENCH = ((1, 1024, 1024), (512, 512, 512), (32, 512, 2048), (2048, 512, 65))
# B x M x K x N. The tasks of a large batch are cut otherwise than those of a small one.
_BATCHES = ((0, 2, 3, 4), (3, 0, 2, 2), (2, 3, 0, 4), (1, 3, 5, 7), (5, 13, 20, 33), (2, 300, 40, 66), (96, 17, 6, 34))
# Too small for the tile: one row, one column, one number, dot products of long and short vectors, sums of many rows.
_BATCHES += ((3, 1, 7, 6), (3, 5, 7, 1), (70, 1, 150, 1), (2, 1, 70, 300), (2, 300, 70, 1), (9, 4, 5, 3), (9, 2, 9, 40))
_BATCHES += ((9, 8, 8, 8), (40, 3, 200, 4), (5, 5, 1, 20))
_BATCHES_BENCH = ((128, 64, 32, 64), (512, 1, 64, 128))
_FLAGS = tuple((transpose_a, transpose_b) for transpose_a in (False, True) for transpose_b in (False, True))


def _factors(transpose_a, transpose_b):
    def make(rng, dtype, *size):
        *batch, M, K, N = size
        a = normal(rng, dtype, *batch, *((K, M) if transpose_a else (M, K)))
        b = normal(rng, dtype, *batch, *((N, K) if transpose_b else (K, N)))
        return a, b, transpose_a, transpose_b

    return make


def _product_cases(sizes, benches):
    for transpose_a, transpose_b in _FLAGS:
        make, flags = _factors(transpose_a, transpose_b), f"{'T' if transpose_a else 'N'}{'T' if transpose_b else 'N'}"
        for size in sizes:
            yield Case(f"{named(size)}-{flags}", bound(make, size), large=math.prod(size) > 20_000)
    for size in benches:
        yield Case(f"bench-{named(size)}", bound(_factors(False, True), size), bench=True)


def _biased(transpose_a, transpose_b, relu):
    def make(rng, dtype, M, K, N):
        a, b, *flags = _factors(transpose_a, transpose_b)(rng, dtype, M, K, N)
        return a, b, normal(rng, dtype, N), *flags, relu

    return make


def _not_numbers(rng, dtype):
    a = np.array([[1.0], [np.nan], [-np.inf]], dtype)
    return a, np.array([[1.0, -2.0]], dtype), np.array([0.5, np.nan], dtype), False, False, True


def _bias_cases():
    for size in ((0, 3, 2), (2, 0, 3), (3, 5, 7), (13, 7, 10), (70, 600, 65), (300, 40, 130)):
        for relu in (False, True):
            yield Case(f"{named(size)}-{relu}", bound(_biased(False, True, relu), size), large=math.prod(size) > 20_000)
    for size in ((1, 70, 9), (9, 70, 1), (3, 40, 6), (6, 40, 3), (1, 70, 1300)):
        yield Case(f"{named(size)}-NT", bound(_biased(False, True, True), size), large=math.prod(size) > 20_000)
        yield Case(f"{named(size)}-TN", bound(_biased(True, False, True), size), large=math.prod(size) > 20_000)
    yield Case("9x4x33-TN", bound(_biased(True, False, True), (9, 4, 33)))
    yield Case("nan", _not_numbers)
    yield Case("bench-128x784x512", bound(_biased(False, True, True), (128, 784, 512)), bench=True)


def _into(accumulate):
    def make(rng, dtype, M, K, N):
        return normal(rng, dtype, M, N), *_factors(True, False)(rng, dtype, M, K, N), accumulate

    return make


def _into_cases():
    for size in ((2, 0, 3), (9, 4, 33)):
        for add in (False, True):
            yield Case(f"{named(size)}-{add}", bound(_into(add), size))
    yield Case("bench-512x512x512", bound(_into(True), (512, 512, 512)), bench=True)


# G x M x K x N: several weights, panels that are not full, more than one depth.
_PANELS = ((1, 0, 3, 5), (1, 2, 0, 3), (1, 1, 1, 1), (2, 3, 5, 7), (3, 9, 4, 33), (2, 13, 257, 31), (4, 16, 20, 64))
_PANELS_BENCH = (4, 16, 512, 512)


def _to_panels(transpose):
    def make(rng, dtype, G, M, K, N):
        panels = normal(rng, dtype, -(-N // panel_width(dtype)), K, panel_width(dtype))
        return panels, normal(rng, dtype, *((N, K) if transpose else (K, N))), transpose

    return make


def _by_panels(accumulate):
    def make(rng, dtype, G, M, K, N):
        panels = normal(rng, dtype, G, -(-N // panel_width(dtype)), K, panel_width(dtype))
        return normal(rng, dtype, G, M, N), normal(rng, dtype, M, K), panels, accumulate

    return make


def _panel_cases(make):
    for flag in (False, True):
        for size in _PANELS:
            yield Case(f"{named(size)}-{flag}", bound(make(flag), size))
    yield Case(f"bench-{named(_PANELS_BENCH)}", bound(make(True), _PANELS_BENCH), bench=True)


KERNELS = (
    Kernel("batched_matmul", "matmul", tuple(_product_cases(_BATCHES, _BATCHES_BENCH)), rtol32=5e-6),
    Kernel("matmul", "matmul", tuple(_product_cases(_PRODUCTS, _PRODUCTS_BENCH)), rtol32=5e-6),
    Kernel("matmul_bias", "matmul", tuple(_bias_cases()), rtol32=5e-6),
    Kernel("matmul_into", "matmul", tuple(_into_cases()), mutates=(0,), rtol32=5e-6),
    Kernel("panels_into", "panels", tuple(_panel_cases(_to_panels)), mutates=(0,)),
    Kernel("panels_matmul_into", "panels", tuple(_panel_cases(_by_panels)), mutates=(0,), rtol32=5e-6),
)

"""Functions of single elements, sums, copies, dropout and random numbers."""

import numpy as np

from .case import Case, Kernel, bound, named, normal, sized

# 20,000 elements are more than one chunk of any of these kernels.
ELEMENTS = ((0,), (1,), (17,), (3, 16), (5, 7, 11), (20_011,))
ELEMENTS_BENCH = (32, 64, 512)


def elements(rng, dtype, *shape):
    """One array, for functions of single elements."""
    return (normal(rng, dtype, *shape, scale=4.0),)


def _matrix(rng, dtype, *shape):
    return (normal(rng, dtype, *shape),)


# One wide row, several with a short last one, several blocks, and parts of a row.
_MATRICES = ((0, 3), (3, 0), (1, 1), (7, 5), (1000, 10), (5000, 16), (300, 513), (130, 5001))


_MIDDLES = ((0, 3, 2), (2, 0, 3), (2, 3, 0), (1, 1, 1), (3, 7, 5), (5, 64, 33), (2, 201, 300), (40, 30, 200))
_POSITIVE = tuple(  # whose sums grow, so that small summands lose digits
    Case(f"positive {named(shape)}", lambda rng, dtype, shape=shape: (rng.random(shape).astype(dtype),), large=True)
    for shape in ((200_003, 1), (3001, 70))
)


def _elements_and_gradient(rng, dtype, *shape):
    return normal(rng, dtype, *shape), normal(rng, dtype, *shape, scale=2.0)


def _runs_and_numbers(rng, dtype, N, M, S):
    return normal(rng, dtype, N, M, S), normal(rng, dtype, M, scale=2.0)


def _numbers_and_runs(rng, dtype, N, M, S):
    return _runs_and_numbers(rng, dtype, N, M, S)[::-1]


# Nothing, one number, short runs and rows that are repeated, runs and rows that are not, those longer than a chunk.
_RUNS = ((0, 3, 2), (1, 1, 1), (1, 1, 20_011), (700, 3, 5), (7, 300, 5), (130, 70, 1), (9, 1100, 1), (2, 8300, 2))


def _arithmetic(name):
    cases = (
        *sized(_elements_and_gradient, (*ELEMENTS, (200_003,)), ELEMENTS_BENCH),
        *(
            Case(f"{kind} {named(size)}", bound(make, size), large=np.prod(size) > 3000)
            for kind, make in (("runs", _runs_and_numbers), ("of runs", _numbers_and_runs))
            for size in _RUNS
        ),
    )
    return Kernel(name, "arithmetic", cases, rtol32=1e-7)


def _pointwise(name, *numbers):
    def given(make):
        return lambda *arguments: (*make(*arguments), *numbers)

    cases = (*sized(given(elements), ELEMENTS, ELEMENTS_BENCH), Case("edges", given(_edges)))
    return Kernel(name, "pointwise", cases, rtol32=1e-7)


def _edges(rng, dtype):
    halves = np.arange(-9, 10) / 2
    return (np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, -0.3, 2**23 + 1, 1e30, *halves], dtype),)


def _converted(rng, dtype, *shape):
    return normal(rng, {"float32": "float64", "float64": "float32"}[dtype.name], *shape), dtype.name


_WHOLE = tuple(
    Case(given, lambda rng, dtype, given=given: (rng.integers(-(2**30), 2**30, 300).astype(given), dtype.name))
    for given in ("int32", "int64")
)


def _filling(rng, dtype, *shape):
    return shape, np.array(2.5, dtype)


def _side_by_side(rng, dtype, N, D, E, first, rest):
    return normal(rng, dtype, N, first + D + E + rest), first, normal(rng, dtype, N, D), normal(rng, dtype, N, E)


def _bordered(rng, dtype, N, R, S, *widths):
    return normal(rng, dtype, N, R, S), *widths, -2.5


# Nothing, nothing beside something, single columns, those that fill no vector, several chunks of rows and of one row.
_JOINED = (
    *((0, 3, 2, 0, 0), (3, 0, 0, 1, 1), (5, 0, 4, 0, 0), (5, 3, 0, 2, 1), (300, 1, 1, 0, 0), (7, 17, 40, 3, 1)),
    *((700, 37, 5, 0, 2), (1, 9001, 20_011, 5, 0), (3, 9001, 2, 0, 3)),
)
# Nothing, no border, borders on all sides of several chunks, of one row and of a column, what is cut off, all of it
# and more, a row longer than a chunk.
_BORDERED = (
    *((0, 3, 2, 1, 1, 1, 1), (2, 0, 3, 1, 2, 0, 0), (2, 3, 4, 0, 0, 0, 0), (60, 13, 19, 1, 2, 3, 4)),
    *((1, 1, 20, 0, 0, 2, 1), (9, 1, 1, 0, 0, 1, 1), (4, 5, 40, -1, -2, -3, -4), (4, 5, 6, -1, 2, 3, -4)),
    *((2, 3, 4, 1, -3, 0, 0), (2, 3, 4, 0, 0, -4, 2), (2, 3, 20_011, 1, 1, 1, 1)),
)


def _near_one(rng, dtype, *shape):
    return (1 + normal(rng, dtype, *shape) / 30,)


def _centred(rng, dtype, N, D):
    return 3 + normal(rng, dtype, N, D), 3 + normal(rng, dtype, N) / 30


def _extremes(largest):
    return lambda rng, dtype, *shape: (normal(rng, dtype, *shape), largest)


def _extremes_of(rng, dtype, odd, D):
    x = normal(rng, dtype, 5, D)
    x[0, 0] = x[1, D - 1] = x[2, D // 2] = odd
    x[3, 3] = x[4] = -np.inf
    return x, True


def _with_equals(largest):
    return lambda rng, dtype, *shape: (np.round(2 * normal(rng, dtype, *shape)), largest)


def _columns_of(rng, dtype, odd):
    x = _extremes_of(rng, dtype, odd, 150)[0]
    x[0, 5] = x[4, 5] = odd
    return x[None], True


# Rows without a block, with one, of several pieces, several rows per iteration.
_ROWS = ((0, 3), (1, 1), (7, 5), (1000, 10), (300, 513), (3, 20_011), (40, 64))


def _to_shuffle(rng, dtype, N, left, M, half):
    return np.arange(N), left, rng.integers(2**64, size=M, dtype=np.uint64), half


# Nothing, nothing to do, a half alone, too few words, a half before them, one that is left over.
_SHUFFLED = ((0, 0, 0, -1), (1, 0, 0, -1), (2, 1, 0, 5), (50, 49, 3, -1), (50, 30, 15, 2**31), (50, 1, 1, -1))
# N x T x S: nothing, one number, a column, columns that fill no vector, many of them.
_COLUMNS = ((0, 3, 2), (2, 3, 0), (1, 1, 1), (3, 70, 1), (2, 30, 5), (3, 20, 300))
# Nothing, one number, several chunks of short and of long rows.
_OUTER = ((0, 3), (3, 0), (1, 1), (7001, 3), (70, 300), (3, 20_011))


def _two_vectors(rng, dtype, N, M):
    return normal(rng, dtype, N), normal(rng, dtype, M, scale=2.0)


def _with_nan(rng, dtype):
    return (np.array([np.nan, -1, 0, 2, -np.inf, np.inf], dtype),)


def _bent_nan(rng, dtype):
    return np.array([np.nan, -1, -1e-7, 0, 2, -np.inf, np.inf], dtype), 0.3


def _gradient_of_nan(rng, dtype):
    x, slope = _bent_nan(rng, dtype)
    return np.full_like(x, 2), x, slope


def _leaky(rng, dtype, *shape):
    return normal(rng, dtype, *shape, scale=4.0), 0.3


def _leaky_and_gradient(rng, dtype, *shape):
    return normal(rng, dtype, *shape), normal(rng, dtype, *shape, scale=2.0), 0.3


def _softplus(beta, threshold):
    return lambda rng, dtype, *shape: (normal(rng, dtype, *shape, scale=9.0), beta, threshold)


def _softplus_and_gradient(beta, threshold):
    def make(rng, dtype, *shape):
        return normal(rng, dtype, *shape), normal(rng, dtype, *shape, scale=9.0), beta, threshold

    return make


def _pair(rng, dtype, *shape):
    return normal(rng, dtype, *shape), normal(rng, dtype, *shape, scale=2.0), 1.5, 0.7


def _pair_and_gradient(rng, dtype, *shape):
    return -0.4, *_pair(rng, dtype, *shape)


def _squares(rng, dtype, *shape):
    return *_pair(rng, dtype, *shape)[:2], np.inf, 0.5


def _squares_and_gradient(rng, dtype, *shape):
    return 3.0, *_squares(rng, dtype, *shape)


def _pair_nan(rng, dtype):
    return np.array([np.nan, 1, 0, np.inf, -np.inf, 3], dtype), np.array([1, np.nan, 0, 1, 1, -9], dtype), 1.0, 1.0


def _logits(rng, dtype, *shape):
    return normal(rng, dtype, *shape, scale=9.0), rng.uniform(0, 1, shape).astype(dtype)


def _logits_and_gradient(rng, dtype, *shape):
    return -0.4, *_logits(rng, dtype, *shape)


def _logits_nan(rng, dtype):
    return np.array([np.nan, 1, 200, -200, np.inf, -np.inf, 3], dtype), np.array([1, np.nan, 0, 1, 0, 1, 1], dtype)


def _choice(rng, dtype, *shape):
    return rng.random(shape) < 0.4, normal(rng, dtype, *shape), normal(rng, dtype, *shape)


def _choice_of_numbers(rng, dtype, *shape):
    return rng.random(shape) < 0.4, np.array(2, dtype), np.array(np.nan, dtype)


def _filled(rng, dtype, *shape):
    return rng.random(shape) < 0.4, np.array(-np.inf, dtype), normal(rng, dtype, *shape)


def _positive(rng, dtype, *shape):
    return (np.exp(normal(rng, np.float64, *shape, scale=4.0)).astype(dtype),)


def _sigmoids(rng, dtype, *shape):
    return normal(rng, dtype, *shape), rng.uniform(0, 1, shape).astype(dtype)


def _roots(rng, dtype, *shape):
    return normal(rng, dtype, *shape), rng.uniform(0.1, 3, shape).astype(dtype)


def _roots_of_nothing(rng, dtype):
    return np.array([1, -1, 0, np.nan, 1, 2], dtype), np.array([0, 0, 0, 1, np.nan, np.inf], dtype)


def _tanhs(rng, dtype, *shape):
    return normal(rng, dtype, *shape), rng.uniform(-1, 1, shape).astype(dtype)


def _to_fill(rng, dtype, *shape):
    return np.full(shape, np.nan, dtype), 12345678901234567890


def _dropped(rng, dtype, *shape):
    return normal(rng, dtype, *shape), 0.3, 2**40 + 12345


def _tanhs_dropped(rng, dtype, *shape):
    return *_tanhs(rng, dtype, *shape), 0.3, 2**40 + 12345


def _rows_and_nan(rng, dtype):
    return np.ones((2, 3), dtype), np.array([[np.nan, -1, 0], [2, -np.inf, np.inf]], dtype)


# N x T x S: nothing, one number, four rows and two, several chunks of rows, columns that fill no vector, many columns.
_RUNNING = ((0, 3, 2), (2, 3, 0), (1, 1, 1), (6, 7, 1), (130, 300, 1), (3, 9000, 1), (3, 5, 4), (2, 9, 1100))
_RUNNING_BENCH = (512, 1000, 1)


_DENSE = (
    *sized(_elements_and_gradient, ((0, 3), (1, 1), (5, 17), (40, 300)), (128, 512)),
    Case("nan", _rows_and_nan),
)
_DROPOUT_EDGES = tuple(
    Case(f"p={p}", lambda rng, dtype, p=p: (normal(rng, dtype, 33), p, 2**64 - 1)) for p in (0.0, 0.999, 1.0)
)
_TANH_DROPOUT_EDGES = tuple(
    Case(f"p={p}", lambda rng, dtype, p=p: (*_tanhs(rng, dtype, 33), p, 2**64 - 1)) for p in (0.0, 0.999)
)
_MASKS = ((0,), (5, 0, 2), (1,), (3, 1), (9001,), (95, 201), (3, 70, 1, 101))


def _mask(rng, dtype, *shape):
    return (rng.random(shape) < 0.3,)


def _sparse_mask(rng, dtype, *shape):
    return (rng.random(shape) < 1e-3,)


KERNELS = (
    _arithmetic("add"),
    _arithmetic("divide"),
    _arithmetic("multiply"),
    _arithmetic("subtract"),
    Kernel("cumprod_forward", "cumulative", sized(_matrix, _RUNNING, _RUNNING_BENCH)),
    Kernel("cumsum_forward", "cumulative", sized(_matrix, _RUNNING, _RUNNING_BENCH)),
    Kernel("cumsum_backward", "cumulative", sized(_matrix, _RUNNING, _RUNNING_BENCH)),
    Kernel("cast", "copies", (*sized(_converted, ELEMENTS, ELEMENTS_BENCH), *_WHOLE), rtol32=1e-7),
    Kernel("full", "copies", sized(_filling, ELEMENTS, ELEMENTS_BENCH), rtol32=1e-7),
    Kernel("flip", "copies", sized(_matrix, (*_RUNNING, (1, 20_011, 1), (2, 3, 9001)), _RUNNING_BENCH), rtol32=1e-7),
    Kernel("join_into", "copies", sized(_side_by_side, _JOINED, (2048, 64, 64, 0, 0)), mutates=(0,), rtol32=1e-7),
    Kernel("pad", "copies", sized(_bordered, _BORDERED, (1024, 32, 32, 1, 1, 1, 1)), rtol32=1e-7),
    Kernel(
        "nonzero",
        "nonzero",
        (
            *sized(_mask, _MASKS, (1000, 1000)),
            Case("few", bound(_mask, (3, 4, 5))),
            Case("sparse", bound(_sparse_mask, (20, 1, 3000, 2)), large=True),
        ),
        rtol32=0.0,
        rtol64=0.0,
    ),
    Kernel("outer", "outer", sized(_two_vectors, _OUTER, (256, 512)), rtol32=1e-7),
    Kernel("column_sums", "arithmetic", (*sized(_matrix, _MATRICES, (1024, 65)), *_POSITIVE), rtol32=2e-6),
    Kernel("middle_sums", "arithmetic", sized(_matrix, _MIDDLES, (32, 64, 128)), rtol32=2e-6),
    Kernel("row_sums", "arithmetic", sized(_matrix, (*_MATRICES, (3, 20_011)), (2048, 384)), rtol32=2e-5),
    Kernel("row_products", "reductions", sized(_near_one, (*_ROWS, (3, 0)), (1024, 384))),
    Kernel("row_squares", "reductions", sized(_centred, (*_ROWS, (3, 0)), (1024, 384))),
    *(
        Kernel(
            name,
            "reductions",
            (
                *sized(_extremes(True), sizes, (1024, 384)),
                *(Case(f"smallest {named(size)}", bound(_extremes(False), size), large=True) for size in sizes),
                *(Case(f"{odd} in {D}", bound(_extremes_of, (odd, D))) for odd in (np.nan, np.inf) for D in (7, 150)),
            ),
            rtol32=1e-7,
        )
        for name, sizes in (("row_extremes", _ROWS), ("column_extremes", ((3, 0), *_ROWS[1:], (70_001, 1))))
    ),
    Kernel("shuffle_into", "shuffle", sized(_to_shuffle, _SHUFFLED, (20_000, 19_999, 12_000, -1)), mutates=(0,)),
    Kernel(
        "column_places",
        "reductions",
        (
            *sized(_with_equals(True), _COLUMNS, (8, 256, 128)),
            *(Case(f"smallest {named(size)}", bound(_with_equals(False), size), large=True) for size in _COLUMNS),
            *(Case(f"{odd}", bound(_columns_of, (odd,))) for odd in (np.nan, np.inf)),
        ),
    ),
    Kernel("total", "arithmetic", sized(elements, (*ELEMENTS, (300_007,)), ELEMENTS_BENCH), rtol32=1e-12),
    *(_pointwise(name) for name in ("absolute", "ceil", "floor", "negative", "rint", "sign")),
    _pointwise("clamp", -1.5, 2.0),
    Kernel("erf_forward", "elementwise", (*sized(elements, ELEMENTS, ELEMENTS_BENCH), Case("nan", _with_nan))),
    Kernel("erf_backward", "elementwise", sized(_elements_and_gradient, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("exp_forward", "elementwise", sized(elements, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("log1p_forward", "elementwise", (*sized(_positive, ELEMENTS, ELEMENTS_BENCH), Case("nan", _with_nan))),
    Kernel("log_forward", "elementwise", sized(_positive, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("sigmoid_forward", "elementwise", sized(elements, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("sigmoid_backward", "elementwise", sized(_sigmoids, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("sqrt_forward", "elementwise", (*sized(_positive, ELEMENTS, ELEMENTS_BENCH), Case("nan", _with_nan))),
    Kernel(
        "sqrt_backward",
        "elementwise",
        (*sized(_roots, ELEMENTS, ELEMENTS_BENCH), Case("zero and nan", _roots_of_nothing)),
    ),
    Kernel("tanh_forward", "elementwise", sized(elements, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("tanh_backward", "elementwise", sized(_tanhs, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("relu_forward", "elementwise", (*sized(elements, ELEMENTS, ELEMENTS_BENCH), Case("nan", _with_nan))),
    Kernel("relu_backward", "elementwise", sized(_elements_and_gradient, ELEMENTS, ELEMENTS_BENCH)),
    Kernel(
        "where",
        "elementwise",
        (
            *sized(_choice, ELEMENTS, ELEMENTS_BENCH),
            *(Case(f"numbers {N}", bound(_choice_of_numbers, (N,)), large=N > 3000) for N in (1, 5, 20_011)),
            *(Case(f"filled {N}", bound(_filled, (N,)), large=N > 3000) for N in (1, 5, 20_011)),
        ),
        rtol32=1e-7,
    ),
    Kernel("bias_relu_backward", "elementwise", _DENSE, rtol32=5e-6),
    Kernel("gelu_forward", "gelu", sized(elements, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("gelu_backward", "gelu", sized(_elements_and_gradient, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("tanh_gelu_forward", "gelu", sized(elements, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("tanh_gelu_backward", "gelu", sized(_elements_and_gradient, ELEMENTS, ELEMENTS_BENCH)),
    Kernel("leaky_relu_forward", "rectifiers", (*sized(_leaky, ELEMENTS, ELEMENTS_BENCH), Case("nan", _bent_nan))),
    Kernel(
        "leaky_relu_backward",
        "rectifiers",
        (*sized(_leaky_and_gradient, ELEMENTS, ELEMENTS_BENCH), Case("nan", _gradient_of_nan)),
    ),
    Kernel("elu_forward", "rectifiers", (*sized(_leaky, ELEMENTS, ELEMENTS_BENCH), Case("nan", _bent_nan))),
    Kernel(
        "elu_backward",
        "rectifiers",
        (*sized(_leaky_and_gradient, ELEMENTS, ELEMENTS_BENCH), Case("nan", _gradient_of_nan)),
    ),
    Kernel("silu_forward", "rectifiers", (*sized(elements, ELEMENTS, ELEMENTS_BENCH), Case("nan", _with_nan))),
    Kernel("silu_backward", "rectifiers", sized(_elements_and_gradient, ELEMENTS, ELEMENTS_BENCH)),
    Kernel(
        "softplus_forward",
        "rectifiers",
        (
            *sized(_softplus(1.0, 20.0), ELEMENTS, ELEMENTS_BENCH),
            *(Case(f"beta={b}", bound(_softplus(b, t), (4000,))) for b, t in ((2.5, 3.0), (-1.0, np.inf))),
            Case("nan", lambda rng, dtype: (*_with_nan(rng, dtype), 1.0, 20.0)),
        ),
    ),
    Kernel(
        "softplus_backward",
        "rectifiers",
        (
            *sized(_softplus_and_gradient(1.0, 20.0), ELEMENTS, ELEMENTS_BENCH),
            *(Case(f"beta={b}", bound(_softplus_and_gradient(b, t), (4000,))) for b, t in ((2.5, 3.0), (-1.0, np.inf))),
        ),
    ),
    Kernel(
        "huber_forward",
        "huber",
        (
            *sized(_pair, ELEMENTS, ELEMENTS_BENCH),
            Case("squares", bound(_squares, (4000,))),
            Case("nan", _pair_nan),
        ),
    ),
    Kernel(
        "huber_backward",
        "huber",
        (
            *sized(_pair_and_gradient, ELEMENTS, ELEMENTS_BENCH),
            Case("squares", bound(_squares_and_gradient, (4000,))),
            Case("nan", lambda rng, dtype: (2.0, *_pair_nan(rng, dtype))),
        ),
    ),
    Kernel("normal_into", "normal", sized(_to_fill, ELEMENTS, ELEMENTS_BENCH), mutates=(0,), rtol64=2e-6),
    Kernel("bce_forward", "bce", (*sized(_logits, ELEMENTS, ELEMENTS_BENCH), Case("nan", _logits_nan))),
    Kernel(
        "bce_backward",
        "bce",
        (
            *sized(_logits_and_gradient, ELEMENTS, ELEMENTS_BENCH),
            Case("nan", lambda rng, dtype: (2.0, *_logits_nan(rng, dtype))),
        ),
    ),
    Kernel("dropout_forward", "dropout", (*sized(_dropped, ELEMENTS, ELEMENTS_BENCH), *_DROPOUT_EDGES)),
    Kernel("dropout_backward", "dropout", (*sized(_dropped, ELEMENTS, ELEMENTS_BENCH), *_DROPOUT_EDGES)),
    Kernel("tanh_dropout_forward", "dropout", (*sized(_dropped, ELEMENTS, ELEMENTS_BENCH), *_DROPOUT_EDGES[:2])),
    Kernel(
        "tanh_dropout_backward",
        "dropout",
        (*sized(_tanhs_dropped, ELEMENTS, ELEMENTS_BENCH), *_TANH_DROPOUT_EDGES),
    ),
)

"""Softmax and losses of classes: cases of rows of scores."""

import numpy as np

from .case import Case, Kernel, normal, sized

# Rows x vocabulary. 300 x 65 is cut into several blocks of rows, 3 x 10007 into one row each. From one vector to
# 128, 256 or 512 columns, depending on its lanes, rows go together: of 33, one is left alone.
_ROWS = (
    *((0, 5), (1, 1), (3, 0), (1, 17), (7, 16), (5, 65), (300, 65), (3, 10007)),
    *((33, 7), (33, 31), (16, 128), (5, 129), (16, 256), (7, 512), (5, 513)),
)
_ROWS_BENCH = (2048, 65)


def _scores(rng, dtype, N, V):
    return (normal(rng, dtype, N, V, scale=4.0),)


def _probabilities(rng, dtype, N, V):
    e = np.exp(normal(rng, np.float64, N, V, scale=2.0))
    return normal(rng, dtype, N, V), (e / e.sum(axis=1, keepdims=True)).astype(dtype)


def _log_probabilities(rng, dtype, N, V):
    dy, y = _probabilities(rng, np.float64, N, V)
    return dy.astype(dtype), np.log(y).astype(dtype)


def _log_sums(rng, dtype, N, V):
    x = normal(rng, dtype, N, V, scale=4.0)
    y = np.log(np.exp(x.astype(np.float64)).sum(axis=1)) if V else np.full(N, -np.inf)
    return normal(rng, dtype, N), x, y.astype(dtype)


def _infinities(rng, dtype):
    """Rows of 40: of infinities alone, among numbers, and beside one that is unknown."""
    x = normal(rng, dtype, 8, 40)
    x[0], x[1], x[2, 3], x[3, 4] = -np.inf, np.inf, -np.inf, np.inf
    x[4], x[5, 7], x[6, :] = -np.inf, np.nan, np.inf
    x[4, 39], x[6, 0] = np.nan, np.nan
    return (x,)


def _infinities_backward(rng, dtype):
    (x,) = _infinities(rng, dtype)
    sums = np.log(np.exp(x[[2, 7]].astype(np.float64)).sum(axis=1))
    y = np.array([-np.inf, np.inf, sums[0], np.inf, np.nan, np.nan, np.nan, sums[1]], dtype)
    return normal(rng, dtype, 8), x, y


def _targets(rng, N, V):
    """Classes, with every fifth row ignored."""
    return np.where(np.arange(N) % 5 == 4, -100, rng.integers(0, max(V, 1), N))


def _classified(rng, dtype, N, V):
    return normal(rng, dtype, N, V, scale=4.0), _targets(rng, N, V)


def _classified_backward(rng, dtype, N, V):
    logits = normal(rng, dtype, N, V, scale=4.0)
    logsumexp = np.log(np.exp(logits.astype(np.float64)).sum(axis=1)).astype(dtype)
    return normal(rng, dtype, N), logits, logsumexp, _targets(rng, N, V)


def _classified_at_once(rng, dtype, N, V):
    return *_classified(rng, dtype, N, V), 1 / max(N, 1)


def _best(rng, dtype, N, D, k, largest):
    return normal(rng, dtype, N, D), k, largest


def _best_of_equals(rng, dtype, largest):
    x = rng.integers(0, 4, (40, 30)).astype(dtype)
    x[::3, ::7], x[1::3, 4::5], x[2::3, ::2] = np.nan, np.inf, -np.inf
    x[3::6, 7] = -x[3::6, 7]  # NaN of the other sign
    x[:, 8] *= -1  # zeros of the other sign
    return x, 9, largest


# Nothing, none, all, one of one row that is longer than a chunk, several chunks of rows.
_BEST = ((0, 5, 2), (3, 5, 0), (1, 1, 1), (4, 6, 6), (2, 9001, 3), (300, 70, 5))
_EQUALS = [Case(f"equals {flag}", lambda rng, dtype, flag=flag: _best_of_equals(rng, dtype, flag)) for flag in (0, 1)]

# Nothing, one number, blocks of columns that fill no vector, whole ones and a rest, many classes.
_COLUMNS = ((0, 3, 2), (2, 3, 0), (1, 1, 1), (2, 5, 7), (3, 7, 300), (2, 1001, 33), (1, 2, 4501))
_COLUMNS_BENCH = (16, 32, 784)


def _of_columns(make):
    """Cases of arrays (N, V, S), of what makes rows."""

    def given(rng, dtype, N, V, S):
        arrays = (np.moveaxis(a.reshape(N, S, *a.shape[1:]), 1, -1) for a in make(rng, dtype, N * S, V))
        return tuple(map(np.ascontiguousarray, arrays))

    return given


def _columns_at_once(rng, dtype, N, V, S):
    return *_of_columns(_classified)(rng, dtype, N, V, S), 1 / max(N * S, 1)


_HUGE_COLUMNS = Case("huge", lambda rng, dtype: (np.tile(np.array(_HUGE, dtype)[..., None], (1, 1, 20)),))
_CLASSES = tuple(size for size in _ROWS if size != (3, 0))  # without classes there is no target
_HUGE = ((1e4, 0, -1e4), (-1e4, -1e4, -1e4), (3e4, 3e4, 0))
_EXTREME = [Case(f"huge {n}", lambda rng, dtype, n=n: (np.tile(np.array(_HUGE, dtype), n),)) for n in (1, 11)]

KERNELS = (
    Kernel("softmax_forward", "softmax", (*sized(_scores, _ROWS, _ROWS_BENCH), *_EXTREME)),
    Kernel("softmax_backward", "softmax", sized(_probabilities, _ROWS, _ROWS_BENCH)),
    Kernel("log_softmax_forward", "softmax", (*sized(_scores, _ROWS, _ROWS_BENCH), *_EXTREME)),
    Kernel("log_softmax_backward", "softmax", sized(_log_probabilities, _ROWS, _ROWS_BENCH), rtol32=1e-5),
    Kernel(
        "logsumexp_forward",
        "softmax",
        (*sized(_scores, _ROWS, _ROWS_BENCH), *_EXTREME, Case("infinities", _infinities)),
    ),
    Kernel(
        "logsumexp_backward",
        "softmax",
        (*sized(_log_sums, _ROWS, _ROWS_BENCH), Case("infinities", _infinities_backward)),
    ),
    *(
        Kernel(
            f"column_{name}_forward", "columns", (*sized(_of_columns(_scores), _COLUMNS, _COLUMNS_BENCH), _HUGE_COLUMNS)
        )
        for name in ("softmax", "log_softmax")
    ),
    Kernel("column_softmax_backward", "columns", sized(_of_columns(_probabilities), _COLUMNS, _COLUMNS_BENCH)),
    Kernel(
        "column_log_softmax_backward",
        "columns",
        sized(_of_columns(_log_probabilities), _COLUMNS, _COLUMNS_BENCH),
        rtol32=1e-5,
    ),
    Kernel("column_cross_entropy_forward", "columns", sized(_of_columns(_classified), _COLUMNS, _COLUMNS_BENCH)),
    Kernel(
        "column_cross_entropy_with_gradient", "columns", sized(_columns_at_once, _COLUMNS, _COLUMNS_BENCH), rtol32=5e-6
    ),
    Kernel("cross_entropy_forward", "cross_entropy", sized(_classified, _CLASSES, _ROWS_BENCH)),
    Kernel("cross_entropy_backward", "cross_entropy", sized(_classified_backward, _CLASSES, _ROWS_BENCH), rtol32=5e-6),
    Kernel(
        "cross_entropy_with_gradient", "cross_entropy", sized(_classified_at_once, _CLASSES, _ROWS_BENCH), rtol32=5e-6
    ),
    Kernel(
        "topk",
        "topk",
        (
            *sized(_best, [(*size, True) for size in _BEST], (4096, 256, 5, True)),
            *sized(_best, [(*size, False) for size in _BEST], (4096, 256, 5, False)),
            *_EQUALS,
        ),
    ),
)

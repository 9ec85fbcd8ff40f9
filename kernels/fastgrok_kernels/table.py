"""Every kernel with its reference and its cases: what the tests, the gates and the benchmarks enumerate.

A case builds the positional arguments of one call. Sizes are chosen for what they may break: nothing at all, one
element, sizes that fill no vector, more than one block or chunk, and for the benchmarks those of a language model.
"""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["KERNELS", "Case", "Kernel"]


@dataclass(frozen=True)
class Case:
    """One call of a kernel: `make(rng, dtype)` builds its arguments, with floating-point arrays of `dtype`.

    `bench` marks the sizes for benchmarks; `large` cases, and those, are left out where kernels run as plain Python.
    """

    id: str
    make: Callable[[np.random.Generator, np.dtype], tuple]
    bench: bool = False
    large: bool = False


@dataclass(frozen=True)
class Kernel:
    """A public kernel. `mutates` are the positions of the arguments that it writes to.

    Outputs, and arguments written to, may differ from the reference, computed in float64, by `rtol32` or `rtol64`
    times the largest magnitude of the tensor compared.
    """

    name: str
    module: str
    cases: tuple[Case, ...]
    mutates: tuple[int, ...] = ()
    rtol32: float = 2e-6
    rtol64: float = 1e-13

    @property
    def fast(self) -> Callable:
        """The kernel itself, loaded on first use."""
        return getattr(importlib.import_module(f"{__package__}.{self.module}"), self.name)

    @property
    def reference(self) -> Callable:
        """The same function in plain NumPy."""
        return getattr(importlib.import_module(f"{__package__}.reference.{self.module}"), self.name)

    def rtol(self, dtype: np.dtype) -> float:
        """The tolerance for arguments of `dtype`."""
        return self.rtol32 if np.dtype(dtype) == np.float32 else self.rtol64


# ---------------------------------------------------------------------------------------------------- building cases


def _normal(rng, dtype, *shape, scale=1.0):
    return (scale * rng.standard_normal(shape)).astype(dtype)


def _sized(make, sizes, bench):
    """Cases of `make(rng, dtype, *size)`; cases of more than 3,000 elements are large."""
    cases = [Case(_name(size), _bound(make, size), large=math.prod(size) > 3000) for size in sizes]
    return (*cases, Case(f"bench-{_name(bench)}", _bound(make, bench), bench=True))


def _bound(make, size):
    return lambda rng, dtype: make(rng, dtype, *size)


def _name(size):
    return "x".join(map(str, size))


# ---------------------------------------------------------------------------------------------------- rows of scores

# Rows x vocabulary. 300 x 65 is cut into several blocks of rows, 3 x 10007 into one row each.
_ROWS = ((0, 5), (1, 1), (3, 0), (1, 17), (7, 16), (5, 65), (300, 65), (3, 10007))
_ROWS_BENCH = (2048, 65)


def _scores(rng, dtype, N, V):
    return (_normal(rng, dtype, N, V, scale=4.0),)


def _probabilities(rng, dtype, N, V):
    e = np.exp(_normal(rng, np.float64, N, V, scale=2.0))
    return _normal(rng, dtype, N, V), (e / e.sum(axis=1, keepdims=True)).astype(dtype)


def _log_probabilities(rng, dtype, N, V):
    dy, y = _probabilities(rng, np.float64, N, V)
    return dy.astype(dtype), np.log(y).astype(dtype)


def _targets(rng, N, V):
    """Classes, with every fifth row ignored."""
    return np.where(np.arange(N) % 5 == 4, -100, rng.integers(0, max(V, 1), N))


def _classified(rng, dtype, N, V):
    return _normal(rng, dtype, N, V, scale=4.0), _targets(rng, N, V)


def _classified_backward(rng, dtype, N, V):
    logits = _normal(rng, dtype, N, V, scale=4.0)
    logsumexp = np.log(np.exp(logits.astype(np.float64)).sum(axis=1)).astype(dtype)
    return _normal(rng, dtype, N), logits, logsumexp, _targets(rng, N, V)


_CLASSES = tuple(size for size in _ROWS if size != (3, 0))  # without classes there is no target
_EXTREME = Case("huge", lambda rng, dtype: (np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4], [3e4, 3e4, 0]], dtype),))

_SOFTMAX = (
    Kernel("softmax_forward", "softmax", (*_sized(_scores, _ROWS, _ROWS_BENCH), _EXTREME)),
    Kernel("softmax_backward", "softmax", _sized(_probabilities, _ROWS, _ROWS_BENCH)),
    Kernel("log_softmax_forward", "softmax", (*_sized(_scores, _ROWS, _ROWS_BENCH), _EXTREME)),
    Kernel("log_softmax_backward", "softmax", _sized(_log_probabilities, _ROWS, _ROWS_BENCH), rtol32=1e-5),
    Kernel("cross_entropy_forward", "softmax", _sized(_classified, _CLASSES, _ROWS_BENCH)),
    Kernel("cross_entropy_backward", "softmax", _sized(_classified_backward, _CLASSES, _ROWS_BENCH), rtol32=5e-6),
)

# ---------------------------------------------------------------------------------------------------- embedding

# N x V x D. A table of 1000 x 70 is a large one, with its ids shared out; 40 columns are cut in two.
_LOOKUPS = ((0, 5, 3), (1, 1, 1), (3, 7, 0), (9, 5, 16), (21, 4, 33), (1300, 65, 40), (700, 1000, 70))
_LOOKUPS_BENCH = (2048, 65, 64)


def _lookup(rng, dtype, N, V, D):
    return _normal(rng, dtype, V, D), rng.integers(0, V, N)


def _scatter(rng, dtype, N, V, D):
    return _normal(rng, dtype, N, D), rng.integers(0, V, N), V


def _scatter_words(rng, dtype, N, V, D):
    """Ids of words, of which a few are frequent (Zipf)."""
    return _normal(rng, dtype, N, D), np.minimum(rng.zipf(1.3, N) - 1, V - 1).astype(np.int64), V


_EMBEDDING = (
    Kernel(
        "embedding_forward",
        "embedding",
        (
            *_sized(_lookup, _LOOKUPS, _LOOKUPS_BENCH),
            Case("threads", _bound(_lookup, (1300, 65, 520)), large=True),  # copying less is not worth a second core
        ),
        rtol32=0.0,
        rtol64=0.0,
    ),
    Kernel(
        "embedding_backward",
        "embedding",
        (
            *_sized(_scatter, _LOOKUPS, _LOOKUPS_BENCH),
            Case("few-of-many", _bound(_scatter, (3, 70_000, 1))),
            Case("bench-words", lambda rng, dtype: _scatter_words(rng, dtype, 8192, 20000, 64), bench=True),
        ),
        rtol32=2e-5,  # up to a few thousand rows are added in float32
    ),
)

# ---------------------------------------------------------------------------------------------------- single elements

# 20,000 elements are more than one chunk of any of these kernels.
_ELEMENTS = ((0,), (1,), (17,), (3, 16), (5, 7, 11), (20_011,))
_ELEMENTS_BENCH = (32, 64, 512)
_PARAMETER_BENCH = (2048, 1024)


def _elements(rng, dtype, *shape):
    return (_normal(rng, dtype, *shape, scale=4.0),)


def _elements_and_gradient(rng, dtype, *shape):
    return _normal(rng, dtype, *shape), _normal(rng, dtype, *shape, scale=2.0)


def _positive(rng, dtype, *shape):
    return (np.exp(_normal(rng, np.float64, *shape, scale=4.0)).astype(dtype),)


def _sigmoids(rng, dtype, *shape):
    return _normal(rng, dtype, *shape), rng.uniform(0, 1, shape).astype(dtype)


def _tanhs(rng, dtype, *shape):
    return _normal(rng, dtype, *shape), rng.uniform(-1, 1, shape).astype(dtype)


def _dropped(rng, dtype, *shape):
    return _normal(rng, dtype, *shape), 0.3, 2**40 + 12345


_DROPOUT_EDGES = tuple(
    Case(f"p={p}", lambda rng, dtype, p=p: (_normal(rng, dtype, 33), p, 2**64 - 1)) for p in (0.0, 0.999, 1.0)
)
_ELEMENTWISE = (
    Kernel("exp_forward", "elementwise", _sized(_elements, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("log_forward", "elementwise", _sized(_positive, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("sigmoid_forward", "elementwise", _sized(_elements, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("sigmoid_backward", "elementwise", _sized(_sigmoids, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("tanh_forward", "elementwise", _sized(_elements, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("tanh_backward", "elementwise", _sized(_tanhs, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("gelu_forward", "gelu", _sized(_elements, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("gelu_backward", "gelu", _sized(_elements_and_gradient, _ELEMENTS, _ELEMENTS_BENCH)),
    Kernel("dropout_forward", "dropout", (*_sized(_dropped, _ELEMENTS, _ELEMENTS_BENCH), *_DROPOUT_EDGES)),
    Kernel("dropout_backward", "dropout", (*_sized(_dropped, _ELEMENTS, _ELEMENTS_BENCH), *_DROPOUT_EDGES)),
)

# ---------------------------------------------------------------------------------------------------- updates


def _scaled(rng, dtype, *shape):
    return _normal(rng, dtype, *shape), 0.37


def _sgd(rng, dtype, *shape):
    return _normal(rng, dtype, *shape), _normal(rng, dtype, *shape), 0.1, 0.01


def _momentum(nesterov, first):
    def make(rng, dtype, *shape):
        p, g, velocity = (_normal(rng, dtype, *shape) for _ in range(3))
        return p, g, velocity, 0.1, 0.9, 0.0 if nesterov else 0.2, 0.01, nesterov, first

    return make


def _adam(step, weight_decay):
    def make(rng, dtype, *shape):
        p, m, g = (_normal(rng, dtype, *shape) for _ in range(3))
        return p, m, np.square(_normal(rng, dtype, *shape)), g, 0.003, 0.9, 0.999, 1e-8, weight_decay, step

    return make


def _first_adam(rng, dtype):
    p, m, v, *others = _adam(1, 0.1)(rng, dtype, 33)
    return p, np.zeros_like(m), np.zeros_like(v), *others


_ADAM_CASES = (
    *_sized(_adam(7, 0.0), _ELEMENTS, _PARAMETER_BENCH),
    Case("decay", _bound(_adam(1000, 0.1), (33,))),
    Case("first", _first_adam),
)
_MOMENTUM_CASES = (
    *_sized(_momentum(False, False), _ELEMENTS, _PARAMETER_BENCH),
    Case("first", _bound(_momentum(False, True), (33,))),
    Case("nesterov", _bound(_momentum(True, False), (33,))),
    Case("nesterov-first", _bound(_momentum(True, True), (33,))),
)


def _rmsprop(momentum, centered):
    def make(rng, dtype, *shape):
        p, mean, velocity, g = (_normal(rng, dtype, *shape) for _ in range(4))
        square = np.square(mean) + 1 + np.square(_normal(rng, dtype, *shape))  # the variance is far from 0
        return p, square, mean, velocity, g, 0.01, 0.9, 1e-8, 0.1, momentum, centered

    return make


def _adagrad(rng, dtype, *shape):
    p, total, g = (_normal(rng, dtype, *shape) for _ in range(3))
    return p, np.square(total), g, 0.01, 1e-10, 0.1


def _adadelta(rng, dtype, *shape):
    p, square, moved, g = (_normal(rng, dtype, *shape) for _ in range(4))
    return p, np.square(square), np.square(moved), g, 1.0, 0.9, 1e-6, 0.1


def _adamax(rng, dtype, *shape):
    p, m, norm, g = (_normal(rng, dtype, *shape) for _ in range(4))
    return p, m, np.abs(norm), g, 0.003, 0.9, 0.999, 1e-8, 0.1, 7


def _nadam(rng, dtype, *shape):
    p, m, v, g = (_normal(rng, dtype, *shape) for _ in range(4))
    return p, m, np.square(v), g, 0.001, 0.002, 0.9, 0.999, 1e-8, 0.99, 0.1, 7


_RMSPROP_CASES = (
    *_sized(_rmsprop(0.0, False), _ELEMENTS, _PARAMETER_BENCH),
    *(
        Case(f"{name}-{_name(size)}", _bound(_rmsprop(momentum, centered), size), large=size[0] > 3000)
        for name, momentum, centered in (("momentum", 0.5, False), ("centered", 0.0, True), ("both", 0.5, True))
        for size in ((33,), (20_011,))
    ),
    Case("bench-both", _bound(_rmsprop(0.5, True), _PARAMETER_BENCH), bench=True),
)
_UPDATES = (
    Kernel("sum_of_squares", "clip", _sized(_elements, _ELEMENTS, _PARAMETER_BENCH), rtol32=1e-12),
    Kernel("scale_into", "clip", _sized(_scaled, _ELEMENTS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("sgd_into", "update", _sized(_sgd, _ELEMENTS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("momentum_into", "update", _MOMENTUM_CASES, mutates=(0, 2)),
    Kernel("adam_into", "update", _ADAM_CASES, mutates=(0, 1, 2)),
    Kernel("adamw_into", "update", _ADAM_CASES, mutates=(0, 1, 2)),
    Kernel("rmsprop_into", "update_adaptive", _RMSPROP_CASES, mutates=(0, 1, 2, 3)),
    Kernel("adagrad_into", "update_adaptive", _sized(_adagrad, _ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1)),
    Kernel("adadelta_into", "update_adaptive", _sized(_adadelta, _ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1, 2)),
    Kernel("adamax_into", "update_adaptive", _sized(_adamax, _ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1, 2)),
    Kernel("nadam_into", "update_adaptive", _sized(_nadam, _ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1, 2)),
)

# ---------------------------------------------------------------------------------------------------- products

# M x K x N: nothing, single elements, every edge of the tile, more than one depth of a panel, and several runs of rows.
_PRODUCTS = ((0, 3, 2), (2, 0, 3), (1, 1, 1), (3, 5, 7), (9, 4, 33), (13, 257, 31), (70, 300, 65), (300, 40, 130))
_PRODUCTS_BENCH = ((512, 512, 512), (32, 512, 2048), (2048, 512, 65))
_FLAGS = tuple((transpose_a, transpose_b) for transpose_a in (False, True) for transpose_b in (False, True))


def _factors(transpose_a, transpose_b):
    def make(rng, dtype, M, K, N):
        a = _normal(rng, dtype, *((K, M) if transpose_a else (M, K)))
        b = _normal(rng, dtype, *((N, K) if transpose_b else (K, N)))
        return a, b, transpose_a, transpose_b

    return make


def _product_cases():
    for transpose_a, transpose_b in _FLAGS:
        make, flags = _factors(transpose_a, transpose_b), f"{'T' if transpose_a else 'N'}{'T' if transpose_b else 'N'}"
        for size in _PRODUCTS:
            yield Case(f"{_name(size)}-{flags}", _bound(make, size), large=math.prod(size) > 20_000)
    for size in _PRODUCTS_BENCH:
        yield Case(f"bench-{_name(size)}", _bound(_factors(False, True), size), bench=True)


def _into(accumulate):
    def make(rng, dtype, M, K, N):
        return _normal(rng, dtype, M, N), *_factors(True, False)(rng, dtype, M, K, N), accumulate

    return make


_MATMUL = (
    Kernel("matmul", "matmul", tuple(_product_cases()), rtol32=5e-6),
    Kernel(
        "matmul_into",
        "matmul",
        (
            *(
                Case(f"{_name(size)}-{add}", _bound(_into(add), size))
                for size in ((2, 0, 3), (9, 4, 33))
                for add in (False, True)
            ),
            Case("bench-512x512x512", _bound(_into(True), (512, 512, 512)), bench=True),
        ),
        mutates=(0,),
        rtol32=5e-6,
    ),
)

# ---------------------------------------------------------------------------------------------------- recurrent layers

# N x D x H, for 3 or 4 gates. 16 units are one block; 37 units fill two and a part; 272 rows are more than one depth.
_GATES = ((0, 3, 5), (1, 1, 1), (3, 5, 16), (5, 33, 37), (272, 20, 48), (40, 300, 70))
_GATES_BENCH = (512, 512, 512)


def _blocked(rows, H):
    """Gates (N, G, H) -> (J, N, G, 16), padded with zeros, as kernels keep them."""
    N, G, _ = rows.shape
    J = -(-H // 16)
    padded = np.zeros((N, G, J * 16), rows.dtype)
    padded[:, :, :H] = rows
    return np.ascontiguousarray(padded.reshape(N, G, J, 16).transpose(2, 0, 1, 3))


def _gates(rng, dtype, N, G, H, scale=1.0):
    return _blocked(_normal(rng, dtype, N, G, H, scale=scale), H)


def _projection(rng, dtype, N, D, H):
    return _normal(rng, dtype, N, D), _normal(rng, dtype, 4 * H, D), _normal(rng, dtype, 4 * H), 4


def _from_gates(rng, dtype, N, D, H):
    return _gates(rng, dtype, N, 4, H), _normal(rng, dtype, 4 * H, D)


def _gates_and_rows(rng, dtype, N, D, H):
    return _gates(rng, dtype, N, 4, H), _normal(rng, dtype, N, D), H


def _gates_alone(rng, dtype, N, D, H):
    return _gates(rng, dtype, N, 4, H), H


def _gates_by_id(rng, dtype, N, D, H):
    return _gates(rng, dtype, N, 4, H), rng.integers(0, D, N), D


# T x B x H with V rows of inputs. A batch that fills no tiles is not split, but 208 units are.
_WINDOWS = ((0, 2, 5, 3), (2, 0, 5, 3), (1, 1, 1, 1), (3, 5, 16, 4), (4, 3, 37, 20), (3, 18, 40, 7), (2, 9, 208, 65))
_WINDOWS_BENCH = ((16, 32, 512, 65), (16, 16, 128, 65))


def _window(rng, dtype, T, B, H, V):
    w = _normal(rng, dtype, 4 * H, H, scale=H**-0.5)
    return (
        _gates(rng, dtype, V, 4, H),
        rng.integers(0, V, (T, B)),
        w,
        _normal(rng, dtype, B, H),
        _normal(rng, dtype, B, H),
    )


def _window_backward(rng, dtype, T, B, H, V):
    dout, dh_n, dc_n = _normal(rng, dtype, T, B, H), _normal(rng, dtype, B, H), _normal(rng, dtype, B, H)
    gates = rng.uniform(0, 1, (T * B, 4, H)).astype(dtype)
    gates[:, 2] = 2 * gates[:, 2] - 1
    w = _normal(rng, dtype, 4 * H, H, scale=H**-0.5)
    return dout, dh_n, dc_n, w, _normal(rng, dtype, T + 1, B, H), _blocked(gates, H)


def _states(rng, dtype, T, B, H, V, G):
    """What both recurrences without cell states begin with: inputs, ids, weights."""
    w = _normal(rng, dtype, G * H, H, scale=H**-0.5)
    return _normal(rng, dtype, V, G * H), rng.integers(0, V, (T, B)), w


def _rnn(relu):
    def make(rng, dtype, T, B, H, V):
        return *_states(rng, dtype, T, B, H, V, 1), _normal(rng, dtype, B, H), relu

    return make


def _rnn_backward(relu):
    def make(rng, dtype, T, B, H, V):
        dout, dh_n, w = _normal(rng, dtype, T, B, H), _normal(rng, dtype, B, H), _states(rng, dtype, T, B, H, V, 1)[2]
        h = rng.uniform(-1, 1, (T + 1, B, H)).astype(dtype)
        return dout, dh_n, w, np.maximum(h, 0) if relu else h, relu

    return make


def _gru(rng, dtype, T, B, H, V):
    return *_states(rng, dtype, T, B, H, V, 3), _normal(rng, dtype, H), _normal(rng, dtype, B, H)


def _gru_backward(rng, dtype, T, B, H, V):
    dout, dh_n, w = _normal(rng, dtype, T, B, H), _normal(rng, dtype, B, H), _states(rng, dtype, T, B, H, V, 3)[2]
    gates = rng.uniform(0, 1, (T, B, 4, H))
    gates[:, :, 2:] = 2 * gates[:, :, 2:] - 1
    return dout, dh_n, w, _normal(rng, dtype, T + 1, B, H), gates.astype(dtype)


def _sampler(layers, temperature, top_k, top_p):
    def make(rng, dtype, D, H, V, n):
        sizes = [D, *[H] * (layers - 1)]
        scale = H**-0.5  # larger weights make the recurrence chaotic: rounding errors would grow from step to step
        weights = tuple(
            (
                _normal(rng, dtype, 4 * H, d, scale=scale),
                _normal(rng, dtype, 4 * H, H, scale=scale),
                _normal(rng, dtype, 4 * H),
            )
            for d in sizes
        )
        state = [_normal(rng, dtype, layers, H) for _ in range(2)]
        start, uniforms = rng.integers(0, V, 3), rng.random(n)
        out = _normal(rng, dtype, V, H), _normal(rng, dtype, V)
        return _normal(rng, dtype, V, D), weights, *out, start, uniforms, temperature, top_k, top_p, *state

    return make


_RECURRENT = (
    Kernel("gates_forward", "gates", _sized(_projection, _GATES, _GATES_BENCH), rtol32=5e-6),
    Kernel("gates_backward_input", "gates", _sized(_from_gates, _GATES, _GATES_BENCH), rtol32=5e-6),
    Kernel("gates_backward_weight", "gates", _sized(_gates_and_rows, _GATES, _GATES_BENCH), rtol32=5e-6),
    Kernel("gates_backward_bias", "gates", _sized(_gates_alone, _GATES, _GATES_BENCH), rtol32=1e-5),
    Kernel("gates_sum_rows", "gates", _sized(_gates_by_id, _GATES, (512, 65, 512)), rtol32=1e-5),
    Kernel(
        "lstm_forward",
        "lstm",
        (
            *_sized(_window, _WINDOWS, _WINDOWS_BENCH[0]),
            *_sized(_window, (), _WINDOWS_BENCH[1]),
            Case("units", _bound(_window, (1, 2, 208, 3))),  # not large: the only way into slices of units without JIT
        ),
        rtol32=1e-5,
    ),
    Kernel(
        "lstm_backward",
        "lstm",
        (
            *_sized(_window_backward, _WINDOWS, _WINDOWS_BENCH[0]),
            *_sized(_window_backward, (), _WINDOWS_BENCH[1]),
            Case("units", _bound(_window_backward, (1, 2, 208, 3))),
        ),
        rtol32=1e-5,
    ),
    *(
        Kernel(
            name,
            name[:3],
            (
                *_sized(make, _WINDOWS, (32, 32, 256, 65)),
                Case("units", _bound(make, (1, 2, 208, 3))),
                *(Case(f"relu-{_name(size)}", _bound(relu, size)) for size in ((2, 3, 17, 3), (3, 2, 32, 4)) if relu),
            ),
            rtol32=1e-5,
        )
        for name, make, relu in (
            ("rnn_forward", _rnn(False), _rnn(True)),
            ("rnn_backward", _rnn_backward(False), _rnn_backward(True)),
            ("gru_forward", _gru, None),
            ("gru_backward", _gru_backward, None),
        )
    ),
    Kernel(
        "lstm_generate",
        "generate",
        (
            Case("nothing", _bound(_sampler(1, 1.0, 0, 1.0), (3, 5, 7, 0))),
            Case("greedy", _bound(_sampler(1, 0.0, 0, 1.0), (3, 5, 7, 9))),
            Case("two-layers", _bound(_sampler(2, 0.8, 0, 1.0), (3, 37, 40, 30))),
            Case("top-k", _bound(_sampler(1, 1.5, 3, 1.0), (3, 16, 33, 30))),
            Case("top-p", _bound(_sampler(1, 1.0, 0, 0.5), (3, 16, 33, 30))),
            Case("top-k-top-p", _bound(_sampler(3, 2.0, 5, 0.8), (3, 5, 9, 30))),
            Case("bench-H512", _bound(_sampler(1, 0.8, 0, 1.0), (64, 512, 65, 200)), bench=True),
        ),
        rtol32=1e-5,
    ),
)

KERNELS = (*_MATMUL, *_SOFTMAX, *_EMBEDDING, *_RECURRENT, *_ELEMENTWISE, *_UPDATES)

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

# ---------------------------------------------------------------------------------------------------- images


def _outputs(size, kernel_size, stride, padding, dilation):
    """Rows and columns of the result of a convolution with the same padding on both sides."""
    return tuple((size[i] + 2 * padding[i] - dilation[i] * (kernel_size[i] - 1) - 1) // stride[i] + 1 for i in range(2))


# B x C x O, R x S, K x L, stride, padding, dilation, groups: nothing, one pixel, each setting for itself and together,
# more channels than a panel, more rows of weights than one product, more rows than a scratch, one row, one column.
_CONVOLUTIONS = {
    "no-batch": (0, 2, 3, (4, 5), (3, 3), (1, 1), (0, 0), (1, 1), 1),
    "pixel": (1, 1, 1, (1, 1), (1, 1), (1, 1), (0, 0), (1, 1), 1),
    "only-padding": (1, 1, 2, (1, 1), (1, 1), (1, 1), (2, 1), (1, 1), 1),
    "plain": (2, 3, 5, (5, 6), (3, 2), (1, 1), (0, 0), (1, 1), 1),
    "padding": (2, 2, 3, (4, 5), (3, 3), (1, 1), (2, 1), (1, 1), 1),
    "stride": (2, 3, 4, (6, 7), (3, 2), (2, 3), (1, 0), (1, 1), 1),
    "far-stride": (1, 1, 2, (5, 7), (1, 2), (3, 4), (0, 0), (1, 1), 1),
    "dilation": (1, 3, 4, (6, 7), (2, 3), (1, 1), (1, 2), (3, 2), 1),
    "groups": (2, 4, 6, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), 2),
    "depthwise": (2, 3, 6, (4, 5), (3, 2), (2, 1), (1, 1), (1, 2), 3),
    "row": (2, 3, 4, (1, 12), (1, 3), (1, 2), (0, 1), (1, 1), 1),
    "column": (2, 2, 3, (12, 2), (3, 2), (1, 1), (0, 0), (1, 1), 1),
    "panels": (3, 17, 35, (6, 7), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "vectors": (2, 16, 16, (7, 9), (3, 3), (2, 1), (1, 1), (1, 1), 1),
    "deep": (2, 70, 33, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "deep-back": (2, 5, 300, (5, 5), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "slices": (2, 24, 20, (60, 40), (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "images": (40, 3, 16, (6, 6), (3, 3), (1, 1), (1, 1), (1, 1), 1),
}
_CONVOLUTIONS_BENCH = {
    "bench-1-channel": (64, 1, 16, (28, 28), (5, 5), (1, 1), (2, 2), (1, 1), 1),
    "bench-16-channels": (32, 16, 32, (28, 28), (3, 3), (1, 1), (1, 1), (1, 1), 1),
}


def _convolved(rng, dtype, B, C, O, image, kernel, stride, padding, dilation, groups):
    size = _outputs(image, kernel, stride, padding, dilation)
    x, w = _normal(rng, dtype, B, *image, C), _normal(rng, dtype, O, C // groups, *kernel)
    return x, w, _normal(rng, dtype, O), size, stride, padding, dilation, groups


def _convolved_input(rng, dtype, B, C, O, image, kernel, *geometry):
    dy = _normal(rng, dtype, B, *_outputs(image, kernel, *geometry[:3]), O)
    return dy, _normal(rng, dtype, O, C // geometry[3], *kernel), image, *geometry


def _convolved_weight(rng, dtype, B, C, O, image, kernel, *geometry):
    dy = _normal(rng, dtype, B, *_outputs(image, kernel, *geometry[:3]), O)
    return dy, _normal(rng, dtype, B, *image, C), kernel, *geometry


def _unfolded(rng, dtype, B, C, O, image, kernel, stride, padding, dilation, groups):
    size = _outputs(image, kernel, stride, padding, dilation)
    return _normal(rng, dtype, B, C, *image), kernel, size, stride, padding, dilation


def _folded(rng, dtype, B, C, O, image, kernel, stride, padding, dilation, groups):
    size = _outputs(image, kernel, stride, padding, dilation)
    columns = _normal(rng, dtype, B, C * math.prod(kernel), math.prod(size))
    return columns, kernel, size, image, stride, padding, dilation


def _images(make):
    for id, size in _CONVOLUTIONS.items():
        yield Case(id, _bound(make, size), large=math.prod((*size[:3], *size[3], *size[4])) > 5000)
    for id, size in _CONVOLUTIONS_BENCH.items():
        yield Case(id, _bound(make, size), bench=True)


def _windows(length, kernel, stride, padding, dilation=1):
    """The bounds of windows along one axis."""
    count = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    starts = np.arange(count) * stride - padding
    ends = np.minimum(starts + dilation * (kernel - 1) + 1, length)
    return np.stack([np.where(starts < 0, starts % dilation, starts), ends], axis=1)


# B x C, R x S, kernel, stride, padding, dilation. The last but two has windows of which nothing lies in the image.
_POOLS = (
    (0, 3, (4, 4), 2, 2, 0, 1),
    (1, 1, (1, 1), 1, 1, 0, 1),
    (2, 3, (5, 6), 2, 2, 0, 1),
    (2, 17, (5, 6), 3, 2, 1, 1),
    (1, 5, (6, 7), 3, 1, 1, 2),
    (1, 3, (1, 2), 2, 1, 2, 3),
    (3, 16, (9, 7), 2, 3, 1, 1),
    (5, 40, (20, 17), 3, 2, 1, 1),
)
_POOLS_BENCH = (128, 16, (28, 28), 2, 2, 0, 1)


def _max_pooled(rng, dtype, B, C, image, kernel, stride, padding, dilation):
    rows, columns = (_windows(length, kernel, stride, padding, dilation) for length in image)
    return _normal(rng, dtype, B, *image, C), rows, columns, (dilation, dilation)


def _max_pooled_nan(rng, dtype):
    x, *windows = _max_pooled(rng, dtype, *_POOLS[3])
    x[rng.random(x.shape) < 0.1] = np.nan
    x[rng.random(x.shape) < 0.5] = -np.inf
    x[rng.random(x.shape) < 0.2] = 1.0
    return x, *windows


def _max_pooled_backward(rng, dtype, *size):
    x, rows, columns, _ = _max_pooled(rng, dtype, *size)
    index = rng.integers(-1, x.shape[1] * x.shape[2], (len(x), len(rows), len(columns), x.shape[3]))
    dy = _normal(rng, dtype, *index.shape)
    return dy, index.astype(np.int32 if dtype == np.float32 else np.int64), x.shape[1:3]


def _avg_pooled(rng, dtype, *size):
    x, rows, columns, _ = _max_pooled(rng, dtype, *size)
    return x, rows, columns, rng.integers(1, 9, (len(rows), len(columns))).astype(dtype)


def _avg_pooled_backward(rng, dtype, *size):
    x, rows, columns, divisors = _avg_pooled(rng, dtype, *size)
    return _normal(rng, dtype, len(x), *divisors.shape, x.shape[3]), rows, columns, divisors, x.shape[1:3]


def _pooled(make):
    for size in _POOLS:
        name = f"{size[0]}x{size[1]}x{_name(size[2])}-k{size[3]}s{size[4]}p{size[5]}d{size[6]}"
        yield Case(name, _bound(make, size), large=math.prod((*size[:2], *size[2])) > 3000)
    yield Case("bench-28x28", _bound(make, _POOLS_BENCH), bench=True)


# N x C. 50,000 x 3 are several blocks of wide rows, the last of them short; 7 x 300 have wide rows of one row each.
_NORMALISED = ((0, 5), (3, 0), (1, 1), (1, 16), (5, 3), (300, 7), (7, 300), (50_000, 3), (40, 1500))
_NORMALISED_BENCH = ((25088, 32), (512, 512))  # batch norm of 32 images of 28 x 28, layer norm of 512 words


def _columns(rng, dtype, N, C):
    return (_normal(rng, dtype, N, C) + _normal(rng, dtype, C, scale=10.0),)


def _statistics(rng, dtype, C):
    return _normal(rng, dtype, C), (0.5 + rng.random(C)).astype(dtype)


def _batch_normed(rng, dtype, N, C):
    return *_columns(rng, dtype, N, C), *_statistics(rng, dtype, C), *_statistics(rng, dtype, C)[::-1]


def _batch_normed_sums(rng, dtype, N, C):
    return _normal(rng, dtype, N, C), _normal(rng, dtype, N, C), *_statistics(rng, dtype, C)


def _batch_normed_backward(rng, dtype, N, C):
    return *_batch_normed_sums(rng, dtype, N, C), *(_normal(rng, dtype, C) for _ in range(3))


def _layer_normed(rng, dtype, N, D):
    return _normal(rng, dtype, N, D), _normal(rng, dtype, D), _normal(rng, dtype, D), 1e-5


def _layer_normed_backward(rng, dtype, N, D):
    mean, rstd = _statistics(rng, dtype, N)
    return _normal(rng, dtype, N, D), _normal(rng, dtype, N, D), mean, rstd, _normal(rng, dtype, D)


def _normed(name, make, rtol32, bench=_NORMALISED_BENCH[0]):
    return Kernel(name, "norm", _sized(make, _NORMALISED, bench), rtol32=rtol32)


def _matrices(rng, dtype, B, M, N):
    return (_normal(rng, dtype, B, M, N),)


_SWAPPED = ((0, 3, 4), (2, 1, 5), (2, 3, 4), (1, 17, 300), (3, 16, 784))
_IMAGES = (
    Kernel("conv_forward", "conv", tuple(_images(_convolved)), rtol32=5e-6),
    Kernel("conv_backward_input", "conv", tuple(_images(_convolved_input)), rtol32=5e-6),
    Kernel("conv_backward_weight", "conv", tuple(_images(_convolved_weight)), rtol32=1e-5),
    Kernel("swap_axes", "layout", _sized(_matrices, _SWAPPED, (32, 16, 784)), rtol32=0.0, rtol64=0.0),
    Kernel("patches_forward", "patches", tuple(_images(_unfolded)), rtol32=0.0, rtol64=0.0),
    Kernel("patches_backward", "patches", tuple(_images(_folded))),
    Kernel(
        "max_pool_forward",
        "pool",
        (*_pooled(_max_pooled), Case("nan", _max_pooled_nan)),
        rtol32=0.0,
        rtol64=0.0,
    ),
    Kernel("max_pool_backward", "pool", tuple(_pooled(_max_pooled_backward))),
    Kernel("avg_pool_forward", "pool", tuple(_pooled(_avg_pooled))),
    Kernel("avg_pool_backward", "pool", tuple(_pooled(_avg_pooled_backward))),
    _normed("batch_norm_statistics", _columns, 2e-6),
    _normed("batch_norm_forward", _batch_normed, 2e-6),
    _normed("batch_norm_backward_sums", _batch_normed_sums, 1e-5),
    _normed("batch_norm_backward_input", _batch_normed_backward, 2e-6),
    _normed("layer_norm_forward", _layer_normed, 5e-6, _NORMALISED_BENCH[1]),
    _normed("layer_norm_backward", _layer_normed_backward, 1e-5, _NORMALISED_BENCH[1]),
)

KERNELS = (*_MATMUL, *_SOFTMAX, *_EMBEDDING, *_RECURRENT, *_ELEMENTWISE, *_UPDATES, *_IMAGES)

"""Recurrent layers: projections, windows, generation."""

import numpy as np

from .case import Case, Kernel, bound, named, normal, sized

# N x D x H, for 3 or 4 gates. 16 units are one block; 37 units fill two and a part, 150 more than one group;
# 520 rows or columns are more than one depth.
_GATES = (
    (0, 3, 5),
    (1, 1, 1),
    (3, 5, 16),
    (5, 33, 37),
    (272, 20, 48),
    (40, 300, 70),
    (520, 5, 20),
    (3, 520, 17),
    (3, 40, 150),
)
_GATES_BENCH = (512, 512, 512)


def _blocked(rows, H):
    """Gates (N, G, H) -> (J, N, G, 16), padded with zeros, as kernels keep them."""
    N, G, _ = rows.shape
    J = -(-H // 16)
    padded = np.zeros((N, G, J * 16), rows.dtype)
    padded[:, :, :H] = rows
    return np.ascontiguousarray(padded.reshape(N, G, J, 16).transpose(2, 0, 1, 3))


def _gates(rng, dtype, N, G, H, scale=1.0):
    return _blocked(normal(rng, dtype, N, G, H, scale=scale), H)


def _projection(rng, dtype, N, D, H):
    return normal(rng, dtype, N, D), normal(rng, dtype, 4 * H, D), normal(rng, dtype, 4 * H), 4


def _from_gates(rng, dtype, N, D, H):
    return _gates(rng, dtype, N, 4, H), normal(rng, dtype, 4 * H, D)


def _gates_and_rows(rng, dtype, N, D, H):
    return _gates(rng, dtype, N, 4, H), normal(rng, dtype, N, D), H


def _gates_alone(rng, dtype, N, D, H):
    return _gates(rng, dtype, N, 4, H), H


def _gates_by_id(rng, dtype, N, V, H):
    return _gates(rng, dtype, N, 4, H), rng.integers(0, V, N), normal(rng, dtype, V, H), H


# T x B x H with V rows of inputs. A batch that fills no tiles is not split, but 208 units are.
_WINDOWS = ((0, 2, 5, 3), (2, 0, 5, 3), (1, 1, 1, 1), (3, 5, 16, 4), (4, 3, 37, 20), (3, 18, 40, 7), (2, 9, 208, 65))
_WINDOWS_BENCH = ((16, 32, 512, 65), (16, 16, 128, 65))


def _window(rng, dtype, T, B, H, V):
    w = normal(rng, dtype, 4 * H, H, scale=H**-0.5)
    return (
        _gates(rng, dtype, V, 4, H),
        rng.integers(0, V, (T, B)),
        w,
        normal(rng, dtype, B, H),
        normal(rng, dtype, B, H),
    )


def _window_backward(rng, dtype, T, B, H, V):
    dout, dh_n, dc_n = normal(rng, dtype, T, B, H), normal(rng, dtype, B, H), normal(rng, dtype, B, H)
    gates = rng.uniform(0, 1, (T * B, 4, H)).astype(dtype)
    gates[:, 2] = 2 * gates[:, 2] - 1
    w = normal(rng, dtype, 4 * H, H, scale=H**-0.5)
    return dout, dh_n, dc_n, w, normal(rng, dtype, T + 1, B, H), _blocked(gates, H)


def _states(rng, dtype, T, B, H, V, G):
    """What both recurrences without cell states begin with: inputs, ids, weights."""
    w = normal(rng, dtype, G * H, H, scale=H**-0.5)
    return normal(rng, dtype, V, G * H), rng.integers(0, V, (T, B)), w


def _rnn(relu):
    def make(rng, dtype, T, B, H, V):
        return *_states(rng, dtype, T, B, H, V, 1), normal(rng, dtype, B, H), relu

    return make


def _rnn_backward(relu):
    def make(rng, dtype, T, B, H, V):
        dout, dh_n, w = normal(rng, dtype, T, B, H), normal(rng, dtype, B, H), _states(rng, dtype, T, B, H, V, 1)[2]
        h = rng.uniform(-1, 1, (T + 1, B, H)).astype(dtype)
        return dout, dh_n, w, np.maximum(h, 0) if relu else h, relu

    return make


def _gru(rng, dtype, T, B, H, V):
    return *_states(rng, dtype, T, B, H, V, 3), normal(rng, dtype, H), normal(rng, dtype, B, H)


def _gru_backward(rng, dtype, T, B, H, V):
    dout, dh_n, w = normal(rng, dtype, T, B, H), normal(rng, dtype, B, H), _states(rng, dtype, T, B, H, V, 3)[2]
    gates = rng.uniform(0, 1, (T, B, 4, H))
    gates[:, :, 2:] = 2 * gates[:, :, 2:] - 1
    return dout, dh_n, w, normal(rng, dtype, T + 1, B, H), gates.astype(dtype)


def _sampler(layers, temperature, top_k, top_p):
    def make(rng, dtype, D, H, V, n):
        sizes = [D, *[H] * (layers - 1)]
        scale = H**-0.5  # larger weights make the recurrence chaotic: rounding errors would grow from step to step
        weights = tuple(
            (
                normal(rng, dtype, 4 * H, d, scale=scale),
                normal(rng, dtype, 4 * H, H, scale=scale),
                normal(rng, dtype, 4 * H),
            )
            for d in sizes
        )
        state = [normal(rng, dtype, layers, H) for _ in range(2)]
        start, uniforms = rng.integers(0, V, 3), rng.random(n)
        out = normal(rng, dtype, V, H), normal(rng, dtype, V)
        return normal(rng, dtype, V, D), weights, *out, start, uniforms, temperature, top_k, top_p, *state

    return make


KERNELS = (
    Kernel("gates_forward", "gates", sized(_projection, _GATES, _GATES_BENCH), rtol32=5e-6),
    Kernel("gates_backward_input", "gates", sized(_from_gates, _GATES, _GATES_BENCH), rtol32=5e-6),
    Kernel("gates_backward_weight", "gates", sized(_gates_and_rows, _GATES, _GATES_BENCH), rtol32=5e-6),
    Kernel("gates_backward_bias", "gates", sized(_gates_alone, _GATES, _GATES_BENCH), rtol32=1e-5),
    Kernel("gates_backward_table", "gates", sized(_gates_by_id, _GATES, (512, 65, 512)), rtol32=1e-5),
    Kernel(
        "lstm_forward",
        "lstm",
        (
            *sized(_window, _WINDOWS, _WINDOWS_BENCH[0]),
            *sized(_window, (), _WINDOWS_BENCH[1]),
            Case("units", bound(_window, (1, 2, 208, 3))),  # not large: the only way into slices of units without JIT
        ),
        rtol32=1e-5,
    ),
    Kernel(
        "lstm_backward",
        "lstm",
        (
            *sized(_window_backward, _WINDOWS, _WINDOWS_BENCH[0]),
            *sized(_window_backward, (), _WINDOWS_BENCH[1]),
            Case("units", bound(_window_backward, (1, 2, 208, 3))),
        ),
        rtol32=1e-5,
    ),
    *(
        Kernel(
            name,
            name[:3],
            (
                *sized(make, _WINDOWS, (32, 32, 256, 65)),
                Case("units", bound(make, (1, 2, 208, 3))),
                *(Case(f"relu-{named(size)}", bound(relu, size)) for size in ((2, 3, 17, 3), (3, 2, 32, 4)) if relu),
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
            Case("nothing", bound(_sampler(1, 1.0, 0, 1.0), (3, 5, 7, 0))),
            Case("greedy", bound(_sampler(1, 0.0, 0, 1.0), (3, 5, 7, 9))),
            Case("two-layers", bound(_sampler(2, 0.8, 0, 1.0), (3, 37, 40, 30))),
            Case("top-k", bound(_sampler(1, 1.5, 3, 1.0), (3, 16, 33, 30))),
            Case("top-p", bound(_sampler(1, 1.0, 0, 0.5), (3, 16, 33, 30))),
            Case("top-k-top-p", bound(_sampler(3, 2.0, 5, 0.8), (3, 5, 9, 30))),
            Case("bench-H512", bound(_sampler(1, 0.8, 0, 1.0), (64, 512, 65, 200)), bench=True),
        ),
        rtol32=1e-5,
    ),
)

"""Steps of optimizers, norms of gradients, and other changes in place."""

import numpy as np

from .case import Case, Kernel, bound, named, normal, sized
from .elements import ELEMENTS, elements

_PARAMETER_BENCH = (2048, 1024)


def _scaled(rng, dtype, *shape):
    return normal(rng, dtype, *shape), 0.37


def _runs(rng, dtype, *shape):
    """An array, and a run that is as long as its last axis; no number of the run is close to 0."""
    return normal(rng, dtype, *shape), np.abs(normal(rng, dtype, shape[-1])) + 1


def _added(rng, dtype, *shape):
    return *_runs(rng, dtype, *shape), 0.37


def _sgd(rng, dtype, *shape):
    return normal(rng, dtype, *shape), normal(rng, dtype, *shape), 0.1, 0.01


def _momentum(nesterov, first):
    def make(rng, dtype, *shape):
        p, g, velocity = (normal(rng, dtype, *shape) for _ in range(3))
        return p, g, velocity, 0.1, 0.9, 0.0 if nesterov else 0.2, 0.01, nesterov, first

    return make


def _adam(step, weight_decay):
    def make(rng, dtype, *shape):
        p, m, g = (normal(rng, dtype, *shape) for _ in range(3))
        return p, m, np.square(normal(rng, dtype, *shape)), g, 0.003, 0.9, 0.999, 1e-8, weight_decay, step

    return make


def _first_adam(rng, dtype):
    p, m, v, *others = _adam(1, 0.1)(rng, dtype, 33)
    return p, np.zeros_like(m), np.zeros_like(v), *others


_ADAM_CASES = (
    *sized(_adam(7, 0.0), ELEMENTS, _PARAMETER_BENCH),
    Case("decay", bound(_adam(1000, 0.1), (33,))),
    Case("first", _first_adam),
)
_MOMENTUM_CASES = (
    *sized(_momentum(False, False), ELEMENTS, _PARAMETER_BENCH),
    Case("first", bound(_momentum(False, True), (33,))),
    Case("nesterov", bound(_momentum(True, False), (33,))),
    Case("nesterov-first", bound(_momentum(True, True), (33,))),
)


def _rmsprop(momentum, centered, inner=0.0):
    def make(rng, dtype, *shape):
        p, mean, velocity, g = (normal(rng, dtype, *shape) for _ in range(4))
        square = np.square(mean) + 1 + np.square(normal(rng, dtype, *shape))  # the variance is far from 0
        return p, square, mean, velocity, g, 0.01, 0.9, 1e-8, inner, 0.1, momentum, centered

    return make


def _adagrad(rng, dtype, *shape):
    p, total, g = (normal(rng, dtype, *shape) for _ in range(3))
    return p, np.square(total), g, 0.01, 1e-10, 0.1


def _adadelta(rng, dtype, *shape):
    p, square, moved, g = (normal(rng, dtype, *shape) for _ in range(4))
    return p, np.square(square), np.square(moved), g, 1.0, 0.9, 1e-6, 0.1


def _adamax(rng, dtype, *shape):
    p, m, norm, g = (normal(rng, dtype, *shape) for _ in range(4))
    return p, m, np.abs(norm), g, 0.003, 0.9, 0.999, 1e-8, 0.1, 7


def _nadam(rng, dtype, *shape):
    p, m, v, g = (normal(rng, dtype, *shape) for _ in range(4))
    return p, m, np.square(v), g, 0.001, 0.002, 0.9, 0.999, 1e-8, 0.99, 0.1, 7


_RMSPROP_CASES = (
    *sized(_rmsprop(0.0, False), ELEMENTS, _PARAMETER_BENCH),
    *(
        Case(f"{name}-{named(size)}", bound(_rmsprop(momentum, centered), size), large=size[0] > 3000)
        for name, momentum, centered in (("momentum", 0.5, False), ("centered", 0.0, True), ("both", 0.5, True))
        for size in ((33,), (20_011,))
    ),
    Case("inner", bound(_rmsprop(0.0, False, 0.5), (33,))),
    Case("inner-both", bound(_rmsprop(0.5, True, 0.5), (33,))),
    Case("bench-both", bound(_rmsprop(0.5, True), _PARAMETER_BENCH), bench=True),
)
_RUNS = (*ELEMENTS, (3, 1), (2, 3, 1000), (9, 8192), (1000, 17), (2, 10_007))
KERNELS = (
    Kernel("sum_of_squares", "clip", sized(elements, ELEMENTS, _PARAMETER_BENCH), rtol32=1e-12),
    Kernel("scale_into", "clip", sized(_scaled, ELEMENTS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("add_into", "in_place", sized(_added, _RUNS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("at_least_into", "in_place", sized(_runs, _RUNS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("multiply_into", "in_place", sized(_runs, _RUNS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("divide_into", "in_place", sized(_runs, _RUNS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("copy_into", "in_place", sized(_runs, _RUNS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("sgd_into", "update", sized(_sgd, ELEMENTS, _PARAMETER_BENCH), mutates=(0,)),
    Kernel("momentum_into", "update", _MOMENTUM_CASES, mutates=(0, 2)),
    Kernel("adam_into", "update", _ADAM_CASES, mutates=(0, 1, 2)),
    Kernel("adamw_into", "update", _ADAM_CASES, mutates=(0, 1, 2)),
    Kernel("rmsprop_into", "update_adaptive", _RMSPROP_CASES, mutates=(0, 1, 2, 3)),
    Kernel("adagrad_into", "update_adaptive", sized(_adagrad, ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1)),
    Kernel("adadelta_into", "update_adaptive", sized(_adadelta, ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1, 2)),
    Kernel("adamax_into", "update_adaptive", sized(_adamax, ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1, 2)),
    Kernel("nadam_into", "update_adaptive", sized(_nadam, ELEMENTS, _PARAMETER_BENCH), mutates=(0, 1, 2)),
)

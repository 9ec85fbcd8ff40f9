"""One optimizer step for one parameter, in place, in a single pass over memory.

The formulas are PyTorch's (`torch.optim.SGD`, `Adam`, `AdamW`, read in their documentation). Arrays are contiguous, of
any one shape, and all of the dtype of the parameter; the hyperparameters are Python numbers and are rounded to it once.
"""

import functools
import math

from . import jit

__all__ = ["adam_into", "adamw_into", "momentum_into", "sgd_into"]

CHUNK = 1 << 13  # elements per parallel iteration: four float32 arrays of it fit in half of a core's second-level cache


def sgd_into(p, g, lr, weight_decay):
    """p -= lr (g + weight_decay p).

    `p`, `g` (...) of one shape, float32 or float64: the parameter, written, and its gradient.
    """
    if p.size:
        _sgd_chunks(p.reshape(-1), g.reshape(-1), float(lr), float(weight_decay))


def momentum_into(p, g, velocity, lr, momentum, dampening, weight_decay, nesterov, first):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013, in PyTorch's form).

    d = g + weight_decay p; velocity = d on the `first` step, else momentum velocity + (1 - dampening) d;
    p -= lr (d + momentum velocity if `nesterov` else velocity).

    `p`, `g`, `velocity` (...) of one shape, float32 or float64; `p` and `velocity` are written.
    """
    if not p.size:
        return
    # Coefficients of the old velocity and of d in the new velocity, then of d and of the new velocity in the step.
    old, new = (0, 1) if first else (momentum, 1 - dampening)
    direct, indirect = (1, momentum) if nesterov else (0, 1)
    if first:
        velocity.fill(0)
    constants = [float(c) for c in (lr, weight_decay, old, new, direct, indirect)]
    _momentum_chunks(p.reshape(-1), g.reshape(-1), velocity.reshape(-1), *constants)


def adam_into(p, m, v, g, lr, beta1, beta2, eps, weight_decay, step):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient.

    d = g + weight_decay p; m += (1 - beta1) (d - m); v = beta2 v + (1 - beta2) d^2;
    p -= lr / (1 - beta1^step) m / (sqrt(v / (1 - beta2^step)) + eps).

    `p`, `m`, `v`, `g` (...) of one shape, float32 or float64; all but the gradient `g` are written.
    `step` counts from 1.
    """
    if p.size:
        constants = _adam_constants(float(lr), float(beta1), float(beta2), float(eps), 1.0, float(weight_decay), step)
        _adam_chunks(p.reshape(-1), m.reshape(-1), v.reshape(-1), g.reshape(-1), *constants)


def adamw_into(p, m, v, g, lr, beta1, beta2, eps, weight_decay, step):
    """AdamW (Loshchilov and Hutter 2019): p *= 1 - lr weight_decay, then the step of `adam_into` without weight decay.

    `p`, `m`, `v`, `g` (...) of one shape, float32 or float64; all but the gradient `g` are written.
    `lr`, `beta1`, `beta2`, `eps` and `step`, which counts from 1, as in `adam_into`.
    """
    if p.size:
        shrink = 1 - float(lr) * float(weight_decay)
        constants = _adam_constants(float(lr), float(beta1), float(beta2), float(eps), shrink, 0.0, step)
        _adam_chunks(p.reshape(-1), m.reshape(-1), v.reshape(-1), g.reshape(-1), *constants)


@functools.lru_cache(maxsize=8)  # the same for all parameters of a step
def _adam_constants(lr, beta1, beta2, eps, shrink, weight_decay, step):
    """Both forms of Adam are one loop: p = shrink p first, and d = g + weight_decay p."""
    step_size = lr / (1 - beta1**step)
    root_scale = 1 / math.sqrt(1 - beta2**step)
    return step_size, 1 - beta1, beta2, 1 - beta2, root_scale, eps, shrink, weight_decay


@jit.serial
def _sgd_step(p, g, lr, weight_decay):
    real = p.dtype.type
    lr, weight_decay = real(lr), real(weight_decay)
    for i in range(p.size):
        p[i] -= lr * (g[i] + weight_decay * p[i])


@jit.serial
def _momentum_step(p, g, velocity, lr, weight_decay, old, new, direct, indirect):
    real = p.dtype.type
    lr, weight_decay = real(lr), real(weight_decay)
    old, new, direct, indirect = real(old), real(new), real(direct), real(indirect)
    for i in range(p.size):
        d = g[i] + weight_decay * p[i]
        speed = old * velocity[i] + new * d
        velocity[i] = speed
        p[i] -= lr * (direct * d + indirect * speed)


@jit.serial
def _adam_step(p, m, v, g, step_size, rest1, beta2, rest2, root_scale, eps, shrink, weight_decay):
    real = p.dtype.type
    step_size, rest1, beta2, rest2 = real(step_size), real(rest1), real(beta2), real(rest2)
    root_scale, eps, shrink, weight_decay = real(root_scale), real(eps), real(shrink), real(weight_decay)
    for i in range(p.size):
        x = shrink * p[i]
        d = g[i] + weight_decay * x
        mean = m[i] + rest1 * (d - m[i])
        square = beta2 * v[i] + rest2 * d * d
        m[i] = mean
        v[i] = square
        p[i] = x - step_size * mean / (root_scale * math.sqrt(square) + eps)


# Tried: m and v of Adam written past the caches, which leaves room for what a step needs next. With H = 512, where
# both are 17 MB, training steps took 0.99 to 1.00 of the time.
# A slice is taken before each loop: indices into the whole array would keep Numba's test for negative ones, and with it
# the loop scalar (measured on Adam: 2.5 against 0.5 ms for 2.2 million parameters).


@jit.parallel(work=lambda p, *_: 0.1 * p.size)
def _sgd_chunks(p, g, lr, weight_decay):
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _sgd_step(p[low:high], g[low:high], lr, weight_decay)


@jit.parallel(work=lambda p, *_: 0.25 * p.size)
def _momentum_chunks(p, g, velocity, lr, weight_decay, old, new, direct, indirect):
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _momentum_step(p[low:high], g[low:high], velocity[low:high], lr, weight_decay, old, new, direct, indirect)


@jit.parallel(work=lambda p, *_: 0.4 * p.size)
def _adam_chunks(p, m, v, g, step_size, rest1, beta2, rest2, root_scale, eps, shrink, weight_decay):
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _adam_step(
            p[low:high], m[low:high], v[low:high], g[low:high],
            step_size, rest1, beta2, rest2, root_scale, eps, shrink, weight_decay,
        )  # fmt: skip

"""One step of the optimizers that keep a scale per element, other than Adam, in place, in one pass over memory.

The formulas are PyTorch's (`torch.optim.RMSprop`, `Adagrad`, `Adadelta`, `Adamax` and `NAdam`, read in their
documentation). Arrays are contiguous, of any one shape, and all of the dtype of the parameter; the hyperparameters are
Python numbers and are rounded to it once. With weight decay, d = g + weight_decay p takes the place of the gradient g.
"""

import math

from . import jit

__all__ = ["adadelta_into", "adagrad_into", "adamax_into", "nadam_into", "rmsprop_into"]

CHUNK = 1 << 13  # elements per parallel iteration, as in update.py


def rmsprop_into(p, square, mean, velocity, g, lr, alpha, eps, inner, weight_decay, momentum, centered):
    """RMSprop (Tieleman and Hinton 2012; centered: Graves 2013).

    square = alpha square + (1 - alpha) d^2; mean likewise of d; variance = square, less mean^2 if `centered`;
    scale = sqrt(variance + inner) + eps; velocity = momentum velocity + d / scale; p -= lr velocity. PyTorch has an
    `eps` outside the root, Keras one inside.

    `p`, `square`, `mean`, `velocity`, `g` (...) of one shape, float32 or float64; all but the gradient `g` are written.
    `mean` is left alone unless `centered`, and `velocity` unless `momentum` > 0: any array of the shape will do there.
    `lr`, `alpha`, `eps`, `inner` and `weight_decay` are numbers.
    """
    if p.size:
        constants = [float(c) for c in (lr, alpha, 1 - alpha, eps, inner, weight_decay, momentum)]
        arrays = [array.reshape(-1) for array in (p, square, mean, velocity, g)]
        _rmsprop_chunks(*arrays, *constants, bool(centered), momentum > 0)


def adagrad_into(p, total, g, lr, eps, weight_decay):
    """Adagrad (Duchi, Hazan and Singer 2011): total += d^2; p -= lr d / (sqrt(total) + eps).

    `p`, `total`, `g` (...) of one shape, float32 or float64; all but the gradient `g` are written.
    `lr`, `eps` and `weight_decay` are numbers.
    """
    if p.size:
        _adagrad_chunks(p.reshape(-1), total.reshape(-1), g.reshape(-1), float(lr), float(eps), float(weight_decay))


def adadelta_into(p, square, moved, g, lr, rho, eps, weight_decay):
    """Adadelta (Zeiler 2012).

    square = rho square + (1 - rho) d^2; x = sqrt((moved + eps) / (square + eps)) d;
    moved = rho moved + (1 - rho) x^2; p -= lr x.

    `p`, `square`, `moved`, `g` (...) of one shape, float32 or float64; all but the gradient `g` are written.
    `lr`, `rho`, `eps` and `weight_decay` are numbers.
    """
    if p.size:
        constants = [float(c) for c in (lr, rho, 1 - rho, eps, weight_decay)]
        _adadelta_chunks(p.reshape(-1), square.reshape(-1), moved.reshape(-1), g.reshape(-1), *constants)


def adamax_into(p, m, norm, g, lr, beta1, beta2, eps, weight_decay, step):
    """Adamax (Kingma and Ba 2015, section 7.1).

    m += (1 - beta1) (d - m); norm = max(beta2 norm, |d| + eps); p -= lr / (1 - beta1^step) m / norm.

    `p`, `m`, `norm`, `g` (...) of one shape, float32 or float64; all but the gradient `g` are written.
    `step` counts from 1; `lr`, `beta1`, `beta2`, `eps` and `weight_decay` are numbers.
    """
    if p.size:
        constants = [float(c) for c in (lr / (1 - beta1**step), 1 - beta1, beta2, eps, weight_decay)]
        _adamax_chunks(p.reshape(-1), m.reshape(-1), norm.reshape(-1), g.reshape(-1), *constants)


def nadam_into(p, m, v, g, rate, rate_m, beta1, beta2, eps, shrink, weight_decay, step):
    """NAdam (Dozat 2016): Adam that looks ahead along its momentum.

    p = shrink p; m += (1 - beta1) (d - m); v = beta2 v + (1 - beta2) d^2;
    p -= (rate d + rate_m m) / (sqrt(v / (1 - beta2^step)) + eps).

    `p`, `m`, `v`, `g` (...) of one shape, float32 or float64; all but the gradient `g` are written.
    `step` counts from 1; `rate`, `rate_m`, `beta1`, `beta2`, `eps`, `shrink` and `weight_decay` are numbers.
    """
    if p.size:
        root_scale = 1 / math.sqrt(1 - beta2**step)
        constants = [
            float(c) for c in (rate, rate_m, 1 - beta1, beta2, 1 - beta2, root_scale, eps, shrink, weight_decay)
        ]
        _nadam_chunks(p.reshape(-1), m.reshape(-1), v.reshape(-1), g.reshape(-1), *constants)


# The flags are the same for all elements: the compiler makes a loop of its own for each of their values.


@jit.serial
def _rmsprop_step(
    p, square, mean, velocity, g, lr, alpha, rest, eps, inner, weight_decay, momentum, centered, builds_up
):  # fmt: skip
    real = p.dtype.type
    lr, alpha, rest, eps, inner = real(lr), real(alpha), real(rest), real(eps), real(inner)
    weight_decay, momentum = real(weight_decay), real(momentum)
    for i in range(p.size):
        d = g[i] + weight_decay * p[i]
        variance = alpha * square[i] + rest * d * d
        square[i] = variance
        if centered:
            centre = mean[i] + rest * (d - mean[i])
            mean[i] = centre
            variance -= centre * centre
        d /= math.sqrt(variance + inner) + eps
        if builds_up:
            d += momentum * velocity[i]
            velocity[i] = d
        p[i] -= lr * d


@jit.serial
def _adagrad_step(p, total, g, lr, eps, weight_decay):
    real = p.dtype.type
    lr, eps, weight_decay = real(lr), real(eps), real(weight_decay)
    for i in range(p.size):
        d = g[i] + weight_decay * p[i]
        square = total[i] + d * d
        total[i] = square
        p[i] -= lr * d / (math.sqrt(square) + eps)


@jit.serial
def _adadelta_step(p, square, moved, g, lr, rho, rest, eps, weight_decay):
    real = p.dtype.type
    lr, rho, rest, eps, weight_decay = real(lr), real(rho), real(rest), real(eps), real(weight_decay)
    for i in range(p.size):
        d = g[i] + weight_decay * p[i]
        mean = rho * square[i] + rest * d * d
        x = math.sqrt(moved[i] + eps) / math.sqrt(mean + eps) * d
        square[i] = mean
        moved[i] = rho * moved[i] + rest * x * x
        p[i] -= lr * x


@jit.serial
def _adamax_step(p, m, norm, g, step_size, rest1, beta2, eps, weight_decay):
    real = p.dtype.type
    step_size, rest1, beta2, eps, weight_decay = (
        real(step_size),
        real(rest1),
        real(beta2),
        real(eps),
        real(weight_decay),
    )
    for i in range(p.size):
        d = g[i] + weight_decay * p[i]
        mean = m[i] + rest1 * (d - m[i])
        faded, size = beta2 * norm[i], abs(d) + eps
        largest = faded if faded > size else size  # NaN gradients stay NaN
        m[i] = mean
        norm[i] = largest
        p[i] -= step_size * mean / largest


@jit.serial
def _nadam_step(p, m, v, g, rate, rate_m, rest1, beta2, rest2, root_scale, eps, shrink, weight_decay):
    real = p.dtype.type
    rate, rate_m, rest1, beta2, rest2 = real(rate), real(rate_m), real(rest1), real(beta2), real(rest2)
    root_scale, eps, shrink, weight_decay = real(root_scale), real(eps), real(shrink), real(weight_decay)
    for i in range(p.size):
        x = shrink * p[i]
        d = g[i] + weight_decay * x
        mean = m[i] + rest1 * (d - m[i])
        square = beta2 * v[i] + rest2 * d * d
        m[i] = mean
        v[i] = square
        p[i] = x - (rate * d + rate_m * mean) / (root_scale * math.sqrt(square) + eps)


# Slices are taken before each loop, for the reason given in update.py.


@jit.parallel(work=lambda p, *_: 0.5 * p.size)
def _rmsprop_chunks(
    p, square, mean, velocity, g, lr, alpha, rest, eps, inner, weight_decay, momentum, centered, builds_up
):  # fmt: skip
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _rmsprop_step(
            p[low:high], square[low:high], mean[low:high], velocity[low:high], g[low:high],
            lr, alpha, rest, eps, inner, weight_decay, momentum, centered, builds_up,
        )  # fmt: skip


@jit.parallel(work=lambda p, *_: 0.3 * p.size)
def _adagrad_chunks(p, total, g, lr, eps, weight_decay):
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _adagrad_step(p[low:high], total[low:high], g[low:high], lr, eps, weight_decay)


@jit.parallel(work=lambda p, *_: 0.5 * p.size)
def _adadelta_chunks(p, square, moved, g, lr, rho, rest, eps, weight_decay):
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _adadelta_step(
            p[low:high], square[low:high], moved[low:high], g[low:high], lr, rho, rest, eps, weight_decay
        )  # fmt: skip


@jit.parallel(work=lambda p, *_: 0.4 * p.size)
def _adamax_chunks(p, m, norm, g, step_size, rest1, beta2, eps, weight_decay):
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _adamax_step(p[low:high], m[low:high], norm[low:high], g[low:high], step_size, rest1, beta2, eps, weight_decay)


@jit.parallel(work=lambda p, *_: 0.4 * p.size)
def _nadam_chunks(p, m, v, g, rate, rate_m, rest1, beta2, rest2, root_scale, eps, shrink, weight_decay):
    for k in jit.prange((p.size + CHUNK - 1) // CHUNK):
        low, high = k * CHUNK, min(k * CHUNK + CHUNK, p.size)
        _nadam_step(
            p[low:high], m[low:high], v[low:high], g[low:high],
            rate, rate_m, rest1, beta2, rest2, root_scale, eps, shrink, weight_decay,
        )  # fmt: skip

"""References of update_adaptive.py: the lines of the single-tensor implementations in PyTorch's documentation."""

import numpy as np


def rmsprop_into(p, square, mean, velocity, g, lr, alpha, eps, inner, weight_decay, momentum, centered):
    """p, square, and where they are used mean and velocity, of one shape, in place."""
    d = g + weight_decay * p
    square[...] = alpha * square + (1 - alpha) * d**2
    variance = square
    if centered:
        mean[...] = alpha * mean + (1 - alpha) * d
        variance = square - mean**2
    change = d / (np.sqrt(variance + inner) + eps)
    if momentum > 0:
        velocity[...] = momentum * velocity + change
        change = velocity
    p -= lr * change


def adagrad_into(p, total, g, lr, eps, weight_decay):
    """p and total, of one shape, in place."""
    d = g + weight_decay * p
    total += d**2
    p -= lr * d / (np.sqrt(total) + eps)


def adadelta_into(p, square, moved, g, lr, rho, eps, weight_decay):
    """p, square and moved, of one shape, in place."""
    d = g + weight_decay * p
    square[...] = rho * square + (1 - rho) * d**2
    x = np.sqrt(moved + eps) / np.sqrt(square + eps) * d
    moved[...] = rho * moved + (1 - rho) * x**2
    p -= lr * x


def adamax_into(p, m, norm, g, lr, beta1, beta2, eps, weight_decay, step):
    """p, m and norm, of one shape, in place."""
    d = g + weight_decay * p
    m[...] = beta1 * m + (1 - beta1) * d
    norm[...] = np.maximum(beta2 * norm, np.abs(d) + eps)
    p -= lr / (1 - beta1**step) * m / norm


def nadam_into(p, m, v, g, rate, rate_m, beta1, beta2, eps, shrink, weight_decay, step):
    """p, m and v, of one shape, in place."""
    p *= shrink
    d = g + weight_decay * p
    m[...] = beta1 * m + (1 - beta1) * d
    v[...] = beta2 * v + (1 - beta2) * d**2
    scale = np.sqrt(v / (1 - beta2**step)) + eps
    p -= rate * d / scale
    p -= rate_m * m / scale

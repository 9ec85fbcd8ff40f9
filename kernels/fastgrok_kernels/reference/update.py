"""References of update.py: the lines of the single-tensor implementations in PyTorch's documentation, in NumPy."""

import numpy as np


def sgd_into(p, g, lr, weight_decay):
    """p, of any shape, in place."""
    p -= lr * (g + weight_decay * p)


def momentum_into(p, g, velocity, lr, momentum, dampening, weight_decay, nesterov, first):
    """p and velocity, of one shape, in place."""
    d = g + weight_decay * p
    velocity[...] = d if first else momentum * velocity + (1 - dampening) * d
    p -= lr * (d + momentum * velocity if nesterov else velocity)


def adam_into(p, m, v, g, lr, beta1, beta2, eps, weight_decay, step):
    """p, m and v, of one shape, in place."""
    d = g + weight_decay * p
    m[...] = beta1 * m + (1 - beta1) * d
    v[...] = beta2 * v + (1 - beta2) * d * d
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    p -= lr * m_hat / (np.sqrt(v_hat) + eps)


def adamw_into(p, m, v, g, lr, beta1, beta2, eps, weight_decay, step):
    """p, m and v, of one shape, in place."""
    p -= lr * weight_decay * p
    adam_into(p, m, v, g, lr, beta1, beta2, eps, 0, step)

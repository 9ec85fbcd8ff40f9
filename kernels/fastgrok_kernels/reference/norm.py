"""Reference for norm.py: the formulas, on whole matrices."""

import numpy as np


def layer_norm_forward(x, weight, bias, eps):
    """See fastgrok_kernels.norm.layer_norm_forward."""
    if not x.size:
        return x.copy(), np.zeros(len(x)), np.zeros(len(x))
    mean, rstd = x.mean(axis=1), 1 / np.sqrt(x.var(axis=1) + eps)
    weight, bias = np.resize(weight, x.shape), np.resize(bias, x.shape)
    return (x - mean[:, None]) * rstd[:, None] * weight + bias, mean, rstd


def layer_norm_backward(dy, x, mean, rstd, weight):
    """See fastgrok_kernels.norm.layer_norm_backward."""
    xhat = (x - mean[:, None]) * rstd[:, None]
    dxhat, D = dy * np.resize(weight, x.shape), max(1, x.shape[1])
    dx = dxhat - dxhat.sum(axis=1, keepdims=True) / D - xhat * (dxhat * xhat).sum(axis=1, keepdims=True) / D
    G = 1 if weight.ndim == 1 else len(weight)
    dweight, dbias = ([a[g::G].sum(axis=0) for g in range(G)] for a in (dy * xhat, dy))
    return rstd[:, None] * dx, np.reshape(dweight, weight.shape), np.reshape(dbias, weight.shape)


def batch_norm_statistics(x):
    """See fastgrok_kernels.norm.batch_norm_statistics."""
    if not x.size:
        return np.full(x.shape[1], np.nan), np.full(x.shape[1], np.nan)
    return x.mean(axis=0), x.var(axis=0)


def batch_norm_forward(x, mean, rstd, weight, bias):
    """See fastgrok_kernels.norm.batch_norm_forward."""
    return (x - mean) * rstd * weight + bias


def batch_norm_backward_sums(dy, x, mean, rstd):
    """See fastgrok_kernels.norm.batch_norm_backward_sums."""
    return (dy * (x - mean) * rstd).sum(axis=0), dy.sum(axis=0)


def batch_norm_backward_input(dy, x, mean, rstd, weight, dweight, dbias):
    """See fastgrok_kernels.norm.batch_norm_backward_input."""
    N = max(1, len(x))
    return weight * rstd * (dy - dbias / N - (x - mean) * rstd * dweight / N)

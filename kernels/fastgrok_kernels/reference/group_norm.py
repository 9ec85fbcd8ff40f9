"""References of group_norm.py: the formulas, on groups as rows (B, groups, numbers)."""

import numpy as np


def group_norm_forward(x, weight, bias, groups, eps):
    """y (B, C, S), mean and rstd (B, groups), of x (B, C, S)."""
    if not x.size:
        return x.copy(), np.zeros((len(x), groups)), np.zeros((len(x), groups))
    rows = _rows(x, groups)
    mean, rstd = rows.mean(axis=2), 1 / np.sqrt(rows.var(axis=2) + eps)
    xhat = ((rows - mean[..., None]) * rstd[..., None]).reshape(x.shape)
    return xhat * weight[:, None] + bias[:, None], mean, rstd


def group_norm_backward(dy, x, mean, rstd, weight):
    """dx (B, C, S), dweight and dbias (C,), of x (B, C, S)."""
    if not x.size:
        return x.copy(), np.zeros(weight.size), np.zeros(weight.size)
    groups = mean.shape[1]
    xhat = (_rows(x, groups) - mean[..., None]) * rstd[..., None]
    g = _rows(dy * weight[:, None], groups)
    dx = g - g.mean(axis=2, keepdims=True) - xhat * (g * xhat).mean(axis=2, keepdims=True)
    dweight = (dy * xhat.reshape(x.shape)).sum(axis=(0, 2))
    return (rstd[..., None] * dx).reshape(x.shape), dweight, dy.sum(axis=(0, 2))


def group_norm_last_forward(x, weight, bias, groups, eps):
    """y (B, S, C), mean and rstd (B, groups), of x (B, S, C)."""
    y, mean, rstd = group_norm_forward(x.swapaxes(1, 2), weight, bias, groups, eps)
    return y.swapaxes(1, 2), mean, rstd


def group_norm_last_backward(dy, x, mean, rstd, weight):
    """dx (B, S, C), dweight and dbias (C,), of x (B, S, C)."""
    dx, dweight, dbias = group_norm_backward(dy.swapaxes(1, 2), x.swapaxes(1, 2), mean, rstd, weight)
    return dx.swapaxes(1, 2), dweight, dbias


def _rows(x, groups):
    """x (B, C, S) as (B, groups, numbers)."""
    return x.reshape(len(x), groups, -1)

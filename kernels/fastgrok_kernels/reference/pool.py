"""Reference for pool.py: one window after the other."""

import numpy as np


def max_pool_forward(x, rows, columns, dilation, relu):
    """See fastgrok_kernels.pool.max_pool_forward."""
    B, R, S, C = x.shape
    y = np.full((B, len(rows), len(columns), C), -np.inf, x.dtype)
    index = np.full(y.shape, -1)
    places = np.arange(R * S).reshape(R, S)
    for p, (r0, r1) in enumerate(rows):
        for q, (s0, s1) in enumerate(columns):
            window = np.s_[r0 : r1 : dilation[0], s0 : s1 : dilation[1]]
            place = places[window].reshape(-1)
            if place.size:
                pixels = x[(slice(None), *window)].reshape(B, place.size, C)
                # NumPy's maximum is NaN where there is one, and argmax the first such; here it is the last.
                nan = np.isnan(pixels)
                last = place.size - 1 - nan[:, ::-1].argmax(axis=1)
                chosen = np.where(nan.any(axis=1), last, pixels.argmax(axis=1))
                y[:, p, q], index[:, p, q] = pixels.max(axis=1), place[chosen]
                if relu:
                    index[:, p, q][y[:, p, q] <= 0] = -1
                    y[:, p, q] = np.maximum(y[:, p, q], 0)
    return y, index


def max_pool_backward(dy, index, rows, columns, size):
    """See fastgrok_kernels.pool.max_pool_backward."""
    B, P, Q, C = dy.shape
    dx = np.zeros((B, size[0] * size[1], C), dy.dtype)
    for b, p, q, c in np.argwhere(index >= 0):
        dx[b, index[b, p, q, c], c] += dy[b, p, q, c]
    return dx.reshape(B, *size, C)


def avg_pool_forward(x, rows, columns, divisors):
    """See fastgrok_kernels.pool.avg_pool_forward."""
    y = np.zeros((len(x), len(rows), len(columns), x.shape[3]), x.dtype)
    for p, (r0, r1) in enumerate(rows):
        for q, (s0, s1) in enumerate(columns):
            y[:, p, q] = x[:, r0:r1, s0:s1].sum(axis=(1, 2)) / divisors[p, q]
    return y


def avg_pool_backward(dy, rows, columns, divisors, size):
    """See fastgrok_kernels.pool.avg_pool_backward."""
    dx = np.zeros((len(dy), *size, dy.shape[3]), dy.dtype)
    for p, (r0, r1) in enumerate(rows):
        for q, (s0, s1) in enumerate(columns):
            dx[:, r0:r1, s0:s1] += dy[:, p : p + 1, q : q + 1] / divisors[p, q]
    return dx

"""References of attention.py: all weights at once, a head after the other."""

import numpy as np

from .dropout import dropout_forward


def attention_forward(q, k, v, mask, scale, causal, p, seed):
    """y (N, L, D), maxima, sums (N, L) from q (N, L, E), k (N, S, E), v (N, S, D) and a mask (B, H, L, S) or none."""
    y, maxima, sums = np.zeros((*q.shape[:2], v.shape[2]), q.dtype), np.zeros(q.shape[:2]), np.ones(q.shape[:2])
    kept = dropout_forward(np.ones((*q.shape[:2], k.shape[1]), q.dtype), p, seed)
    for n in range(len(q) if k.shape[1] else 0):
        scores = _scores(q, k, mask, scale, causal, n)
        for i, row in enumerate(scores):
            if row.max() > -np.inf:  # some key is not hidden
                e = np.exp(row - row.max())
                y[n, i] = (kept[n, i] * e) @ v[n] / e.sum()
                maxima[n, i], sums[n, i] = row.max(), e.sum()
    return y, maxima, sums


def attention_backward(dy, q, k, v, mask, y, maxima, sums, scale, causal, p, seed):
    """dq (N, L, E), dk (N, S, E) and dv (N, S, D) from dy, y (N, L, D), maxima, sums (N, L) and the inputs."""
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    kept = dropout_forward(np.ones((*q.shape[:2], k.shape[1]), q.dtype), p, seed)
    for n in range(len(q)):
        weights = np.exp(_scores(q, k, mask, scale, causal, n) - maxima[n][:, None]) / sums[n][:, None]
        dv[n] = (kept[n] * weights).T @ dy[n]
        dweights = kept[n] * (dy[n] @ v[n].T)
        dscores = weights * (dweights - (dy[n] * y[n]).sum(axis=1, keepdims=True))
        dq[n] = scale * dscores @ k[n]
        dk[n] = scale * dscores.T @ q[n]
    return dq, dk, dv


def self_attention_forward(x, mask, scale, causal, p, seed, batch_first):
    """y (B, T, H, D), maxima and sums (B * H, T) from x (B, T, 3, H, D); B and T change places unless `batch_first`."""
    q, k, v = _heads(x, batch_first)
    y, *found = attention_forward(q, k, v, mask, scale, causal, p, seed)
    return _side_by_side(y, x[:, :, 0], batch_first), *found


def self_attention_backward(dy, x, mask, y, maxima, sums, scale, causal, p, seed, batch_first):
    """dx (B, T, 3, H, D) from dy, y (B, T, H, D), maxima, sums (B * H, T) and the inputs."""
    (q, k, v), (dy,), (y,) = (_heads(a, batch_first) for a in (x, dy[:, :, None], y[:, :, None]))
    gradients = attention_backward(dy, q, k, v, mask, y, maxima, sums, scale, causal, p, seed)
    return np.stack([_side_by_side(d, x[:, :, 0], batch_first) for d in gradients], axis=2)


def _heads(x, batch_first):
    """The parts of x (B, T, parts, H, D) as arrays (B * H, T, D)."""
    x = x if batch_first else x.swapaxes(0, 1)
    B, T, parts, H, D = x.shape
    return x.transpose(2, 0, 3, 1, 4).reshape(parts, B * H, T, D)


def _side_by_side(y, like, batch_first):
    """Heads y (B * H, T, D) as an array of the shape of `like` (B, T, H, D)."""
    B, T, H, D = (like if batch_first else like.swapaxes(0, 1)).shape
    y = y.reshape(B, H, T, D).swapaxes(1, 2)
    return y if batch_first else y.swapaxes(0, 1)


def _scores(q, k, mask, scale, causal, n):
    scores = scale * q[n] @ k[n].T
    if mask.size:
        B, H = mask.shape[:2]
        B = B if B > 1 else len(q) // H
        every = np.broadcast_to(mask, (B, len(q) // B, *scores.shape))
        scores = scores + every.reshape(len(q), *scores.shape)[n]
    if causal:
        scores = np.where(np.tri(*scores.shape, dtype=bool), scores, -np.inf)
    return scores

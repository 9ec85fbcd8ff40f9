"""References of attention.py: all weights at once, a head after the other."""

import numpy as np


def attention_forward(q, k, v, mask, scale, causal):
    """y (N, L, D), logsumexp (N, L) from q (N, L, E), k (N, S, E), v (N, S, D), mask (1 or N, 1 or L, S) or empty."""
    y, logsumexp = np.zeros((*q.shape[:2], v.shape[2]), q.dtype), np.zeros(q.shape[:2], q.dtype)
    for n in range(len(q) if k.shape[1] else 0):
        scores = _scores(q, k, mask, scale, causal, n)
        for i, row in enumerate(scores):
            if row.max() > -np.inf:  # some key is not hidden
                e = np.exp(row - row.max())
                y[n, i] = e @ v[n] / e.sum()
                logsumexp[n, i] = row.max() + np.log(e.sum())
    return y, logsumexp


def attention_backward(dy, q, k, v, mask, y, logsumexp, scale, causal):
    """dq (N, L, E), dk (N, S, E) and dv (N, S, D) from dy, y (N, L, D), logsumexp (N, L) and the inputs."""
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for n in range(len(q)):
        weights = np.exp(_scores(q, k, mask, scale, causal, n) - logsumexp[n][:, None])
        dv[n] = weights.T @ dy[n]
        dweights = dy[n] @ v[n].T
        dscores = weights * (dweights - (dy[n] * y[n]).sum(axis=1, keepdims=True))
        dq[n] = scale * dscores @ k[n]
        dk[n] = scale * dscores.T @ q[n]
    return dq, dk, dv


def _scores(q, k, mask, scale, causal, n):
    scores = scale * q[n] @ k[n].T
    if mask.size:
        scores = scores + mask[n if len(mask) > 1 else 0]
    if causal:
        scores = np.where(np.tri(*scores.shape, dtype=bool), scores, -np.inf)
    return scores

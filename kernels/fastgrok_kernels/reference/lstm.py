"""Reference for lstm.py: one time step after the other, on gates (B, 4, H)."""

import numpy as np


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _rows(gates, H):
    """Blocked gates (J, N, 4, 16) -> (N, 4, H)."""
    J, N, _, _ = gates.shape
    return gates.transpose(1, 2, 0, 3).reshape(N, 4, J * 16)[:, :, :H]


def _blocks(rows, J):
    """The other way round: (N, 4, H) -> (J, N, 4, 16), padded with zeros."""
    N, _, H = rows.shape
    padded = np.zeros((N, 4, J * 16), rows.dtype)
    padded[:, :, :H] = rows
    return padded.reshape(N, 4, J, 16).transpose(2, 0, 1, 3)


def lstm_forward(inputs, ids, w, h0, c0):
    """See fastgrok_kernels.lstm.lstm_forward."""
    (T, B), H = ids.shape, w.shape[1]
    rows = _rows(inputs, H)
    h, c = np.empty((T + 1, B, H), w.dtype), np.empty((T + 1, B, H), w.dtype)
    h[0], c[0] = h0, c0
    saved = np.empty((T, B, 4, H), w.dtype)
    for t in range(T):
        before = rows[ids[t]] + (h[t] @ w.T).reshape(B, 4, H)
        i, f, o = (_sigmoid(before[:, k]) for k in (0, 1, 3))
        g = np.tanh(before[:, 2])
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
        saved[t] = np.stack([i, f, g, o], axis=1)
    return h, c, _blocks(saved.reshape(T * B, 4, H), inputs.shape[0])


def lstm_backward(dout, dh_n, dc_n, w, c, gates, place=None):
    """See fastgrok_kernels.lstm.lstm_backward."""
    T, B, H = dout.shape
    rows = _rows(gates, H).reshape(T, B, 4, H)
    dgates = np.empty((T, B, 4, H), w.dtype)
    dh, dc = dh_n.copy(), dc_n.copy()
    for t in reversed(range(T)):
        i, f, g, o = (rows[t, :, k] for k in range(4))
        squashed = np.tanh(c[t + 1])
        dh = dh + dout[t]
        dc = dc + dh * o * (1 - squashed**2)
        dgates[t, :, 0] = dc * g * i * (1 - i)
        dgates[t, :, 1] = dc * c[t] * f * (1 - f)
        dgates[t, :, 2] = dc * i * (1 - g**2)
        dgates[t, :, 3] = dh * squashed * o * (1 - o)
        dc = dc * f
        dh = dgates[t].reshape(B, 4 * H) @ w
    blocked = _blocks(dgates.reshape(T * B, 4, H), gates.shape[0])
    if place is None:
        return blocked, dc
    place[...] = blocked
    return place, dc

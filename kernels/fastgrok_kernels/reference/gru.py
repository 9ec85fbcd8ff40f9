"""Reference for gru.py: one time step after the other."""

import numpy as np


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_forward(inputs, ids, w, bias, h0):
    """See fastgrok_kernels.gru.gru_forward."""
    (T, B), H = ids.shape, w.shape[1]
    h, gates = np.empty((T + 1, B, H), w.dtype), np.empty((T, B, 4, H), w.dtype)
    h[0] = h0
    for t in range(T):
        from_x, from_h = inputs[ids[t]].reshape(B, 3, H), (h[t] @ w.T).reshape(B, 3, H)
        r, z = (_sigmoid(from_x[:, k] + from_h[:, k]) for k in (0, 1))
        m = from_h[:, 2] + bias
        n = np.tanh(from_x[:, 2] + r * m)
        h[t + 1] = (1 - z) * n + z * h[t]
        gates[t] = np.stack([r, z, n, m], axis=1)
    return h, gates


def gru_backward(dout, dh_n, w, h, gates):
    """See fastgrok_kernels.gru.gru_backward."""
    T, B, H = dout.shape
    da, dm = np.empty((T, B, 3, H), w.dtype), np.empty((T, B, 3, H), w.dtype)
    direct, from_gates = dh_n, 0
    for t in reversed(range(T)):
        r, z, n, m = (gates[t, :, k] for k in range(4))
        dh = direct + from_gates + dout[t]
        dn = dh * (1 - z) * (1 - n**2)
        dr, dz = dn * m * r * (1 - r), dh * (h[t] - n) * z * (1 - z)
        da[t], dm[t] = np.stack([dr, dz, dn], axis=1), np.stack([dr, dz, dn * r], axis=1)
        direct, from_gates = dh * z, dm[t].reshape(B, 3 * H) @ w
    return da.reshape(T, B, 3 * H), dm.reshape(T, B, 3 * H), direct

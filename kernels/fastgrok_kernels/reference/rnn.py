"""Reference for rnn.py: one time step after the other."""

import numpy as np


def rnn_forward(inputs, ids, w, h0, relu):
    """See fastgrok_kernels.rnn.rnn_forward."""
    T, B = ids.shape
    h = np.empty((T + 1, *h0.shape), w.dtype)
    h[0] = h0
    for t in range(T):
        before = inputs[ids[t]] + h[t] @ w.T
        h[t + 1] = np.maximum(before, 0) if relu else np.tanh(before)
    return h


def rnn_backward(dout, dh_n, w, h, relu):
    """See fastgrok_kernels.rnn.rnn_backward."""
    dh, da = dh_n, np.empty_like(dout)
    for t in reversed(range(len(dout))):
        slope = h[t + 1] > 0 if relu else 1 - h[t + 1] ** 2
        da[t] = (dh + dout[t]) * slope
        dh = da[t] @ w
    return da

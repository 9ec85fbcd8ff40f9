"""Reference for generate.py: one step after the other, with sorting where the kernel bisects."""

import numpy as np


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _draw(logits, uniform, temperature, top_k, top_p):
    if temperature == 0:
        return int(np.argmax(logits))
    logits = logits.astype(np.float64) / temperature
    p = np.exp(logits - logits.max())
    if 0 < top_k < len(p):
        p[p < np.sort(p)[-top_k]] = 0
    if top_p < 1:
        likeliest = np.sort(p)[::-1]
        enough = np.searchsorted(np.cumsum(likeliest), top_p * p.sum())
        p[p < likeliest[min(enough, len(p) - 1)]] = 0
    return int(np.searchsorted(np.cumsum(p), uniform * p.sum(), side="right"))


def lstm_generate(table, layers, w_out, b_out, start, uniforms, temperature, top_k, top_p, h0, c0):
    """See fastgrok_kernels.generate.lstm_generate."""
    h, c, ids = h0.copy(), c0.copy(), []
    fed = list(start) if len(uniforms) else []
    while fed:
        x = table[fed.pop(0)]
        for layer, (w_ih, w_hh, bias) in enumerate(layers):
            i, f, g, o = np.split(w_ih @ x + w_hh @ h[layer] + bias, 4)
            c[layer] = _sigmoid(f) * c[layer] + _sigmoid(i) * np.tanh(g)
            h[layer] = _sigmoid(o) * np.tanh(c[layer])
            x = h[layer]
        if not fed:
            ids.append(_draw(w_out @ x + b_out, uniforms[len(ids)], temperature, top_k, top_p))
            if len(ids) < len(uniforms):
                fed.append(ids[-1])
    return np.array(ids, np.int64), h, c

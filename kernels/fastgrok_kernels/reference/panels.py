"""Reference for panels.py."""

import numpy as np


def panels_into(panels, w, transpose=False):
    """See fastgrok_kernels.panels.panels_into."""
    w = w.T if transpose else w
    P, _, NR = panels.shape
    for p in range(P):
        columns = w[:, p * NR : (p + 1) * NR]
        panels[p] = 0
        panels[p, :, : columns.shape[1]] = columns


def panels_matmul_into(c, a, panels, accumulate=False):
    """See fastgrok_kernels.panels.panels_matmul_into."""
    for g in range(len(c)):
        w = np.concatenate(panels[g], axis=1)[:, : c.shape[2]]
        c[g] = (c[g] if accumulate else 0) + a @ w

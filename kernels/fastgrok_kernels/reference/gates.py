"""Reference for gates.py: the same products on gates (N, G, H), then put into blocks of 16 units."""

import numpy as np


def _block(gates):
    """(N, G, H) -> (J, N, G, 16), padded with zeros."""
    N, G, H = gates.shape
    J = -(-H // 16)
    padded = np.zeros((N, G, J * 16), gates.dtype)
    padded[:, :, :H] = gates
    return np.ascontiguousarray(padded.reshape(N, G, J, 16).transpose(2, 0, 1, 3))


def _unblock(gates, H):
    """(J, N, G, 16) -> (N, G * H)."""
    J, N, G, _ = gates.shape
    return gates.transpose(1, 2, 0, 3).reshape(N, G, J * 16)[:, :, :H].reshape(N, G * H)


def gates_forward(x, w, bias, G):
    """See fastgrok_kernels.gates.gates_forward."""
    return _block((x @ w.T + bias).reshape(len(x), G, len(w) // G))


def gates_backward_input(dgates, w):
    """See fastgrok_kernels.gates.gates_backward_input."""
    return _unblock(dgates, len(w) // dgates.shape[2]) @ w


def gates_backward_weight(dgates, x, H):
    """See fastgrok_kernels.gates.gates_backward_weight."""
    return _unblock(dgates, H).T @ x


def gates_backward_bias(dgates, H):
    """See fastgrok_kernels.gates.gates_backward_bias."""
    return _unblock(dgates, H).sum(0)


def gates_backward_table(dgates, ids, table, H):
    """See fastgrok_kernels.gates.gates_backward_table."""
    J, _, G, _ = dgates.shape
    sums = np.zeros((J, len(table), G, 16), dgates.dtype)
    for j in range(J):
        np.add.at(sums[j], ids, dgates[j])
    return sums, gates_backward_weight(sums, table, H), gates_backward_bias(sums, H)

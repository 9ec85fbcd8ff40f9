"""Gated recurrent units: a whole window is one op, and so is a single step of a cell."""

from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from .base import Op, contiguous
from .rnn import check_step, step_gradients
from .window import Window


class GRU(Window):
    """Per step, with gates in the order r, z, n (Cho et al. 2014, in PyTorch's form); inputs and outputs as `Window`.

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)       n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
    h = (1 - z) * n + z * h

    """

    gates = 3

    def input_bias(self) -> np.ndarray | None:
        """All biases but b_hn, which the reset gate scales."""
        return input_bias(*self.biases)

    def run(self, inputs: np.ndarray, ids: np.ndarray, states: list) -> tuple[np.ndarray, list, Any]:
        """All steps in one kernel."""
        h, gates = kernels.gru_forward(inputs, ids, self.w_hh, reset_bias(self.w_hh, self.biases[1]), states[0])
        return h, [h[-1]], (h, gates)

    def run_backward(self, dout: np.ndarray, dstates: list, kept: Any, wanted: bool) -> tuple:
        """The gate n has two gradients: for W_in x + b_in, and for W_hn h + b_hn."""
        T, B, H = dout.shape
        da, dm, dh = kernels.gru_backward(dout, contiguous(dstates[0]), self.w_hh, *kept)
        da, dm = da.reshape(T * B, 3 * H), dm.reshape(T * B, 3 * H)
        if wanted and T:
            kernels.matmul_into(dh, dm[:B], self.w_hh, accumulate=True)
        return da, dm, [dh]


class GRUCell(Op):
    """One step: x (B, D), h (B, H) -> the next h. The formula is that of `GRU`.

    The gradients of the weights stay two factors each, so that those of T steps become one product.
    """

    saved_inputs = (0, 1, 2, 3)

    def forward(self, x, w_ih, w_hh, h, b_ih=None, b_hh=None):
        """Run one step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        check_step("GRUCell", 3, x, w_ih, w_hh, h, b_ih, b_hh)
        self.x, self.before = contiguous(x), contiguous(h)
        self.w_ih, self.w_hh = contiguous(w_ih), contiguous(w_hh)
        inputs = kernels.matmul(self.x, self.w_ih, transpose_b=True)
        if b_ih is not None:
            inputs += input_bias(b_ih, b_hh)
        ids = np.arange(len(x))[None]
        self.h, self.gates = kernels.gru_forward(inputs, ids, self.w_hh, reset_bias(self.w_hh, b_hh), self.before)
        return self.h[1].copy()

    def backward(self, dh):
        """The step of `GRU`, for T = 1."""
        zeros = np.zeros_like(self.before)
        da, dm, dh = kernels.gru_backward(contiguous(dh)[None], zeros, self.w_hh, self.h, self.gates)
        return step_gradients(self, da[0], dm[0], dh)


def input_bias(b_ih: np.ndarray | None, b_hh: np.ndarray | None) -> np.ndarray | None:
    """Return the biases (3 * H,) that do not wait for the reset gate: b_ir + b_hr, b_iz + b_hz, b_in."""
    if b_ih is None or b_hh is None:
        return None
    bias, early = b_ih.copy(), len(b_ih) // 3 * 2
    bias[:early] += b_hh[:early]
    return bias


def reset_bias(w_hh: np.ndarray, b_hh: np.ndarray | None) -> np.ndarray:
    """Return b_hn (H,), zeros without biases."""
    H = w_hh.shape[1]
    return np.zeros(H, w_hh.dtype) if b_hh is None else contiguous(b_hh[2 * H :])

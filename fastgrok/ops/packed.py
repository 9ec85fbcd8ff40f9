"""The LSTM over packed sequences; over a window of equally long ones it is `recurrent.LSTM`."""

from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from .base import contiguous
from .recurrent import total_bias, unblock
from .window import Window


class PackedLSTM(Window):
    """One layer of an LSTM over packed sequences, run by run; the formula is that of `LSTM`."""

    gates = 4
    states = 2

    def project(self, rows: np.ndarray) -> np.ndarray:
        """In blocks of units, as the kernels of the LSTM take them."""
        return kernels.gates_forward(rows, self.w_ih, total_bias(self.w_ih, *self.biases), 4)

    def run(self, inputs: np.ndarray, ids: np.ndarray, states: list) -> tuple[np.ndarray, list, Any]:
        """All steps in one kernel."""
        h, c, gates = kernels.lstm_forward(inputs, np.ascontiguousarray(ids), self.w_hh, *states)
        return h, [h[-1], c[-1]], (c, gates)

    def run_backward(self, dout: np.ndarray, dstates: list, kept: Any, wanted: bool) -> tuple:
        """Both shares of the gates are one gradient, as they are added."""
        (T, B, _), (dh, dc) = dout.shape, map(contiguous, dstates)
        dgates, dc = kernels.lstm_backward(dout, dh, dc, self.w_hh, *kept)
        da = np.ascontiguousarray(unblock(dgates, self.w_hh.shape[1]))
        if wanted and T:
            dh = kernels.matmul(da[:B], self.w_hh)
        return da, da, [dh, dc]

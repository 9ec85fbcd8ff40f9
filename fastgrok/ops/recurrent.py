"""Recurrent layers: a whole window of T steps is one op, and so is a single step of a cell.

Letters: T time, B batch, D input, H hidden, V vocabulary, J blocks of 16 units (see fastgrok_kernels.gates).
"""

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from ..errors import DtypeError, ShapeError
from .base import Op, check_float, contiguous
from .fold import FoldedGradient
from .gradients import Outer


class LSTM(Op):
    """One layer of an LSTM over a window: x (T, B, D), state (B, H) -> all h (T, B, H), last h and c (1, B, H).

    Per step, with gates in the order i, f, g, o (Hochreiter and Schmidhuber 1997; Gers et al. 2000):

        i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh)     g = tanh(likewise)
        c = f * c + i * g                                    h = o * tanh(c)
    """

    saved_inputs = (0, 1, 2)
    saved_outputs = (0,)

    def forward(self, x, w_ih, w_hh, h0, c0, b_ih=None, b_hh=None, gathered=None):
        """Run all steps. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        check_recurrent("LSTM", 4, x, w_ih, w_hh, b_ih, b_hh, h0=h0, c0=c0)
        T, B, D = x.shape
        self.x, self.gathered = contiguous(x), gathered
        self.w_ih, self.w_hh = contiguous(w_ih), contiguous(w_hh)
        if gathered is None:
            rows, ids = self.x.reshape(T * B, D), np.arange(T * B).reshape(T, B)
        else:
            rows, ids = gathered.table, gathered.ids
        inputs = kernels.gates_forward(rows, self.w_ih, total_bias(w_ih, b_ih, b_hh), 4)
        self.h, self.c, self.gates = kernels.lstm_forward(inputs, ids, self.w_hh, contiguous(h0), contiguous(c0))
        return self.h[1:], self.h[T:].copy(), self.c[T:].copy()

    def backward(self, dout, dh_n, dc_n):
        """Backpropagation through time over the window, then the products that yield the gradients of the weights."""
        (T, B, D), H = self.x.shape, self.w_hh.shape[1]
        dout = memory.zeros((T, B, H), self.x.dtype) if dout is None else contiguous(dout)
        dh_n, dc_n = (
            np.zeros((B, H), self.x.dtype) if d is None else contiguous(d).reshape(B, H) for d in (dh_n, dc_n)
        )
        place = None
        if self.final:  # without sources it cannot run again, also if it is interrupted
            place, self.sources = self.gates, None
        dgates, dc0 = kernels.lstm_backward(dout, dh_n, dc_n, self.w_hh, self.c, self.gates, place)
        need_x, need_ih, need_hh, need_h0, need_c0, *need_bias = self.needs

        dx = dw_ih = dw_hh = dh0 = db = None
        if need_hh:
            dw_hh = kernels.gates_backward_weight(dgates, self.h[:T].reshape(T * B, H), H)
        if need_h0:
            first = np.ascontiguousarray(dgates[:, :B])
            dh0 = kernels.gates_backward_input(first, self.w_hh) if T else dh_n
        gathered, w_ih, shape = self.gathered, self.w_ih, self.x.shape
        if gathered is not None and len(gathered.table) and gathered.unchanged:
            sums, dw_ih, db = kernels.gates_backward_table(dgates, gathered.ids.reshape(-1), gathered.table, H)
            if need_x:
                dx = FoldedGradient(dgates, sums, lambda d: kernels.gates_backward_input(d, w_ih), shape)
        else:
            if need_x:
                dx = kernels.gates_backward_input(dgates, w_ih).reshape(shape)
            if need_ih:
                dw_ih = kernels.gates_backward_weight(dgates, self.x.reshape(T * B, D), H)
            if any(need_bias):
                db = kernels.gates_backward_bias(dgates, H)
        dw_ih = dw_ih if need_ih else None
        return dx, dw_ih, dw_hh, dh0, dc0 if need_c0 else None, *(db if need else None for need in need_bias)

    def own_outputs(self) -> bool:
        """Copy h."""
        self.h = self.h.copy()
        return True


class LSTMCell(Op):
    """One step of an LSTM: x (B, D), h and c (B, H) -> the next h and c. The formula is that of `LSTM`.

    The gradients of the weights stay two factors each, so that those of T steps become one product.
    """

    saved_inputs = (0, 1, 2, 3)

    def forward(self, x, w_ih, w_hh, h, c, b_ih=None, b_hh=None):
        """Run one step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        if x.ndim != 2:
            raise ShapeError(f"LSTMCell: input has shape {x.shape}, expected (B, D) or (D,)")
        check_recurrent("LSTMCell", 4, x[None], w_ih, w_hh, b_ih, b_hh, hx=h, cx=c)
        self.x, self.before = contiguous(x), contiguous(h)
        self.w_ih, self.w_hh = contiguous(w_ih), contiguous(w_hh)
        inputs = kernels.gates_forward(self.x, self.w_ih, total_bias(w_ih, b_ih, b_hh), 4)
        ids = np.arange(len(x)).reshape(1, -1)
        hidden, self.c, self.gates = kernels.lstm_forward(inputs, ids, self.w_hh, self.before, contiguous(c))
        return hidden[1], self.c[1].copy()

    def backward(self, dh, dc):
        """The step of `LSTM.backward`, for T = 1."""
        zeros = np.zeros_like(self.before)
        dh, dc = (zeros if d is None else contiguous(d) for d in (dh, dc))
        dgates, dc0 = kernels.lstm_backward(zeros[None], dh, dc, self.w_hh, self.c, self.gates)
        need_x, need_ih, need_hh, need_h, need_c, *need_bias = self.needs
        flat = unblock(dgates, self.w_hh.shape[1])
        dx = kernels.gates_backward_input(dgates, self.w_ih) if need_x else None
        dh0 = kernels.gates_backward_input(dgates, self.w_hh) if need_h else None
        dw_ih = Outer(flat, self.x) if need_ih else None
        dw_hh = Outer(flat, self.before) if need_hh else None
        db = flat.sum(axis=0) if any(need_bias) else None
        return dx, dw_ih, dw_hh, dh0, dc0 if need_c else None, *(db if need else None for need in need_bias)


def total_bias(w_ih: np.ndarray, b_ih: np.ndarray | None, b_hh: np.ndarray | None) -> np.ndarray:
    """Return b_ih + b_hh (G * H,), zeros without them."""
    return np.zeros(len(w_ih), w_ih.dtype) if b_ih is None else b_ih + b_hh


def unblock(gates: np.ndarray, H: int) -> np.ndarray:
    """Gates in blocks of units (J, N, G, 16) as a matrix (N, G * H), in the order of the rows of the weights."""
    J, N, G, block = gates.shape
    return gates.transpose(1, 2, 0, 3).reshape(N, G, J * block)[:, :, :H].reshape(N, G * H)


def check_recurrent(
    name: str,
    G: int,
    x: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    b_ih: np.ndarray | None,
    b_hh: np.ndarray | None,
    **states: np.ndarray,
) -> None:
    """Raise unless input (T, B, D), weights (G * H, D) and (G * H, H), biases (G * H,) and states (B, H) fit."""
    if x.ndim != 3:
        raise ShapeError(f"{name}: input has shape {x.shape}, expected 3 dimensions (2 for an unbatched sequence)")
    check_float(name, "input", x)
    if w_hh.ndim != 2 or w_hh.shape[0] != G * w_hh.shape[1]:
        raise ShapeError(f"{name}: weight_hh has shape {w_hh.shape}, expected ({G} * H, H)")
    H = w_hh.shape[1]
    if x.shape[2] != w_ih.shape[-1] or w_ih.shape != (G * H, x.shape[2]):
        raise ShapeError(
            f"{name}: input has shape {x.shape}, whose last dimension is {x.shape[2]}; expected {w_ih.shape[-1]}, "
            f"as weight_ih has shape {w_ih.shape} and H = {H}"
        )
    dtype, state_shape = x.dtype, (x.shape[1], H)
    named = {"weight_ih": w_ih, "weight_hh": w_hh, **states}
    for bias, label in ((b_ih, "bias_ih"), (b_hh, "bias_hh")):
        if bias is not None:
            named[label] = bias
            if bias.shape != (G * H,):
                raise ShapeError(f"{name}: {label} has shape {bias.shape}, expected ({G * H},)")
    for label, array in named.items():
        if array.dtype is not dtype and array.dtype != dtype:  # NumPy compares two dtypes as slowly as it adds numbers
            raise DtypeError(f"{name}: input has dtype {dtype} and {label} {array.dtype}, expected one dtype")
    for label, state in states.items():
        if state.shape != state_shape:
            raise ShapeError(f"{name}: {label} has shape {state.shape}, expected {state_shape} per layer (B, H)")

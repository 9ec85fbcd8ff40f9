"""The plain recurrent layer: a whole window is one op, and so is a single step of a cell."""

from typing import Any, ClassVar

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ShapeError
from .base import Op, contiguous
from .gradients import Outer
from .recurrent import check_recurrent
from .window import Window


class RNN(Window):
    """h = tanh(W_ih x + b_ih + W_hh h + b_hh), step by step (Elman 1990); inputs and outputs are those of `Window`."""

    gates = 1
    relu: ClassVar[bool] = False

    def run(self, inputs: np.ndarray, ids: np.ndarray, states: list) -> tuple[np.ndarray, list, Any]:
        """All steps in one kernel."""
        h = kernels.rnn_forward(inputs, ids, self.w_hh, states[0], self.relu)
        return h, [h[-1]], h

    def run_backward(self, dout: np.ndarray, dstates: list, h: Any, wanted: bool) -> tuple:
        """Both shares of the gates are one gradient, as they are added."""
        (T, B, H), (dh,) = dout.shape, dstates
        da = kernels.rnn_backward(dout, dh, self.w_hh, h, self.relu).reshape(T * B, H)
        if wanted and T:
            dh = kernels.matmul(da[:B], self.w_hh)
        return da, da, [dh]


class ReLURNN(RNN):
    """`RNN` with relu in place of tanh."""

    relu = True


class RNNCell(Op):
    """One step: x (B, D), h (B, H) -> tanh(W_ih x + b_ih + W_hh h + b_hh).

    The gradients of the weights stay two factors each, so that those of T steps become one product.
    """

    relu: ClassVar[bool] = False
    saved_inputs = (0, 1, 2, 3)
    saved_outputs = (0,)

    def forward(self, x, w_ih, w_hh, h, b_ih=None, b_hh=None):
        """Run one step. Raises `ShapeError` and `DtypeError` for arrays that do not fit together."""
        check_step("RNNCell", 1, x, w_ih, w_hh, h, b_ih, b_hh)
        self.x, self.before = contiguous(x), contiguous(h)
        self.w_ih, self.w_hh = contiguous(w_ih), contiguous(w_hh)
        inputs = kernels.matmul(self.x, self.w_ih, transpose_b=True)
        if b_ih is not None:
            inputs += b_ih + b_hh
        self.h = kernels.rnn_forward(inputs, np.arange(len(x))[None], self.w_hh, self.before, self.relu)
        return self.h[1]

    def backward(self, dh):
        """The step of `RNN`, for T = 1."""
        zeros = np.zeros_like(self.before)
        da = kernels.rnn_backward(contiguous(dh)[None], zeros, self.w_hh, self.h, self.relu)[0]
        return step_gradients(self, da, da)


class ReLURNNCell(RNNCell):
    """`RNNCell` with relu in place of tanh."""

    relu = True


def check_step(
    name: str,
    G: int,
    x: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    h: np.ndarray,
    b_ih: np.ndarray | None,
    b_hh: np.ndarray | None,
) -> None:
    """Raise `ShapeError` or `DtypeError` unless the arrays of one step fit together."""
    if x.ndim != 2:
        raise ShapeError(f"{name}: input has shape {x.shape}, expected (B, D) or (D,)")
    check_recurrent(name, G, x[None], w_ih, w_hh, b_ih, b_hh, hx=h)


def step_gradients(op: Any, da: np.ndarray, dm: np.ndarray, dh: np.ndarray | None = None) -> tuple:
    """Return the gradients of all inputs of a cell from those of its gates, (B, G * H).

    da is by way of the inputs and dm by way of h, which may have a share dh of its own.
    """
    need_x, need_ih, need_hh, need_h, *need_biases = op.needs
    dx = kernels.matmul(da, op.w_ih) if need_x else None
    if need_h and dh is None:
        dh = kernels.matmul(dm, op.w_hh)
    elif need_h:
        kernels.matmul_into(dh, dm, op.w_hh, accumulate=True)
    dw_ih = Outer(da, op.x) if need_ih else None
    dw_hh = Outer(dm, op.before) if need_hh else None
    biases = (side.sum(axis=0) if need else None for side, need in zip((da, dm), need_biases, strict=False))
    return dx, dw_ih, dw_hh, dh if need_h else None, *biases

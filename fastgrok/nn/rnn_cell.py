"""Recurrent cells, one step at a time: `RNNCell`, `LSTMCell` and `GRUCell`."""

from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor
from . import functional as F
from .module import Module
from .parameter import new_parameter
from .rnn import reset

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]


class RNNCellBase(Module):
    """What the cells share. Parameters: weight_ih (G * H, D), weight_hh (G * H, H), bias_ih and bias_hh (G * H,).

    Raises `ShapeError` or `DtypeError`, by the call, when input, state and weights do not fit together.
    """

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = new_parameter((rows, input_size), device, dtype)
        self.weight_hh = new_parameter((rows, hidden_size), device, dtype)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, new_parameter((rows,), device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew."""
        reset(self)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")

    def _step(self, op: type[ops.Op], input: Tensor, **states: Tensor | None) -> Any:
        """Check dimensions and take one step from `states`, zeros where they are None."""
        name = type(self).__name__
        F.check_tensors(name, input=input)
        if input.ndim not in (1, 2):
            raise ShapeError(f"{name}: input has shape {tuple(input.shape)}, expected (B, D) or (D,)")
        batched = input.ndim == 2
        x = input if batched else input.unsqueeze(0)
        before = []
        for label, state in states.items():
            if state is None:
                before.append(Tensor._from_array(np.zeros((x.shape[0], self.hidden_size), x.array.dtype)))
                continue
            F.check_tensors(name, **{label: state})
            before.append(state if batched else state.unsqueeze(0))
        biases = [self.bias_ih, self.bias_hh] if self.bias else []
        after = apply(op, x, self.weight_ih, self.weight_hh, *before, *biases)
        if batched:
            return after
        return tuple(state.squeeze(0) for state in after) if isinstance(after, tuple) else after.squeeze(0)


class RNNCell(RNNCellBase):
    """One step of a plain recurrent layer; the formula is that of `RNN`, and so is `nonlinearity`.

    Shape: input (B, D) or (D,), optional state (B, H) or (H,) -> the next state. All else stands with `RNNCellBase`.

    Examples
    --------
    >>> import fastgrok
    >>> tuple(RNNCell(3, 20)(fastgrok.zeros(7, 3)).shape)
    (7, 20)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(f"RNNCell: nonlinearity={nonlinearity!r}, expected 'tanh' or 'relu'")
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Take one step from state `hx`, zeros if None; returns the next."""
        return self._step(ops.ReLURNNCell if self.nonlinearity == "relu" else ops.RNNCell, input, hx=hx)

    def extra_repr(self) -> str:
        """Return the sizes and the nonlinearity, if it is not tanh."""
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """One step of long short-term memory; the formula is that of `LSTM`.

    Shape: input (B, D) or (D,), optional state (h, c) each (B, H) or (H,) -> the next (h, c). All else stands with
    `RNNCellBase`.

    Examples
    --------
    >>> import fastgrok
    >>> h, c = LSTMCell(3, 20)(fastgrok.zeros(7, 3))
    >>> tuple(h.shape)
    (7, 20)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Take one step from state `hx`, zeros if None; returns the next (h, c)."""
        if hx is not None and (not isinstance(hx, tuple | list) or len(hx) != 2):
            raise TypeError(f"LSTMCell: hx is {type(hx).__name__}, expected a tuple (h_0, c_0) of tensors")
        h, c = (None, None) if hx is None else hx
        return self._step(ops.LSTMCell, input, h_0=h, c_0=c)


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit; the formula is that of `GRU`.

    Shape: input (B, D) or (D,), optional state (B, H) or (H,) -> the next state. All else stands with `RNNCellBase`.

    Examples
    --------
    >>> import fastgrok
    >>> tuple(GRUCell(3, 20)(fastgrok.zeros(7, 3)).shape)
    (7, 20)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Take one step from state `hx`, zeros if None; returns the next."""
        return self._step(ops.GRUCell, input, hx=hx)

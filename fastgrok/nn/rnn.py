"""Recurrent layers: `LSTM` over windows of a sequence, and `LSTMCell` for one step at a time."""

import math
from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import new_parameter

__all__ = ["LSTM", "LSTMCell"]


class LSTM(Module):
    """One or several layers of long short-term memory over a sequence.

    Per step, with gates in the order i, f, g, o (Hochreiter and Schmidhuber 1997, with the forget gate of Gers,
    Schmidhuber and Cummins 2000):

        i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh)     g = tanh(likewise)
        c = f * c + i * g                                    h = o * tanh(c)

    A window of T steps is one node of the graph per layer. To train on a long text, hand the returned state, detached,
    to the next window: truncated backpropagation through time.

    When the input is fresh from an `Embedding` with at most T * B entries, the first layer multiplies the table
    instead of the gathered rows; the result is the same up to the order of summation.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
        D, H and L.
    bias : bool
        Whether b_ih and b_hh exist.
    batch_first : bool
        Whether sequences are (B, T, D) rather than (T, B, D). The state is (L, B, H) either way.
    dropout : float
        Probability of dropout on the output of every layer but the last, in training.
    bidirectional, proj_size
        PyTorch's; other values than the defaults are not covered and raise `NotImplementedError`.

    Attributes
    ----------
    weight_ih_l0 (4 * H, D), weight_hh_l0 (4 * H, H), bias_ih_l0 and bias_hh_l0 (4 * H,)
        For each layer; drawn uniformly from [-1/sqrt(H), 1/sqrt(H)). Layers above the first have D = H.

    Shape: input (T, B, D) or (T, D), optional state (h, c) each (L, B, H) or (L, H)
    -> output (T, B, H) or (T, H), state (h, c). float32 or float64.

    Raises
    ------
    ShapeError, DtypeError
        By the call, when input, state and weights do not fit together.

    Examples
    --------
    >>> import fastgrok
    >>> lstm = LSTM(3, 20, num_layers=2)
    >>> output, (h, c) = lstm(fastgrok.zeros(5, 7, 3))
    >>> tuple(output.shape), tuple(h.shape)
    ((5, 7, 20), (2, 7, 20))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ):
        if bidirectional or proj_size:
            raise NotImplementedError(
                f"LSTM: bidirectional={bidirectional}, proj_size={proj_size}, expected False and 0: no other is covered"
            )
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if isinstance(size, bool) or not isinstance(size, int | np.integer):
                raise TypeError(f"LSTM: {name}={size!r}, expected a whole number")
            if size < 1:
                raise ValueError(f"LSTM: {name}={size}, expected at least 1")
        if not 0 <= dropout <= 1:
            raise ValueError(f"LSTM: dropout={dropout}, expected a probability from 0 to 1")
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers = int(input_size), int(hidden_size), int(num_layers)
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = False, 0
        for layer in range(self.num_layers):
            _register(
                self,
                f"_l{layer}",
                self.input_size if layer == 0 else self.hidden_size,
                self.hidden_size,
                bias,
                device,
                dtype,
            )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew."""
        _reset(self)

    def flatten_parameters(self) -> None:
        """Do nothing: weights are packed on every call. Here because code written for PyTorch calls it."""

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run over the sequence from state `hx`, zeros if None; returns the output and the last state."""
        F.check_tensors("LSTM", input=input)
        if input.ndim not in (2, 3):
            raise ShapeError(f"LSTM: input has shape {tuple(input.shape)}, expected (T, B, D) or (T, D)")
        batched = input.ndim == 3
        # Rows that were changed in place since they were gathered are no longer rows of the table.
        gathered = input.gathered if batched and input.storage.version == 0 else None
        x = input if batched else input.unsqueeze(1)
        if self.batch_first and batched:
            x = x.transpose(0, 1)
            gathered = gathered and gathered.transposed()
        if gathered is not None and len(gathered.table) > x.shape[0] * x.shape[1]:
            gathered = None
        states = self._states(x, hx, batched)
        last = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            weights = [getattr(self, f"weight_{part}_l{layer}") for part in ("ih", "hh")]
            biases = [getattr(self, f"bias_{part}_l{layer}") for part in ("ih", "hh")] if self.bias else []
            x, h, c = apply(ops.LSTM, x, *weights, *states[layer], *biases, gathered=None if layer else gathered)
            last.append((h, c))
        h, c = (_stack([state[k] for state in last], batched) for k in (0, 1))
        if not batched:
            x = x.squeeze(1)
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, (h, c)

    def _states(self, x: Tensor, hx: tuple[Tensor, Tensor] | None, batched: bool) -> list[tuple[Tensor, Tensor]]:
        """Return the initial (h, c), each (B, H), of every layer."""
        B, H, L = x.shape[1], self.hidden_size, self.num_layers
        if hx is None:
            zeros = Tensor._from_array(np.zeros((B, H), x.array.dtype))
            return [(zeros, zeros)] * L
        if not isinstance(hx, tuple | list) or len(hx) != 2:
            raise TypeError(f"LSTM: hx is {type(hx).__name__}, expected a tuple (h_0, c_0) of tensors")
        for name, state in zip(("h_0", "c_0"), hx, strict=True):
            F.check_tensors("LSTM", **{name: state})
            expected = (L, B, H) if batched else (L, H)
            if tuple(state.shape) != expected:
                raise ShapeError(f"LSTM: {name} has shape {tuple(state.shape)}, expected {expected}")
        if L == 1 and batched and not (hx[0].requires_grad or hx[1].requires_grad):  # the usual case, without a graph
            h, c = (Tensor._from_array(state.array[0]) for state in hx)
            return [(h, c)]
        return [tuple(state[layer] if batched else state[layer].unsqueeze(0) for state in hx) for layer in range(L)]

    def extra_repr(self) -> str:
        """Return the sizes and the options that differ from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        for name, default in (("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0)):
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text


class LSTMCell(Module):
    """One step of long short-term memory; the formula is that of `LSTM`.

    Shape: input (B, D) or (D,), optional state (h, c) each (B, H) or (H,) -> the next (h, c). The parameters are
    weight_ih (4 * H, D), weight_hh (4 * H, H), bias_ih and bias_hh (4 * H,).

    Raises `ShapeError` or `DtypeError`, by the call, when input, state and weights do not fit together.

    Examples
    --------
    >>> import fastgrok
    >>> h, c = LSTMCell(3, 20)(fastgrok.zeros(7, 3))
    >>> tuple(h.shape)
    (7, 20)
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        _register(self, "", input_size, hidden_size, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew."""
        _reset(self)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Take one step from state `hx`, zeros if None; returns the next (h, c)."""
        F.check_tensors("LSTMCell", input=input)
        if input.ndim not in (1, 2):
            raise ShapeError(f"LSTMCell: input has shape {tuple(input.shape)}, expected (B, D) or (D,)")
        x = input if input.ndim == 2 else input.unsqueeze(0)
        if hx is None:
            h = c = Tensor._from_array(np.zeros((x.shape[0], self.hidden_size), x.array.dtype))
        else:
            F.check_tensors("LSTMCell", h_0=hx[0], c_0=hx[1])
            h, c = hx if input.ndim == 2 else (state.unsqueeze(0) for state in hx)
        biases = [self.bias_ih, self.bias_hh] if self.bias else []
        h, c = apply(ops.LSTMCell, x, self.weight_ih, self.weight_hh, h, c, *biases)
        return (h, c) if input.ndim == 2 else (h.squeeze(0), c.squeeze(0))

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")


def _register(module: Module, suffix: str, D: int, H: int, bias: bool, device: Any, dtype: Any) -> None:
    """Give `module` the parameters of one LSTM layer."""
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (4 * H, D), "weight_hh": (4 * H, H)}
    if bias:
        shapes |= {"bias_ih": (4 * H,), "bias_hh": (4 * H,)}
    for name, shape in shapes.items():
        module.register_parameter(name + suffix, new_parameter(shape, device, dtype))


def _reset(module: Any) -> None:
    """Draw every parameter uniformly from [-1/sqrt(H), 1/sqrt(H)), as PyTorch does."""
    bound = 1 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


def _stack(states: list[Tensor], batched: bool) -> Tensor:
    """Stack the states (B, H) of all layers to (L, B, H), or to (L, H) when there was no batch."""
    if len(states) > 1:
        stacked = apply(ops.Stack, *states, dim=0)
    else:
        stacked = states[0].unsqueeze(0)
    return stacked if batched else stacked.squeeze(1)

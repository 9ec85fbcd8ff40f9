"""Recurrent layers over windows of a sequence or packed sequences: `RNN`, `LSTM` and `GRU`."""

import math
import warnings
from typing import Any, ClassVar

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import DtypeError, ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import new_parameter
from .utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]

#: Per mode: the gates, the ops for a window and for packed sequences, and the names of the states.
MODES: dict[str, tuple[int, type[ops.Op], type[ops.Op], tuple[str, ...]]] = {
    "RNN_TANH": (1, ops.RNN, ops.RNN, ("hx",)),
    "RNN_RELU": (1, ops.ReLURNN, ops.ReLURNN, ("hx",)),
    "LSTM": (4, ops.LSTM, ops.PackedLSTM, ("h_0", "c_0")),
    "GRU": (3, ops.GRU, ops.GRU, ("hx",)),
}


class InputDtypeError(DtypeError, ValueError):
    """The input of a recurrent layer has another dtype than its weights."""


class RNNBase(Module):
    """What `RNN`, `LSTM` and `GRU` share; each of them has its formula.

    A window of T steps is one node of the graph per layer and direction. To train on a long text, hand the returned
    state, detached, to the next window: truncated backpropagation through time.

    When the input is fresh from an `Embedding` with at most T * B entries, the first layer multiplies the table
    instead of the gathered rows; the result is the same up to the order of summation.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
        D, H and L.
    bias : bool
        Whether b_ih and b_hh exist.
    batch_first : bool
        Whether sequences are (B, T, D) rather than (T, B, D). States are (L, B, H) either way.
    dropout : float
        Probability of dropout on the output of every layer but the last, in training.
    bidirectional : bool
        Whether every layer runs over the sequence from both ends and hands on both outputs side by side. K = 2 then,
        else 1.
    proj_size
        PyTorch's; anything but 0 is not covered and raises `NotImplementedError`.

    Attributes
    ----------
    weight_ih_l0 (G * H, D), weight_hh_l0 (G * H, H), bias_ih_l0 and bias_hh_l0 (G * H,)
        For each layer, and with the ending _reverse for the second direction; G is the number of gates. Drawn uniformly
        from [-1/sqrt(H), 1/sqrt(H)). Layers above the first have D = K * H.

    Shape: input (T, B, D) or (T, D), optional state (K * L, B, H) or (K * L, H), zeros if None
    -> output (T, B, K * H) or (T, K * H), last state like the first. float32 or float64.
    A `PackedSequence` gives a `PackedSequence`; its states are those after the last step of every sequence.

    Raises
    ------
    ValueError, TypeError, NotImplementedError
        When an option makes no sense, or is not covered.
    ShapeError, DtypeError
        By the call, when input, state and weights do not fit together, or there is not a single step.
    """

    def __init__(
        self,
        mode: str,
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
        name = type(self).__name__
        if mode not in MODES:
            raise ValueError(f"{name}: mode={mode!r}, expected one of {', '.join(MODES)}")
        _check_options(name, input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        super().__init__()
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = int(input_size), int(hidden_size), int(num_layers)
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, 0
        H, G = self.hidden_size, MODES[mode][0]
        parts = ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") if bias else ()))
        suffixes = ("", "_reverse")[: self._directions]
        self._weight_names = [[f"{part}_l{k}{end}" for part in parts] for k in range(num_layers) for end in suffixes]
        for k, names in enumerate(self._weight_names):
            D = H * self._directions if k >= self._directions else self.input_size
            for parameter, shape in zip(names, ((G * H, D), (G * H, H), (G * H,), (G * H,)), strict=False):
                self.register_parameter(parameter, new_parameter(shape, device, dtype))
        self.reset_parameters()

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._weight_names]

    def reset_parameters(self) -> None:
        """Draw all weights and biases anew."""
        reset(self)

    def flatten_parameters(self) -> None:
        """Do nothing: weights are packed on every call. Here because code written for PyTorch calls it."""

    # -------------------------------------------------------------------------------------------- forward

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Run over the sequence from state `hx`, zeros if None; returns the output and the last state."""
        name = type(self).__name__
        packed = isinstance(input, PackedSequence)
        x, sizes = (input.data, input.batch_sizes.array) if packed else (input, None)
        F.check_tensors(name, input=x)
        batched = packed or x.array.ndim == 3
        self._check_input(name, x, packed)
        if sizes is not None:
            _check_sizes(name, sizes, len(x))
            B = int(sizes[0])
        gathered = None
        if not packed:
            # When they were changed in place since they were gathered, or the table was, they are no longer its rows.
            gathered = x.gathered if batched and x.storage.version == 0 else None
            if gathered is not None and not gathered.unchanged:
                gathered = None
            if not batched:
                x = x.unsqueeze(1)
            elif self.batch_first:
                x = x.transpose(0, 1)
                gathered = gathered and gathered.transposed()
            T, B = x.array.shape[:2]
            if gathered is not None and len(gathered.table) > T * B:
                gathered = None
            if not T:
                raise ShapeError(f"{name}: input has shape {tuple(input.shape)}, expected at least one time step")
        if packed and hx is not None and input.sorted_indices is not None:
            hx = _each(hx, lambda state: state.index_select(1, input.sorted_indices))

        states = self._states(name, hx, B, x.array.dtype, batched)
        last: list = []
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x = F.dropout(x, self.dropout, self.training)
            outputs = []
            for reverse in range(self._directions):
                k = len(last)
                y, *state = self._run(k, x, states[k], bool(reverse), None if layer else gathered, sizes)
                outputs.append(y)
                last.append(state)
            x = outputs[0] if len(outputs) == 1 else apply(ops.Cat, *outputs, dim=-1)

        ends = tuple(_joined(states, batched) for states in zip(*last, strict=True))
        if packed and input.unsorted_indices is not None:
            ends = tuple(end.index_select(1, input.unsorted_indices) for end in ends)
        end = ends if len(ends) > 1 else ends[0]
        if packed:
            return PackedSequence(x, *input[1:]), end
        if not batched:
            x = x.squeeze(1)
        elif self.batch_first:
            x = x.transpose(0, 1)
        return x, end

    def _run(self, k: int, x: Tensor, state: tuple, reverse: bool, gathered: Any, sizes: Any) -> tuple:
        """Run layer and direction `k` over a window, or over packed sequences with batch `sizes`."""
        weights = self._weights(k)
        _, window_op, packed_op, _ = MODES[self.mode]
        if sizes is None:
            if reverse:
                x = x.flip(0)
                gathered = gathered and _reversed(gathered)
            y, *last = apply(window_op, x, *weights[:2], *state, *weights[2:], gathered=gathered)
            return (y.flip(0) if reverse else y), *last
        order = _reversal(sizes) if reverse else None
        if reverse:
            x = apply(ops.Index, x, index=order)
        y, *last = apply(packed_op, x, *weights[:2], *state, *weights[2:], batch_sizes=sizes)
        return (apply(ops.Index, y, index=order) if reverse else y), *last

    def _weights(self, k: int) -> list[Tensor]:
        """Return the weights that layer and direction `k` is run with."""
        return [getattr(self, name) for name in self._weight_names[k]]

    def _check_input(self, name: str, x: Tensor, packed: bool) -> None:
        """Raise for an input of the wrong shape or dtype."""
        if x.array.ndim not in ((2,) if packed else (2, 3)):
            expected = "(N, D) for packed sequences" if packed else "(T, B, D) or (T, D)"
            raise ShapeError(f"{name}: input has shape {tuple(x.shape)}, expected {expected}")
        weight = getattr(self, "weight_ih_l0").array  # noqa: B009 - registered under that name
        if x.array.shape[-1] != self.input_size:
            raise ShapeError(
                f"{name}: input has shape {tuple(x.shape)}, whose last dimension is {x.shape[-1]}; "
                f"expected {self.input_size}, as weight_ih_l0 has shape {weight.shape}"
            )
        if x.array.dtype != weight.dtype:
            raise InputDtypeError(
                f"{name}: input has dtype {x.array.dtype} and weight_ih_l0 {weight.dtype}, expected one dtype"
            )

    def _states(self, name: str, hx: Any, B: int, dtype: Any, batched: bool) -> list[tuple[Tensor, ...]]:
        """Return the initial states, each (B, H), of every layer and direction."""
        H, count, names = self.hidden_size, self.num_layers * self._directions, MODES[self.mode][3]
        if hx is None:
            return [(Tensor._from_array(np.zeros((B, H), dtype)),) * len(names)] * count
        if len(names) == 1:
            given = (hx,)
        elif not isinstance(hx, tuple | list) or len(hx) != len(names):
            raise TypeError(f"{name}: hx is {type(hx).__name__}, expected a tuple ({', '.join(names)}) of tensors")
        else:
            given = tuple(hx)
        expected = (count, B, H) if batched else (count, H)
        for label, state in zip(names, given, strict=True):
            if not isinstance(state, Tensor):
                F.check_tensors(name, **{label: state})
            if state.array.shape != expected:
                raise ShapeError(f"{name}: {label} has shape {tuple(state.shape)}, expected {expected}")
        if batched and not any([state.requires_grad for state in given]):  # the usual case, without a graph
            return [tuple([Tensor._from_array(state.array[k]) for state in given]) for k in range(count)]
        return [tuple(state[k] if batched else state[k].unsqueeze(0) for state in given) for k in range(count)]

    def extra_repr(self) -> str:
        """Return the sizes and the options that differ from the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        options = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        for name, default in options.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text


class RNN(RNNBase):
    """One or several plain recurrent layers over a sequence (Elman 1990).

        h = tanh(W_ih x + b_ih + W_hh h + b_hh)

    `nonlinearity` is "tanh" or "relu", which takes the place of tanh. All else stands with `RNNBase`; G = 1.

    Raises `ValueError` for another nonlinearity.

    Examples
    --------
    >>> import fastgrok
    >>> output, h = RNN(3, 20, num_layers=2, bidirectional=True)(fastgrok.zeros(5, 7, 3))
    >>> tuple(output.shape), tuple(h.shape)
    ((5, 7, 40), (4, 7, 20))
    """

    MODE_OF: ClassVar[dict[str, str]] = {"tanh": "RNN_TANH", "relu": "RNN_RELU"}

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        if nonlinearity not in self.MODE_OF:
            raise ValueError(f"RNN: nonlinearity={nonlinearity!r}, expected 'tanh' or 'relu'")
        super().__init__(
            self.MODE_OF[nonlinearity],
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """One or several layers of long short-term memory over a sequence.

    Per step, with gates in the order i, f, g, o (Hochreiter and Schmidhuber 1997, with the forget gate of Gers,
    Schmidhuber and Cummins 2000):

        i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh)     g = tanh(likewise)
        c = f * c + i * g                                    h = o * tanh(c)

    The state is a pair (h, c). All else stands with `RNNBase`; G = 4.

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
        super().__init__(
            "LSTM",
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype,
        )  # fmt: skip


class GRU(RNNBase):
    """One or several layers of gated recurrent units over a sequence.

    Per step, with gates in the order r, z, n (Cho et al. 2014, with the reset gate after the product, as in PyTorch):

        r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)        n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
        h = (1 - z) * n + z * h

    All else stands with `RNNBase`; G = 3.

    Examples
    --------
    >>> import fastgrok
    >>> output, h = GRU(3, 20)(fastgrok.zeros(5, 7, 3))
    >>> tuple(output.shape), tuple(h.shape)
    ((5, 7, 20), (1, 7, 20))
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
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )


# ------------------------------------------------------------------------------------------------ helpers


def reset(module: Any) -> None:
    """Draw every parameter uniformly from [-1/sqrt(H), 1/sqrt(H)), as PyTorch does."""
    bound = 1 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


def _check_options(
    name: str,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    bias: bool,
    batch_first: bool,
    dropout: float,
    proj_size: int,
) -> None:
    """Raise for options that make no sense or are not covered."""
    for option, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise TypeError(f"{name}: {option}={size!r}, expected a whole number")
        if size < 1:
            raise ValueError(f"{name}: {option}={size}, expected at least 1")
    for option, flag in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name}: {option}={flag!r}, expected True or False")
    if isinstance(dropout, bool | str) or not 0 <= dropout <= 1:
        raise ValueError(f"{name}: dropout={dropout!r}, expected a probability from 0 to 1")
    if proj_size:
        if not 0 < proj_size < hidden_size:
            raise ValueError(f"{name}: proj_size={proj_size}, expected 0, or less than hidden_size={hidden_size}")
        raise NotImplementedError(f"{name}: proj_size={proj_size}, expected 0: projections are not covered")
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            f"{name}: dropout={dropout} has no effect with num_layers=1: dropout comes after all but the last layer",
            stacklevel=4,
        )


def _check_sizes(name: str, sizes: np.ndarray, N: int) -> None:
    """Raise unless batch `sizes` (T,) are those of N packed elements."""
    if not (len(sizes) and sizes[-1] > 0 and (np.diff(sizes) <= 0).all() and sizes.sum() == N):
        raise ShapeError(
            f"{name}: batch_sizes={sizes.tolist()}, expected numbers of at least 1 that never grow and add up to {N}, "
            "the number of packed elements"
        )


def _each(states: Any, change: Any) -> Any:
    """Apply a function to a state, or to each of a tuple; what is neither is left for the check of states."""
    if isinstance(states, tuple | list):
        return tuple(_each(state, change) for state in states)
    return change(states) if isinstance(states, Tensor) and states.ndim > 1 else states


def _reversed(gathered: ops.Gathered) -> ops.Gathered:
    """Return the same for an input that runs backward in time."""
    other = ops.Gathered(gathered.table, np.ascontiguousarray(gathered.ids[::-1]), gathered.storage)
    other.version = gathered.version
    return other


def _reversal(sizes: np.ndarray) -> np.ndarray:
    """Return the order (N,) of packed rows that turns every sequence round; it is its own inverse."""
    first = np.cumsum(sizes) - sizes
    step = np.repeat(np.arange(len(sizes)), sizes)
    sequence = np.arange(len(step)) - first[step]
    lengths = (sizes[:, None] > np.arange(sizes[0])).sum(axis=0)
    return first[lengths[sequence] - 1 - step] + sequence


def _joined(states: tuple[Tensor, ...], batched: bool) -> Tensor:
    """Join the states (1, B, H) of all layers to (K * L, B, H), or to (K * L, H) when there was no batch."""
    joined = states[0] if len(states) == 1 else apply(ops.Cat, *states, dim=0)
    return joined if batched else joined.squeeze(1)

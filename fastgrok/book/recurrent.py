"""The book's recurrent cells, chapters 13 and 14: each step is one node of the graph."""

from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ShapeError
from ..ops.book import Packed
from .layers import Layer, Linear, Sigmoid, Tanh
from .tensor import Tensor, expect_tensor

__all__ = ["LSTMCell", "RNNCell"]


class Window:
    """The weights of a cell as its steps take them: made for a chain of steps, as long as nobody changes them.

    A chain begins with states that are no results of the cell. Changes are noticed by looks at `data`: what is written
    within a chain to an array that was looked at before it began, counts from the next chain on.
    """

    def __init__(self, inputs: list[Linear], hidden: list[Linear], output: list[Tensor]):
        self.sources = [*_parameters([*inputs, *hidden]), *output]
        self.edits = [source.edits for source in self.sources]
        self.of_input = [layer.weight for layer in inputs]
        self.of_hidden = apply(ops.Gates, *[layer.weight for layer in hidden])
        self.back = [Packed(layer.weight.array, transpose=True) for layer in hidden]
        self.out = Packed(output[0].array)
        self.biases = [
            apply(ops.Add, x.bias, h.bias) if h.use_bias else x.bias for x, h in zip(inputs, hidden, strict=True)
        ]
        self.table: tuple[Tensor, int] | None = None  # of which `products` are, and its edits then
        self.products: Any = None

    def holds(self, layers: list[Linear], output: list[Tensor]) -> bool:
        """Whether it is made of these layers and parameters, and they are as they were."""
        now = [*_parameters(layers), *output]
        return now == self.sources and [parameter.edits for parameter in now] == self.edits

    def shares(self, input: Tensor, rows: int) -> tuple[Any, np.ndarray | None]:
        """Return the input's share in the gates: for each row of it, or for each of the table that it names, and ids.

        `rows` counts those of the chain of steps so far. The product of a table serves all its steps.
        """
        if input.lookup is not None and not input.edits:
            table, ids, edits = input.lookup
            if table.edits == edits and table.array.dtype == self.of_hidden.array.dtype:
                # Worth it for a table that the steps so far, or the eight to come, read about once.
                if self.table != (table, edits) and len(table.array) <= rows + 8 * len(ids):
                    self.table, self.products = (table, edits), self.multiply(table)
                if self.table == (table, edits):
                    return self.products, ids
        return self.multiply(input._floating(self.of_hidden.array.dtype)), None

    def multiply(self, x: Tensor) -> Any:
        """Return the share in the gates of all rows of x."""
        return apply(ops.GateShares, x, *self.of_input, *self.biases)


def _parameters(layers: list[Linear]) -> list[Tensor]:
    """Return weights and biases of layers."""
    return [p for layer in layers for p in ([layer.weight, layer.bias] if layer.use_bias else [layer.weight])]


def _step(
    op: type[ops.Op],
    input: Tensor,
    states: list[Tensor],
    of_input: list[Linear],
    of_hidden: list[Linear],
    of_output: list[Tensor],
    **static: Any,
) -> Any:
    """Take a step of a cell: gates come from layers of the input and of the first state, the output from weights."""
    expect_tensor("forward", "input", input)
    for state in states:
        expect_tensor("forward", "hidden", state)
    before: Any = states[0].op if isinstance(states[0].op, op) else None
    window = before.window if before is not None else None
    if window is None or not window.holds([*of_input, *of_hidden], of_output):
        window = Window(of_input, of_hidden, of_output)
    if input.array.ndim != 2:
        raise ShapeError(f"forward: input has shape {input.array.shape}, expected (B, D)")
    rows = len(input.array) + (before.rows if before is not None else 0)
    shares, ids = window.shares(input, rows)
    dtype = window.of_hidden.array.dtype
    states = [state._floating(dtype) for state in states]
    weights = window.of_hidden, *of_output
    made = apply(op, shares, *states, *weights, ids=ids, back=window.back, out=window.out, **static)
    if made[0].op is not None:
        made[0].op.rows, made[0].op.window = rows, window
        made[0].retain_grad()
        for output in made:
            output.creators, output.creation_op = [input, *states], "step"
    return made


class RNNCell(Layer):
    """Chapter 13's cell: h = sigmoid(w_ih(x) + w_hh(h)) and output = w_ho(h), from three Linears.

    Gradients are exact: through all steps, and from all outputs that a loss uses.

    Parameters
    ----------
    n_inputs, n_hidden, n_output : int
    activation : str
        "sigmoid" or "tanh".

    Raises
    ------
    ValueError
        For another activation.

    Examples
    --------
    >>> model = RNNCell(n_inputs=4, n_hidden=3, n_output=2)
    >>> output, hidden = model.forward(input=Tensor(np.zeros((5, 4))), hidden=model.init_hidden(batch_size=5))
    >>> output.data.shape, hidden.data.shape
    ((5, 2), (5, 3))
    """

    def __init__(self, n_inputs: int, n_hidden: int, n_output: int, activation: str = "sigmoid"):
        super().__init__()
        self.n_inputs, self.n_hidden, self.n_output = n_inputs, n_hidden, n_output
        if activation not in ("sigmoid", "tanh"):
            raise ValueError(f"RNNCell: Non-linearity not found: activation={activation!r}, expected sigmoid or tanh")
        self.activation: Layer = Sigmoid() if activation == "sigmoid" else Tanh()
        self.w_ih = Linear(n_inputs, n_hidden)
        self.w_hh = Linear(n_hidden, n_hidden)
        self.w_ho = Linear(n_hidden, n_output)
        for layer in (self.w_ih, self.w_hh, self.w_ho):
            self.parameters += layer.get_parameters()

    def forward(self, input: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Take a step: input (B, n_inputs), hidden (B, n_hidden) -> output (B, n_output) and the new hidden.

        Raises `TypeError` for what is no Tensor, `ShapeError` when sizes do not fit.
        """
        if type(self.activation) not in (Sigmoid, Tanh) or type(self.w_ho) is not Linear:  # somebody's own
            new_hidden = self.activation.forward(self.w_ih.forward(input) + self.w_hh.forward(hidden))
            return self.w_ho.forward(new_hidden), new_hidden
        tanh = isinstance(self.activation, Tanh)
        output = _parameters([self.w_ho])
        return _step(ops.BookRNNStep, input, [hidden], [self.w_ih], [self.w_hh], output, tanh=tanh)

    def init_hidden(self, batch_size: int = 1) -> Tensor:
        """Return zeros (batch_size, n_hidden)."""
        return Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)


class LSTMCell(Layer):
    """Chapter 14's LSTM: forget, input and output gate, and candidate, from Linears of x and of h.

        f = sigmoid(xf(x) + hf(h))    i, o likewise     g = tanh(xc(x) + hc(h))
        c = f * c + i * g             h = o * tanh(c)   output = w_ho(h)

    **The gradients of the book.** The engine that chapter 13 builds loses gradients that arrive late, and an LSTM is
    where it shows: of what a hidden state gets from the next step, only the part by way of the output gate counts, and
    the cell state passes nothing back. For one step its gradients are right. After two they are off by 0.49 of their
    norm, after three by 0.84, after five by 0.99 (in the small model of `tests/book/test_recurrent.py`); with
    `exact = True` they agree with finite differences to 1e-8. Yet the book's learning rate, 0.05, and all perplexities
    that it prints come from those gradients: exact ones are larger, and with them that rate diverges within ten
    batches, where 0.003 works. So the default is the book's, and

        LSTMCell.exact = True        # or model.exact = True, for one model

    switches to backpropagation through time as it should be.

    Parameters
    ----------
    n_inputs, n_hidden, n_output : int

    Attributes
    ----------
    xf, xi, xo, xc : Linear
        Of the input, with bias.
    hf, hi, ho, hc : Linear
        Of the hidden state, without.
    w_ho : Linear
        Of the output, without bias.
    exact : bool
        Whether gradients are exact; False by default.

    Examples
    --------
    >>> model = LSTMCell(n_inputs=4, n_hidden=3, n_output=2)
    >>> hidden = model.init_hidden(batch_size=5)
    >>> output, (h, c) = model.forward(input=Tensor(np.zeros((5, 4))), hidden=hidden)
    >>> output.data.shape, h.data.shape, c.data.shape
    ((5, 2), (5, 3), (5, 3))
    """

    exact = False

    def __init__(self, n_inputs: int, n_hidden: int, n_output: int):
        super().__init__()
        self.n_inputs, self.n_hidden, self.n_output = n_inputs, n_hidden, n_output
        self.xf = Linear(n_inputs, n_hidden)
        self.xi = Linear(n_inputs, n_hidden)
        self.xo = Linear(n_inputs, n_hidden)
        self.xc = Linear(n_inputs, n_hidden)
        self.hf = Linear(n_hidden, n_hidden, bias=False)
        self.hi = Linear(n_hidden, n_hidden, bias=False)
        self.ho = Linear(n_hidden, n_hidden, bias=False)
        self.hc = Linear(n_hidden, n_hidden, bias=False)
        self.w_ho = Linear(n_hidden, n_output, bias=False)
        for layer in (*self._of_input(), *self._of_hidden(), self.w_ho):
            self.parameters += layer.get_parameters()

    def _of_input(self) -> list[Linear]:
        return [self.xf, self.xi, self.xo, self.xc]

    def _of_hidden(self) -> list[Linear]:
        return [self.hf, self.hi, self.ho, self.hc]

    def forward(self, input: Tensor, hidden: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Take a step: input (B, n_inputs), hidden a pair of (B, n_hidden) -> output (B, n_output) and the new pair.

        Raises `TypeError` for what is no Tensor, or no pair of them, `ShapeError` when sizes do not fit.
        """
        if isinstance(hidden, Tensor):
            raise TypeError("forward: hidden is a Tensor, expected a pair of them: h and c")
        layers = self._of_input(), self._of_hidden(), [self.w_ho.weight]
        output, h, c = _step(ops.BookLSTMStep, input, [hidden[0], hidden[1]], *layers, exact=self.exact)
        return output, (h, c)

    def init_hidden(self, batch_size: int = 1) -> tuple[Tensor, Tensor]:
        """Return h and c, (batch_size, n_hidden) each: zeros, but 1 in the first column."""
        h = Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)
        c = Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)
        h.data[:, 0] += 1
        c.data[:, 0] += 1
        return h, c

"""The book's recurrent cells, chapters 13 and 14: each step is one node of the graph."""

from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..ops.book import Step
from .layers import Layer, Linear, Sigmoid, Tanh
from .tensor import Tensor

__all__ = ["LSTMCell", "RNNCell"]


class Projection:
    """The product of a table with input weights, for all steps until one of these tensors changes."""

    def __init__(self, table: Tensor, weights: list[Tensor], biases: list[Tensor]):
        self.sources = [table, *weights, *biases]
        self.edits = [source.edits for source in self.sources]
        self.inputs = Step.project(table.array, [w.array for w in weights], [b.array for b in biases])

    def holds(self, sources: list[Tensor]) -> bool:
        """Whether it is that of `sources`, and as they are now."""
        return all(
            ours is theirs and theirs.edits == edits
            for ours, theirs, edits in zip(self.sources, sources, self.edits, strict=True)
        )


class _Cell(Layer):
    """What the cells share: a step on rows of an embedding multiplies the table, once for a chain of steps."""

    n_inputs: int
    n_hidden: int
    n_output: int

    def _step(
        self, op: type[Step], input: Tensor, states: list[Tensor], layers: list[Linear], weights: list[Tensor], **static: Any
    ) -> Any:
        """Take a step; `layers` have the input weights, and `weights` are all of the cell."""
        before = states[0].op
        before = before if isinstance(before, op) else None
        rows = len(input.array) + (before.rows if before is not None else 0)
        projection = None
        x = input
        if input.lookup is not None and not input.edits and input.array.dtype == weights[0].array.dtype:
            table, ids, edits = input.lookup
            # Worth it for a table that the steps so far, or the eight to come, read about once.
            if table.edits == edits and len(table.array) <= rows + 8 * len(ids):
                ours, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
                projection = before.projection if before is not None else None
                if projection is None or not projection.holds([table, *ours, *biases]):
                    projection = Projection(table, ours, biases)
                x, static["ids"], static["inputs"] = table, ids, projection.inputs
        dtype = np.result_type(x.array, weights[0].array)
        outputs = apply(op, x._floating(dtype), *[s._floating(dtype) for s in states], *weights, **static)
        made = outputs[0].op
        if made is not None:
            made.rows, made.projection = rows, projection
            for output, operation in zip(outputs, ("output", "hidden", "cell"), strict=False):
                output.creators, output.creation_op = [input, *states], operation
        return outputs


class RNNCell(_Cell):
    """h = sigmoid(w_ih(x) + w_hh(h)), output = w_ho(h): chapter 13's cell, with `w_ih`, `w_hh` and `w_ho` three Linears.

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

        Raises `ShapeError` when sizes do not fit.
        """
        if type(self.activation) not in (Sigmoid, Tanh):  # somebody's own
            new_hidden = self.activation.forward(self.w_ih.forward(input) + self.w_hh.forward(hidden))
            return self.w_ho.forward(new_hidden), new_hidden
        weights = [p for layer in (self.w_ih, self.w_hh, self.w_ho) for p in (layer.weight, layer.bias)]
        tanh = isinstance(self.activation, Tanh)
        return self._step(ops.BookRNNStep, input, [hidden], [self.w_ih], weights, tanh=tanh)

    def init_hidden(self, batch_size: int = 1) -> Tensor:
        """Return zeros (batch_size, n_hidden)."""
        return Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)


class LSTMCell(_Cell):
    """Chapter 14's LSTM: forget, input and output gate, and candidate, from Linears of x and of h.

        f = sigmoid(xf(x) + hf(h))    i, o likewise     g = tanh(xc(x) + hc(h))
        c = f * c + i * g             h = o * tanh(c)   output = w_ho(h)

    **The gradients of the book.** The engine that chapter 13 builds loses gradients that arrive late, and an LSTM is
    where it shows: of what a hidden state gets from the next step, only the part by way of the output gate counts, and
    the cell state passes nothing back. Finite differences say so: for two steps and more the book's gradients are off
    by a third and more of their size (`tests/book/test_recurrent.py`), where `exact = True` agrees to 1e-7. Yet the
    book's learning rate, 0.05, and all perplexities that it prints come from those gradients; with exact ones the same
    rate diverges within ten batches (0.003 works). So the default is the book's, and

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

        Raises `ShapeError` when sizes do not fit.
        """
        weights = [p for layer in self._of_input() for p in (layer.weight, layer.bias)]
        weights += [layer.weight for layer in (*self._of_hidden(), self.w_ho)]
        states = [hidden[0], hidden[1]]
        output, h, c = self._step(ops.BookLSTMStep, input, states, self._of_input(), weights, exact=self.exact)
        return output, (h, c)

    def init_hidden(self, batch_size: int = 1) -> tuple[Tensor, Tensor]:
        """Return h and c, (batch_size, n_hidden) each: zeros, but 1 in the first column."""
        h = Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)
        c = Tensor(np.zeros((batch_size, self.n_hidden)), autograd=True)
        h.data[:, 0] += 1
        c.data[:, 0] += 1
        return h, c

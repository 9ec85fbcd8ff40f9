"""The book's layers, chapter 13: parameters that are drawn as there, and `forward`."""

from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from .tensor import Tensor, expect_tensor

__all__ = ["Embedding", "Layer", "Linear", "Sequential", "Sigmoid", "Tanh"]


class Layer:
    """Something with parameters.

    Examples
    --------
    >>> Layer().get_parameters()
    []
    """

    def __init__(self) -> None:
        self.parameters: list[Tensor] = []

    def get_parameters(self) -> list[Tensor]:
        """Return the parameters: the list itself, not a copy."""
        return self.parameters

    def forward(self, *inputs: Any) -> Any:
        """Calculate the output; every layer has its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")


class Linear(Layer):
    """input.mm(weight) + bias: (B, n_inputs) -> (B, n_outputs).

    The weight (n_inputs, n_outputs) is drawn from `np.random.randn`, times sqrt(2 / n_inputs); the bias is zero, or
    absent with `bias=False`.

    Examples
    --------
    >>> Linear(2, 3).forward(Tensor(np.zeros((4, 2)))).data.shape
    (4, 3)
    """

    def __init__(self, n_inputs: int, n_outputs: int, bias: bool = True):
        super().__init__()
        self.use_bias = bias
        drawn = np.random.randn(n_inputs, n_outputs)  # noqa: NPY002 - the book's stream
        self.weight = Tensor(drawn * np.sqrt(2.0 / n_inputs), autograd=True)
        self.parameters.append(self.weight)
        if bias:
            self.bias = Tensor(np.zeros(n_outputs), autograd=True)
            self.parameters.append(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Multiply and add. Raises `TypeError` when input is no Tensor, `ShapeError` when sizes do not fit."""
        expect_tensor("Linear", "input", input)
        if not self.use_bias:
            return input.mm(self.weight)
        dtype = np.result_type(input.array, self.weight.array)
        x, bias = input._floating(dtype), self.bias._floating(dtype)
        columns = apply(ops.Permute, self.weight._floating(dtype), dims=(1, 0))
        return input._made(apply(ops.Linear, x, columns, bias), "linear", input, self.weight, self.bias)


class Sequential(Layer):
    """Layers one after the other. A list that is passed stays the caller's: what is added to one is in the other.

    Examples
    --------
    >>> model = Sequential([Linear(2, 3), Tanh(), Linear(3, 1)])
    >>> len(model.get_parameters())
    4
    """

    def __init__(self, layers: list | None = None):
        super().__init__()
        self.layers = [] if layers is None else layers

    def add(self, layer: Layer) -> None:
        """Append a layer."""
        self.layers.append(layer)

    def forward(self, input: Any) -> Any:
        """Pass the input through all layers."""
        for layer in self.layers:
            input = layer.forward(input)
        return input

    def get_parameters(self) -> list[Tensor]:
        """Return the parameters of all layers, in their order."""
        return [parameter for layer in self.layers for parameter in layer.get_parameters()]


class Embedding(Layer):
    """A table of `vocab_size` rows of `dim` numbers, drawn from `(np.random.rand(...) - 0.5) / dim`.

    Examples
    --------
    >>> Embedding(vocab_size=5, dim=3).forward(Tensor([[1, 2], [2, 1]])).data.shape
    (2, 2, 3)
    """

    def __init__(self, vocab_size: int, dim: int):
        super().__init__()
        self.vocab_size = vocab_size
        self.dim = dim
        drawn = np.random.rand(vocab_size, dim)  # noqa: NPY002 - the book's stream
        self.weight = Tensor((drawn - 0.5) / dim, autograd=True)
        self.parameters.append(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        """Look up rows: input (...), whole numbers -> (..., dim). Raises `IndexError` for one that names no row."""
        return self.weight.index_select(input)


class Tanh(Layer):
    """The hyperbolic tangent.

    Examples
    --------
    >>> Tanh().forward(Tensor([0.0]))
    array([0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return input.tanh()


class Sigmoid(Layer):
    """1 / (1 + e^-x).

    Examples
    --------
    >>> Sigmoid().forward(Tensor([0.0]))
    array([0.5])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply it to every element."""
        return input.sigmoid()

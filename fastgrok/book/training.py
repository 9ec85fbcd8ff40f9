"""The book's losses and its optimizer."""

from collections.abc import Sequence

import fastgrok_kernels as kernels

from ..errors import DtypeError
from ..ops import Rows
from ..ops.base import KERNEL_SIZE
from .tensor import Tensor

__all__ = ["SGD", "CrossEntropyLoss", "MSELoss"]


class MSELoss:
    """Squared errors, summed over the rows, not averaged: (B, O) -> (O,).

    Examples
    --------
    >>> MSELoss().forward(Tensor([[1.0], [2.0]]), Tensor([[0.0], [0.0]]))
    array([5.])
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the sums."""
        difference = input - target
        return (difference * difference).sum(0)


class CrossEntropyLoss:
    """The mean of -log softmax(input)[target] over all rows; its gradient is not divided, see `Tensor.cross_entropy`.

    Examples
    --------
    >>> print(CrossEntropyLoss().forward(Tensor([[0.0, 0.0]]), Tensor([1])))
    0.6931471805599453
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of input (..., V) and whole numbers `target`, one for each row."""
        return input.cross_entropy(target)


class SGD:
    """Stochastic gradient descent: data -= grad * alpha, in place, and then the gradient is zero.

    Parameters without a gradient are passed over.

    Examples
    --------
    >>> w = Tensor([1.0, 2.0], autograd=True)
    >>> (w * w).backward()
    >>> SGD([w], alpha=0.1).step()
    >>> print(w, w.grad)
    [0.8 1.6] [0. 0.]
    """

    def __init__(self, parameters: Sequence[Tensor], alpha: float = 0.1):
        self.parameters = parameters
        self.alpha = alpha

    def zero(self) -> None:
        """Set all gradients to zero."""
        for p in self.parameters:
            p.zero_gradient()

    def step(self, zero: bool = True) -> None:
        """Change all parameters and, unless `zero` is False, set their gradients to zero.

        Raises `DtypeError` for a parameter of whole numbers: it cannot go down a slope.
        """
        for p in self.parameters:
            if p._grad is not None:
                self._change(p)
            if zero:
                p.zero_gradient()

    def _change(self, p: Tensor) -> None:
        if p.array.dtype.kind != "f":
            raise DtypeError(f"step: a parameter has dtype {p.array.dtype}, expected floats")
        p.edits += 1
        if isinstance(p._grad, Rows) and p._grad.ids.size < len(p.array) and p.array.flags.c_contiguous:
            rows = p._grad.sum()
            kernels.add_rows_into(p.array, rows.ids, rows.rows, -self.alpha)
            return
        gradient = p.gradient_array()
        if p.array.size >= KERNEL_SIZE and p.array.flags.c_contiguous and gradient.flags.c_contiguous:
            kernels.sgd_into(p.array, gradient, float(self.alpha), 0.0)
        else:
            p.array -= gradient * self.alpha

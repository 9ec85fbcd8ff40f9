"""Dropout: zero a random part of the activations, or of the channels, while training."""

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["Dropout", "Dropout1d", "Dropout2d"]


class Dropout(Module):
    """Zero each element with probability p and scale the others by 1 / (1 - p); in evaluation mode, pass the input on.

    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014).

    Parameters
    ----------
    p : float
        The probability, 0 <= p <= 1.
    inplace : bool
        True is not covered and raises `NotImplementedError`.

    Shape: input and output alike, any.

    Raises
    ------
    ValueError
        When p is not a probability.

    Examples
    --------
    >>> import fastgrok
    >>> Dropout(0.5).eval()(fastgrok.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False):
        F.check_dropout(p, inplace)
        super().__init__()
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Zero elements at random when training."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Return the settings."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Zero whole channels of sequences ([B,] C, L), else like `Dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        """Zero channels at random when training."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """Zero whole channels of images (B, C, R, S), else like `Dropout`: neighbouring pixels say the same."""

    def forward(self, input: Tensor) -> Tensor:
        """Zero channels at random when training."""
        return F.dropout2d(input, self.p, self.training, self.inplace)

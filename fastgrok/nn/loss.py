"""Losses as modules; each calls the function of `nn.functional` that has its formula."""

from typing import Any

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["CrossEntropyLoss", "MSELoss", "NLLLoss"]


class _Loss(Module):
    """A loss with a reduction."""

    def __init__(self, size_average: Any, reduce: Any, reduction: str):
        F.check_reduction(type(self).__name__, reduction, size_average, reduce)
        super().__init__()
        self.reduction = reduction


class CrossEntropyLoss(_Loss):
    """The negative logarithm of the probability that the softmax of the logits gives to the target class.

    Parameters
    ----------
    weight : Tensor (V,), optional
        A factor for the loss of each class; a buffer, not a parameter.
    label_smoothing : float
        The part of the target's probability that is shared out among all classes.
    ignore_index : int
        Targets of this value count for nothing, neither in the sum nor in the mean's number.
    reduction : str
        "mean" (default), "sum" or "none".

    Shape: logits (N, V), (V,) or (N, V, d1, ...); targets int64 (N,), () or (N, d1, ...); output () or as the targets.

    Examples
    --------
    >>> import fastgrok
    >>> CrossEntropyLoss()(fastgrok.zeros(1, 4), fastgrok.tensor([2]))
    tensor(1.3863)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ):
        F.check_label_smoothing("CrossEntropyLoss", label_smoothing)
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of logits against class ids."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(_Loss):
    """Minus the log-probability of the target class: the cross-entropy of what has been through `LogSoftmax` already.

    Parameters and shapes are those of `CrossEntropyLoss`, with log-probabilities in place of the logits.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        ignore_index: int = -100,
        reduce: Any = None,
        reduction: str = "mean",
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of log-probabilities against class ids."""
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class MSELoss(_Loss):
    """The squared difference (x - y)^2: its mean (default), sum, or every element (`reduction="none"`).

    Shape: input and target alike, any.
    """

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return F.mse_loss(input, target, reduction=self.reduction)

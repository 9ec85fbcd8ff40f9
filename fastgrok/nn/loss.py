"""Losses as modules; each calls the function of `nn.functional` that has its formula."""

from typing import Any

from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F
from .checks import check_label_smoothing, check_reduction
from .module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "NLLLoss",
    "NTXentLoss",
    "SmoothL1Loss",
    "TripletMarginLoss",
]


class _Loss(Module):
    """A loss with a reduction."""

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean"):
        check_reduction(type(self).__name__, reduction, size_average, reduce)
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

    Shape: logits (N, V), (V,) or (N, V, d1, ...); targets int64 (N,), () or (N, d1, ...), or probabilities of the shape
    of the logits; output () or, without a reduction, (N,), () or (N, d1, ...).

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
        check_label_smoothing("CrossEntropyLoss", label_smoothing)
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of logits against class ids, or against probabilities of the classes."""
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

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """The absolute difference |x - y|. Shape: input and target alike, any."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, for d = x - y. Shape: input and target alike, any.

    Raises `RuntimeError` by the call when beta is negative.
    """

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), for d = x - y. Shape: input and target alike, any.

    Raises `RuntimeError` by the call unless delta > 0.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss."""
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(_Loss):
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t from 0 to 1; see `F.binary_cross_entropy`.

    `weight`, a buffer, broadcasts to the shape of the input. Shape: input and target alike, any.
    """

    def __init__(
        self, weight: Tensor | None = None, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of probabilities."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """`BCELoss` of the sigmoid of the input, calculated without overflow.

    `weight` and `pos_weight` (factors for targets of 1) are buffers that broadcast to the shape of the input.
    Shape: input and target alike, any.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of logits."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(_Loss):
    """t (log t - x) for log-probabilities x and probabilities t (log t with `log_target`); see `F.kl_div`.

    `reduction` may also be "batchmean", the sum divided by the size of the first dimension. Shapes broadcast.
    """

    def __init__(self, size_average: Any = None, reduce: Any = None, reduction: str = "mean", log_target: bool = False):
        super().__init__(size_average, reduce, "sum" if reduction == "batchmean" else reduction)
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the divergence."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class TripletMarginLoss(_Loss):
    """max(d(anchor, positive) - d(anchor, negative) + margin, 0), d the distance of the p-norm; see the function.

    Shape: (N, D) or (D,) each. Raises `ValueError` unless margin > 0.
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ):
        if not margin > 0:
            raise ArgumentError(f"TripletMarginLoss: expected margin to be greater than 0, got {margin} instead")
        super().__init__(size_average, reduce, reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Compute the loss of triplets."""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, reduction=self.reduction
        )


class CosineEmbeddingLoss(_Loss):
    """1 - c where the target is 1, max(c - margin, 0) where it is -1, c the cosine of the angle between the inputs.

    Shape: inputs (N, D) and target (N,), or (D,) and ().
    """

    def __init__(self, margin: float = 0.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of pairs."""
        return F.cosine_embedding_loss(input1, input2, target, self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(_Loss):
    """The input x where the target is 1, max(margin - x, 0) where it is -1. Shape: input and target alike, any."""

    def __init__(self, margin: float = 1.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of distances."""
        return F.hinge_embedding_loss(input, target, self.margin, reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """max(-y (x1 - x2) + margin, 0), where y is 1 if x1 should be the larger one, else -1. Shape: (N,) or () each."""

    def __init__(self, margin: float = 0.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of pairs."""
        return F.margin_ranking_loss(input1, input2, target, self.margin, reduction=self.reduction)


class NTXentLoss(_Loss):
    """The contrastive loss of SimCLR for two views of one batch; its formula stands with `F.nt_xent`.

    Shape: z1 and z2 (N, D); output (), or (2N,) for `reduction="none"`. Raises `ValueError` unless temperature > 0.
    """

    def __init__(self, temperature: float = 0.5, reduction: str = "mean"):
        if not temperature > 0:
            raise ArgumentError(f"NTXentLoss: temperature={temperature}, expected more than 0")
        super().__init__(reduction=reduction)
        self.temperature = temperature

    def forward(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Compute the loss of two views."""
        return F.nt_xent(z1, z2, self.temperature, self.reduction)

    def extra_repr(self) -> str:
        """Return the temperature."""
        return f"temperature={self.temperature}"

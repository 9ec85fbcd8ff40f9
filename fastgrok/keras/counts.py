"""Metrics of yes or no: what is computed from counts of right and wrong answers."""

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..tensor import Tensor
from . import losses
from .layers.base import refuse
from .metric import Metric, array_of

__all__ = ["AUC", "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"]


class _Counted(Metric):
    """What is computed from the numbers of true and false positives and negatives."""

    def __init__(self, thresholds: float | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any):
        for argument in kwargs:
            raise NotImplementedError(f"{type(self).__name__}: {argument}={kwargs[argument]!r} is not covered")
        self.threshold = 0.5 if thresholds is None else float(thresholds)
        super().__init__(name)
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {**super().get_config(), "thresholds": self.threshold}

    def reset_state(self) -> None:
        """Forget all batches."""
        self.true_positives = self.false_positives = self.false_negatives = self.true_negatives = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        truth, guess = array_of(y_true), array_of(y_pred)
        truth, guess = _like(truth, guess) > 0.5, guess > self.threshold
        weights: Any = 1.0
        if sample_weight is not None:
            weights = losses.weights_like(sample_weight, Tensor._from_array(guess.astype(np.float32))).array
        self.true_positives += float((weights * (truth & guess)).sum())
        self.false_positives += float((weights * (~truth & guess)).sum())
        self.false_negatives += float((weights * (truth & ~guess)).sum())
        self.true_negatives += float((weights * ~(truth | guess)).sum())


class Precision(_Counted):
    """The part of what is found that is right."""

    def result(self) -> float:
        """Return it, 0 when nothing is found."""
        found = self.true_positives + self.false_positives
        return self.true_positives / found if found else 0.0


class Recall(_Counted):
    """The part of what is right that is found."""

    def result(self) -> float:
        """Return it, 0 when there is nothing."""
        there = self.true_positives + self.false_negatives
        return self.true_positives / there if there else 0.0


class TruePositives(_Counted):
    """How many are found and right."""

    def result(self) -> float:
        """Return it."""
        return self.true_positives


class TrueNegatives(_Counted):
    """How many are not found, and rightly so."""

    def result(self) -> float:
        """Return it."""
        return self.true_negatives


class FalsePositives(_Counted):
    """How many are found and wrong."""

    def result(self) -> float:
        """Return it."""
        return self.false_positives


class FalseNegatives(_Counted):
    """How many are missed."""

    def result(self) -> float:
        """Return it."""
        return self.false_negatives


class AUC(Metric):
    """The area under the curve of true over false positives ("ROC"), or of precision over recall ("PR").

    The outputs, from 0 to 1, are counted in `num_thresholds` - 1 bins of equal width, and the area is interpolated
    between their borders: for "ROC" by trapezoids, for "PR" after Davis and Goadrich (2006).

    Raises `ValueError` for another curve, fewer than two thresholds, or outputs that are not from 0 to 1.
    """

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", name: str | None = None, dtype: Any = None, **kwargs: Any
    ):
        refuse(
            self, kwargs, summation_method="interpolation", thresholds=None, multi_label=False, num_labels=None,
            label_weights=None, from_logits=False,
        )  # fmt: skip
        for argument in kwargs:
            raise TypeError(f"AUC: unknown argument {argument!r}")
        if curve not in ("ROC", "PR"):
            raise ValueError(f"AUC: curve={curve!r}, expected 'ROC' or 'PR'")
        if isinstance(num_thresholds, bool) or not isinstance(num_thresholds, int) or num_thresholds < 2:
            raise ValueError(f"AUC: num_thresholds={num_thresholds!r}, expected a whole number of at least 2")
        self.num_thresholds, self.curve = num_thresholds, curve
        super().__init__(name or "auc")
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {**super().get_config(), "num_thresholds": self.num_thresholds, "curve": self.curve}

    def reset_state(self) -> None:
        """Forget all batches."""
        self.bins = np.zeros((2, self.num_thresholds))  # negatives and positives, by their outputs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        scores = array_of(y_pred)
        truth, last = _like(array_of(y_true), scores) > 0.5, self.num_thresholds - 1
        if scores.size and not (0 <= scores.min() and scores.max() <= 1):
            raise ValueError(
                f"auc: outputs are from {scores.min()} to {scores.max()}, expected 0 to 1: end with a sigmoid"
            )
        weights = np.ones(scores.shape)
        if sample_weight is not None:
            weights = weights * losses.weights_like(sample_weight, Tensor._from_array(scores)).array
        where = np.maximum(np.ceil(scores * scores.dtype.type(last)).astype(np.int64) - 1, 0)
        for kind, chosen in enumerate((~truth, truth)):
            self.bins[kind] += np.bincount(where[chosen], weights[chosen], self.num_thresholds)

    def result(self) -> float:
        """Return the area, 0 of nothing."""
        # Above a threshold is what is in its bin or in a higher one.
        false, true = np.cumsum(self.bins[:, ::-1], axis=1)[:, ::-1]
        negatives, positives = self.bins.sum(axis=1)
        if self.curve == "ROC":
            x, y = _ratio(false, negatives), _ratio(true, positives)
            return float(((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2).sum())
        found = true + false
        gained = true[:-1] - true[1:]
        slope = _ratio(gained, found[:-1] - found[1:])
        both = (found[:-1] > 0) & (found[1:] > 0)
        steps = np.log(np.where(both, _ratio(found[:-1], found[1:]), 1.0), where=both, out=np.zeros(len(gained)))
        return float(_ratio(slope * (gained + (true[1:] - slope * found[1:]) * steps), positives).sum())


def _ratio(a: Any, b: Any) -> np.ndarray:
    """Return a / b, 0 where b is 0."""
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, where=b != 0, out=np.zeros(a.shape))


def _like(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """Return targets in the shape of the outputs, from which they may differ by axes of size 1."""
    if truth.size != guess.size:
        raise ShapeError(f"metrics: targets have shape {truth.shape} and outputs {guess.shape}, expected one for each")
    return truth.reshape(guess.shape)

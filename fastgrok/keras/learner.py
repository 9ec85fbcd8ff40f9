"""What `fit` trains, and what it measures meanwhile."""

from typing import Any

import numpy as np

from ..grad_mode import no_grad
from ..tensor import Tensor
from . import activations, metrics
from .arrays import Targets

__all__ = ["Learner", "Measures"]


class Measures:
    """Loss and metrics of an epoch: the loss weighs as much as a batch has samples."""

    def __init__(self, plain: list[Any], weighted: list[Any]):
        self.loss, self.plain, self.weighted = metrics.Mean("loss"), plain, weighted
        self.largest_only = all(_of_the_largest(metric) for metric in (*plain, *weighted))

    def reset(self) -> None:
        """Begin anew."""
        for metric in (self.loss, *self.plain, *self.weighted):
            metric.reset_state()

    def update(self, loss: float, targets: Targets, outputs: Tensor) -> None:
        """Take a batch in."""
        count = len(targets.values)
        self.loss.total += loss * count
        self.loss.count += count
        one_hot = targets.values.shape == outputs.array.shape
        accuracy = metrics.categorical_accuracy if one_hot else metrics.sparse_categorical_accuracy
        for metric in self.plain:
            if targets.classes is not None and _of_the_largest(metric) and metric.fn is accuracy:
                metric.total += int(np.count_nonzero(outputs.array.argmax(axis=-1) == targets.classes))
                metric.count += count
            else:
                metric.update_state(targets.values, outputs)
        for metric in self.weighted:
            metric.update_state(targets.values, outputs, targets.weights)

    def logs(self) -> dict[str, float]:
        """Return all values by name."""
        return {metric.name: float(metric.result()) for metric in (self.loss, *self.plain, *self.weighted)}


def _of_the_largest(metric: Any) -> bool:
    """Whether a metric is the mean of what depends only on which output is the largest."""
    return (
        isinstance(metric, metrics.MeanMetric)
        and type(metric).update_state is metrics.MeanMetric.update_state
        and metric.fn in metrics.OF_THE_LARGEST
    )


class Learner:
    """What `fastgrok.training.fit` trains: the model, without an activation at its end that the loss undoes anyway.

    Softmax and cross-entropy together are one step from the logits, exact where the probabilities are rounded to 0
    or 1; so are sigmoid and binary cross-entropy.
    """

    def __init__(self, model: Any):
        self.model = model
        folds = model.loss.folds
        self.folds = folds if folds is not None and folds is model.last_activation else None

    @property
    def training(self) -> bool:
        """Whether the model is in training mode."""
        return self.model.training

    def train(self, mode: bool = True) -> "Learner":
        """Switch the mode."""
        self.model.train(mode)
        return self

    def eval(self) -> "Learner":
        """Switch to inference."""
        return self.train(False)

    def parameters(self) -> Any:
        """Return the parameters of the model."""
        return self.model.parameters()

    def __call__(self, x: Tensor) -> Tensor:
        """Return what the loss is calculated from."""
        return self.model.logits(x) if self.folds else self.model(x)

    def loss(self, output: Tensor, targets: Targets) -> Tensor:
        """Return the loss of what calling this returned."""
        loss = self.model.loss
        if self.folds and targets.weights is None:
            return loss.mean_on_logits(targets.values, output, targets.classes)
        call = loss.call_on_logits if self.folds else loss.call
        return loss.reduce(call(targets.values, output), targets.weights)

    def outputs(self, output: Tensor, measures: Measures) -> Tensor:
        """Return what the model itself would have returned, or logits where only the largest of them counts."""
        if self.folds is activations.softmax and measures.largest_only:
            return output
        with no_grad():
            output = output.detach()
            return self.model.last_activation(output) if self.folds else output

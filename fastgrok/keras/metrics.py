"""Metrics by name, function or object: means over all samples of an epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..grad_mode import no_grad
from ..tensor import Tensor
from . import losses
from .naming import choose, snake_case

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "Mean",
    "MeanMetric",
    "Metric",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "get",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


def _array(value: Any) -> np.ndarray:
    return value.array if isinstance(value, Tensor) else np.asarray(value)


def _hits(right: np.ndarray) -> Tensor:
    return Tensor._from_array(right.astype(np.float32))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Return, for each sample, the part of its outputs that are on the right side of `threshold`."""
    truth, guess = _array(y_true), _array(y_pred)
    if truth.ndim == guess.ndim - 1 and guess.shape[-1] == 1:
        truth = truth[..., None] if truth.ndim == 1 else truth
    right = truth == (guess > threshold)
    return Tensor._from_array(right.mean(axis=-1, dtype=np.float32))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return 1 for each sample whose largest output is that of the one-hot target, else 0."""
    return _hits(_array(y_true).argmax(axis=-1) == _array(y_pred).argmax(axis=-1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return 1 for each sample whose largest output is that of the class number, else 0."""
    return _hits(_classes(y_true, y_pred) == _array(y_pred).argmax(axis=-1))


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Return 1 for each sample whose one-hot target is among the `k` largest outputs, else 0."""
    return sparse_top_k_categorical_accuracy(_array(y_true).argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Return 1 for each sample whose class number is among those of the `k` largest outputs, else 0."""
    scores = _array(y_pred)
    right = np.take_along_axis(scores, _classes(y_true, y_pred).astype(np.int64)[..., None], axis=-1)
    return _hits((scores > right).sum(axis=-1) < k)


def _classes(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return class numbers without an axis of size 1 at the end."""
    classes = _array(y_true)
    return classes[..., 0] if classes.ndim == _array(y_pred).ndim and classes.shape[-1] == 1 else classes


class Metric:
    """What is measured over an epoch: `update_state` for every batch, `result`, and `reset_state` for the next."""

    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = name or snake_case(type(self).__name__)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in. Every metric defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_state")

    def result(self) -> float:
        """Return the value over all batches so far. Every metric defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define result")

    def __call__(self, *args: Any, **kwargs: Any) -> float:
        """Take a batch in and return the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()


class Mean(Metric):
    """The mean of numbers, weighted if need be."""

    def reset_state(self) -> None:
        """Forget all numbers."""
        self.total = self.count = 0.0

    def update_state(self, values: Any, sample_weight: Any = None, *_: Any) -> None:  # type: ignore[override]
        """Take numbers in."""
        self.add(_array(values), sample_weight)

    def add(self, values: np.ndarray, sample_weight: Any = None) -> None:
        """Add to the sums."""
        values = np.asarray(values)
        if sample_weight is None:
            self.total += float(values.sum(dtype=np.float64))
            self.count += values.size
        else:
            weights = losses.weights_like(sample_weight, Tensor._from_array(values)).array
            self.total += float((values * weights).sum(dtype=np.float64))
            self.count += float(np.broadcast_to(weights, values.shape).sum(dtype=np.float64))

    def result(self) -> float:
        """Return the mean, 0 of nothing."""
        return self.total / self.count if self.count else 0.0


class MeanMetric(Mean):
    """The mean of a function of (y_true, y_pred) over all samples."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name or getattr(fn, "__name__", "metric"))
        self.fn, self.kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take a batch in."""
        with no_grad():
            self.add(_array(self.fn(y_true, y_pred, **self.kwargs)), sample_weight)


class _Fixed(MeanMetric):
    """A `MeanMetric` whose function and settings the class fixes."""

    function: Callable[..., Any]
    setting: str | None = None

    def __init__(self, setting: Any = None, name: str | None = None, dtype: Any = None, **kwargs: Any):
        if isinstance(setting, str) or (setting is not None and self.setting is None):
            setting, name = None, str(setting)
        given = dict(kwargs)
        if setting is not None and self.setting is not None:
            given[self.setting] = setting
        super().__init__(type(self).function, name or snake_case(type(self).__name__), **given)


class BinaryAccuracy(_Fixed):
    """The mean of `binary_accuracy`."""

    function, setting = staticmethod(binary_accuracy), "threshold"

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5):
        super().__init__(threshold, name)


class CategoricalAccuracy(_Fixed):
    """The mean of `categorical_accuracy`."""

    function = staticmethod(categorical_accuracy)


class SparseCategoricalAccuracy(_Fixed):
    """The mean of `sparse_categorical_accuracy`."""

    function = staticmethod(sparse_categorical_accuracy)


class TopKCategoricalAccuracy(_Fixed):
    """The mean of `top_k_categorical_accuracy`; k = 5."""

    function, setting = staticmethod(top_k_categorical_accuracy), "k"


class SparseTopKCategoricalAccuracy(_Fixed):
    """The mean of `sparse_top_k_categorical_accuracy`; k = 5."""

    function, setting = staticmethod(sparse_top_k_categorical_accuracy), "k"


class Accuracy(_Fixed):
    """How often outputs equal targets, number by number."""

    function = staticmethod(lambda y_true, y_pred: _hits(_array(y_true) == _array(y_pred)))


class RootMeanSquaredError(MeanMetric):
    """The root of the mean squared error."""

    def __init__(self, name: str | None = None, dtype: Any = None):
        super().__init__(lambda y_true, y_pred: losses.mean_squared_error(y_true, y_pred), name)
        self.name = name or "root_mean_squared_error"

    def result(self) -> float:
        """Return the root."""
        return super().result() ** 0.5


class _Counted(Metric):
    """What is computed from the numbers of true and false positives and negatives."""

    def __init__(self, thresholds: float | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any):
        for argument in kwargs:
            raise NotImplementedError(f"{type(self).__name__}: {argument}={kwargs[argument]!r} is not covered")
        self.threshold = 0.5 if thresholds is None else float(thresholds)
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget all batches."""
        self.true_positives = self.false_positives = self.false_negatives = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        truth, guess = _array(y_true), _array(y_pred)
        truth, guess = truth.reshape(guess.shape) > 0.5, guess > self.threshold
        weights: Any = 1.0
        if sample_weight is not None:
            weights = losses.weights_like(sample_weight, Tensor._from_array(guess.astype(np.float32))).array
        self.true_positives += float((weights * (truth & guess)).sum())
        self.false_positives += float((weights * (~truth & guess)).sum())
        self.false_negatives += float((weights * (truth & ~guess)).sum())


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


#: Metrics that look only at which output is the largest: logits will do.
OF_THE_LARGEST = (categorical_accuracy, sparse_categorical_accuracy)

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: globals()[name] for name in __all__ if name.islower() and name != "get"
}
_CLASSES: dict[str, Any] = {
    name: globals()[name] for name in __all__ if not name.islower() and name not in ("Metric", "MeanMetric", "Mean")
}
_CLASSES |= {snake_case(name): kind for name, kind in _CLASSES.items() if snake_case(name) not in _FUNCTIONS}
_AUTOMATIC = ("accuracy", "acc")


def get(identifier: Any, targets: tuple[int, ...] = (), outputs: tuple[int, ...] = ()) -> Metric:
    """Return the metric of that name; a function is made an object, and an object is returned as it is.

    "accuracy" is that of two classes, of one-hot targets or of class numbers, by the shapes of targets and outputs.

    Raises `ValueError` for an unknown name.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, dict):  # from a file
        config = {name: value for name, value in identifier.get("config", {}).items() if name not in ("dtype", "fn")}
        return choose("metric", identifier.get("class_name"), _CLASSES)(**config)
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, str):
        if identifier.lower() in _AUTOMATIC:
            if outputs[-1:] == (1,):
                return MeanMetric(binary_accuracy, identifier)
            sparse = len(targets) < len(outputs) or targets[-1:] == (1,)
            return MeanMetric(sparse_categorical_accuracy if sparse else categorical_accuracy, identifier)
        known = dict.fromkeys(_AUTOMATIC) | _FUNCTIONS | _CLASSES | losses._FUNCTIONS
        found = choose("metric", identifier, known)
        return found() if isinstance(found, type) else MeanMetric(found, identifier)
    if isinstance(identifier, losses.Loss):
        return MeanMetric(identifier.call, identifier.name)
    if callable(identifier):
        return MeanMetric(identifier)
    raise TypeError(f"metric={identifier!r} is {type(identifier).__name__}, expected a name, a function or an object")

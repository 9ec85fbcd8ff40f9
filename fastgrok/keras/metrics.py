"""Metrics by name, function or object: means over all samples of an epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..grad_mode import no_grad
from ..tensor import Tensor
from . import losses
from .counts import AUC, FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives
from .hints import BY_NAME, missing
from .metric import Metric, array_of
from .naming import choose, snake_case

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetric",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SquaredHinge",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "categorical_accuracy",
    "cosine_similarity",
    "get",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


def _hits(right: np.ndarray) -> Tensor:
    return Tensor._from_array(right.astype(np.float32))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Return, for each sample, the part of its outputs that are on the right side of `threshold`."""
    truth, guess = array_of(y_true), array_of(y_pred)
    if truth.ndim == guess.ndim - 1 and guess.shape[-1] == 1:
        truth = truth[..., None] if truth.ndim == 1 else truth
    right = truth == (guess > threshold)
    return Tensor._from_array(right.mean(axis=-1, dtype=np.float32))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return 1 for each sample whose largest output is that of the one-hot target, else 0."""
    return _hits(array_of(y_true).argmax(axis=-1) == array_of(y_pred).argmax(axis=-1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Return 1 for each sample whose largest output is that of the class number, else 0."""
    return _hits(_classes(y_true, y_pred) == array_of(y_pred).argmax(axis=-1))


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Return 1 for each sample whose one-hot target is among the `k` largest outputs, else 0."""
    return sparse_top_k_categorical_accuracy(array_of(y_true).argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Return 1 for each sample whose class number is among those of the `k` largest outputs, else 0."""
    scores = array_of(y_pred)
    right = np.take_along_axis(scores, _classes(y_true, y_pred).astype(np.int64)[..., None], axis=-1)
    return _hits((scores > right).sum(axis=-1) < k)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Return the cosine of the angle between both, along an axis: minus the loss of this name."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


def _classes(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return class numbers without an axis of size 1 at the end."""
    classes, shape = array_of(y_true), array_of(y_pred).shape
    classes = classes[..., 0] if classes.ndim == len(shape) and classes.shape[-1] == 1 else classes
    if classes.shape != shape[:-1]:
        raise ShapeError(
            f"sparse_categorical_accuracy: y_true has shape {array_of(y_true).shape} and y_pred {shape}, expected "
            f"class numbers of shape {shape[:-1]}; one-hot targets go with categorical_accuracy, and 'accuracy' takes "
            "both"
        )
    return classes


class Mean(Metric):
    """The mean of numbers, weighted if need be."""

    def __init__(self, name: str | None = None, dtype: Any = None):
        super().__init__(name)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all numbers."""
        self.total = self.count = 0.0

    def update_state(self, values: Any, sample_weight: Any = None, *_: Any) -> None:  # type: ignore[override]
        """Take numbers in."""
        self.add(array_of(values), sample_weight)

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
            self.add(array_of(self.fn(y_true, y_pred, **self.kwargs)), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {**super().get_config(), **self.kwargs}


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

    function = staticmethod(lambda y_true, y_pred: _hits(array_of(y_true) == array_of(y_pred)))


class RootMeanSquaredError(MeanMetric):
    """The root of the mean squared error."""

    def __init__(self, name: str | None = None, dtype: Any = None):
        super().__init__(lambda y_true, y_pred: losses.mean_squared_error(y_true, y_pred), name)
        self.name = name or "root_mean_squared_error"

    def get_config(self) -> dict[str, Any]:
        """Return the name; there are no settings."""
        return {"name": self.name}

    def result(self) -> float:
        """Return the root."""
        return super().result() ** 0.5


def _kind(name: str, fn: Callable[..., Any], *settings: str, short: str | None = None) -> type[MeanMetric]:
    """Return the class that measures the mean of a loss; `settings` are its arguments."""

    def __init__(self: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        for argument in kwargs:
            if argument not in settings:
                raise TypeError(f"{type(self).__name__}: unknown argument {argument!r}")
        MeanMetric.__init__(self, fn, name or short or snake_case(type(self).__name__), **kwargs)

    doc = f"The mean of `{fn.__name__}` over all samples; {', '.join(settings) or 'no settings'}."
    return type(name, (MeanMetric,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


MeanSquaredError = _kind("MeanSquaredError", losses.mean_squared_error)
MeanAbsoluteError = _kind("MeanAbsoluteError", losses.mean_absolute_error)
MeanAbsolutePercentageError = _kind("MeanAbsolutePercentageError", losses.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _kind("MeanSquaredLogarithmicError", losses.mean_squared_logarithmic_error)
LogCoshError = _kind("LogCoshError", losses.log_cosh, short="logcosh")
Hinge = _kind("Hinge", losses.hinge)
SquaredHinge = _kind("SquaredHinge", losses.squared_hinge)
CategoricalHinge = _kind("CategoricalHinge", losses.categorical_hinge)
KLDivergence = _kind("KLDivergence", losses.kl_divergence, short="kl_divergence")
Poisson = _kind("Poisson", losses.poisson)
CosineSimilarity = _kind("CosineSimilarity", cosine_similarity, "axis")
BinaryCrossentropy = _kind("BinaryCrossentropy", losses.binary_crossentropy, "from_logits", "label_smoothing")
CategoricalCrossentropy = _kind(
    "CategoricalCrossentropy", losses.categorical_crossentropy, "from_logits", "label_smoothing", "axis"
)
SparseCategoricalCrossentropy = _kind(
    "SparseCategoricalCrossentropy", losses.sparse_categorical_crossentropy, "from_logits", "axis"
)


#: Metrics that look only at which output is the largest: logits will do.
OF_THE_LARGEST = (categorical_accuracy, sparse_categorical_accuracy)

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: globals()[name] for name in __all__ if name.islower() and name != "get"
}
_CLASSES: dict[str, Any] = {
    name: globals()[name] for name in __all__ if not name.islower() and name not in ("Metric", "MeanMetric", "Mean")
}
_CLASSES |= {
    snake_case(name): kind for name, kind in _CLASSES.items() if snake_case(name) not in _FUNCTIONS | losses._FUNCTIONS
}
_AUTOMATIC = ("accuracy", "acc")


def get(identifier: Any, targets: tuple[int, ...] = (), outputs: tuple[int, ...] = ()) -> Metric:
    """Return the metric of that name; a function is made an object, and an object is returned as it is.

    "accuracy" is that of two classes, of one-hot targets or of class numbers, by the shapes of targets and outputs.

    Raises `ValueError` for an unknown name.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, dict) and identifier.get("class_name") == "function":  # from a file
        identifier = identifier["config"]
    if isinstance(identifier, dict):
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
        known = dict.fromkeys(_AUTOMATIC) | losses._FUNCTIONS | _FUNCTIONS | _CLASSES
        hint = BY_NAME.get(f"metrics.{identifier}")
        if hint and identifier not in known:
            raise ValueError(f"metric {identifier!r} is not covered: {hint}")
        found = choose("metric", identifier, known)
        return found(name=identifier) if isinstance(found, type) else MeanMetric(found, identifier)
    if isinstance(identifier, losses.Loss):
        return MeanMetric(identifier.call, identifier.name)
    if callable(identifier):
        return MeanMetric(identifier)
    raise TypeError(f"metric={identifier!r} is {type(identifier).__name__}, expected a name, a function or an object")


def serialize(metric: Any) -> Any:
    """Return what `get` makes a metric from again, or None for one of your own."""
    if isinstance(metric, str):
        return metric
    if isinstance(metric, Metric) and _CLASSES.get(type(metric).__name__) is type(metric):
        kind = type(metric).__name__
        return {"module": "keras.metrics", "class_name": kind, "config": metric.get_config(), "registered_name": None}
    return next((name for name, fn in (losses._FUNCTIONS | _FUNCTIONS).items() if fn is metric), None)


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"metrics.{name}", name)

"""Losses by name, function or object: one number per sample, averaged over the batch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ShapeError
from ..nn import functional as F
from ..tensor import Tensor
from . import activations, backend
from .hints import BY_NAME, missing
from .naming import choose, snake_case

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]

# ---------------------------------------------------------------------------------------- functions, one value a sample


def _pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Return both as float tensors with the same number of axes: an axis of size 1 is added, or taken away."""
    y_pred = y_pred if isinstance(y_pred, Tensor) else backend.constant(y_pred)
    y_true = y_true if isinstance(y_true, Tensor) else Tensor._from_array(np.asarray(y_true))
    if y_true.array.dtype != y_pred.array.dtype:
        y_true = Tensor._from_array(y_true.array.astype(y_pred.array.dtype))
    if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
        if y_true.ndim == 1:
            y_true = y_true.unsqueeze(-1)
        else:
            y_pred = y_pred.squeeze(-1)
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    return y_true, y_pred


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return the mean of (y_true - y_pred)^2 over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return F.mse_loss(y_pred, y_true, reduction="none").mean(dim=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return the mean of |y_true - y_pred| over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return F.l1_loss(y_pred, y_true, reduction="none").mean(dim=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return 100 times the mean of |(y_true - y_pred) / y_true| over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return 100.0 * ((y_true - y_pred) / y_true.abs().clamp(min=backend.epsilon())).abs().mean(dim=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """Return the mean of (log(1 + y_true) - log(1 + y_pred))^2 over the last axis."""
    y_true, y_pred = (y.clamp(min=backend.epsilon()).log1p() for y in _pair(y_true, y_pred))
    return ((y_true - y_pred) ** 2).mean(dim=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Return the mean over the last axis of half the squared error, or beyond `delta` of what grows linearly."""
    y_true, y_pred = _pair(y_true, y_pred)
    return F.huber_loss(y_pred, y_true, reduction="none", delta=delta).mean(dim=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """Return the mean of log(cosh(y_pred - y_true)) over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    error = y_pred - y_true
    return (error + F.softplus(error * -2.0) - float(np.log(2.0))).mean(dim=-1)


def _signs(y_true: Tensor) -> Tensor:
    """Return targets of 0 and 1 as -1 and 1, and others as they are."""
    array = y_true.array
    return Tensor._from_array(2 * array - 1) if ((array == 0) | (array == 1)).all() else y_true


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """Return the mean of max(1 - y_true * y_pred, 0) over the last axis; targets are -1 or 1, or 0 or 1."""
    y_true, y_pred = _pair(y_true, y_pred)
    return (1.0 - _signs(y_true) * y_pred).clamp(min=0.0).mean(dim=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """Return the mean of the squares of what `hinge` takes the mean of."""
    y_true, y_pred = _pair(y_true, y_pred)
    return ((1.0 - _signs(y_true) * y_pred).clamp(min=0.0) ** 2).mean(dim=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """Return max(0, 1 + the best score of a wrong class - that of the right one)."""
    y_true, y_pred = _pair(y_true, y_pred)
    right, wrong = (y_true * y_pred).sum(dim=-1), ((1.0 - y_true) * y_pred).amax(dim=-1)
    return (wrong - right + 1.0).clamp(min=0.0)


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """Return the sum of y_true * log(y_true / y_pred) over the last axis."""
    y_true, y_pred = (y.clamp(backend.epsilon(), 1.0) for y in _pair(y_true, y_pred))
    return (y_true * (y_true / y_pred).log()).sum(dim=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """Return the mean of y_pred - y_true * log(y_pred) over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return (y_pred - y_true * (y_pred + backend.epsilon()).log()).mean(dim=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Return minus the cosine of the angle between both, along an axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return -(F.normalize(y_true, dim=axis) * F.normalize(y_pred, dim=axis)).sum(dim=axis)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Return -sum(y_true * log(y_pred)) over the last axis, the classes.

    Probabilities are divided by their sum and kept 1e-7 (`backend.epsilon()`) away from 0 and 1; logits are not.
    """
    _last_axis("categorical_crossentropy", axis)
    y_true, y_pred = _pair(y_true, y_pred)
    _same_shape("categorical_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]
    if from_logits:
        V = y_pred.shape[-1]
        losses = F.cross_entropy(y_pred.reshape(-1, V), y_true.reshape(-1, V), reduction="none")
        return losses.reshape(*y_pred.shape[:-1])
    return -(y_true * _clipped(y_pred / y_pred.sum(dim=-1, keepdim=True)).log()).sum(dim=-1)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """Return -log of the probability of the right class, which `y_true` has as a number from 0 on.

    `ignore_class` is a number that does not count.
    """
    _last_axis("sparse_categorical_crossentropy", axis)
    y_pred = y_pred if isinstance(y_pred, Tensor) else backend.constant(y_pred)
    ids = np.asarray(y_true.array if isinstance(y_true, Tensor) else y_true)
    if ids.ndim == y_pred.ndim and ids.shape[-1] == 1:
        ids = ids[..., 0]
    if ids.shape != y_pred.shape[:-1]:
        raise ShapeError(
            f"sparse_categorical_crossentropy: y_true has shape {ids.shape} and y_pred {tuple(y_pred.shape)}, expected "
            f"class numbers of shape {tuple(y_pred.shape[:-1])}; one-hot targets go with categorical_crossentropy"
        )
    V = y_pred.shape[-1]
    target = Tensor._from_array(ids.reshape(-1).astype(np.int64))
    ignored: dict[str, Any] = {} if ignore_class is None else {"ignore_index": ignore_class}
    if from_logits:
        losses = F.cross_entropy(y_pred.reshape(-1, V), target, reduction="none", **ignored)
    else:
        probabilities = y_pred.reshape(-1, V)
        log_p = _clipped(probabilities / probabilities.sum(dim=-1, keepdim=True)).log()
        losses = F.nll_loss(log_p, target, reduction="none", **ignored)
    return losses.reshape(*ids.shape)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Return the mean of -log of the probability of what is true, 0 or 1, over the last axis.

    Probabilities are kept 1e-7 (`backend.epsilon()`) away from 0 and 1; logits are not.
    """
    _last_axis("binary_crossentropy", axis)
    y_true, y_pred = _pair(y_true, y_pred)
    _same_shape("binary_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        return F.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none").mean(dim=-1)
    return F.binary_cross_entropy(_clipped(y_pred), y_true, reduction="none").mean(dim=-1)


def _clipped(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(backend.epsilon(), 1.0 - backend.epsilon())


def _last_axis(name: str, axis: int) -> None:
    if axis != -1:
        raise NotImplementedError(f"{name}: axis={axis!r} is not covered, expected -1")


def _same_shape(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ShapeError(f"{name}: y_true has shape {tuple(y_true.shape)} and y_pred {tuple(y_pred.shape)}")


# ------------------------------------------------------------------------------------------ objects


class Loss:
    """`loss(y_true, y_pred, sample_weight=None)`: the mean over the batch of what `call` returns for each sample.

    Parameters
    ----------
    name : str, optional
    reduction : "sum_over_batch_size", "mean", "sum" or None

    Raises `ValueError` for another reduction.
    """

    #: The activation that a cross-entropy undoes: at the end of a model, both are computed at once from logits.
    folds: Callable[..., Any] | None = None

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size"):
        if reduction not in ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None):
            raise ValueError(
                f"{type(self).__name__}: reduction={reduction!r}, expected 'sum_over_batch_size', 'sum' or None"
            )
        self.name, self.reduction = name or snake_case(type(self).__name__), reduction

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {"name": self.name, "reduction": self.reduction}

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """Return one loss per sample. Every loss defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define call")

    def call_on_logits(self, y_true: Any, logits: Tensor) -> Tensor:
        """Return what `call` does for `folds(logits)`."""
        raise NotImplementedError(f"{type(self).__name__} does not fold an activation")

    def classes(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return the class numbers (N,) int64 that stand for targets in `mean_on_logits`; None where none do."""
        return None

    def mean_on_logits(self, y_true: Any, logits: Tensor, classes: np.ndarray | None = None) -> Tensor:
        """Return the mean of `call_on_logits`; `classes` are those of the targets, if they are known."""
        return self.reduce(self.call_on_logits(y_true, logits))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """Return the loss of a batch."""
        return self.reduce(self.call(y_true, y_pred), sample_weight)

    def reduce(self, losses: Tensor, sample_weight: Any = None) -> Tensor:
        """Return the mean, or what else `reduction` says, of losses times weights."""
        divisor: Any = losses.array.size
        if sample_weight is not None:
            weights = weights_like(sample_weight, losses)
            divisor = float(weights.array.sum()) if self.reduction == "mean_with_sample_weight" else divisor
            losses = losses * weights
        if self.reduction in (None, "none"):
            return losses
        return losses.sum() if self.reduction == "sum" else losses.sum() / max(divisor, 1e-30)


def weights_like(sample_weight: Any, values: Tensor) -> Tensor:
    """Return weights (B,) or (B, 1) with the axes of values, to be multiplied."""
    weights = np.asarray(
        sample_weight.array if isinstance(sample_weight, Tensor) else sample_weight, values.array.dtype
    )
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return Tensor._from_array(weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim)))


class LossFunction(Loss):
    """A function of (y_true, y_pred) as a loss."""

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        **kwargs: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", "loss"), reduction)
        self.fn, self.kwargs = fn, kwargs
        if not kwargs.get("from_logits"):
            self.folds = _FOLDS.get(fn)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), **self.kwargs}

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """Call the function; one of your own gets tensors with the same number of axes."""
        if self.fn not in _OURS:
            y_true, y_pred = _pair(y_true, y_pred)
        return self.fn(y_true, y_pred, **self.kwargs)

    def call_on_logits(self, y_true: Any, logits: Tensor) -> Tensor:
        """Call the function with `from_logits`."""
        return self.fn(y_true, logits, **{**self.kwargs, "from_logits": True})

    def classes(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return class numbers, or those of one-hot rows."""
        if self.kwargs or self.reduction != "sum_over_batch_size":
            return None
        ids = None
        if self.fn is sparse_categorical_crossentropy:
            ids = y_true.reshape(-1) if y_true.size == len(y_true) else None
            if ids is not None and ids.dtype.kind == "f" and (ids != np.trunc(ids)).any():
                return None
        elif self.fn is categorical_crossentropy and y_true.ndim == 2 and np.count_nonzero(y_true) == len(y_true):
            ids = y_true.argmax(axis=1)
            ids = ids if (y_true[np.arange(len(y_true)), ids] == 1).all() else None
        return None if ids is None else ids.astype(np.int64, copy=False)

    def mean_on_logits(self, y_true: Any, logits: Tensor, classes: np.ndarray | None = None) -> Tensor:
        """Return the mean of `call_on_logits`; one op, of class numbers or one-hot rows."""
        ids = self.classes(y_true) if classes is None else classes
        if ids is None or logits.ndim != 2 or len(ids) != len(logits):
            return super().mean_on_logits(y_true, logits)
        return apply(ops.CrossEntropy, logits, targets=ids)


_FOLDS: dict[Callable[..., Any], Callable[..., Any]] = {
    categorical_crossentropy: activations.softmax,
    sparse_categorical_crossentropy: activations.softmax,
    binary_crossentropy: activations.sigmoid,
}


def _kind(name: str, fn: Callable[..., Any], *settings: str) -> type[LossFunction]:
    """Return the class of a function's loss objects; `settings` are its arguments, in order."""

    def __init__(
        self: Any, *args: Any, reduction: str | None = "sum_over_batch_size", name: str | None = None, **kwargs: Any
    ) -> None:
        kwargs.pop("dtype", None)
        order = [*settings, "reduction", "name"]
        given = {**dict(zip(order, args, strict=False)), **kwargs}
        reduction, name = given.pop("reduction", reduction), given.pop("name", name)
        for argument in given:
            if argument not in settings:
                raise TypeError(f"{type(self).__name__}: unknown argument {argument!r}")
        LossFunction.__init__(self, fn, name, reduction, **given)

    doc = f"The mean over the batch of `{fn.__name__}`, which has the formula; {', '.join(settings) or 'no settings'}."
    return type(name, (LossFunction,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


MeanSquaredError = _kind("MeanSquaredError", mean_squared_error)
MeanAbsoluteError = _kind("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _kind("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _kind("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
Huber = _kind("Huber", huber, "delta")
LogCosh = _kind("LogCosh", log_cosh)
Hinge = _kind("Hinge", hinge)
SquaredHinge = _kind("SquaredHinge", squared_hinge)
CategoricalHinge = _kind("CategoricalHinge", categorical_hinge)
KLDivergence = _kind("KLDivergence", kl_divergence)
Poisson = _kind("Poisson", poisson)
CosineSimilarity = _kind("CosineSimilarity", cosine_similarity, "axis")
BinaryCrossentropy = _kind("BinaryCrossentropy", binary_crossentropy, "from_logits", "label_smoothing", "axis")
CategoricalCrossentropy = _kind(
    "CategoricalCrossentropy", categorical_crossentropy, "from_logits", "label_smoothing", "axis"
)
SparseCategoricalCrossentropy = _kind(
    "SparseCategoricalCrossentropy", sparse_categorical_crossentropy, "from_logits", "ignore_class", "axis"
)

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: globals()[name] for name in __all__ if name.islower() and name != "get"
}
_FUNCTIONS |= {
    "mse": mean_squared_error,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error,
    "bce": binary_crossentropy,
    "kld": kl_divergence,
    "logcosh": log_cosh,
}
_OURS = set(_FUNCTIONS.values())
_CLASSES: dict[str, Any] = {name: globals()[name] for name in __all__ if not name.islower() and name != "Loss"}


def get(identifier: Any) -> Loss:
    """Return the loss of that name; a function is made an object, and an object is returned as it is.

    Raises `ValueError` for an unknown name.

    Examples
    --------
    >>> get("mse").name
    'mse'
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, dict) and identifier.get("class_name") == "function":  # from a file
        identifier = identifier["config"]
    if isinstance(identifier, dict):
        config = {name: value for name, value in identifier.get("config", {}).items() if name != "dtype"}
        return choose("loss", identifier.get("class_name"), _CLASSES)(**config)
    if isinstance(identifier, str):
        known = _FUNCTIONS | _CLASSES
        hint = BY_NAME.get(f"losses.{identifier}")
        if hint and identifier not in known:
            raise ValueError(f"loss {identifier!r} is not covered: {hint}")
        found = choose("loss", identifier, known)
        return found() if isinstance(found, type) else LossFunction(found, name=identifier)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        return LossFunction(identifier)
    raise TypeError(f"loss={identifier!r} is {type(identifier).__name__}, expected a name, a function or an object")


def serialize(loss: Any) -> Any:
    """Return what `get` makes a loss from again, or None for one of your own."""
    if isinstance(loss, str):
        return loss
    if isinstance(loss, Loss) and _CLASSES.get(type(loss).__name__) is type(loss):
        kind = type(loss).__name__
        return {"module": "keras.losses", "class_name": kind, "config": loss.get_config(), "registered_name": None}
    return next((name for name, fn in _FUNCTIONS.items() if fn is loss), None)


def check_targets(loss: Loss, y: np.ndarray, output: tuple[int | None, ...]) -> None:
    """Raise `ShapeError` or `ValueError` when targets `y` do not fit what the model returns, in words for beginners."""
    fn, name, shape = getattr(loss, "fn", None), loss.name, y.shape
    classes = output[-1]
    if fn is sparse_categorical_crossentropy:
        if len(shape) not in (len(output) - 1, len(output)) or (len(shape) == len(output) and shape[-1] != 1):
            hint = "; one-hot targets go with categorical_crossentropy" if shape[-1] == classes else ""
            raise ShapeError(f"{name}: targets have shape {shape}, expected one class number for each sample{hint}")
        if y.size and not (0 <= y.min() and y.max() < classes):
            ignored = loss.kwargs.get("ignore_class")  # type: ignore[attr-defined]
            outside = y[(y < 0) | (y >= classes)]
            if ignored is None or (outside != ignored).any():
                raise ValueError(
                    f"{name}: targets have the class {outside[0]}, but the model ends with {classes} units, for the "
                    f"classes 0 to {classes - 1}"  # type: ignore[operator]
                )
        return
    if fn not in _FUNCTIONS.values():
        return  # a loss of one's own may want anything
    fits = len(shape) == len(output) and all(b is None or a == b for a, b in zip(shape[1:], output[1:], strict=True))
    fits = fits or (len(shape) == len(output) - 1 and classes == 1)
    fits = fits or (len(shape) == len(output) + 1 and shape[-1] == 1)
    if fits and fn is binary_crossentropy and y.size and (y.min() < 0 or y.max() > 1):
        raise ValueError(f"{name}: targets are from {y.min()} to {y.max()}, expected 0 to 1")
    if not fits and fn is categorical_crossentropy and len(shape) == len(output) - 1:
        raise ShapeError(
            f"{name}: targets have shape {shape}, expected {(shape[0], *output[1:])}, one number for each class: make "
            f"them with utils.to_categorical(y, {classes}), or use loss='sparse_categorical_crossentropy'"
        )
    if not fits:
        raise ShapeError(
            f"{name}: targets have shape {shape}, but the model returns {(shape[0], *output[1:])}: change the last "
            "layer, or the targets"
        )


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"losses.{name}", name)

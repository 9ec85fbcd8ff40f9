"""Data for `fit`: checked, and cut into batches."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

import fastgrok_kernels as kernels

from ..data.dataset import TensorDataset
from ..errors import ShapeError
from ..ops.base import check_ids
from ..random import default_generator
from ..tensor import Tensor

__all__ = ["Batches", "Samples", "Targets", "class_weights", "samples", "split_end"]


class Targets(NamedTuple):
    """The targets of a batch, what weight each sample has, and the numbers of their classes where they are known."""

    values: np.ndarray
    weights: np.ndarray | None
    classes: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the targets."""
        return self.values.shape


class Samples(NamedTuple):
    """Inputs (N, ...), targets (N, ...) and weights (N,)."""

    x: np.ndarray
    y: np.ndarray | None
    weights: np.ndarray | None

    def take(self, where: Any) -> "Samples":
        """Return some of the samples."""
        return Samples(*[None if part is None else _rows(part, where) for part in self])  # type: ignore[arg-type]


def samples(caller: str, x: Any, y: Any = None, weights: Any = None, needs_y: bool = True) -> Samples:
    """Return data as arrays of float32 or whole numbers.

    Raises `ValueError` when there are no samples, numbers of samples differ, targets are missing, or it is no array
    of numbers.
    """
    if isinstance(x, TensorDataset):
        if y is not None:
            raise ValueError(f"{caller}: x is a TensorDataset, which has the targets: expected y=None, got {_kind(y)}")
        x, y, weights = (*x.tensors, None, None)[:3]
    if needs_y and y is None:
        raise ValueError(f"{caller}: y is missing: give the targets, such as fit(x_train, y_train)")
    parts = {"x": _array(caller, "x", x)}
    for name, value in (("y", y), ("sample_weight", weights)):
        if value is not None:
            parts[name] = _array(caller, name, value)
    for name, array in parts.items():
        if array.ndim == 0:
            raise ValueError(f"{caller}: {name} is a single number, expected an array with one entry per sample")
        if len(array) != len(parts["x"]):
            raise ShapeError(
                f"{caller}: x has {len(parts['x'])} samples (shape {parts['x'].shape}) and {name} has {len(array)} "
                f"(shape {array.shape}); expected as many"
            )
    if not len(parts["x"]):
        raise ValueError(f"{caller}: x has no samples (shape {parts['x'].shape})")
    return Samples(parts["x"], parts.get("y"), parts.get("sample_weight"))


def _array(caller: str, name: str, value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        if hasattr(value, "__next__") or hasattr(value, "batch_size"):
            raise NotImplementedError(
                f"{caller}: {name} is a {_kind(value)}; expected an array: generators and loaders are not covered "
                "here, but fastgrok.training.fit takes them"
            )
        try:
            value = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
        except ValueError:  # rows of several lengths
            raise ValueError(
                f"{caller}: {name} has rows of different lengths; pad or cut them to one length first"
            ) from None
    if value.dtype.kind not in "fiub":
        raise ValueError(f"{caller}: {name} has dtype {value.dtype}, expected an array of numbers")
    return value.astype(np.float32, copy=False) if value.dtype.kind == "f" else value


def _rows(part: np.ndarray, where: Any) -> np.ndarray:
    """Return `part[where]`; rows of float32 are gathered on all cores, into memory that is kept for reuse."""
    if isinstance(where, slice) or not part.flags.c_contiguous or part.dtype != np.float32 or not part.size:
        return part[where]
    ids = check_ids("take", "where", where, len(part))
    return kernels.embedding_forward(part.reshape(len(part), -1), ids).reshape(len(ids), *part.shape[1:])


def _kind(value: Any) -> str:
    return type(value).__name__


def split_end(data: Samples, part: float) -> tuple[Samples, Samples]:
    """Return all samples but the last, and the last `part` of them: before anything is shuffled.

    Raises `ValueError` unless 0 < part < 1 and both have samples.
    """
    if not 0 < part < 1:
        raise ValueError(f"fit: validation_split={part!r}, expected a number between 0 and 1")
    border = int(len(data.x) * (1 - part))
    if not 0 < border < len(data.x):
        raise ValueError(f"fit: validation_split={part!r} of {len(data.x)} samples leaves none on one side")
    return data.take(slice(border)), data.take(slice(border, None))


def class_weights(y: np.ndarray, weights: dict[int, float]) -> np.ndarray:
    """Return the weight of each sample's class; 1 for classes that are not named.

    Raises `ValueError` when `weights` is no dictionary of numbers.
    """
    if not isinstance(weights, dict):
        raise ValueError(f"fit: class_weight is {_kind(weights)}, expected a dictionary such as {{0: 1.0, 1: 5.0}}")
    if y.ndim > 1:
        y = y.argmax(axis=-1) if y.shape[-1] > 1 else y[..., 0]
    if y.ndim > 1:
        raise ValueError(f"fit: class_weight goes with one class per sample, but the targets have shape {y.shape}")
    return np.array([weights.get(int(k), 1.0) for k in np.round(y)], np.float32)


class Batches:
    """Batches of `size` samples, in an order that is new in every pass if `shuffle`; `classes` (N,) of the targets."""

    def __init__(self, data: Samples, size: int, shuffle: bool = False, classes: np.ndarray | None = None):
        self.data, self.size, self.shuffle, self.classes = data, size, shuffle, classes

    def __len__(self) -> int:
        return -(-len(self.data.x) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Targets]]:
        N = len(self.data.x)
        order = default_generator.numpy.permutation(N) if self.shuffle else None
        for start in range(0, N, self.size):
            where = slice(start, start + self.size) if order is None else order[start : start + self.size]
            x, y, weights = self.data.take(where)
            classes = None if self.classes is None else self.classes[where]
            yield Tensor._from_array(x), Targets(x if y is None else y, weights, classes)

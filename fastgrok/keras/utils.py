"""`to_categorical`, `pad_sequences`, `set_random_seed` and `split_dataset`."""

import random
from typing import Any

import numpy as np

import fastgrok

from ..data.dataset import TensorDataset
from ..tensor import Tensor
from .hints import missing

__all__ = ["pad_sequences", "set_random_seed", "split_dataset", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Return class numbers (...) as one-hot rows (..., num_classes), float64 as in Keras.

    `num_classes` is by default the largest number plus 1. An axis of size 1 at the end is taken away.

    Raises `ValueError` for numbers that are no classes, or not less than `num_classes`.

    Examples
    --------
    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """
    array = x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype.kind not in "fiub" or (array.size and (array != np.floor(array)).any()):
        raise ValueError(f"to_categorical: x has dtype {array.dtype}, expected whole numbers from 0 on")
    if array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    classes = array.astype(np.int64)
    if num_classes is None:
        num_classes = int(classes.max()) + 1 if classes.size else 0
    if classes.size and not (0 <= classes.min() and classes.max() < num_classes):
        raise ValueError(
            f"to_categorical: x has numbers from {classes.min()} to {classes.max()}, expected 0 to {num_classes - 1}, "
            f"as num_classes={num_classes}"
        )
    return np.eye(num_classes)[classes]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0.0,
) -> np.ndarray:
    """Return lists of numbers as rows (N, maxlen) of one array; by default as long as the longest.

    Shorter ones are filled up with `value`, longer ones cut, at the beginning ("pre") or at the end ("post").

    Raises `ValueError` for another word, or what are no lists.

    Examples
    --------
    >>> pad_sequences([[1, 2, 3], [4]], maxlen=2)
    array([[2, 3],
           [0, 4]], dtype=int32)
    """
    for name, word in (("padding", padding), ("truncating", truncating)):
        if word not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name}={word!r}, expected 'pre' or 'post'")
    if not hasattr(sequences, "__len__") or not all(hasattr(sequence, "__len__") for sequence in sequences):
        raise ValueError("pad_sequences: sequences, expected a list of lists of numbers")
    if maxlen is not None and maxlen < 1:
        raise ValueError(f"pad_sequences: maxlen={maxlen!r}, expected a positive number")
    longest = max((len(sequence) for sequence in sequences), default=0)
    T = longest if maxlen is None else maxlen
    rows = np.full((len(sequences), T), value, np.dtype(dtype))
    for row, sequence in zip(rows, sequences, strict=True):
        kept = sequence[max(0, len(sequence) - T) :] if truncating == "pre" else sequence[:T]
        if len(kept):
            row[T - len(kept) if padding == "pre" else 0 :][: len(kept)] = kept
    return rows


def set_random_seed(seed: int) -> None:
    """Start all random streams from a seed: Python's, NumPy's and ours. Ours are not those of Keras."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: seed={seed!r}, expected a whole number from 0 to 2**32 - 1")
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 - what scripts draw from
    fastgrok.manual_seed(int(seed))


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[TensorDataset, TensorDataset]:
    """Return two parts of a data set: of an array, a tuple of arrays of one length, or a `TensorDataset`.

    Sizes are numbers of samples, or parts between 0 and 1; the one that is not given is the rest. `fit` takes each part
    as its x when they hold inputs and targets.

    Raises `ValueError` when sizes are missing or too large, or lengths differ.
    """
    parts = dataset.tensors if isinstance(dataset, TensorDataset) else dataset
    parts = parts if isinstance(parts, tuple | list) and hasattr(parts[0], "__len__") else (parts,)
    arrays = [part.detach().numpy() if isinstance(part, Tensor) else np.asarray(part) for part in parts]
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise ValueError(f"split_dataset: arrays of {sorted(lengths)} samples, expected one length")
    N = lengths.pop()
    if left_size is None and right_size is None:
        raise ValueError("split_dataset: neither left_size nor right_size given, expected at least one of them")
    left, right = (_samples(name, size, N) for name, size in (("left_size", left_size), ("right_size", right_size)))
    left = N - right if left is None else left  # type: ignore[operator]
    right = N - left if right is None else right
    if left + right > N or not left or not right:
        raise ValueError(f"split_dataset: {left} and {right} samples of {N}, expected at least one on either side")
    order = np.arange(N)
    if shuffle:
        (np.random.default_rng(seed) if seed is not None else fastgrok.default_generator.numpy).shuffle(order)
    halves = order[:left], order[left : left + right]
    return tuple(TensorDataset(*(Tensor._from_array(array[half]) for array in arrays)) for half in halves)  # type: ignore


def _samples(name: str, size: float | None, N: int) -> int | None:
    if size is None:
        return None
    if isinstance(size, float) and 0 < size < 1:
        return round(size * N)
    if isinstance(size, bool) or size != int(size) or not 0 < size < N:
        raise ValueError(f"split_dataset: {name}={size!r}, expected a part between 0 and 1, or 1 to {N - 1} samples")
    return int(size)


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"utils.{name}", name)

"""From a list of samples to a batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastgrok import Tensor, from_numpy, stack
from fastgrok.tensor.creation import tensor

__all__ = ["default_collate", "default_convert"]


def default_collate(batch: Sequence[Any]) -> Any:
    """Return the samples of a list as one batch, with a new first dimension.

    Tensors, arrays and numbers become a tensor (float: float64, int: int64), text stays a list; tuples, lists and
    dicts are collated entry by entry, where a tuple becomes a list (a named tuple stays one), as in PyTorch.

    Raises
    ------
    TypeError
        For samples of another type.
    RuntimeError
        When samples have different shapes or lengths.

    Examples
    --------
    >>> default_collate([(1, 0.5), (2, 1.5)])
    [tensor([1, 2]), tensor([0.5000, 1.5000], dtype=float64)]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, np.ndarray):
        return stack([from_numpy(np.asarray(array)) for array in batch])
    if isinstance(first, int):  # bool too; a float among them makes all of them float32
        return tensor(list(batch))
    if isinstance(first, float | np.number | np.bool_):
        return from_numpy(np.asarray(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        fields = {name: default_collate([sample[name] for sample in batch]) for name in first}
        return _like(first, fields)
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError(
                f"each element in list of batch should be of equal size, got {sorted({len(s) for s in batch})}"
            )
        parts = [default_collate(field) for field in zip(*batch, strict=True)]
        return _like(first, parts)
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


def default_convert(data: Any) -> Any:
    """Return a sample with its arrays as tensors, whatever they are nested in; a plain tuple becomes a list."""
    if isinstance(data, np.ndarray | np.number | np.bool_):
        array = np.asarray(data)
        return from_numpy(array) if array.dtype.kind in "biuf" else data
    if isinstance(data, Mapping):
        return _like(data, {name: default_convert(value) for name, value in data.items()})
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return _like(data, [default_convert(value) for value in data])
    return data


def _like(container: Any, parts: Any) -> Any:
    """Return `parts`, a list or dict, as the type of `container` where that can be made from it."""
    if hasattr(container, "_fields"):
        return type(container)(*parts)
    if isinstance(container, tuple | range):
        return parts
    try:
        return type(container)(parts)
    except TypeError:
        return parts

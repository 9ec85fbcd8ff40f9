"""Data sets: what a `DataLoader` draws samples from, and ways to join, cut and split them."""

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastgrok import Generator, randperm

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]


class _SizeError(ValueError, AssertionError, IndexError):
    """Data sets do not fit together; PyTorch asserts that they do, or fails at an index where there are none."""


class Dataset:
    """Anything with `__len__` and `__getitem__`: a base class for data sets of your own.

    One that can fetch many samples faster than one by one also defines `__getitems__(indices)`, which returns a list.
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__")

    def __add__(self, other: "Dataset") -> "Dataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """A data set that is read from its beginning to its end: a base class, of which `__iter__` is to be defined.

    With several workers each of them iterates over all of it, as in PyTorch, unless `__iter__` asks `get_worker_info`
    which part is its own.
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} defines no __iter__")

    def __add__(self, other: Dataset) -> "ChainDataset":
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Tensors of equal first dimension N; sample number i is the tuple of their rows i.

    Raises `ValueError` (which is also the `AssertionError` of PyTorch) when there is no tensor, or when first
    dimensions differ.
    """

    def __init__(self, *tensors: Any):
        sizes = [tuple(tensor.shape) for tensor in tensors]
        if not sizes or any(len(size) == 0 or size[0] != sizes[0][0] for size in sizes):
            raise _SizeError(f"TensorDataset: shapes {sizes}, expected tensors of one and the same first dimension")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class StackDataset(Dataset):
    """Data sets of equal length side by side; sample i is a tuple (or, for keywords, a dict) of their samples i.

    Raises `ValueError` when there is none, when both forms are mixed, or when lengths differ.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        if bool(args) == bool(kwargs):
            raise ValueError(
                f"StackDataset: {len(args)} data sets by position and {len(kwargs)} by name, expected one way or the "
                "other, and at least one"
            )
        self.datasets: Any = args or kwargs
        lengths = [len(dataset) for dataset in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: Size mismatch between datasets: lengths {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset):
    """Data sets one after another.

    Raises `ValueError` (which is also the `AssertionError` of PyTorch) when there is none, or one that can only be
    iterated over.
    """

    def __init__(self, datasets: Iterable[Any]):
        self.datasets = list(datasets)
        if not self.datasets:
            raise _SizeError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise _SizeError("ConcatDataset does not support IterableDataset; ChainDataset does")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            if -index > len(self):
                raise ValueError(f"absolute value of index should not exceed dataset length: {index} of {len(self)}")
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        if which == len(self.datasets):
            raise IndexError(f"ConcatDataset: index {index}, expected less than {len(self)}")
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset):
    """Iterable data sets one after another."""

    def __init__(self, datasets: Iterable[Any]):
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise _SizeError(f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}")
            yield dataset


class Subset(Dataset):
    """The samples of `dataset` at `indices`, in that order."""

    def __init__(self, dataset: Any, indices: Sequence[int]):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Deal the samples of a data set at random into subsets of the given `lengths`, or of fractions that sum to 1.

    Samples that remain after fractions are rounded down go to the first subsets, one to each.

    Raises
    ------
    ValueError
        When lengths do not sum to that of the data set, or a fraction is not between 0 and 1.

    Examples
    --------
    >>> from fastgrok.utils.data import random_split
    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    counts: list[Any] = list(lengths)
    if math.isclose(sum(counts), 1) and sum(counts) <= 1:
        for i, fraction in enumerate(counts):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1: {fraction}")
        counts = [math.floor(len(dataset) * fraction) for fraction in counts]
        for i in range(len(dataset) - sum(counts)):
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if count == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    if sum(counts) != len(dataset):
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset! {counts} for {len(dataset)} samples"
        )
    indices = randperm(len(dataset), generator=generator).tolist()
    ends = itertools.accumulate(counts)
    return [Subset(dataset, indices[int(end - n) : int(end)]) for n, end in zip(counts, ends, strict=True)]

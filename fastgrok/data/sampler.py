"""Samplers: the order in which a `DataLoader` asks for samples."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from fastgrok import Generator, as_tensor, float64, multinomial, randint, randperm

__all__ = [
    "BatchSampler",
    "EpochSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


class Sampler:
    """A base class for orders of your own: `__iter__` yields indices, `__len__` says how many."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} defines no __iter__")


class SequentialSampler(Sampler):
    """All indices of `data_source` in their order."""

    def __init__(self, data_source: Any):
        self.data_source = data_source

    def order(self) -> range:
        """Return the indices of one pass."""
        return range(len(self.data_source))

    def __iter__(self) -> Iterator[int]:
        return iter(self.order())

    def __len__(self) -> int:
        return len(self.data_source)


class EpochSampler(Sampler):
    """All indices of `data_source` in an order that depends on `seed` and the number of the epoch alone.

    A run that continues from a checkpoint sees the orders that it would have seen. Each iteration is one epoch, unless
    `set_epoch` says which comes next.
    """

    def __init__(self, data_source: Any, seed: int):
        self.data_source, self.seed, self.epoch = data_source, seed % 2**64, 0

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be epoch number `epoch`, counted from 0."""
        self.epoch = epoch

    def order(self) -> np.ndarray:
        """Return the indices of one epoch, and go on to the next."""
        epoch, self.epoch = self.epoch, self.epoch + 1
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.data_source))

    def __iter__(self) -> Iterator[int]:
        return iter(self.order().tolist())

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """Indices of `data_source` at random, each once, or `replacement`: any as often as it is drawn.

    `num_samples` says how many, by default as many as there are. `generator` does the drawing, by default that of
    `manual_seed`.

    Raises `TypeError` when replacement is no bool, `ValueError` when there is nothing to draw.
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ):
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        _check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices an iteration yields."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self) -> np.ndarray:
        """Draw the indices of one pass."""
        n = len(self.data_source)
        if self.replacement:
            return randint(0, n, (self.num_samples,), generator=self.generator).numpy()
        passes = -(-self.num_samples // n)
        drawn = [randperm(n, generator=self.generator).numpy() for _ in range(passes)]
        return np.concatenate(drawn)[: self.num_samples]

    def __iter__(self) -> Iterator[int]:
        return iter(self.order().tolist())

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given `indices` at random, each once."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None):
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """`num_samples` indices, each drawn with a probability in proportion to its weight; `weights` is (N,).

    Raises `ValueError` when a setting makes no sense, `RuntimeError` (by the iteration) when weights are negative, or
    too few are positive for drawing without replacement.
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None):
        _check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        yield from multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """The indices of `sampler` in lists of `batch_size`; `drop_last` leaves out a last list that is shorter.

    Raises `ValueError` when a setting makes no sense.

    Examples
    --------
    >>> list(BatchSampler(SequentialSampler(range(5)), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool):
        _check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)


def _check_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")

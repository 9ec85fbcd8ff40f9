"""`TensorDataset` and `DataLoader` for data in memory: a batch is a slice of arrays, not a loop over samples."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fastgrok import from_numpy, initial_seed

__all__ = ["DataLoader", "Dataset", "TensorDataset"]


class Dataset:
    """Anything with `__len__` and `__getitem__`: a base class for data sets of your own."""

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no __getitem__")


class TensorDataset(Dataset):
    """Tensors of equal first dimension N; sample number i is the tuple of their rows i.

    Raises `ValueError` when there is no tensor, or when first dimensions differ.
    """

    def __init__(self, *tensors: Any):
        sizes = [tuple(tensor.shape) for tensor in tensors]
        if not sizes or any(len(size) == 0 or size[0] != sizes[0][0] for size in sizes):
            raise ValueError(f"TensorDataset: shapes {sizes}, expected tensors of one and the same first dimension")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0]


class DataLoader:
    """Batches of a data set, in order or shuffled.

    Batches of a `TensorDataset` are cut out of its arrays in one go. Any other data set is asked sample by sample, and
    `collate_fn` makes a batch of the list (by default: tuples of stacked arrays).

    The order of epoch n depends on `seed` and n alone, so that a run that continues from a checkpoint sees the batches
    that it would have seen. `fastgrok.training.fit` counts epochs by `set_epoch`; otherwise each iteration is one.

    Parameters
    ----------
    dataset : TensorDataset, or any sequence
    batch_size : int
    shuffle, drop_last : bool
        Whether to draw a new order in every epoch; whether to leave out a last batch that is not full.
    collate_fn : callable, optional
    seed : int, optional
        Default: the seed that was given to `manual_seed`.
    num_workers, pin_memory
        Have no effect: slicing arrays needs no helpers.

    Examples
    --------
    >>> import fastgrok
    >>> x, y = fastgrok.arange(5), fastgrok.arange(5) * 10
    >>> loader = DataLoader(TensorDataset(x, y), batch_size=2)
    >>> [b.numpy().tolist() for a, b in loader]
    [[0, 10], [20, 30], [40]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        seed: int | None = None,
        num_workers: int = 0,
        pin_memory: bool = False,
    ):
        if batch_size < 1:
            raise ValueError(f"DataLoader: batch_size={batch_size!r}, expected at least 1")
        self.dataset, self.batch_size, self.shuffle, self.drop_last = dataset, batch_size, shuffle, drop_last
        self.collate_fn, self._epoch = collate_fn or _stack, 0
        self.seed = (initial_seed() if seed is None else seed) % 2**64

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be epoch number `epoch`, counted from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        epoch, self._epoch = self._epoch, self._epoch + 1
        order = None
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.dataset))
        for k in range(len(self)):
            span = slice(k * self.batch_size, (k + 1) * self.batch_size)
            if isinstance(self.dataset, TensorDataset):
                rows = span if order is None else order[span]
                yield tuple(from_numpy(np.ascontiguousarray(t.detach().numpy()[rows])) for t in self.dataset.tensors)
            else:
                indices = range(len(self.dataset))[span] if order is None else order[span].tolist()
                yield self.collate_fn([self.dataset[i] for i in indices])


def _stack(samples: Sequence[Any]) -> Any:
    """A batch from a list of samples: arrays stacked, numbers in an array, tuples field by field."""
    if isinstance(samples[0], tuple | list):
        return tuple(_stack(field) for field in zip(*samples, strict=True))
    arrays = [s.detach().numpy() if hasattr(s, "detach") else np.asarray(s) for s in samples]
    return from_numpy(np.stack(arrays))

"""`DataLoader`: batches of a data set. For data in memory a batch is a slice of arrays, not a loop over samples."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from fastgrok import Generator, from_numpy, initial_seed

from .collate import default_collate, default_convert
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, EpochSampler, RandomSampler, SequentialSampler
from .workers import END, WorkerInfo, in_threads

__all__ = ["DataLoader"]


class DataLoader:
    """Batches of a data set, in order or shuffled.

    Batches of a `TensorDataset`, and of a `Subset` of one, are cut out of its arrays in one go. Any other data set is
    asked sample by sample, and `collate_fn` makes a batch of the list.

    Without a generator, the order of epoch n depends on `seed` and n alone, so that a run that continues from a
    checkpoint sees the batches that it would have seen. `fastgrok.training.fit` counts epochs by `set_epoch`; otherwise
    each iteration is one.

    Parameters
    ----------
    dataset : Dataset, IterableDataset, or any sequence
        What to draw from.
    batch_size : int or None
        None yields samples as they are, with arrays as tensors.
    shuffle : bool
        Whether to draw a new order in every epoch.
    sampler, batch_sampler : iterable, optional
        The order of indices, or of lists of indices that make a batch.
    num_workers : int
        Threads that make batches ahead of time; 0 makes each when it is asked for. Batches come in the same order for
        any number. Threads share the data set, and Python's lock: they pay where samples are read from files, or made
        by NumPy.
    collate_fn : callable, optional
        (list of samples) -> batch; `default_collate` unless it is given. It gets a single sample for batch_size None.
    pin_memory, persistent_workers, pin_memory_device, in_order
        Taken for PyTorch's sake, without effect.
    drop_last : bool
        Whether to leave out a last batch that is not full.
    timeout : float
        Seconds to wait for a worker; 0 waits as long as it takes.
    worker_init_fn : callable, optional
        Called in each worker first, with its number.
    multiprocessing_context
        Other values than None are not covered and raise `NotImplementedError`: workers are threads.
    generator : Generator, optional
        Draws the orders, in place of `seed`.
    prefetch_factor : int, optional
        Batches that each worker makes ahead of time; 2 unless it is given.
    seed : int, optional
        Default: the seed that was given to `manual_seed`.

    Raises
    ------
    ValueError
        When settings make no sense, alone or together.

    Examples
    --------
    >>> import fastgrok
    >>> from fastgrok.utils.data import TensorDataset
    >>> x, y = fastgrok.arange(5), fastgrok.arange(5) * 10
    >>> loader = DataLoader(TensorDataset(x, y), batch_size=2)
    >>> [b.tolist() for a, b in loader]
    [[0, 10], [20, 30], [40]]
    """

    _FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
    _complete = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed: int | None = None,
    ):
        if num_workers < 0:
            raise ValueError(f"num_workers option should be non-negative, got num_workers={num_workers}")
        if timeout < 0:
            raise ValueError(f"timeout option should be non-negative, got timeout={timeout}")
        if num_workers == 0 and (prefetch_factor is not None or persistent_workers):
            raise ValueError("prefetch_factor and persistent_workers need num_workers > 0")
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError(f"prefetch_factor option should be non-negative, got prefetch_factor={prefetch_factor}")
        if multiprocessing_context is not None:
            raise NotImplementedError(
                f"DataLoader: multiprocessing_context={multiprocessing_context!r} is not covered, expected None: "
                "workers are threads"
            )
        if isinstance(dataset, IterableDataset):
            for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None and value is not False:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")

        self.seed = (initial_seed() if seed is None else seed) % 2**64
        self.dataset, self.generator, self._epoch = dataset, generator, 0
        if isinstance(dataset, IterableDataset):
            if batch_size is not None:
                BatchSampler(range(0), batch_size, drop_last)  # raises as it does for the others
        else:
            if sampler is None:
                sampler = self._order(bool(shuffle))
            if batch_size is not None and batch_sampler is None:
                batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.batch_size, self.drop_last = batch_size, drop_last
        self._batched = batch_size is not None or batch_sampler is not None
        self._own_collate = collate_fn is not None
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.persistent_workers, self.in_order = persistent_workers, in_order
        self.multiprocessing_context = None
        self._complete = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._complete and name in self._FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def _order(self, shuffle: bool) -> Any:
        """Return the sampler for this data set."""
        if not shuffle:
            return SequentialSampler(self.dataset)
        if self.generator is None and len(self.dataset) > 0:
            return EpochSampler(self.dataset, self.seed)
        return RandomSampler(self.dataset, generator=self.generator)  # raises where there is nothing to draw

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be epoch number `epoch`, counted from 0."""
        self._epoch = epoch
        if self.sampler is not None and hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self.batch_sampler if self._batched else self.sampler)  # type: ignore[arg-type]
        n = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        epoch, self._epoch = self._epoch, self._epoch + 1
        iterable = isinstance(self.dataset, IterableDataset)
        if self.num_workers == 0:
            tasks = self._iterate() if iterable else self._tasks()
            return (batch for batch in tasks) if iterable else (task() for task in tasks)
        infos = [
            WorkerInfo(i, self.num_workers, (self.seed + epoch * self.num_workers + i) % 2**64, self.dataset)
            for i in range(self.num_workers)
        ]
        work: Any = [_next_of(self._iterate) for _ in infos] if iterable else self._tasks()
        return in_threads(infos, self.worker_init_fn, work, self.prefetch_factor or 0, self.timeout)

    # ------------------------------------------------------------------------------------------- what makes a batch

    def _iterate(self) -> Iterator[Any]:
        """Yield the batches of a data set that is iterated over."""
        samples = iter(self.dataset)
        if self.batch_size is None:
            yield from map(self.collate_fn, samples)
            return
        batch = []
        for sample in samples:
            batch.append(sample)
            if len(batch) == self.batch_size:
                yield self.collate_fn(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.collate_fn(batch)

    def _tasks(self) -> Iterator[Callable[[], Any]]:
        """Yield a function for each batch that makes it."""
        if not self._batched:
            for index in self.sampler:  # type: ignore[union-attr]
                yield functools.partial(self._sample, index)
            return
        make = self._fetch if self._own_collate else self._cutter() or self._fetch
        for indices in self._index_lists():
            yield functools.partial(make, indices)

    def _index_lists(self) -> Iterator[Any]:
        """Yield the indices of each batch: a list, or a piece of a range or array."""
        batches = self.batch_sampler
        if type(batches) is not BatchSampler or not hasattr(batches.sampler, "order"):
            yield from batches  # type: ignore[misc]
            return
        order = batches.sampler.order()
        for k in range(len(batches)):
            yield order[k * batches.batch_size : (k + 1) * batches.batch_size]

    def _sample(self, index: int) -> Any:
        """Return one sample, for those who want no batches."""
        return self.collate_fn(self.dataset[index])

    def _fetch(self, indices: Any) -> Any:
        """Ask the data set sample by sample."""
        indices = indices.tolist() if isinstance(indices, np.ndarray) else list(indices)
        if hasattr(self.dataset, "__getitems__"):
            return self.collate_fn(self.dataset.__getitems__(indices))
        return self.collate_fn([self.dataset[i] for i in indices])

    def _cutter(self) -> Callable[[Any], Any] | None:
        """Return what cuts a batch out of the arrays of a `TensorDataset`; None where samples must be asked for."""
        dataset, chosen = self.dataset, None
        if type(dataset) is Subset:
            dataset, chosen = dataset.dataset, np.asarray(dataset.indices, np.int64)
        if type(dataset) is not TensorDataset or any(tensor.requires_grad for tensor in dataset.tensors):
            return None

        def cut(indices: Any) -> list[Any]:
            rows: Any = indices
            if chosen is not None:
                rows = chosen[np.asarray(indices, np.int64)]
            elif isinstance(indices, range):
                rows = slice(indices.start, indices.stop)
            elif not isinstance(indices, np.ndarray):
                rows = np.asarray(indices, np.int64)
            # A copy even of a slice: a batch may be changed in place.
            return [from_numpy(np.array(tensor.numpy()[rows], order="C")) for tensor in dataset.tensors]

        return cut


def _next_of(make: Callable[[], Iterator[Any]]) -> Callable[[], Any]:
    """Return a function that yields, call by call, what `make()` iterates over, and then `END`.

    It is made by the first call, hence in the worker, of which the data set may ask which it is.
    """
    batches: Iterator[Any] | None = None

    def task() -> Any:
        nonlocal batches
        if batches is None:
            batches = make()
        return next(batches, END)

    return task

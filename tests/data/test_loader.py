"""`utils.data`: batches are slices, the order of an epoch can be had again, and threads change nothing."""

import collections
import inspect
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok.utils import data
from fastgrok.utils.data import DataLoader, TensorDataset


def _dataset(n):
    x = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)
    return TensorDataset(fastgrok.from_numpy(x), fastgrok.from_numpy(np.arange(n)))


class Squares(data.Dataset):
    """Sample i is (i, i * i), and takes longer the smaller i is."""

    def __init__(self, n, seconds=0.0, wrong=None):
        self.n, self.seconds, self.wrong = n, seconds, wrong

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        time.sleep(self.seconds * (self.n - i))
        if i == self.wrong:
            raise ZeroDivisionError(f"sample {i}")
        return i, np.float32(i * i)


class Counting(data.IterableDataset):
    """0 .. n - 1, shared out among the workers where `shared`."""

    def __init__(self, n, shared=True):
        self.n, self.shared = n, shared

    def __iter__(self):
        info = data.get_worker_info() if self.shared else None
        return iter(range(info.id if info else 0, self.n, info.num_workers if info else 1))

    def __len__(self):
        return self.n


def lists(loader):
    """All batches, with lists in place of tensors."""

    def plain(part):
        return [plain(p) for p in part] if isinstance(part, list) else getattr(part, "tolist", lambda: part)()

    return [plain(batch) for batch in loader]


@given(st.integers(1, 30), st.integers(1, 9), st.booleans(), st.booleans(), st.booleans(), st.sampled_from([0, 2]))
def test_every_sample_comes_once_and_whole(n, batch_size, shuffle, drop_last, subset, num_workers):
    dataset = _dataset(n)
    if subset:
        dataset = data.Subset(_dataset(n + 3), list(range(n)))
    loader = DataLoader(dataset, batch_size, shuffle, drop_last=drop_last, seed=1, num_workers=num_workers)
    batches = list(loader)
    assert len(batches) == len(loader)
    kept = n - n % batch_size if drop_last else n
    ids = [i for _, y in batches for i in y.tolist()]
    assert len(ids) == len(set(ids)) == kept
    for x, y in batches:
        np.testing.assert_array_equal(x.numpy()[:, 0], 2.0 * y.numpy())
        assert x.dtype == fastgrok.float32 and x.is_contiguous()
    if not shuffle:
        assert ids == list(range(kept))


def test_epochs_differ_and_can_be_repeated():
    loader = DataLoader(_dataset(50), 50, shuffle=True, seed=3)
    first, second = (next(iter(loader))[1].tolist() for _ in range(2))
    assert first != second
    loader.set_epoch(0)
    assert next(iter(loader))[1].tolist() == first


def test_a_generator_draws_the_orders():
    orders = []
    for _ in range(2):
        loader = DataLoader(_dataset(50), 50, shuffle=True, generator=fastgrok.Generator().manual_seed(3))
        orders.append([next(iter(loader))[1].tolist() for _ in range(2)])
    assert orders[0] == orders[1] and orders[0][0] != orders[0][1] and sorted(orders[0][0]) == list(range(50))


@pytest.mark.parametrize("subset", [False, True])
def test_a_batch_may_be_changed_in_place(subset):
    dataset = _dataset(6)
    for x, _ in DataLoader(data.Subset(dataset, range(6)) if subset else dataset, 3):
        x.zero_()
    assert dataset.tensors[0].sum().item() > 0


def test_a_dataset_of_ones_own_is_asked_sample_by_sample():
    samples = [(np.float32(i), i * i) for i in range(5)]
    x, y = list(DataLoader(samples, batch_size=3))[1]
    assert x.tolist() == [3.0, 4.0] and y.tolist() == [9, 16]

    class Noisy(TensorDataset):
        def __getitem__(self, index):
            return tuple(part + 100 for part in super().__getitem__(index))

    assert next(iter(DataLoader(Noisy(fastgrok.zeros(3)), 3)))[0].tolist() == [100, 100, 100]

    class AllAtOnce(Squares):
        def __getitems__(self, indices):
            return [(i, -1) for i in indices]

    assert lists(DataLoader(AllAtOnce(3), 3)) == [[[0, 1, 2], [-1, -1, -1]]]


def test_gradients_reach_the_tensors_of_a_dataset():
    w = fastgrok.ones(4, requires_grad=True)
    for (part,) in DataLoader(TensorDataset(w), 2):
        part.sum().backward()
    assert w.grad.tolist() == [1, 1, 1, 1]


def test_samplers_say_the_order():
    dataset = _dataset(6)
    assert [y for _, y in lists(DataLoader(dataset, 2, sampler=[5, 3, 1]))] == [[5, 3], [1]]
    assert [y for _, y in lists(DataLoader(dataset, batch_sampler=[[5], [0, 1, 2]]))] == [[5], [0, 1, 2]]
    assert [y for _, y in lists(DataLoader(dataset, batch_size=None))] == list(range(6))
    assert len(DataLoader(dataset, batch_sampler=[[5], [0, 1, 2]])) == 2
    assert DataLoader(dataset, 4, collate_fn=len).__iter__().__next__() == 4
    assert lists(DataLoader([np.arange(2), np.arange(2)], batch_size=None)) == [[0, 1], [0, 1]]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_iterable_datasets(workers):
    loader = DataLoader(Counting(10), 2, num_workers=workers)
    assert sorted(i for batch in lists(loader) for i in batch) == list(range(10))
    assert len(loader) == 5
    assert lists(DataLoader(Counting(5), 2, num_workers=min(workers, 1))) == [[0, 1], [2, 3], [4]]
    assert lists(DataLoader(Counting(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(DataLoader(Counting(3), None)) == [0, 1, 2]
    chained = Counting(2, False) + Counting(3, False)
    assert len(chained) == 5 and list(chained) == [0, 1, 0, 1, 2]


@pytest.mark.torch
@given(st.integers(0, 12), st.integers(1, 4), st.integers(0, 3), st.booleans(), st.booleans())
def test_iterable_datasets_in_the_order_of_theirs(n, batch_size, workers, shared, drop_last):
    torch = pytest.importorskip("torch")

    class Theirs(torch.utils.data.IterableDataset):
        def __init__(self, part, parts):
            self.numbers = range(part, n, parts) if shared else range(n)

        def __iter__(self):
            return iter(self.numbers)

    # Their workers are processes; what they yield is what a loader of each one's part yields, in turn.
    alone = [
        lists(torch.utils.data.DataLoader(Theirs(w, max(workers, 1)), batch_size, drop_last=drop_last))
        for w in range(max(workers, 1))
    ]
    expected = []
    while any(alone):
        expected += [batches.pop(0) for batches in alone if batches]
    assert lists(DataLoader(Counting(n, shared), batch_size, drop_last=drop_last, num_workers=workers)) == expected


def test_threads_keep_the_order():
    dataset = Squares(12, seconds=0.002)
    expected = lists(DataLoader(dataset, 2))
    assert lists(DataLoader(dataset, 2, num_workers=3)) == expected
    assert lists(DataLoader(dataset, 2, num_workers=3, prefetch_factor=0)) == expected
    assert lists(DataLoader(dataset, None, num_workers=2)) == lists(DataLoader(dataset, None))


def test_workers_work_ahead_and_side_by_side():
    barrier = threading.Barrier(3, timeout=20)  # broken unless three samples are asked for at the same time

    class Meeting(Squares):
        def __getitem__(self, i):
            return barrier.wait()

    assert len(list(DataLoader(Meeting(6), None, num_workers=3))) == 6


def test_workers_know_who_they_are():
    started, seen = [], set()

    class Asking(Squares):
        def __getitem__(self, i):
            info = data.get_worker_info()
            seen.add((info.id, info.num_workers, info.dataset is self, info.seed))
            return i

    list(DataLoader(Asking(8), 1, num_workers=2, worker_init_fn=started.append, seed=5))
    assert sorted(started) == [0, 1] and {entry[:3] for entry in seen} == {(0, 2, True), (1, 2, True)}
    assert len({entry[3] for entry in seen}) == 2 and data.get_worker_info() is None


@pytest.mark.parametrize("workers", [0, 2])
def test_errors_of_samples_are_raised_in_their_place(workers):
    batches = iter(DataLoader(Squares(8, wrong=5), 2, num_workers=workers))
    assert [next(batches)[0].tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(ZeroDivisionError, match="sample 5"):
        next(batches)

    def fails(worker):
        raise OSError(f"worker {worker}")

    with pytest.raises(OSError, match="worker 0"):
        list(DataLoader(Squares(4), num_workers=2, worker_init_fn=fails))


def threads_of_loaders():
    return {thread for thread in threading.enumerate() if thread.name.startswith("fastgrok-data")}


def test_stopping_early_ends_the_workers():
    before = threads_of_loaders()  # those of other tests may be about to end
    for _ in DataLoader(Squares(1000), 1, num_workers=2):
        break
    batches = iter(DataLoader(Squares(1000), 1, num_workers=2))
    next(batches)
    del batches
    deadline = time.monotonic() + 20
    while threads_of_loaders() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not threads_of_loaders() - before


def test_a_worker_that_hangs_neither_blocks_nor_keeps_python_from_ending():
    script = """
import threading
from fastgrok.utils.data import DataLoader, Dataset

class Hanging(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        threading.Event().wait()

try:
    list(DataLoader(Hanging(), num_workers=2, timeout=0.2))
except RuntimeError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert result.stdout == "DataLoader timed out after 0.2 seconds\n", result.stderr


def test_joined_and_cut_datasets():
    both = Squares(3) + Squares(2)
    assert [both[i][0] for i in range(-5, 5)] == [0, 1, 2, 0, 1] * 2
    assert len(both) == 5 and len(list(DataLoader(both, 2))) == 3
    with pytest.raises(IndexError, match="index 5"):
        both[5]
    subset = data.Subset(both, [4, 0])
    assert [subset[i][0] for i in range(2)] == [1, 0] and len(subset) == 2
    assert data.Subset(_dataset(4), [3, 1])[[1, 0]][1].tolist() == [1, 3]
    stacked = data.StackDataset(Squares(2), _dataset(2))
    assert stacked[1][0] == (1, 1.0) and stacked[1][1][1].item() == 1 and len(stacked) == 2
    assert data.StackDataset(a=Squares(2))[1] == {"a": (1, 1.0)}


@pytest.mark.filterwarnings("ignore:Length of split")
@given(st.integers(1, 40), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_random_split(n, weights):
    fractions = [w / sum(weights) for w in weights]
    if sum(fractions) > 1:  # rounding; PyTorch, too, then takes them for lengths
        fractions = [1.0]
    parts = data.random_split(range(n), fractions, generator=fastgrok.Generator().manual_seed(0))
    assert sorted(i for part in parts for i in part.indices) == list(range(n))
    lengths = [len(part) for part in parts]
    assert all(0 <= length - n * f < 2 or abs(length - n * f) < 1 for length, f in zip(lengths, fractions, strict=True))
    again = data.random_split(range(n), lengths, generator=fastgrok.Generator().manual_seed(0))
    assert [part.indices for part in again] == [part.indices for part in parts]


def test_samplers():
    def generator():
        return fastgrok.Generator().manual_seed(1)

    assert list(data.SequentialSampler("abc")) == [0, 1, 2]
    shuffled = list(data.RandomSampler(range(20), generator=generator()))
    assert sorted(shuffled) == list(range(20)) != shuffled
    assert shuffled == list(data.RandomSampler(range(20), generator=generator()))
    more = list(data.RandomSampler(range(4), num_samples=10))
    assert all(sorted(more[k : k + 4]) == [0, 1, 2, 3] for k in (0, 4)) and len(more) == 10
    drawn = list(data.RandomSampler(range(3), replacement=True, num_samples=300))
    assert set(drawn) == {0, 1, 2} and len(drawn) == 300
    assert sorted(data.SubsetRandomSampler([7, 5])) == [5, 7]
    counts = collections.Counter(data.WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=generator()))
    assert counts[0] == 0 and 0.7 < counts[2] / 4000 < 0.8
    assert sorted(data.WeightedRandomSampler([1, 2, 3], 3, replacement=False)) == [0, 1, 2]
    with pytest.raises(RuntimeError):
        list(data.WeightedRandomSampler([1, 0, 0], 2, replacement=False))


Point = collections.namedtuple("Point", "x y")
SAMPLES = {
    "tuples": [(1, 2.5), (3, 4.5)],
    "lists": [[1, True], [2, False]],
    "names": [Point(1, "a"), Point(2, "b")],
    "dicts": [{"a": 1, "b": ("text", b"bytes")}, {"a": 2, "b": ("more", b"")}],
    "arrays": [np.arange(3, dtype=np.int16), np.arange(3, dtype=np.int16)],
    "numbers": [np.float32(1.5), np.float32(2.5)],
    "nested": [(np.ones(2), [1, (2, 3)]), (np.zeros(2), [4, (5, 6)])],
}


def as_plain(value):
    """Nested containers with their types, and tensors as dtype and list."""
    if hasattr(value, "detach"):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    if isinstance(value, dict):
        return {key: as_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [as_plain(part) for part in value]
    return value


@pytest.mark.torch
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
def test_collating_is_theirs(samples):
    torch = pytest.importorskip("torch")
    for name in ("default_collate", "default_convert"):
        argument = samples if name == "default_collate" else samples[0]
        ours, theirs = (getattr(library, name)(argument) for library in (data, torch.utils.data))
        assert as_plain(ours) == as_plain(theirs)


def _plain(library, n):
    return library.utils.data.TensorDataset(library.zeros(n))


WRONG = {
    "tensors of different lengths": lambda f, u: u.TensorDataset(f.zeros(3), f.zeros(4)),
    "no data sets": lambda f, u: u.ConcatDataset([]),
    "stacked lengths": lambda f, u: u.StackDataset(_plain(f, 1), _plain(f, 2)),
    "nothing stacked": lambda f, u: u.StackDataset(),
    "stacked both ways": lambda f, u: u.StackDataset(_plain(f, 1), a=_plain(f, 1)),
    "concatenated index": lambda f, u: u.ConcatDataset([_plain(f, 2)])[-3],
    "split": lambda f, u: u.random_split(_plain(f, 5), [2, 2]),
    "fraction": lambda f, u: u.random_split(_plain(f, 5), [1.5, -0.5]),
    "batch_size": lambda f, u: u.DataLoader(_plain(f, 5), 0),
    "workers": lambda f, u: u.DataLoader(_plain(f, 5), num_workers=-1),
    "timeout": lambda f, u: u.DataLoader(_plain(f, 5), timeout=-1),
    "prefetch": lambda f, u: u.DataLoader(_plain(f, 5), prefetch_factor=2),
    "persistent": lambda f, u: u.DataLoader(_plain(f, 5), persistent_workers=True),
    "sampler and shuffle": lambda f, u: u.DataLoader(_plain(f, 5), shuffle=True, sampler=[1]),
    "batch_sampler and size": lambda f, u: u.DataLoader(_plain(f, 5), 2, batch_sampler=[[1]]),
    "nothing to shuffle": lambda f, u: u.DataLoader(_plain(f, 0), shuffle=True),
    "no batches to drop": lambda f, u: u.DataLoader(_plain(f, 5), None, drop_last=True),
    "set later": lambda f, u: setattr(u.DataLoader(_plain(f, 5)), "batch_size", 3),
    "samples": lambda f, u: u.RandomSampler([1], num_samples=0),
    "replacement": lambda f, u: u.RandomSampler([1], replacement=2),
    "weights": lambda f, u: u.WeightedRandomSampler([[1.0]], 1),
    "batch": lambda f, u: u.BatchSampler([1], 0, False),
    "drop": lambda f, u: u.BatchSampler([1], 1, None),
    "ragged": lambda f, u: u.default_collate([[1], [1, 2]]),
    "shapes": lambda f, u: u.default_collate([np.zeros(1), np.zeros(2)]),
    "type": lambda f, u: u.default_collate([object()]),
}


@pytest.mark.torch
@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    torch = pytest.importorskip("torch")
    import torch.utils.data as theirs

    with pytest.raises(Exception) as found:
        call(torch, theirs)
    with pytest.raises(found.type):
        call(fastgrok, data)


def test_what_is_refused():
    with pytest.raises(ValueError, match="TensorDataset: shapes"):
        TensorDataset(fastgrok.zeros(3), fastgrok.zeros(4))
    with pytest.raises(ValueError, match="batch_size=0"):
        DataLoader(_dataset(3), batch_size=0)
    for options in ({"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}):
        with pytest.raises(ValueError, match=f"unspecified {next(iter(options))}"):
            DataLoader(Counting(3), **options)
    with pytest.raises(NotImplementedError, match="multiprocessing_context='spawn'"):
        DataLoader(_dataset(3), num_workers=1, multiprocessing_context="spawn")
    with pytest.raises(ValueError, match="IterableDataset"):
        data.ConcatDataset([Counting(3)])
    with pytest.raises(ValueError, match="only supports IterableDataset"):
        list(data.ChainDataset([_dataset(3)]))
    for kind in (data.Dataset, data.IterableDataset, data.Sampler):
        with pytest.raises(NotImplementedError, match="defines no"):
            kind()[0] if kind is data.Dataset else iter(kind())


class Noise(data.Dataset):
    """Samples are random numbers."""

    def __len__(self):
        return 20

    def __getitem__(self, i):
        return fastgrok.rand(2)


def test_what_workers_draw_repeats():
    def epochs():
        fastgrok.manual_seed(0)
        loader = DataLoader(Noise(), batch_size=4, num_workers=2)
        return [[batch.tolist() for batch in loader] for _ in range(2)]

    first, again = epochs(), epochs()
    assert first == again
    assert first[0] != first[1]  # every epoch is another


def test_what_workers_draw_does_not_disturb_others():
    fastgrok.manual_seed(0)
    expected = fastgrok.rand(3).tolist()
    fastgrok.manual_seed(0)
    list(DataLoader(Noise(), batch_size=4, num_workers=2))
    assert fastgrok.rand(3).tolist() == expected


@pytest.mark.torch
def test_signatures_are_theirs():
    torch = pytest.importorskip("torch")
    for name in ("DataLoader", "RandomSampler", "WeightedRandomSampler", "SubsetRandomSampler", "BatchSampler"):
        ours, theirs = (inspect.signature(getattr(u, name)).parameters for u in (data, torch.utils.data))
        assert [(p.name, p.default) for p in theirs.values()] == [
            (p.name, p.default) for p in ours.values() if p.name != "seed"
        ], name

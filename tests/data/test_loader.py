"""`utils.data`: batches are slices, and the order of an epoch can be had again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok.utils.data import DataLoader, TensorDataset


def _dataset(n):
    x = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)
    return TensorDataset(fastgrok.from_numpy(x), fastgrok.from_numpy(np.arange(n)))


@given(st.integers(1, 30), st.integers(1, 9), st.booleans(), st.booleans())
def test_every_sample_comes_once_and_whole(n, batch_size, shuffle, drop_last):
    loader = DataLoader(_dataset(n), batch_size, shuffle, drop_last=drop_last, seed=1)
    batches = list(loader)
    assert len(batches) == len(loader)
    kept = n - n % batch_size if drop_last else n
    ids = [i for _, y in batches for i in y.numpy().tolist()]
    assert len(ids) == len(set(ids)) == kept
    for x, y in batches:
        np.testing.assert_array_equal(x.numpy()[:, 0], 2.0 * y.numpy())
    if not shuffle:
        assert ids == list(range(kept))


def test_epochs_differ_and_can_be_repeated():
    loader = DataLoader(_dataset(50), 50, shuffle=True, seed=3)
    first, second = (next(iter(loader))[1].numpy().tolist() for _ in range(2))
    assert first != second
    loader.set_epoch(0)
    assert next(iter(loader))[1].numpy().tolist() == first


def test_a_dataset_of_ones_own_is_asked_sample_by_sample():
    samples = [(np.float32(i), i * i) for i in range(5)]
    x, y = list(DataLoader(samples, batch_size=3))[1]
    assert x.numpy().tolist() == [3.0, 4.0]
    assert y.numpy().tolist() == [9, 16]


def test_tensors_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="TensorDataset: shapes"):
        TensorDataset(fastgrok.zeros(3), fastgrok.zeros(4))


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(ValueError, match="batch_size=0"):
        DataLoader(_dataset(3), batch_size=0)

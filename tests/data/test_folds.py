"""Cross-validation: each sample is held out once, and folds are alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok.data import k_fold


def folds(*args, **options):
    return list(k_fold(*args, **options))


@given(st.data(), st.integers(2, 40), st.booleans(), st.booleans())
def test_every_sample_is_held_out_once(data, n, shuffle, stratified):
    k = data.draw(st.integers(2, n))
    labels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))) if stratified else None
    found = folds(n, k, fastgrok.Generator().manual_seed(1), shuffle=shuffle, labels=labels)
    assert len(found) == k
    np.testing.assert_array_equal(np.sort(np.concatenate([held_out for _, held_out in found])), np.arange(n))
    for train, held_out in found:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, held_out])), np.arange(n))
        assert (np.diff(held_out) > 0).all() and (np.diff(train) > 0).all() and held_out.dtype == np.int64
    sizes = [len(held_out) for _, held_out in found]
    assert max(sizes) - min(sizes) <= 1
    for label in range(4) if stratified else ():
        counts = [(labels[held_out] == label).sum() for _, held_out in found]
        assert max(counts) - min(counts) <= 1


def test_the_generator_decides():
    def held_out(seed):
        return [h.tolist() for _, h in k_fold(30, 3, fastgrok.Generator().manual_seed(seed))]

    assert held_out(1) == held_out(1) != held_out(2)
    assert [h.tolist() for _, h in k_fold(6, 3, shuffle=False)] == [[0, 1], [2, 3], [4, 5]]
    labels = fastgrok.tensor([0, 0, 1, 1])
    assert [labels[fastgrok.from_numpy(h)].tolist() for _, h in k_fold(4, 2, labels=labels)] == [[0, 1]] * 2


@pytest.mark.parametrize(("n", "k"), [(5, 1), (5, 6), (5, 2.0)])
def test_numbers_of_folds_that_make_no_sense(n, k):
    with pytest.raises(ValueError, match=f"k={k}"):
        folds(n, k)
    with pytest.raises(ValueError, match=r"labels has shape \(3,\), expected \(5,\)"):
        folds(5, 2, labels=[0, 1, 2])

"""Indices of so many elements that kernels take them: results as NumPy's, in any layout; errors come first."""

import numpy as np
import pytest

import fastgrok


@pytest.fixture
def x(rng):
    return rng.standard_normal((90, 80)).astype(np.float32)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("turned", [False, True])
def test_gather_and_scatter_add(x, rng, dim, turned):
    ids = rng.integers(0, x.shape[dim], x.shape)
    place = (ids, np.arange(80)) if dim == 0 else (np.arange(90)[:, None], ids)
    added = x.copy()
    np.add.at(added, place, x)
    if turned:
        y, i, dim = fastgrok.tensor(x.T.copy()).t(), fastgrok.tensor(ids.T.copy()).t(), dim - 2
    else:
        y, i = fastgrok.tensor(x), fastgrok.tensor(ids)
    np.testing.assert_array_equal(y.gather(dim, i).numpy(), x[place])
    np.testing.assert_allclose(y.scatter_add(dim, i, y).numpy(), added, rtol=1e-4, atol=1e-5)
    y.scatter_add_(dim, i, y)  # what is added is what changes: as it was before
    np.testing.assert_allclose(y.numpy(), added, rtol=1e-4, atol=1e-5)


def test_index_add_in_place(x, rng):
    ids = rng.integers(0, 80, 80)
    expected = x.copy()
    np.add.at(expected, (slice(None), ids), x)
    y = fastgrok.tensor(x)
    shown = y[1]
    y.index_add_(1, fastgrok.tensor(ids), fastgrok.tensor(x))
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(shown.numpy(), y.numpy()[1])


@pytest.mark.parametrize("wrong", [-1, 80])
def test_ids_out_of_range_change_nothing(x, wrong):
    y, ids = fastgrok.tensor(x), np.zeros(x.shape, np.int64)
    ids[3, 4] = wrong
    for change in (
        lambda i: y.scatter_add_(1, i, y.clone()),
        lambda i: y.index_add_(1, i[3], y.clone()),
        lambda i: y.gather(1, i),
        lambda i: y[:, i[3] - (80 if wrong < 0 else 0)],
    ):
        with pytest.raises(IndexError):
            change(fastgrok.tensor(ids))
    np.testing.assert_array_equal(y.numpy(), x)


def test_masks_and_nonzero(x):
    x[0, :3] = np.nan, np.inf, -0.0
    for array in (x, x.T, x[:, ::2], x.astype(np.float64), (9 * np.nan_to_num(x, posinf=1)).astype(np.int64)):
        y = fastgrok.from_numpy(array)
        np.testing.assert_array_equal(y.nonzero().numpy(), np.argwhere(array))
        np.testing.assert_array_equal(y[y > 0].numpy(), array[array > 0])

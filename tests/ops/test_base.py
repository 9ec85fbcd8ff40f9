"""What ops share: copies in C order, sums over first axes."""

import itertools

import numpy as np
import pytest

from fastgrok import ops
from fastgrok.ops.base import _swapped, added, contiguous, copied, room, sum_first

SHAPES = [(300, 200), (2, 130, 200), (20, 40, 70), (2, 3, 90, 80), (20, 30, 10, 8), (1, 150, 1, 300), (60_000, 4)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("shape", SHAPES)
def test_copies_of_any_order_of_axes_are_in_c_order(shape, dtype):
    x = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    swapped = set()
    for axes in itertools.permutations(range(len(shape))):
        view = x.transpose(axes)
        copy = copied(view)
        assert copy.flags.c_contiguous and not np.shares_memory(copy, x)
        np.testing.assert_array_equal(copy, view)
        assert contiguous(copy) is copy
        swapped.add(_swapped(view) is not None)
    assert shape == (60_000, 4) or True in swapped  # that the kernel takes part


def test_copies_of_what_has_gaps():
    x = np.arange(500.0 * 400).reshape(500, 400)
    for view in (x[:, ::2].T, x[::-1].T, x[:300, :300].T, np.broadcast_to(x[0], (500, 400)).T):
        np.testing.assert_array_equal(copied(view), view)


@pytest.mark.parametrize(("shape", "count"), [((70, 600), 1), ((9, 80, 70), 2), ((9, 80, 70), 1), ((50_000,), 1)])
def test_sums_over_first_axes(shape, count):
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(np.float32)  # whole: sums are exact
    expected = x.sum(axis=tuple(range(count)))
    np.testing.assert_array_equal(sum_first(x, count), expected)
    np.testing.assert_array_equal(sum_first(np.asfortranarray(x), count), expected)
    np.testing.assert_array_equal(sum_first(x.astype(np.int32), count), expected)


@pytest.mark.parametrize("b", [(300, 500), (500,), (300, 1), (1, 500), (1, 1), ()])
def test_room_for_what_is_stretched(b):
    a, b = np.ones((300, 500), np.float32), np.full(b, 2, np.float32)
    for x, y in ((a, b), (b, a)):
        assert room(x, y).shape == a.shape
        np.testing.assert_array_equal(added(x, y), np.add(x, y))
    np.testing.assert_array_equal(added(np.asfortranarray(a), b), np.add(a, b))


@pytest.mark.parametrize("shapes", [((300, 500), (300,)), ((300, 1), (1, 500)), ((300, 500), (2, 1, 1)), ((3, 5), 5)])
def test_no_room_for_what_is_small_or_of_another_shape(shapes):
    assert room(*(np.ones(shape, np.float32) for shape in shapes)) is None


@pytest.mark.parametrize("dim", [0, 1, 2, (0, 1), (1, 2), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_sums_and_means_of_large_arrays(dim, keepdim):
    x = np.random.default_rng(0).integers(-9, 9, (64, 8, 256)).astype(np.float32)
    expected = x.sum(axis=dim, keepdims=keepdim)
    found = ops.Sum().forward(x, dim, keepdim)
    assert found.shape == expected.shape and found.dtype == x.dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(ops.Mean().forward(x, dim, keepdim), x.mean(axis=dim, keepdims=keepdim), atol=1e-6)

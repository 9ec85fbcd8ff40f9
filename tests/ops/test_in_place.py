"""Large arrays changed in place, by kernels, against NumPy's own changes of copies."""

import numpy as np
import pytest

import fastgrok
from fastgrok.ops.base import SHARED
from fastgrok.ops.in_place import assign, update

SHAPE = (SHARED // 256 + 3, 256)
OTHERS = {
    "of one shape": SHAPE,
    "a number": (),
    "one element": (1, 1),
    "a row": (256,),
    "a row in two dimensions": (1, 256),
    "a column": (SHAPE[0], 1),
}


def numbers(shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("function", [np.add, np.subtract, np.multiply, np.true_divide, np.power])
def test_changes_are_those_of_numpy(function, shape, dtype):
    x, other = numbers(SHAPE, dtype), numbers(shape, dtype, 1)
    expected = function(x, other)
    update(function, x, other)
    np.testing.assert_allclose(x, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("shape", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("function", [np.add, np.subtract])
def test_a_factor_scales_what_is_added(function, shape):
    x, other = numbers(SHAPE), numbers(shape, seed=1)
    expected = function(x.astype(np.float64), np.float32(0.3) * other.astype(np.float64))
    update(function, x, other, np.float32(0.3))
    np.testing.assert_allclose(x, expected, rtol=0, atol=3e-7)


@pytest.mark.parametrize("shape", OTHERS.values(), ids=OTHERS)
def test_assigned_elements_are_those_of_the_other(shape):
    x, other = numbers(SHAPE), numbers(shape, seed=1)
    assign(x, other)
    np.testing.assert_array_equal(x, np.broadcast_to(other, SHAPE))


def test_what_does_not_fit_is_refused():
    x = numbers(SHAPE)
    for shape in ((255,), (2, *SHAPE), (SHAPE[0],)):
        with pytest.raises(ValueError):
            assign(x, numbers(shape))
    np.testing.assert_array_equal(x, numbers(SHAPE))


LAYOUTS = {
    "turned": lambda x: x.T,
    "every other row": lambda x: x[::2],
    "backwards": lambda x: x[::-1],
    "a part of each row": lambda x: x[:, 1:],
    "rows in the middle": lambda x: x[1:-1],
}


@pytest.mark.parametrize("view", LAYOUTS.values(), ids=LAYOUTS)
def test_views_are_changed_and_nothing_else(view):
    whole = numbers((2 * SHAPE[0], 256))
    expected = whole.copy()
    view(expected)[...] += np.float32(2) * view(numbers(whole.shape, seed=1))
    update(np.add, view(whole), view(numbers(whole.shape, seed=1)), 2)
    np.testing.assert_allclose(whole, expected, rtol=1e-6)


def test_an_array_may_overlap_what_it_is_changed_by():
    line = numbers(2 * SHARED)
    for target, source in (
        (slice(1, None), slice(-1)),
        (slice(-1), slice(1, None)),
        (slice(None), slice(None)),
        (slice(None), slice(None, None, -1)),
    ):
        x = line.copy()
        update(np.add, x[target], x[source])
        np.testing.assert_array_equal(x[target], line[target] + line[source])
        x = line.copy()
        assign(x[target], x[source])
        np.testing.assert_array_equal(x[target], line[source])


def test_what_is_not_finite_spreads_only_where_it_is():
    x, other = numbers(SHAPE), numbers(SHAPE, seed=1)
    x[3, 5], other[700 % SHAPE[0], 9] = np.inf, np.nan
    update(np.add, x, other, 0.5)
    assert x[3, 5] == np.inf and np.isnan(x).sum() == 1


@pytest.mark.parametrize("function", ["add_", "sub_"])
@pytest.mark.parametrize("size", [10, 2 * SHARED])
def test_a_step_by_hand_is_one_by_the_optimizer(function, size):
    """`p.sub_(p.grad, alpha=lr)` is SGD."""
    p = fastgrok.tensor(numbers(size), requires_grad=True)
    q = fastgrok.tensor(numbers(size), requires_grad=True)
    p.grad, q.grad = fastgrok.tensor(numbers(size, seed=1)), fastgrok.tensor(numbers(size, seed=1))
    fastgrok.optim.SGD([p], lr=0.1).step()
    with fastgrok.no_grad():
        getattr(q, function)(q.grad, alpha=-0.1 if function == "add_" else 0.1)
    np.testing.assert_allclose(q.detach().numpy(), p.detach().numpy(), rtol=1e-6)


def test_gradients_of_several_backwards_add_up():
    x = fastgrok.tensor(numbers(2 * SHARED), requires_grad=True)
    for factor in (1, 2, 4):
        (x * factor).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 7)


def test_the_number_of_threads_does_not_change_a_bit():
    results = []
    for threads in (1, 2):
        before = fastgrok.get_num_threads()
        fastgrok.set_num_threads(threads)
        try:
            x = fastgrok.tensor(numbers(SHAPE))
            x.add_(fastgrok.tensor(numbers(SHAPE, seed=1)), alpha=0.3).div_(fastgrok.tensor(numbers(256, seed=2)))
        finally:
            fastgrok.set_num_threads(before)
        results.append(x.numpy())
    np.testing.assert_array_equal(*results)


def test_a_factor_that_does_not_fit_changes_nothing():
    x = fastgrok.tensor(numbers(SHAPE))
    with pytest.raises(fastgrok.errors.NumberError, match="alpha"):
        x.add_(x.clone(), alpha=1e300)
    np.testing.assert_array_equal(x.numpy(), numbers(SHAPE))


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_relu_in_place_keeps_nan_and_the_layout(channels_last, dtype):
    x = (100 * np.random.default_rng(0).standard_normal((2, 64, 64, 32))).astype(dtype)
    if dtype is not np.int64:
        x[0, 0, 0, :3] = np.nan, -np.inf, np.inf
    x = x.transpose(0, 3, 1, 2) if channels_last else x
    y = fastgrok.tensor(x.copy("K"))
    strides = y.array.strides
    assert y.relu_() is y
    np.testing.assert_array_equal(y.numpy(), np.maximum(x, 0))
    assert y.array.strides == strides


def test_relu_in_place_writes_over_its_input_and_backward_knows():
    x = fastgrok.tensor(numbers(2 * SHARED) - 1, requires_grad=True)
    y = x * 2
    memory = y.array
    y.relu_()
    assert y.array is memory and (y.detach() >= 0).all()
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * (x.detach().numpy() > 0))


def test_relu_in_place_refuses_a_backward_whose_values_are_gone():
    x = fastgrok.tensor(numbers(5), requires_grad=True)
    y = (x * 2).relu_()
    y.relu_()
    with pytest.raises(fastgrok.errors.StateError, match="in-place"):
        y.sum().backward()
    z = x.sigmoid()
    z.relu_()
    with pytest.raises(fastgrok.errors.StateError, match="in-place"):
        z.sum().backward()


def test_relu_in_place_of_a_view_changes_its_base():
    x = fastgrok.tensor(numbers((4, 5)) - 1, requires_grad=True)
    y = x * 1
    y[1].relu_()
    expected = x.detach().numpy().copy()
    expected[1] = np.maximum(expected[1], 0)
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    y.sum().backward()
    assert (x.grad.numpy()[1] == (x.detach().numpy()[1] > 0)).all() and (x.grad.numpy()[[0, 2, 3]] == 1).all()


def test_relu_in_place_of_what_has_views():
    x = fastgrok.tensor(numbers((4, 5)) - 1, requires_grad=True)
    y = x * 1
    row = y[2]
    y.relu_()
    np.testing.assert_array_equal(row.detach().numpy(), np.maximum(x.detach().numpy()[2], 0))
    row.sum().backward()
    assert (x.grad.numpy()[2] == (x.detach().numpy()[2] > 0)).all()


def test_relu_in_place_of_bools_is_refused():
    with pytest.raises(fastgrok.errors.DtypeError, match="bool"):
        fastgrok.tensor([True]).relu_()
    leaf = fastgrok.ones(2, requires_grad=True)
    with pytest.raises(fastgrok.errors.StateError, match="leaf"):
        leaf.relu_()


@pytest.mark.parametrize("shape", [(), (256,), SHAPE], ids=str)
@pytest.mark.parametrize("name", ["add_", "sub_", "mul_", "div_"])
@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)], ids=["self", "other", "both"])
def test_recorded_changes_have_the_gradients_of_those_out_of_place(name, shape, wanted):
    results = []
    for in_place in (True, False):
        x = fastgrok.tensor(numbers(SHAPE), requires_grad=wanted[0])
        other = fastgrok.tensor(numbers(shape, seed=1), requires_grad=wanted[1])
        y = x * 1
        memory = y.array
        z = getattr(y, name if in_place else name[:-1])(other)
        assert (z.array is memory) == in_place
        (z * fastgrok.tensor(numbers(SHAPE, seed=2))).sum().backward()
        results.append([z.detach().numpy(), *(v.grad.numpy() for v in (x, other) if v.requires_grad)])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_what_is_changed_by_itself():
    x = fastgrok.tensor(numbers(2 * SHARED), requires_grad=True)
    y = x * 1
    y += y
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2, rtol=0)

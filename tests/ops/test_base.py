"""What ops share: copies in C order, sums over first axes."""

import itertools

import numpy as np
import pytest

import fastgrok
from fastgrok import ops
from fastgrok.ops.base import (
    SHARED,
    _swapped,
    chosen,
    combined,
    contiguous,
    copied,
    room,
    sum_first,
    summed,
    unbroadcast,
)

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


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        ((70, 600), 1),
        ((9, 80, 70), 2),
        ((9, 80, 70), 1),
        ((50_000,), 1),
        ((256, 65), 1),
        ((64, 256), 1),
        ((63, 261), 1),
        ((4, 1 << 15), 1),
        ((3, 1 << 16), 1),
        ((1 << 14, 1), 1),
    ],
)
def test_sums_over_first_axes(shape, count):
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(np.float32)  # whole: sums are exact
    expected = x.sum(axis=tuple(range(count)))
    y = sum_first(x, count)
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(sum_first(np.asfortranarray(x), count), expected)
    np.testing.assert_array_equal(sum_first(x.astype(np.int32), count), expected)


@pytest.mark.parametrize("b", [(300, 500), (500,), (300, 1), (1, 500), (1, 1), ()])
def test_room_for_what_is_stretched(b):
    a, b = np.ones((300, 500), np.float32), np.full(b, 2, np.float32)
    for x, y in ((a, b), (b, a)):
        assert room(x, y).shape == a.shape


@pytest.mark.parametrize("function", [np.add, np.subtract, np.multiply])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("threads", [1, 2])
def test_large_arrays_and_what_is_repeated_to_their_size(function, dtype, threads):
    rng = np.random.default_rng(0)
    large = rng.integers(-9, 9, (6, 4, 90, 70)).astype(dtype)
    alike = [large, large.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2), large[..., ::-1], large[:1], large[0]]
    sizes = [
        (70,),
        (90, 1),
        (90, 70),
        (4, 1, 1),
        (4, 1, 70),
        (6, 4, 1, 1),
        (6, 1, 1, 1),
        (1, 1, 90, 1),
        (1,),
        (),
        (6, 1, 90, 1),
    ]
    short = [rng.integers(-9, 9, shape).astype(dtype) for shape in sizes]
    short += [rng.integers(-9, 9, (70, 90)).astype(dtype).T, np.broadcast_to(short[4], large.shape)]
    before = fastgrok.get_num_threads()
    fastgrok.set_num_threads(threads)
    try:
        for x in alike[:3]:
            for other in alike + short:
                for a, b in ((x, other), (other, x)):
                    y = combined(function, a, b)
                    np.testing.assert_array_equal(y, function(a, b))
                    assert y.dtype == dtype and not np.shares_memory(y, a) and not np.shares_memory(y, b)
                    if other.shape != x.shape and x is alike[1] and dtype != np.int64:
                        assert y.strides == x.strides
        row = np.ones((1, SHARED), dtype)  # as many numbers, another shape
        for a, b in ((row, row[0]), (row[0], row)):
            np.testing.assert_array_equal(combined(function, a, b), function(a, b))
        with pytest.raises(ValueError, match="broadcast"):
            combined(function, large, np.ones((6, 90, 1), dtype))
    finally:
        fastgrok.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_choices_among_large_arrays(dtype):
    rng = np.random.default_rng(0)
    large = rng.integers(-9, 9, (6, 4, 30, 20)).astype(dtype)
    last = large.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    fixed = large.copy()
    fixed.flags.writeable = False
    operands = [large, last, fixed, large[..., ::-1], large[0], large[:, :1], large[0, 0, 0], np.array(3, dtype)]
    masks = [large > 0, last > 0, (large > 0)[..., ::2].repeat(2, -1), (large > 0)[0, 0], np.ones((4, 1, 1), bool)]
    for condition, a, b in itertools.product(masks, operands, operands):
        y = chosen(condition, a, b)
        np.testing.assert_array_equal(y, np.where(condition, a, b))
        assert y.dtype == dtype and not any(np.shares_memory(y, x) for x in (condition, a, b))
        if a is last and dtype != np.int64:
            assert y.strides == last.strides


def test_joined_images_lie_as_the_first_does():
    last = np.zeros((2, 30, 20, 4), np.float32).transpose(0, 3, 1, 2)
    for dim in range(4):
        y = ops.Cat().forward(last, last, dim=dim)
        assert y.transpose(0, 2, 3, 1).flags.c_contiguous
        assert ops.Cat().forward(np.ascontiguousarray(last), last, dim=dim).flags.c_contiguous


@pytest.mark.parametrize("shape", [(), (0, 3), (3, 4), (300, 500)])
def test_sums_of_truths(rng, shape):
    x = np.asarray(rng.random(shape) < 0.3)
    for mask in (x, x.T, np.repeat(x[..., None], 2, -1)[..., 0]):
        y, kept = ops.Sum().forward(mask), ops.Sum().forward(mask, keepdim=True)
        assert y.dtype == kept.dtype == np.int64 and y.shape == () and kept.shape == (1,) * mask.ndim
        assert y == kept.sum() == mask.sum()


def test_large_sums_overflow_in_silence():
    x = np.zeros(1 << 17, np.float32)
    x[0], x[-1] = np.inf, -np.inf
    assert np.isnan(ops.Sum().forward(x)) and np.isposinf(ops.Sum().forward(np.full(1 << 17, 3e38, np.float32)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(8, 90, 200), (200,), (90, 1), (8, 1, 1), (90, 200), (1, 90, 1), ()])
def test_quotients_of_large_arrays(shape, dtype):
    rng = np.random.default_rng(0)
    large, other = rng.normal(size=(8, 90, 200)).astype(dtype), rng.normal(size=shape).astype(dtype)
    large[1, :3], other.reshape(-1)[:1] = np.inf, 0
    with np.errstate(divide="ignore", invalid="ignore"):
        for a, b in ((large, other), (other, large), (np.asfortranarray(large), other)):
            np.testing.assert_array_equal(combined(np.divide, a, b), a / b)


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


@pytest.mark.parametrize("shape", [(70,), (90, 1), (90, 70), (6, 1, 1), (1, 1, 1, 1), (4, 6, 1, 1), (1, 1, 90, 1), ()])
def test_gradients_of_what_was_repeated(shape):
    x = np.random.default_rng(0).integers(-9, 9, (4, 6, 90, 70)).astype(np.float32)
    axes = tuple(axis for axis, size in enumerate((1,) * (4 - len(shape)) + shape) if size == 1)
    expected = x.sum(axis=axes).reshape(shape)
    for gradient in (x, np.asfortranarray(x), x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)):
        found = unbroadcast(gradient, shape)
        assert found.shape == shape and found.dtype == x.dtype
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.bool_])
@pytest.mark.parametrize("shape", [(90, 70), (5, 40, 3, 20), (9000,), (0, 9000)])
def test_running_sums(shape, dtype):
    x = np.random.default_rng(0).integers(-9, 9, shape).astype(dtype)  # whole: sums are exact
    for array in (x, np.asfortranarray(x), np.concatenate([x, x], -1)[..., ::2]):
        for axis in range(x.ndim):
            op = ops.CumSum()
            y = op.forward(array, axis - x.ndim)
            expected = np.cumsum(array, axis)
            assert y.dtype == expected.dtype and not np.shares_memory(y, array)
            np.testing.assert_array_equal(y, expected)
            if x.dtype.kind == "f":
                (dx,) = op.backward(array)
                np.testing.assert_array_equal(dx, np.flip(np.cumsum(np.flip(array, axis), axis), axis))


def test_long_running_sums_keep_their_digits():
    x = np.full(1_000_000, 0.1, np.float32)
    np.testing.assert_allclose(ops.CumSum().forward(x, 0)[-1], 100_000, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_roots_of_many_numbers(dtype, axes):
    x = np.arange(-2, 130 * 90 * 20 - 2, dtype=dtype).reshape(130, 90, 20).transpose(axes)
    op, dy = ops.Sqrt(), np.broadcast_to(np.array(3, dtype), x.shape)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(op.forward(x), np.sqrt(x))
        np.testing.assert_allclose(op.backward(dy)[0], 1.5 / np.sqrt(x), rtol=1e-6)
    assert op.y.strides == x.strides


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize(("shape", "dim"), [((7, 5), 1), ((7, 5), 0), ((7, 5, 3), 1), ((5,), 0)])
@pytest.mark.parametrize("ignored", [-100, 2])
def test_choices_from_log_softmax_have_the_gradient_of_the_cross_entropy(reduction, shape, dim, ignored):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    classes = shape[min(1, len(shape) - 1)]
    target = fastgrok.tensor(rng.integers(0, classes, shape[:1] * (len(shape) > 1) + shape[2:]))
    one, two, three = (fastgrok.tensor(x, requires_grad=True) for _ in range(3))
    settings = {"reduction": reduction, "ignore_index": ignored}
    log = fastgrok.nn.functional.log_softmax(one, dim)
    fastgrok.nn.functional.nll_loss(log, target, **settings).sum().backward()
    log = fastgrok.nn.functional.log_softmax(two, dim)
    log.register_hook(lambda gradient: gradient + 0)  # which asks for the whole array
    fastgrok.nn.functional.nll_loss(log, target, **settings).sum().backward()
    np.testing.assert_allclose(one.grad.numpy(), two.grad.numpy(), rtol=1e-12, atol=1e-15)
    if dim == min(1, len(shape) - 1):
        fastgrok.nn.functional.cross_entropy(three, target, **settings).sum().backward()
        np.testing.assert_allclose(one.grad.numpy(), three.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_a_choice_and_another_gradient_add_up():
    rng = np.random.default_rng(0)
    x = fastgrok.tensor(rng.standard_normal((6, 4)), requires_grad=True)
    target = fastgrok.tensor(rng.integers(0, 4, 6))
    log = fastgrok.nn.functional.log_softmax(x, 1)
    log.retain_grad()
    (fastgrok.nn.functional.nll_loss(log, target) + fastgrok.nn.functional.nll_loss(log, target) + log.sum()).backward()
    expected = np.ones((6, 4))
    expected[np.arange(6), target.numpy()] -= 2 / 6
    np.testing.assert_allclose(log.grad.numpy(), expected)
    np.testing.assert_allclose(x.grad.numpy(), expected - np.exp(log.detach().numpy()) * expected.sum(1, keepdims=True))


LARGE = (40, 50, 70)  # SHARED elements and some more
REPEATED = [(40, 50, 1), (1, 50, 70), (40, 1, 70), (1, 50, 1), (1, 1, 1)]


@pytest.mark.parametrize("function", [np.add, np.subtract, np.multiply, np.divide])
@pytest.mark.parametrize("shape", [*REPEATED, LARGE])
def test_arithmetic_with_expanded_and_turned_operands(rng, function, shape):
    a = rng.standard_normal(LARGE).astype(np.float32)
    b = np.broadcast_to(rng.standard_normal(shape).astype(np.float32), LARGE)
    assert a.size >= SHARED
    turned = rng.standard_normal(LARGE[::-1]).astype(np.float32).T
    for x, y in ((a, b), (b, a), (b, b), (a, turned), (turned, a), (turned, b), (a[:, ::-1], b)):
        np.testing.assert_array_equal(combined(function, x, y), function(x, y))


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("shape", [(5, 30, 4, 60), (5, 30, 40, 2), (2, 1, 3, 9000)])
def test_sums_over_any_axes(rng, shape, keepdim):
    x = rng.integers(-9, 9, shape).astype(np.float32)  # whole: sums are exact
    for axes in itertools.chain.from_iterable(itertools.combinations(range(4), count) for count in range(5)):
        for y in (x, np.asfortranarray(x), x.astype(np.int64)):
            found, expected = summed(y, axes, keepdim), y.sum(axis=axes, keepdims=keepdim)
            np.testing.assert_array_equal(found, expected)
            assert found.shape == expected.shape and found.dtype == expected.dtype


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("axes", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("shape", REPEATED)
def test_sums_of_repeated_elements(rng, shape, axes, keepdim):
    x = np.broadcast_to(rng.standard_normal(shape).astype(np.float32), LARGE)
    y, expected = summed(x, axes, keepdim), x.sum(axis=axes, keepdims=keepdim, dtype=np.float64)
    assert y.shape == expected.shape and y.dtype == np.float32 and (not y.ndim or y.flags.writeable)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("shape", REPEATED)
def test_copies_of_repeated_elements(rng, shape):
    x = np.broadcast_to(rng.standard_normal(shape).astype(np.float32), LARGE)
    y = copied(x)
    np.testing.assert_array_equal(y, x)
    assert y.flags.carray and not np.shares_memory(x, y)

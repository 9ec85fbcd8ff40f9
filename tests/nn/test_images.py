"""Convolution, pooling and normalisation: values by hand, layouts of memory, modes, and what they refuse."""

import numpy as np
import pytest

import fastgrok
import fastgrok.nn.functional as F
from fastgrok import nn
from fastgrok.autograd import apply
from fastgrok.errors import StateError
from gradcheck import check_function


def images(rng, *shape, dtype=np.float64):
    return fastgrok.tensor(rng.standard_normal(shape).astype(dtype))


def test_convolution_by_hand():
    x = fastgrok.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], requires_grad=True)
    w = fastgrok.tensor([[[[1.0, 10.0]]], [[[0.0, -1.0]]]], requires_grad=True)
    b = fastgrok.tensor([0.5, 0.0], requires_grad=True)
    y = F.conv2d(x, w, b)
    assert y.tolist() == [[[21.5, 32.5], [54.5, 65.5]], [[-2.0, -3.0], [-5.0, -6.0]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[1.0, 10.0, 9.0]] * 2]
    assert w.grad.tolist() == [[[[12.0, 16.0]]]] * 2 and b.grad.tolist() == [4.0, 4.0]


def test_transposed_convolution_by_hand():
    y = F.conv_transpose1d(fastgrok.tensor([[1.0, 2.0]]), fastgrok.tensor([[[1.0, 10.0, 100.0]]]), stride=2)
    assert y.tolist() == [[1.0, 10.0, 102.0, 20.0, 200.0]]


def test_pooling_by_hand():
    x = fastgrok.tensor([[[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 2.0, 8.0]]], requires_grad=True)
    y, places = F.max_pool2d(x, 2, return_indices=True)
    assert y.tolist() == [[[5.0, 8.0]]] and places.tolist() == [[[1, 7]]] and places.dtype == fastgrok.int64
    (y * fastgrok.tensor([2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [[[0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0]]]
    assert F.avg_pool2d(x, 2).tolist() == [[[3.25, 3.0]]]
    assert F.avg_pool1d(x[0].detach(), 2, padding=1).tolist() == [[0.5, 3.5, 0.0], [1.5, 3.0, 4.0]]
    assert F.avg_pool1d(x[0], 2, padding=1, count_include_pad=False).tolist() == [[1.0, 3.5, 0.0], [3.0, 3.0, 8.0]]
    assert F.adaptive_max_pool1d(x[0], 3).tolist() == [[5.0, 5.0, 2.0], [4.0, 4.0, 8.0]]


def test_pooling_passes_nan_on():
    x = fastgrok.tensor([[1.0, float("nan"), 5.0, -float("inf"), -float("inf"), 2.0]])
    y, places = F.max_pool1d(x, 2, return_indices=True)
    assert np.isnan(y.numpy()[0, 0]) and y.tolist()[0][1:] == [5.0, 2.0] and places.tolist() == [[1, 2, 5]]


def test_the_maximum_of_nothing():
    """Taps two apart, with padding on both sides of one element: none meets it."""
    x = fastgrok.ones(4, 1, requires_grad=True)
    y, places = F.max_pool1d(x, 2, padding=1, dilation=2, return_indices=True)
    assert y.tolist() == [[-float("inf")]] * 4 and places.tolist() == [[-1]] * 4
    y.sum().backward()
    assert x.grad.tolist() == [[0.0]] * 4


def test_transposed_convolution_of_no_images():
    x, w = fastgrok.zeros(0, 2, 1, 3, requires_grad=True), fastgrok.ones(2, 3, 1, 1, requires_grad=True)
    y = F.conv_transpose2d(x, w, fastgrok.ones(3), padding=(1, 0), output_padding=(1, 4))
    assert y.shape == (0, 3, 0, 7)
    y.sum().backward()
    assert x.grad.shape == x.shape and (w.grad == 0).all()
    with pytest.raises(RuntimeError, match="output_padding"):
        F.conv_transpose2d(fastgrok.zeros(1, 2, 1, 3), w, output_padding=1)
    with pytest.raises(RuntimeError, match="too small"):
        F.conv_transpose2d(fastgrok.zeros(1, 2, 1, 3, dtype=fastgrok.float64), w.double(), padding=(0, 3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_keeps_channels_last_and_its_values(rng, dtype):
    """The values are those by channel-first index, whatever the memory; the result of a layer is copied by none."""
    x = images(rng, 2, 3, 8, 8, dtype=dtype)
    first, second = nn.Conv2d(3, 16, 3, padding=1, dtype=dtype), nn.Conv2d(16, 4, 3, dtype=dtype)
    pool, norm = nn.MaxPool2d(2), nn.BatchNorm2d(16, dtype=dtype)
    for layer in (first, norm, F.relu, pool, second):
        x = layer(x)
        assert x.dtype == dtype and x.detach().numpy().transpose(0, 2, 3, 1).flags.c_contiguous, layer
    for layer in (nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)):
        np.testing.assert_array_equal(layer(x).detach().numpy(), layer(x.contiguous()).detach().numpy())
    flat = x.view(2, -1)  # PyTorch users write this; there the memory is channels first
    np.testing.assert_array_equal(flat.detach().numpy(), np.ascontiguousarray(x.detach().numpy()).reshape(2, -1))
    with pytest.raises(RuntimeError, match="view"):
        images(rng, 2, 3, 4, 5).permute(0, 3, 1, 2).view(2, -1)


@pytest.mark.parametrize("layout", ["first", "last", "sliced", "broadcast"])
def test_any_memory_gives_the_same_bits(rng, layout):
    x = rng.standard_normal((2, 3, 6, 7)).astype(np.float32)
    if layout == "broadcast":
        x = np.broadcast_to(x[:, :1], x.shape)
    memory = {
        "last": lambda: np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
        "sliced": lambda: np.concatenate([x, x], axis=3)[..., :7],
    }.get(layout, lambda: x)()
    layers = nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.AvgPool2d(2), nn.BatchNorm2d(3), nn.Unfold(2), nn.LayerNorm(7)
    for layer in layers:
        results = []
        for array in (memory, np.ascontiguousarray(x)):
            t = fastgrok.Tensor._from_array(array, requires_grad=True)
            y = layer(t)
            (y * y).sum().backward()
            results.append((y.detach().numpy(), t.grad.numpy()))
        for a, b in zip(*results, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("N", [4, 400])  # few numbers, which NumPy normalises, and many
def test_batch_norm_of_numbers_too_large_is_silent(N):
    x = fastgrok.full((N, 3), 3e38)
    x[0, 0] = float("inf")
    x.requires_grad_()
    mean, var = fastgrok.full((3,), -3e38), fastgrok.ones(3)
    for training in (False, True):
        y = F.batch_norm(x, mean.clone(), var.clone(), training=training)
        y.backward(fastgrok.full((N, 3), 1e38))
        assert not y.isfinite().all().item() and not x.grad.isfinite().all().item()


def test_batch_norm_gradients_in_training(rng):
    for shape in ((6, 3), (3, 3, 4), (2, 3, 3, 2)):
        arrays = rng.standard_normal(shape), rng.standard_normal(3), rng.standard_normal(3)
        check_function(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), arrays, rng)


def test_maximum_with_places_has_the_same_gradient(rng):
    x = rng.permutation(60).reshape(1, 3, 4, 5) * 0.1
    check_function(lambda x: F.max_pool2d(x, 3, 1, 1, return_indices=True)[0], [x], rng)
    check_function(lambda x: F.adaptive_max_pool2d(x, (2, 3)), [x], rng)


def test_folding_undoes_unfolding_up_to_counting(rng):
    x = images(rng, 2, 3, 6, 7)
    counts = F.fold(F.unfold(fastgrok.ones(2, 3, 6, 7, dtype=fastgrok.float64), 3), (6, 7), 3)
    np.testing.assert_allclose(F.fold(F.unfold(x, 3), (6, 7), 3).numpy(), (x * counts).numpy(), rtol=1e-12)


def test_convolution_is_a_product_with_the_windows(rng):
    """The fused op against the same maths composed of other ops."""
    x, w = images(rng, 2, 3, 6, 7).requires_grad_(), images(rng, 5, 3, 3, 2).requires_grad_()
    settings = {"stride": (2, 1), "padding": (1, 1), "dilation": (1, 2)}
    y = F.conv2d(x, w, **settings)
    z = (w.reshape(5, -1) @ F.unfold(x, (3, 2), **settings)).reshape(*y.shape)
    for a, b in [(y, z), *zip(*[fastgrok.autograd.grad((t * t).sum(), [x, w]) for t in (y, z)], strict=True)]:
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-10)


def test_transposed_convolution_is_the_adjoint(rng):
    """<conv(x), y> = <x, conv_transpose(y)>."""
    x, w = images(rng, 2, 4, 7, 6), images(rng, 6, 2, 3, 2)
    settings = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}
    y = F.conv2d(x, w, **settings)
    y = images(rng, *y.shape)
    forward = (F.conv2d(x, w, **settings) * y).sum().item()
    assert forward == pytest.approx((x * F.conv_transpose2d(y, w, **settings)).sum().item(), rel=1e-12)


def test_running_statistics():
    layer = nn.BatchNorm1d(1, momentum=0.5)
    layer(fastgrok.tensor([[1.0], [3.0]]))
    assert layer.running_mean.item() == 1.0 and layer.running_var.item() == 1.5  # of the unbiased variance 2
    assert layer.num_batches_tracked.item() == 1 and layer.num_batches_tracked.dtype == fastgrok.int64
    with fastgrok.no_grad():
        layer(fastgrok.tensor([[5.0], [5.0]]))
    assert layer.running_mean.item() == 3.0 and layer.running_var.item() == 0.75
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer.eval()(fastgrok.tensor([[7.0]]))
    assert all((before[name] == value).all() for name, value in layer.state_dict().items())
    layer.reset_running_stats()
    assert layer.running_mean.item() == 0 and layer.running_var.item() == 1 and layer.num_batches_tracked.item() == 0
    assert layer.double().num_batches_tracked.dtype == fastgrok.int64


def test_running_statistics_that_cannot_be_written_to():
    layer = nn.BatchNorm1d(3)
    layer.running_var.array.flags.writeable = False
    with pytest.raises(StateError, match="batch_norm: this memory"):
        layer(fastgrok.ones(4, 3))
    assert layer.running_mean.tolist() == [0, 0, 0]


def test_an_error_leaves_running_statistics_alone():
    layer = nn.BatchNorm2d(3)
    for wrong in (fastgrok.ones(2, 4, 3, 3), fastgrok.ones(2, 3, 3, 3).double()):
        with pytest.raises(RuntimeError, match="batch_norm"):
            layer(wrong)
    assert layer.running_mean.tolist() == [0, 0, 0] and layer.running_var.tolist() == [1, 1, 1]


def test_backward_in_evaluation_does_not_see_later_statistics(rng):
    layer = nn.BatchNorm1d(2).eval()
    x = images(rng, 4, 2, dtype=np.float32).requires_grad_()
    y = layer(x).sum()
    layer.train()(x.detach() * 9)
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), 1, rtol=1e-4)


def test_layer_norm_of_large_numbers(rng):
    """The variance is not the difference of two large numbers."""
    x = (1e4 + rng.standard_normal((3, 600))).astype(np.float32)
    expected = (x - x.mean(1, dtype=np.float64, keepdims=True)) / x.std(1, dtype=np.float64, keepdims=True)
    np.testing.assert_allclose(F.layer_norm(fastgrok.tensor(x), (600,)).numpy(), expected, atol=2e-3)
    columns = F.batch_norm(fastgrok.tensor(np.ascontiguousarray(x.T)), None, None, training=True)
    np.testing.assert_allclose(columns.numpy(), expected.T, atol=2e-3)


def test_channels_are_dropped_as_a_whole():
    x = fastgrok.ones(40, 50, 2, 3, requires_grad=True)
    y = nn.Dropout2d(0.25)(x)
    values = y.detach().numpy().reshape(2000, 6)
    assert (values == values[:, :1]).all() and np.unique(values).tolist() == pytest.approx([0.0, 4 / 3])
    assert abs((values == 0).mean() - 0.25) < 0.05
    y.sum().backward()
    assert (x.grad == y).all()
    assert nn.Dropout2d(0.5).eval()(x) is x and (F.dropout2d(x, 1.0) == 0).all()
    y = nn.Dropout1d(0.5)(fastgrok.ones(30, 7)).numpy()
    assert (y == y[:, :1]).all() and set(y[:, 0].tolist()) == {0.0, 2.0}
    with pytest.raises(NotImplementedError, match="inplace"):
        F.dropout2d(x, inplace=True)


def test_initial_distributions():
    layer = nn.Conv2d(8, 300, (5, 10), groups=2)
    for p in layer.parameters():
        w = p.detach().numpy()
        assert np.abs(w).max() <= 200**-0.5 and np.abs(w).max() > 0.95 * 200**-0.5 and abs(w.mean()) < 0.006


def test_changing_an_operand_in_place_before_backward_is_an_error(rng):
    for function, shapes, saved in (
        (F.conv2d, ((1, 2, 4, 4), (3, 2, 3, 3)), (0, 1)),
        (F.conv_transpose2d, ((1, 2, 4, 4), (2, 3, 3, 3)), (0, 1)),
        (lambda x, w: F.layer_norm(x, (4,), w), ((3, 4), (4,)), (0, 1)),
        (lambda x, w: F.batch_norm(x, None, None, w, training=True), ((3, 4), (4,)), (0, 1)),
    ):
        for i in saved:
            operands = [images(rng, *shape).requires_grad_() * 1 for shape in shapes]
            y = function(*operands).sum()
            with fastgrok.no_grad():
                operands[i].mul_(2)
            with pytest.raises(RuntimeError, match="in-place"):
                y.backward()


def test_ops_take_arrays_of_the_engine_alone(rng):
    """The book's tensors use the same ops."""
    from fastgrok.autograd import Variable
    from fastgrok.ops import Conv

    x = Variable(rng.standard_normal((1, 2, 4, 4)), requires_grad=True)
    y = apply(Conv, x, Variable(rng.standard_normal((3, 2, 3, 3))))
    y.backward(np.ones(y.array.shape))
    assert type(y) is Variable and x.grad.array.shape == x.array.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 6), (3, 6, 4), (3, 6, 9, 8), (1, 6, 40, 50)])
def test_group_norm_keeps_the_layout_of_memory(rng, shape, dtype):
    arrays = [rng.standard_normal(shape) + 3, rng.standard_normal(6), rng.standard_normal(6)]
    x, w, b = (fastgrok.tensor(a.astype(dtype), requires_grad=True) for a in arrays)
    dy = fastgrok.tensor(rng.standard_normal(shape).astype(dtype))
    F.group_norm(x, 2, w, b).backward(dy)
    rows = arrays[0].reshape(shape[0], 2, -1)
    expected = (rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + 1e-5)
    channels = (6, *[1] * (len(shape) - 2))
    expected = expected.reshape(shape) * arrays[1].reshape(channels) + arrays[2].reshape(channels)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    for order in ("first", "last"):
        memory = x.array if order == "first" else np.moveaxis(np.moveaxis(x.array, 1, -1).copy(), -1, 1)
        for gradient in (dy.array, np.moveaxis(np.moveaxis(dy.array, 1, -1).copy(), -1, 1)):
            other, v, c = (fastgrok.Tensor._from_array(a, requires_grad=True) for a in (memory, w.array, b.array))
            y = F.group_norm(other, 2, v, c)
            y.backward(fastgrok.Tensor._from_array(gradient))
            assert y.array.strides == memory.strides
            np.testing.assert_allclose(y.array, expected, rtol=tolerance, atol=tolerance)
            for found, wanted in ((other, x), (v, w), (c, b)):
                scale = np.abs(wanted.grad.numpy()).max()
                np.testing.assert_allclose(found.grad.numpy(), wanted.grad.numpy(), atol=10 * tolerance * scale)


def test_group_norm_of_large_numbers(rng):
    """A mean far from zero costs no digits of the variance, in long runs either."""
    x = (1e4 + rng.standard_normal((1, 2, 300_000))).astype(np.float32)
    rows = x.astype(np.float64)
    expected = (rows - rows.mean((1, 2))) / rows.std((1, 2))
    last = np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    for memory in (x, last):
        np.testing.assert_allclose(F.group_norm(fastgrok.Tensor._from_array(memory), 1).numpy(), expected, atol=2e-3)

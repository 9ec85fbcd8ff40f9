"""Convolution, pooling and normalisation over drawn shapes and settings: what PyTorch computes, and what it refuses."""

import contextlib
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

dtypes = st.sampled_from(["float32", "float64"])
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def outcome(library, function, arrays):
    """Outputs and gradients as arrays, or the error."""
    tensors = [library.tensor(a, requires_grad=True) for a in arrays]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = function(library.nn.functional, *tensors)
    except Exception as error:
        return error
    outputs = list(result) if isinstance(result, tuple) else [result]
    weights = np.random.default_rng(1).standard_normal(tuple(outputs[0].shape)).astype(arrays[0].dtype)
    (outputs[0] * library.tensor(weights)).sum().backward()
    gradients = [np.zeros_like(a) if t.grad is None else t.grad.numpy() for a, t in zip(arrays, tensors, strict=True)]
    return [y.detach().numpy() for y in outputs] + gradients


def compare(function, *shapes, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    ours, theirs = outcome(fastgrok, function, arrays), outcome(torch, function, arrays)
    if isinstance(theirs, Exception):
        assert isinstance(ours, type(theirs)), f"{ours!r} is not what PyTorch raises: {theirs!r}"
        return
    assert not isinstance(ours, Exception), f"{ours!r}, where PyTorch has an answer"
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        error, scale = np.abs(a - b).max(initial=0), np.abs(b).max(initial=0)
        assert error <= TOLERANCE[dtype] * scale, f"differs by {error:.1e}, the largest is {scale:.1e}"


@st.composite
def settings(draw, dims, **limits):
    """A number, or one per axis, for each setting."""
    chosen = {}
    for name, (low, high) in limits.items():
        numbers = st.integers(low, high)
        chosen[name] = draw(numbers | st.tuples(*[numbers] * dims))
    return chosen


def sizes_of_transposed(size, kernel, stride, padding, dilation, output_padding):
    settings = [np.array(setting) for setting in (stride, padding, dilation, output_padding)]
    stride, padding, dilation, output_padding = settings
    return (np.array(size) - 1) * stride - 2 * padding + dilation * (np.array(kernel) - 1) + output_padding + 1


@st.composite
def convolutions(draw, transposed):
    dims, groups = draw(st.integers(1, 2)), draw(st.sampled_from([1, 1, 2, 3]))
    batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
    C, O = groups * draw(st.integers(1, 9)), groups * draw(st.integers(1, 18))
    size, kernel = (draw(st.tuples(*[st.integers(1, high)] * dims)) for high in (9, 4))
    chosen = draw(settings(dims, stride=(1, 3), padding=(0, 2), dilation=(1, 3)))
    weight = (C, O // groups, *kernel) if transposed else (O, C // groups, *kernel)
    if transposed:
        chosen |= draw(settings(dims, output_padding=(0, 2)))
        # An output without elements is an error or empty in PyTorch, depending on the library that it calls.
        assume(batch == (0,) or 0 not in sizes_of_transposed(size, kernel, **chosen))
    elif draw(st.booleans()):
        chosen["padding"] = draw(st.sampled_from(["same", "valid"]))
    shapes = [(*batch, C, *size), weight] + [(O,)] * draw(st.booleans())
    return f"conv{'_transpose' * transposed}{dims}d", {**chosen, "groups": groups}, shapes


@given(convolutions(False), dtypes)
def test_convolution(drawn, dtype):
    name, chosen, shapes = drawn
    compare(lambda F, *operands: getattr(F, name)(*operands, **chosen), *shapes, dtype=dtype)


@given(convolutions(True), dtypes)
def test_transposed_convolution(drawn, dtype):
    name, chosen, shapes = drawn
    compare(lambda F, *operands: getattr(F, name)(*operands, **chosen), *shapes, dtype=dtype)


@st.composite
def pools(draw, kind):
    dims = draw(st.integers(1, 2))
    batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
    shape = (*batch, draw(st.integers(1, 18)), *draw(st.tuples(*[st.integers(1, 9)] * dims)))
    chosen = draw(settings(dims, kernel_size=(1, 4), padding=(0, 2)))
    if draw(st.booleans()):
        chosen |= draw(settings(dims, stride=(1, 4)))
    chosen["ceil_mode"] = draw(st.booleans())
    if kind == "max":
        chosen |= draw(settings(dims, dilation=(1, 2))) | {"return_indices": draw(st.booleans())}
    else:
        chosen["count_include_pad"] = draw(st.booleans())
        if dims == 2:
            chosen["divisor_override"] = draw(st.sampled_from([None, None, 3, 0]))
    return f"{kind}_pool{dims}d", chosen, shape


@given(pools("max"), dtypes)
def test_maximum_pooling(drawn, dtype):
    name, chosen, shape = drawn
    # For a window without elements PyTorch names an element outside the image, and writes a gradient there.
    with contextlib.suppress(RuntimeError):
        y = getattr(torch.nn.functional, name)(torch.ones(shape), **{**chosen, "return_indices": False})
        assume(torch.isfinite(y).all())
    compare(lambda F, x: getattr(F, name)(x, **chosen), shape, dtype=dtype)


@given(pools("avg"), dtypes)
def test_average_pooling(drawn, dtype):
    name, chosen, shape = drawn
    compare(lambda F, x: getattr(F, name)(x, **chosen), shape, dtype=dtype)


@given(st.data(), st.integers(1, 2), st.sampled_from(["avg", "max"]), dtypes)
def test_adaptive_pooling(data, dims, kind, dtype):
    batch = data.draw(st.sampled_from([(), (0,), (3,)]))
    shape = (*batch, data.draw(st.integers(1, 9)), *data.draw(st.tuples(*[st.integers(1, 9)] * dims)))
    sizes = st.integers(1, 12) | st.none() if dims == 2 else st.integers(1, 12)
    output_size = data.draw(sizes | st.tuples(*[sizes] * dims) if dims == 2 else sizes)
    indices = (data.draw(st.booleans()),) if kind == "max" else ()
    compare(lambda F, x: getattr(F, f"adaptive_{kind}_pool{dims}d")(x, output_size, *indices), shape, dtype=dtype)


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize(("dims", "size"), [(1, 0), (2, 0), (2, (0, 3)), (2, (None, 0))])
def test_adaptive_pooling_to_nothing(kind, dims, size):
    """PyTorch goes forward only; the gradient can be nothing but zero."""
    x = fastgrok.ones(2, 3, 5, 4)[..., 0].clone() if dims == 1 else fastgrok.ones(2, 3, 5, 4)
    y = getattr(nn.functional, f"adaptive_{kind}_pool{dims}d")(x.requires_grad_(), size)
    theirs = getattr(torch.nn.functional, f"adaptive_{kind}_pool{dims}d")(torch.tensor(x.detach().numpy()), size)
    assert tuple(y.shape) == tuple(theirs.shape)
    y.sum().backward()
    assert x.grad.shape == x.shape and (x.grad == 0).all()


@given(st.data(), dtypes)
def test_windows(data, dtype):
    batch = data.draw(st.sampled_from([(), (0,), (3,)]))
    C, R, S = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 8), st.integers(1, 8)))
    chosen = data.draw(settings(2, kernel_size=(1, 4), dilation=(1, 2), padding=(0, 2), stride=(1, 3)))
    compare(lambda F, x: F.unfold(x, **chosen), (*batch, C, R, S), dtype=dtype)
    one = np.ones((1, 1, R, S))
    unfolded = outcome(torch, lambda F, x: F.unfold(x, **chosen), [one])
    if not isinstance(unfolded, Exception):
        K, windows = unfolded[0].shape[1:]
        compare(lambda F, x: F.fold(x, (R, S), **chosen), (*batch, C * K, windows), dtype=dtype)


@given(st.data(), dtypes)
def test_layer_norm(data, dtype):
    shape = tuple(data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3).filter(lambda s: max(s) > 1)))
    front = tuple(data.draw(st.lists(st.integers(0, 5), max_size=2)))
    weighted, biased = data.draw(st.booleans()), data.draw(st.booleans())

    def layer_norm(F, x, *given):
        weight = given[0] if weighted else None
        return F.layer_norm(x, list(shape), weight, given[-1] if biased else None, eps=1e-3)

    compare(layer_norm, (*front, *shape), *[shape] * (weighted + biased), dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layer_norm_of_one_number_per_row(rng, dtype):
    """It is its own mean: the result is the bias, and all other gradients are zero up to rounding, also PyTorch's."""
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in ((50, 1), (1,), (1,))]
    for library in (fastgrok, torch):
        y, dx, dw, db = outcome(library, lambda F, *given: F.layer_norm(given[0], [1], *given[1:], eps=1e-3), arrays)
        np.testing.assert_array_equal(y, np.broadcast_to(arrays[2], y.shape))
        for d, factor in ((dx, np.abs(arrays[1])), (dw, 50)):
            assert np.abs(d).max() <= 1e-3**-0.5 * factor * 10 * np.finfo(dtype).eps
        assert np.abs(db) > 0


@given(st.data(), st.booleans(), dtypes)
def test_batch_norm(data, training, dtype):
    C = data.draw(st.integers(1, 40))
    axes = tuple(data.draw(st.lists(st.integers(1, 6), max_size=2)))
    shape = (data.draw(st.integers(0, 9)), C, *axes)
    weighted, momentum = data.draw(st.booleans()), data.draw(st.sampled_from([0.0, 0.1, 1.0]))
    running = np.random.default_rng(2).random((2, C)).astype(dtype) + 0.5
    kept = []

    def batch_norm(F, x, *given):
        library = fastgrok if F is nn.functional else torch
        mean, var = (library.tensor(a) for a in running)
        y = F.batch_norm(x, mean, var, *given, training=training, momentum=momentum, eps=1e-3)
        kept.append([t.numpy() for t in (mean, var)])
        return y

    compare(batch_norm, shape, *[(C,)] * (2 * weighted), dtype=dtype)
    if len(kept) == 2:
        for a, b in zip(*kept, strict=True):
            np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


LAYERS = {
    "conv1d": lambda nn: nn.Conv1d(3, 4, 3, stride=2, padding=1),
    "conv2d": lambda nn: nn.Conv2d(4, 6, (3, 2), padding="same", dilation=(1, 2), groups=2),
    "conv2d-no-bias": lambda nn: nn.Conv2d(4, 6, 3, bias=False),
    "conv-transpose1d": lambda nn: nn.ConvTranspose1d(4, 6, 3, stride=2, output_padding=1, groups=2),
    "conv-transpose2d": lambda nn: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 1), padding=1, dilation=2),
    "max1d": lambda nn: nn.MaxPool1d(2),
    "max2d": lambda nn: nn.MaxPool2d((3, 2), stride=2, padding=1, ceil_mode=True),
    "avg1d": lambda nn: nn.AvgPool1d(2, padding=1),
    "avg2d": lambda nn: nn.AvgPool2d((3, 2), 2),
    "adaptive-avg1d": lambda nn: nn.AdaptiveAvgPool1d(3),
    "adaptive-avg2d": lambda nn: nn.AdaptiveAvgPool2d((None, 3)),
    "adaptive-max1d": lambda nn: nn.AdaptiveMaxPool1d(3),
    "adaptive-max2d": lambda nn: nn.AdaptiveMaxPool2d(3),
    "unfold": lambda nn: nn.Unfold(2, padding=1),
    "fold": lambda nn: nn.Fold((4, 5), (2, 2)),
    "layer-norm": lambda nn: nn.LayerNorm(5),
    "layer-norm-no-bias": lambda nn: nn.LayerNorm([4, 5], eps=0.1, bias=False),
    "layer-norm-plain": lambda nn: nn.LayerNorm(5, elementwise_affine=False),
    "batch1d": lambda nn: nn.BatchNorm1d(4),
    "batch2d": lambda nn: nn.BatchNorm2d(4, momentum=None),
    "batch2d-plain": lambda nn: nn.BatchNorm2d(4, affine=False, track_running_stats=False),
    "batch2d-no-bias": lambda nn: nn.BatchNorm2d(4, bias=False),
    "dropout1d": lambda nn: nn.Dropout1d(0.2),
    "dropout2d": lambda nn: nn.Dropout2d(0.2),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_text_and_names(make):
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert [tuple(value.shape) for value in ours.state_dict().values()] == [tuple(v.shape) for v in state.values()]
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
    ours.load_state_dict(state)
    theirs.load_state_dict({name: torch.from_numpy(value.numpy()) for name, value in ours.state_dict().items()})


def test_a_network_trains_alike(rng):
    def make(nn):
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, bias=False), nn.BatchNorm2d(8, momentum=None), nn.ReLU(),
            nn.AdaptiveAvgPool2d((2, None)), nn.ConvTranspose2d(8, 3, 2, stride=2), nn.LayerNorm([3, 4, 10]),
            nn.AvgPool2d(2), nn.Unfold((2, 1)),
        ).double()  # fmt: skip

    ours, theirs = make(nn), make(torch.nn)
    ours.load_state_dict(theirs.state_dict())
    optimizers = fastgrok.optim.SGD(ours.parameters(), lr=0.1), torch.optim.SGD(theirs.parameters(), lr=0.1)
    for _ in range(3):
        x = rng.standard_normal((4, 1, 14, 14))
        losses = []
        for library, model, optimizer in ((fastgrok, ours, optimizers[0]), (torch, theirs, optimizers[1])):
            y = model(library.tensor(x))
            loss = (y * y).mean() + y.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    ours.eval(), theirs.eval()
    x = rng.standard_normal((1, 1, 14, 14))
    np.testing.assert_allclose(
        ours(fastgrok.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-8, atol=1e-9
    )
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), rtol=1e-8, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("output_size", [None, (12, 12), (2, 4, 12, 11), (13, 13), (9, 9, 9), (10, 12)])
def test_sizes_of_a_transposed_convolution(output_size):
    results = []
    for library in (fastgrok, torch):
        try:
            y = library.nn.ConvTranspose2d(3, 4, 3, stride=2)(library.zeros(2, 3, 5, 5), output_size)
            results.append(tuple(y.shape))
        except Exception as error:
            results.append(error)
    ours, theirs = results
    assert isinstance(ours, type(theirs)) if isinstance(theirs, Exception) else ours == theirs


WRONG = """
F.conv2d(z(2, 3, 5), w)
F.conv2d(z(5, 5), w)
F.conv2d(x, z(4, 3, 3))
F.conv2d(x, w, z(3))
F.conv2d(x, w.double())
F.conv2d(x, w, z(4).double())
F.conv2d(x, w, stride=0)
F.conv2d(x, w, stride=(1, 2, 3))
F.conv2d(x, w, stride=1.5)
F.conv2d(x, w, padding=-1)
F.conv2d(x, w, padding="x")
F.conv2d(x, w, padding="same", stride=2)
F.conv2d(x, w, groups=2)
F.conv2d(x, w, groups=0)
F.conv2d(x, w, dilation=0)
F.conv2d(x, w, dilation=3)
F.conv2d(z(2, 3, 0, 5), w)
F.conv2d([1.0], w)
F.conv1d(x, w)
F.conv_transpose2d(x, w)
F.conv_transpose2d(x, z(3, 2, 3, 3), output_padding=1)
F.conv_transpose2d(x, z(3, 2, 3, 3), output_padding=-1)
F.conv_transpose2d(x, z(3, 2, 3, 3), padding=-1)
F.conv_transpose2d(x, z(3, 2, 3, 3), padding=5)
F.conv_transpose2d(x, z(3, 2, 3, 3), groups=2)
F.max_pool2d(x, 6)
F.max_pool2d(x, 0)
F.max_pool2d(x, 2, stride=0)
F.max_pool2d(x, 2, padding=2)
F.max_pool2d(x, 2, padding=-1)
F.max_pool2d(x, 2, dilation=0)
F.max_pool2d(x, 2.5)
F.max_pool2d(x, (2, 2, 2))
F.max_pool2d(z(5, 5), 2)
F.max_pool2d(z(2, 0, 5, 5), 2)
F.max_pool2d(z(2, 3, 0, 5), 2)
F.max_pool1d(z(5), 2)
F.avg_pool2d(x, 6)
F.avg_pool2d(x, 2, padding=2)
F.avg_pool2d(x, 2, divisor_override=0)
F.avg_pool1d(z(3), 2)
F.adaptive_avg_pool2d(x, -1)
F.adaptive_avg_pool2d(x, (1, 2, 3))
F.adaptive_avg_pool2d(z(5, 5), 2)
F.adaptive_avg_pool2d(z(2, 3, 0, 5), 2)
F.adaptive_avg_pool1d(z(2, 3, 5), (2, 3))
F.adaptive_avg_pool1d(z(2, 3, 5), None)
F.unfold(x, 6)
F.unfold(x, 0)
F.unfold(x, 2, stride=0)
F.unfold(x, (2, 2, 2))
F.unfold(z(2, 0, 5, 5), 2)
F.fold(z(2, 12, 15), (5, 5), 2)
F.fold(z(2, 11, 16), (5, 5), 2)
F.fold(z(1, 2, 12, 16), (5, 5), 2)
F.layer_norm(x, 5)
F.layer_norm(x, (4,))
F.layer_norm(x, ())
F.layer_norm(x, (5,), z(4))
F.layer_norm(x, (5,), z(5).double())
F.batch_norm(x, None, None)
F.batch_norm(x, z(3), None)
F.batch_norm(x, z(3), None, training=True)
F.batch_norm(z(1, 3), None, None, training=True)
F.batch_norm(x, z(4), z(4))
F.batch_norm(x, z(3), z(3), z(4))
F.batch_norm(x.double(), z(3), z(3))
F.batch_norm(x, z(3), z(3), eps=-1)
F.batch_norm(x, z(3), z(3), eps=0, training=True)
F.batch_norm(z(3), z(3), z(3))
F.dropout2d(x, 2.0)
F.dropout1d(z(5))
nn.Conv2d(3, 4, 3, groups=2)
nn.Conv2d(4, 3, 3, groups=2)
nn.Conv2d(3, 4, 3, groups=0)
nn.Conv2d(3, 4, 3, padding="a")
nn.Conv2d(3, 4, 3, padding="same", stride=2)
nn.Conv2d(3, 4, 3, padding_mode="a")
nn.Conv2d(3, 4, 3.0)
nn.Conv2d(-3, 4, 3)
nn.Conv2d(3, 4, -3)
nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect")
nn.BatchNorm2d(3)(z(2, 3, 4))
nn.BatchNorm1d(3)(x)
nn.BatchNorm1d(3)(z(1, 3))
nn.BatchNorm2d(4)(x)
nn.BatchNorm1d(-1)
nn.LayerNorm(3.0)
nn.LayerNorm(-1)
""".split("\n")[1:-1]


@pytest.mark.parametrize("call", WRONG)
def test_errors_are_instances_of_theirs(call):
    def run(library):
        z = library.zeros
        names = {"F": library.nn.functional, "nn": library.nn, "z": z, "x": z(2, 3, 5, 5), "w": z(4, 3, 3, 3)}
        eval(call, names)

    with pytest.raises(Exception) as theirs:
        run(torch)
    with pytest.raises(theirs.type) as ours:
        run(fastgrok)
    assert type(ours.value).__name__ != "IndexError" and str(ours.value)

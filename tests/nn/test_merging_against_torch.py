"""Neighbours that one op computes: what PyTorch computes from them one by one, to the bit, and when they stay alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
import fastgrok.nn.functional as F
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# Ties, zeros of both signs, infinities and nan: where the gradient goes depends on the order of comparisons.
VALUES = np.array([-np.inf, -2, -1, -0.0, 0.0, 1, 2, 2.5, np.inf, np.nan])


def pass_through(library, model, x, dy):
    """The output and the gradient of the input."""
    x = library.tensor(x, requires_grad=True)
    y = model(x)
    y.backward(library.tensor(dy[: y.numel()].reshape(tuple(y.shape))))
    return y.detach().numpy(), x.grad.numpy()


@given(
    dims=st.integers(1, 2),
    batch=st.lists(st.integers(1, 3), max_size=1),
    channels=st.sampled_from([1, 3, 8, 16, 19]),
    size=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 1),
    ceil_mode=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    channels_last=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_relu_and_pool(
    dims, batch, channels, size, kernel, stride, padding, ceil_mode, dtype, channels_last, seed
):  # fmt: skip
    rng = np.random.default_rng(seed)
    x = rng.choice(VALUES, (*batch, channels, *size[:dims])).astype(dtype)
    dy = rng.standard_normal(10_000).astype(dtype)
    settings = {"stride": stride, "padding": min(padding, kernel // 2), "ceil_mode": ceil_mode}

    def model(library):
        pool = getattr(library.nn, f"MaxPool{dims}d")(kernel, **settings)
        turned = library.nn.Identity()
        if channels_last and batch:
            turned.forward = lambda x: x.transpose(1, -1).contiguous().transpose(1, -1)
        return library.nn.Sequential(turned, library.nn.ReLU(), pool)

    ours, theirs = (pass_through(library, model(library), x, dy) for library in (fastgrok, torch))
    np.testing.assert_array_equal(ours[0], theirs[0])
    if stride >= kernel:  # otherwise gradients are sums, in an order of their own
        np.testing.assert_array_equal(ours[1], theirs[1])
    else:
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5, atol=1e-5)


def ops_of(y):
    """The names of the ops that a result of one input went through, from the last to the first."""
    names, op = [], y.grad_fn
    while op is not None:
        names.append(type(op).__name__)
        op = op.sources[0][0] if isinstance(op.sources[0], tuple) else None
    return names


def input_image(channels=2):
    return fastgrok.randn(2, channels, 6, 6, requires_grad=True)


def test_pool_takes_in_the_relu_before_it():
    model = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2), nn.ReLU(), nn.ReLU(), nn.MaxPool2d(2), nn.ReLU())
    x = input_image()
    y = model(x)
    assert ops_of(y) == ["ReLU", "MaxPool", "ReLU", "MaxPool"]
    assert (y == F.relu(F.max_pool2d(F.relu(F.relu(F.max_pool2d(F.relu(x), 2))), 2))).all()


@pytest.mark.parametrize("layer", [lambda: nn.Conv2d(2, 4, 1), lambda: nn.BatchNorm2d(2)], ids=["conv", "norm"])
def test_relu_in_place_is_merged_behind_a_layer_that_makes_a_tensor(layer):
    layer, x = layer(), input_image()
    y = nn.Sequential(layer, nn.ReLU(inplace=True), nn.MaxPool2d(2))(x)
    assert "ReLU" not in ops_of(y) and (y == F.max_pool2d(F.relu(layer(x)), 2)).all()


@pytest.mark.parametrize("first", [nn.Identity(), nn.Dropout().eval()], ids=["identity", "dropout"])
def test_relu_in_place_overwrites_what_others_see(first):
    x = input_image().detach()
    expected = x.relu()
    nn.Sequential(first, nn.ReLU(inplace=True), nn.MaxPool2d(2))(x)
    assert (x == expected).all()


class Louder(nn.ReLU):
    def forward(self, input):
        return 2 * super().forward(input)


def replaced(module):
    module.forward = lambda input: 2 * F.relu(input)
    return module


@pytest.mark.parametrize(
    ("relu", "pool"),
    [
        (nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        (Louder(), nn.MaxPool2d(2)),
        (replaced(nn.ReLU()), nn.MaxPool2d(2)),
        (nn.ReLU(), nn.MaxPool2d(2, return_indices=True)),
        (nn.ReLU(), nn.AvgPool2d(2)),
    ],
    ids=["in place", "subclass", "own forward", "indices", "mean"],
)
def test_what_stays_alone(relu, pool):
    x = input_image()
    merged = nn.Sequential(nn.Identity(), relu, pool)(1 * x)
    alone = pool(relu(1 * x))
    for ours, expected in zip(*((y if isinstance(y, tuple) else (y,)) for y in (merged, alone)), strict=True):
        assert (ours == expected).all()
    assert "ReLU" in ops_of(merged[0] if isinstance(merged, tuple) else merged)


@pytest.mark.parametrize("hooked", [0, 1])
def test_hooks_see_each_module(hooked):
    model, x, seen = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), input_image(), []
    handle = model[hooked].register_forward_hook(lambda module, args, output: seen.append((args[0], output)))
    y = model(x)
    ((given, returned),) = seen
    assert (given == (x if hooked == 0 else x.relu())).all() and (returned == (x.relu() if hooked == 0 else y)).all()
    handle.remove()
    assert (model(x) == y).all() and ops_of(model(x)) == ["MaxPool"]


def test_gradient_flows_after_the_result_was_changed_in_place():
    for library in (fastgrok, torch):
        x = library.tensor([[[-1.0, 3.0, 2.0, -4.0]]], requires_grad=True)
        y = library.nn.Sequential(library.nn.ReLU(), library.nn.MaxPool1d(2))(x)
        y.mul_(-2)
        y.sum().backward()
        assert x.grad.tolist() == [[[0.0, -2.0, -2.0, 0.0]]]

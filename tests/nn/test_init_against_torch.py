"""Initial values: the same distributions, structure, warnings and errors as in PyTorch."""

import math
import warnings

import numpy as np
import pytest

import fastgrok
from fastgrok.nn import init

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DRAWS = {
    "uniform": lambda init, w: init.uniform_(w),
    "uniform on [-3, 1)": lambda init, w: init.uniform_(w, -3, b=1.0),
    "normal": lambda init, w: init.normal_(w),
    "normal of mean 2": lambda init, w: init.normal_(w, 2, std=0.5),
    "trunc_normal": lambda init, w: init.trunc_normal_(w),
    "trunc_normal of one side": lambda init, w: init.trunc_normal_(w, 0.5, 2.0, a=0.0, b=9.0),
    "trunc_normal of a slice": lambda init, w: init.trunc_normal_(w, 0.0, 1.0, 1.0, 1.5),
    "trunc_normal of a tail": lambda init, w: init.trunc_normal_(w, 0.0, 1.0, 1.6, 3.0),
    "trunc_normal of a narrow slice": lambda init, w: init.trunc_normal_(w, std=10.0),
    "xavier_uniform": lambda init, w: init.xavier_uniform_(w),
    "xavier_normal": lambda init, w: init.xavier_normal_(w, gain=3.0),
    "kaiming_uniform": lambda init, w: init.kaiming_uniform_(w),
    "kaiming_uniform of a slope": lambda init, w: init.kaiming_uniform_(w, math.sqrt(5), "fan_out"),
    "kaiming_normal": lambda init, w: init.kaiming_normal_(w, mode="FAN_IN", nonlinearity="conv_transpose2d"),
    "kaiming_normal of tanh": lambda init, w: init.kaiming_normal_(w, nonlinearity="tanh"),
    "orthogonal": lambda init, w: init.orthogonal_(w, 1.5),
    "sparse": lambda init, w: init.sparse_(w, 0.1, std=0.3),
}


SHAPES = ((400, 300), (30, 40, 10, 10))


@pytest.mark.parametrize(
    "name, shape", [(name, shape) for name in DRAWS for shape in (SHAPES[:1] if name == "sparse" else SHAPES)]
)
def test_distributions(name, shape):
    """120,000 draws from each: the distribution functions differ by chance alone (Kolmogorov and Smirnov)."""
    draw = DRAWS[name]
    fastgrok.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = fastgrok.empty(*shape), torch.empty(*shape)
    assert draw(init, ours) is ours and ours.dtype == fastgrok.float32
    draw(torch.nn.init, theirs)
    a, b = np.sort(ours.numpy().ravel()), np.sort(theirs.numpy().ravel())
    at = np.concatenate([a, b])
    distance = np.abs(np.searchsorted(a, at, "right") - np.searchsorted(b, at, "right")).max() / a.size
    assert distance < 2.3 * math.sqrt(2 / a.size)  # by chance once in 20,000 times
    if "uniform" in name:
        np.testing.assert_allclose(a[[0, -1]], b[[0, -1]], rtol=0, atol=1e-3 * (b[-1] - b[0]))


@pytest.mark.parametrize(
    "shape, groups", [((3, 4, 5), 1), ((6, 4, 3, 4), 3), ((4, 2, 2, 1, 5), 2), ((2, 3, 1), 1), ((4, 0, 3), 2)]
)
def test_dirac(shape, groups):
    ours, theirs = fastgrok.empty(*shape), torch.empty(*shape)
    assert init.dirac_(ours, groups) is ours
    np.testing.assert_array_equal(ours.numpy(), torch.nn.init.dirac_(theirs, groups=groups).numpy())


def test_sparse_zeros():
    for sparsity in (0.0, 0.15, 1.0):
        ours, theirs = fastgrok.empty(7, 4), torch.empty(7, 4)
        init.sparse_(ours, sparsity)
        torch.nn.init.sparse_(theirs, sparsity)
        assert ((ours == 0).sum(0).numpy() == (theirs == 0).sum(0).numpy()).all()
    fill = [init.sparse_(fastgrok.empty(5, 9), 0.4, generator=fastgrok.Generator().manual_seed(3)) for _ in range(2)]
    assert (fill[0] == fill[1]).all() and len({tuple(column) for column in (fill[0] == 0).T.tolist()}) > 1


@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_", "xavier_normal_", "orthogonal_", "zeros_"])
def test_parameters_and_views(name):
    """A part of a tensor that requires a gradient is filled, and nothing else, unrecorded."""
    for t in (fastgrok, torch):
        w = t.full((4, 6), 7.0, requires_grad=True)
        with t.no_grad():
            part = w[1:3, ::2]
        getattr(t.nn.init, name)(part)
        assert w.is_leaf and w.requires_grad
        assert int((w == 7.0).sum()) == 18


NONLINEARITIES = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"] + [
    f"{kind}{n}d" for kind in ("conv", "conv_transpose") for n in (1, 2, 3)
]


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_gains(name):
    for param in (None, 0, 0.3, 2):
        assert init.calculate_gain(name, param) == torch.nn.init.calculate_gain(name, param)


WARNINGS = {
    "far away": lambda t, init: init.trunc_normal_(t.empty(3), 10.0, 1.0, 7.0, 7.5),
    "nothing": lambda t, init: init.kaiming_uniform_(t.empty(0, 3)),
    "nothing, normal": lambda t, init: init.kaiming_normal_(t.empty(3, 0)),
    "no warning": lambda t, init: init.orthogonal_(t.empty(3, 0)),
}


@pytest.mark.parametrize("call", WARNINGS.values(), ids=WARNINGS)
def test_warnings(call):
    said = []
    for t in (fastgrok, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call(t, t.nn.init)
        said.append([(w.category, str(w.message)) for w in caught])
    assert said[0] == said[1]


WRONG = {
    "gain": lambda t, init: init.calculate_gain("gelu"),
    "slope": lambda t, init: init.calculate_gain("leaky_relu", "0.1"),
    "slope of bool": lambda t, init: init.calculate_gain("leaky_relu", True),
    "xavier_uniform of a vector": lambda t, init: init.xavier_uniform_(t.empty(3)),
    "xavier_normal of a number": lambda t, init: init.xavier_normal_(t.empty(())),
    "xavier of nothing": lambda t, init: init.xavier_uniform_(t.empty(0, 0)),
    "kaiming_uniform of a vector": lambda t, init: init.kaiming_uniform_(t.empty(3)),
    "kaiming_normal of a vector": lambda t, init: init.kaiming_normal_(t.empty(3)),
    "mode": lambda t, init: init.kaiming_normal_(t.empty(3, 3), mode="fan_avg"),
    "nonlinearity": lambda t, init: init.kaiming_normal_(t.empty(3, 3), nonlinearity="gelu"),
    "orthogonal": lambda t, init: init.orthogonal_(t.empty(3)),
    "eye": lambda t, init: init.eye_(t.empty(3)),
    "eye of a cube": lambda t, init: init.eye_(t.empty(3, 3, 3)),
    "dirac of a matrix": lambda t, init: init.dirac_(t.empty(3, 3)),
    "dirac of groups": lambda t, init: init.dirac_(t.empty(3, 3, 1), groups=2),
    "sparse": lambda t, init: init.sparse_(t.empty(3), 0.1),
    "uniform": lambda t, init: init.uniform_(t.empty(3), 2.0, 1.0),
    "normal": lambda t, init: init.normal_(t.empty(3), 0.0, -1.0),
    "normal of integers": lambda t, init: init.normal_(t.zeros(3, dtype=t.int64)),
    "uniform of integers": lambda t, init: init.uniform_(t.zeros(3, dtype=t.int64)),
    "trunc_normal of std 0": lambda t, init: init.trunc_normal_(t.empty(3), 0.0, 0.0),
    "trunc_normal of negative std": lambda t, init: init.trunc_normal_(t.empty(3), 0.0, -1.0, 2.0, -2.0),
    "trunc_normal of nothing": lambda t, init: init.trunc_normal_(t.empty(3), 0.0, 1.0, 1.0, -1.0),
    "generator": lambda t, init: init.normal_(t.empty(3), generator=3),
    "no tensor": lambda t, init: init.normal_([1.0]),
    "no tensor to fan": lambda t, init: init.xavier_normal_(3),
    "constant": lambda t, init: init.constant_(t.empty(3), "a"),
}


@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    with pytest.raises(Exception) as theirs:
        call(torch, torch.nn.init)
    with pytest.raises(theirs.type):
        call(fastgrok, init)

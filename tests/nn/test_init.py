"""Initial values: ranges, moments and structure."""

import math

import numpy as np
import pytest

import fastgrok
from fastgrok.nn import Parameter, init


def filled(function, *args, shape=(300, 200), **options):
    tensor = fastgrok.empty(*shape)
    assert function(tensor, *args, **options) is tensor
    return tensor.numpy()


@pytest.mark.parametrize(
    "function, options, std",
    [
        (init.xavier_normal_, {"gain": 2.0}, 2 * math.sqrt(2 / 500)),
        (init.xavier_uniform_, {"gain": 2.0}, 2 * math.sqrt(2 / 500)),
        (init.kaiming_normal_, {"nonlinearity": "relu"}, math.sqrt(2 / 200)),
        (init.kaiming_uniform_, {"mode": "fan_out", "nonlinearity": "linear"}, math.sqrt(1 / 300)),
        (init.kaiming_uniform_, {"a": math.sqrt(5)}, math.sqrt(1 / 600)),
        (init.normal_, {"std": 0.1}, 0.1),
        (init.uniform_, {"a": -1.0, "b": 1.0}, math.sqrt(1 / 3)),
        (init.trunc_normal_, {}, 0.8796),
    ],
)
def test_moments(function, options, std):
    w = filled(function, **options)
    assert w.std() == pytest.approx(std, rel=0.02)
    assert abs(w.mean()) < 0.02 * std


def test_bounds():
    assert np.abs(filled(init.trunc_normal_, 0.0, 1.0, -0.5, 0.5)).max() <= 0.5
    w = filled(init.uniform_, 2.0, 3.0)
    assert w.min() >= 2.0 and w.max() <= 3.0
    with pytest.warns(UserWarning, match="more than 2 std"):
        assert filled(init.trunc_normal_, 10.0, 1.0, 0.0, 1.0, shape=(5,)).max() <= 1.0


def test_fans_count_the_kernel():
    w = filled(init.kaiming_normal_, shape=(50, 40, 5, 5))
    assert w.std() == pytest.approx(math.sqrt(2 / (40 * 25)), rel=0.02)


def test_constants():
    assert (filled(init.zeros_) == 0).all() and (filled(init.ones_) == 1).all()
    assert (filled(init.constant_, 0.3) == np.float32(0.3)).all()
    assert (filled(init.eye_) == np.eye(300, 200)).all()


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (10, 2, 5)])
def test_orthogonal(shape):
    w = filled(init.orthogonal_, 2.0, shape=shape).reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


def test_generators_and_seeds():
    a, b = fastgrok.Generator().manual_seed(3), fastgrok.Generator().manual_seed(3)
    assert (filled(init.normal_, generator=a) == filled(init.normal_, generator=b)).all()
    fastgrok.manual_seed(1)
    first = filled(init.orthogonal_, shape=(4, 4))
    fastgrok.manual_seed(1)
    assert (filled(init.orthogonal_, shape=(4, 4)) == first).all()


def test_parameters_are_filled_unrecorded():
    p = Parameter(fastgrok.zeros(3, 2))
    init.xavier_uniform_(p)
    assert p.is_leaf and p.requires_grad and (p != 0).any()


def test_errors():
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_normal_(fastgrok.empty(3))
    with pytest.raises(ValueError, match="Mode fan_both not supported"):
        init.kaiming_uniform_(fastgrok.empty(3, 3), mode="fan_both")
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish"):
        init.kaiming_normal_(fastgrok.empty(3, 3), nonlinearity="swish")
    with pytest.raises(ValueError, match="2 or more dimensions"):
        init.orthogonal_(fastgrok.empty(3))
    with pytest.raises(ValueError, match="2 dimensions"):
        init.eye_(fastgrok.empty(3))
    with pytest.warns(UserWarning, match="zero-element"):
        init.kaiming_uniform_(fastgrok.empty(0, 3))

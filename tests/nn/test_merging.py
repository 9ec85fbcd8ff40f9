"""A `Linear` with what comes after it, which one op computes: what the modules compute one by one, to the bit."""

import copy

import numpy as np
import pytest

import fastgrok
from fastgrok import nn
from fastgrok.errors import ShapeError, StateError

ACTIVATIONS = [nn.ReLU, nn.Sigmoid, nn.Tanh]


def ops_of(y):
    """The names of the ops that a result went through, from the last to the first."""
    names, op = [], y.grad_fn
    while op is not None:
        names.append(type(op).__name__)
        op = op.sources[0][0] if isinstance(op.sources[0], tuple) else None
    return names


def one_by_one(model, x):
    for module in model:
        x = module(x)
    return x


def everything(run, model, x, dy):
    """The output, all gradients, and the next random number, after a run from a seed."""
    fastgrok.manual_seed(3)
    model, x = copy.deepcopy(model), x.detach().clone().requires_grad_()
    y = run(model, x)
    kept = y.detach().numpy().copy()
    y.backward(dy)
    gradients = [tensor.grad.numpy() for tensor in (x, *model.parameters()) if tensor.grad is not None]
    return [kept, *gradients, fastgrok.rand(2).numpy()]


def assert_alike(model, *shape, dtype=fastgrok.float32):
    model = model.to(dtype)
    x = fastgrok.randn(*shape).to(dtype)
    dy = fastgrok.randn(*one_by_one(model, x).shape).to(dtype)
    merged, alone = everything(lambda model, x: model(x), model, x, dy), everything(one_by_one, model, x, dy)
    for ours, expected in zip(merged, alone, strict=True):
        np.testing.assert_array_equal(ours, expected, strict=True)
        np.testing.assert_array_equal(np.signbit(ours), np.signbit(expected))


@pytest.mark.parametrize("dtype", [fastgrok.float32, fastgrok.float64])
@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 5, 3), (90, 3), (9000, 3), (0, 3)], ids=str)
@pytest.mark.parametrize("p", [None, 0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_alike(activation, p, shape, dtype):
    dropout = [] if p is None else [nn.Dropout(p)]
    assert_alike(nn.Sequential(nn.Linear(3, 60), activation(), *dropout, nn.Linear(60, 2)), *shape, dtype=dtype)


def test_without_bias_and_in_evaluation():
    model = nn.Sequential(nn.Linear(3, 60, bias=False), nn.Tanh(), nn.Dropout(0.5))
    assert_alike(model, 100, 3)
    assert_alike(model.eval(), 100, 3)
    assert ops_of(model(fastgrok.ones(2, 3))) == ["Dense"]


def test_numbers_that_are_none():
    model = nn.Sequential(nn.Linear(1, 100), nn.Tanh(), nn.Dropout(0.5))
    x = fastgrok.tensor([0.0, float("nan"), float("inf"), -float("inf")]).repeat_interleave(20).reshape(80, 1)
    merged, alone = (everything(run, model, x, fastgrok.ones(80, 100)) for run in (lambda m, x: m(x), one_by_one))
    for ours, expected in zip(merged, alone, strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_op(activation):
    model = nn.Sequential(nn.Linear(3, 4), activation(), nn.Dropout(), nn.Linear(4, 4), activation(), nn.Linear(4, 2))
    assert ops_of(model(fastgrok.ones(2, 3))) == ["Linear", "Dense", "Dense"]


class Other(nn.Tanh):
    pass


class OtherLinear(nn.Linear):
    pass


def replaced(module):
    module.forward = lambda input: 2 * input
    return module


STAY_ALONE = {
    "subclass": (nn.Linear(3, 4), Other(), nn.Dropout()),
    "subclass of the layer": (OtherLinear(3, 4), nn.Tanh(), nn.Dropout()),
    "own forward": (nn.Linear(3, 4), replaced(nn.Tanh()), nn.Dropout()),
    "own forward of the layer": (replaced(nn.Linear(3, 4)), nn.Tanh(), nn.Dropout()),
    "another activation": (nn.Linear(3, 4), nn.SiLU(), nn.Dropout()),
    "no activation": (nn.Linear(3, 4), nn.Dropout(), nn.Tanh()),
}


@pytest.mark.parametrize("name", STAY_ALONE)
def test_what_stays_alone(name):
    model = nn.Sequential(*STAY_ALONE[name])
    assert_alike(model, 5, 3)
    assert "Dense" not in ops_of(model(fastgrok.ones(2, 3, requires_grad=True)))


def test_an_activation_in_place_is_merged_as_nobody_sees_what_it_overwrites():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Dropout())
    assert_alike(model, 5, 3)
    assert ops_of(model(fastgrok.ones(2, 3))) == ["Dense"]


@pytest.mark.parametrize("dropout", [replaced(nn.Dropout()), nn.Dropout1d(), nn.Dropout(0.0), nn.Dropout(1.0)], ids=str)
def test_dropout_that_stays_alone(dropout):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), dropout)
    assert_alike(model, 2, 5, 3)
    assert ops_of(model(fastgrok.ones(2, 5, 3)))[-1] == "Dense"


def test_a_forward_replaced_on_the_class_is_called(monkeypatch):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout())
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, input: 0 * input + 5)
    assert set(model(fastgrok.ones(2, 3)).unique().tolist()) <= {0.0, 10.0}


def test_a_member_that_is_none():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    model.add_module("1", None)
    with pytest.raises(TypeError, match="not callable"):
        model(fastgrok.ones(2, 3))


@pytest.mark.parametrize("hooked", [0, 1, 2])
def test_hooks_see_each_module(hooked):
    model, seen = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout()), []
    before = ops_of(model(fastgrok.ones(2, 3)))
    handle = model[hooked].register_forward_hook(lambda module, args, output: seen.append((module, output.shape)))
    backward = model[hooked].register_full_backward_hook(lambda module, into, out: seen.append((module, out[0].shape)))
    model(fastgrok.ones(2, 3)).sum().backward()
    assert seen == [(model[hooked], (2, 4))] * 2
    handle.remove(), backward.remove()
    assert before == ops_of(model(fastgrok.ones(2, 3))) == ["Dense"]
    assert_alike(model, 5, 3)


def test_errors():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout())
    state = fastgrok.get_rng_state()
    with pytest.raises(ShapeError, match="linear: input has shape"):
        model(fastgrok.ones(2, 5))
    with pytest.raises(TypeError, match="must be Tensor"):
        model(np.ones((2, 3)))
    assert fastgrok.get_rng_state() == state  # nothing was drawn
    model[2].p = 1.5
    with pytest.raises(ValueError, match="between 0 and 1"):
        model(fastgrok.ones(2, 3))


@pytest.mark.parametrize("size", [4, 4000])
def test_a_result_may_be_changed_unless_backward_reads_it(size):
    x = fastgrok.ones(2, 3)
    model = nn.Sequential(nn.Linear(3, size), nn.Tanh(), nn.Dropout())
    fastgrok.manual_seed(1)
    model(x).mul_(2).sum().backward()
    changed = model[0].weight.grad.clone()
    model.zero_grad()
    fastgrok.manual_seed(1)
    (2 * model(x)).sum().backward()
    assert (changed == model[0].weight.grad).all()
    with pytest.raises(StateError, match="in-place"):
        model.eval()(x).mul_(2).sum().backward()


@pytest.mark.parametrize("size", [4, 4000])
def test_backward_twice(size):
    model = nn.Sequential(nn.Linear(3, size), nn.Tanh(), nn.Dropout())
    loss = model(fastgrok.ones(2, 3)).sum()
    loss.backward(retain_graph=True)
    once = model[0].weight.grad.clone()
    loss.backward()
    assert (model[0].weight.grad == 2 * once).all()

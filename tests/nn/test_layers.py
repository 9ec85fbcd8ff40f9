"""Layers, losses and functions: values worked out by hand, modes, and what they refuse."""

import math

import numpy as np
import pytest

import fastgrok
import fastgrok.nn.functional as F
from fastgrok import nn


def test_linear_by_hand():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[2.0, -1.0]]), "bias": np.array([0.5])})
    x = fastgrok.tensor([[1.0, 3.0], [0.0, 1.0]], requires_grad=True)
    y = layer(x)
    assert y.tolist() == [[-0.5], [-0.5]]
    y.sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 4.0]] and layer.bias.grad.tolist() == [2.0]
    assert x.grad.tolist() == [[2.0, -1.0], [2.0, -1.0]]
    assert layer(fastgrok.ones(2)).shape == (1,) and layer(fastgrok.ones(4, 3, 2)).shape == (4, 3, 1)
    with pytest.raises(RuntimeError, match=r"\(4, 3\).*\(1, 2\)"):
        layer(fastgrok.ones(4, 3))
    with pytest.raises(TypeError, match="argument 'input' must be Tensor, not ndarray"):
        layer(np.ones((1, 2)))


@pytest.mark.parametrize("rows, D, out", [((3,), 0, 2), ((2, 3), 0, 2), ((), 0, 2), ((3,), 2, 0), ((0, 3), 2, 0)])
def test_linear_of_nothing_or_to_nothing(rows, D, out):
    layer, x = nn.Linear(D, out), fastgrok.ones(*rows, D, requires_grad=True)
    nn.init.ones_(layer.bias)
    y = layer(x)
    assert y.shape == (*rows, out) and (y == 1).all()
    y.sum().backward()
    assert x.grad.shape == x.shape and layer.weight.grad.shape == (out, D) and not x.grad.any()
    assert layer.bias.grad.tolist() == [math.prod(rows)] * out


@pytest.mark.parametrize("sizes", [(-1, 2), (2, -1), (2.0, 2), (True, 2), ("3", 2)])
@pytest.mark.parametrize("layer", [nn.Linear, nn.Embedding])
def test_sizes_that_make_no_sense(layer, sizes):
    with pytest.raises((ValueError, TypeError), match="sizes"):
        layer(*sizes)


def test_dtype_and_device_of_new_layers():
    assert nn.Linear(2, 2, dtype=fastgrok.float64).bias.dtype == fastgrok.float64
    assert nn.Embedding(2, 2, device="cpu").weight.dtype == fastgrok.float32
    with pytest.raises(RuntimeError, match="cpu"):
        nn.Linear(2, 2, device="cuda")
    with pytest.raises(TypeError, match="int64"):
        nn.Linear(2, 2, dtype=fastgrok.int64)
    assert nn.Linear(0, 3).weight.shape == (3, 0)


def test_initial_distributions():
    layer = nn.Linear(400, 300)
    for p in layer.parameters():
        w = p.detach().numpy()
        assert np.abs(w).max() <= 1 / 20 and np.abs(w).max() > 0.049
        assert abs(w.mean()) < 0.006
    assert abs(layer.weight.detach().numpy().std() * 20 * math.sqrt(3) - 1) < 0.01
    table = nn.Embedding(300, 400).weight.detach().numpy()
    assert abs(table.mean()) < 0.01 and abs(table.std() - 1) < 0.01


def test_dropout_modes():
    x = fastgrok.ones(100, 100, requires_grad=True)
    layer = nn.Dropout(0.25)
    y = layer(x)
    assert np.unique(y.detach().numpy()).tolist() == pytest.approx([0.0, 4 / 3])
    assert abs((y == 0).float().mean().item() - 0.25) < 0.03
    y.sum().backward()
    assert (x.grad == y).all()  # the same mask, scaled alike
    assert not (layer(x) == y).all()
    fastgrok.manual_seed(5)
    first = layer(x)
    fastgrok.manual_seed(5)
    assert (layer(x) == first).all()
    assert layer.eval()(x) is x and nn.Dropout(0.0)(x) is x
    assert (nn.Dropout(1.0)(x) == 0).all()
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="dropout probability"):
            nn.Dropout(p)
    with pytest.raises(NotImplementedError, match="inplace"):
        nn.Dropout(inplace=True)


def test_nonlinearities_by_hand():
    x = fastgrok.tensor([[-1.0, 0.0, 2.0]])
    assert nn.ReLU()(x).tolist() == [[0.0, 0.0, 2.0]]
    np.testing.assert_allclose(nn.Tanh()(x).numpy(), np.tanh(x.numpy()), rtol=1e-6)
    np.testing.assert_allclose(nn.Sigmoid()(x).numpy(), 1 / (1 + np.exp(-x.numpy())), rtol=1e-6)
    e = np.exp(x.numpy())
    np.testing.assert_allclose(nn.Softmax(dim=1)(x).numpy(), e / e.sum(), rtol=1e-6)
    np.testing.assert_allclose(nn.LogSoftmax(dim=-1)(x).numpy(), np.log(e / e.sum()), rtol=1e-6)
    assert nn.Softmax(dim=0)(x).tolist() == [[1.0, 1.0, 1.0]]
    assert F.softmax(x, dim=1, dtype=fastgrok.float64).dtype == fastgrok.float64
    with pytest.warns(UserWarning, match="Implicit dimension"):
        assert F.softmax(x).shape == (1, 3)
    with pytest.raises(IndexError):
        F.softmax(x, dim=2)


def test_relu_in_place():
    x = fastgrok.tensor([-1.0, 2.0])
    assert nn.ReLU(inplace=True)(x) is x and x.tolist() == [0.0, 2.0]


def test_class_losses_by_hand():
    logits = fastgrok.log(fastgrok.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]))
    targets = fastgrok.tensor([0, 2])
    expected = [-math.log(0.5), -math.log(0.8)]
    for function, scores in ((F.cross_entropy, logits + 3.0), (F.nll_loss, logits)):
        np.testing.assert_allclose(function(scores, targets, reduction="none").numpy(), expected, rtol=1e-5)
        assert function(scores, targets, reduction="sum").item() == pytest.approx(sum(expected), rel=1e-5)
        assert function(scores, targets).item() == pytest.approx(sum(expected) / 2, rel=1e-5)
        ignoring = function(scores, fastgrok.tensor([0, 1]), ignore_index=1)
        assert ignoring.item() == pytest.approx(expected[0], rel=1e-5)
        with pytest.raises(IndexError, match="-1"):
            function(scores, fastgrok.tensor([0, -1]))
        with pytest.raises(IndexError, match="3"):
            function(scores, fastgrok.tensor([0, 3]))
        with pytest.raises(ValueError, match="target"):
            function(scores, fastgrok.tensor([0]))
        with pytest.raises(ValueError, match="reduction"):
            function(scores, targets, reduction="average")
        with pytest.raises(ValueError, match=r"weight has shape \(2,\)"):
            function(scores, targets, weight=fastgrok.ones(2))
        with pytest.raises(NotImplementedError, match="reduction"):
            function(scores, targets, size_average=True)
    with pytest.raises(ValueError, match=r"label_smoothing must be between 0\.0 and 1\.0\. Got: 1\.1"):
        nn.CrossEntropyLoss(label_smoothing=1.1)
    assert nn.CrossEntropyLoss(reduction="sum")(logits, targets).item() == pytest.approx(sum(expected), rel=1e-5)
    assert nn.NLLLoss()(logits, targets).item() == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_mse_by_hand():
    x, y = fastgrok.tensor([1.0, 2.0], requires_grad=True), fastgrok.tensor([3.0, 2.5])
    assert nn.MSELoss(reduction="none")(x, y).tolist() == [4.0, 0.25]
    assert nn.MSELoss(reduction="sum")(x, y).item() == 4.25
    loss = nn.MSELoss()(x, y)
    loss.backward()
    assert loss.item() == 2.125 and x.grad.tolist() == [-2.0, -0.5]
    with pytest.raises(ValueError, match="shape"):
        F.mse_loss(x, y.reshape(2, 1))
    with pytest.raises(ValueError, match="reduction"):
        nn.MSELoss(reduction="max")


def test_one_hot():
    assert F.one_hot(fastgrok.tensor([[0], [2]])).tolist() == [[[1, 0, 0]], [[0, 0, 1]]]
    assert F.one_hot(fastgrok.tensor([1]), 2).dtype == fastgrok.int64
    for ids, classes in (([-1], -1), ([3], 3), ([0], 0), ([0], -2)):
        with pytest.raises(RuntimeError):
            F.one_hot(fastgrok.tensor(ids), classes)
    with pytest.raises(RuntimeError, match="empty"):
        F.one_hot(fastgrok.zeros(0, dtype=fastgrok.int64))
    with pytest.raises(TypeError, match="float32"):
        F.one_hot(fastgrok.zeros(1))

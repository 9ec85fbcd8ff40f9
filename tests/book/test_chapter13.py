"""Chapter 13: usage as in the notebook, and the numbers that are printed there."""

import numpy
import pytest
from book import reference

from fastgrok import book
from fastgrok.book import (
    SGD,
    CrossEntropyLoss,
    Embedding,
    Linear,
    MSELoss,
    Sequential,
    Sigmoid,
    Tanh,
    Tensor,
    np,
)

XOR = "[0.58128304] [0.48988149] [0.41375111] [0.34489412] [0.28210124] [0.2254484] [0.17538853] [0.1324231] " \
      "[0.09682769] [0.06849361]"  # fmt: skip


def printed(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_the_import_brings_all_names():
    names = {}
    exec("from fastgrok.book import *", names)
    assert names["np"] is numpy and names["copy"].deepcopy
    assert set(book.__all__) <= names.keys()


def test_first_tensor(capsys):
    x = Tensor([1, 2, 3, 4, 5])
    print(x)
    y = x + x
    print(y)
    assert printed(capsys) == "[1 2 3 4 5] [ 2 4 6 8 10]"


@pytest.mark.parametrize("sign", [1, -1])
def test_tensors_that_are_used_several_times(sign):
    a = Tensor([1, 2, 3, 4, 5], autograd=True)
    b = Tensor([2, 2, 2, 2, 2], autograd=True)
    c = Tensor([5, 4, 3, 2, 1], autograd=True)
    d = a + (-b if sign < 0 else b)
    e = (-b if sign < 0 else b) + c
    f = d + e
    f.backward(Tensor(np.array([1, 1, 1, 1, 1])))
    assert (b.grad.data == sign * np.array([2, 2, 2, 2, 2])).all()
    assert f.creators == [d, e] and f.creation_op == "add" and f.children == {}


def test_sum_and_expand():
    x = Tensor(np.array([[1, 2, 3], [4, 5, 6]]))
    assert repr(x.sum(0)) == "array([5, 7, 9])"
    assert repr(x.sum(1)) == "array([ 6, 15])"
    assert x.expand(dim=2, copies=4).data.tolist() == np.repeat(x.data[:, :, None], 4, 2).tolist()
    for dim in (-2, -1, 0, 1, 2, 5):
        theirs = list(range(2))
        theirs.insert(dim, 2)
        assert (x.expand(dim, 4).data == x.data.repeat(4).reshape(2, 3, 4).transpose(theirs)).all()


def _xor():
    data = Tensor(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), autograd=True)
    target = Tensor(np.array([[0], [1], [0], [1]]), autograd=True)
    return data, target


def test_autograd_trains_a_network(capsys):
    np.random.seed(0)
    data, target = _xor()
    w = list()
    w.append(Tensor(np.random.rand(2, 3), autograd=True))
    w.append(Tensor(np.random.rand(3, 1), autograd=True))
    for _ in range(10):
        pred = data.mm(w[0]).mm(w[1])
        loss = ((pred - target) * (pred - target)).sum(0)
        loss.backward(Tensor(np.ones_like(loss.data)))
        for w_ in w:
            w_.data -= w_.grad.data * 0.1
            w_.grad.data *= 0
        print(loss)
    assert printed(capsys) == XOR


def test_sgd(capsys):
    np.random.seed(0)
    data, target = _xor()
    w = list()
    w.append(Tensor(np.random.rand(2, 3), autograd=True))
    w.append(Tensor(np.random.rand(3, 1), autograd=True))
    optim = SGD(parameters=w, alpha=0.1)
    for _ in range(10):
        pred = data.mm(w[0]).mm(w[1])
        loss = ((pred - target) * (pred - target)).sum(0)
        loss.backward(Tensor(np.ones_like(loss.data)))
        optim.step()
        print(loss)
    assert printed(capsys) == XOR


def _train(model, data, target, criterion, alpha, grad=True):
    optim = SGD(parameters=model.get_parameters(), alpha=alpha)
    for _ in range(10):
        pred = model.forward(data)
        loss = criterion.forward(pred, target)
        loss.backward(Tensor(np.ones_like(loss.data))) if grad else loss.backward()
        optim.step()
        print(loss)


def test_layers(capsys):
    np.random.seed(0)
    data, target = _xor()
    _train(Sequential([Linear(2, 3), Linear(3, 1)]), data, target, MSELoss(), 0.05)
    lines = printed(capsys).split()
    assert lines[:3] == ["[2.33428272]", "[0.06743796]", "[0.0521849]"] and lines[-1] == "[0.00889602]"


def test_nonlinearities(capsys):
    np.random.seed(0)
    data, target = _xor()
    _train(Sequential([Linear(2, 3), Tanh(), Linear(3, 1), Sigmoid()]), data, target, MSELoss(), 1)
    lines = printed(capsys).split()
    assert lines[0] == "[1.06372865]" and lines[-1] == "[0.04700013]"


def test_index_select(capsys):
    x = Tensor(np.eye(5), autograd=True)
    x.index_select(Tensor([[1, 2, 3], [2, 3, 4]])).backward()
    print(x.grad)
    assert [float(row.split()[0].strip("[")) for row in capsys.readouterr().out.splitlines()] == [0, 1, 2, 2, 1]


def test_embedding(capsys):
    np.random.seed(0)
    data = Tensor(np.array([1, 2, 1, 2]), autograd=True)
    target = Tensor(np.array([[0], [1], [0], [1]]), autograd=True)
    embed = Embedding(5, 3)
    _train(Sequential([embed, Tanh(), Linear(3, 1), Sigmoid()]), data, target, MSELoss(), 0.5)
    lines = printed(capsys).split()
    assert lines[0] == "[0.98874126]" and lines[-1] == "[0.07387834]"


def test_cross_entropy(capsys):
    np.random.seed(0)
    data = Tensor(np.array([1, 2, 1, 2]), autograd=True)
    target = Tensor(np.array([0, 1, 0, 1]), autograd=True)
    _train(Sequential([Embedding(3, 3), Tanh(), Linear(3, 4)]), data, target, CrossEntropyLoss(), 0.1, grad=False)
    lines = [float(x) for x in printed(capsys).split()]
    np.testing.assert_allclose(lines[0], 1.3885032434928422, rtol=1e-12)
    np.testing.assert_allclose(lines[-1], 0.16527389263866668, rtol=1e-12)


# ------------------------------------------------------------------------------------------------ beside the emulation


def _run(b):
    """Train with every kind of operation, in a graph where the book's engine is right; losses and parameters."""
    np.random.seed(3)
    draw = np.random.RandomState(0)
    embed, linear, out = b.Embedding(6, 4), b.Linear(4, 5), b.Linear(5, 3)
    other = b.Tensor(np.random.rand(4), autograd=True)
    optim = b.SGD(embed.get_parameters() + linear.get_parameters() + out.get_parameters() + [other], alpha=0.1)
    losses = []
    for _ in range(5):
        x = embed.forward(b.Tensor(draw.randint(0, 6, 7), autograd=True)) - other.expand(0, 7)
        y = linear.forward(-x).tanh().transpose().transpose()
        logits = out.forward(y.sigmoid() * b.Tensor(draw.rand(7, 5), autograd=True))
        loss = logits.cross_entropy(b.Tensor(draw.randint(0, 3, 7), autograd=True))
        loss.backward()
        losses.append(float(loss.data))
        optim.step()
    return [losses] + [p.data for p in optim.parameters]


def test_same_numbers_as_the_book_where_its_engine_is_right():
    for ours, theirs in zip(_run(book), _run(reference), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)

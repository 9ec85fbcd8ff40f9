"""The early forms of Tensor: the tails of the cells that define them, as in chapter 13."""

import numpy as np
import pytest

from fastgrok.book import stages


def test_part_1(capsys):
    Tensor = stages.Tensor0
    x = Tensor([1, 2, 3, 4, 5])
    print(x)
    y = x + x
    print(y)
    assert capsys.readouterr().out == "[1 2 3 4 5]\n[ 2  4  6  8 10]\n"


def test_part_2(capsys):
    Tensor = stages.Tensor1
    x = Tensor([1, 2, 3, 4, 5])
    y = Tensor([2, 2, 2, 2, 2])
    z = x + y
    z.backward(Tensor(np.array([1, 1, 1, 1, 1])))
    print(x.grad)
    print(y.grad)
    print(z.creators)
    print(z.creation_op)
    assert capsys.readouterr().out == (
        "[1 1 1 1 1]\n[1 1 1 1 1]\n[array([1, 2, 3, 4, 5]), array([2, 2, 2, 2, 2])]\nadd\n"
    )
    a = Tensor([1, 2, 3, 4, 5])
    b = Tensor([2, 2, 2, 2, 2])
    c = Tensor([5, 4, 3, 2, 1])
    d = Tensor([-1, -2, -3, -4, -5])
    e = a + b
    f = c + d
    g = e + f
    g.backward(Tensor(np.array([1, 1, 1, 1, 1])))
    print(a.grad)
    assert capsys.readouterr().out == "[1 1 1 1 1]\n"


def _twice(Tensor, sign=1, **settings):
    a = Tensor([1, 2, 3, 4, 5], **settings)
    b = Tensor([2, 2, 2, 2, 2], **settings)
    c = Tensor([5, 4, 3, 2, 1], **settings)
    d = a + (b if sign > 0 else -b)
    e = (b if sign > 0 else -b) + c
    f = d + e
    f.backward(Tensor(np.array([1, 1, 1, 1, 1])))
    return b, f


def test_parts_3_to_5():
    b, _ = _twice(stages.Tensor1)
    assert not (b.grad.data == np.array([2, 2, 2, 2, 2])).any()
    for Tensor in (stages.Tensor2, stages.Tensor3):
        b, f = _twice(Tensor, autograd=True)
        assert (b.grad.data == np.array([2, 2, 2, 2, 2])).all()
        assert list(b.children.values()) == [0, 0] and b.all_children_grads_accounted_for()
        with pytest.raises(Exception, match="cannot backprop more than once"):
            f.creators[0].backward(Tensor([1, 1, 1, 1, 1]), f)
    b, _ = _twice(stages.Tensor3, -1, autograd=True)
    assert (b.grad.data == np.array([-2, -2, -2, -2, -2])).all()


def test_without_autograd_nothing_is_recorded():
    a, b = stages.Tensor3([1], autograd=True), stages.Tensor3([2])
    assert (a + b).creators is None and (-b).creators is None and (-a).creators == [a]
    (a + b).backward()
    assert a.grad is None
    (a + a).backward()
    assert a.grad.data == 2

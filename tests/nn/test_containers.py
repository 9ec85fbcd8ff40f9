"""Sequential and ModuleList."""

from collections import OrderedDict

import pytest

import fastgrok
from fastgrok import nn


def layers(n):
    return [nn.Linear(2, 2) for _ in range(n)]


def test_sequential_runs_in_order():
    a, b = layers(2)
    x = fastgrok.randn(3, 2)
    assert (nn.Sequential(a, nn.Tanh(), b)(x) == b(a(x).tanh())).all()
    assert (nn.Sequential()(x) == x).all()


def test_sequential_takes_names():
    model = nn.Sequential(OrderedDict([("first", nn.Linear(2, 3)), ("act", nn.Tanh())]))
    assert model.act is model[1]
    assert list(model.state_dict()) == ["first.weight", "first.bias"]
    assert list(model[:1].state_dict()) == ["first.weight", "first.bias"]
    with pytest.raises(TypeError, match="not a Module"):
        nn.Sequential(nn.Tanh(), "relu")


@pytest.mark.parametrize(
    "make", [lambda modules: nn.Sequential(*modules), nn.ModuleList], ids=["Sequential", "ModuleList"]
)
def test_list_operations(make):
    modules = layers(4)
    container = make(modules)
    assert len(container) == 4 and list(container) == modules
    assert container[-1] is modules[3] and list(container[1:3]) == modules[1:3]
    assert type(container[1:3]) is type(container)
    with pytest.raises(IndexError, match="index 4 is out of range"):
        container[4]
    new = nn.Tanh()
    container[-1] = new
    assert container[3] is new
    del container[0]
    assert list(container) == [modules[1], modules[2], new]
    assert [name for name, _ in container.named_children()] == ["0", "1", "2"]
    del container[1:]
    assert list(container) == modules[1:2]
    assert container.append(new) is container and container[1] is new
    container.insert(0, modules[0])
    assert list(container) == [modules[0], modules[1], new]
    with pytest.raises(IndexError):
        container.insert(9, new)
    with pytest.raises(TypeError):
        container.insert(0, "tanh")
    container.extend([modules[3]])
    assert container.pop(-1) is modules[3] and len(container) == 3


def test_sums_and_products():
    a, b, c = (nn.Sequential(layer) for layer in layers(3))
    assert list(a + b) == [a[0], b[0]]
    assert list(2 * a) == [a[0], a[0]]
    a += c
    assert list(a) == [a[0], c[0]]
    with pytest.raises(ValueError, match="Sequential class"):
        a + 3
    with pytest.raises(ValueError, match="Non-positive"):
        a * 0
    with pytest.raises(TypeError, match="unsupported"):
        a * 1.5
    assert len(nn.ModuleList(layers(2)) + layers(1)) == 3


def test_module_list_has_no_forward():
    with pytest.raises(NotImplementedError, match="ModuleList"):
        nn.ModuleList(layers(1))(1)
    assert repr(nn.ModuleList()) == "ModuleList()"

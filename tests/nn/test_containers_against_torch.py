"""The same calls on containers of ours and of PyTorch: what they hold, their names, texts, states and errors."""

from collections import OrderedDict

import pytest

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def layers(t, n=4):
    return [t.nn.Linear(1, i + 1) for i in range(n)]


def told(container):
    """Everything that can be compared: text, names, the names and shapes of the state."""
    text = repr(container).replace("torch.FloatTensor", "float32").replace("torch.", "")
    names = [name for name, _ in container.named_modules()], [name for name, _ in container.named_parameters()]
    return text, names, {name: tuple(value.shape) for name, value in container.state_dict().items()}


def sizes(modules):
    return [module.out_features for module in modules]


def list_of(kind, t):
    return t.nn.Sequential(*layers(t)) if kind == "Sequential" else t.nn.ModuleList(layers(t))


LISTS = {
    "index": lambda t, c: sizes([c[0], c[-1], c[2]]),
    "slice": lambda t, c: (told(c[1:3]), told(c[::-2]), told(c[5:])),
    "set": lambda t, c: c.__setitem__(-2, t.nn.Tanh()),
    "delete": lambda t, c: c.__delitem__(1),
    "delete from the end": lambda t, c: c.__delitem__(-1),
    "delete slice": lambda t, c: c.__delitem__(slice(0, 4, 2)),
    "append": lambda t, c: told(c.append(t.nn.Tanh()).append(t.nn.ReLU())),
    "extend": lambda t, c: told(c.extend(layers(t, 2))),
    "extend by a generator": lambda t, c: told(c.extend(layer for layer in layers(t, 2))),
    "insert": lambda t, c: c.insert(1, t.nn.Tanh()) and None,
    "insert at the end": lambda t, c: c.insert(4, t.nn.Tanh()) and None,
    "pop": lambda t, c: (told(c.pop(1)), told(c.pop(-1))),
    "pop a slice": lambda t, c: told(c.pop(slice(1, 3))),
    "iterate": lambda t, c: (sizes(c), len(c), [name for name in dir(c) if name.isdigit()]),
    "add": lambda t, c: told(c + c[:2]),
    "shared": lambda t, c: told(c.append(c[0])),
}


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("call", LISTS.values(), ids=LISTS)
def test_lists(kind, call):
    ours, theirs = list_of(kind, fastgrok), list_of(kind, torch)
    assert call(fastgrok, ours) == call(torch, theirs)
    assert told(ours) == told(theirs)


def named(t):
    return t.nn.Sequential(OrderedDict(zip("abcd", layers(t), strict=True)))


def united(container, other, operator):
    if operator == "+=":
        container += other
    else:
        container *= other
    return container


SEQUENCES = {
    "named": lambda t: named(t),
    "slice of named": lambda t: named(t)[1:],
    "append to named": lambda t: named(t).append(t.nn.Tanh()),
    "set in named": lambda t: named(t).__setitem__(1, t.nn.Tanh()) or named(t),
    "times": lambda t: 2 * t.nn.Sequential(*layers(t, 2)) * 2,
    "times in place": lambda t: united(t.nn.Sequential(*layers(t, 2)), 3, "*="),
    "plus in place": lambda t: united(t.nn.Sequential(*layers(t, 2)), named(t), "+="),
    "sum of named": lambda t: named(t) + named(t),
    "a list and a list": lambda t: t.nn.ModuleList(layers(t, 2)) + layers(t, 1),
    "plus a list": lambda t: united(t.nn.ModuleList(layers(t, 2)), layers(t, 1), "+="),
    "list of a list": lambda t: t.nn.ModuleList(t.nn.ModuleList(layers(t))),
    "parameters": lambda t: t.nn.ParameterList([t.zeros(2, 3), t.nn.Parameter(t.zeros(())), 5, "text", None]),
    "slice of parameters": lambda t: t.nn.ParameterList([t.zeros(2), t.zeros(3), t.zeros(4)])[::2],
    "more parameters": lambda t: united(t.nn.ParameterList([t.zeros(2)]), [t.zeros(3)], "+=").append(t.zeros(4)),
    "no parameters": lambda t: t.nn.ParameterList(),
    "dict": lambda t: t.nn.ModuleDict({"b": t.nn.Tanh(), "a": t.nn.Linear(1, 2)}),
    "dict of pairs": lambda t: t.nn.ModuleDict([["b", t.nn.Tanh()], ("a", t.nn.Linear(1, 2))]),
    "dict of a dict": lambda t: t.nn.ModuleDict(t.nn.ModuleDict({"b": t.nn.Tanh()})),
    "empty dict": lambda t: t.nn.ModuleDict(),
    "parameter dict": lambda t: t.nn.ParameterDict({"b": t.zeros(2, 3), "a": t.zeros(()), "c": 5}),
    "parameter dict in order": lambda t: t.nn.ParameterDict(OrderedDict(b=t.zeros(2), a=t.zeros(3))),
    "parameter dict of pairs": lambda t: t.nn.ParameterDict([("b", t.zeros(2)), ["a", t.zeros(3)]]),
    "copy": lambda t: t.nn.ParameterDict([("b", t.zeros(2)), ("a", t.zeros(3))]).copy(),
    "union": lambda t: t.nn.ParameterDict({"b": t.zeros(2)}) | t.nn.ParameterDict({"a": t.zeros(3)}),
    "from keys": lambda t: t.nn.ParameterDict().fromkeys(["z", "y"], t.zeros(2)),
    "within": lambda t: t.nn.Sequential(t.nn.ModuleDict({"p": t.nn.ParameterList([t.zeros(2)])}), t.nn.ParameterDict()),
}


@pytest.mark.parametrize("make", SEQUENCES.values(), ids=SEQUENCES)
def test_what_containers_hold(make):
    ours, theirs = make(fastgrok), make(torch)
    assert told(ours) == told(theirs)
    ours.load_state_dict(theirs.state_dict())


def test_products_and_sums_in_place_keep_the_container():
    for t in (fastgrok, torch):
        container = same = t.nn.Sequential(*layers(t, 2))
        container *= 2
        container += t.nn.Sequential(t.nn.Tanh())
        assert container is same and container[2] is container[0] and len(container) == 5


def test_module_dict():
    for t in (fastgrok, torch):
        first, second = layers(t, 2)
        modules = t.nn.ModuleDict({"first": first})
        modules["second"] = second
        assert list(modules) == list(modules.keys()) == ["first", "second"] and len(modules) == 2
        assert list(modules.values()) == [first, second] and next(iter(modules.items())) == ("first", first)
        assert modules.first is modules["first"] and "second" in modules and "third" not in modules
        modules.update({"first": second, "third": first})
        assert list(modules) == ["first", "second", "third"] and modules["first"] is second
        del modules["second"]
        assert modules.pop("third") is first and list(modules) == ["first"]
        modules.clear()
        assert not len(modules) and not list(modules.parameters())


def test_parameter_dict():
    for t in (fastgrok, torch):
        a, b = t.nn.Parameter(t.zeros(2)), t.nn.Parameter(t.zeros(3))
        values = t.nn.ParameterDict({"a": a})
        assert values.setdefault("b", b) is b and values.setdefault("a", b) is a
        assert list(values) == list(values.keys()) == ["a", "b"] and list(reversed(values)) == ["b", "a"]
        assert next(iter(values.values())) is a and list(values.items())[1][1] is b and len(values) == 2
        assert values.get("a") is a and values.get("c") is None and values.get("c", 3) == 3
        assert "a" in values and values.a is a
        values["c"] = t.ones(1)
        assert isinstance(values["c"], t.nn.Parameter)
        assert values.popitem()[0] == "c" and values.pop("a") is a and list(values) == ["b"]
        values |= {"d": a}
        del values["b"]
        assert list(values.parameters()) == [a]
        values.clear()
        assert not len(values) and not list(values.parameters())


def test_parameter_list():
    for t in (fastgrok, torch):
        a, b = t.nn.Parameter(t.zeros(2)), t.nn.Parameter(t.zeros(3))
        values = t.nn.ParameterList([a, b])
        assert len(values) == 2 and values[-1] is b and list(values) == [a, b]
        values[0] = t.ones(5)
        assert isinstance(values[0], t.nn.Parameter) and values[0].shape == (5,)
        assert not [name for name in dir(values) if name.isdigit()]
        values[0].sum().backward()
        assert values[0].grad is not None and values[1].grad is None


WRONG = {
    "index": lambda t: list_of("ModuleList", t)[4],
    "index -5": lambda t: list_of("Sequential", t)[-5],
    "index of text": lambda t: list_of("Sequential", t)["a"],
    "index of float": lambda t: list_of("ModuleList", t)[0.5],
    "delete": lambda t: list_of("ModuleList", t).__delitem__(7),
    "pop": lambda t: list_of("Sequential", t).pop(7),
    "set": lambda t: list_of("Sequential", t).__setitem__(9, t.nn.Tanh()),
    "set no module": lambda t: list_of("Sequential", t).__setitem__(0, 3),
    "no module": lambda t: t.nn.Sequential(t.nn.Tanh(), 3),
    "append": lambda t: list_of("ModuleList", t).append(3),
    "insert": lambda t: list_of("Sequential", t).insert(0, 3),
    "insert too far": lambda t: list_of("Sequential", t).insert(9, t.nn.Tanh()),
    "extend": lambda t: list_of("ModuleList", t).extend(3),
    "product": lambda t: list_of("Sequential", t) * 1.5,
    "product in place": lambda t: united(list_of("Sequential", t), 0, "*="),
    "sum": lambda t: list_of("Sequential", t) + layers(t),
    "sum in place": lambda t: united(list_of("Sequential", t), 3, "+="),
    "call of a list": lambda t: list_of("ModuleList", t)(1),
    "call of a dict": lambda t: t.nn.ModuleDict()(1),
    "dict of numbers": lambda t: t.nn.ModuleDict({3: t.nn.Tanh()}),
    "dict of no modules": lambda t: t.nn.ModuleDict({"a": 3}),
    "key with a dot": lambda t: t.nn.ModuleDict({"a.b": t.nn.Tanh()}),
    "key of a method": lambda t: t.nn.ModuleDict({"keys": t.nn.Tanh()}),
    "no key": lambda t: t.nn.ModuleDict()["a"],
    "no key to delete": lambda t: t.nn.ModuleDict().__delitem__("a"),
    "no key to pop": lambda t: t.nn.ModuleDict().pop("a"),
    "update": lambda t: t.nn.ModuleDict(3),
    "update by no pairs": lambda t: t.nn.ModuleDict([3]),
    "update by threes": lambda t: t.nn.ModuleDict([("a", t.nn.Tanh(), 3)]),
    "parameters of a tensor": lambda t: t.nn.ParameterList(t.zeros(2)),
    "parameters of a number": lambda t: t.nn.ParameterList(3),
    "parameter's index": lambda t: t.nn.ParameterList([t.zeros(2)])[1],
    "parameter for a number": lambda t: t.nn.ParameterList([t.zeros(2)]).__setitem__(0, 3),
    "call of parameters": lambda t: t.nn.ParameterList()(1),
    "parameter's key": lambda t: t.nn.ParameterDict()["a"],
    "parameter's key of a number": lambda t: t.nn.ParameterDict({3: t.zeros(2)}),
    "parameter's key of a method": lambda t: t.nn.ParameterDict({"keys": t.zeros(2)}),
    "parameter to delete": lambda t: t.nn.ParameterDict().__delitem__("a"),
    "parameter to pop": lambda t: t.nn.ParameterDict().pop("a"),
    "last of no parameters": lambda t: t.nn.ParameterDict().popitem(),
    "update of parameters": lambda t: t.nn.ParameterDict().update(3),
    "update by threes of parameters": lambda t: t.nn.ParameterDict([("a", t.zeros(2), 3)]),
    "call of a dict of parameters": lambda t: t.nn.ParameterDict()(1),
    "submodule": lambda t: list_of("Sequential", t).get_submodule("0.weight"),
    "submodule that is none": lambda t: list_of("Sequential", t).get_submodule("a"),
    "parameter": lambda t: list_of("Sequential", t).get_parameter("0.weights"),
    "parameter that is a module": lambda t: list_of("Sequential", t).get_parameter("0"),
    "buffer": lambda t: list_of("Sequential", t).get_buffer("0.weight"),
    "set no name": lambda t: list_of("Sequential", t).set_submodule("", t.nn.Tanh()),
    "set what is no module": lambda t: list_of("Sequential", t).set_submodule("0", 3),
    "set what is not there": lambda t: list_of("Sequential", t).set_submodule("a", t.nn.Tanh(), strict=True),
    "set a parameter": lambda t: list_of("Sequential", t).set_submodule("0.weight", t.nn.Tanh()),
    "two names": lambda t: t.nn.Module().register_buffer("forward", None),
    "a buffer of numbers": lambda t: t.nn.Module().register_buffer("a", 3),
    "a parameter that was calculated": lambda t: t.nn.Module().register_parameter("a", t.nn.Parameter(t.ones(1)) * 2),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(theirs.type):
        call(fastgrok)


def test_submodules_by_name():
    for t in (fastgrok, torch):
        net = t.nn.Sequential(t.nn.Sequential(t.nn.Tanh()), t.nn.ReLU())
        new = t.nn.Sigmoid()
        net.set_submodule("0.0", new)
        net.set_submodule("2", new)
        net.set_submodule("1", new, strict=True)
        assert net[0][0] is net[1] is net[2] is net.get_submodule("0.0") is new


def test_what_is_wrong_changes_nothing():
    values = nn.ParameterDict({"a": fastgrok.zeros(1)})
    with pytest.raises(KeyError):
        values["keys"] = fastgrok.zeros(1)
    assert list(values) == ["a"] and callable(values.keys)
    values = nn.ParameterList([fastgrok.zeros(1)])
    with pytest.raises(TypeError):
        values.append(fastgrok.zeros(1, dtype=fastgrok.int64))
    assert len(values) == 1

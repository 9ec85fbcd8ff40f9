"""Walking, buffers, states and conversions of modules: the same calls on both libraries."""

import pytest

import fastgrok

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def network(t):
    """Layers, one of them twice, parameters that are shared or missing, and buffers of all kinds."""
    net = t.nn.Module()
    net.scale = t.nn.Parameter(t.ones(2))
    net.body = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Linear(3, 2, bias=False))
    net.again = net.body[0]
    net.tied = net.body[2].weight
    net.register_parameter("none", None)
    net.register_module("nothing", None)
    net.register_buffer("count", t.zeros(1, dtype=t.int64))
    net.register_buffer("scratch", t.zeros(3), persistent=False)
    net.register_buffer("empty", None)
    net.body.register_buffer("mean", t.zeros(2))
    net.body.register_buffer("same", net.body.mean)
    return net


def names(pairs):
    return [name for name, _ in pairs]


CALLS = {
    "modules": lambda t, net: names(net.named_modules()),
    "modules of a prefix": lambda t, net: names(net.named_modules(prefix="a")),
    "modules, all": lambda t, net: names(net.named_modules(remove_duplicate=False)),
    "number of modules": lambda t, net: (len(list(net.modules())), len(list(net.modules(remove_duplicate=False)))),
    "children": lambda t, net: (names(net.named_children()), len(list(net.children()))),
    "parameters": lambda t, net: (names(net.named_parameters()), len(list(net.parameters()))),
    "own parameters": lambda t, net: names(net.named_parameters("p", recurse=False)),
    "parameters, all": lambda t, net: names(net.named_parameters(remove_duplicate=False)),
    "buffers": lambda t, net: (names(net.named_buffers()), len(list(net.buffers()))),
    "own buffers": lambda t, net: (names(net.named_buffers("b", False)), len(list(net.buffers(recurse=False)))),
    "buffers, all": lambda t, net: names(net.named_buffers(remove_duplicate=False)),
    "state": lambda t, net: {name: tuple(value.shape) for name, value in net.state_dict(prefix="s.").items()},
    "by name": lambda t, net: [
        net.get_submodule("") is net,
        net.get_submodule("body.2") is net.body[2],
        net.get_parameter("body.2.weight") is net.tied,
        net.get_buffer("body.mean") is net.body.mean,
    ],
    "kinds": lambda t, net: (net.none, net.nothing, net.empty, sorted(set(dir(net)) & {"scale", "body", "count"})),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_same_answers(call):
    assert call(fastgrok, network(fastgrok)) == call(torch, network(torch))


def conversions(t, net):
    before = dict(net.named_parameters())
    for value in net.parameters():
        value.grad = t.ones_like(value)
    answers = [net.double() is net, net.scale.dtype == t.float64, net.scale.grad.dtype == t.float64]
    answers += [net.count.dtype == t.int64, net.scratch.dtype == t.float64, net.scale is before["scale"]]
    answers += [net.to(t.float32) is net, net.to("cpu", t.float64).body.mean.dtype == t.float64]
    return [*answers, net.to(t.zeros(1)).scale.dtype == t.float32, net.float().cpu() is net]


def freezing(t, net):
    net.requires_grad_(False)
    net.body.requires_grad_()
    return {name: value.requires_grad for name, value in net.named_parameters()}


def zeroing(t, net):
    (net.body(t.ones(4, 2)).sum() + net.scale.sum()).backward()
    net.zero_grad(set_to_none=False)
    zeros = [value.grad.tolist() for value in net.parameters()]
    net.zero_grad()
    return zeros, [value.grad for value in net.parameters()]


def applying(t, net):
    seen = []
    net.apply(lambda module: seen.append(type(module).__name__))
    net.body[1].train(False)
    modes = [module.training for module in net.modules()]
    return seen, modes, net.eval() is net, [module.training for module in net.modules()]


def replacing(t, net):
    net.count = t.ones(1, dtype=t.int64)
    net.scratch = None
    net.scale = t.nn.Parameter(t.zeros(5))
    net.body = t.nn.Tanh()
    net.empty = t.nn.Parameter(t.zeros(1))  # now a parameter
    del net.again
    return names(net.named_parameters()), names(net.named_buffers()), names(net.named_modules()), list(net.state_dict())


def buffers_that_persist_later(t, net):
    net.register_buffer("scratch", t.ones(3), persistent=True)
    net.register_buffer("count", None, persistent=False)
    return list(net.state_dict())


def loading(t, net):
    state = {name: t.ones_like(value) for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    del state["count"], state["body.mean"]
    state["scratch"] = t.zeros(3)
    keys = net.load_state_dict(state, strict=False)
    return net.count.tolist(), net.tied.tolist(), net.scratch.tolist(), keys.missing_keys, keys.unexpected_keys


DOINGS = [
    conversions,
    freezing,
    zeroing,
    applying,
    replacing,
    buffers_that_persist_later,
    loading,
]


@pytest.mark.parametrize("do", DOINGS, ids=lambda do: do.__name__)
def test_the_same_effects(do):
    assert do(fastgrok, network(fastgrok)) == do(torch, network(torch))


def test_half_precision_is_refused():
    for convert in ("half", "bfloat16"):
        with pytest.raises(NotImplementedError, match="16 is not covered"):
            getattr(fastgrok.nn.Linear(2, 2), convert)()

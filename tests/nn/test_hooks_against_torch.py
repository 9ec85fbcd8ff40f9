"""Hooks of modules: when they run, what they see and what they may change, in fastgrok and in PyTorch."""

import copy

import numpy as np
import pytest

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

WEIGHT = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]]
X = [[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]]


def plain(value):
    """Tensors as lists, whatever they are in."""
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


def model(t):
    """A layer between two others, x that requires a gradient, and a list to write down what hooks see."""
    linear = t.nn.Linear(3, 2, bias=False)
    with t.no_grad():
        linear.weight.copy_(t.tensor(WEIGHT))
    return t.nn.Sequential(t.nn.ReLU(), linear, t.nn.Identity()), t.tensor(X, requires_grad=True), []


class Two(nn.Module):
    """Two inputs, something that is no tensor, and two outputs."""

    def forward(self, x, factor, y, *, shift=0.0):
        return x * y * factor + shift, x + y


class TorchTwo(torch.nn.Module):
    forward = Two.forward


def two(t):
    module = Two() if t is fastgrok else TorchTwo()
    return module, t.tensor(X, requires_grad=True), t.tensor(X) + 1.0, []


def forward_hooks(t):
    net, x, seen = model(t)
    net[1].register_forward_hook(lambda module, args, output: seen.append(("hook", plain(args), plain(output))))
    net[1].register_forward_pre_hook(lambda module, args: seen.append(("pre", plain(args))))
    net[1].register_forward_hook(lambda module, args, output: seen.append("first"), prepend=True)
    net[1].register_forward_pre_hook(lambda module, args: seen.append("first pre"), prepend=True)
    return plain(net(x)), seen


def forward_hooks_that_replace(t):
    net, x, seen = model(t)
    net[1].register_forward_pre_hook(lambda module, args: 2 * args[0])
    net[1].register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    net[1].register_forward_hook(lambda module, args, output: output * 3)
    net[1].register_forward_hook(lambda module, args, output: seen.append(plain(output)))
    y = net(x)
    y.sum().backward()
    return plain(y), plain(x.grad), seen


def hooks_with_kwargs(t):
    module, x, y, seen = two(t)
    module.register_forward_pre_hook(
        lambda module, args, kwargs: ((*args[:2], args[2] * 2), {"shift": kwargs["shift"] + 1}), with_kwargs=True
    )
    module.register_forward_pre_hook(lambda module, args, kwargs: seen.append(plain(kwargs)), with_kwargs=True)
    module.register_forward_hook(lambda module, args, kwargs, out: seen.append(plain([args, kwargs])), with_kwargs=True)
    return plain(module(x, 3.0, y, shift=0.5)), seen


def removed_hooks(t):
    net, x, seen = model(t)
    handles = [
        net.register_forward_hook(lambda *_: seen.append(1)),
        net.register_forward_pre_hook(lambda *_: seen.append(2)),
        net.register_full_backward_hook(lambda *_: seen.append(3)),
        net.register_full_backward_pre_hook(lambda *_: seen.append(4)),
    ]
    for handle in handles:
        net(x).sum().backward()
        handle.remove()
        handle.remove()
        seen.append("|")
    net(x).sum().backward()
    with net.register_forward_hook(lambda *_: seen.append(5)):
        net(x)
    net(x)
    return seen


def hooks_that_always_run(t):
    net, x, seen = model(t)
    net[1].register_forward_hook(lambda module, args, output: seen.append("only then"))
    net[1].register_forward_hook(lambda module, args, output: seen.append(output), always_call=True)
    with pytest.raises(RuntimeError):
        net(x[:, :2])
    return seen


def backward_hooks(t):
    net, x, seen = model(t)
    for i, module in enumerate(net):
        module.register_full_backward_hook(lambda module, *gradients, i=i: seen.append((i, plain(gradients))))
        module.register_full_backward_pre_hook(lambda module, gradient, i=i: seen.append((-i, plain(gradient))))
    (net(x) ** 2).sum().backward()
    return seen, plain(x.grad), plain(net[1].weight.grad)


def backward_hooks_that_replace(t):
    net, x, seen = model(t)
    net[1].register_full_backward_pre_hook(lambda module, gradient: (gradient[0] * 2,))
    net[1].register_full_backward_hook(lambda module, inputs, outputs: (inputs[0] + 1,))
    net[1].register_full_backward_hook(lambda module, *gradients: seen.append(plain(gradients)))
    net[1].register_full_backward_hook(lambda module, *gradients: seen.append("first"), prepend=True)
    (net(x) ** 2).sum().backward()
    return seen, plain(x.grad), plain(net[1].weight.grad)


def backward_hooks_of_several(t):
    module, x, y, seen = two(t)
    module.register_full_backward_hook(lambda module, *gradients: seen.append(plain(gradients)))
    for used in (0, 1, slice(None)):
        outputs = module(x, 3.0, y)[used]
        sum((output**2).sum() for output in (outputs if isinstance(outputs, tuple) else (outputs,))).backward()
    return seen, plain(x.grad)


def backward_hooks_where_no_input_requires_a_gradient(t):
    net, x, seen = model(t)
    net[1].register_full_backward_hook(lambda module, *gradients: seen.append(plain(gradients)))
    net(x.detach()).sum().backward()
    return seen, plain(net[1].weight.grad)


def backward_hooks_without_gradients(t):
    net, x, seen = model(t)
    net[1].register_full_backward_hook(lambda *gradients: seen.append(1))
    with t.no_grad():
        y = net(x)
    return seen, plain(y), y.requires_grad


def backward_hooks_of_a_table(t):
    table, seen = t.nn.Embedding(4, 3), []
    with t.no_grad():
        table.weight.copy_(t.tensor([*WEIGHT, *WEIGHT]))
    table.register_full_backward_hook(lambda module, *gradients: seen.append(plain(gradients)))
    (table(t.tensor([[1, 3, 1]])) ** 2).sum().backward()
    return seen, plain(table.weight.grad)


def hooks_of_copies(t):
    net, x, seen = model(t)
    net.register_forward_hook(lambda *_: seen.append(1))
    copy.deepcopy(net)(x)
    return seen


def state_hooks(t):
    net, _, seen = model(t)
    net.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append(("net", prefix, keep_vars)))
    net[1].register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append((prefix, keep_vars)))

    def rename(module, state, prefix, metadata):
        seen.append((list(state), metadata))
        state[prefix + "matrix"] = state.pop(prefix + "weight")

    net[1].register_state_dict_post_hook(rename)
    state = net.state_dict(prefix="a.")
    return plain(dict(state)), seen


def loading_hooks(t):
    net, _, seen = model(t)

    def rename(module, state, prefix, metadata, strict, missing, unexpected, errors):
        seen.append((sorted(state), prefix, strict, missing, unexpected, errors))
        state[prefix + "weight"] = state.pop(prefix + "matrix")

    net[1].register_load_state_dict_pre_hook(rename)
    net.register_load_state_dict_post_hook(lambda module, keys: seen.append(("net", plain(list(keys)))))
    net[1].register_load_state_dict_post_hook(lambda module, keys: seen.append(("linear", plain(list(keys)))))
    given = {"1.matrix": t.ones(2, 3)}
    keys = net.load_state_dict(given)
    return plain(net[1].weight), seen, plain(list(keys)), list(given)


def hooks_that_forgive(t):
    net, _, _ = model(t)
    net.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.clear())
    keys = net.load_state_dict({})
    with pytest.raises(RuntimeError, match="Unexpected"):
        net.load_state_dict({"1.weight": t.zeros(2, 3), "2.weight": t.zeros(1)})
    return plain(list(keys)), plain(net[1].weight)


CASES = [
    forward_hooks,
    forward_hooks_that_replace,
    hooks_with_kwargs,
    removed_hooks,
    hooks_that_always_run,
    backward_hooks,
    backward_hooks_that_replace,
    backward_hooks_of_several,
    backward_hooks_where_no_input_requires_a_gradient,
    backward_hooks_without_gradients,
    backward_hooks_of_a_table,
    hooks_of_copies,
    state_hooks,
    loading_hooks,
    hooks_that_forgive,
]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_hooks(case):
    ours, theirs = case(fastgrok), case(torch)
    assert ours == theirs


WRONG = {
    "number of gradients": lambda t, net, x: net.register_full_backward_hook(lambda *_: (x, x)),
    "number of gradients before": lambda t, net, x: net.register_full_backward_pre_hook(lambda *_: ()),
    "shape": lambda t, net, x: net.register_full_backward_hook(lambda *_: (t.zeros(1, 7),)),
    "kwargs": lambda t, net, x: net.register_forward_pre_hook(lambda *_: 3, with_kwargs=True),
    "an error": lambda t, net, x: net.register_full_backward_hook(lambda *_: {}["key"]),
}


@pytest.mark.parametrize("register", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(register):
    errors = []
    for t in (torch, fastgrok):
        net, x, _ = model(t)
        register(t, net, x)
        with pytest.raises(Exception) as error:
            net(x).sum().backward()
        errors.append(error)
    assert isinstance(errors[1].value, errors[0].type)


def test_hooks_that_return_what_they_must_not():
    net, x, _ = model(fastgrok)
    net.register_full_backward_hook(lambda *_: (x,))
    with pytest.raises(RuntimeError, match="no input requires"):
        net(x.detach()).sum().backward()
    net.register_state_dict_post_hook(lambda *_: {})
    with pytest.raises(RuntimeError, match="not expected to return"):
        net.state_dict()
    net = nn.ReLU()
    net.register_full_backward_hook(lambda *_: (1.0,))
    with pytest.raises(TypeError, match="float in grad_input"):
        net(x).sum().backward()
    np.testing.assert_array_equal(x.detach().numpy(), np.float32(X))


def test_what_hooks_warn_of():
    x = fastgrok.ones(2)
    net = nn.Identity()
    net.register_full_backward_hook(lambda *_: None)
    with pytest.warns(UserWarning, match="should be a Tensor or a tuple"):
        assert net([x])[0] is x
    net = nn.Linear(3, 2)
    net.register_forward_hook(lambda *_: {}["key"], always_call=True)
    with pytest.warns(UserWarning, match="KeyError"), pytest.raises(RuntimeError):
        net(x)

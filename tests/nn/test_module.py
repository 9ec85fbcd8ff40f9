"""Registration, walking, state, conversion and text form of modules."""

import copy
import pickle

import numpy as np
import pytest

import fastgrok
from fastgrok import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.body = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2, bias=False))
        self.scale = nn.Parameter(fastgrok.ones(2))
        self.register_buffer("count", fastgrok.zeros(1))
        self.register_buffer("scratch", fastgrok.zeros(3), persistent=False)

    def forward(self, ids):
        return self.body(self.embedding(ids)) * self.scale


NAMES = ["scale", "embedding.weight", "body.0.weight", "body.0.bias", "body.2.weight"]


def test_names_come_in_order_of_assignment():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [name for name, _ in net.named_buffers()] == ["count", "scratch"]
    assert list(net.state_dict()) == ["scale", "count", *NAMES[1:]]
    assert [name for name, _ in net.named_modules()] == ["", "embedding", "body", "body.0", "body.1", "body.2"]
    assert [name for name, _ in net.named_children()] == ["embedding", "body"]
    assert [name for name, _ in net.named_parameters(prefix="net", recurse=False)] == ["net.scale"]
    assert net.get_submodule("body.2") is net.body[2]
    assert net.get_parameter("body.0.bias") is net.body[0].bias
    assert net.get_buffer("count") is net.count
    with pytest.raises(AttributeError, match="bodies"):
        net.get_submodule("bodies.0")


def test_shared_parameters_are_yielded_once_and_saved_under_each_name():
    a = nn.Linear(3, 3)
    net = nn.Sequential(a, nn.Tanh(), a)
    net.tied = a.weight
    assert len(list(net.parameters())) == 2
    assert len(list(net.named_parameters(remove_duplicate=False))) == 5
    assert list(net.state_dict()) == ["tied", "0.weight", "0.bias", "2.weight", "2.bias"]
    assert len(list(net.modules())) == 3


def test_setattr_keeps_the_kind_of_a_name():
    net = Net()
    with pytest.raises(TypeError, match="as parameter 'scale'"):
        net.scale = fastgrok.ones(2)
    with pytest.raises(TypeError, match="as child module 'body'"):
        net.body = 3
    with pytest.raises(TypeError, match="as buffer 'count'"):
        net.count = "x"
    net.count = fastgrok.ones(1)  # a tensor under the name of a buffer is the new buffer
    assert "count" in dict(net.named_buffers())
    net.scale = None
    assert net.scale is None and "scale" not in net.state_dict()
    net.plain = fastgrok.ones(1)  # a tensor under a new name is an ordinary attribute
    assert "plain" not in net.state_dict()
    net.plain = nn.Parameter(fastgrok.ones(1))
    assert "plain" in net.state_dict() and "plain" not in net.__dict__
    del net.plain
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'plain'"):
        _ = net.plain
    assert "embedding" in dir(net) and "count" in dir(net)


def test_registering_before_init_is_an_error():
    class Hasty(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        Hasty()


@pytest.mark.parametrize("name, error", [("a.b", KeyError), ("", KeyError), (3, TypeError), ("forward", KeyError)])
def test_names_are_checked(name, error):
    net = nn.Module()
    with pytest.raises(error):
        net.register_parameter(name, None)
    with pytest.raises(error):
        net.register_buffer(name, None)
    with pytest.raises(error):
        net.add_module(name, None)


def test_values_are_checked():
    net = nn.Module()
    with pytest.raises(TypeError, match="not a Module"):
        net.add_module("a", 3)
    with pytest.raises(TypeError, match="to parameter 'a'"):
        net.register_parameter("a", fastgrok.ones(1))
    with pytest.raises(TypeError, match="to buffer 'a'"):
        net.register_buffer("a", [1.0])
    with pytest.raises(TypeError, match="expected Tensor"):
        nn.Parameter([1.0])
    with pytest.raises(NotImplementedError, match=r"Module \[Module\] is missing"):
        net(1)


def test_parameter_shares_memory_and_calculates_as_a_tensor():
    data = fastgrok.zeros(3)
    p = nn.Parameter(data)
    data.fill_(2.0)
    assert p.tolist() == [2.0, 2.0, 2.0]
    assert p.requires_grad and p.is_leaf and type(p + 1) is fastgrok.Tensor
    assert repr(p).startswith("Parameter containing:\ntensor([2., 2., 2.]")
    q = copy.deepcopy(p)
    assert (
        type(q) is nn.Parameter and q.requires_grad and not np.shares_memory(p.numpy(force=True), q.numpy(force=True))
    )


def test_state_dict_shares_memory_and_loads():
    a, b = Net(), Net()
    state = a.state_dict()
    assert not any(value.requires_grad for value in state.values())
    assert b.load_state_dict(state) == ([], [])
    assert repr(b.load_state_dict(state)) == "<All keys matched successfully>"
    ids = fastgrok.tensor([0, 4])
    assert (a(ids) == b(ids)).all()
    with fastgrok.no_grad():
        a.scale.mul_(2)
    assert state["scale"].tolist() == [2.0, 2.0] and b.scale.tolist() == [1.0, 1.0]
    assert a.state_dict(keep_vars=True)["scale"] is a.scale
    assert next(iter(a.state_dict(prefix="m."))) == "m.scale"


def test_load_state_dict_takes_arrays_and_casts():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3])})
    assert layer.weight.dtype == fastgrok.float32 and layer.weight.tolist() == [[1.0, 2.0]]
    assert layer.bias.tolist() == [3.0] and layer.weight.requires_grad


def test_load_state_dict_lists_every_problem_and_changes_nothing():
    net = Net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = {name: value + 1 for name, value in net.state_dict().items()}
    del state["body.0.bias"], state["count"]
    state["extra.weight"] = fastgrok.ones(1)
    state["scale"] = fastgrok.ones(3)
    state["embedding.weight"] = "table"
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    assert message.startswith("Error(s) in loading state_dict for Net:\n\t")
    assert 'Missing key(s) in state_dict: "count", "body.0.bias".' in message
    assert 'Unexpected key(s) in state_dict: "extra.weight".' in message
    assert "size mismatch for scale: copying a param with shape (3,) from checkpoint" in message
    assert 'While copying the parameter named "embedding.weight"' in message
    assert all((net.state_dict()[name] == value).all() for name, value in before.items())

    del state["scale"], state["embedding.weight"]
    keys = net.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["scale", "count", "embedding.weight", "body.0.bias"]
    assert keys.unexpected_keys == ["extra.weight"]
    assert (net.body[0].weight == before["body.0.weight"] + 1).all()
    with pytest.raises(TypeError, match="dict-like"):
        net.load_state_dict([("scale", 1)])
    with pytest.raises(NotImplementedError, match="assign"):
        net.load_state_dict(net.state_dict(), assign=True)


def test_train_eval_apply_freeze_and_zero_grad():
    net = Net()
    assert net.training and net.body[1].training
    assert net.eval() is net and not net.body[1].training
    assert net.train() is net and net.body[1].training
    with pytest.raises(ValueError, match="boolean"):
        net.train("yes")
    seen = []
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Embedding", "Linear", "Tanh", "Linear", "Sequential", "Net"]
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    net.requires_grad_()
    net(fastgrok.tensor([1, 2])).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all((p.grad == 0).all() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_conversion_keeps_the_parameter_objects():
    net = Net()
    parameters = list(net.parameters())
    net(fastgrok.tensor([1, 2])).sum().backward()
    assert net.double() is net
    assert all(p is q for p, q in zip(parameters, net.parameters(), strict=True))
    for tensor in (*net.parameters(), *(p.grad for p in net.parameters()), net.count):
        assert tensor.dtype == fastgrok.float64
    assert all(p.requires_grad and p.is_leaf for p in net.parameters())
    assert net.float().scale.dtype == net.to("cpu").scale.dtype == fastgrok.float32
    assert net.to("cpu", fastgrok.float64).scale.dtype == fastgrok.float64
    assert net.to(fastgrok.zeros(1)).scale.dtype == fastgrok.float32
    assert net.cpu() is net
    net(fastgrok.tensor([1, 2])).sum().backward()
    with pytest.raises(TypeError, match="floating point"):
        net.to(fastgrok.int64)
    with pytest.raises(RuntimeError, match="cpu"):
        nn.Tanh().to("cuda")
    with pytest.raises(RuntimeError, match="cpu"):
        net.cuda()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_are_equal_and_independent(copied):
    layer = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1))
    other = copied(layer)
    assert type(other[0].weight) is nn.Parameter and repr(other) == repr(layer)
    assert (other[0].weight == layer[0].weight).all()
    nn.init.zeros_(other[0].weight)
    assert not (layer[0].weight == 0).all()


def test_repr():
    class Setting(nn.Module):
        def extra_repr(self):
            return "first line\nsecond line"

    net = nn.Sequential(Setting(), nn.Linear(1, 1))
    assert repr(net) == (
        "Sequential(\n  (0): Setting(\n    first line\n    second line\n  )\n"
        "  (1): Linear(in_features=1, out_features=1, bias=True)\n)"
    )
    assert repr(nn.Module()) == "Module()"

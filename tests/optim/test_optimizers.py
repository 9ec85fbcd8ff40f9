"""Optimizers: steps worked out by hand, groups, exact resuming, and what they refuse."""

import copy
import json
import math

import numpy as np
import pytest

import fastgrok
from fastgrok import nn, optim

KINDS = {
    "sgd": lambda p, **o: optim.SGD(p, **{"lr": 0.1, **o}),
    "momentum": lambda p, **o: optim.SGD(p, **{"lr": 0.1, "momentum": 0.9, "dampening": 0.1, **o}),
    "nesterov": lambda p, **o: optim.SGD(p, **{"lr": 0.1, "momentum": 0.9, "nesterov": True, **o}),
    "adam": lambda p, **o: optim.Adam(p, **{"lr": 0.1, **o}),
    "adamw": lambda p, **o: optim.AdamW(p, **{"lr": 0.1, **o}),
    "rmsprop": lambda p, **o: optim.RMSprop(p, **{"lr": 0.1, **o}),
    "rmsprop-centered": lambda p, **o: optim.RMSprop(p, **{"lr": 0.1, "centered": True, "momentum": 0.5, **o}),
    "adagrad": lambda p, **o: optim.Adagrad(p, **{"lr": 0.1, "lr_decay": 0.01, **o}),
    "adadelta": lambda p, **o: optim.Adadelta(p, **{"lr": 0.1, **o}),
    "adamax": lambda p, **o: optim.Adamax(p, **{"lr": 0.1, **o}),
    "nadam": lambda p, **o: optim.NAdam(p, **{"lr": 0.1, **o}),
}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


def leaf(*values, dtype=None):
    return fastgrok.tensor(list(values), dtype=dtype or fastgrok.float64, requires_grad=True)


def step(optimizer, w, gradient):
    w.grad = fastgrok.tensor(gradient, dtype=w.dtype)
    optimizer.step()
    return w.detach().numpy()


def test_sgd_by_hand():
    w = leaf(1.0, 2.0)
    optimizer = optim.SGD([w], lr=0.1, weight_decay=0.5)
    np.testing.assert_allclose(step(optimizer, w, [1.0, -1.0]), [1 - 0.1 * 1.5, 2 - 0.1 * 0.0], rtol=1e-15)


def test_momentum_by_hand():
    w = leaf(0.0)
    optimizer = optim.SGD([w], lr=1.0, momentum=0.5, dampening=0.25)
    assert step(optimizer, w, [4.0]) == pytest.approx(-4.0)  # the first step is not dampened
    assert step(optimizer, w, [4.0]) == pytest.approx(-4.0 - (0.5 * 4 + 0.75 * 4))
    w = leaf(0.0)
    optimizer = optim.SGD([w], lr=1.0, momentum=0.5, nesterov=True)
    assert step(optimizer, w, [4.0]) == pytest.approx(-(4 + 0.5 * 4))


@pytest.mark.parametrize("cls, decayed", [(optim.Adam, 2.0), (optim.AdamW, 2.0 * (1 - 0.1 * 0.01))])
def test_adam_by_hand(cls, decayed):
    w = leaf(2.0)
    optimizer = cls([w], lr=0.1, betas=(0.5, 0.75), eps=0.25)
    m, v, expected = 0.0, 0.0, 2.0
    for t, g in enumerate([3.0, -1.0, 0.5], 1):
        if cls is optim.AdamW:
            expected *= 1 - 0.1 * 0.01
        m, v = 0.5 * m + 0.5 * g, 0.75 * v + 0.25 * g * g
        expected -= 0.1 / (1 - 0.5**t) * m / (math.sqrt(v) / math.sqrt(1 - 0.75**t) + 0.25)
        np.testing.assert_allclose(step(optimizer, w, [g]), [expected], rtol=1e-14)


# Some need a rate of their own: Adagrad's steps become ever smaller, Adadelta's begin tiny, and those of RMSprop (and
# NAdam, which leans towards the gradient) do not become smaller near the minimum.
RATES = {"adagrad": 0.5, "adadelta": 50.0, "rmsprop": 0.01, "rmsprop-centered": 0.005}


@pytest.mark.parametrize("kind", KINDS)
def test_finds_a_minimum(kind):
    w = leaf(3.0, -2.0)
    optimizer = KINDS[kind]([w], lr=RATES.get(kind, 0.05))
    for _ in range(500):
        optimizer.zero_grad()
        ((w - 1.0) ** 2).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(w.detach().numpy(), 1.0, atol=0.02)


@every_kind
def test_maximize_is_the_mirror_image(make):
    a, b = leaf(1.0), leaf(1.0)
    up, down = make([a], maximize=True, weight_decay=0), make([b], weight_decay=0)
    for g in (1.0, 2.0, -0.5):
        assert (step(up, a, [g]) - 1.0) == pytest.approx(1.0 - step(down, b, [g]))


@every_kind
def test_parameters_without_gradient_stay(make):
    a, b = leaf(1.0), leaf(1.0)
    optimizer = make([a, b])
    step(optimizer, a, [1.0])
    assert a.item() != 1.0 and b.item() == 1.0
    assert b not in optimizer.state or optimizer.state[b]["step"] == 0  # Adagrad's state is there from the beginning


def test_groups_have_options_of_their_own():
    a, b = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.5]
    a.grad = b.grad = fastgrok.ones(1, dtype=fastgrok.float64)
    optimizer.step()
    assert (a.item(), b.item()) == (0.9, 0.5)
    c = leaf(1.0)
    optimizer.add_param_group({"params": (p for p in [c]), "momentum": 0.9})
    assert optimizer.param_groups[2]["params"] == [c] and optimizer.param_groups[2]["lr"] == 0.1
    optimizer.zero_grad(set_to_none=False)
    assert a.grad.item() == 0.0 and c.grad is None
    optimizer.zero_grad()
    assert a.grad is None
    assert repr(optimizer).startswith("SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.1\n")


def test_named_parameters():
    layer = nn.Linear(2, 2)
    optimizer = optim.Adam(layer.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"] == list(layer.parameters())
    with pytest.raises(ValueError, match="without names"):
        optimizer.add_param_group({"params": leaf(1.0)})


def test_closure():
    w = leaf(1.0)
    optimizer = optim.SGD([w], lr=0.25)

    @fastgrok.no_grad()
    def train():
        def closure():
            optimizer.zero_grad()
            loss = (w * w).sum()
            loss.backward()
            return loss

        return optimizer.step(closure)

    assert train().item() == 1.0 and w.item() == 0.5
    assert optimizer.step() is None


def test_a_step_between_forward_and_backward_is_noticed():
    w = leaf(1.0, 2.0)
    loss = (w * w).sum()
    step(optim.SGD([w], lr=0.1), w, [1.0, 1.0])
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


def train(model, optimizer, batches):
    for x, y in batches:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()


@every_kind
def test_resuming_is_exact(make):
    batches = [(fastgrok.randn(4, 3), fastgrok.randn(4, 2)) for _ in range(6)]
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    optimizer = make(model.parameters())
    train(model, optimizer, batches[:3])

    resumed = copy.deepcopy(model)
    state = optimizer.state_dict()
    other = make(resumed.parameters(), lr=0.7)
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1
    train(model, optimizer, batches[3:])
    train(resumed, other, batches[3:])
    for p, q in zip(model.parameters(), resumed.parameters(), strict=True):
        assert p.detach().numpy().tobytes() == q.detach().numpy().tobytes()


@every_kind
def test_the_state_is_tensors_and_what_json_can_hold(make):
    w = leaf(1.0, 2.0)
    optimizer = make([w])
    step(optimizer, w, [1.0, 1.0])
    state = optimizer.state_dict()
    assert state["param_groups"][0]["params"] == [0]
    through_json = json.loads(json.dumps(state, default=lambda tensor: {"tensor": tensor.tolist()}))
    for entries in through_json["state"].values():
        for name, value in entries.items():
            if isinstance(value, dict):
                entries[name] = np.array(value["tensor"])
    other = leaf(1.0, 2.0)
    resumed = make([other])
    resumed.load_state_dict(through_json)
    other.data.copy_(w.data)
    assert (step(optimizer, w, [0.5, -1.0]) == step(resumed, other, [0.5, -1.0])).all()


def test_loading_checks_before_it_changes():
    a, b = leaf(1.0), leaf(1.0, 2.0)
    optimizer = optim.Adam([a, b])
    step(optimizer, a, [1.0])
    before = optimizer.state_dict()

    def refused(error, match, **changes):
        with pytest.raises(error, match=match):
            optimizer.load_state_dict({**before, **changes})
        after = optimizer.state_dict()
        assert after["param_groups"] == before["param_groups"] and list(after["state"]) == [0]

    group = before["param_groups"][0]
    refused(ValueError, "different number of parameter groups", param_groups=[])
    refused(ValueError, "size of optimizer's group", param_groups=[{**group, "params": [0]}])
    refused(ValueError, "expected .*exp_avg", state={0: {"momentum_buffer": fastgrok.zeros(1)}})
    moments = {"step": 1, "exp_avg": fastgrok.zeros(3), "exp_avg_sq": fastgrok.zeros(3)}
    refused(ValueError, r"exp_avg.* of shape \(3,\)", state={0: moments})
    refused(ValueError, "parameter 7", state={7: moments})
    refused(ValueError, "Invalid learning rate: -1", param_groups=[{**group, "lr": -1}])


def test_a_converted_model_needs_a_new_optimizer():
    layer = nn.Linear(2, 2)
    optimizer = optim.Adam(layer.parameters())
    train(layer, optimizer, [(fastgrok.randn(4, 2), fastgrok.randn(4, 2))])
    layer.double()
    with pytest.raises(RuntimeError, match=r"float64.*float32"):
        optimizer.step()


def test_parameters_in_any_layout():
    base = fastgrok.arange(6, dtype=fastgrok.float64).reshape(2, 3)
    w = nn.Parameter(base.T)
    optimizer = optim.SGD([w], lr=1.0)
    w.grad = fastgrok.ones(3, 2, dtype=fastgrok.float64)
    optimizer.step()
    assert base.tolist() == [[-1.0, 0.0, 1.0], [2.0, 3.0, 4.0]]


@pytest.mark.parametrize("maximize", [False, True])
def test_rows_change_only_their_rows_and_like_the_dense_gradient(maximize):
    table = nn.Embedding(50, 7)
    dense = copy.deepcopy(table)
    ids = fastgrok.randint(0, 20, (30,))
    factors = fastgrok.randn(30, 7)
    sparse_step = optim.SGD(table.parameters(), lr=0.3, maximize=maximize)
    dense_step = optim.SGD(dense.parameters(), lr=0.3, maximize=maximize)
    for layer in (table, dense):
        (layer(ids) * factors).sum().backward()
    assert isinstance(table.weight._grad, fastgrok.ops.Rows)
    assert dense.weight.grad.shape == (50, 7)  # read, hence an array
    before = table.weight.detach().clone().numpy()
    version = table.weight.storage.version
    sparse_step.step()
    dense_step.step()
    assert isinstance(table.weight._grad, fastgrok.ops.Rows) and table.weight.storage.version > version
    after = table.weight.detach().numpy()
    assert (after == dense.weight.detach().numpy()).all()
    changed = (after != before).any(axis=1)
    assert set(np.flatnonzero(changed)) <= set(ids.tolist()) and changed.sum() > 10


def test_bags_change_only_their_rows_and_like_the_dense_gradient():
    table = fastgrok.randn(50, 7).requires_grad_()
    ids, factors = fastgrok.randint(0, 20, (6, 5)), fastgrok.rand(6, 5).requires_grad_()
    dense, dense_factors = table.detach().clone().requires_grad_(), factors.detach().clone().requires_grad_()
    shift = fastgrok.randn(6, 7)
    # The factors are changed first: the gradient of the table must not follow them.
    steps = [optim.SGD([factors, table], lr=0.3), optim.SGD([dense_factors, dense], lr=0.3)]
    for w, f in ((table, factors), (dense, dense_factors)):
        y = nn.functional.embedding_bag(ids, w, mode="sum", per_sample_weights=f)
        (y * shift).sum().backward()
    assert isinstance(table._grad, fastgrok.ops.BagRows)
    assert dense.grad.shape == (50, 7)  # read, hence an array
    before = table.detach().clone().numpy()
    for step in steps:
        step.step()
    after = table.detach().numpy()
    assert (after == dense.detach().numpy()).all()
    assert set(np.flatnonzero((after != before).any(axis=1))) == set(ids.reshape(-1).tolist())


@pytest.mark.parametrize("first", ["table", "other"])
@pytest.mark.parametrize("bags", [False, True])
def test_the_gradient_of_rows_is_its_own(bags, first):
    """What the sum of looked-up rows and another leaf gets as one gradient may be changed in one of them."""
    table, other = fastgrok.zeros(9, 3).requires_grad_(), fastgrok.zeros(2, 3).requires_grad_()
    ids = fastgrok.tensor([[1, 2], [3, 3]] if bags else [1, 3])
    rows = nn.functional.embedding_bag(ids, table, mode="sum") if bags else nn.functional.embedding(ids, table)
    total = rows + other if first == "table" else other + rows
    (total * fastgrok.ones(2, 3)).sum().backward()  # the product's gradient is an array, which the sum hands to both
    other.grad.zero_()
    assert table.grad.sum(1).tolist() == ([0, 3, 3, 6, 0, 0, 0, 0, 0] if bags else [0, 3, 0, 3, 0, 0, 0, 0, 0])


WRONG_OPTIONS = [
    (optim.SGD, {"lr": -0.1}, "Invalid learning rate: -0.1"),
    (optim.SGD, {"lr": math.nan}, "Invalid learning rate: nan"),
    (optim.SGD, {"momentum": -1}, "Invalid momentum value: -1"),
    (optim.SGD, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    (optim.SGD, {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
    (optim.Adam, {"lr": -1.0}, "Invalid learning rate: -1.0"),
    (optim.Adam, {"eps": -1.0}, "Invalid epsilon value: -1.0"),
    (optim.Adam, {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
    (optim.AdamW, {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
    (optim.AdamW, {"betas": 0.9}, "pair of numbers"),
    (optim.AdamW, {"weight_decay": -1.0}, "Invalid weight_decay value: -1.0"),
    (optim.RMSprop, {"alpha": -1.0}, "Invalid alpha value: -1.0"),
    (optim.RMSprop, {"momentum": -1.0}, "Invalid momentum value: -1.0"),
    (optim.Adagrad, {"lr_decay": -1.0}, "Invalid lr_decay value: -1.0"),
    (optim.Adagrad, {"initial_accumulator_value": math.nan}, "Invalid initial_accumulator_value value: nan"),
    (optim.Adadelta, {"rho": 1.5}, "Invalid rho value: 1.5"),
    (optim.Adadelta, {"eps": -1.0}, "Invalid epsilon value: -1.0"),
    (optim.Adamax, {"betas": (0.9, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
    (optim.NAdam, {"momentum_decay": -1.0}, "Invalid momentum_decay value: -1.0"),
    (optim.SparseAdam, {"lr": 0.0}, "Invalid learning rate: 0.0"),
    (optim.SparseAdam, {"eps": 0.0}, "Invalid epsilon value: 0.0"),
]


@pytest.mark.parametrize("cls, options, message", WRONG_OPTIONS)
def test_options_that_make_no_sense(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls([leaf(1.0)], **options)
    with pytest.raises(ValueError, match=message):
        cls([{"params": [leaf(1.0)], **options}])


def test_parameters_that_make_no_sense():
    w = leaf(1.0)
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.SGD([])
    with pytest.raises(TypeError, match="iterable of Tensors"):
        optim.SGD(w)
    with pytest.raises(TypeError, match="one of the params is ndarray"):
        optim.SGD([np.ones(1)])
    with pytest.raises(ValueError, match="non-leaf"):
        optim.SGD([w * 2])
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": [w]}, {"params": [w]}])
    with pytest.raises(TypeError, match="ordered"):
        optim.SGD([{"params": {w}}])
    with pytest.raises(TypeError, match="must be a dict"):
        optim.SGD([{"params": [w]}, w])
    with pytest.raises(TypeError, match="lr='fast'"):
        optim.SGD([w], lr="fast")
    with pytest.raises(NotImplementedError, match="amsgrad"):
        optim.Adam([w], amsgrad=True)
    with pytest.warns(UserWarning, match="duplicate"):
        optim.SGD([w, w])


def test_an_optimizer_of_ones_own():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @fastgrok.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])

    w = leaf(1.0, 2.0)
    step(Sign([w], 0.5), w, [3.0, -0.1])
    assert w.tolist() == [0.5, 2.5]
    with pytest.raises(NotImplementedError, match="no update"):
        step(optim.Optimizer([w], {}), w, [1.0, 1.0])

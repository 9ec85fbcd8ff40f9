"""The same trajectories, rates and averages as PyTorch's."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn, optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd-decay": ("SGD", {"lr": 0.1, "weight_decay": 0.01}),
    "momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "dampening": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    "nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "maximize": ("SGD", {"lr": 0.001, "maximize": True, "momentum": 0.5}),
    "adam": ("Adam", {"lr": 0.01}),
    "adam-decay": ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"lr": 0.01}),
    "adamw-decay": ("AdamW", {"lr": 0.01, "weight_decay": 0.5, "maximize": True}),
}


def models():
    def make(nn):
        return nn.Sequential(nn.Embedding(6, 4), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6)).double()

    ours, theirs = make(nn), make(torch.nn)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def train(library, model, optimizer, batches, after=lambda: None):
    for ids, targets in batches:
        optimizer.zero_grad()
        logits = model(library.tensor(ids))
        library.nn.functional.cross_entropy(logits, library.tensor(targets)).backward()
        optimizer.step()
        after()


def assert_close(ours, theirs, rtol=1e-10):
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        q = q.detach().numpy()
        np.testing.assert_allclose(p.detach().numpy(), q, rtol=0, atol=rtol * np.abs(q).max())


@pytest.mark.parametrize("name, options", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_trajectories(rng, name, options):
    ours, theirs = models()
    batches = [(rng.integers(0, 6, 8), rng.integers(0, 6, 8)) for _ in range(50)]
    optimizers = [
        getattr(library, name)(m.parameters(), **options) for library, m in ((optim, ours), (torch.optim, theirs))
    ]
    train(fastgrok, ours, optimizers[0], batches)
    train(torch, theirs, optimizers[1], batches)
    assert_close(ours, theirs)

    state, other = (optimizer.state_dict() for optimizer in optimizers)
    assert state.keys() == other.keys()
    assert {i: set(s) for i, s in state["state"].items()} == {i: set(s) for i, s in other["state"].items()}
    assert set(state["param_groups"][0]) <= set(other["param_groups"][0])
    # Their state continues in our optimizer.
    resumed = getattr(optim, name)(ours.parameters())
    resumed.load_state_dict(other)
    train(fastgrok, ours, resumed, batches[:5])
    train(torch, theirs, optimizers[1], batches[:5])
    assert_close(ours, theirs)


def sequential(s, optimizer):
    parts = [
        s.LinearLR(optimizer, 0.1, total_iters=4),
        s.ExponentialLR(optimizer, 0.9),
        s.CosineAnnealingLR(optimizer, 7, 0.01),
    ]
    return s.SequentialLR(optimizer, parts, [5, 9])


SCHEDULERS = {
    "lambda": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (e + 1)]),
    "step": lambda s, o: s.StepLR(o, 3, 0.5),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.8),
    "linear": lambda s, o: s.LinearLR(o),
    "linear-down": lambda s, o: s.LinearLR(o, 1.0, 0.0, 11),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 6, eta_min=0.03),
    "sequential": sequential,
    "sequential-at-once": lambda s, o: s.SequentialLR(o, [s.StepLR(o, 2), s.LinearLR(o, 0.5)], [0]),
}


@pytest.mark.parametrize("make", SCHEDULERS.values(), ids=SCHEDULERS)
def test_rates(make):
    rates = []
    for library, schedulers in ((fastgrok, optim.lr_scheduler), (torch, torch.optim.lr_scheduler)):
        params = [library.zeros(1, requires_grad=True) for _ in range(2)]
        groups = [{"params": [params[0]], "lr": 0.5}, {"params": [params[1]], "lr": 0.2}]
        optimizer = library.optim.SGD(groups, lr=0.1)
        scheduler = make(schedulers, optimizer)
        rates.append([scheduler.get_last_lr()])
        for _ in range(25):
            optimizer.step()
            scheduler.step()
            rates[-1].append([group["lr"] for group in optimizer.param_groups])
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-12, atol=1e-16)


def test_averages(rng):
    ours, theirs = models()
    batches = [(rng.integers(0, 6, 8), rng.integers(0, 6, 8)) for _ in range(20)]
    for ours_fn, theirs_fn in (
        ({}, {}),
        (
            {"multi_avg_fn": optim.swa_utils.get_ema_multi_avg_fn(0.9)},
            {"multi_avg_fn": torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)},
        ),
    ):
        a = optim.swa_utils.AveragedModel(ours, **ours_fn)
        b = torch.optim.swa_utils.AveragedModel(theirs, **theirs_fn)
        train(fastgrok, ours, optim.Adam(ours.parameters()), batches, lambda a=a: a.update_parameters(ours))
        train(torch, theirs, torch.optim.Adam(theirs.parameters()), batches, lambda b=b: b.update_parameters(theirs))
        assert_close(a, b)
        assert list(a.state_dict()) == list(b.state_dict())


WRONG = {
    "no parameters": lambda o, t: o.SGD([]),
    "a tensor": lambda o, t: o.SGD(t.zeros(1, requires_grad=True)),
    "not tensors": lambda o, t: o.Adam([1.0]),
    "not a leaf": lambda o, t: o.Adam([t.zeros(1, requires_grad=True) * 2]),
    "rate": lambda o, t: o.Adam([t.zeros(1, requires_grad=True)], lr=-1),
    "beta": lambda o, t: o.AdamW([t.zeros(1, requires_grad=True)], betas=(0.9, 1.0)),
    "nesterov": lambda o, t: o.SGD([t.zeros(1, requires_grad=True)], nesterov=True),
    "groups": lambda o, t: o.SGD([t.zeros(1)]).load_state_dict({"state": {}, "param_groups": []}),
    "scheduler": lambda o, t: o.lr_scheduler.StepLR(3, 3),
    "lambdas": lambda o, t: o.lr_scheduler.LambdaLR(o.SGD([t.zeros(1)]), [abs, abs]),
    "factor": lambda o, t: o.lr_scheduler.LinearLR(o.SGD([t.zeros(1)]), 2.0),
    "initial rate": lambda o, t: o.lr_scheduler.StepLR(o.SGD([t.zeros(1)]), 1, last_epoch=1),
    "decay": lambda o, t: o.swa_utils.get_ema_avg_fn(2.0),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    with pytest.raises(Exception) as theirs:
        call(torch.optim, torch)
    with pytest.raises(theirs.type):
        call(optim, fastgrok)

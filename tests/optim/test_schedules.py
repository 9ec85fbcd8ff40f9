"""All schedules against PyTorch's for drawn settings: rates, momentum, states; resuming; what they refuse."""

import inspect
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok import nn, optim
from fastgrok.optim import lr_scheduler, swa_utils
from fastgrok.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

STEPS = 40

factors = st.floats(0.1, 1.0)
periods = st.integers(1, 12)
flags = st.booleans()
two_rates = st.one_of(st.floats(0.2, 3.0), st.lists(st.floats(0.2, 3.0), min_size=2, max_size=2))
momenta = st.floats(0.5, 0.95)


def settings(**strategies):
    return st.fixed_dictionaries(strategies)


SETTINGS = {
    "MultiplicativeLR": settings(lr_lambda=factors.map(lambda f: lambda epoch: f + 0.01 * (epoch % 3))),
    "MultiStepLR": settings(milestones=st.lists(st.integers(0, STEPS), max_size=5), gamma=factors),
    "ConstantLR": settings(factor=factors, total_iters=periods),
    "LinearLR": settings(start_factor=factors, end_factor=factors, total_iters=periods),
    "PolynomialLR": settings(total_iters=periods, power=st.floats(0.5, 3.0)),
    "StepLR": settings(step_size=periods, gamma=factors),
    "ExponentialLR": settings(gamma=factors),
    "CosineAnnealingLR": settings(T_max=periods, eta_min=st.floats(0, 0.1)),
    "CosineAnnealingWarmRestarts": settings(T_0=periods, T_mult=st.integers(1, 3), eta_min=st.floats(0, 0.1)),
    "OneCycleLR": st.one_of(
        settings(
            max_lr=two_rates, total_steps=st.integers(STEPS, 60), pct_start=st.floats(0.11, 0.44),
            anneal_strategy=st.sampled_from(["cos", "linear"]), cycle_momentum=flags, base_momentum=momenta,
            max_momentum=momenta, div_factor=st.floats(2, 30), final_div_factor=st.floats(1, 1e4), three_phase=flags,
        ),
        settings(max_lr=two_rates, epochs=st.just(5), steps_per_epoch=st.integers(9, 20)),
    ),
    "CyclicLR": settings(
        base_lr=st.floats(0.01, 0.1), max_lr=two_rates, step_size_up=periods, step_size_down=st.none() | periods,
        mode=st.sampled_from(["triangular", "triangular2", "exp_range"]), gamma=st.floats(0.9, 1.0),
        scale_fn=st.none() | st.just(lambda x: 1 / (1 + x)), scale_mode=st.sampled_from(["cycle", "iterations"]),
        cycle_momentum=flags, base_momentum=momenta, max_momentum=momenta,
    ),
    "SWALR": settings(
        swa_lr=two_rates, anneal_epochs=st.integers(0, 12), anneal_strategy=st.sampled_from(["cos", "linear"])
    ),
}  # fmt: skip
each_name = pytest.mark.parametrize("name", SETTINGS)


def find(library, name):
    return getattr(library.optim.swa_utils if name == "SWALR" else library.optim.lr_scheduler, name)


def new_optimizer(library, adam=False):
    groups = [{"params": [library.zeros(1, requires_grad=True)], "lr": lr} for lr in (0.5, 0.2)]
    return library.optim.Adam(groups) if adam else library.optim.SGD(groups, momentum=0.9)


def run(scheduler, steps, *arguments):
    """Return what the scheduler sets, before each step and after the last."""
    optimizer, found = scheduler.optimizer, []
    for t in range(steps + 1):
        for group, lr in zip(optimizer.param_groups, scheduler.get_last_lr(), strict=True):
            assert group["lr"] == lr
            found.append((lr, group["betas"][0] if "betas" in group else group["momentum"]))
        if t < steps:
            optimizer.step()
            scheduler.step(*(argument[t] for argument in arguments))
    return np.array(found)


def assert_same(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.torch
@each_name
@given(data=st.data())
def test_rates(name, data):
    torch = pytest.importorskip("torch")
    options, adam = data.draw(SETTINGS[name]), data.draw(flags)
    ours, theirs = (find(library, name)(new_optimizer(library, adam), **options) for library in (fastgrok, torch))
    assert_same(run(ours, STEPS), run(theirs, STEPS))


PARTS = [name for name in SETTINGS if name not in ("OneCycleLR", "CyclicLR", "SWALR")]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:Detected call")  # PyTorch warns of a step of its own
@given(data=st.data())
@pytest.mark.parametrize("how", ["SequentialLR", "ChainedScheduler", "chained in a sequence"])
def test_composed_rates(how, data):
    torch = pytest.importorskip("torch")
    names = data.draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=3))
    options = [data.draw(SETTINGS[name]) for name in names]
    milestones = sorted(data.draw(st.sets(st.integers(1, 30), min_size=len(names), max_size=len(names))))
    results = []
    for library in (fastgrok, torch):
        optimizer, schedules = new_optimizer(library), library.optim.lr_scheduler
        parts = [find(library, name)(optimizer, **chosen) for name, chosen in zip(names, options, strict=True)]
        if how == "SequentialLR":
            scheduler = schedules.SequentialLR(optimizer, parts, milestones[1:])
        elif how == "ChainedScheduler":
            scheduler = schedules.ChainedScheduler(parts)
        else:
            chained = schedules.ChainedScheduler(parts, optimizer)
            scheduler = schedules.SequentialLR(
                optimizer, [chained, schedules.StepLR(optimizer, 3, 0.5)], milestones[:1]
            )
        results.append(run(scheduler, STEPS))
    assert_same(*results)


@pytest.mark.torch
@given(
    options=settings(
        mode=st.sampled_from(["min", "max"]), factor=st.floats(0.1, 0.9), patience=st.integers(0, 3),
        threshold=st.sampled_from([0.0, 1e-4, 0.3]), threshold_mode=st.sampled_from(["rel", "abs"]),
        cooldown=st.integers(0, 3), min_lr=st.sampled_from([0, 0.01, [0.1, 0.0]]), eps=st.sampled_from([1e-8, 0.05]),
    ),
    metrics=st.lists(st.floats(-2, 2) | st.just(math.nan), min_size=STEPS, max_size=STEPS),
)  # fmt: skip
def test_plateau(options, metrics):
    torch = pytest.importorskip("torch")
    schedulers = [
        library.optim.lr_scheduler.ReduceLROnPlateau(new_optimizer(library), **options) for library in (fastgrok, torch)
    ]
    assert_same(*(run(scheduler, STEPS, metrics) for scheduler in schedulers))
    ours, theirs = (scheduler.state_dict() for scheduler in schedulers)
    assert ours.keys() == theirs.keys()
    # Each goes on from the state of the other.
    schedulers[0].load_state_dict(theirs)
    schedulers[1].load_state_dict(ours)
    assert_same(*(run(scheduler, STEPS, metrics) for scheduler in schedulers))


def test_plateau_by_hand():
    scheduler = ReduceLROnPlateau(new_optimizer(fastgrok), factor=0.5, patience=1, cooldown=1)
    rates = run(scheduler, 7, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, fastgrok.tensor(0.5)])[::2, 0]
    assert rates.tolist() == [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125]
    scheduler.optimizer.add_param_group({"params": [fastgrok.zeros(1)]})
    scheduler.step(0.1)
    for _ in range(3):
        scheduler.step(9.0)
    assert len(scheduler.min_lrs) == 3
    listed = ReduceLROnPlateau(new_optimizer(fastgrok), min_lr=[0, 0], patience=0)
    listed.optimizer.add_param_group({"params": [fastgrok.zeros(1)]})
    listed.step(1.0)
    with pytest.raises(RuntimeError, match=r"\(3\) differs from .* \(2\)"):
        listed.step(1.0)


@each_name
@given(data=st.data())
def test_resuming_is_exact_also_through_json(name, data):
    options = data.draw(SETTINGS[name])
    first = find(fastgrok, name)(new_optimizer(fastgrok), **options)
    run(first, 7)
    saved = first.state_dict(), {"param_groups": first.optimizer.state_dict()["param_groups"], "state": {}}
    scheduler_state, optimizer_state = json.loads(json.dumps(saved))
    resumed = find(fastgrok, name)(new_optimizer(fastgrok), **options)
    resumed.load_state_dict(scheduler_state)
    resumed.optimizer.load_state_dict(optimizer_state)
    assert (run(resumed, 20) == run(first, 20)).all()


@pytest.mark.torch
@each_name
@given(data=st.data())
def test_the_state_of_theirs_goes_on_in_ours(name, data):
    torch = pytest.importorskip("torch")
    options = data.draw(SETTINGS[name])
    ours, theirs = (find(library, name)(new_optimizer(library), **options) for library in (fastgrok, torch))
    run(theirs, 7)
    ours.load_state_dict(theirs.state_dict())
    ours.optimizer.load_state_dict({**theirs.optimizer.state_dict(), "state": {}})
    assert_same(run(ours, 20), run(theirs, 20))
    missing = set(theirs.state_dict()) - set(ours.state_dict())
    assert missing <= {"_get_lr_called_within_step", "_is_initial"}  # what PyTorch keeps while it computes


@pytest.mark.torch
def test_warm_restarts_at_fractions_of_an_epoch():
    torch = pytest.importorskip("torch")
    results = []
    for library in (fastgrok, torch):
        scheduler = library.optim.lr_scheduler.CosineAnnealingWarmRestarts(new_optimizer(library), 3, 2)
        results.append(run(scheduler, 30, [t / 2 for t in range(30)]))
    assert_same(*results)
    with pytest.raises(ValueError, match="non-negative epoch"):
        scheduler.step(-1)


def test_callable_objects_keep_their_attributes():
    class Fade:
        def __init__(self, base):
            self.base = base

        def __call__(self, cycle):
            return self.base**cycle

    def make(base):
        return lr_scheduler.CyclicLR(new_optimizer(fastgrok), 0.1, 1.0, 3, scale_fn=Fade(base))

    first, other = make(0.5), make(0.25)
    run(first, 5)
    other.load_state_dict(first.state_dict())
    assert other._scale_fn_custom.base == 0.5 and other.last_epoch == 5


def test_one_cycle_ends_with_its_steps():
    scheduler = OneCycleLR(new_optimizer(fastgrok), 1.0, total_steps=3)
    run(scheduler, 3)
    with pytest.raises(ValueError, match="Tried to step 4 times"):
        scheduler.step()


class FakeBatchNorm(nn.Module):
    """The attributes of batch normalisation that `update_bn` goes by."""

    def __init__(self):
        super().__init__()
        self.momentum, self.seen = 0.1, []

    def reset_running_stats(self):
        self.seen = []

    def forward(self, x):
        self.seen.append((x.shape, self.momentum, self.training, fastgrok.is_grad_enabled()))
        return x


def test_update_bn():
    model = nn.Sequential(nn.Linear(2, 2), FakeBatchNorm()).eval()
    swa_utils.update_bn([fastgrok.zeros(3, 2), (fastgrok.zeros(1, 2), "label")], model, device="cpu")
    assert model[1].seen == [((3, 2), None, True, False), ((1, 2), None, True, False)]
    assert model[1].momentum == 0.1 and not model.training
    with pytest.raises(ZeroDivisionError):
        swa_utils.update_bn((1 / 0 for _ in range(2)), model)
    assert model[1].momentum == 0.1 and not model.training
    swa_utils.update_bn(iter(lambda: pytest.fail("asked for data"), None), nn.Linear(2, 2))


WRONG = {
    "factor": lambda o, t: o.lr_scheduler.ConstantLR(o.SGD([t.zeros(1)]), 1.5),
    "not callable": lambda o, t: o.lr_scheduler.MultiplicativeLR(o.SGD([t.zeros(1)]), 0.5),
    "lambdas": lambda o, t: o.lr_scheduler.MultiplicativeLR(o.SGD([t.zeros(1)]), [abs, abs]),
    "no optimizer": lambda o, t: o.lr_scheduler.ReduceLROnPlateau(3),
    "reduction": lambda o, t: o.lr_scheduler.ReduceLROnPlateau(o.SGD([t.zeros(1)]), factor=1.0),
    "mode": lambda o, t: o.lr_scheduler.ReduceLROnPlateau(o.SGD([t.zeros(1)]), mode="least"),
    "threshold mode": lambda o, t: o.lr_scheduler.ReduceLROnPlateau(o.SGD([t.zeros(1)]), threshold_mode="x"),
    "min_lr": lambda o, t: o.lr_scheduler.ReduceLROnPlateau(o.SGD([t.zeros(1)]), min_lr=[1, 2]),
    "T_0": lambda o, t: o.lr_scheduler.CosineAnnealingWarmRestarts(o.SGD([t.zeros(1)]), 0),
    "T_mult": lambda o, t: o.lr_scheduler.CosineAnnealingWarmRestarts(o.SGD([t.zeros(1)]), 1, 1.5),
    "eta_min": lambda o, t: o.lr_scheduler.CosineAnnealingWarmRestarts(o.SGD([t.zeros(1)]), 1, 1, "0"),
    "cycle of nothing": lambda o, t: o.lr_scheduler.CyclicLR(3, 1, 2),
    "cycle mode": lambda o, t: o.lr_scheduler.CyclicLR(o.SGD([t.zeros(1)]), 1, 2, mode="round"),
    "cycle rates": lambda o, t: o.lr_scheduler.CyclicLR(o.SGD([t.zeros(1)]), [1, 1], 2),
    "no momentum": lambda o, t: o.lr_scheduler.CyclicLR(o.Adagrad([t.zeros(1)]), 1, 2),
    "no steps": lambda o, t: o.lr_scheduler.OneCycleLR(o.SGD([t.zeros(1)]), 1),
    "total_steps": lambda o, t: o.lr_scheduler.OneCycleLR(o.SGD([t.zeros(1)]), 1, 0),
    "epochs": lambda o, t: o.lr_scheduler.OneCycleLR(o.SGD([t.zeros(1)]), 1, epochs=0, steps_per_epoch=1),
    "pct_start": lambda o, t: o.lr_scheduler.OneCycleLR(o.SGD([t.zeros(1)]), 1, 10, pct_start=2.0),
    "anneal": lambda o, t: o.lr_scheduler.OneCycleLR(o.SGD([t.zeros(1)]), 1, 10, anneal_strategy="exp"),
    "no beta": lambda o, t: o.lr_scheduler.OneCycleLR(o.Adagrad([t.zeros(1)]), 1, 10),
    "nothing chained": lambda o, t: o.lr_scheduler.ChainedScheduler([]),
    "plateau chained": lambda o, t: o.lr_scheduler.ChainedScheduler(
        [o.lr_scheduler.ReduceLROnPlateau(o.SGD([t.zeros(1)]))]
    ),
    "others chained": lambda o, t: o.lr_scheduler.ChainedScheduler(
        [o.lr_scheduler.StepLR(o.SGD([t.zeros(1)]), 1) for _ in range(2)]
    ),
    "numbers chained": lambda o, t: o.lr_scheduler.ChainedScheduler([3], o.SGD([t.zeros(1)])),
    "swa rates": lambda o, t: o.swa_utils.SWALR(o.SGD([t.zeros(1)]), [1, 2]),
    "swa strategy": lambda o, t: o.swa_utils.SWALR(o.SGD([t.zeros(1)]), 1, anneal_strategy="exp"),
    "swa epochs": lambda o, t: o.swa_utils.SWALR(o.SGD([t.zeros(1)]), 1, anneal_epochs=-1),
}


@pytest.mark.torch
@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        call(torch.optim, torch)
    with pytest.raises(theirs.type):
        call(optim, fastgrok)


@pytest.mark.torch
def test_signatures_are_theirs():
    torch = pytest.importorskip("torch")
    for name in (*SETTINGS, "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler"):
        ours, theirs = (inspect.signature(find(library, name)) for library in (fastgrok, torch))
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ], name

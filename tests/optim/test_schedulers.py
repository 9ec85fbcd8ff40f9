"""Learning-rate schedules: values by hand, exact resuming, and what they refuse."""

import math

import pytest

import fastgrok
from fastgrok import optim
from fastgrok.optim import lr_scheduler


def new_optimizer(lr=1.0, groups=1):
    return optim.SGD([{"params": [fastgrok.zeros(1, requires_grad=True)], "lr": lr * (i + 1)} for i in range(groups)])


def run(scheduler, steps):
    """Return the rate before each step, and after the last."""
    rates = [scheduler.get_last_lr()[0]]
    for _ in range(steps):
        scheduler.optimizer.step()
        scheduler.step()
        rates.append(scheduler.get_last_lr()[0])
        assert scheduler.optimizer.param_groups[0]["lr"] == rates[-1]
    return rates


def sequential(optimizer):
    warm = lr_scheduler.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    return lr_scheduler.SequentialLR(optimizer, [warm, lr_scheduler.CosineAnnealingLR(optimizer, 4)], [3])


CASES = {
    "step": (lambda o: lr_scheduler.StepLR(o, 2, gamma=0.5), [1, 1, 0.5, 0.5, 0.25]),
    "exponential": (lambda o: lr_scheduler.ExponentialLR(o, 0.5), [1, 0.5, 0.25, 0.125]),
    "lambda": (lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 1 / (1 + epoch)), [1, 1 / 2, 1 / 3, 1 / 4]),
    "linear": (lambda o: lr_scheduler.LinearLR(o, 1.0, 0.0, 4), [1, 0.75, 0.5, 0.25, 0, 0]),
    "warm-up": (lambda o: lr_scheduler.LinearLR(o, 0.5, total_iters=2), [0.5, 0.75, 1, 1]),
    "cosine": (
        lambda o: lr_scheduler.CosineAnnealingLR(o, 4, eta_min=0.5),
        [0.5 + 0.25 * (1 + math.cos(math.pi * t / 4)) for t in range(10)],
    ),
    "sequential": (
        sequential,
        [0.25, 0.5, 0.75, *(0.5 * (1 + math.cos(math.pi * t / 4)) for t in range(5))],
    ),
}
every_case = pytest.mark.parametrize("make, expected", CASES.values(), ids=CASES)


@every_case
def test_rates(make, expected):
    assert run(make(new_optimizer()), len(expected) - 1) == pytest.approx(expected, abs=1e-12)


def test_every_group_has_its_own_rate():
    scheduler = lr_scheduler.StepLR(new_optimizer(groups=2), 2)
    assert run(scheduler, 3)[-1] == 0.1 and scheduler.base_lrs == [1.0, 2.0]
    assert scheduler.get_last_lr() == [0.1, 0.2]


def test_a_sequence_in_a_sequence_starts_anew():
    optimizer = new_optimizer()
    parts = [lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5), sequential(optimizer)]
    scheduler = lr_scheduler.SequentialLR(optimizer, parts, [2])
    expected = CASES["sequential"][1]
    assert run(scheduler, 5) == pytest.approx([0.5, 0.5, *expected[:4]])
    optimizer = new_optimizer()
    parts = [sequential(optimizer), lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5)]
    assert run(lr_scheduler.SequentialLR(optimizer, parts, [5]), 6) == pytest.approx([*expected[:5], 0.5, 0.5])


@every_case
def test_resuming_is_exact(make, expected):
    scheduler = make(new_optimizer())
    run(scheduler, 3)
    state, rates = scheduler.state_dict(), scheduler.optimizer.state_dict()
    assert "optimizer" not in state

    optimizer = new_optimizer(lr=9.0)
    resumed = make(optimizer)
    resumed.load_state_dict(state)
    optimizer.load_state_dict(rates)
    assert run(resumed, 4) == run(scheduler, 4)


def test_a_rate_set_by_hand_is_kept():
    scheduler = lr_scheduler.ExponentialLR(new_optimizer(), 0.5)
    scheduler.optimizer.param_groups[0]["lr"] = 8.0
    assert run(scheduler, 2)[1:] == [4.0, 2.0]


def test_lambdas_per_group_and_callable_objects():
    class Factor:
        def __init__(self, base):
            self.base = base

        def __call__(self, epoch):
            return self.base**epoch

    optimizer = new_optimizer(groups=2)
    scheduler = lr_scheduler.LambdaLR(optimizer, [Factor(0.5), lambda epoch: 1.0])
    run(scheduler, 2)
    assert scheduler.get_last_lr() == [0.25, 2.0]
    state = scheduler.state_dict()
    assert state["lr_lambdas"] == [{"base": 0.5}, None]
    other = lr_scheduler.LambdaLR(new_optimizer(groups=2), [Factor(0.1), lambda epoch: 1.0])
    other.load_state_dict(state)
    assert other.lr_lambdas[0].base == 0.5


def test_order_of_calls():
    scheduler = lr_scheduler.StepLR(new_optimizer(), 1)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        scheduler.step()


def test_continuing_needs_initial_rates():
    optimizer = new_optimizer()
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(optimizer, 2, last_epoch=3)
    optimizer.param_groups[0]["initial_lr"] = 1.0
    assert lr_scheduler.LambdaLR(optimizer, lambda e: 0.5**e, last_epoch=1).get_last_lr() == [0.25]


def test_what_is_refused():
    optimizer = new_optimizer()
    with pytest.raises(TypeError, match="float is not an Optimizer"):
        lr_scheduler.StepLR(0.1, 2)
    with pytest.raises(ValueError, match="step_size=0"):
        lr_scheduler.StepLR(optimizer, 0)
    with pytest.raises(ValueError, match="T_max=0"):
        lr_scheduler.CosineAnnealingLR(optimizer, 0)
    with pytest.raises(ValueError, match="Starting multiplicative factor"):
        lr_scheduler.LinearLR(optimizer, 0.0)
    with pytest.raises(ValueError, match="Ending multiplicative factor"):
        lr_scheduler.LinearLR(optimizer, 1.0, 1.5)
    with pytest.raises(ValueError, match="Expected 1 lr_lambdas, but got 2"):
        lr_scheduler.LambdaLR(optimizer, [abs, abs])
    with pytest.raises(ValueError, match="at least one scheduler"):
        lr_scheduler.SequentialLR(optimizer, [], [])
    one, other = lr_scheduler.StepLR(optimizer, 2), lr_scheduler.StepLR(new_optimizer(), 2)
    with pytest.raises(ValueError, match="same optimizer"):
        lr_scheduler.SequentialLR(optimizer, [one, other], [2])
    with pytest.raises(ValueError, match="number of milestones"):
        lr_scheduler.SequentialLR(optimizer, [one, one], [])
    with pytest.raises(TypeError, match="schedulers\\[0\\]"):
        lr_scheduler.SequentialLR(optimizer, ["linear"], [])

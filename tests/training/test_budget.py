"""Training for a given time, with a clock that the test turns."""

import itertools
import math

import pytest
from training.small_runs import regression

from fastgrok.training import Budget, Callback, Checkpoint, Recipe, budget, fit


class Clock:
    """Time that passes only where it is told to."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Working(Callback):
    """Let every step take as long as `seconds(step)` says."""

    def __init__(self, clock, seconds):
        self.clock, self.seconds = clock, seconds

    def on_step_begin(self, run):
        self.clock.now += self.seconds(run.step)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("fastgrok.training.budget.time", clock)
    monkeypatch.setattr("fastgrok.training.loop.time", clock)
    return clock


def _validation(clock, seconds):
    def validate(model):
        clock.now += seconds
        return 1.0

    return validate


def test_the_run_ends_in_time_and_uses_nearly_all_of_it(clock):
    working = Working(clock, lambda step: 5.0 if step == 0 else 0.1)  # the first step loads kernels
    plan = Budget(100.0, timed_steps=20, reserve=2.0)
    run = fit(*regression(), seconds=plan, validate=_validation(clock, 0.3), callbacks=[working])
    assert run.finished
    assert run.stopped is None
    assert 96.5 < clock.now - 1000 <= 98, "2 seconds are reserved"


def test_steps_that_compile_kernels_are_not_taken_for_the_others(clock):
    working = Working(clock, lambda step: {0: 30.0, 7: 0.5, 15: 0.5}.get(step, 0.025))
    run = fit(*regression(), seconds=Budget(180.0), validate=_validation(clock, 0.1), callbacks=[working])
    assert run.finished
    assert 0.975 * 180 < clock.now - 1000 <= 180


def test_a_long_run_uses_all_but_a_little_of_the_time(clock):
    working = Working(clock, lambda step: 2.0 if step == 0 else 0.02)
    run = fit(*regression(), seconds=Budget(180.0), validate=_validation(clock, 1.0), callbacks=[working])
    assert run.finished
    assert 0.985 * 180 < clock.now - 1000 <= 180


def test_what_callbacks_do_after_a_validation_is_not_time_of_a_step(clock):
    class Rehearse(Callback):
        def on_validation_end(self, run):
            clock.now += 5.0 if run.step < 20 else 0.0

    working = Working(clock, lambda step: 0.1)  # an epoch has 7 steps
    run = fit(*regression(), seconds=Budget(100.0), validate=_validation(clock, 0.1), callbacks=[working, Rehearse()])
    assert run.finished
    assert 97 < clock.now - 1000 <= 100


@pytest.mark.parametrize("seconds", [3.0, 6.0])
def test_a_short_run_relies_on_the_validation_time_that_a_callback_expects(clock, seconds):
    class Expect(Callback):
        def on_train_begin(self, run):
            run.validation_seconds = 1.0

    callbacks = [Expect(), Working(clock, lambda step: 0.05)]
    plan = Budget(seconds, reserve=lambda: 0.5)
    *parts, batches = regression()
    epoch = [next(iter(batches))] * 1000
    run = fit(*parts, epoch, seconds=plan, validate=_validation(clock, 1.0), callbacks=callbacks)
    assert run.validated_at == run.step
    assert seconds - 0.8 < clock.now - 1000 <= seconds - 0.5


def test_the_clock_may_have_started_before(clock):
    working = Working(clock, lambda step: 0.1)
    run = fit(*regression(), seconds=Budget(50.0, started=990.0), callbacks=[working])
    assert run.finished
    assert 39 < clock.now - 1000 <= 40


@pytest.mark.parametrize("before", [0.05, 0.2])
def test_the_plan_follows_the_machine(clock, before):
    """A disturbance while the first steps are timed, or one that begins later, must not decide about the whole run."""
    working = Working(clock, lambda step: before if step < 100 else 0.1)
    plan = Budget(100.0, reserve=1.0)
    *parts, batches = regression()
    epoch = [next(iter(batches))] * 1000
    run = fit(*parts, epoch, seconds=plan, validate=_validation(clock, 0.3), callbacks=[working])
    assert run.finished
    assert 96 < clock.now - 1000 <= 99


def test_a_run_goes_on_when_all_the_steps_that_were_timed_were_slow_ones(clock):
    working = Working(clock, lambda step: 0.25 if step < 60 else 0.025)
    run = fit(*regression(), seconds=Budget(20.0), validate=_validation(clock, 0.1), callbacks=[working])
    assert run.finished
    assert 19 < clock.now - 1000 <= 20, "the first plan was for some 80 steps, which would end at 15"


def test_rates_move_by_as_little_as_the_plan(clock):
    class Rates(Callback):
        def __init__(self):
            self.rates = []

        def on_step_end(self, run):
            self.rates.append(Recipe(warmup=5).rate_factor(run.step, run.steps))

    rates = Rates()
    working = Working(clock, lambda step: 0.1 if step < 300 else 0.12)
    fit(*regression(), seconds=Budget(100.0), callbacks=[working, rates])
    jumps = [abs(a - b) for a, b in itertools.pairwise(rates.rates[5:])]
    assert max(jumps) < 0.1
    assert rates.rates[-1] < 0.01


def test_a_machine_that_slows_down_at_the_end_stops_the_run_in_time(clock):
    working = Working(clock, lambda step: 0.1 if step < 380 else 1.0)
    plan = Budget(60.0, reserve=1.0)
    run = fit(*regression(), seconds=plan, validate=_validation(clock, 0.3), callbacks=[working])
    assert run.stopped == Budget.LATE
    assert run.step < run.steps
    assert run.validated_at == run.step, "what was reached is measured"
    assert 56 < clock.now - 1000 <= 60


def test_time_that_runs_out_before_anything_could_be_timed_ends_the_run(clock):
    working = Working(clock, lambda step: 10.0)
    run = fit(*regression(), seconds=Budget(35.0), callbacks=[working])
    assert (run.stopped, run.step, run.steps) == (Budget.LATE, 4, None)


def test_the_number_of_steps_is_stored_and_a_resumed_run_keeps_it(clock, tmp_path):
    working = Working(clock, lambda step: 0.1 if step < 180 else 2.0)
    first = fit(*regression(), seconds=Budget(20.0), callbacks=[working, Checkpoint(tmp_path)])
    assert first.stopped == Budget.LATE
    rest = fit(*regression(), seconds=Budget(20.0), callbacks=[Working(clock, lambda step: 9.0)], resume=tmp_path)
    assert rest.stopped is None
    assert rest.step == rest.steps == first.steps


def test_the_age_of_a_process_is_known():
    import time

    assert 0 < time.monotonic() - budget.process_started()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e300, math.inf, math.nan])
def test_a_budget_that_makes_no_sense_is_refused(seconds):
    with pytest.raises(ValueError, match=r"expected a positive number, at most 31,536,000 \(a year\)"):
        Budget(seconds)


def test_rates_do_not_depend_on_the_end_while_steps_are_timed():
    for recipe in (Recipe(warmup=0), Recipe(warmup=50), Recipe(warmup=5, schedule="cosine")):
        timed = max(recipe.warmup, budget.TIMED_STEPS)
        for step in range(timed):
            assert recipe.rate_factor(step, None) == recipe.rate_factor(step, 1000)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_rates_rise_then_fall_to_the_final_one(schedule):
    recipe = Recipe(warmup=30, schedule=schedule, final_lr=0.1)
    rates = [recipe.rate_factor(step, 500) for step in range(501)]
    assert rates[:30] == pytest.approx([(step + 1) / 30 for step in range(30)])
    assert all(a >= b for a, b in itertools.pairwise(rates[30:]))
    assert rates[500] == pytest.approx(1.0 if schedule == "constant" else 0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": 0},
        {"layers": True},
        {"lr": -1.0},
        {"lr": math.nan},
        {"dropout": 1.0},
        {"bptt": 1.5},
        {"schedule": "wild"},
        {"seed": -1},
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"{name}="):
        Recipe(**settings)


def test_a_recipe_survives_its_json():
    recipe = Recipe(hidden=3, schedule="cosine")
    assert Recipe.from_json(recipe.to_json()) == recipe
    with pytest.raises(ValueError, match="not a recipe"):
        Recipe.from_json({"hiden": 3})


def test_a_model_that_does_not_fit_into_memory_is_refused_before_it_is_made():
    Recipe().check_memory(65)
    with pytest.raises(ValueError, match=r"GB of memory.*use smaller sizes"):
        Recipe(hidden=1_000_000).check_memory(65)

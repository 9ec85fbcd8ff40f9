"""The loop: how long it runs, in which order callbacks hear of it, and what it refuses."""

import math

import numpy as np
import pytest
from training.small_runs import assert_bitwise_equal, regression

import fastgrok
from fastgrok.training import Callback, EarlyStopping, Run, Schedule, evaluate, fit


def test_a_model_learns():
    model, loss, optimizer, batches = regression()
    before = evaluate(model, loss, batches)
    run = fit(model, loss, optimizer, batches, epochs=10, callbacks=[])
    assert isinstance(run, Run)
    assert (run.step, run.epoch, run.finished, run.stopped) == (70, 10, True, None)
    assert evaluate(model, loss, batches) < 0.5 * before


def test_steps_end_a_run_inside_an_epoch():
    run = fit(*regression(), steps=10, callbacks=[])
    assert (run.step, run.epoch, run.batch) == (10, 1, 3)


def test_batches_without_a_length_will_do():
    model, loss, optimizer, batches = regression()

    class Endless:
        def __iter__(self):
            return iter(list(batches))

    run = fit(model, loss, optimizer, Endless(), epochs=2, callbacks=[])
    assert (run.step, run.epoch, run.steps) == (14, 2, None)


def test_an_iterator_is_not_enough_for_two_epochs():
    model, loss, optimizer, batches = regression()
    with pytest.raises(ValueError, match="batches is empty, or an iterator that is used up"):
        fit(model, loss, optimizer, iter(list(batches)), epochs=2, callbacks=[])


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({}, "neither epochs nor steps nor seconds"),
        ({"epochs": 1, "steps": 2}, "expected exactly one"),
        ({"steps": 0}, "steps=0, expected a positive number"),
        ({"epochs": -1}, "epochs=-1, expected a positive number"),
        ({"seconds": math.nan}, "seconds=nan, expected a positive number"),
        ({"steps": 1, "clip_norm": 0.0}, r"clip_norm=0\.0, expected a positive number"),
        ({"steps": 1, "average": 1.0}, r"average=1\.0, expected a number between 0 and 1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        fit(*regression(), callbacks=[], **limits)


def test_hooks_are_called_in_order():
    heard = []

    class Listener(Callback):
        pass

    for name in [name for name in vars(Callback) if name.startswith("on_")]:
        setattr(Listener, name, lambda self, run, *args, name=name: heard.append(name))
    fit(*regression(), epochs=1, validate=lambda model: 1.0, callbacks=[Listener()])
    step = ["on_step_begin", "on_loss", "on_update_begin", "on_step_end"]
    assert heard == [
        "on_train_begin",
        "on_epoch_begin",
        *step * 7,
        "on_validation_end",
        "on_epoch_end",
        "on_train_end",
        "on_close",
    ]


def test_validation_sees_eval_mode_without_gradients_and_leaves_training_mode():
    model, loss, optimizer, batches = regression()
    seen = []

    def validate(model):
        seen.append((model.training, fastgrok.is_grad_enabled()))
        return 1.0

    fit(model, loss, optimizer, batches, epochs=2, validate=validate, callbacks=[])
    assert seen == [(False, False)] * 2
    assert model.training


def test_validation_over_batches_is_the_mean_over_targets():
    model, loss, optimizer, batches = regression()
    run = fit(model, loss, optimizer, batches, epochs=1, validate=batches, callbacks=[])
    x, y = (tensor for tensor in batches.dataset.tensors)
    assert run.validation == pytest.approx(loss(model(x), y).item(), rel=1e-5)


def test_two_equal_runs_are_bitwise_equal():
    one, other = (fit(*regression(dropout=0.3), epochs=3, clip_norm=1.0, average=0.9, callbacks=[]) for _ in range(2))
    assert_bitwise_equal(one, other)


def test_clipping_is_what_clip_grad_norm_does():
    run = fit(*regression(), steps=1, clip_norm=1e-3, callbacks=[])
    gradients = [p.grad.numpy() for p in run.model.parameters()]
    assert run.gradient_norm > 1e-3
    assert math.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients)) == pytest.approx(1e-3, rel=1e-2)


def test_the_average_is_what_is_validated():
    model, loss, optimizer, batches = regression(lr=0.5)
    measured = []

    def validate(model):
        measured.append([p.detach().numpy().copy() for p in model.parameters()])
        return 1.0

    run = fit(model, loss, optimizer, batches, steps=5, average=0.99, validate=validate, callbacks=[])
    averaged = [p.detach().numpy() for p in run.average.parameters()]
    for seen, average, parameter in zip(measured[-1], averaged, model.parameters(), strict=True):
        np.testing.assert_array_equal(seen, average)
        assert (seen != parameter.detach().numpy()).any(), "the model itself keeps its own weights"


def test_a_recurrent_model_gets_its_state_back_cut_off_and_none_at_the_start_of_an_epoch():
    states = []
    weight = fastgrok.nn.Parameter(fastgrok.ones(1))

    class Counter(fastgrok.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = weight

        def forward(self, x, state):
            states.append(state)
            total = x.sum() * self.weight if state is None else state[0] + x.sum() * self.weight
            return total, (total,)

    ones = [(fastgrok.ones(1), fastgrok.ones(1))] * 3
    optimizer = fastgrok.optim.SGD([weight], lr=0.0)
    fit(Counter(), lambda output, y: (output * y).sum(), optimizer, ones, epochs=2, carry_state=True, callbacks=[])
    assert [None if s is None else s[0].item() for s in states] == [None, 1.0, 2.0] * 2
    assert not any(s[0].requires_grad for s in states if s is not None)


@pytest.mark.parametrize("bad", ["loss", "gradient"])
def test_nan_stops_the_run_before_it_reaches_the_weights(bad):
    model, loss, optimizer, batches = regression()

    def spoilt(output, y):
        value = loss(output, y)
        factor = math.inf if len(seen) == 4 else 1.0
        seen.append(value)
        return value * factor if bad == "loss" else value + (output * 0.0).sum() * (1.0 if factor == 1.0 else math.nan)

    seen = []
    with pytest.raises(FloatingPointError, match=r"became .* at step 5 .*use a lower learning rate$"):
        fit(model, spoilt, optimizer, batches, steps=10, clip_norm=1.0, callbacks=[])
    assert all(np.isfinite(p.detach().numpy()).all() for p in model.parameters())


def test_clipping_is_advised_where_there_is_none():
    with pytest.raises(FloatingPointError, match="clip gradients, or use a lower learning rate"):
        fit(*regression(lr=1e30), steps=10, callbacks=[])


def test_early_stopping_waits_for_its_patience():
    losses = iter([3.0, 2.0, 2.5, 2.4, 2.3, 1.0])
    run = fit(*regression(), epochs=6, validate=lambda model: next(losses), callbacks=[EarlyStopping(patience=3)])
    assert run.epoch == 5
    assert "no better validation loss than 2.0" in run.stopped
    assert run.best == (2.0, 14)


def test_a_schedule_is_a_function_of_the_step():
    rates = []

    class Record(Callback):
        def on_update_begin(self, run):
            rates.append(run.learning_rate)

    schedule = Schedule(lambda step, steps: 1 - step / steps)
    fit(*regression(lr=0.4), steps=4, callbacks=[schedule, Record()])
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_a_scheduler_of_optim_moves_on_with_steps_or_epochs():
    for every, expected in (("step", 0.5**14), ("epoch", 0.5**2)):
        model, loss, optimizer, batches = regression(lr=1.0)
        scheduler = fastgrok.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        run = fit(model, loss, optimizer, batches, epochs=2, callbacks=[Schedule(scheduler, every)])
        assert run.learning_rate == pytest.approx(expected)


def test_an_error_in_a_callback_still_closes_the_others():
    closed = []

    class Closing(Callback):
        def on_close(self, run):
            closed.append(True)

    class Failing(Callback):
        def on_step_end(self, run):
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        fit(*regression(), steps=2, callbacks=[Closing(), Failing()])
    assert closed == [True]

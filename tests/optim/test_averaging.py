"""Averages of weights."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn
from fastgrok.optim import swa_utils
from fastgrok.optim.swa_utils import AveragedModel

VALUES = [1.0, 3.0, 5.0, -2.0]
EMA = 0.75 * (0.75 * (0.75 * 1.0 + 0.25 * 3.0) + 0.25 * 5.0) + 0.25 * -2.0


def feed(average, model, values):
    for value in values:
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, 7 / 4),
        ({"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()}, 7 / 4),
        ({"avg_fn": swa_utils.get_swa_avg_fn()}, 7 / 4),
        ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.75)}, EMA),
        ({"avg_fn": swa_utils.get_ema_avg_fn(0.75)}, EMA),
        ({"avg_fn": lambda average, value, n: value * int(n)}, -6.0),
    ],
)
def test_averages_by_hand(options, expected):
    model = nn.Linear(2, 2, bias=False)
    average = AveragedModel(model, **options)
    feed(average, model, VALUES)
    np.testing.assert_allclose(average.module.weight.detach().numpy(), expected, rtol=1e-6)
    assert average.n_averaged.item() == 4 and model.weight[0, 0].item() == -2.0
    assert list(average.state_dict()) == ["n_averaged", "module.weight"]
    assert average(fastgrok.ones(1, 2)).tolist() == [pytest.approx([2 * expected] * 2, rel=1e-5)]


def test_resuming_is_exact():
    model = nn.Linear(2, 2, bias=False)
    average, resumed = (AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9)) for _ in range(2))
    feed(average, model, VALUES[:2])
    resumed.load_state_dict(average.state_dict())
    feed(average, model, VALUES[2:])
    feed(resumed, model, VALUES[2:])
    assert (average.module.weight == resumed.module.weight).all() and resumed.n_averaged.item() == 4

    before = resumed.module.weight.tolist()
    state = average.state_dict()
    for wrong in ({}, {**state, "weight": state["module.weight"]}, {**state, "module.weight": fastgrok.ones(3, 3)}):
        with pytest.raises(RuntimeError, match=r"weight|n_averaged"):
            resumed.load_state_dict({**wrong, "n_averaged": 9} if wrong else wrong)
    assert resumed.module.weight.tolist() == before and resumed.n_averaged.item() == 4


def test_what_is_passed_on():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    average = AveragedModel(model)
    assert average.eval() is average and not average.module.training and model.training
    assert average.train().module.training
    assert [p.shape for p in average.parameters()] == [(2, 2), (2,)]
    assert repr(average).startswith("AveragedModel(\n  (module): Sequential(\n    (0): Linear(")


def test_buffers_are_copied_or_averaged():
    model = nn.Linear(1, 1, bias=False)
    model.register_buffer("mean", fastgrok.zeros(1))
    model.register_buffer("count", fastgrok.tensor(0))
    copied, averaged = AveragedModel(model), AveragedModel(model, use_buffers=True)
    for value in (1, 3):
        model.mean.fill_(value)
        model.count.fill_(value)
        copied.update_parameters(model)
        averaged.update_parameters(model)
    assert copied.module.mean.item() == 3.0 and averaged.module.mean.item() == 2.0
    assert copied.module.count.item() == averaged.module.count.item() == 3


def test_what_is_refused():
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"decay value 1\.5"):
        swa_utils.get_ema_multi_avg_fn(1.5)
    with pytest.raises(ValueError, match="only one"):
        AveragedModel(model, avg_fn=swa_utils.get_swa_avg_fn(), multi_avg_fn=swa_utils.get_swa_multi_avg_fn())
    average = AveragedModel(model, device="cpu")
    with pytest.raises(ValueError, match="differ"):
        average.update_parameters(nn.Linear(2, 3))
    assert average.n_averaged.item() == 0

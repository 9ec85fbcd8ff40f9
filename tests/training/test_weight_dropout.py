"""Dropout on recurrent weights: against an LSTM that is given such weights, and where it must not show."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn
from fastgrok.nn import functional as F
from fastgrok.training.language_model import CharacterLanguageModel
from fastgrok.training.weight_dropout import WeightDropLSTM


@pytest.fixture
def layers():
    """The same layer of two levels, with and without dropped weights."""
    plain, dropping = nn.LSTM(5, 8, 2), WeightDropLSTM(5, 8, 2, weight_dropout=0.4)
    dropping.load_state_dict(plain.state_dict())
    return plain, dropping


def test_a_window_is_that_of_an_lstm_with_some_weights_zero_and_others_larger(layers):
    plain, dropping = layers
    x = fastgrok.randn(6, 3, 5)
    fastgrok.manual_seed(7)
    y, (h, c) = dropping(x)
    (y * y).sum().backward()

    fastgrok.manual_seed(7)
    factors = {}
    with fastgrok.no_grad():
        for name in ("weight_hh_l0", "weight_hh_l1"):
            factors[name] = F.dropout(fastgrok.ones(32, 8), 0.4)
            getattr(plain, name).mul_(factors[name])
    expected, (expected_h, expected_c) = plain(x)
    (expected * expected).sum().backward()

    for one, other in ((y, expected), (h, expected_h), (c, expected_c)):
        np.testing.assert_array_equal(one.detach().numpy(), other.detach().numpy())
    for name, parameter in dropping.named_parameters():
        gradient = getattr(plain, name).grad * factors[name] if name in factors else getattr(plain, name).grad
        np.testing.assert_array_equal(parameter.grad.numpy(), gradient.numpy(), err_msg=name)
    kept = np.mean([factor.numpy() > 0 for factor in factors.values()])
    assert 0.5 < kept < 0.7


def test_each_batch_has_other_weights_and_evaluation_all_of_them(layers):
    plain, dropping = layers
    x = fastgrok.randn(6, 3, 5)
    first, second = (dropping(x)[0].detach().numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(dropping.eval()(x)[0].detach().numpy(), plain(x)[0].detach().numpy())


def test_without_it_nothing_is_drawn():
    fastgrok.manual_seed(3)
    expected = fastgrok.rand(4).numpy()
    layer = WeightDropLSTM(5, 8)
    fastgrok.manual_seed(3)
    layer(fastgrok.zeros(2, 1, 5))
    np.testing.assert_array_equal(fastgrok.rand(4).numpy(), expected)


def test_the_model_hands_it_on():
    model = CharacterLanguageModel(10, hidden=8, embedding=4, weight_dropout=0.25)
    assert "weight_dropout=0.25" in repr(model)
    ids = fastgrok.zeros(5, 2, dtype=fastgrok.int64)
    one, other = (model(ids)[0].detach().numpy() for _ in range(2))
    assert np.abs(one - other).max() > 1e-4
    model.eval()
    np.testing.assert_array_equal(model(ids)[0].detach().numpy(), model(ids)[0].detach().numpy())


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "0.3", None, True])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=f"WeightDropLSTM: weight_dropout={share!r}, expected a probability"):
        WeightDropLSTM(3, 4, weight_dropout=share)

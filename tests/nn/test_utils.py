"""Clipping of gradients."""

import math

import numpy as np
import pytest

import fastgrok
from fastgrok.nn import utils


def parameters(*gradients):
    made = []
    for gradient in gradients:
        p = fastgrok.zeros(len(gradient), requires_grad=True)
        p.grad = fastgrok.tensor(gradient)
        made.append(p)
    return made


@pytest.mark.parametrize("norm_type, total", [(2.0, 13.0), (math.inf, 12.0), (1.0, 19.0)])
def test_norm_and_factor(norm_type, total):
    a, b = parameters([3.0, -4.0], [12.0])
    without = fastgrok.zeros(2, requires_grad=True)
    norm = utils.clip_grad_norm_(iter([a, without, b]), 1.0, norm_type)
    assert norm.item() == pytest.approx(total, rel=1e-6) and norm.shape == ()
    np.testing.assert_allclose(a.grad.numpy(), np.array([3.0, -4.0]) / total, rtol=1e-5)
    np.testing.assert_allclose(b.grad.numpy(), np.array([12.0]) / total, rtol=1e-5)
    assert without.grad is None


def test_small_gradients_stay():
    (a,) = parameters([0.3, 0.4])
    utils.clip_grad_norm_(a, 1.0)
    assert a.grad.tolist() == fastgrok.tensor([0.3, 0.4]).tolist()


def test_nothing_to_clip():
    assert utils.clip_grad_norm_([], 1.0).item() == 0.0
    with pytest.warns(UserWarning, match="empty generator"):
        utils.clip_grad_norm_((p for p in []), 1.0)


def test_norms_that_are_not_finite():
    (a,) = parameters([math.nan, 1.0])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_(a, 1.0, error_if_nonfinite=True)
    assert a.grad[1].item() == 1.0
    assert math.isnan(utils.clip_grad_norm_(a, 1.0).item()) and math.isnan(a.grad[1].item())


def test_gradients_kept_as_rows():
    table = fastgrok.nn.Embedding(5, 1)
    table(fastgrok.tensor([1, 1, 3])).sum().backward()
    assert utils.clip_grad_norm_(table.parameters(), 1.0).item() == pytest.approx(math.sqrt(5))
    np.testing.assert_allclose(table.weight.grad.numpy()[:, 0], np.array([0, 2, 0, 1, 0]) / math.sqrt(5), rtol=1e-5)


def test_clip_by_value():
    (a,) = parameters([3.0, -4.0, 0.5])
    utils.clip_grad_value_(a, 1.0)
    assert a.grad.tolist() == [1.0, -1.0, 0.5]
    with pytest.raises(ValueError, match="clip_value=-1"):
        utils.clip_grad_value_(a, -1)


def test_parameters_as_a_vector_and_back():
    model = fastgrok.nn.Linear(3, 2)
    vector = utils.parameters_to_vector(model.parameters())
    assert vector.tolist() == [*model.weight.flatten().tolist(), *model.bias.tolist()]
    (vector * fastgrok.arange(8)).sum().backward()
    assert model.weight.grad.tolist() == [[0, 1, 2], [3, 4, 5]] and model.bias.grad.tolist() == [6, 7]

    new = fastgrok.arange(9.0)
    utils.vector_to_parameters(new, model.parameters())
    assert model.weight.tolist() == [[0, 1, 2], [3, 4, 5]] and model.bias.tolist() == [6, 7]
    assert model.weight.is_leaf and model.weight.requires_grad
    new[7] = 70.0
    assert model.bias.tolist() == [6, 70]  # the memory is shared
    fastgrok.optim.SGD(model.parameters(), lr=1.0).step()
    assert model.weight.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_vectors_that_do_not_fit():
    model = fastgrok.nn.Linear(3, 2)
    before = utils.parameters_to_vector(model.parameters()).tolist()
    with pytest.raises(RuntimeError, match=r"vec has shape \(7,\), expected \(8,\)"):
        utils.vector_to_parameters(fastgrok.zeros(7), model.parameters())
    with pytest.raises(TypeError, match="got: list"):
        utils.vector_to_parameters([0.0] * 8, model.parameters())
    with pytest.raises(RuntimeError, match="parameters is empty"):
        utils.parameters_to_vector([])
    assert utils.parameters_to_vector(model.parameters()).tolist() == before

"""`autograd.grad`: derivatives with respect to chosen tensors, without touching any `.grad`."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn
from fastgrok.autograd import grad
from fastgrok.errors import ShapeError, StateError


def leaf(*values):
    return fastgrok.tensor(values, requires_grad=True)


def lists(gradients):
    return [None if g is None else g.tolist() for g in gradients]


def test_leaves_and_results_in_between():
    x, z = leaf(1.0, 2.0), leaf(3.0, 4.0)
    product = x * z
    gradients = grad((product * product).sum(), [x, product, x, z])
    assert lists(gradients) == [[18, 64], [6, 16], [18, 64], [6, 32]]
    assert x.grad is None and z.grad is None and product.grad is None
    gradients[0].zero_()
    assert gradients[2].tolist() == [18, 64] and not gradients[0].requires_grad


def test_several_outputs_are_weighed():
    x = leaf(1.0, 2.0)
    assert lists(grad([x * 2, x * x], x, [fastgrok.ones(2), fastgrok.tensor([1.0, 3.0])])) == [[4, 14]]
    assert lists(grad(x * 2, x, fastgrok.tensor([1.0, 5.0]))) == [[2, 10]]
    assert lists(grad(x, x, np.array([1.0, 5.0]))) == [[1, 5]]


def test_inputs_that_are_not_used():
    x, z = leaf(1.0), leaf(1.0)
    with pytest.raises(StateError, match=r"inputs\[1\]; allow_unused"):
        grad(x * 2, [x, z])
    assert lists(grad(x * 2, [x, z], allow_unused=True)) == [[2], None]
    assert lists(grad(x * 2, [x, z], materialize_grads=True)) == [[2], [0]]


def test_the_graph_is_freed_unless_retained():
    x = leaf(3.0)
    y = x * x
    assert lists(grad(y, x, retain_graph=True)) == lists(grad(y, x)) == [[6]]
    with pytest.raises(StateError, match="second time"):
        grad(y, x)


def test_hooks_are_called_and_stay_as_they_were():
    x = leaf(1.0)
    x.register_hook(lambda g: g * 2)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    assert lists(grad(y, (x, y), retain_graph=True)) == [[60], [10]]
    y.backward()
    assert x.grad.tolist() == [60]


def test_same_gradients_as_backward():
    fastgrok.manual_seed(0)
    embedding, lstm = nn.Embedding(4, 2), nn.LSTM(2, 3)
    parameters = [*embedding.parameters(), *lstm.parameters()]

    def loss():
        return lstm(embedding(fastgrok.tensor([[0], [1], [0], [2], [3]])))[0].square().sum()

    gradients = grad(loss(), (p for p in parameters))
    assert all(p.grad is None for p in parameters)
    loss().backward()
    for gradient, parameter in zip(gradients, parameters, strict=True):
        assert gradient.equal(parameter.grad)


def test_arguments_that_make_no_sense():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    for call, error, message in (
        (lambda: grad(y, x, create_graph=True), NotImplementedError, "create_graph=True"),
        (lambda: grad(y, x, is_grads_batched=True), NotImplementedError, "is_grads_batched=True"),
        (lambda: grad(y, x, only_inputs=False), NotImplementedError, "only_inputs=False"),
        (lambda: grad(y, 2), TypeError, r"inputs\[0\] is int"),
        (lambda: grad([y, 1], x), TypeError, r"outputs\[1\] is int"),
        (lambda: grad(y, x.detach()), StateError, r"inputs\[0\] does not require grad"),
        (lambda: grad(y.detach(), x), StateError, r"outputs\[0\] does not require grad"),
        (lambda: grad(x * 2, x), ShapeError, "gradient must be given"),
        (lambda: grad(y, x, fastgrok.ones(2)), ShapeError, r"gradient has shape \(2,\), expected \(\)"),
        (lambda: grad([y, y], x, fastgrok.ones(())), ShapeError, "1 grad_outputs"),
    ):
        with pytest.raises(error, match=message):
            call()
    assert lists(grad(y, x)) == [[2, 4]]  # nothing was changed or freed


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes_are_the_same_where_a_gradient_is_wanted(name, keepdim, dim):
    x = fastgrok.tensor([[1.0, 3.0, 3.0], [np.nan, 0.0, np.nan], [-1.0, -1.0, 2.0]])
    alone, recorded = (getattr(y, name)(dim, keepdim) for y in (x, x.clone().requires_grad_()))
    for a, b in zip(alone, recorded, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a.numpy(), b.detach().numpy())

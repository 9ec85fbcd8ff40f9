"""Structured gradients are the same as dense ones, alone, in sums and on their way through the engine."""

import itertools

import numpy as np
import pytest

import fastgrok
from fastgrok import ops
from fastgrok.autograd import apply
from fastgrok.ops import BagRows, Broadcast, Gradient, Outer, Rows
from fastgrok.ops.gradients import OneEach

SHAPE = (5, 3)


def kinds(rng):
    """One gradient (5, 3) of each kind."""
    return {
        "dense": rng.standard_normal(SHAPE),
        "rows": Rows(np.array([0, 4, 0]), rng.standard_normal((3, 3)), SHAPE),
        "bags": BagRows(
            rng.standard_normal((2, 3)), np.array([0, 4, 0]), rng.standard_normal(3), np.array([0, 2, 3]), SHAPE
        ),
        "outer": Outer(rng.standard_normal((2, 5)), rng.standard_normal((2, 3))),
        "broadcast": Broadcast(rng.standard_normal((5, 1)), SHAPE),
        "constant": Broadcast(np.array(2.0), SHAPE),
        "one each": OneEach(rng.standard_normal(5), np.array([2, -1, 0, 0, 1]), SHAPE),
    }


def dense(g):
    return g.dense() if isinstance(g, Gradient) else g


@pytest.mark.parametrize(
    "names", list(itertools.product(["dense", "rows", "bags", "outer", "broadcast", "constant", "one each"], repeat=2))
)
def test_sums(names, rng):
    gradients = [kinds(rng)[name] for name in names]
    expected = [dense(g).copy() for g in gradients]
    total = gradients[0] + gradients[1]
    np.testing.assert_allclose(dense(total), expected[0] + expected[1], atol=1e-14)
    for g, e in zip(gradients, expected, strict=True):  # the terms are what they were
        np.testing.assert_array_equal(dense(g), e)


def test_one_term_may_be_in_several_sums(rng):
    a, b, c = (Outer(rng.standard_normal((2, 5)), rng.standard_normal((2, 3))) for _ in range(3))
    ab, ac = a + b, a + c
    abc = ab + c
    np.testing.assert_allclose(ab.dense(), a.dense() + b.dense(), atol=1e-14)
    np.testing.assert_allclose(ac.dense(), a.dense() + c.dense(), atol=1e-14)
    np.testing.assert_allclose(abc.dense(), a.dense() + b.dense() + c.dense(), atol=1e-14)
    np.testing.assert_allclose((ab + ab).dense(), 2 * ab.dense(), atol=1e-14)
    np.testing.assert_allclose(abc.transposed().dense(), abc.dense().T, atol=1e-14)
    assert isinstance(abc, Outer) and abc.count == 3


def test_an_embedding_keeps_rows_until_the_gradient_is_read(rng):
    table = fastgrok.from_numpy(rng.standard_normal(SHAPE)).requires_grad_()
    ids = fastgrok.tensor([[1, 4], [1, 0]])
    for _ in range(2):
        (apply(ops.Embedding, table, ids) * 2).sum().backward()
    assert isinstance(table._grad, Rows) and table._grad.rows.shape == (8, 3)
    assert table._grad.ids.tolist() == [1, 4, 1, 0] * 2
    assert table.grad.tolist() == [[4] * 3, [8] * 3, [0] * 3, [0] * 3, [4] * 3]
    assert table.grad is table.grad
    apply(ops.Embedding, table, ids).sum().backward()  # into the dense one
    assert table.grad[1].tolist() == [10] * 3


def test_rows_meet_dense(rng):
    table = fastgrok.from_numpy(rng.standard_normal(SHAPE)).requires_grad_()
    (apply(ops.Embedding, table, ids=np.array([1, 1])).sum() + table.sum()).backward()
    assert table.grad.tolist() == [[1] * 3, [3] * 3, [1] * 3, [1] * 3, [1] * 3]


def test_products_of_many_steps_are_one(rng, monkeypatch):
    W = fastgrok.from_numpy(rng.standard_normal((4, 3))).requires_grad_()
    xs = [fastgrok.from_numpy(rng.standard_normal((2, 3))) for _ in range(5)]
    total = sum(apply(ops.Linear, x, W).sum() for x in xs)
    calls, matmul = [], ops.gradients.kernels.matmul
    monkeypatch.setattr(ops.gradients.kernels, "matmul", lambda *a, **k: (calls.append(1), matmul(*a, **k))[1])
    total.backward()
    assert len(calls) == 1
    np.testing.assert_allclose(W.grad.array, np.tile(sum(x.array.sum(0) for x in xs), (4, 1)))


def test_the_gradient_of_a_transposed_weight_stays_a_product(rng):
    W, x = (fastgrok.from_numpy(rng.standard_normal(s)).requires_grad_() for s in ((4, 3), (2, 3)))
    seen = []

    class Spy(ops.Permute, register=False):
        def backward(self, dy):
            seen.append(type(dy))
            return super().backward(dy)

    (x @ apply(Spy, W, dims=(1, 0))).sum().backward()
    assert seen == [Outer]
    np.testing.assert_allclose(W.grad.array, np.tile(x.array.sum(0), (4, 1)))


def test_hooks_and_retained_gradients_are_dense(rng):
    x = fastgrok.from_numpy(rng.standard_normal(SHAPE)).requires_grad_()
    y = x * 2
    y.retain_grad()
    seen = []
    y.register_hook(lambda g: seen.append(type(g)))
    x.register_hook(lambda g: seen.append(g.shape))
    y.sum().backward()
    assert seen == [fastgrok.Tensor, SHAPE] and y.grad.array.flags.writeable and (y.grad == 1).all()


@pytest.mark.parametrize("function", [lambda x: x, lambda x: x * 2, lambda x: x * x[:, :1]])
def test_gradients_of_sums_pass_hooks_of_leaves(rng, function):
    x = fastgrok.from_numpy(rng.standard_normal(SHAPE)).requires_grad_()
    seen = []
    x.register_hook(lambda g: seen.append(g.shape))
    function(x).sum().backward()
    assert seen == [SHAPE] and x.grad.array.flags.carray


def test_ops_that_take_structured_gradients_get_them(rng):
    seen = []

    class Taking(ops.Neg, register=False):
        accepts_structured = True

        def backward(self, dy):
            seen.append(type(dy))
            return (-dy.dense(),)

    x = fastgrok.ones(2, 3, requires_grad=True)
    apply(Taking, x).sum().backward()
    assert seen == [Broadcast] and (x.grad == -1).all()


def test_a_hook_that_returns_nothing_sees_one_number_repeated():
    x, seen = fastgrok.ones(3, 2, requires_grad=True), []
    x.register_hook(lambda gradient: seen.append(gradient.shape))
    (2 * x).sum().backward()
    assert seen == [(3, 2)]
    assert x.grad.tolist() == [[2.0, 2.0]] * 3

"""Tensor and SGD beyond the book's listings: what is kept as it is there, and what is mended."""

import copy

import numpy as np
import pytest
from book import reference

from fastgrok import book
from fastgrok.book import SGD, CrossEntropyLoss, Embedding, Layer, Linear, MSELoss, Sequential, Tensor
from gradcheck import directional_error


def draws(make):
    """How many numbers `make` draws from the global generator, if all of them are those of ids."""
    np.random.seed(0)
    make()
    after = np.random.randint(0, 1000000000)
    np.random.seed(0)
    for count in range(100):
        if np.random.randint(0, 1000000000) == after:
            return count
    raise AssertionError("something else was drawn")


def test_one_draw_for_each_tensor_that_somebody_makes():
    a, b = Tensor([[1.0, 2.0]], autograd=True), Tensor([[3.0], [4.0]], autograd=True)
    assert draws(lambda: Tensor([1])) == 1
    assert draws(lambda: Tensor([1], id=7)) == 0
    assert draws(lambda: (a.mm(b) + a.mm(b)).sum(0).backward()) == 0


@pytest.mark.parametrize(
    "make", [lambda b: b.Linear(3, 4), lambda b: b.Embedding(3, 4), lambda b: b.Linear(3, 4, bias=False)]
)
def test_layers_draw_what_the_book_draws(make):
    np.random.seed(0)
    ours, after = make(book), np.random.rand()
    np.random.seed(0)
    theirs, expected = make(reference), np.random.rand()
    assert after == expected
    for p, q in zip(ours.get_parameters(), theirs.get_parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        assert p.id == q.id


def test_attributes_of_a_new_tensor():
    x = Tensor([1, 2], autograd=True, id=5)
    assert (x.autograd, x.grad, x.id, x.creators, x.creation_op, x.children) == (True, None, 5, None, None, {})
    assert x.all_children_grads_accounted_for()
    assert not hasattr(x, "shape") and not hasattr(x, "softmax_output")
    with pytest.raises(NotImplementedError, match="creators"):
        Tensor([1.0], autograd=True, creators=[x], creation_op="add")


def test_data_is_a_live_copy():
    source = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = Tensor(source, autograd=True)
    source *= 0
    x.data[:, 0] += 1
    x.data[1] *= 0
    assert x.data.tolist() == [[2, 2], [0, 0]]
    x.data = np.ones((2, 2))
    assert (x + x).data.tolist() == [[2, 2], [2, 2]]
    y = x.transpose()
    y.data *= 15
    assert x.data.tolist() == [[1, 1], [1, 1]]
    e = x.expand(0, 2)
    e.data += 1
    assert x.data.tolist() == [[1, 1], [1, 1]]


def test_autograd_of_results():
    a, b = Tensor([[1.0]], autograd=True), Tensor([[2.0]])
    for result in (a + b, b - a, a * b):
        assert not result.autograd and result.creators is None
    assert (a + a).autograd and (-a).autograd and not (-b).autograd
    assert a.mm(b).autograd and b.mm(a).autograd and not b.mm(b).autograd
    b.backward()
    assert b.grad is None


def test_whole_numbers_stay_whole_and_have_gradients():
    x, w = Tensor([[1, 2]], autograd=True), Tensor([[0.5], [0.25]], autograd=True)
    assert (x + x).data.dtype == x.data.dtype
    y = x.mm(Tensor([[3], [4]], autograd=True))
    assert str(y) == "[[11]]" and y.data.dtype == x.data.dtype
    y.backward()
    assert x.grad.data.tolist() == [[3, 4]]
    x.grad = None
    x.mm(w).backward()
    assert x.grad.data.tolist() == [[0.5, 0.25]] and w.grad.data.tolist() == [[1], [2]]
    with pytest.raises(TypeError, match="int64"):
        SGD([x]).step()


def test_float32_is_kept():
    x = Tensor(np.ones((2, 2), np.float32), autograd=True)
    assert x.mm(x).sigmoid().tanh().data.dtype == np.float32
    y = x.mm(Tensor(np.ones((2, 2)), autograd=True))
    y.backward()
    assert y.data.dtype == np.float64 and x.grad.data.dtype == np.float32


def test_results_keep_their_gradients():
    x = Tensor([1.0, 2.0], autograd=True)
    y = x * x
    z = y + y
    z.backward()
    assert z.grad.data.tolist() == [1, 1] and y.grad.data.tolist() == [2, 2] and x.grad.data.tolist() == [4, 8]
    z.backward()
    assert x.grad.data.tolist() == [8, 16]


def test_gradients_are_zeroed_in_place_and_stay():
    x, y = Tensor([1.0], autograd=True), Tensor([1.0], autograd=True)
    (x * x).backward()
    (y * y).backward()
    seen = x.grad
    optim = SGD([x, y], alpha=0.5)
    optim.step()
    assert seen.data == 0 and x.grad is seen and x.data == 0
    assert y.grad.data == 0
    (y + y).backward()
    assert y.grad.data == 2
    optim.step(zero=False)
    assert y.data == -1 and y.grad.data == 2
    optim.zero()
    assert y.grad.data == 0


def test_parameters_without_gradient_are_passed_over():
    x = Tensor([1.0], autograd=True)
    SGD([x]).zero()
    SGD([x]).step()
    assert x.data == 1 and x.grad is None


def test_two_parameters_do_not_share_a_gradient():
    a, b = Tensor([1.0], autograd=True), Tensor([1.0], autograd=True)
    (a + b).backward()
    SGD([a, b], alpha=1).step()
    assert a.data == 0 and b.data == 0


def test_large_parameters_and_rows_change_as_small_ones_do():
    np.random.seed(0)
    table = Embedding(400, 100)
    ids = np.array([3, 399, 3, -1])
    before = table.weight.data.copy()
    expected = np.zeros_like(before)
    np.add.at(expected, ids, 1)
    table.forward(Tensor(ids)).backward()
    SGD([table.weight], alpha=0.1).step(zero=False)
    np.testing.assert_allclose(table.weight.data, before - 0.1 * expected, rtol=1e-15)
    np.testing.assert_array_equal(table.weight.grad.data, expected)
    SGD([table.weight], alpha=0.1).step()
    np.testing.assert_allclose(table.weight.data, before - 0.2 * expected, rtol=1e-15)
    assert (table.weight.grad.data == 0).all()


@pytest.mark.parametrize(
    "function",
    [
        lambda b, w: b.tanh() * b + b,
        lambda b, w: b + b.tanh(),
        lambda b, w: b.sigmoid() + b.tanh() + b.transpose().transpose(),
        lambda b, w: b.mm(w) + w,
        lambda b, w: (b.mm(w).expand(1, 2) * b.expand(1, 2)).sum(-1),
        lambda b, w: b + w.sum(0),  # broadcasts
        lambda b, w: b.index_select(Tensor([[0, 2], [-1, 0]])).sum(1).mm(w),
    ],
)
def test_gradients_where_the_books_engine_is_wrong(function, rng):
    arrays = [rng.standard_normal((3, 3)) for _ in range(2)]

    def gradients(weights):
        tensors = [Tensor(x, autograd=True) for x in arrays]
        function(*tensors).backward(Tensor(weights[0]))
        return [np.zeros_like(x) if t.grad is None else t.grad.data for x, t in zip(arrays, tensors, strict=True)]

    forward = lambda at: [function(*[Tensor(x, autograd=True) for x in at]).data]  # noqa: E731
    assert directional_error(forward, arrays, gradients, rng) < 1e-7


def test_cross_entropy_as_in_the_book():
    x = Tensor(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]), autograd=True)
    target = Tensor([[2], [0]])
    loss = CrossEntropyLoss().forward(x, target)
    np.testing.assert_array_equal(loss.target_dist, [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_allclose(loss.softmax_output.sum(1), 1)
    loss.backward(Tensor(np.array(5.0)))
    np.testing.assert_allclose(x.grad.data, loss.softmax_output - loss.target_dist, rtol=1e-12, atol=1e-15)
    wide = Tensor(np.zeros((2, 3, 4)), autograd=True)
    wide.cross_entropy(Tensor(np.zeros((2, 3), int))).backward()
    assert wide.grad.data.shape == (2, 3, 4)


def test_large_numbers_do_not_overflow():
    x = Tensor([[1000.0, 0.0], [0.0, -1000.0]], autograd=True)
    assert x.softmax().tolist() == [[1, 0], [1, 0]]
    assert x.cross_entropy(Tensor([1, 0])).data == 500
    assert x.sigmoid().data.tolist() == [[1, 0.5], [0.5, 0]]


def test_sequential():
    assert Sequential().layers is not Sequential().layers
    layers = [Linear(2, 3)]
    model = Sequential(layers)
    model.add(Linear(3, 1))
    assert layers is model.layers and len(model.get_parameters()) == 4
    with pytest.raises(NotImplementedError):
        Sequential([Layer()]).forward(None)


def test_layers_take_sequences_and_whole_numbers():
    linear = Linear(2, 3)
    x = Tensor(np.arange(12).reshape(2, 3, 2), autograd=True)
    y = linear.forward(x)
    np.testing.assert_allclose(y.data, x.data @ linear.weight.data, rtol=1e-13)
    y.backward()
    np.testing.assert_allclose(linear.weight.grad.data, np.full((3, 2), x.data.sum((0, 1))).T)


def test_models_can_be_copied():
    model = Embedding(5, 1)
    twin = copy.deepcopy(model)
    optim = SGD(twin.get_parameters(), alpha=1)
    MSELoss().forward(twin.forward(Tensor([[1, 2]])).sum(1).sigmoid(), Tensor([[1.0]], autograd=True)).backward()
    optim.step()
    assert (twin.weight.data != model.weight.data).sum() == 2 and model.weight.grad is None


def test_10000_steps_need_no_recursion():
    x = Tensor([1.0], autograd=True)
    y = x
    for _ in range(10_000):
        y = y + x
    y.backward()
    assert x.grad.data == 10_001
    del y


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: x + 1.0, TypeError),
        (lambda x: np.ones(2) + x, TypeError),
        (lambda x: x.backward(x), RuntimeError),
        (lambda x: x.backward(Tensor([1.0])), ValueError),
        (lambda x: x + Tensor([1.0, 2.0, 3.0], autograd=True), ValueError),
        (lambda x: x.mm(Tensor(np.zeros((3, 2)))), ValueError),
        (lambda x: x.mm(Tensor(np.zeros((2, 2, 2)))), NotImplementedError),
        (lambda x: x.sum(2), IndexError),
        (lambda x: x.index_select(Tensor([2])), IndexError),
        (lambda x: x.index_select(Tensor([0.5])), IndexError),
        (lambda x: Embedding(2, 2).forward(Tensor([2])), IndexError),
        (lambda x: Embedding(2, 2).forward(Tensor([-3])), IndexError),
        (lambda x: Tensor(np.zeros((1, 2)), autograd=True).cross_entropy(Tensor([2])), IndexError),
        (lambda x: x.shape, AttributeError),
    ],
)
def test_errors(call, error):
    with pytest.raises(error):
        call(Tensor([1.0, 2.0], autograd=True))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: x.mm(np.ones((2, 2))), "mm: x is a ndarray"),
        (lambda x: x.index_select([0]), "index_select: indices is a list"),
        (lambda x: x.cross_entropy([0]), "cross_entropy: target_indices is a list"),
        (lambda x: Embedding(2, 2).forward([0, 1]), "index_select: indices is a list"),
        (lambda x: Linear(2, 2).forward(x.data), "Linear: input is a ndarray"),
        (lambda x: Linear(2, 2, bias=False).forward(x.data), "Linear: input is a ndarray"),
        (lambda x: book.RNNCell(2, 2, 2).forward(x.data, x), "forward: input is a ndarray"),
        (lambda x: book.RNNCell(2, 2, 2).forward(x, x.data), "forward: hidden is a ndarray"),
        (lambda x: book.LSTMCell(2, 2, 2).forward(x, x), "forward: hidden is a Tensor"),
        (lambda x: book.LSTMCell(2, 2, 2).forward(x, (x, None)), "forward: hidden is a NoneType"),
    ],
)
def test_what_is_no_tensor_is_named(call, said):
    with pytest.raises(TypeError, match=said):
        call(Tensor([[1.0, 2.0]], autograd=True))


def test_targets_that_do_not_fit_are_named():
    x = Tensor(np.zeros((2, 3)), autograd=True)
    with pytest.raises(IndexError, match="target_indices has dtype float64, expected whole numbers"):
        x.cross_entropy(Tensor([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"target_indices has shape \(3,\), expected 2 numbers, one for each row"):
        x.cross_entropy(Tensor([0, 1, 2]))

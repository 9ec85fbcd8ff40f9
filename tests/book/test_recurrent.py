"""The recurrent cells: beside the slow emulation of the book's engine, and beside finite differences."""

import numpy as np
import pytest
from book import reference

from fastgrok import book
from fastgrok.book import LSTMCell, RNNCell, Sigmoid, Tanh, Tensor
from gradcheck import directional_error

V, B, D, H = 7, 3, 4, 5


def losses_of(b, model, embed, ids, targets, states, order="book", look=False):
    """Run a window; return the loss, summed as in chapter 14 or the other way round, or the last one alone."""
    hidden, losses = states, []
    for t in range(len(ids)):
        x = embed.forward(b.Tensor(ids[t], autograd=True))
        if look:
            _ = x.data  # whoever looks at the rows might change them
        output, hidden = model.forward(input=x, hidden=hidden)
        loss = output.cross_entropy(b.Tensor(targets[t], autograd=True))
        if losses and order != "last":
            loss = loss + losses[-1] if order == "book" else losses[-1] + loss
        losses.append(loss)
    return losses[-1]


def gradients(b, cell, T, order="book", look=False, exact=False, **settings):
    np.random.seed(0)
    draw = np.random.RandomState(T)
    embed, model = b.Embedding(V, D), getattr(b, cell)(D, H, V, **settings)
    if exact:
        model.exact = True
    ids, targets = draw.randint(0, V, (T, B)), draw.randint(0, V, (T, B))
    states = tuple(b.Tensor(draw.randn(B, H), autograd=True) for _ in range(2))
    states = states if cell == "LSTMCell" else states[0]
    loss = losses_of(b, model, embed, ids, targets, states, order, look)
    loss.backward()
    first = states if cell == "LSTMCell" else [states]
    return [loss.data] + [p.grad.data for p in [*first, *model.get_parameters(), *embed.get_parameters()]]


def assert_same(ours, theirs, tolerance=1e-12):
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(one - other).max() <= tolerance * (np.abs(other).max() + 1e-3)


@pytest.mark.parametrize("look", [False, True], ids=["table", "rows"])
@pytest.mark.parametrize("order", ["book", "other"])
@pytest.mark.parametrize("T", [1, 2, 5, 9])
def test_lstm_finds_the_gradients_of_the_book(T, order, look):
    assert_same(gradients(book, "LSTMCell", T, order, look), gradients(reference, "LSTMCell", T, order))


@pytest.mark.parametrize("look", [False, True], ids=["table", "rows"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("T", [1, 2, 5, 9])
def test_rnn_finds_the_gradients_of_the_book(T, activation, look):
    settings = {"activation": activation}
    ours = gradients(book, "RNNCell", T, "last", look, **settings)
    assert_same(ours, gradients(reference, "RNNCell", T, "last", **settings))


def finite_difference_error(cell, T, look, order="book", exact=True):
    """How far gradients are from differences, relative to their size, for all parameters and first states."""
    np.random.seed(0)
    draw = np.random.RandomState(T)
    embed, model = book.Embedding(V, D), getattr(book, cell)(D, H, V)
    model.exact = exact
    ids, targets = draw.randint(0, V, (T, B)), draw.randint(0, V, (T, B))
    count = 2 if cell == "LSTMCell" else 1
    arrays = [p.data for p in model.get_parameters() + embed.get_parameters()]
    arrays += [draw.randn(B, H) for _ in range(count)]

    def run(at):
        for p, array in zip(model.get_parameters() + embed.get_parameters(), at, strict=False):
            p.data, p.grad = array, None
        states = [Tensor(s, autograd=True) for s in at[len(at) - count :]]
        # The loss is a mean, and the gradient of cross_entropy that of a sum: B times as much.
        return losses_of(book, model, embed, ids, targets, states if count == 2 else states[0], order, look), states

    def found(weights):
        loss, states = run(arrays)
        loss.backward()
        every = [p.grad.data for p in model.get_parameters() + embed.get_parameters()]
        return [weights[0] * g / B for g in every + [s.grad.data for s in states if s.grad is not None]]

    checked = len(found([1.0]))
    forward = lambda at: [run([*at, *arrays[len(at) :]])[0].data]  # noqa: E731
    return directional_error(forward, arrays[:checked], found, draw)


@pytest.mark.parametrize("look", [False, True], ids=["table", "rows"])
@pytest.mark.parametrize("cell", ["LSTMCell", "RNNCell"])
@pytest.mark.parametrize("T", [1, 2, 9])
def test_exact_gradients_are_those_of_finite_differences(cell, T, look):
    assert finite_difference_error(cell, T, look) < 1e-7


def test_gradients_of_the_books_lstm_are_off_from_the_second_step_on():
    assert finite_difference_error("LSTMCell", 1, False, exact=False) < 1e-7
    np.random.seed(0)
    exact, books = (gradients(book, "LSTMCell", 2, exact=switch) for switch in (True, False))
    off = [np.abs(one - other).max() / np.abs(one).max() for one, other in zip(exact, books, strict=True)]
    assert off[0] == 0 and off[-2] < 1e-12  # the loss, and the weights of the output, which no step carries
    assert max(off) > 0.3


@pytest.mark.parametrize(("T", "off"), [(1, 0), (2, 0.49), (3, 0.84), (5, 0.99), (9, 0.93)])
def test_how_far_the_books_lstm_is_off(T, off):
    """The figures in the documentation of `LSTMCell`: relative to the norm of all gradients, and to differences."""
    exact, books = (
        np.concatenate([g.ravel() for g in gradients(book, "LSTMCell", T, exact=switch)[1:]])
        for switch in (True, False)
    )
    assert abs(np.linalg.norm(exact - books) / np.linalg.norm(exact) - off) < 0.005
    assert finite_difference_error("LSTMCell", T, False) < 1e-8


def test_exact_is_a_switch_of_the_class_or_of_a_model():
    model = LSTMCell(2, 2, 2)
    assert not LSTMCell.exact and not model.exact
    model.exact = True
    assert not LSTMCell(2, 2, 2).exact


@pytest.mark.parametrize("cell", ["LSTMCell", "RNNCell"])
@pytest.mark.parametrize("used", ["output", "states", "both"])
def test_exact_gradients_by_way_of_outputs_and_states(cell, used, rng):
    """Of a loss on the output, on h and on c, after three steps; with respect to everything."""
    model = getattr(book, cell)(D, H, V)
    model.exact = True
    parameters = model.get_parameters()
    count = 2 if cell == "LSTMCell" else 1
    arrays = [p.data.copy() for p in parameters]
    arrays += [rng.standard_normal((B, H)) for _ in range(count)] + [rng.standard_normal((B, D)) for _ in range(3)]

    def run(at):
        for p, array in zip(parameters, at, strict=False):
            p.data, p.grad = array, None
        *states, x, y, z = [Tensor(array, autograd=True) for array in at[len(parameters) :]]
        hidden = states if count == 2 else states[0]
        for step in (x, y, z):
            output, hidden = model.forward(step, hidden)
        kept = hidden if count == 2 else [hidden]
        loss = (output * output).sum(1) if used == "output" else (kept[0] * kept[-1]).sum(1)
        if used == "both":
            loss = loss + (output * output).sum(1)
        return loss, [*parameters, *states, x, y, z]

    def found(weights):
        loss, inputs = run(arrays)
        loss.backward(Tensor(weights[0]))
        return [np.zeros_like(t.array) if t.grad is None else t.grad.data for t in inputs]

    assert directional_error(lambda at: [run(at)[0].data], arrays, found, rng) < 1e-7


@pytest.mark.parametrize("cell", ["LSTMCell", "RNNCell"])
def test_a_change_of_weights_or_rows_is_seen(cell, rng):
    """Within a window, too, in which the product of table and input weights serves all steps."""

    def outputs(look):
        np.random.seed(0)
        embed, model = book.Embedding(V, D), getattr(book, cell)(D, H, V)
        changed = [embed.weight, *model.get_parameters()]
        hidden, found = model.init_hidden(B), []
        for t in range(len(changed) + 2):
            x = embed.forward(Tensor([t % V, 2, 3]))
            if look or t == len(changed):
                x.data[0] += 1 if t == len(changed) else 0
            output, hidden = model.forward(x, hidden)
            found.append(output.data.copy())
            if t < len(changed):
                changed[t].data *= 1.5
        return found

    np.testing.assert_allclose(outputs(False), outputs(True), rtol=1e-12)


def test_cells_draw_what_the_book_draws():
    for cell in ("LSTMCell", "RNNCell"):
        np.random.seed(0)
        ours, state, after = getattr(book, cell)(2, 3, 4), None, None
        state, after = ours.init_hidden(), np.random.rand()
        np.random.seed(0)
        theirs = getattr(reference, cell)(2, 3, 4)
        expected = theirs.init_hidden()
        assert after == np.random.rand()
        for p, q in zip(ours.get_parameters(), theirs.get_parameters(), strict=True):
            np.testing.assert_array_equal(p.data, q.data)
        for s, e in zip(state, expected, strict=True) if cell == "LSTMCell" else [(state, expected)]:
            np.testing.assert_array_equal(s.data, e.data)


def test_activations_of_the_rnn():
    assert type(RNNCell(2, 2, 2).activation) is Sigmoid and type(RNNCell(2, 2, 2, activation="tanh").activation) is Tanh
    with pytest.raises(Exception, match="Non-linearity not found"):
        RNNCell(2, 2, 2, activation="relu")
    np.random.seed(0)
    model, x = RNNCell(D, H, V), Tensor(np.random.rand(B, D), autograd=True)
    expected, _ = model.forward(x, model.init_hidden(B))
    model.activation = type("Own", (), {"forward": lambda self, input: input.sigmoid()})()
    output, hidden = model.forward(x, model.init_hidden(B))
    np.testing.assert_allclose(output.data, expected.data, rtol=1e-12)
    output.backward()
    assert hidden.grad is not None and x.grad is not None


def test_300_steps_need_no_recursion():
    embed, model = book.Embedding(V, D), LSTMCell(D, H, V)
    ids = np.zeros((300, B), int)
    losses_of(book, model, embed, ids, ids, model.init_hidden(B)).backward()
    assert np.isfinite(model.hf.weight.grad.data).all()


def test_sizes_that_do_not_fit():
    model = LSTMCell(D, H, V)
    x = Tensor(np.zeros((B, D)))
    for bad, hidden in (
        (Tensor(np.zeros((B, D + 1))), model.init_hidden(B)),
        (Tensor(np.zeros(D)), model.init_hidden(B)),
        (x, model.init_hidden(B + 1)),
        (x, (model.init_hidden(B)[0], model.init_hidden(1)[1])),
    ):
        with pytest.raises(ValueError, match="shape"):
            model.forward(bad, hidden)
    output, _ = model.forward(Tensor(np.ones((B, D), int)), model.init_hidden(B))
    assert output.data.dtype == np.float64


def test_a_batch_of_one(rng):
    """Where rows and columns look alike in memory, nothing is written to what is read."""
    for cell in ("LSTMCell", "RNNCell"):
        model, x = getattr(book, cell)(D, H, V), Tensor(rng.standard_normal((1, D)), autograd=True)
        first, state = model.forward(x, model.init_hidden(1))
        again, _ = model.forward(x, model.init_hidden(1))
        np.testing.assert_array_equal(first.data, again.data)
        first.backward()
        expected = [p.grad.data.copy() for p in model.get_parameters() if p.grad is not None]
        for p in model.get_parameters():
            p.grad = None
        again.backward()
        for p, e in zip((p for p in model.get_parameters() if p.grad is not None), expected, strict=True):
            np.testing.assert_array_equal(p.grad.data, e)

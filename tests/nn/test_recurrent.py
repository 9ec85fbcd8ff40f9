"""RNN, GRU and LSTM layers and cells: composed from primitive ops, folded into an embedding, packed, and very long."""

import gc
import tracemalloc

import numpy as np
import pytest

import fastgrok
import fastgrok_kernels
from fastgrok import nn
from fastgrok.errors import DtypeError, ShapeError, StateError
from fastgrok.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence

T, B, D, H = 6, 3, 5, 20
LAYERS = {
    "RNN": nn.RNN,
    "RNN-relu": lambda *sizes, **options: nn.RNN(*sizes, nonlinearity="relu", **options),
    "GRU": nn.GRU,
    "LSTM": nn.LSTM,
}
CELLS = {
    "RNN": nn.RNNCell,
    "RNN-relu": lambda *sizes, **options: nn.RNNCell(*sizes, nonlinearity="relu", **options),
    "GRU": nn.GRUCell,
    "LSTM": nn.LSTMCell,
}
each = pytest.mark.parametrize("kind", LAYERS)


def normal(*shape, seed=0, grad=False, dtype=fastgrok.float64):
    return fastgrok.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=dtype, requires_grad=grad)


def layer(kind, *sizes, **options):
    """A layer in float64, with larger weights than usual so that every gate has a say."""
    made = LAYERS[kind](*sizes, **options).double()
    with fastgrok.no_grad():
        for parameter in made.parameters():
            parameter.mul_(2)
    return made


def composed_step(kind, cell, x, h, c=None):
    """One step in primitive ops, read off the definition; `cell` maps names to parameters."""
    from_x = x @ cell["weight_ih"].T + cell["bias_ih"]
    from_h = h @ cell["weight_hh"].T + cell["bias_hh"]
    size = h.shape[1]
    a, b = ([part[:, k * size : (k + 1) * size] for k in range(part.shape[1] // size)] for part in (from_x, from_h))
    if kind == "GRU":
        r, z = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
        return ((1 - z) * (a[2] + r * b[2]).tanh() + z * h,)
    if kind == "LSTM":
        i, f, g, o = (p + q for p, q in zip(a, b, strict=True))
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
    return ((a[0] + b[0]).relu() if kind == "RNN-relu" else (a[0] + b[0]).tanh(),)


def composed(kind, module, x, states):
    """All layers and directions in primitive ops; returns the output and the last states of each."""
    last = []
    for k in range(module.num_layers):
        outputs = []
        for suffix in ("", "_reverse") if module.bidirectional else ("",):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            cell = {name: getattr(module, f"{name}_l{k}{suffix}") for name in names}
            state, steps = tuple(s[len(last)] for s in states), range(x.shape[0])
            hidden = {}
            for t in reversed(steps) if suffix else steps:
                state = composed_step(kind, cell, x[t], *state)
                hidden[t] = state[0]
            outputs.append(fastgrok.stack([hidden[t] for t in steps]))
            last.append(state)
        x = fastgrok.cat(outputs, dim=-1)
    return x, *(fastgrok.stack([state[i] for state in last]) for i in range(len(last[0])))


def first_states(kind, count, *batch, seed=1):
    return [normal(count, *batch, H, seed=seed + k, grad=True) for k in range(2 if kind == "LSTM" else 1)]


def run(kind, module, x, states=None):
    """The output and the last states of a layer, as one flat tuple."""
    hx = None if states is None else tuple(states) if kind == "LSTM" else states[0]
    output, last = module(x, hx)
    return (output, *last) if kind == "LSTM" else (output, last)


def values(tensors):
    return [t.detach().numpy() for t in tensors]


def gradients(wanted, tensors):
    """The gradients of a random weighting of the tensors; what is wanted is left without gradients."""
    loss = sum((t * normal(*t.shape, seed=90 + k, dtype=t.dtype)).sum() for k, t in enumerate(tensors))
    loss.backward()
    found = [p.grad.numpy().copy() for p in wanted]
    for p in wanted:
        p.grad = None
    return found


def assert_close(found, expected, tolerance=1e-11):
    """Compare relative to the largest magnitude of the tensor."""
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        assert np.abs(a - b).max(initial=0) <= tolerance * max(1e-3, np.abs(b).max(initial=0))


# ------------------------------------------------------------------------------------------------ windows and cells


@each
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, False), (2, False), (1, True), (2, True)])
def test_window_equals_composed_steps(kind, layers, bidirectional):
    module = layer(kind, D, H, layers, bidirectional=bidirectional)
    x, states = normal(T, B, D, grad=True), first_states(kind, layers * (1 + bidirectional), B)
    found, expected = run(kind, module, x, states), composed(kind, module, x, states)
    assert_close(values(found), values(expected))
    wanted = [x, *states, *module.parameters()]
    assert_close(gradients(wanted, found), gradients(wanted, expected))


@each
def test_gradients_of_some_inputs_are_those_of_all(kind):
    module = layer(kind, D, H)
    x, states = normal(T, B, D, grad=True), first_states(kind, 1, B)
    wanted = [x, *states, *module.parameters()]
    every = gradients(wanted, run(kind, module, x, states))
    for alone, expected in zip(wanted, every, strict=True):
        for other in wanted:
            other.requires_grad_(other is alone)
        assert_close(gradients([alone], run(kind, module, x, states)), [expected], 0.0)


@each
def test_cells_equal_a_window(kind):
    module, cell = layer(kind, D, H), CELLS[kind](D, H).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in module.state_dict().items()})
    x, states = normal(T, B, D, grad=True), first_states(kind, 1, B)
    outputs, state = [], tuple(s[0] for s in states)
    for t in range(T):
        state = cell(x[t], state if kind == "LSTM" else state[0])
        state = state if kind == "LSTM" else (state,)
        outputs.append(state[0])
    stepped = (fastgrok.stack(outputs), *(s.unsqueeze(0) for s in state))
    whole = run(kind, module, x, states)
    assert_close(values(stepped), values(whole))
    found = gradients([x, *states, *cell.parameters()], stepped)
    assert_close(found, gradients([x, *states, *module.parameters()], whole))


@each
def test_cells_without_batch_or_bias(kind):
    cell = CELLS[kind](D, H, bias=False).double()
    x = normal(B, D)
    batched, alone = cell(x), cell(x[1])
    batched, alone = (s if kind == "LSTM" else (s,) for s in (batched, alone))
    assert_close(values(alone), [s[1] for s in values(batched)])
    assert list(cell.state_dict()) == ["weight_ih", "weight_hh"]


@each
def test_backward_a_second_time(kind):
    module, x = layer(kind, D, H), normal(T, B, D, grad=True)
    loss = (run(kind, module, x)[0] ** 2).sum()
    loss.backward(retain_graph=True)
    once = x.grad.numpy().copy()
    loss.backward()
    assert_close([x.grad.numpy()], [2 * once])


def test_an_interrupted_backward_cannot_be_repeated(monkeypatch):
    """It has written over what forward saved."""
    module, x = layer("LSTM", D, H), normal(T, B, D, grad=True)
    loss = module(x)[0].sum()

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(fastgrok_kernels, "gates_backward_weight", interrupt)
    with pytest.raises(KeyboardInterrupt):
        loss.backward()
    monkeypatch.undo()
    with pytest.raises(StateError, match="a second time"):
        loss.backward()
    assert x.grad is None


@each
def test_outputs_may_be_changed_in_place(kind):
    """Backward reads them, and has kept a copy."""
    module, gradients = layer(kind, D, H), []
    for factor in (1, 2):
        module.zero_grad()
        output = run(kind, module, normal(T, B, D))[0]
        if factor != 1:
            with fastgrok.no_grad():
                output.mul_(factor)
        output.sum().backward()
        gradients.append([p.grad.numpy() for p in module.parameters()])
    assert_close(gradients[1], gradients[0])


# ------------------------------------------------------------------------------------------------ embedding


@each
@pytest.mark.parametrize("vocabulary", [4, T * B + 1])
@pytest.mark.parametrize("options", [{}, {"batch_first": True}, {"bidirectional": True}], ids=str)
def test_computing_with_the_table_equals_computing_with_its_rows(kind, vocabulary, options):
    module, table = layer(kind, D, H, **options), nn.Embedding(vocabulary, D, padding_idx=1).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, vocabulary, (T, B)))
    rows = table(ids)
    assert rows.gathered is not None
    wanted = [table.weight, *module.parameters()]
    folded = run(kind, module, rows)
    plain = run(kind, module, table(ids) * 1)
    assert_close(values(folded), values(plain))
    assert_close(gradients(wanted, folded), gradients(wanted, plain))


@each
def test_gradients_of_a_table_and_some_weights_are_those_of_all(kind):
    module, table = layer(kind, D, H), nn.Embedding(4, D).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, 4, (T, B)))
    wanted = [table.weight, *module.parameters()]
    every = gradients(wanted, run(kind, module, table(ids)))
    for alone, expected in zip(wanted, every, strict=True):
        for other in wanted:
            other.requires_grad_(other is alone)
        assert_close(gradients([alone], run(kind, module, table(ids))), [expected])


@each
def test_an_empty_table_leaves_no_gradients(kind):
    module, table = layer(kind, D, H), nn.Embedding(0, D).double()
    rows = table(fastgrok.zeros(T, 0, dtype=fastgrok.int64))
    for gradient in gradients([table.weight, *module.parameters()], run(kind, module, rows)):
        assert not gradient.any()


@each
def test_rows_of_a_table_that_changed_before_backward(kind):
    """The rows that were gathered count, as in PyTorch, not what the table holds by the time of backward."""
    module, table = layer(kind, D, H), nn.Embedding(4, D).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, 4, (T, B)))
    weights = list(module.parameters())
    expected = gradients(weights, run(kind, module, table(ids)))
    outputs = run(kind, module, table(ids))
    with fastgrok.no_grad():
        table.weight.mul_(2)
    assert_close(gradients(weights, outputs), expected)


# ------------------------------------------------------------------------------------------------ packed sequences


@each
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [(4, 4, 2, 1), (3, 3), (1,), (2, 5, 1, 5)])
def test_packed_sequences_equal_each_sequence_alone(kind, bidirectional, lengths):
    count = 1 + bidirectional
    module = layer(kind, D, H, 2, bidirectional=bidirectional)
    sequences = [normal(length, D, seed=k, grad=True) for k, length in enumerate(lengths)]
    states = first_states(kind, 2 * count, len(lengths))
    packed, *last = run(kind, module, pack_sequence(sequences, enforce_sorted=False), states)
    padded, found_lengths = pad_packed_sequence(packed)
    assert found_lengths.tolist() == list(lengths)

    alone = [run(kind, module, x, [s[:, k] for s in states]) for k, x in enumerate(sequences)]
    expected = [fastgrok.stack([one[i] for one in alone], dim=1) for i in range(1, len(alone[0]))]
    outputs = [one[0] for one in alone]
    found = [padded[:length, k] for k, length in enumerate(lengths)]
    assert_close(values([*found, *last]), values([*outputs, *expected]))
    wanted = [*sequences, *states, *module.parameters()]
    assert_close(gradients(wanted, [*found, *last]), gradients(wanted, [*outputs, *expected]))


@each
def test_packed_sequences_of_one_length_equal_a_window(kind):
    module, x = layer(kind, D, H, bidirectional=True), normal(T, B, D, grad=True)
    packed, *last = run(kind, module, pack_padded_sequence(x, [T] * B))
    output, *expected = run(kind, module, x)
    assert_close(values([pad_packed_sequence(packed)[0], *last]), values([output, *expected]), 1e-13)


# ------------------------------------------------------------------------------------------------ edges


@each
def test_no_sequences_and_no_steps(kind):
    module = layer(kind, D, H, 2, bidirectional=True)
    x = normal(T, 0, D, grad=True)
    output, *last = run(kind, module, x)
    assert tuple(output.shape) == (T, 0, 2 * H) and all(tuple(s.shape) == (4, 0, H) for s in last)
    (output.sum() + sum(s.sum() for s in last)).backward()
    assert x.grad.shape == x.shape
    assert all(p.grad.shape == p.shape and not p.grad.numpy().any() for p in module.parameters())
    with pytest.raises(ShapeError, match="at least one time step"):
        module(normal(0, B, D))


@each
def test_dropout_between_layers_only_in_training(kind):
    module, x = layer(kind, D, H, 2, dropout=0.5), normal(T, B, D)
    first, second = (values(run(kind, module, x))[0] for _ in range(2))
    assert np.abs(first - second).max() > 0
    module.eval()
    assert np.array_equal(*(values(run(kind, module, x))[0] for _ in range(2)))


@each
def test_results_do_not_depend_on_the_number_of_threads(kind):
    module = LAYERS[kind](64, 208, bidirectional=True)
    x = normal(9, 19, 64, dtype=fastgrok.float32, grad=True)
    results = []
    for threads in (1, 2):
        fastgrok.set_num_threads(threads)
        found = run(kind, module, x)
        results.append(values(found) + gradients([x, *module.parameters()], found))
    assert_close(*results, 0.0)


def test_options_that_make_no_sense():
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        with pytest.raises(ValueError, match="num_layers=0"):
            kind(D, H, 0)
        with pytest.raises(TypeError, match=r"input_size=2\.0"):
            kind(2.0, H)
        with pytest.raises(TypeError, match="batch_first=1"):
            kind(D, H, batch_first=1)
        with pytest.raises(ValueError, match=r"dropout=1\.5"):
            kind(D, H, dropout=1.5)
        with pytest.warns(UserWarning, match="no effect"):
            kind(D, H, dropout=0.5)
        with pytest.raises(DtypeError, match="float64"):
            kind(D, H)(normal(T, B, D))
        with pytest.raises(TypeError, match="Tensor"):
            kind(D, H)(np.zeros((T, B, D)))
    with pytest.raises(ValueError, match="nonlinearity='x'"):
        nn.RNN(D, H, nonlinearity="x")
    with pytest.raises(NotImplementedError, match="proj_size=2"):
        nn.LSTM(D, H, proj_size=2)
    with pytest.raises(ValueError, match="proj_size=20"):
        nn.LSTM(D, H, proj_size=20)


# ------------------------------------------------------------------------------------------------ very long


@each
@pytest.mark.parametrize("form", ["window", "cells"])
def test_ten_thousand_steps_and_their_memory(kind, form):
    """Forward and backward without recursion; what the graph held is free when the last variable of it is gone."""
    steps, H = 10_000, 3
    module = (LAYERS if form == "window" else CELLS)[kind](2, H)
    x = normal(steps, 1, 2, dtype=fastgrok.float32)

    def forward(steps=steps):
        if form == "window":
            return module(x[:steps])[0].sum()
        state = None
        for t in range(steps):
            state = module(x[t], state)
        return (state[0] if kind == "LSTM" else state).sum()

    forward(steps if form == "window" else 2).backward()  # allocates gradients, and compiles
    gc.collect()
    waiting = fastgrok_kernels.memory._waiting
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0] - waiting.bytes
        loss = forward()
        held = tracemalloc.get_traced_memory()[0] - waiting.bytes - before
        loss.backward()
        assert all(np.isfinite(p.grad.numpy()).all() for p in module.parameters())
        del loss
        left = tracemalloc.get_traced_memory()[0] - waiting.bytes - before  # without a collection of garbage
    finally:
        tracemalloc.stop()
    assert held > steps * H * 4
    assert left < 0.05 * held + 2**14


def _change_table(embedding, x):
    with fastgrok.no_grad():
        embedding.weight.mul_(2)


def _change_data(embedding, x):
    x.data.mul_(2)


def _replace_data(embedding, x):
    x.data = fastgrok.ones(T, B, D)


def _change_array(embedding, x):
    with fastgrok.no_grad():
        x.numpy(force=True)[...] = 0


@pytest.mark.parametrize("change", [_change_table, _change_data, _replace_data, _change_array])
@pytest.mark.parametrize("kind", LAYERS)
def test_rows_that_are_no_longer_those_of_the_table_are_not_folded(kind, change):
    embedding, layer = nn.Embedding(4, D), LAYERS[kind](D, H)
    x = embedding(fastgrok.randint(0, 4, (T, B)))
    change(embedding, x)
    alone = layer(x.detach().clone())[0].numpy(force=True)
    np.testing.assert_allclose(layer(x)[0].numpy(force=True), alone, atol=1e-6)


@pytest.mark.parametrize("sizes", [[3, 3], [1, 3], [4, 0], []])
@pytest.mark.parametrize("kind", LAYERS)
def test_batch_sizes_that_do_not_fit_are_named(kind, sizes):
    packed = nn.utils.rnn.PackedSequence(fastgrok.ones(4, D), fastgrok.tensor(sizes, dtype=fastgrok.int64))
    with pytest.raises(ShapeError, match="batch_sizes="):
        LAYERS[kind](D, H)(packed)


def test_an_order_that_is_none_is_named():
    with pytest.raises(IndexError, match=r"\[0, 1, 5\]"):
        nn.utils.rnn.PackedSequence(fastgrok.ones(4, D), fastgrok.tensor([3, 1]), fastgrok.tensor([0, 1, 5]))

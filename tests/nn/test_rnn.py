"""LSTM and LSTMCell: against the same maths composed from primitive ops, against PyTorch, and by gradient check."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn
from fastgrok.errors import DtypeError, ShapeError

T, B, D, H = 8, 3, 5, 20


def normal(*shape, seed=0, dtype=fastgrok.float64, grad=False):
    values = np.random.default_rng(seed).standard_normal(shape)
    return fastgrok.tensor(values, dtype=dtype, requires_grad=grad)


def composed_step(cell, x, h, c):
    """One step in primitive ops, read off the definition."""
    gates = x @ cell["weight_ih"].T + cell["bias_ih"] + h @ cell["weight_hh"].T + cell["bias_hh"]
    size = h.shape[1]
    i, f, g, o = (gates[:, k * size : (k + 1) * size] for k in range(4))
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def composed(lstm, x, h, c):
    """All steps and layers of `lstm` in primitive ops; returns the stacked outputs and the last states."""
    last = []
    for layer in range(lstm.num_layers):
        cell = {name: getattr(lstm, f"{name}_l{layer}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        state, outputs = (h[layer], c[layer]), []
        for t in range(x.shape[0]):
            state = composed_step(cell, x[t], *state)
            outputs.append(state[0])
        x = fastgrok.stack(outputs)
        last.append(state)
    return x, fastgrok.stack([s[0] for s in last]), fastgrok.stack([s[1] for s in last])


def values(*tensors):
    """The arrays of some tensors."""
    return [t.detach().numpy() for t in tensors]


def gradients(parameters, *losses):
    """The gradients of the sum of the losses, as arrays; parameters are left without gradients."""
    sum(losses).backward()
    found = [p.grad.numpy().copy() for p in parameters]
    for p in parameters:
        p.grad = None
    return found


def assert_close(found, expected, tolerance=1e-12):
    """Compare relative to the largest magnitude of the tensor."""
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= tolerance * max(1e-3, np.abs(b).max())


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("steps", range(1, T + 1))
def test_window_equals_composed_steps(steps, layers):
    lstm = nn.LSTM(D, H, layers).double()
    x, h, c = (
        normal(steps, B, D, grad=True),
        normal(layers, B, H, seed=1, grad=True),
        normal(layers, B, H, seed=2, grad=True),
    )
    weigh = normal(steps, B, H, seed=3)
    wanted = [x, h, c, *lstm.parameters()]

    output, (h_n, c_n) = lstm(x, (h, c))
    expected, *states = composed(lstm, x, h, c)
    assert_close(values(output, h_n, c_n), values(expected, *states))
    assert_close(
        gradients(wanted, (output * weigh).sum(), (h_n * h_n).sum(), c_n.sum()),
        gradients(wanted, (expected * weigh).sum(), (states[0] * states[0]).sum(), states[1].sum()),
    )


@pytest.mark.parametrize("window", range(1, T))
def test_truncation_cuts_the_gradient_at_every_window(window):
    """Windows with a detached state in between give the gradient of composed steps cut at the same places."""
    lstm = nn.LSTM(D, H).double()
    x = normal(T, B, D)

    def truncated(run):
        state, loss = (fastgrok.zeros(1, B, H, dtype=fastgrok.float64),) * 2, 0
        for start in range(0, T, window):
            output, *state = run(x[start : start + window], *(s.detach() for s in state))
            loss = loss + (output * output).sum()
        return gradients(list(lstm.parameters()), loss)

    def fused(part, h, c):
        output, state = lstm(part, (h, c))
        return output, *state

    assert_close(truncated(fused), truncated(lambda *arguments: composed(lstm, *arguments)))
    whole = gradients(list(lstm.parameters()), (lstm(x)[0] ** 2).sum())
    assert np.abs(truncated(fused)[1] - whole[1]).max() > 1e-6  # so the cut does matter


@pytest.mark.parametrize("dtype", [fastgrok.float32, fastgrok.float64])
@pytest.mark.parametrize("vocabulary", [4, T * B, T * B + 1])
def test_computing_with_the_table_equals_computing_with_its_rows(vocabulary, dtype):
    """Embedding -> LSTM takes a shortcut when the table is small; detaching its output shuts it off."""
    lstm, table = nn.LSTM(D, H).to(dtype), nn.Embedding(vocabulary, D, padding_idx=1).to(dtype)
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, vocabulary, (T, B)))
    rows = table(ids)
    assert rows.gathered is not None
    plain = rows.detach().requires_grad_()
    output, expected = lstm(rows)[0], lstm(plain)[0]
    tolerance = 1e-12 if dtype is fastgrok.float64 else 1e-5
    assert_close(values(output), values(expected), tolerance)

    weights = [*lstm.parameters(), table.weight]
    found = gradients(weights, (output * output).sum())
    (expected * expected).sum().backward()
    table(ids).backward(plain.grad)
    assert_close(found, [p.grad.numpy() for p in weights], tolerance)


def test_other_readers_of_the_embedding_see_its_gradient():
    lstm, table = nn.LSTM(D, H).double(), nn.Embedding(4, D).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, 4, (T, B)))

    def run(rows):
        seen = []
        rows.retain_grad()
        rows.register_hook(lambda gradient: seen.append(gradient.numpy().copy()))
        loss = (lstm(rows)[0] ** 2).sum() + (rows * rows).sum()
        table.weight.grad = None
        loss.backward()
        return [rows.grad.numpy(), seen[0], table.weight.grad.numpy().copy()]

    assert_close(run(table(ids)), run(table(ids) * 1))


def test_table_changed_before_backward():
    """The rows that were gathered count, as in PyTorch, not what the table holds by the time of backward."""
    lstm, table = nn.LSTM(D, H).double(), nn.Embedding(4, D).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, 4, (T, B)))
    expected = gradients([lstm.weight_ih_l0], (lstm(table(ids))[0] ** 2).sum())
    loss = (lstm(table(ids))[0] ** 2).sum()
    with fastgrok.no_grad():
        table.weight.mul_(2)
    assert_close(gradients([lstm.weight_ih_l0], loss), expected)


def test_rows_changed_in_place_are_no_longer_rows_of_the_table():
    lstm, table = nn.LSTM(D, H).double(), nn.Embedding(4, D).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, 4, (T, B)))
    with fastgrok.no_grad():
        rows = table(ids)
        rows.mul_(2)
        expected = lstm(table(ids) * 2)[0]
        assert_close(values(lstm(rows)[0]), values(expected))


def test_cell_equals_window_and_keeps_factors():
    lstm, cell = nn.LSTM(D, H).double(), nn.LSTMCell(D, H).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in lstm.state_dict().items()})
    x = normal(T, B, D)
    h = c = fastgrok.zeros(B, H, dtype=fastgrok.float64)
    outputs = []
    for t in range(T):
        h, c = cell(x[t], (h, c))
        outputs.append(h)
    output, (h_n, c_n) = lstm(x)
    assert_close(values(fastgrok.stack(outputs), h, c), values(output, h_n[0], c_n[0]))
    assert_close(
        gradients(list(cell.parameters()), (fastgrok.stack(outputs) ** 2).sum(), c.sum()),
        gradients(list(lstm.parameters()), (output**2).sum(), c_n.sum()),
    )


def test_gradient_of_the_last_state_alone():
    lstm = nn.LSTM(D, H).double()
    x = normal(T, B, D, grad=True)
    _, (_, c_n) = lstm(x)
    _, _, expected = composed(lstm, x, *(fastgrok.zeros(1, B, H, dtype=fastgrok.float64),) * 2)
    wanted = [x, *lstm.parameters()]
    assert_close(gradients(wanted, c_n.sum()), gradients(wanted, expected.sum()))


def test_shapes_without_batch_and_batch_first():
    lstm = nn.LSTM(D, H, 2).double()
    x = normal(T, B, D)
    output, (h, c) = lstm(x)
    first = nn.LSTM(D, H, 2, batch_first=True).double()
    first.load_state_dict(lstm.state_dict())
    by_batch, (h_first, _) = first(x.transpose(0, 1))
    assert_close(values(by_batch.transpose(0, 1), h_first), values(output, h))
    alone, (h_alone, c_alone) = lstm(x[:, 1])
    assert_close(values(alone, h_alone, c_alone), values(output[:, 1], h[:, 1], c[:, 1]))


def test_batch_first_takes_the_shortcut_too():
    lstm, table = nn.LSTM(D, H, batch_first=True).double(), nn.Embedding(4, D).double()
    ids = fastgrok.tensor(np.random.default_rng(0).integers(0, 4, (B, T)))
    assert_close(values(lstm(table(ids))[0]), values(lstm(table(ids).detach())[0]))


def test_dropout_between_layers_only_in_training():
    lstm = nn.LSTM(D, H, 2, dropout=0.5)
    x = normal(T, B, D, dtype=fastgrok.float32)
    first, second = (values(lstm(x)[0])[0] for _ in range(2))
    assert np.abs(first - second).max() > 0
    lstm.eval()
    assert np.array_equal(*values(lstm(x)[0], lstm(x)[0]))


def test_repr_and_parameter_names():
    lstm = nn.LSTM(3, 4, 2, bias=False, batch_first=True, dropout=0.25)
    assert repr(lstm) == "LSTM(3, 4, num_layers=2, bias=False, batch_first=True, dropout=0.25)"
    assert list(lstm.state_dict()) == ["weight_ih_l0", "weight_hh_l0", "weight_ih_l1", "weight_hh_l1"]
    assert repr(nn.LSTMCell(3, 4)) == "LSTMCell(3, 4)"


def test_errors_name_what_is_wrong():
    lstm = nn.LSTM(D, H)
    x = fastgrok.zeros(T, B, D)
    with pytest.raises(ShapeError, match=r"last dimension is 6.*expected 5"):
        lstm(fastgrok.zeros(T, B, D + 1))
    with pytest.raises(ShapeError, match=r"h_0 has shape \(2, 3, 20\), expected \(1, 3, 20\)"):
        lstm(x, (fastgrok.zeros(2, B, H), fastgrok.zeros(1, B, H)))
    with pytest.raises(DtypeError, match="float64"):
        lstm(x.double())
    with pytest.raises(ShapeError, match="expected"):
        lstm(fastgrok.zeros(1, 2, 3, 4))
    with pytest.raises(NotImplementedError, match="proj_size=3"):
        nn.LSTM(D, H, proj_size=3)
    with pytest.raises(ValueError, match="hidden_size=0"):
        nn.LSTM(D, 0)


@pytest.mark.torch
@pytest.mark.parametrize(("layers", "bias", "batch_first"), [(1, True, False), (2, True, True), (3, False, False)])
def test_outputs_and_gradients_equal_pytorch(layers, bias, batch_first):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.LSTM(D, 33, layers, bias=bias, batch_first=batch_first)
    ours = nn.LSTM(D, 33, layers, bias=bias, batch_first=batch_first)
    ours.load_state_dict({name: fastgrok.from_numpy(value.numpy()) for name, value in theirs.state_dict().items()})
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal((T, T, D)).astype(np.float32)
    state = [np.random.default_rng(k).standard_normal((layers, T, 33)).astype(np.float32) for k in (1, 2)]

    def run(lib, module):
        inputs = [lib.from_numpy(a.copy()).requires_grad_() for a in (x, *state)]
        output, (h, c) = module(inputs[0], (inputs[1], inputs[2]))
        ((output**2).sum() + h.sum() + (c * c).sum()).backward()
        results = [output, h, c, *(t.grad for t in (*inputs, *module.parameters()))]
        return [r.detach().numpy() for r in results]

    assert_close(run(fastgrok, ours), run(torch, theirs), 2e-6)


@pytest.mark.torch
def test_cell_equals_pytorch():
    torch = pytest.importorskip("torch")
    theirs, ours = torch.nn.LSTMCell(D, H), nn.LSTMCell(D, H)
    ours.load_state_dict({name: fastgrok.from_numpy(value.numpy()) for name, value in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((B, D)).astype(np.float32)
    for a, b in zip(ours(fastgrok.from_numpy(x)), theirs(torch.from_numpy(x)), strict=True):
        assert_close([a.detach().numpy()], [b.detach().numpy()], 2e-6)

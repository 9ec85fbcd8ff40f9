"""The same weights give the same outputs, gradients, names and texts as in PyTorch."""

import numpy as np
import pytest

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PAIRS = {
    "Linear": lambda nn: nn.Linear(4, 3),
    "Linear-nobias": lambda nn: nn.Linear(4, 3, bias=False),
    "Embedding": lambda nn: nn.Embedding(7, 3),
    "Embedding-padding": lambda nn: nn.Embedding(7, 3, padding_idx=-2),
    "Dropout": lambda nn: nn.Dropout(),
    "ReLU": lambda nn: nn.ReLU(),
    "ReLU-inplace": lambda nn: nn.ReLU(inplace=True),
    "Tanh": lambda nn: nn.Tanh(),
    "Sigmoid": lambda nn: nn.Sigmoid(),
    "Softmax": lambda nn: nn.Softmax(dim=-1),
    "LogSoftmax": lambda nn: nn.LogSoftmax(1),
    "CrossEntropyLoss-weight": lambda nn: nn.CrossEntropyLoss(nn.Linear(3, 3, bias=False).weight.detach()),
    "CrossEntropyLoss": lambda nn: nn.CrossEntropyLoss(),
    "MSELoss": lambda nn: nn.MSELoss(),
    "NLLLoss": lambda nn: nn.NLLLoss(),
    "empty": lambda nn: nn.Sequential(),
    "ModuleList-empty": lambda nn: nn.ModuleList(),
    "ModuleList": lambda nn: nn.ModuleList([nn.Tanh(), nn.Linear(2, 2), nn.Linear(2, 2), nn.Sequential(nn.Tanh())] * 2),
    "nested": lambda nn: nn.Sequential(
        nn.Embedding(7, 4),
        nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.1), nn.Tanh()),
        nn.ModuleList([nn.Linear(5, 2)] * 3),
    ),
}


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_text_and_names(make):
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    state = theirs.state_dict()
    assert {name: tuple(value.shape) for name, value in ours.state_dict().items()} == {
        name: tuple(value.shape) for name, value in state.items()
    }
    assert list(ours.state_dict()) == list(state)
    assert [name for name, _ in ours.named_modules()] == [name for name, _ in theirs.named_modules()]
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    ours.load_state_dict(state)  # weights travel both ways
    theirs.load_state_dict({name: torch.from_numpy(value.numpy()) for name, value in ours.state_dict().items()})


def both(function, *arrays):
    """Run on tensors of ours and of PyTorch; return outputs and the gradients of the float inputs, as arrays."""
    ours = [fastgrok.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    theirs = [torch.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    for library, inputs in ((nn, ours), (torch.nn, theirs)):
        y = function(library, *inputs)
        (y * y).sum().backward()
        yield [y.detach().numpy(), *(x.grad.numpy() for x in inputs if x.requires_grad)]


CALLS = {
    "linear": (lambda nn, x, w, b: nn.functional.linear(x, w, b), "fff"),
    "embedding": (lambda nn, w, i: nn.functional.embedding(i, w), "fi"),
    "tanh": (lambda nn, x: nn.functional.tanh(x), "f"),
    "sigmoid": (lambda nn, x: nn.functional.sigmoid(x), "f"),
    "relu": (lambda nn, x: nn.functional.relu(x), "f"),
    "softmax": (lambda nn, x: nn.functional.softmax(x, dim=0), "f"),
    "log_softmax": (lambda nn, x: nn.functional.log_softmax(x, dim=-1), "f"),
    "mse": (lambda nn, x, y: nn.functional.mse_loss(x, y), "ff"),
    "cross_entropy-none": (lambda nn, x, i: nn.functional.cross_entropy(x, i, reduction="none"), "fi"),
    "cross_entropy-sum": (lambda nn, x, i: nn.functional.cross_entropy(x, i, reduction="sum"), "fi"),
    "cross_entropy-ignore": (lambda nn, x, i: nn.functional.cross_entropy(x, i, ignore_index=2), "fi"),
    "nll": (lambda nn, x, i: nn.functional.nll_loss(x, i, ignore_index=1), "fi"),
}


@pytest.mark.parametrize("call, kinds", CALLS.values(), ids=CALLS)
def test_functions(rng, call, kinds):
    shapes = [(5, 4), (5, 4), (5,)]
    arrays = [
        rng.standard_normal(shape) if kind == "f" else rng.integers(0, 4, 5)
        for kind, shape in zip(kinds, shapes, strict=False)
    ]
    ours, theirs = both(call, *arrays)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


NOTHING = {
    "product": (lambda nn, a, b: a @ b, (3, 0), (0, 2)),
    "product-row": (lambda nn, a, b: a @ b, (0,), (0, 2)),
    "product-column": (lambda nn, a, b: a @ b, (0, 3), (3,)),
    "product-batch": (lambda nn, a, b: a @ b, (2, 3, 0), (0, 4)),
    "linear": (lambda nn, x, w: nn.functional.linear(x, w), (2, 3, 0), (4, 0)),
    "linear-to-nothing": (lambda nn, x, w: nn.functional.linear(x, w), (0, 3), (0, 3)),
    "softmax": (lambda nn, x: nn.functional.softmax(x, dim=1), (3, 0)),
    "embedding": (lambda nn, w, i: nn.functional.embedding(i, w), (3, 0), "ids"),
    "rows": (lambda nn, x, i: x[i], (3, 0), "ids"),
}


@pytest.mark.parametrize("call, shapes", [(call, shapes) for call, *shapes in NOTHING.values()], ids=NOTHING)
def test_dimensions_of_size_zero(call, shapes):
    ours, theirs = both(call, *(np.array([2, 0]) if shape == "ids" else np.ones(shape) for shape in shapes))
    assert [a.shape for a in ours] == [b.shape for b in theirs]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape, targets", [((4,), ()), ((3, 4, 2), (3, 2)), ((2, 4, 3, 2), (2, 3, 2))])
def test_shapes_of_class_losses(rng, shape, targets):
    arrays = rng.standard_normal(shape), rng.integers(0, 4, targets)
    for reduction in ("none", "mean"):
        ours, theirs = both(lambda nn, x, i, r=reduction: nn.functional.cross_entropy(x, i, reduction=r), *arrays)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_of_classes_and_smoothing(rng, reduction, smoothing, weighted):
    for shape, targets in (((6, 4), 6), ((3, 4, 2), (3, 2)), ((4,), ())):
        arrays = rng.standard_normal(shape), rng.integers(0, 3, targets)
        weight = rng.random(4) if weighted else None

        def cross_entropy(library, x, i, weight=weight):
            w = None if weight is None else (fastgrok if library is nn else torch).tensor(weight)
            options = {"ignore_index": 1, "reduction": reduction}
            loss = library.CrossEntropyLoss(w, label_smoothing=smoothing, **options)(x, i)
            return loss + library.NLLLoss(w, **options)(x, i)

        ours, theirs = both(cross_entropy, *arrays)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14)


def test_a_model_with_torch_weights(rng):
    def make(nn):
        return nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 7)).double()

    ours, theirs = make(nn), make(torch.nn)
    ours.load_state_dict(theirs.state_dict())
    ids, targets = rng.integers(0, 7, (2, 6)), rng.integers(0, 7, 12)
    loss = nn.CrossEntropyLoss()(ours(fastgrok.tensor(ids)).reshape(12, 7), fastgrok.tensor(targets))
    loss.backward()
    expected = torch.nn.CrossEntropyLoss()(theirs(torch.tensor(ids)).reshape(12, 7), torch.tensor(targets))
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-13)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-11, atol=1e-15)
    for norm_type in (2.0, 3.0, float("inf")):
        norm = nn.utils.clip_grad_norm_(ours.parameters(), 0.1, norm_type)
        other = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.1, norm_type)
        assert norm.item() == pytest.approx(other.item(), rel=1e-12)
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-11, atol=1e-15)


WRONG = {
    "reduction": lambda nn, t: nn.functional.cross_entropy(t.zeros(2, 3), t.zeros(2, dtype=t.int64), reduction="max"),
    "probability": lambda nn, t: nn.Dropout(2.0),
    "target range": lambda nn, t: nn.functional.cross_entropy(t.zeros(2, 3), t.tensor([0, 3])),
    "target shape": lambda nn, t: nn.functional.cross_entropy(t.zeros(2, 3), t.tensor([0])),
    "id range": lambda nn, t: nn.Embedding(3, 2)(t.tensor([3])),
    "id dtype": lambda nn, t: nn.Embedding(3, 2)(t.tensor([1.0])),
    "linear shape": lambda nn, t: nn.Linear(3, 2)(t.zeros(2, 4)),
    "linear dtype": lambda nn, t: nn.Linear(3, 2)(t.zeros(2, 3, dtype=t.float64)),
    "not a tensor": lambda nn, t: nn.Linear(3, 2)([1.0, 2.0, 3.0]),
    "negative size": lambda nn, t: nn.Linear(3, -2),
    "size of wrong type": lambda nn, t: nn.Embedding(3, 2.5),
    "state missing": lambda nn, t: nn.Linear(3, 2).load_state_dict({}),
    "state not a mapping": lambda nn, t: nn.Linear(3, 2).load_state_dict([]),
    "attribute": lambda nn, t: nn.Linear(3, 2).weights,
    "assigning a tensor": lambda nn, t: setattr(nn.Linear(3, 2), "weight", t.zeros(2, 3)),
    "no forward": lambda nn, t: nn.Module()(),
    "softmax dim": lambda nn, t: nn.functional.softmax(t.zeros(2), dim=1),
    "one hot": lambda nn, t: nn.functional.one_hot(t.tensor([-1])),
    "mode": lambda nn, t: nn.Linear(3, 2).train("on"),
    "gain": lambda nn, t: nn.init.calculate_gain("sine"),
    "dtype of a module": lambda nn, t: nn.Linear(3, 2).to(t.int64),
    "index of a container": lambda nn, t: nn.Sequential(nn.Tanh())[1],
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    with pytest.raises(Exception) as theirs:
        call(torch.nn, torch)
    with pytest.raises(theirs.type):
        call(nn, fastgrok)


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains(name):
    assert nn.init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert nn.init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)

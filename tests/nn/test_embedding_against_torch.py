"""Embedding and EmbeddingBag: values, gradients, changed tables, texts and errors as in PyTorch, for any options."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


def close(ours, theirs, dtype):
    """Compare an array with theirs, relative to the largest magnitude."""
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    scale = np.abs(theirs).max(initial=0) or 1.0
    np.testing.assert_allclose(ours.detach().numpy(), theirs, rtol=0, atol=TOLERANCE[dtype] * scale)


NORMS = st.one_of(
    st.just({}), st.builds(dict, max_norm=st.sampled_from([0.5, 1.0, 3.0]), norm_type=st.sampled_from([1.0, 2.0, 3.0]))
)


@given(
    norm=NORMS,
    padding=st.sampled_from([None, 0, 2, -1]),
    scale=st.booleans(),
    shape=st.sampled_from([(), (4,), (3, 5), (2, 3, 2), (0,), (0, 3)]),
    dtype=st.sampled_from(list(TOLERANCE)),
    seed=st.integers(0, 1000),
)
def test_embedding(norm, padding, scale, shape, dtype, seed):
    rng = np.random.default_rng(seed)
    table, ids = rng.standard_normal((6, 3)).astype(dtype), rng.integers(0, 6, shape)
    factors = rng.standard_normal((*shape, 3)).astype(dtype)
    layers = []
    for library in (fastgrok, torch):
        layer = library.nn.Embedding.from_pretrained(
            library.tensor(table), freeze=False, padding_idx=padding, scale_grad_by_freq=scale, **norm
        )
        y = layer(library.tensor(ids))
        (y * library.tensor(factors)).sum().backward()
        layers.append((y, layer.weight, layer.weight.grad))
    for ours, theirs in zip(*layers, strict=True):
        close(ours, theirs, dtype)


@st.composite
def bags(draw):
    """What a call of embedding_bag gets: ids with or without offsets, and options that go together."""
    mode = draw(st.sampled_from(["sum", "mean", "max"]))
    options = {"mode": mode, "padding_idx": draw(st.sampled_from([None, 0, -2]))}
    options |= draw(NORMS)
    matrix = draw(st.booleans())
    B = draw(st.integers(1, 9))
    if matrix:
        shape, offsets = (B, draw(st.integers(1, 6))), None
    else:
        sizes = draw(st.lists(st.integers(0, 6), min_size=B, max_size=B))
        shape, offsets = (sum(sizes),), np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        options["include_last_offset"] = draw(st.booleans())
        if not options["include_last_offset"]:
            offsets = offsets[:-1]
    weighted = mode == "sum" and draw(st.booleans())
    return shape, offsets, weighted, options


@given(case=bags(), dtype=st.sampled_from(list(TOLERANCE)), seed=st.integers(0, 1000))
def test_embedding_bag(case, dtype, seed):
    shape, offsets, weighted, options = case
    rng = np.random.default_rng(seed)
    table, ids = rng.standard_normal((6, 3)).astype(dtype), rng.integers(0, 6, shape)
    B = shape[0] if offsets is None else len(offsets) - options["include_last_offset"]
    factors, each = rng.standard_normal((B, 3)).astype(dtype), rng.standard_normal(shape).astype(dtype)
    results = []
    for library in (fastgrok, torch):
        weight = library.tensor(table, requires_grad=True)
        samples = library.tensor(each, requires_grad=True) if weighted else None
        y = library.nn.functional.embedding_bag(
            library.tensor(ids),
            weight,
            None if offsets is None else library.tensor(offsets),
            per_sample_weights=samples,
            **options,
        )
        (y * library.tensor(factors)).sum().backward()
        results.append((y, weight, weight.grad, *((samples.grad,) if weighted else ())))
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs, dtype)


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_gradients_of_bags_by_frequency(rng, mode):
    """As PyTorch documents it and its Embedding does it; its EmbeddingBag on the CPU takes the count of another id."""
    table, ids = rng.standard_normal((6, 3)), rng.integers(0, 6, (4, 5))
    results = []
    for library in (fastgrok, torch):
        weight = library.tensor(table, requires_grad=True)
        if library is torch:
            rows = torch.nn.functional.embedding(torch.tensor(ids), weight, scale_grad_by_freq=True)
            y = getattr(rows, mode)(dim=1)
        else:
            y = nn.functional.embedding_bag(fastgrok.tensor(ids), weight, mode=mode, scale_grad_by_freq=True)
        (y * y).sum().backward()
        results.append((y, weight.grad))
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs, "float64")


LAYERS = {
    "Embedding-norm": lambda nn: nn.Embedding(5, 3, max_norm=1.0),
    "Embedding-all": lambda nn: nn.Embedding(5, 3, 1, 2, 3.0, True, True),
    "Embedding-norm_type": lambda nn: nn.Embedding(5, 3, norm_type=1.0),
    "EmbeddingBag": lambda nn: nn.EmbeddingBag(5, 3),
    "EmbeddingBag-sum": lambda nn: nn.EmbeddingBag(5, 3, mode="sum", sparse=True, include_last_offset=True),
    "EmbeddingBag-all": lambda nn: nn.EmbeddingBag(5, 3, 2.0, 1.0, True, "mean", False, None, True, -2),
    "in a model": lambda nn: nn.Sequential(nn.EmbeddingBag(5, 3), nn.Linear(3, 2)),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_texts_and_states(make):
    ours, theirs = make(nn), make(torch.nn)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(mine, other, "float64")
    theirs.load_state_dict({name: torch.from_numpy(value.numpy()) for name, value in ours.state_dict().items()})


@pytest.mark.parametrize("bag", [False, True], ids=["Embedding", "EmbeddingBag"])
@pytest.mark.parametrize("optimizer", ["SGD", "SparseAdam"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_sparse_training(rng, bag, optimizer, dtype):
    table, batches = rng.standard_normal((20, 4)).astype(dtype), rng.integers(0, 9, (6, 5, 3))
    results = []
    for library in (fastgrok, torch):
        if bag:
            layer = library.nn.EmbeddingBag.from_pretrained(library.tensor(table), False, mode="sum", sparse=True)
        else:
            layer = library.nn.Embedding.from_pretrained(library.tensor(table), False, sparse=True)
        steps = getattr(library.optim, optimizer)(layer.parameters(), lr=0.1)
        for ids in batches:
            steps.zero_grad()
            (layer(library.tensor(ids)) ** 2).sum().backward()
            steps.step()
        results.append(layer.weight)
    close(*results, dtype)
    assert (results[0].detach().numpy()[9:] == table[9:]).all()


def table_of(t, V=5, D=3):
    return t.ones(V, D)


def bag(t, *args, **options):
    return t.nn.functional.embedding_bag(*args, **options)


WRONG = {
    "padding": lambda t: t.nn.Embedding(3, 2, padding_idx=3),
    "padding of a function": lambda t: t.nn.functional.embedding(t.tensor([0]), table_of(t), padding_idx=-6),
    "padding of a bag": lambda t: t.nn.EmbeddingBag(3, 2, padding_idx=-4),
    "padding of a bag's function": lambda t: bag(t, t.tensor([[0]]), table_of(t), padding_idx=5),
    "pretrained": lambda t: t.nn.Embedding.from_pretrained(t.ones(3)),
    "pretrained bag": lambda t: t.nn.EmbeddingBag.from_pretrained(t.ones(3, 1, 1)),
    "shape of a given table": lambda t: t.nn.Embedding(3, 2, _weight=t.ones(2, 3)),
    "shape of a given table of bags": lambda t: t.nn.EmbeddingBag(3, 2, _weight=t.ones(2, 3)),
    "table": lambda t: t.nn.functional.embedding(t.tensor([0]), t.ones(3)),
    "table without dimensions": lambda t: t.nn.functional.embedding(t.tensor([0]), t.tensor(3.0), padding_idx=0),
    "table of a bag": lambda t: bag(t, t.tensor([[0]]), t.ones(3)),
    "table of integers, bag": lambda t: bag(t, t.tensor([[0]]), t.ones(3, 2, dtype=t.int64)),
    "id": lambda t: t.nn.Embedding(3, 2)(t.tensor([-1])),
    "id with max_norm": lambda t: t.nn.Embedding(3, 2, max_norm=1.0)(t.tensor([3])),
    "ids": lambda t: t.nn.Embedding(3, 2)([0]),
    "mode": lambda t: t.nn.EmbeddingBag(3, 2, mode="min")(t.tensor([[0]])),
    "max and scale": lambda t: bag(t, t.tensor([[0]]), table_of(t), mode="max", scale_grad_by_freq=True),
    "max and sparse": lambda t: bag(t, t.tensor([[0]]), table_of(t), mode="max", sparse=True),
    "matrix and offsets": lambda t: bag(t, t.tensor([[0]]), table_of(t), t.tensor([0])),
    "no offsets": lambda t: bag(t, t.tensor([0]), table_of(t)),
    "offsets (1, 1)": lambda t: bag(t, t.tensor([0]), table_of(t), t.tensor([[0]])),
    "offsets not from 0": lambda t: bag(t, t.tensor([0, 1]), table_of(t), t.tensor([1])),
    "offsets too large": lambda t: bag(t, t.tensor([0, 1]), table_of(t), t.tensor([0, 3])),
    "offsets of float": lambda t: bag(t, t.tensor([0, 1]), table_of(t), t.tensor([0.0])),
    "no last offset": lambda t: bag(t, t.tensor([0]), table_of(t), t.zeros(0, dtype=t.int64), include_last_offset=True),
    "three dimensions": lambda t: bag(t, t.zeros(1, 1, 1, dtype=t.int64), table_of(t)),
    "one id": lambda t: bag(t, t.tensor(1), table_of(t), t.tensor([0])),
    "ids of float": lambda t: bag(t, t.tensor([[0.0]]), table_of(t)),
    "id of a bag": lambda t: bag(t, t.tensor([[5]]), table_of(t), mode="sum"),
    "id of a mean": lambda t: bag(t, t.tensor([[-1]]), table_of(t)),
    "id of a maximum": lambda t: bag(t, t.tensor([[5]]), table_of(t), mode="max"),
    "factors and mean": lambda t: bag(t, t.tensor([[0]]), table_of(t), per_sample_weights=t.ones(1, 1)),
    "shape of factors": lambda t: bag(t, t.tensor([[0]]), table_of(t), mode="sum", per_sample_weights=t.ones(1, 2)),
    "dtype of factors": lambda t: bag(
        t, t.tensor([[0]]), table_of(t), mode="sum", per_sample_weights=t.ones(1, 1, dtype=t.float64)
    ),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_errors_are_instances_of_theirs(call):
    with pytest.raises(Exception) as theirs:
        call(torch)
    with pytest.raises(theirs.type):
        call(fastgrok)

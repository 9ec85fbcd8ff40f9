"""RMSprop, Adagrad, Adadelta, Adamax, NAdam and SparseAdam: the same steps as PyTorch's for any options, and rows."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok import nn, optim
from fastgrok.ops import Rows

STEPS = 20

rates = st.floats(1e-3, 0.1)
decays = st.sampled_from([0.0, 0.01, 0.3])
flags = st.booleans()
betas = st.tuples(st.sampled_from([0.0, 0.5, 0.9]), st.sampled_from([0.0, 0.9, 0.999]))
small = st.sampled_from([1e-10, 1e-8, 1e-3])
OPTIONS = {
    "RMSprop": {
        "lr": rates, "alpha": st.sampled_from([0.5, 0.9, 0.99]), "eps": small, "weight_decay": decays,
        "momentum": st.sampled_from([0.0, 0.9]), "centered": flags, "maximize": flags,
    },
    "Adagrad": {
        "lr": rates, "lr_decay": decays, "weight_decay": decays, "eps": small, "maximize": flags,
        "initial_accumulator_value": st.sampled_from([0.0, 0.5]),
    },
    "Adadelta": {
        "lr": rates, "rho": st.sampled_from([0.0, 0.9, 1.0]), "eps": small, "weight_decay": decays, "maximize": flags,
    },
    "Adamax": {"lr": rates, "betas": betas, "eps": small, "weight_decay": decays, "maximize": flags},
    "NAdam": {
        "lr": rates, "betas": betas, "eps": small, "weight_decay": decays, "maximize": flags,
        "momentum_decay": st.sampled_from([0.0, 4e-3, 0.5]), "decoupled_weight_decay": flags,
    },
}  # fmt: skip
each_name = pytest.mark.parametrize("name", OPTIONS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def assert_close(ours, theirs, dtype):
    ours, theirs = np.asarray(ours.detach()), np.asarray(theirs.detach())
    assert ours.dtype == theirs.dtype == dtype and ours.shape == theirs.shape
    np.testing.assert_allclose(
        ours, theirs, rtol=0, atol={"float32": 1e-5, "float64": 1e-10}[dtype] * abs(theirs).max()
    )


@pytest.mark.torch
@each_dtype
@each_name
@given(data=st.data())
def test_trajectories(name, dtype, data):
    torch = pytest.importorskip("torch")
    first, second = (data.draw(st.fixed_dictionaries(OPTIONS[name])) for _ in range(2))
    del second["maximize"]
    rng = np.random.default_rng(0)
    start = [rng.standard_normal(shape).astype(dtype) for shape in ((3, 4), (), (5,))]
    # Away from 0: where a mean of squares is tiny, so are the differences of a centered one, and rounding decides.
    gradients = [[np.asarray(rng.uniform(0.5, 2, a.shape) * rng.choice([-1, 1], a.shape), dtype) for a in start]
                 for _ in range(STEPS)]  # fmt: skip
    parameters, optimizers = [], []
    for library in (fastgrok, torch):
        a, b, c = (library.tensor(array, requires_grad=True) for array in start)
        optimizer = getattr(library.optim, name)([{"params": [a]}, {"params": [b], **second}], **first)
        parameters.append([a, b, c])
        optimizers.append(optimizer)
    for t, step in enumerate(gradients):
        if t == 5 and name != "Adagrad":  # there PyTorch's own has no state for a group that comes later
            for optimizer, ps in zip(optimizers, parameters, strict=True):
                optimizer.add_param_group({"params": ps[2:], "lr": 0.02})
        for library, optimizer, ps in zip((fastgrok, torch), optimizers, parameters, strict=True):

            def closure(library=library, ps=ps, step=step):
                for p, g in zip(ps, step, strict=True):
                    p.grad = library.tensor(g)
                return 7.0

            assert optimizer.step(closure) == 7.0
    for p, q in zip(*parameters, strict=True):
        assert_close(p, q, dtype)

    ours, theirs = (optimizer.state_dict() for optimizer in optimizers)
    assert [set(g) for g in ours["param_groups"]] == [set(g) for g in theirs["param_groups"]]
    assert {i: set(s) for i, s in ours["state"].items()} == {i: set(s) for i, s in theirs["state"].items()}
    for i, state in theirs["state"].items():
        for key, value in state.items():
            if value.ndim or isinstance(ours["state"][i][key], fastgrok.Tensor):
                assert_close(ours["state"][i][key], value, dtype)
            else:
                assert ours["state"][i][key] == value.item()

    # Each goes on from the state of the other.
    optimizers[0].load_state_dict(theirs)
    for optimizer, ps, library in zip(optimizers, parameters, (fastgrok, torch), strict=True):
        for p, g in zip(ps, gradients[0], strict=True):
            p.grad = library.tensor(g)
        optimizer.step()
    for p, q in zip(*parameters, strict=True):
        assert_close(p, q, dtype)


def backward(table, ids, factors):
    table.weight.grad = None
    (table(ids) * factors).sum().backward()


@pytest.mark.parametrize("maximize", [False, True])
def test_adagrad_changes_only_rows_and_like_the_dense_gradient(maximize):
    table = nn.Embedding(50, 7)
    dense = copy.deepcopy(table)
    optimizers = [optim.Adagrad(t.parameters(), lr=0.1, lr_decay=0.1, maximize=maximize) for t in (table, dense)]
    before = table.weight.detach().clone()
    for _ in range(4):
        ids, factors = fastgrok.randint(0, 20, (30,)), fastgrok.randn(30, 7)
        for layer, optimizer in zip((table, dense), optimizers, strict=True):
            backward(layer, ids, factors)
            if layer is dense:
                assert layer.weight.grad.shape == (50, 7)  # read, hence an array
            version = layer.weight.storage.version
            optimizer.step()
            assert layer.weight.storage.version > version
        assert isinstance(table.weight._grad, Rows)
    assert (table.weight == dense.weight).all()
    assert (table.weight[20:] == before[20:]).all() and not (table.weight[:20] == before[:20]).any(1).all()
    backward(table, ids, factors)
    decayed = optim.Adagrad(table.parameters(), lr=0.1, weight_decay=0.5)
    before = table.weight.detach().clone()
    decayed.step()
    assert not (table.weight == before).any()  # decay reaches every row


@pytest.mark.torch
@each_dtype
@given(options=st.fixed_dictionaries({"lr": rates, "betas": betas, "eps": small, "maximize": flags}))
def test_sparse_adam(dtype, options):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    start = rng.standard_normal((9, 4)).astype(dtype)
    ours = nn.Embedding.from_pretrained(fastgrok.tensor(start), freeze=False)
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(start), freeze=False, sparse=True)
    optimizers = optim.SparseAdam(ours.parameters(), **options), torch.optim.SparseAdam(theirs.parameters(), **options)
    for _ in range(STEPS):
        ids, factors = rng.integers(0, 7, 5), rng.uniform(0.5, 2, (5, 4)).astype(dtype)
        backward(ours, fastgrok.tensor(ids), fastgrok.tensor(factors))
        backward(theirs, torch.tensor(ids), torch.tensor(factors))
        for optimizer in optimizers:
            optimizer.step()
    assert_close(ours.weight, theirs.weight, dtype)
    assert (ours.weight.detach().numpy()[7:] == start[7:]).all()
    mine, other = (optimizer.state_dict() for optimizer in optimizers)
    assert set(mine["param_groups"][0]) == set(other["param_groups"][0])
    assert set(mine["state"][0]) == set(other["state"][0]) and mine["state"][0]["step"] == STEPS
    for key in ("exp_avg", "exp_avg_sq"):
        assert_close(mine["state"][0][key], other["state"][0][key], dtype)
    resumed = optim.SparseAdam(ours.parameters())
    resumed.load_state_dict(other)
    for layer, optimizer, library in ((ours, resumed, fastgrok), (theirs, optimizers[1], torch)):
        backward(layer, library.tensor(ids), library.tensor(factors))
        optimizer.step()
    assert_close(ours.weight, theirs.weight, dtype)


def test_sparse_adam_refuses_arrays_before_it_changes_anything():
    tables = [nn.Embedding(3, 2) for _ in range(2)]
    for table in tables:
        backward(table, fastgrok.tensor([1]), fastgrok.ones(2))
    assert tables[1].weight.grad is not None  # read, hence an array
    before = [table.weight.detach().clone() for table in tables]
    optimizer = optim.SparseAdam([table.weight for table in tables])
    with pytest.raises(RuntimeError, match="does not support dense gradients"):
        optimizer.step()
    assert all((t.weight == b).all() for t, b in zip(tables, before, strict=True)) and not optimizer.state


def test_no_rows_change_nothing():
    table = nn.Embedding(3, 2, padding_idx=0)
    for optimizer in (
        optim.SparseAdam(table.parameters()),
        optim.Adagrad(table.parameters()),
        optim.SGD([table.weight]),
    ):
        backward(table, fastgrok.tensor([0, 0]), fastgrok.ones(2))
        before = table.weight.tolist()
        optimizer.step()
        assert table.weight.tolist() == before


def test_adagrad_has_its_state_from_the_beginning():
    a, b = (fastgrok.zeros(2, requires_grad=True) for _ in range(2))
    optimizer = optim.Adagrad([a], initial_accumulator_value=0.25)
    optimizer.add_param_group({"params": b})
    assert [optimizer.state[p]["sum"].tolist() for p in (a, b)] == [[0.25, 0.25]] * 2
    optimizer.load_state_dict({**optimizer.state_dict(), "state": {}})
    a.grad = fastgrok.ones(2)
    optimizer.step()
    assert optimizer.state[a]["sum"].tolist() == [1.25, 1.25] and optimizer.state[a]["step"] == 1


@pytest.mark.parametrize("name", ["RMSprop", "Adadelta", "Adamax", "NAdam"])
def test_modes_that_are_not_covered(name):
    w = fastgrok.zeros(1, requires_grad=True)
    for mode in ("capturable", "differentiable"):
        with pytest.raises(NotImplementedError, match=f"{name}: {mode}=True"):
            getattr(optim, name)([w], **{mode: True})
    with pytest.raises(NotImplementedError, match="Adagrad: differentiable=True"):
        optim.Adagrad([w], differentiable=True)


def test_the_state_of_another_kind_is_refused():
    w = fastgrok.zeros(2, requires_grad=True)
    w.grad = fastgrok.ones(2)
    other = optim.Adam([w])
    other.step()
    for cls in (optim.RMSprop, optim.NAdam, optim.Adagrad, optim.Adadelta, optim.Adamax):
        optimizer = cls([w])
        state = {**optimizer.state_dict(), "state": other.state_dict()["state"]}
        with pytest.raises(ValueError, match=rf"parameter 0; {cls.__name__} expected"):
            optimizer.load_state_dict(state)


@pytest.mark.torch
def test_signatures_and_errors_are_theirs():
    import inspect

    torch = pytest.importorskip("torch")
    for name in (*OPTIONS, "SparseAdam"):
        ours, theirs = (inspect.signature(getattr(library.optim, name)) for library in (fastgrok, torch))
        assert [(p.name, p.default, p.kind) for p in ours.parameters.values()] == [
            (p.name, p.default, p.kind) for p in theirs.parameters.values()
        ]
        for options in ({"lr": -1.0}, {"eps": -1.0}, {"weight_decay": -1.0}, {"betas": (0.9, 1.0)}, {"rho": 2.0}):
            if set(options) <= set(ours.parameters):
                for library in (fastgrok, torch):
                    with pytest.raises(ValueError, match="Invalid"):
                        getattr(library.optim, name)([library.zeros(1, requires_grad=True)], **options)

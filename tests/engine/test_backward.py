"""The engine: order, memory, hooks, freeing, versions, grad mode."""

import gc
import threading
import weakref

import numpy as np
import pytest

import fastgrok
from fastgrok import ops
from fastgrok.autograd import Variable, apply
from fastgrok.errors import DtypeError, ShapeError, StateError


def leaf(*values):
    return fastgrok.tensor(list(values), requires_grad=True)


def test_long_chains_need_no_recursion():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 0.0
    y.backward()
    assert x.grad.item() == 1.0
    y = x
    for _ in range(100_000):  # never walked by backward: only taken apart
        y = y * 1.0
    del y


def test_recurrence_of_ten_thousand_steps(rng):
    W = fastgrok.from_numpy(rng.standard_normal((4, 4)) * 0.3).requires_grad_()
    h = fastgrok.from_numpy(rng.standard_normal((2, 4)))
    for _ in range(10_000):
        h = (h @ W).tanh() + 0.01
    h.sum().backward()
    assert np.isfinite(W.grad.array).all()


def test_each_op_runs_once_after_all_its_consumers():
    runs = []

    class Counted(ops.Add, register=False):
        def backward(self, dout):
            runs.append(float(dout.item()))
            return super().backward(dout)

    x = leaf(2.0)
    y = apply(Counted, x, x)
    z = y
    for _ in range(5):  # a ladder of diamonds: 2^5 paths
        z = z * 3 + z
    (z + y).sum().backward()
    assert runs == [4.0**5 + 1] and x.grad.item() == 2 * (4.0**5 + 1)


def test_gradients_accumulate_over_calls_in_place():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first and first.tolist() == [5.0, 7.0]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_leaves_do_not_share_the_memory_of_gradients():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    g = fastgrok.ones(2)
    (a + b).backward(g)
    a.grad.mul_(10)
    assert b.grad.tolist() == [1.0, 1.0] and g.tolist() == [1.0, 1.0]
    c, d = leaf(1.0), leaf(2.0)
    fastgrok.cat([c, d]).sum().backward()
    c.grad.zero_()
    assert d.grad.tolist() == [1.0] and c.grad.array.flags.writeable


def test_buffers_are_freed_without_the_garbage_collector(rng):
    gc.collect()
    gc.disable()
    try:
        x = fastgrok.from_numpy(rng.standard_normal((8, 8))).requires_grad_()
        inner = x.tanh()
        y = (inner @ x).exp().sum()
        watched = [weakref.ref(t) for t in (inner, y, inner.op, y.op, inner.array, inner.op.y)]
        del inner, y
        assert [w() for w in watched] == [None] * len(watched)
        y = x.tanh()
        y.register_hook(lambda g: None)
        y.retain_grad()
        z = (y * y).sum()
        watched = [weakref.ref(y), weakref.ref(y.op), weakref.ref(z.op)]
        z.backward()
        del y, z
        assert [w() for w in watched] == [None] * 3
    finally:
        gc.enable()


def test_saved_arrays_go_as_soon_as_their_op_has_run(rng):
    alive = []

    class Probe(ops.Neg, register=False):
        def backward(self, dy):
            alive.append(saved() is not None)
            return super().backward(dy)

    x = fastgrok.from_numpy(rng.standard_normal(8)).requires_grad_()
    later = apply(Probe, x).exp()
    saved = weakref.ref(later.op.y)
    loss = later.sum()
    del later
    loss.backward()
    assert alive == [False]


def test_arrays_that_no_backward_needs_are_not_kept(rng):
    x = fastgrok.from_numpy(rng.standard_normal(8)).requires_grad_()
    y = x * 2
    array = weakref.ref(y.array)
    z = (y + 1).sum()
    del y
    assert array() is None
    z.backward()


def test_a_second_backward_needs_retain_graph():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(StateError, match="retain_graph"):
        y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    shared = x + 1  # saves nothing, so two losses may go through it, as in PyTorch
    shared.sum().backward()
    shared.mean().backward()


def test_several_outputs_and_none_for_those_without_gradient():
    seen = []

    class Halves(ops.Op, register=False):
        def forward(self, x):
            self.n = len(x) // 2
            return x[: self.n].copy(), x[self.n :].copy(), np.arange(3)

        def backward(self, da, db, dn):
            seen.append((da is None, db is None, dn is None))
            zero = np.zeros(self.n)
            return (np.concatenate([zero if da is None else da, zero if db is None else db]),)

    x = fastgrok.tensor([1.0, 2.0, 3.0, 4.0], dtype=fastgrok.float64, requires_grad=True)
    a, b, n = apply(Halves, x)
    assert not n.requires_grad and type(b) is fastgrok.Tensor
    (b * b).sum().backward()
    assert x.grad.tolist() == [0, 0, 6, 8] and seen == [(True, False, True)]
    a, b, _ = apply(Halves, x)
    (a + b).sum().backward()
    assert seen[1] == (False, False, True)


def test_results_have_the_class_of_the_first_operand():
    class Special(Variable, results=True):
        pass

    s, t = Special(np.ones(2)), fastgrok.ones(2)
    assert type(apply(ops.Add, s, t)) is Special and type(apply(ops.Add, t, s)) is fastgrok.Tensor


# ---------------------------------------------------------------------------------------------------- hooks


def test_hooks_see_complete_gradients_and_may_replace_them():
    x = leaf(1.0, 2.0)
    y = x * 2
    seen = []
    handle = y.register_hook(lambda g: seen.append(g.tolist()))
    y.register_hook(lambda g: g * 10)
    (y * 3 + y).sum().backward()
    assert seen == [[4.0, 4.0]] and x.grad.tolist() == [80.0, 80.0]
    handle.remove()
    handle.remove()
    x.grad = None
    leaf_handle = x.register_hook(lambda g: g + 1)
    (x * 2 + x).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    leaf_handle.remove()
    with pytest.raises(ShapeError, match="hook"):
        z = x * 1
        z.register_hook(lambda g: fastgrok.ones(3))
        z.sum().backward()
    with pytest.raises(StateError):
        fastgrok.ones(2).register_hook(print)


def test_retain_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0] and not y.is_leaf
    z = x + x
    z.sum().backward()
    assert z.grad is None


# ---------------------------------------------------------------------------------------------------- grad mode


def test_grad_mode():
    x = leaf(1.0)
    with fastgrok.no_grad():
        assert not fastgrok.is_grad_enabled()
        assert not (x * 2).requires_grad
        with fastgrok.enable_grad():
            assert (x * 2).requires_grad
        assert not fastgrok.is_grad_enabled()

    @fastgrok.no_grad()
    def first():
        return x * 2

    @fastgrok.no_grad
    def second():
        return first() * 2

    assert not second().requires_grad and (x * 2).requires_grad
    with pytest.raises(KeyError), fastgrok.no_grad():
        raise KeyError
    with fastgrok.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    results = []
    with fastgrok.no_grad():
        thread = threading.Thread(target=lambda: results.append(fastgrok.is_grad_enabled()))
        thread.start()
        thread.join()
    assert results == [True]


def test_what_backward_refuses():
    x = leaf(1.0, 2.0)
    with pytest.raises(StateError, match="does not require grad"):
        fastgrok.ones(1).backward()
    with pytest.raises(ShapeError, match="gradient must be given"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match=r"shape \(3,\), expected \(2,\)"):
        (x * 2).backward(fastgrok.ones(3))
    with pytest.raises(NotImplementedError, match="create_graph"):
        x.sum().backward(create_graph=True)
    with pytest.raises(DtypeError, match="int64"):
        fastgrok.arange(3).requires_grad_()
    with pytest.raises(StateError):
        (x * 2).requires_grad_(False)
    with pytest.raises(ShapeError):
        x.grad = fastgrok.ones(3)
    with pytest.raises(DtypeError):
        x.grad = fastgrok.ones(2).double()
    with pytest.raises(TypeError):
        x.grad = np.ones(2)
    assert x.grad is None
    x.backward(fastgrok.ones(2))  # a leaf is its own graph
    assert x.grad.tolist() == [1.0, 1.0]

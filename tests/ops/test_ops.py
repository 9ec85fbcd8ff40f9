"""Every op: gradient, layouts of memory, dtypes, and that it keeps its promises about what it saves."""

import numpy as np
import pytest
from ops.cases import CASES

import fastgrok
from fastgrok.autograd import Variable, apply
from fastgrok.ops import Op, Split, Unbind
from gradcheck import check_op, dense

ALL = pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.op.__name__}-{c.id}") for c in CASES])
# Ops whose cases stand with the layers they belong to.
_RECURRENT = {f"fastgrok.ops.{name}" for name in ("recurrent", "rnn", "gru", "packed", "book")}
ELSEWHERE = {name for name, op in Op.registry.items() if op.__module__ in _RECURRENT} | {"Heads", "Split", "Unbind"}


def test_every_op_has_a_case():
    tested = {case.op.__name__ for case in CASES} | ELSEWHERE
    public = {
        name for name, op in Op.registry.items() if op.__module__.startswith("fastgrok.") and not name.startswith("_")
    }
    assert public == tested | ELSEWHERE
    assert len({(case.op, case.id) for case in CASES}) == len(CASES)


def test_slices_that_unbind_makes(rng):
    x = rng.standard_normal((2, 3, 4))
    for dim in (0, 1, -1):
        op = Unbind()
        slices = op.forward(x, dim)
        np.testing.assert_array_equal(np.stack(slices, dim), x)
        assert all(np.shares_memory(part, x) for part in slices)
        weights = [np.full_like(part, i) if i else None for i, part in enumerate(slices)]
        expected = np.stack([np.full_like(part, i) for i, part in enumerate(slices)], dim)
        np.testing.assert_array_equal(op.backward(*weights)[0], expected)


def test_parts_that_split_makes(rng):
    x = rng.standard_normal((5, 6, 4))
    for dim, sizes in ((0, (2, 0, 3)), (1, (6,)), (2, (1, 1, 2))):
        op, cuts = Split(), np.cumsum(sizes)[:-1]
        parts = op.forward(x, dim, sizes)
        for part, expected in zip(parts, np.split(x, cuts, dim), strict=True):
            np.testing.assert_array_equal(part, expected)
        assert all(np.shares_memory(part, x) for part in parts if part.size)
        gradients = [np.full_like(part, i) if i else None for i, part in enumerate(parts)]
        gradients[-1] = np.full_like(parts[-1], 9)
        expected = np.concatenate(
            [
                np.full_like(part, g[0, 0, 0] if g is not None and g.size else 0)
                for part, g in zip(parts, gradients, strict=True)
            ],
            dim,
        )
        np.testing.assert_array_equal(op.backward(*gradients)[0], expected)


@ALL
def test_gradient(case, rng):
    check_op(case.op, case.make(rng), case.static, rng)


def run(op_class, arrays, static, dy=None):
    """Forward and backward of an op alone."""
    op = op_class()
    y = np.asarray(op.forward(*arrays, **static))
    dy = np.ones_like(y) if dy is None else dy
    return y, [None if d is None else dense(d) for d in op.backward(dy)]


LAYOUTS = (
    lambda x: x.copy(order="F"),
    lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,  # every second element
    lambda x: x[::-1].copy()[::-1] if x.ndim else x,  # from behind
)


@ALL
def test_memory_layout_does_not_matter(case, rng):
    arrays = case.make(rng)
    dy = rng.standard_normal(np.shape(run(case.op, arrays, case.static)[0]))
    expected, gradients = run(case.op, arrays, case.static, dy)
    for reorder in LAYOUTS:
        y, others = run(case.op, [reorder(x) for x in arrays], case.static, reorder(dy))
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
        for other, gradient in zip(others, gradients, strict=True):
            if gradient is not None:
                np.testing.assert_allclose(other, gradient, rtol=1e-12, atol=1e-14)


@ALL
def test_inputs_and_gradients_are_not_changed(case, rng):
    arrays = case.make(rng)
    y = np.asarray(case.op().forward(*arrays, **case.static))
    dy = rng.standard_normal(y.shape)
    copies = [x.copy() for x in (*arrays, dy)]
    run(case.op, arrays, case.static, dy)
    for x, copy in zip((*arrays, dy), copies, strict=True):
        np.testing.assert_array_equal(x, copy)


@ALL
def test_float32_stays_float32(case, rng):
    arrays = [x.astype(np.float32) for x in case.make(rng)]
    static = {**case.static, "dtype": np.float32} if "dtype" in case.static else case.static
    y, gradients = run(case.op, arrays, static)
    assert y.dtype == np.float32
    assert all(g is None or g.dtype == np.float32 for g in gradients)
    wide, _ = run(case.op, [x.astype(np.float64) for x in arrays], case.static)
    np.testing.assert_allclose(y, wide, rtol=1e-4, atol=1e-5)


@ALL
def test_backward_reads_only_what_is_declared_as_saved(case, rng):
    """An op that reads an array it has not declared would be silently wrong after a change in place."""
    arrays = case.make(rng)
    op = case.op()
    y = np.asarray(op.forward(*arrays, **case.static))
    dy = rng.standard_normal(y.shape)
    expected = [None if d is None else np.array(dense(d)) for d in op.backward(dy)]
    for i, x in enumerate(arrays):
        if i not in op.saved_inputs and x.flags.writeable:
            x[...] = 7.0
    if 0 not in op.saved_outputs and y.flags.writeable and not case.op.view:
        y[...] = 7.0
    for d, e in zip(op.backward(dy), expected, strict=True):
        if e is not None:
            np.testing.assert_array_equal(dense(d), e)


@ALL
def test_views_say_so(case, rng):
    arrays = case.make(rng)
    y = np.asarray(case.op().forward(*arrays, **case.static))
    shares = any(x.size and np.shares_memory(y, x) for x in arrays)
    assert not shares or case.op.view


@ALL
def test_needs(case, rng):
    """With one gradient wanted, it is the same as with all of them."""
    arrays = case.make(rng)
    _, every = run(case.op, arrays, case.static)
    for i in range(len(arrays)):
        variables = [Variable(x, requires_grad=k == i) for k, x in enumerate(arrays)]
        y = apply(case.op, *variables, **case.static)
        y.backward(np.ones_like(y.array))
        np.testing.assert_array_equal(variables[i].grad.array, every[i])
        assert all(v.grad is None for k, v in enumerate(variables) if k != i)


class WrongMul(fastgrok.ops.Mul, register=False):
    """A product with a gradient that is off by a factor."""

    factor = 1.0005

    def backward(self, dout):
        return tuple(self.factor * d for d in super().backward(dout))


class OneWrongElement(fastgrok.ops.Exp, register=False):
    """A gradient that is off in a single element."""

    def backward(self, dy):
        (dx,) = super().backward(dy)
        dx[1, 2] *= 1.0005
        return (dx,)


@pytest.mark.parametrize("op", [WrongMul, OneWrongElement])
def test_the_check_finds_wrong_gradients(op, rng):
    arrays = [rng.standard_normal((3, 4)) for _ in range(2 if op is WrongMul else 1)]
    with pytest.raises(AssertionError, match="gradient off"):
        check_op(op, arrays, {}, rng)


def test_warmup_calls_each_kernel_on_all_its_cases(monkeypatch):
    from fastgrok_kernels import table

    called, told = [], []

    class Kernel(table.Kernel):
        @property
        def fast(self):
            return lambda *arguments: called.append((self.name, arguments[0].dtype))

    kernels = [Kernel(k.name, k.module, k.cases[:2]) for k in table.KERNELS[:2]]
    monkeypatch.setattr(table, "KERNELS", kernels)
    assert fastgrok.warmup(told.append) >= 0
    assert told == [k.name for k in kernels]
    assert called == [(name, np.float32) for name in told for _ in range(2)]

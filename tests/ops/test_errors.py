"""What ops refuse: the error names the argument, what it got and what was expected."""

import numpy as np
import pytest

from fastgrok import ops
from fastgrok.errors import ArgumentError, DtypeError, RangeError, ShapeError

ONE, IDS = np.ones, np.array([0, 1])
WEIGHTS, STATES = (ONE((8, 3)), ONE((8, 2))), (ONE((1, 2)), ONE((1, 2)))


@pytest.mark.parametrize(
    ("op", "arrays", "static", "error", "message"),
    [
        (ops.Add, (ONE((2, 3)), ONE(4)), {}, ShapeError, r"add: shapes \(2, 3\) and \(4,\)"),
        (ops.Mul, (ONE((2, 3)), ONE(4)), {}, ShapeError, "mul"),
        (ops.Where, (ONE(2), ONE(3)), {"condition": ONE(2, bool)}, ShapeError, "where"),
        (ops.Pow, (np.array([2]), np.array([-1])), {}, DtypeError, "pow"),
        (ops.Tanh, (IDS,), {}, DtypeError, "tanh: input has dtype int64"),
        (ops.Mean, (IDS,), {}, DtypeError, "mean"),
        (ops.Sum, (ONE((2, 3)),), {"dim": 2}, IndexError, r"sum: dim=2, expected a value from -2 to 1"),
        (ops.Sum, (ONE((2, 3)),), {"dim": (0, -2)}, ValueError, "twice"),
        (ops.Amax, (ONE((0, 3)),), {"dim": 0}, RangeError, "amax"),
        (ops.Reshape, (ONE((2, 3)),), {"shape": (4,)}, ShapeError, r"shape=\(4,\)"),
        (ops.Permute, (ONE((2, 3)),), {"dims": (0, 0)}, ShapeError, "dims"),
        (ops.Expand, (ONE((2, 3)),), {"shape": (4, 3)}, ShapeError, "expand"),
        (ops.Cat, (ONE((2, 3)), ONE((3, 2))), {}, ShapeError, r"tensors\[1\]"),
        (ops.Cat, (ONE((2, 3)), ONE(2)), {"dim": 1}, ShapeError, r"tensors\[1\]"),
        (ops.Cat, (ONE(3), ONE(())), {}, ShapeError, r"tensors\[1\]"),
        (ops.Cat, (ONE(2), ONE(2, np.float32)), {}, DtypeError, r"tensors\[1\]"),
        (ops.Stack, (ONE(2), ONE(3)), {}, ShapeError, r"tensors\[1\]"),
        (ops.Index, (ONE((2, 3)),), {"index": 2}, IndexError, "out of bounds"),
        (ops.SetItem, (ONE((2, 3)), ONE(2)), {"index": 0}, ShapeError, "assignment"),
        (ops.Gather, (ONE((2, 3)),), {"dim": 1, "index": np.array([[3]])}, IndexError, "holds 3 .* from 0 to 2"),
        (ops.MatMul, (ONE((2, 3)), ONE((2, 3))), {}, ShapeError, r"\(2, 3\) and \(2, 3\)"),
        (ops.MatMul, (ONE((2, 3)), ONE((3, 2), np.float32)), {}, DtypeError, "one dtype"),
        (ops.MatMul, (ONE((2, 2, 3)), ONE((3, 3, 2))), {}, ShapeError, "broadcast"),
        (ops.FusedAttention, (ONE((2, 3)), ONE((4, 3)), ONE((5, 3))), {}, ShapeError, r"value \(5, 3\), expected"),
        (ops.FusedAttention, (ONE((2, 3)), ONE((2, 3), "f"), ONE((2, 3))), {}, DtypeError, "key float32, expected one"),
        (ops.FusedAttention, (ONE((2, 3)),) * 3, {"p": 1.0}, ArgumentError, "p=1.0, expected a probability"),
        (ops.FusedAttention, (ONE((2, 3)),) * 3, {"mask": ONE(3)}, ShapeError, r"\(2, 2\) and \(3,\)"),
        (ops.SelfAttention, (ONE((2, 3, 8)),), {"heads": 2}, ShapeError, r"input has shape \(2, 3, 8\), .* 3 \* 2 \*"),
        (ops.SelfAttention, (ONE((2, 3, 8)),), {"heads": 0}, ShapeError, r"3 \* 0 \*"),
        (ops.Linear, (ONE((2, 3)), ONE((4, 2))), {}, ShapeError, "linear: input"),
        (ops.Linear, (ONE((2, 3)), ONE((4, 3)), ONE(3)), {}, ShapeError, "bias"),
        (ops.LSTM, (ONE((2, 1, 3)), *WEIGHTS, *STATES, ONE(7), ONE(8)), {}, ShapeError, r"bias_ih .*\(7,\), "),
        (ops.LSTM, (ONE((2, 1, 3)), *WEIGHTS, *STATES, ONE(8), ONE(8, "f")), {}, DtypeError, "bias_hh float32"),
        (ops.LSTM, (ONE((2, 1, 3)), *WEIGHTS, STATES[0], ONE((1, 3))), {}, ShapeError, r"c0 has shape \(1, 3\)"),
        (ops.LSTM, (ONE((2, 1, 3)), ONE((8, 3), "f"), *WEIGHTS[1:], *STATES), {}, DtypeError, "weight_ih float32"),
        (ops.LSTM, (ONE((2, 1, 3)), WEIGHTS[0], ONE((8, 3)), *STATES), {}, ShapeError, r"weight_hh has shape \(8, 3\)"),
        (ops.Embedding, (ONE((5, 2)), np.array([1, 5])), {}, IndexError, r"holds 5 at position \(1,\), .* 0 to 4"),
        (ops.Embedding, (ONE((5, 2)), np.array([-1])), {}, IndexError, "holds -1"),
        (ops.Embedding, (ONE((5, 2)), ONE(2)), {}, DtypeError, "float64"),
        (ops.Dropout, (ONE(3),), {"p": 1.5}, ValueError, "p=1.5"),
        (ops.CrossEntropy, (ONE((2, 3)), np.array([0, 3])), {}, IndexError, "target holds 3"),
        (ops.CrossEntropy, (ONE((2, 3)), np.array([0, -1])), {}, IndexError, "target holds -1"),
        (ops.CrossEntropy, (ONE((2, 3)), np.array([0])), {}, ShapeError, "target"),
        (ops.CrossEntropy, (ONE((2, 3)), ONE((2, 3))), {}, DtypeError, "probabilities"),
        (ops.SoftCrossEntropy, (ONE((2, 3)), ONE((2, 4))), {}, ShapeError, r"target \(2, 4\)"),
        (ops.BCE, (2 * ONE(2), ONE(2)), {}, ArgumentError, "holds 2.0"),
        (ops.BCE, (ONE(2), ONE(2)), {"weight": ONE(3)}, ShapeError, "weight"),
        (ops.BCEWithLogits, (ONE((2, 1)), ONE((2, 1))), {"pos_weight": ONE(3)}, ShapeError, "pos_weight"),
        (ops.KLDiv, (ONE(2), ONE(2, np.float32)), {}, DtypeError, "target"),
        (ops.PNorm, (ONE(2),), {"dim": 1}, IndexError, "dim=1"),
        (ops.GELU, (IDS,), {}, DtypeError, "gelu: input has dtype int64"),
        (ops.CrossEntropy, (ONE((2, 3)), IDS), {"reduction": "avg"}, ValueError, "'avg'"),
        (ops.NLL, (ONE((2, 3)), np.array([0, 3])), {}, IndexError, "target holds 3"),
        (ops.MSE, (ONE((2, 1)), ONE(2)), {}, ShapeError, "mse_loss"),
        (ops.MSE, (ONE(2), ONE(2, np.float32)), {}, DtypeError, "target"),
    ],
)  # fmt: skip
def test_error(op, arrays, static, error, message):
    with pytest.raises(error, match=message):
        op().forward(*arrays, **static)


def test_errors_are_what_pytorch_raises():
    assert issubclass(ShapeError, (ValueError, RuntimeError)) and issubclass(DtypeError, TypeError)
    assert issubclass(DtypeError, RuntimeError)


def test_ignored_rows_count_neither_in_the_mean_nor_in_the_gradient():
    x = np.random.default_rng(0).standard_normal((3, 4))
    op = ops.CrossEntropy()
    y = op.forward(x, np.array([1, -100, 2]))
    assert np.isclose(y, ops.CrossEntropy().forward(x[[0, 2]], np.array([1, 2])))
    assert (op.backward(np.ones(()))[0][1] == 0).all()


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_the_gradient_of_a_cross_entropy_is_made_anew_for_each_who_asks(reduction):
    """It is known before it is asked for. Who gets it may change it, and a second one asks with another factor."""
    x, targets = np.random.default_rng(0).standard_normal((5, 20)), np.array([1, -100, 2, 19, 0])
    op, shape = ops.CrossEntropy(), (5,) if reduction == "none" else ()
    op.forward(x, targets, reduction=reduction)
    (first,) = op.backward(np.ones(shape))
    kept = first.copy()
    first[:] = np.nan
    np.testing.assert_array_equal(op.backward(np.ones(shape))[0], kept)
    np.testing.assert_allclose(op.backward(np.full(shape, -3.0))[0], -3 * kept, rtol=1e-12)
    fresh = ops.CrossEntropy()
    fresh.forward(x, targets, reduction=reduction)
    overflown = fresh.backward(np.full(shape, np.inf))[0]
    assert not np.isfinite(overflown[0]).any() and not overflown[1].any()  # the second row is ignored


def test_a_cross_entropy_without_a_gradient_calculates_none():
    op = ops.CrossEntropy()
    op.needs = (False, False)
    op.forward(np.ones((5, 20)), np.zeros(5, np.int64))
    assert op.dlogits is None


def test_padding_row_of_embedding_gets_no_gradient():
    op = ops.Embedding()
    op.forward(np.ones((4, 2)), np.array([0, 3, 3]), padding_idx=3)
    np.testing.assert_array_equal(op.backward(np.ones((3, 2)))[0].dense(), [[1, 1], [0, 0], [0, 0], [0, 0]])


def test_embedding_uses_a_gradient_that_knows_its_table():
    class Folded(ops.Gradient):
        def table_gradient(self, V):
            return np.full((V, 2), 5.0)

    op = ops.Embedding()
    op.forward(np.ones((4, 2)), np.array([0, 3]), padding_idx=3)
    np.testing.assert_array_equal(op.backward(Folded())[0], [[5, 5]] * 3 + [[0, 0]])


def test_float_extremes_give_inf_and_nan_without_a_warning():
    x = np.array([0.0, -1.0, 1e300])
    assert np.isneginf(ops.Log().forward(x)[0]) and np.isnan(ops.Log().forward(x)[1])
    assert np.isinf(ops.Exp().forward(x)[2]) and np.isinf(ops.Div().forward(x[2:], x[:1])[0])
    assert ops.Sigmoid().forward(np.array([-1e4], np.float32))[0] == 0
    assert np.isneginf(ops.LogSumExp().forward(np.full(2, -np.inf)))

"""Cases for every op: float64 inputs and settings. A gate in test_ops.py compares them with the registry."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fastgrok import ops


@dataclass(frozen=True)
class Case:
    """One call of an op. `make(rng)` returns its input arrays; `gradient` is False where derivatives do not exist."""

    op: type
    id: str
    make: Callable
    static: dict = field(default_factory=dict)


def normal(*shapes):
    """Inputs from the normal distribution."""
    return lambda rng: [rng.standard_normal(shape) for shape in shapes]


def positive(*shapes):
    """Inputs between 0.5 and 2.5."""
    return lambda rng: [0.5 + 2 * rng.random(shape) for shape in shapes]


def spread(*shapes):
    """Inputs that are at least 0.05 apart from each other and from 0, for functions with kinks."""

    def make(rng):
        sizes = [int(np.prod(shape)) for shape in shapes]
        values = rng.permutation(np.arange(sum(sizes)) - sum(sizes) // 2) * 0.1 + 0.05
        return [
            part.reshape(shape) for part, shape in zip(np.split(values, np.cumsum(sizes)[:-1]), shapes, strict=True)
        ]

    return make


def _with_zeros(rng):
    """Numbers, some rows of which hold one zero or two."""
    x = rng.standard_normal((4, 5))
    x[1, 2] = x[2, 0] = x[2, 4] = 0
    return x


def probabilities(*shapes):
    """Inputs between 0.1 and 0.9."""
    return lambda rng: [0.1 + 0.8 * rng.random(shape) for shape in shapes]


IDS = np.array([[3, 0, 3], [1, 4, 3]])
MANY = np.arange(5600).reshape(70, 80) ** 2 % 9  # enough for a kernel
BAGS = {"ids": np.array([3, 0, 3, 1, 4, 3]), "starts": np.array([0, 2, 2, 5, 6])}
MASK = np.array([[True, False, True], [False, True, True]])

CASES = [
    *[
        Case(op, id, make)
        for op in (ops.Add, ops.Sub, ops.Mul)
        for id, make in (
            ("same", normal((2, 3), (2, 3))),
            ("row", normal((2, 3), (3,))),
            ("both", normal((2, 1, 3), (4, 1))),
            ("scalar", normal((2, 3), ())),
            ("empty", normal((0, 3), (3,))),
        )
    ],
    Case(ops.Div, "same", positive((2, 3), (2, 3))),
    Case(ops.Div, "broadcast", positive((2, 1), (4, 1, 3))),
    Case(ops.Pow, "same", positive((2, 3), (2, 3))),
    Case(ops.Pow, "broadcast", positive((2, 3), (3,))),
    Case(ops.Maximum, "broadcast", spread((2, 3), (3,))),
    Case(ops.Minimum, "broadcast", spread((2, 3), (3,))),
    Case(ops.Remainder, "same", lambda rng: [rng.permutation(6) * 0.7 - 1.75, np.array([2.0, -2, 2, -2, 2, 2])]),
    Case(ops.Remainder, "broadcast", lambda rng: [rng.random((2, 3)) * 0.9 + 0.05, np.array(-1.0)]),
    Case(ops.ClampBetween, "broadcast", spread((3, 4), (4,), (3, 1))),
    Case(ops.Where, "same", normal((2, 3), (2, 3)), {"condition": MASK}),
    Case(ops.Where, "broadcast", normal((), (2, 1)), {"condition": MASK}),
    *[
        Case(op, "matrix", normal((3, 4)))
        for op in (ops.Neg, ops.Clone, ops.Exp, ops.Sin, ops.Cos, ops.Tanh, ops.Sigmoid)
    ],
    *[Case(op, "large", normal((3, 1 << 14))) for op in (ops.Exp, ops.Tanh, ops.Sigmoid)],
    Case(ops.Log, "large", positive((3, 1 << 14))),
    *[Case(op, "0-d", normal(())) for op in (ops.Neg, ops.Exp, ops.Tanh, ops.Sigmoid, ops.Sum, ops.Mean)],
    *[Case(op, "positive", positive((3, 4))) for op in (ops.Log, ops.Sqrt)],
    *[
        Case(ops.Where, id, normal(*shapes), {"condition": np.arange(3 * 2000).reshape(3, 1, 2000) % 3 == 0})
        for id, shapes in (
            ("large", ((3, 1, 2000), (3, 1, 2000))),
            ("large-filled", ((), (3, 1, 2000))),
            ("large-broadcast", ((2, 1), (2000,))),
        )
    ],
    Case(ops.Clamp, "large", spread((3, 2000)), {"low": -0.2, "high": 0.3}),
    Case(ops.Clamp, "large-high", spread((3, 2000)), {"high": 0.3}),
    *[Case(op, "spread", spread((3, 4))) for op in (ops.Abs, ops.ReLU, ops.Clamp)],
    Case(ops.Cast, "float64", normal((3, 4)), {"dtype": np.float64}),
    Case(ops.Clamp, "low", spread((3, 4)), {"low": -0.1}),
    Case(ops.Clamp, "both", spread((3, 4)), {"low": -0.2, "high": 0.3}),
    *[
        Case(op, f"{dim}{'-kept' if keepdim else ''}", make((2, 3, 4)), {"dim": dim, "keepdim": keepdim})
        for op, make in (
            (ops.Sum, normal),
            (ops.Mean, normal),
            (ops.Var, normal),
            (ops.Amax, spread),
            (ops.Amin, spread),
            (ops.LogSumExp, normal),
        )
        for dim, keepdim in ((None, False), (1, False), ((0, -1), True))
    ],
    *[Case(ops.LogSumExp, f"many {dim}", normal((6, 50, 60)), {"dim": dim}) for dim in (-1, (1, 2), None)],
    Case(ops.Var, "biased", normal((2, 3)), {"dim": 1, "correction": 0}),
    *[Case(op, "matrix", positive((3, 4))) for op in (ops.Log1p, ops.Expm1)],
    *[Case(op, "spread", spread((3, 4))) for op in (ops.Floor, ops.Ceil, ops.Sign)],
    Case(ops.Round, "whole", lambda rng: [rng.permutation(12).reshape(3, 4) * 0.3 + 0.06]),
    Case(ops.Round, "decimals", normal((2, 3)), {"decimals": 1}),
    *[Case(ops.Prod, str(dim), normal((2, 3, 4)), {"dim": dim}) for dim in (None, 0, -1)],
    Case(ops.Prod, "kept", lambda rng: [_with_zeros(rng)], {"dim": 1, "keepdim": True}),
    *[Case(ops.CumProd, str(dim), lambda rng: [_with_zeros(rng)], {"dim": dim}) for dim in (0, 1)],
    Case(ops.CumSum, "0", normal((2, 3)), {"dim": 0}),
    Case(ops.CumSum, "-1", normal((2, 3)), {"dim": -1}),
    Case(ops.Gates, "three", normal((4, 3), (4, 3), (4, 3)), {"width": 32}),
    Case(ops.GateShares, "two", normal((5, 4), (4, 3), (4, 3), (3,), (3,))),
    Case(ops.Reshape, "merge", normal((2, 3, 4)), {"shape": (6, -1)}),
    Case(ops.Permute, "3-d", normal((2, 3, 4)), {"dims": (2, 0, 1)}),
    Case(ops.Erf, "", normal((2, 3))),
    Case(ops.Erf, "large", normal((3, 1 << 11))),
    Case(ops.Diagonal, "2-d", normal((3, 4)), {"offset": 1}),
    Case(ops.Diagonal, "3-d", normal((2, 3, 4)), {"offset": -1, "dim1": 2, "dim2": 0}),
    Case(ops.Expand, "new", normal((3, 1)), {"shape": (2, -1, 4)}),
    Case(ops.Cat, "1", normal((2, 3), (2, 1), (2, 2)), {"dim": 1}),
    Case(ops.Stack, "-1", normal((2, 3), (2, 3)), {"dim": -1}),
    Case(ops.Flip, "both", normal((2, 3)), {"dims": (0, 1)}),
    Case(ops.Roll, "forth", normal((4, 3)), {"shift": 3, "dim": 0}),
    Case(ops.Roll, "back", normal((4, 3)), {"shift": -5, "dim": 1}),
    Case(ops.OuterProduct, "", normal((3,), (4,))),
    Case(ops.Index, "number", normal((4, 3)), {"index": 1}),
    Case(ops.Index, "slices", normal((4, 3)), {"index": (slice(None, None, 2), None, slice(1, 3))}),
    Case(ops.Index, "rows", normal((5, 3)), {"index": np.array([[0, -1], [4, 0]])}),
    Case(ops.Index, "pairs", normal((5, 3)), {"index": (np.array([0, 0, 4]), np.array([1, 1, 2]))}),
    Case(ops.Index, "columns", normal((70, 9)), {"index": (slice(None), MANY[0] - 9)}),
    Case(ops.Index, "blocks", normal((9, 7, 10)), {"index": MANY[0]}),
    Case(ops.Index, "large mask", normal((70, 80)), {"index": MANY > 1}),
    Case(ops.Index, "mask", normal((2, 3)), {"index": MASK}),
    Case(ops.SetItem, "row", normal((4, 3), (3,)), {"index": slice(1, 3)}),
    Case(ops.SetItem, "mask", normal((2, 3), ()), {"index": MASK}),
    Case(ops.Overwrite, "index", normal((4, 3), (2, 3)), {"view": ops.Index, "static": {"index": slice(1, 3)}}),
    Case(ops.Overwrite, "permuted", normal((4, 3), (3, 4)), {"view": ops.Permute, "static": {"dims": (1, 0)}}),
    Case(ops.Overwrite, "reshaped", normal((4, 3), (2, 6)), {"view": ops.Reshape, "static": {"shape": (2, 6)}}),
    Case(ops.AddAt, "rows", normal((4, 3), (3, 3)), {"dim": 0, "ids": np.array([0, 2, 0])}),
    Case(ops.AddAt, "places", normal((2, 5), (2, 3)), {"dim": 1, "ids": IDS}),
    Case(ops.AddAt, "many", normal((70, 9), (70, 80)), {"dim": 1, "ids": MANY}),
    Case(ops.AddAt, "columns", normal((70, 9), (70, 80)), {"dim": 1, "ids": MANY[0]}),
    *[
        Case(ops.Pad, f"{mode}{i}", normal((2, 4, 3)), {"widths": widths, "mode": mode})
        for mode in ("constant", "reflect", "replicate", "circular")
        for i, widths in enumerate((((0, 0), (3, 2), (0, 2)), ((0, 0), (-1, 2), (1, -2))))
    ],
    Case(ops.Pad, "value", normal((2, 3)), {"widths": ((1, 0), (0, 2)), "value": 2.5}),
    Case(ops.Gather, "1", normal((2, 5)), {"dim": 1, "index": IDS}),
    Case(ops.Gather, "0", normal((5, 3)), {"dim": 0, "index": IDS}),
    Case(ops.Gather, "many in rows", normal((70, 9)), {"dim": 1, "index": MANY}),
    Case(ops.Gather, "many in columns", normal((9, 8, 10)), {"dim": 0, "index": MANY.reshape(70, 8, 10)}),
    *[
        Case(ops.MatMul, id, normal(*shapes))
        for id, shapes in (
            ("matrices", ((2, 3), (3, 4))),
            ("vectors", ((3,), (3,))),
            ("row", ((3,), (3, 4))),
            ("column", ((2, 3), (3,))),
            ("batch", ((5, 2, 3), (3, 4))),
            ("batches", ((2, 1, 2, 3), (5, 3, 4))),
            ("row-batch", ((3,), (5, 3, 4))),
            ("batch-column", ((5, 2, 3), (3,))),
        )
    ],
    *[
        Case(ops.Attention, id, normal(*shapes), settings)
        for id, shapes, settings in (
            ("matrices", ((4, 3), (5, 3), (5, 2)), {"scale": 0.7}),
            ("heads", ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5)), {"scale": 0.5}),
            ("mask", ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5), (3, 1, 6)), {"scale": -0.5}),
            ("broadcast", ((7, 1, 4, 3), (2, 5, 3), (5, 2), (7, 2, 4, 5)), {}),
            ("values-broadcast", ((4, 3), (5, 3), (2, 5, 2), (4, 1)), {}),
            ("dropout", ((2, 4, 3), (2, 5, 3), (2, 5, 3), (4, 5)), {"p": 0.4, "seed": 5}),
            ("all-dropped", ((4, 3), (5, 3), (5, 3)), {"p": 1.0, "seed": 5}),
            ("no-keys", ((2, 4, 3), (2, 0, 3), (2, 0, 3)), {}),
            ("no-queries", ((2, 0, 3), (2, 5, 3), (2, 5, 3), (0, 5)), {}),
            ("no-batch", ((0, 4, 3), (0, 5, 3), (0, 5, 3)), {}),
        )
    ],
    *[
        Case(ops.FusedAttention, id, normal(*shapes), settings)
        for id, shapes, settings in (
            ("matrices", ((4, 3), (5, 3), (5, 2)), {"scale": 0.7}),
            ("heads", ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5)), {"scale": 0.5, "causal": True}),
            ("mask", ((2, 3, 4, 5), (2, 3, 6, 5), (2, 3, 6, 5)), {"scale": -0.5, "mask": np.linspace(-1, 1, 6)}),
            ("mask-heads", ((2, 3, 4, 2), (2, 3, 5, 2), (2, 3, 5, 3)), {"mask": np.linspace(-1, 1, 20).reshape(4, 5)}),
            ("dropout", ((2, 4, 3), (2, 5, 3), (2, 5, 3)), {"p": 0.4, "seed": 5}),
            ("no-keys", ((2, 4, 3), (2, 0, 3), (2, 0, 3)), {}),
            ("no-queries", ((2, 0, 3), (2, 5, 3), (2, 5, 3)), {"mask": np.zeros((0, 5))}),
            ("no-batch", ((0, 4, 3), (0, 5, 3), (0, 5, 3)), {"causal": True}),
        )
    ],
    *[
        Case(ops.SelfAttention, id, normal(shape), {"heads": 2, **settings})
        for id, shape, settings in (
            ("time", (4, 3, 6), {"scale": 0.7, "causal": True}),
            ("batch", (3, 4, 12), {"batch_first": True, "mask": np.linspace(-1, 1, 16).reshape(4, 4)}),
            ("mask-heads", (3, 2, 6), {"mask": np.linspace(-1, 1, 12).reshape(2, 2, 1, 3)}),
            ("dropout", (5, 2, 6), {"p": 0.4, "seed": 5}),
            ("nothing", (0, 3, 6), {}),
        )
    ],
    Case(ops.Linear, "bias", normal((5, 3), (4, 3), (4,))),
    Case(ops.Linear, "no-bias", normal((2, 5, 3), (4, 3))),
    Case(ops.Linear, "1-d", normal((3,), (4, 3), (4,))),
    Case(ops.LinearReLU, "bias", normal((5, 3), (4, 3), (4,))),
    Case(ops.LinearReLU, "no-bias", normal((2, 5, 3), (4, 3))),
    Case(ops.LinearReLU, "1-d", normal((3,), (4, 3), (4,))),
    *[
        Case(ops.Dense, f"{activation.__name__}-{id}", normal(*shapes), {"activation": activation, **static})
        for activation in (ops.ReLU, ops.Sigmoid, ops.Tanh)
        for id, shapes, static in (
            ("bias", ((5, 3), (4, 3), (4,)), {}),
            ("no-bias", ((2, 5, 3), (4, 3)), {}),
            ("dropout", ((5, 3), (4, 3), (4,)), {"p": 0.4, "seed": 7}),
        )
    ],
    Case(ops.Dense, "large-dropout", normal((70, 3), (80, 3), (80,)), {"p": 0.4, "seed": 7}),
    Case(ops.Embedding, "matrix", normal((5, 3)), {"ids": IDS}),
    Case(ops.Embedding, "padding", lambda rng: [rng.standard_normal((4, 3))], {"ids": np.array([0, 3, 0])}),
    *[
        Case(op, id, make(*shapes), {**BAGS, **static})
        for op, make, id, shapes, static in (
            (ops.EmbeddingBag, normal, "sum", [(5, 3)], {}),
            (ops.EmbeddingBag, normal, "mean", [(5, 3)], {"mean": True, "padding_idx": 0}),
            (ops.EmbeddingBag, normal, "factors", [(5, 3), (6,)], {}),
            (ops.EmbeddingBag, normal, "factors-padding", [(5, 3), (6,)], {"padding_idx": 3}),
            (ops.EmbeddingBagMax, spread, "bags", [(5, 3)], {}),
            (ops.EmbeddingBagMax, spread, "padding", [(5, 3)], {"padding_idx": 4}),
        )
    ],
    *[
        Case(op, "nothing", normal((5, 3)), {"ids": np.zeros(0, np.int64), "starts": np.zeros(3, np.int64)})
        for op in (ops.EmbeddingBag, ops.EmbeddingBagMax)
    ],
    Case(ops.Dropout, "half", normal((5, 7)), {"p": 0.5, "seed": 3}),
    Case(ops.Dropout, "none", normal((5, 7)), {"p": 0.0, "seed": 3}),
    *[Case(op, str(dim), normal((2, 3, 4)), {"dim": dim}) for op in (ops.Softmax, ops.LogSoftmax) for dim in (-1, 1)],
    *[
        Case(op, reduction, normal((6, 5)), {"targets": np.array([0, 4, 2, 2, -100, 1]), "reduction": reduction})
        for op in (ops.CrossEntropy, ops.NLL)
        for reduction in ("none", "sum", "mean")
    ],
    *[Case(op, "image", normal((2, 5, 3)), {"targets": IDS, "ignore_index": 3}) for op in (ops.CrossEntropy, ops.NLL)],
    *[Case(op, "1-d", normal((5,)), {"targets": np.array(2)}) for op in (ops.CrossEntropy, ops.NLL)],
    *[
        Case(op, reduction, make((2, 3), (2, 3)), {"reduction": reduction})
        for op, make in (
            (ops.MSE, normal),
            (ops.L1, spread),
            (ops.BCE, probabilities),
            (ops.BCEWithLogits, normal),
            (ops.KLDiv, positive),
            (ops.SoftCrossEntropy, normal),
        )
        for reduction in ("none", "sum", "mean")
    ],
    *[
        Case(ops.Conv, id, normal(*shapes), settings)
        for id, shapes, settings in (
            ("plain", ((2, 3, 5, 6), (4, 3, 3, 2), (4,)), {}),
            ("no-bias", ((3, 5, 6), (4, 3, 3, 2)), {}),
            ("same", ((2, 2, 4, 5), (3, 2, 3, 2), (3,)), {"padding": ((1, 1), (0, 1))}),
            ("stride", ((2, 3, 7, 6), (4, 3, 3, 2), (4,)), {"stride": (2, 3), "padding": ((1, 1), (0, 0))}),
            ("dilation", ((1, 3, 7, 6), (4, 3, 2, 3), (4,)), {"dilation": (3, 2)}),
            ("groups", ((2, 4, 5, 5), (6, 2, 3, 3), (6,)), {"groups": 2, "padding": ((1, 1), (1, 1))}),
            ("sequence", ((2, 3, 9), (4, 3, 3), (4,)), {"stride": (2,), "padding": ((1, 1),), "dilation": (1,)}),
            ("nothing", ((0, 3, 5, 6), (4, 3, 3, 2), (4,)), {}),
        )
    ],
    *[
        Case(ops.ConvTranspose, id, normal(*shapes), settings)
        for id, shapes, settings in (
            ("plain", ((2, 4, 3, 5), (4, 3, 3, 2), (3,)), {}),
            ("no-bias", ((4, 3, 5), (4, 3, 3, 2)), {}),
            ("stride", ((2, 4, 3, 2), (4, 3, 3, 2), (3,)), {"stride": (2, 3), "output_padding": (1, 2)}),
            ("dilation", ((1, 4, 3, 2), (4, 3, 2, 3), (3,)), {"dilation": (3, 2), "padding": (1, 2)}),
            ("groups", ((2, 4, 3, 3), (4, 3, 3, 3), (6,)), {"groups": 2, "padding": (1, 1)}),
            (
                "sequence",
                ((2, 4, 5), (4, 3, 3), (3,)),
                {"stride": (2,), "padding": (1,), "output_padding": (1,), "dilation": (1,)},
            ),
        )
    ],
    Case(ops.Unfold, "plain", normal((2, 3, 4, 5)), {"kernel_size": (3, 2)}),
    Case(ops.Unfold, "one", normal((3, 4, 5)), {"kernel_size": (2, 2), "padding": (1, 0), "stride": (2, 1)}),
    Case(ops.Fold, "plain", normal((2, 12, 12)), {"output_size": (4, 5), "kernel_size": (2, 2)}),
    Case(ops.Fold, "one", normal((4, 9)), {"output_size": (4, 5), "kernel_size": (2, 2), "dilation": (1, 2)}),
    *[
        Case(op, id, make(shape), {"windows": [np.array(bounds) for bounds in windows], **settings})
        for op, make, settings in ((ops.MaxPool, spread, {"dilation": (2, 1)}), (ops.AvgPool, normal, {}))
        for id, shape, windows in (
            ("side-by-side", (2, 3, 4, 6), ([[0, 2], [2, 4]], [[0, 3], [3, 6]])),
            ("overlapping", (3, 5, 6), ([[-1, 2], [1, 4], [3, 6]], [[0, 4], [2, 7]])),
        )
    ],
    Case(
        ops.MaxPool,
        "relu",
        spread((2, 3, 4, 6)),
        {"windows": [np.array([[0, 2], [2, 4]]), np.array([[0, 2], [2, 4], [4, 6]])], "relu": True},
    ),
    Case(ops.MaxPool, "sequence", spread((2, 3, 7)), {"windows": [np.array([[0, 3], [2, 5]])], "dilation": (1,)}),
    Case(ops.AvgPool, "divisor", normal((2, 3, 7)), {"windows": [np.array([[0, 3], [2, 5]])], "divisor_override": 7}),
    Case(
        ops.AvgPool,
        "padding",
        normal((2, 3, 7)),
        {"windows": [np.array([[-1, 3], [5, 9]])], "padding": (1,), "count_include_pad": True},
    ),
    Case(ops.LayerNorm, "rows", normal((2, 3, 5), (5,), (5,)), {"normalized_shape": (5,)}),
    Case(ops.LayerNorm, "two-axes", normal((4, 3, 5), (3, 5), (3, 5)), {"normalized_shape": (3, 5), "eps": 0.1}),
    *[
        Case(ops.GroupNorm, id, normal(shape, (4,), (4,)), {"groups": 2, "eps": 0.1})
        for id, shape in (("vectors", (5, 4)), ("sequences", (2, 4, 3)), ("images", (2, 4, 9, 8)))
    ],
    Case(
        ops.GroupNorm,
        "channels-last",
        lambda rng: [rng.standard_normal((2, 3, 5, 4)).transpose(0, 3, 1, 2), *normal((4,), (4,))(rng)],
        {"groups": 2},
    ),
    *[
        Case(ops.BatchNorm, id, normal(shape, (3,), (3,)), {"mean": np.arange(3.0), "var": np.arange(1.0, 4.0)})
        for id, shape in (("vectors", (5, 3)), ("sequences", (2, 3, 4)), ("images", (2, 3, 2, 5)))
    ],
    *[
        Case(op, f"{reduction}-{size}", spread((3, 4), (3, 4)), {setting: size, "reduction": reduction})
        for op, setting in ((ops.SmoothL1, "beta"), (ops.Huber, "delta"))
        for reduction, size in (("none", 0.43), ("sum", 1.23), ("mean", 0.43))
    ],
    Case(ops.BCE, "weight", probabilities((4, 3), (4, 3)), {"weight": np.array([0.5, 2, 3])}),
    Case(
        ops.BCEWithLogits,
        "weights",
        normal((4, 3), (4, 3)),
        {"weight": np.array([[0.5], [2], [3], [1]]), "pos_weight": np.array([0.5, 2, 3])},
    ),
    Case(ops.KLDiv, "log_target", normal((2, 3), (2, 3)), {"log_target": True}),
    Case(ops.KLDiv, "broadcast", positive((2, 1, 3), (4, 1))),
    *[
        Case(ops.SoftCrossEntropy, id, normal(shape, shape), static)
        for id, shape, static in (
            ("1-d", (5,), {}),
            ("image", (2, 4, 3), {"reduction": "none"}),
            ("weight", (3, 4), {"weight": np.array([0.5, 2, 3, 1]), "label_smoothing": 0.2}),
        )
    ],
    *[
        Case(ops.PNorm, f"{p}{'-kept' if keepdim else ''}", spread((3, 4, 2)), {"p": p, "dim": 1, "keepdim": keepdim})
        for p, keepdim in (
            (2, False),
            (2, True),
            (1, False),
            (3.5, True),
            (0.7, False),
            (0, False),
            (np.inf, False),
            (-np.inf, True),
        )
    ],
    Case(ops.PNorm, "0-d", spread(())),
    *[
        Case(op, size, make(shape))
        for op, make in (
            (ops.LeakyReLU, spread),
            (ops.ELU, spread),
            (ops.GELU, normal),
            (ops.TanhGELU, normal),
            (ops.SiLU, normal),
            (ops.Softplus, normal),
            (ops.LogSigmoid, normal),
            (ops.Hardtanh, spread),
        )
        for size, shape in (("matrix", (3, 4)), ("0-d", ()))
    ],
    *[Case(op, "large", normal((3, 1 << 14))) for op in (ops.GELU, ops.TanhGELU, ops.SiLU, ops.LogSigmoid)],
    Case(ops.Softplus, "large", normal((3, 1 << 12)), {"beta": -0.5, "threshold": 1e9}),
    *[
        Case(op, "large", spread((3, 1 << 12), (3, 1 << 12)), {"reduction": "sum"})
        for op in (ops.MSE, ops.SmoothL1, ops.Huber, ops.BCEWithLogits)
    ],
    Case(ops.LeakyReLU, "slope", spread((3, 4)), {"slope": 0.3}),
    Case(ops.ELU, "alpha", spread((3, 4)), {"alpha": 0.4}),
    Case(ops.Softplus, "beta", spread((3, 40)), {"beta": 3.0, "threshold": 2.0}),
    Case(ops.Hardtanh, "large", spread((3, 2000)), {"low": -0.2, "high": 0.3}),
    Case(ops.Hardtanh, "limits", spread((3, 4)), {"low": -0.2, "high": 0.3}),
]

"""Numbers that do not fit, odd arguments and NumPy's names for them: the same answer or the same kind of error."""

import re
import warnings

import numpy as np
import pytest

import fastgrok
import fastgrok.nn.functional

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

ERRORS = (IndexError, TypeError, ValueError, OverflowError, RuntimeError)


def outcome(library, code):
    """Return what the last of some statements yields as plain data, or the error that it raises."""
    *statements, last = code.split("; ")
    names = {"t": library, "F": library.nn.functional, "np": np, "nan": float("nan"), "inf": float("inf")}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            exec("; ".join(statements), names)
            result = eval(last, names)
        except Exception as error:
            return error
    return re.sub(r"<\w+?(Backward0)?>", "<op>", repr(result).replace("torch.", ""))


def check_same(code):
    theirs, ours = outcome(torch, code), outcome(fastgrok, code)
    if isinstance(theirs, Exception):
        expected = next(kind for kind in ERRORS if isinstance(theirs, kind))
        assert isinstance(ours, expected), f"{ours!r}, expected {theirs!r}"
    else:
        assert str(ours) == theirs


REQUIRES_GRAD = [
    "x = t.tensor([1, 2]); x.requires_grad = True; x",
    "x = t.tensor([1, 2]); x.requires_grad = False; x",
    "x = t.tensor([1.0, 2]); x.requires_grad = True; x",
    "x = t.tensor([1.0, 2]); x.requires_grad = 1; x",
    "x = t.tensor([1.0, 2]); x.requires_grad_(1); x",
    "y = t.ones(2, requires_grad=True) * 2; y.requires_grad = False; y",
    "y = t.ones(2, requires_grad=True) * 2; y.requires_grad = True; y",
    "y = t.ones(2, requires_grad=True) * 2; y.requires_grad_(); y",
    "x = t.ones(2); x.data = t.tensor([1, 2]); x",
    "x = t.ones(2, requires_grad=True); x.data = t.tensor([1, 2]); x",
    "x = t.ones(2, requires_grad=True); x.data = np.ones(2); x",
    "x = t.ones(2, requires_grad=True); x.data = t.ones(3, dtype=t.float64); x",
    "y = t.ones(2, requires_grad=True) * 2; y.data = t.tensor([1, 2]); y",
    "y = t.ones(2, requires_grad=True) * 2; y.data = t.tensor([5.0, 6]); y",
]

BYTES = "x = t.tensor([1, 255], dtype=t.uint8); "
OPERANDS = [
    *[
        BYTES + f"x {op} {n}"
        for op in ("+", "-", "*", "==", ">", "<=", "&", "|")
        for n in (300, -1, 2**40, 2**63, 2**64)
    ],
    *[BYTES + f"x {op} {n}" for op in ("//", "%") for n in (300, -1, 2**64)],
    *[BYTES + f"x {op} {n}; x" for op in ("+=", "*=") for n in (300, -1)],
    *[f"x = t.tensor([1, 2], dtype=t.int32); x {op} {n}" for op in ("+", "*", "/", "<") for n in (2**40, -(2**40))],
    *[f"x = t.tensor([1.0, 2]); x {op} {n}" for op in ("+", "*", "<", "==") for n in ("1e39", 2**63, 2**64, 10**400)],
    *[f"t.tensor([1, 2]) {op} 2**64" for op in ("+", "/", "**", "==")],
    "x = t.tensor([1, 2]); x += 2**64; x",
    "300 - t.tensor([1, 255], dtype=t.uint8)",
    "2**64 - t.tensor([1])",
    *[f"t.tensor([1, 2], dtype=t.uint8) ** {n}" for n in (255, 256, -1, 1.5)],
    "t.tensor([1, 2], dtype=t.uint8).pow_(300)",
    "t.tensor([1, 2], dtype=t.uint8).add(1, alpha=300)",
    "t.tensor([1, 2], dtype=t.uint8).add(1, alpha=-1)",
    "t.tensor([1, 2], dtype=t.uint8).add(1, alpha=1.5)",
    "t.tensor([1, 2], dtype=t.uint8).sub_(1, alpha=300)",
]

#: What becomes an element has to fit, where it is an operand it wraps around.
FILLERS = (300, -1, -255, -256, 1.7, "nan", "inf", 2**64)
ELEMENTS = [
    *[BYTES + f"x[0] = {n}; x" for n in FILLERS],
    *[BYTES + f"x[x == 1] = {n}; x" for n in FILLERS],
    *[BYTES + f"x.fill_({n})" for n in FILLERS],
    *[BYTES + f"x.masked_fill(x == 1, {n})" for n in FILLERS],
    *[BYTES + f"x.masked_fill_(x == 1, {n})" for n in FILLERS],
    *[BYTES + f"x.scatter(0, t.tensor([0]), {n})" for n in FILLERS],
    *[BYTES + f"t.where(x == 1, x, {n})" for n in (300, -1, 1.5, "nan")],
    *[BYTES + f"t.where(x == 1, {n}, x)" for n in (300, -1, 1.5)],
    *[BYTES + f"x.clamp(0, {n})" for n in (300, 2, -1, 2**64)],
    *[f"t.full((2,), {n}, dtype=t.uint8)" for n in FILLERS],
    *[f"t.full((2,), {n})" for n in (2**62, 2**63, 2**64, "1e39", "nan", "'a'")],
    *[f"t.full_like(t.tensor([1]), {n})" for n in ("nan", 2**63, 1.7)],
    *[f"t.tensor([1]).new_full((2,), {n})" for n in ("nan", 2**70)],
    *[f"t.tensor([1.0, 2]).masked_fill(t.tensor([True, False]), {n})" for n in ("-1e39", "-1e9", "-inf", "'a'")],
    "F.pad(t.tensor([1, 2]), (1, 1), value=nan)",
    "F.pad(t.tensor([1.0, 2]), (1, 1), value=1e39)",
]

DATA = [
    *[f"t.tensor({n}, dtype=t.uint8)" for n in ("300", "-1", "[300]", "[1.5, 300]", "[nan]", "[-300]", "[2**63]")],
    *[f"t.tensor({n}, dtype=t.float32)" for n in ("2**64", "[2**64]", "2**63", "1e39", "10**400")],
    *[
        f"t.tensor({n})"
        for n in (
            "2**63 - 1", "2**63", "2**64", "-2**64", "[2**64]", "[2**64, 1.0]", "[1.0, None]", "None", "['a']", "'a'",
            "[1, 'a']", "[[1], [1, 2]]", "[1, [2]]", "[[1, 2], 3]", "object()", "{1: 2}", "range(3)", "1e39", "[1e39]",
            "np.array(['a'])",
        )
    ],
    "t.tensor(np.array([300]), dtype=t.uint8)",
    "t.tensor([1], dtype=t.uint8).new_tensor([300])",
    *[f"t.tensor([{n}]).long()" for n in ("nan", "inf", "1e30", "-1.7")],
    "t.tensor([nan, 1.0]).int()",
    "t.tensor([1e300], dtype=t.float64).float()",
]  # fmt: skip

ARGUMENTS = [
    *[f"t.ones(3).{f}(dim='a')" for f in ("sum", "mean", "argmax", "softmax", "max", "cumsum", "unsqueeze", "squeeze")],
    *[f"t.ones(3).{f}(1.5)" for f in ("sum", "size", "flatten", "max")],
    "t.cat([t.ones(3)], dim='a')", "t.stack([t.ones(3)], dim='a')", "t.ones(3).transpose('a', 0)",
    "t.linspace(0, 1, -1)", "t.linspace(0, 1, 2.5)", "t.eye(3, -1)", "t.eye(2.5)", "t.flip(t.ones(3), [0, 0])",
    "t.flip(t.ones(3, 3), [0, -2])", "t.ones(3).flip(dims=(0,))", "t.ones(3)[t.tensor([1.0])]",
    "t.ones(3)[t.tensor(1.0)]", "t.ones(3)[1.5]", "x = t.ones(3); x[t.tensor(1.0)] = 2; x",
    "t.arange(nan)", "t.arange(inf)", "t.arange('a')", "t.arange(2**64)", "t.arange(1, 5, -1)",
    "t.normal(t.zeros(2, 1), t.ones(3)).shape == (2, 3)", "t.normal(t.zeros(2), -t.ones(2))",
    "t.normal(0.0, t.ones(3)).shape == (3,)", "t.normal(0.0, 1.0)", "t.normal(t.zeros(2), t.ones(3))",
    "F.conv2d(t.ones(1, 2, 5, 5), t.ones(0, 2, 3, 3))",
    "F.conv_transpose2d(t.ones(1, 0, 5, 5), t.ones(0, 4, 3, 3))",
    "F.conv_transpose2d(t.ones(1, 1, 2, 2), t.ones(1, 1, 1, 1), padding=1)",
]  # fmt: skip

MATRIX = "x = t.tensor([[1.0, 3.0, 2.0], [6.0, 5.0, 4.0]]); "
BY_AXIS = (
    "sum mean argmax argmin amax amin prod std var all any logsumexp cumsum cumprod softmax log_softmax argsort "
    "unsqueeze squeeze unbind count_nonzero size"
)
NAMES = [
    *[MATRIX + f"x.{f}(axis=1)" for f in BY_AXIS.split()],
    *[MATRIX + f"tuple(x.{f}(axis=1))" for f in ("max", "min", "sort")],
    *[MATRIX + f"x.{f}(1, keepdims=True)" for f in ("sum", "mean", "amax", "std", "argmax", "all")],
    *[MATRIX + f"t.{f}(x, axis=0)" for f in ("sum", "mean", "amax", "softmax", "unbind", "cumsum")],
    *[MATRIX + f"t.{f}([x, x], axis=1)" for f in ("cat", "concat", "concatenate", "stack")],
    MATRIX + "t.sum(x, axis=(0, 1), keepdims=True)", MATRIX + "x.sum(0, axis=0)", MATRIX + "x.flip(axis=1)",
    MATRIX + "x.norm(axis=1)", MATRIX + "x.roll(1, axis=1)", MATRIX + "x.gather(axis=1, index=t.tensor([[0]]))",
    MATRIX + "x.chunk(2, axis=1)", MATRIX + "x.narrow(axis=1, start=0, length=1)",
    MATRIX + "x.repeat_interleave(2, axis=1)", MATRIX + "x.swapaxes(axis0=0, axis1=1)",
    MATRIX + "x.swapaxes(dim0=0, dim1=1)", MATRIX + "x.index_select(axis=1, index=t.tensor([2]))",
    MATRIX + "x.select(axis=1, index=0)", MATRIX + "tuple(x.topk(1, axis=1))",
]  # fmt: skip


@pytest.mark.parametrize("code", [*REQUIRES_GRAD, *OPERANDS, *ELEMENTS, *DATA, *ARGUMENTS, *NAMES])
def test_same_answer_or_kind_of_error(code):
    check_same(code)


def test_a_learning_rate_may_be_a_tensor():
    for library in (torch, fastgrok):
        with pytest.raises(ValueError, match="Tensor lr must be 1-element"):
            library.optim.Adam([library.ones(2, requires_grad=True)], lr=library.ones(2))
    ends = []
    for library in (torch, fastgrok):
        for kind in ("SGD", "Adam", "AdamW", "Adagrad", "Adamax"):
            rate, weight = library.tensor(0.1), library.ones(2, requires_grad=True)
            optimizer = getattr(library.optim, kind)([weight], lr=rate)
            (weight * library.tensor([1.0, 2.0])).sum().backward()
            optimizer.step()
            rate.fill_(0.5)  # the optimizer uses what the tensor holds
            optimizer.step()
            ends.append(weight.tolist())
    np.testing.assert_allclose(ends[: len(ends) // 2], ends[len(ends) // 2 :], rtol=1e-5)

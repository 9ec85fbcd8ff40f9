"""The same code run by fastgrok and by PyTorch: values, dtypes, shapes, gradients, text."""

import numpy as np
import pytest

import fastgrok

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# Each takes the library and three float32 tensors: x (2, 3), y (2, 3) positive, z (4, 3, 2).
EXPRESSIONS = {
    "arithmetic": lambda t, x, y, z: (x + y) * 2 - x / y + 3 - (1 - x) / (2 + y) + 2 * -x,
    "powers": lambda t, x, y, z: x**2 + y**0.5 + y**x + 2**x + x**3,
    "broadcast": lambda t, x, y, z: x[:, None, :] * y + x[0],
    "functions": lambda t, x, y, z: (
        x.exp() + y.log() + y.sqrt() + x.tanh() + x.sigmoid() + x.relu() + x.abs() + x.sin()
    ),
    "functions-2": lambda t, x, y, z: t.exp(x) + t.log2(y) + t.log10(y) + t.rsqrt(y) + t.square(x) + t.cos(x) + 1 / y,
    "clamp": lambda t, x, y, z: x.clamp(-0.5, 0.5) + t.clamp(y, min=1.0) + x.clamp(max=y),
    "extremes": lambda t, x, y, z: t.maximum(x, y) + t.minimum(x, y) + x.max() + y.amin(0) + x.max(1).values[:, None],
    "sums": lambda t, x, y, z: z.sum() + z.sum(0).mean() + z.sum((0, 2), keepdim=True).mean(1) + z.mean(-1).sum(0),
    "moments": lambda t, x, y, z: (
        z.var() + z.std(1).sum() + z.var(0, unbiased=False).sum() + z.std((0, 2), correction=0)
    ),
    "norms": lambda t, x, y, z: x.norm() + x.norm(1) + z.norm(dim=1).sum() + t.norm(x, p=3) + z.norm(float("inf")),
    "logsumexp": lambda t, x, y, z: (
        z.logsumexp(1) + z.logsumexp((0, 1)) + x.softmax(1).sum(0)[:2] * t.log_softmax(x, 0)[0, :2]
    ),
    "cumsum": lambda t, x, y, z: z.cumsum(1) * t.cumsum(z, 0),
    "matmul": lambda t, x, y, z: x @ y.t() + (x @ z).sum() + (z @ x).sum() + x[0] @ y[1] + x.mm(y.T) + (x.matmul(y[0])),
    "bmm": lambda t, x, y, z: z.bmm(z.transpose(1, 2)) + t.matmul(z, z.mT) * x.sum(),
    "shapes": lambda t, x, y, z: (
        z.reshape(6, 4).t().reshape(-1) * z.permute(2, 0, 1).flatten() + z.view(2, 12).unsqueeze(1).squeeze().sum()
    ),
    "shapes-2": lambda t, x, y, z: (
        z.flatten(1) + z.movedim(0, 2).swapaxes(0, 2).flatten(1) + z.unflatten(0, (2, -1)).sum((0, 1)).sum()
    ),
    "expand": lambda t, x, y, z: (
        x.unsqueeze(0).expand(4, -1, -1) * z.mT + x.repeat(2, 2).sum() + x.tile(2).sum()
        * x.repeat_interleave(2, 1).sum()
    ),
    "join": lambda t, x, y, z: t.cat([x, y, x], 1).sum(0) + t.stack([x, y], dim=2).sum((0, 2)).repeat(3),
    "cut": lambda t, x, y, z: (
        z.split(3)[1] * z.chunk(2, 1)[0].sum() + z.narrow(1, 1, 2).sum() + z.unbind(2)[0].sum()
        + t.split(z, [1, 2], 1)[1].sum()
    ),
    "index": lambda t, x, y, z: (
        z[0] + z[-1] + z[1:3, :, 0].sum() + z[..., 1].sum() + z[:, [0, 2]].sum() + z[t.tensor([0, 0, 1])].sum(0)
    ),
    "mask": lambda t, x, y, z: (
        x[x > 0].sum() + x.masked_fill(y > 1, 5.0) + t.where(x > y, x, y * 2) + t.where(x > 0, x, 0.0)
    ),
    "gather": lambda t, x, y, z: (
        x.gather(1, t.tensor([[0, 0, 2, 1], [1, 1, 1, 0]])).sum(1) * x.index_select(1, t.tensor([2, 2])).sum(1)
    ),
    "sort": lambda t, x, y, z: (
        x.sort(1).values * x.sort(0, descending=True)[0] + z.topk(2, 1).values.sum() + x.min(0)[0]
    ),
    "triangle": lambda t, x, y, z: z.tril() + t.triu(z, 1) + z.flip(0, 1) * z.roll(1, 0),
    "detach": lambda t, x, y, z: x * x.detach() + y.clone(),
    "mixed": lambda t, x, y, z: (
        x * t.arange(3) + x.double().sum().float() + t.tensor(2.0, dtype=t.float64) * x + t.tensor(3) * x
    ),
    "fmod": lambda t, x, y, z: (
        (x.detach() % y.detach()) + (x.detach() // y.detach()) + x.round() * x.floor() + x.ceil() + x.sign()
    ),
}  # fmt: skip


def close(ours, theirs, what=""):
    theirs = theirs.detach().numpy()
    ours = ours.detach().numpy()
    assert ours.shape == theirs.shape, what
    assert ours.dtype == theirs.dtype, what
    scale = max(np.abs(theirs).max(initial=0), 1e-6) if theirs.dtype.kind == "f" else 1
    np.testing.assert_allclose(ours / scale, theirs / scale, atol=2e-6, err_msg=what)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_values_and_gradients(name, rng):
    expression = EXPRESSIONS[name]
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in ((2, 3), (2, 3), (4, 3, 2))]
    arrays[1] = np.abs(arrays[1]) + np.float32(0.3)
    ours = [fastgrok.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, their_y = expression(fastgrok, *ours), expression(torch, *theirs)
    close(y, their_y, "result")
    weights = rng.standard_normal(y.shape).astype(np.float32)
    if y.requires_grad:
        y.backward(fastgrok.tensor(weights))
        their_y.backward(torch.tensor(weights))
    for a, b, which in zip(ours, theirs, "xyz", strict=True):
        if b.grad is not None and not (a.grad is None and not b.grad.any()):
            close(a.grad, b.grad, f"gradient of {which}")
        else:
            assert a.grad is None or not a.grad.any()


@pytest.mark.parametrize("keywords", [{}, {"dim": 0}, {"dim": -1, "keepdim": True}])
@pytest.mark.parametrize(
    "name, arguments",
    [("norm", (p,)) for p in (0.5, 1, 1.5, 2, 3, float("inf"), -float("inf"), -1, "fro")] + [("std", ()), ("var", ())],
)
def test_slopes_at_zero(name, arguments, keywords):
    for array in (np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32), np.eye(2, 3, dtype=np.float32)):
        results = []
        for t in (fastgrok, torch):
            x = t.tensor(array, requires_grad=True)
            y = getattr(x, name)(*arguments, **keywords)
            y.sum().backward()
            results.append((y, x.grad))
        for ours, theirs in zip(*results, strict=True):
            close(ours, theirs)


DTYPES = ["float32", "float64", "int64", "int32", "bool"]


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", [*DTYPES, "0-d float64", "0-d float32", "0-d int64", "0-d bool", 2, 2.5, True])
@pytest.mark.parametrize("operator", ["+", "*", "/", ">", "where"])
def test_promotion(first, second, operator):
    def run(t):
        a = t.ones(2, dtype=getattr(t, first))
        if isinstance(second, str):
            dtype = getattr(t, second.split()[-1])
            b = t.ones((), dtype=dtype) if second.startswith("0-d") else t.ones(2, dtype=dtype)
        else:
            b = second
        function = {
            "+": lambda: a + b, "*": lambda: b * a, "/": lambda: a / b, ">": lambda: a > b,
            "where": lambda: t.where(t.tensor([True, False]), a, b),
        }[operator]  # fmt: skip
        return str(function().dtype).removeprefix("torch.")

    assert run(fastgrok) == run(torch)


REPRS = [
    "t.tensor([1.0, 2.0])", "t.tensor([1.5, -2.25])", "t.tensor(3.14159)", "t.tensor(7)", "t.tensor([True, False])",
    "t.arange(12).reshape(3, 4)", "t.arange(24.0).reshape(2, 3, 4) / 7", "t.tensor([1e-8, 1.0])",
    "t.tensor([1e10, 1.0])",
    "t.tensor([float('nan'), 1.0, float('inf')])", "t.tensor([float('nan')])", "t.zeros(2, 2)", "t.arange(2000.0)",
    "t.arange(2000)",
    "t.zeros(100, 100)", "t.tensor([-1, 100])", "t.ones(1, requires_grad=True)", "t.tensor([])", "t.arange(40.0)",
    "t.ones(2, 1, 2)",
    "t.tensor([1000000.0, 1.0])", "t.tensor([123456.0])", "t.tensor([0.00001])",
    "t.tensor([[1.0, 0.5], [0.0, 1e4]])", "t.zeros(2, 0)",
    "t.arange(60).reshape(2, 30)", "t.tensor([-0.5, 0.0])",
]  # fmt: skip


@pytest.mark.parametrize("code", REPRS)
def test_text(code):
    theirs = repr(eval(code, {"t": torch})).replace("torch.", "").replace("size=(", "size=(")
    assert repr(eval(code, {"t": fastgrok})) == theirs


@pytest.mark.parametrize(
    "code",
    [
        "t.tensor(1.5)", "t.tensor(0.1) * 3", "t.tensor(3)", "t.tensor(True)", "t.tensor([1.5])",
        "t.tensor(2.5, requires_grad=True) * 2",
    ],
)  # fmt: skip
def test_text_in_text(code):
    assert f"{eval(code, {'t': fastgrok})}" == f"{eval(code, {'t': torch})}"


INPLACE = {
    "arithmetic": lambda t, x: x.add_(2).mul_(x.detach().clone()).sub_(t.ones(3), alpha=0.5).div_(3).pow_(2),
    "operators": lambda t, x: inplace_operators(t, x),
    "functions": lambda t, x: x.abs_().add_(1).log_().neg_().clamp_(-0.8, -0.1).exp_(),
    "assignment": lambda t, x: assign(t, x),
    "fill": lambda t, x: x.add_(x.clone().fill_(3)).copy_(t.arange(3.0)),
    "operators of whole numbers": lambda t, x: remainders(t, x),
    "masked": lambda t, x: x.masked_fill_(x > 0, 9.0).addcmul_(t.ones(2, 3), t.ones(3) * 2, value=0.5),
}


def inplace_operators(t, x):
    x += 1
    x *= 2
    x -= t.ones(3)
    x /= 4
    return x


def remainders(t, x):
    with t.no_grad():
        x //= 0.25
        x %= 3
    mask = x > 1
    same = mask
    mask &= t.tensor([True, False, True])
    mask |= x == 0
    mask ^= x[0] > 2
    assert same is mask
    x[mask] = 7
    return x


def assign(t, x):
    x[0] = 5
    x[:, 1] = t.tensor([1.0, 2.0])
    x[x > 4.5] = 0
    x[1, [0, 2]] = x[0, 1:] * 3
    x[-1, -1] += 10
    return x


INDICES = {
    (2, 3, 4): [
        "0, :, [0, 1]", "0, :, t.tensor([[0, 1], [2, 3]])", "[0, 1], :, 1", ":, 1, [0, 1]", "[0, 1], :, [0, 1]",
        "0, ..., [0, 1]", "0, None, :, [0, 1]", "t.tensor(0), :, [0, 1]", "0, :, t.tensor([True, False, True, True])",
    ],
    (2, 3, 2, 2): [
        ":, [0, 1], :, 0", "[0], 0, :, [1]", "[0], :, 1, [1]", "1, :, [0, 1], 0",
        "0, :, t.tensor([[True, False], [False, True]])",
    ],
}  # fmt: skip


@pytest.mark.parametrize("shape, index", [(shape, index) for shape in INDICES for index in INDICES[shape]])
def test_numbers_among_the_indices_only_select(shape, index):
    """NumPy moves the dimension of `[0, 1]` in `x[0, :, [0, 1]]` to the front."""
    results = []
    for t in (fastgrok, torch):
        leaf = t.arange(float(np.prod(shape))).reshape(shape).requires_grad_()
        part = eval(f"leaf[{index}]", {"t": t, "leaf": leaf})
        (part * part).sum().backward()
        changed = leaf.detach() * 1
        exec(f"x[{index}] = value", {"t": t, "x": changed, "value": -part.detach()})
        exec(f"x[{index}] += 1", {"t": t, "x": changed})
        results.append((part, leaf.grad, changed))
    for ours, theirs in zip(*results, strict=True):
        close(ours, theirs)


@pytest.mark.parametrize("name", INPLACE)
def test_changes_in_place(name, rng):
    array = rng.standard_normal((2, 3)).astype(np.float32)
    results = []
    for t in (fastgrok, torch):
        leaf = t.tensor(array, requires_grad=True)
        x = leaf * 1.5
        y = INPLACE[name](t, x)
        assert y is x
        (y * y).sum().backward() if y.requires_grad else None
        results += [x, leaf.grad]
    close(results[0], results[2])
    if results[1] is not None and results[3] is not None:
        close(results[1], results[3])


@pytest.mark.parametrize(
    "code",
    [
        "t.arange(5)", "t.arange(1, 2, 0.3)", "t.arange(3.0)", "t.arange(5, 1, -2)", "t.linspace(0, 1, 7)",
        "t.eye(3, 4)", "t.full((2,), 3)",
        "t.full((2,), 3.5)", "t.full((2,), True)", "t.ones_like(t.arange(3))", "t.zeros(2, 3, dtype=t.int64)",
        "t.zeros((2, 3))",
        "t.tensor([[1, 2.5]])", "t.tensor([t.tensor(1.0), t.tensor(2.0)])", "t.arange(3).sum()",
        "t.tensor([True, True]).sum()",
        "t.ones(3, dtype=t.int32).sum()", "t.arange(6).reshape(2, 3).argmax(1)",
        "t.tensor([1.0, 3.0, 3.0]).argmax()", "t.arange(4).float()",
        "t.tensor([1.7, -1.7]).long()", "t.tensor([0.0, 2.0]).bool()", "t.arange(5).exp()",
        "t.tensor([3, 1, 2]).argsort(descending=True)",
        "t.tensor([1, 1, 0]).unique()", "t.tensor([1, 1, 0]).bincount()",
        "t.arange(6.0).reshape(2, 3).argmin(0, keepdim=True)",
        "t.tensor([[1, 0], [0, 1]]).nonzero()", "t.ones(2, 3).all()", "t.zeros(2, 3).any(1)",
        "t.tensor([1.0, float('nan')]).isnan()",
        "(t.arange(3) > 0) & (t.arange(3) < 2)", "~t.tensor([True])", "t.where(t.tensor([1, 0]) > 0)[0]",
        "t.arange(3) == t.tensor([0, 5, 2])",
        "t.arange(4).prod()", "t.tensor(5) // 2", "t.arange(-3, 3) % 2", "7 - t.arange(3)", "t.zeros(2, 0).sum(1)",
        "t.outer(t.ones(2), t.ones(3))",
        "t.tensor([1.0, 2.0]).dot(t.tensor([3.0, 4.0]))", "t.tril(t.ones(3, 3))", "t.count_nonzero(t.eye(3))",
        "t.ones(3).mean()", "t.ones(2, 3).T", "t.tensor([0.0, 2.0, -1.0]).norm(0)", "t.eye(3).norm(0, 1)",
        "t.ones(3, dtype=t.uint8).sum()", "t.ones(3, dtype=t.uint8).prod()", "t.ones(3, dtype=t.uint8).cumsum(0)",
        "t.tensor([1.0, float('nan'), float('nan')]).unique()", "t.tensor([2, 1, 2]).unique(True, True)[1]",
        "t.tensor([0, 1, 1]).bincount(t.tensor([0.5, 1, 2]))", "t.tensor([0, 1]).bincount(t.tensor([1, 2]), 4)",
        "t.tensor([], dtype=t.int64).bincount(minlength=2)", "t.arange(4).index_select(0, t.tensor(1))",
        "t.ones(2).masked_fill(t.tensor([True, False]), t.tensor(3))", "t.eye(2).nonzero(as_tuple=True)[1]",
        "t.ones(2).masked_fill(t.tensor([True, False]), t.tensor(3, dtype=t.float64))",
        "t.arange(24).reshape(2, 3, 4).movedim((0, -1), (-1, 0))", "t.arange(6).narrow(0, -2, 2)",
        "t.arange(6).reshape(2, 3).roll((1, -1), (1, 0))", "t.zeros(size=(2, 3))", "t.ones(size=[2], dtype=t.int64)",
        "t.zeros_like(t.randint(5, size=(3,)))", "t.zeros_like(t.randn(size=(2, 3)))", "t.arange(t.tensor(3))",
        "t.cat([t.ones(2, 2), t.tensor([])])", "t.cat([t.tensor([]), t.ones(2, 2, dtype=t.int64)], 1)",
        "t.cat([t.tensor([]), t.tensor([])])", "t.softmax(input=t.ones(2), dim=0)", "t.sum(input=t.ones(2, 3), dim=0)",
        "t.tensor([1.0, 2.0]) % 0", "t.arange(200.0).sin().reshape(2, 100).topk(7)[1]",
        "t.arange(200.0).sin().reshape(100, 2).topk(7, 0, largest=False)[0]", "t.arange(99, 0, -1).topk(3)[1]",
        "t.cat([t.arange(50.0), t.tensor([float('nan')])]).topk(2)[0]",
        "t.stack([a + b for a, b in t.arange(6.0).reshape(2, 3).unbind(1)[1:2] * 2 for _ in t.ones(2)])",
    ],
)  # fmt: skip
def test_values(code):
    ours, theirs = eval(code, {"t": fastgrok}), eval(code, {"t": torch})
    close(ours, theirs)


@pytest.mark.parametrize(
    "code",
    [
        "t.ones(2) + t.ones(3)", "t.ones(2, 3) @ t.ones(2, 3)", "t.ones(2)[5]", "t.ones(2, 3).sum(2)",
        "t.ones(2).item()", "t.ones(6).view(4)",
        "t.ones(2, requires_grad=True).numpy()", "t.ones(2).backward()", "t.arange(3).mean()", "bool(t.ones(2))",
        "t.ones(2, 3).t().view(6)",
        "t.cat([t.ones(2, 3), t.ones(3, 2)])", "t.stack([t.ones(2), t.ones(3)])", "t.ones(2).add_(t.ones(3))",
        "t.arange(2).add_(0.5)",
        "t.ones(2, requires_grad=True).add_(1)", "t.ones(2) @ t.ones(2).double()",
        "t.multinomial(t.tensor([1.0, -1.0]), 1)", "len(t.tensor(1))",
        "t.tensor([[1], [1, 2]])", "t.zeros(2, -1)", "iter(t.tensor(1))", "t.ones(2, 2).topk(3)",
        "t.ones(2).to('cuda:7')", "t.randint(3, 3, (2,))",
        "t.ones(3).split([1, 1])", "t.ones(2)[0.5]", "t.ones(2) + None", "t.ones(2).masked_fill(t.ones(2), 1)",
        "t.tensor('a')", "t.arange(0, 1, -1)", "t.zeros(0, 3).max(0)", "t.zeros(3, 0).argmax(1)",
        "t.tensor([1, -1]).bincount()", "t.tensor([[1]]).bincount()", "t.tensor([0, 1]).bincount(t.ones(3))",
        "t.tensor([1.5]).bincount()", "t.arange(4).index_select(0, t.tensor([[1]]))",
        "t.ones(2).masked_fill(t.tensor([True, False]), t.ones(2))", "t.tensor([1, 2]) // 0",
        "t.tensor([1, 2]) % t.tensor([1, 0])", "1 % t.tensor([0, 2])", "t.ones(2, 3).movedim((0, 1), (1,))",
        "t.ones(2, 3).movedim((0, 0), (0, 1))", "t.ones(2, 3).roll((1, 2), (0,))", "t.ones(2) & t.ones(2)",
        "t.ones(2).__ifloordiv__(t.ones(2, 2))", "t.arange(3).__ifloordiv__(1.5)", "t.ones(2).copy_('a')",
        "t.exp(2.0)", "t.sum([t.ones(2)])", "t.exp()",
    ],
)  # fmt: skip
def test_errors_are_instances_of_what_pytorch_raises(code):
    with pytest.raises(Exception) as theirs:
        eval(code, {"t": torch})
    expected = theirs.type if theirs.type in (IndexError, TypeError, ValueError, RuntimeError) else RuntimeError
    with pytest.raises(expected):
        eval(code, {"t": fastgrok})

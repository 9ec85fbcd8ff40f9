"""Tensors without PyTorch: conversions, copies, randomness, files, and the lazy package."""

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastgrok
from fastgrok.errors import DtypeError, ShapeError, StateError
from gradcheck import check_function


def test_numpy_and_back():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    x = fastgrok.from_numpy(array)
    assert x.numpy() is array
    assert fastgrok.tensor(array).numpy() is not array
    assert np.asarray(x) is array and np.array(x) is not array
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.float64, copy=False)
    for result in (array + x, np.float32(2) * x, x * np.float64(2), array @ np.ones(3) * fastgrok.ones(2)):
        assert type(result) is fastgrok.Tensor and result.dtype in (fastgrok.float32, fastgrok.float64)
    assert (np.float64(2) * x).dtype == fastgrok.float32
    with pytest.raises(DtypeError, match="complex64"):
        fastgrok.from_numpy(array.astype(np.complex64))
    with pytest.raises(DtypeError, match="float16"):
        fastgrok.zeros(2, dtype="float16")
    with pytest.raises(TypeError):
        fastgrok.from_numpy([1, 2])


def test_python_conversions():
    x = fastgrok.tensor([[1.5, 2.0]])
    assert x.tolist() == [[1.5, 2.0]] and fastgrok.tensor(2).item() == 2
    assert float(fastgrok.tensor(1.5)) == 1.5 and int(fastgrok.tensor(2.7)) == 2
    assert [10, 20, 30][fastgrok.tensor(1)] == 20
    assert f"{fastgrok.tensor(1.23456):.2f}" == "1.23" and f"{x}" == repr(x)
    assert 1.5 in x and 7 not in x and len(x) == 1 and [row.tolist() for row in x] == [[1.5, 2.0]]
    assert {x: 1}[x] == 1
    with pytest.raises(TypeError):
        [1][fastgrok.tensor(1.0)]


def test_dtypes_and_device():
    x = fastgrok.ones(2)
    assert x.dtype == fastgrok.float32 == fastgrok.float and fastgrok.long == fastgrok.int64
    assert x.to(fastgrok.float64).dtype == fastgrok.double and x.to("cpu", fastgrok.int64).dtype == fastgrok.int64
    assert x.to(x.double()).dtype == fastgrok.float64 and x.to(fastgrok.device("cpu")) is x and x.cpu() is x
    assert str(x.device) == "cpu" and x.device == fastgrok.device("cpu") and repr(x.device) == "device(type='cpu')"
    assert not fastgrok.cuda.is_available()
    for call in (
        lambda: x.to("cuda"),
        x.cuda,
        lambda: fastgrok.zeros(2, device="cuda"),
        lambda: fastgrok.device("mps"),
    ):
        with pytest.raises(RuntimeError, match="CPU"):
            call()


def test_gradients_through_conversions(rng):
    x = fastgrok.tensor([1.0, 2.0], requires_grad=True)
    (x.double() * 2).sum().backward()
    assert x.grad.dtype == fastgrok.float32 and x.grad.tolist() == [2, 2]
    assert not x.long().requires_grad and not x.bool().requires_grad
    check_function(
        lambda a, b: (a @ b).tanh().std(0) / (b.logsumexp(0) + a.max()), [rng.random((3, 4)), rng.random((4, 2))], rng
    )
    check_function(lambda a: a.sort(1).values.cumsum(0)[a.array.argmax(0)[:2]] * a.norm(), [rng.random((3, 4))], rng)


def test_copies():
    x = fastgrok.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    y = copy.deepcopy([x, x])
    assert y[0] is y[1] and y[0] is not x and y[0].requires_grad and y[0].grad.tolist() == [2.0, 4.0]
    assert not np.shares_memory(y[0].array, x.array)
    z = pickle.loads(pickle.dumps(x))
    assert z.tolist() == [1.0, 2.0] and z.requires_grad and type(z) is fastgrok.Tensor
    for duplicate in (copy.deepcopy, pickle.dumps):
        with pytest.raises(StateError, match="detach"):
            duplicate(x * 2)
    x.data = fastgrok.ones(2)
    assert x.tolist() == [1, 1] and x.requires_grad


def test_text_names_what_is_recorded():
    x = fastgrok.ones(2, requires_grad=True)
    assert repr(x * 2) == "tensor([2., 2.], grad_fn=<Mul>)"
    assert repr(x.detach().double()) == "tensor([1., 1.], dtype=float64)"


# ---------------------------------------------------------------------------------------------------- at random


def test_seeds_and_states():
    fastgrok.manual_seed(3)
    first = fastgrok.randn(4).tolist(), fastgrok.randint(10, (5,)).tolist(), fastgrok.randperm(6).tolist()
    state = json.loads(json.dumps(fastgrok.get_rng_state()))  # it survives a file
    then = fastgrok.rand(3).tolist()
    fastgrok.manual_seed(3)
    assert first == (fastgrok.randn(4).tolist(), fastgrok.randint(10, (5,)).tolist(), fastgrok.randperm(6).tolist())
    fastgrok.set_rng_state(state)
    assert fastgrok.rand(3).tolist() == then
    own = fastgrok.Generator().manual_seed(5)
    before = fastgrok.get_rng_state()
    values = fastgrok.randn(2, generator=own).tolist()
    assert (
        before == fastgrok.get_rng_state()
        and values == fastgrok.randn(2, generator=fastgrok.Generator().manual_seed(5)).tolist()
    )
    assert own.initial_seed() == 5
    for wrong in ({}, {"seed": 1, "numpy": {"state": 3}}, None):
        with pytest.raises(ValueError, match="get_state"):
            own.set_state(wrong)
    with pytest.raises(TypeError):
        fastgrok.manual_seed(1.5)


def test_distributions():
    fastgrok.manual_seed(0)
    assert abs(fastgrok.randn(10_000).mean().item()) < 0.05 and fastgrok.rand(9).dtype == fastgrok.float32
    x = fastgrok.empty(10_000)
    assert abs(x.normal_(2, 3).std().item() - 3) < 0.1 and -1 <= x.uniform_(-1, 1).min().item() < -0.9
    assert abs(x.bernoulli_(0.25).mean().item() - 0.25) < 0.02
    assert set(fastgrok.randint(2, 5, (100,)).tolist()) == {2, 3, 4}


@pytest.mark.parametrize("wrong", [5, 0, "cpu"])
def test_what_is_no_generator_is_refused(wrong):
    for draw in (fastgrok.rand, fastgrok.randn):
        with pytest.raises(TypeError, match="expected a Generator"):
            draw(3, generator=wrong)


def test_many_normal_numbers_repeat_with_the_seed_and_the_state():
    own = fastgrok.Generator().manual_seed(5)
    state, x = own.get_state(), fastgrok.randn(300, 300, generator=own)
    then = fastgrok.randn(2, generator=own).tolist()
    own.set_state(state)
    again = fastgrok.empty(300, 300).normal_(2, 0.5, generator=own)
    assert (again.array == x.array * np.float32(0.5) + np.float32(2)).all()
    assert fastgrok.randn(2, generator=own).tolist() == then
    assert abs(x.mean().item()) < 0.02 and abs(x.std().item() - 1) < 0.02
    assert (fastgrok.randn(300, 300, generator=own).array != x.array).any()


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial(replacement):
    fastgrok.manual_seed(0)
    weights = fastgrok.tensor([0.0, 1.0, 3.0, 0.0])
    counts = np.zeros(4)
    for _ in range(50):
        drawn = fastgrok.multinomial(weights.expand(100, 4), 2, replacement)
        assert drawn.shape == (100, 2) and drawn.dtype == fastgrok.int64
        counts += np.bincount(drawn.array[:, 0], minlength=4)
        assert replacement or (drawn[:, 0] != drawn[:, 1]).all()
    assert counts[0] == counts[3] == 0 and abs(counts[2] / counts.sum() - 0.75) < 0.02
    assert fastgrok.multinomial(weights, 1).shape == (1,)
    for bad, n in (([1.0, -1.0], 1), ([0.0, 0.0], 1), ([float("nan"), 1.0], 1), ([1.0, 0.0], 2)):
        with pytest.raises(ValueError, match="multinomial"):
            fastgrok.multinomial(fastgrok.tensor(bad), n)


# ---------------------------------------------------------------------------------------------------- files


def test_save_and_load(tmp_path):
    path = tmp_path / "state.safetensors"
    nested = {
        "model": {"w": fastgrok.ones(2, 3), "b": fastgrok.arange(3)},
        "groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1]}, None, True, "text"],
        0: fastgrok.tensor(1.5, dtype=fastgrok.float64),
        "view": fastgrok.arange(6.0).reshape(2, 3).t(),
    }
    fastgrok.save(nested, path)
    loaded = fastgrok.load(path)
    assert (
        repr(loaded) == repr(nested) and loaded["groups"][0]["betas"] == (0.9, 0.999) and list(loaded) == list(nested)
    )
    fastgrok.save(fastgrok.eye(2), path)
    assert fastgrok.load(path, map_location="cpu").tolist() == [[1, 0], [0, 1]]
    assert [p.name for p in tmp_path.iterdir()] == ["state.safetensors"]


def test_files_of_others(tmp_path):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "w.safetensors"
    save_file({"layer.weight": np.ones((2, 2), np.float32)}, path)
    assert fastgrok.load(path)["layer.weight"].tolist() == [[1, 1], [1, 1]]
    fastgrok.save({"layer.weight": fastgrok.zeros(2)}, path)
    assert load_file(path)["layer.weight"].tolist() == [0, 0]


def test_files_that_cannot_be_read_or_written(tmp_path):
    path = tmp_path / "w.safetensors"
    fastgrok.save({"w": fastgrok.ones(100)}, path)
    content = path.read_bytes()
    for wrong in (b"", content[:-50], content[:20], b"PK\x03\x04" * 20):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="not a complete safetensors file"):
            fastgrok.load(path)
    with pytest.raises(FileNotFoundError):
        fastgrok.load(tmp_path / "none")
    path.write_bytes(content)
    for bad in ({"f": print}, {1.5: 1}, object()):
        with pytest.raises(TypeError, match="save"):
            fastgrok.save(bad, path)
    assert path.read_bytes() == content


# ---------------------------------------------------------------------------------------------------- the package


def test_import_is_lazy():
    code = (
        "import sys, fastgrok; "
        "x = fastgrok.tensor([1.0], requires_grad=True); (x * 2 + x.tanh()).sum().backward(); "
        "assert 'numba' not in sys.modules and 'fastgrok.nn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def test_every_public_name_exists():
    for name in fastgrok.__all__:
        if name not in ("generate", "warmup"):
            assert hasattr(fastgrok, name)
    assert {"tensor", "float32", "nn", "no_grad", "bool"} <= set(dir(fastgrok))
    with pytest.raises(AttributeError, match="no_such_thing"):
        fastgrok.no_such_thing  # noqa: B018


@pytest.mark.parametrize(
    "name, message",
    [
        ("float16", "half precision is not covered; use float32"),
        ("bfloat16", "half precision"),
        ("complex64", "complex numbers"),
        ("autocast", "mixed precision"),
        ("backends", "devices other than the CPU"),
        ("compile", "use them as they are"),
        ("vmap", "autograd.grad"),
    ],
)
def test_what_is_not_covered_says_so(name, message):
    assert not hasattr(fastgrok, name) and name not in dir(fastgrok)
    with pytest.raises(AttributeError, match=f"no attribute '{name}': .*{message}"):
        getattr(fastgrok, name)


@pytest.mark.parametrize("name", ["half", "bfloat16"])
def test_half_precision_is_not_covered(name):
    with pytest.raises(NotImplementedError, match=rf"{name}: .* not covered, expected float32 or float64"):
        getattr(fastgrok.ones(2), name)()


def test_arguments_that_make_no_sense():
    x = fastgrok.ones(2, 3)
    for call, error in (
        (lambda: x.view(4), ShapeError),
        (lambda: x.t().view(6), StateError),
        (lambda: x.sum(5), IndexError),
        (lambda: x.split(0), ValueError),
        (lambda: x.narrow(1, 2, 2), IndexError),
        (lambda: x.repeat(2), ShapeError),
        (lambda: x.clamp(), ValueError),
        (lambda: x[fastgrok.ones(2)], DtypeError),
        (lambda: x.masked_fill(x, 1), DtypeError),
        (lambda: fastgrok.zeros(2, -1), ShapeError),
        (lambda: fastgrok.zeros(1.5), TypeError),
        (lambda: fastgrok.cat([]), ValueError),
        (lambda: fastgrok.cat([x, 1]), TypeError),
        (lambda: fastgrok.tensor([[1], [2, 3]]), ValueError),
        (lambda: fastgrok.tensor("text"), TypeError),
        (lambda: fastgrok.one_hot(fastgrok.tensor([3]), 3), IndexError),
        (lambda: fastgrok.arange(0, 5, -1), ValueError),
        (lambda: x.mm(fastgrok.ones(3)), ShapeError),
        (lambda: -fastgrok.tensor([True]), DtypeError),
        (lambda: x.norm("nuc"), NotImplementedError),
        (lambda: fastgrok.zeros(6).view(-2, 3), ShapeError),
        (lambda: fastgrok.zeros(6).reshape(3, -7), ShapeError),
        (lambda: fastgrok.arange(5).repeat(-1), ShapeError),
        (lambda: fastgrok.randperm(-1), ValueError),
        (lambda: x.__setitem__(0, None), TypeError),
        (lambda: x.norm("other"), ValueError),
        (lambda: (x * fastgrok.ones(3, requires_grad=True)) // 2, NotImplementedError),
    ):
        with pytest.raises(error):
            call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_equal_numbers_and_nan_keep_their_order_when_sorted(rng, dtype, axis):
    x = rng.standard_normal((7, 40, 30)).astype(dtype)
    x[rng.random(x.shape) < 0.02] = 0
    x[rng.random(x.shape) < 0.02] *= -1  # zeros of both signs
    if np.dtype(dtype).kind == "f":
        x[rng.random(x.shape) < 0.005] = np.nan
        x[rng.random(x.shape) < 0.005] = np.inf
    x[: 3 if axis else 0] = np.maximum(x[: 3 if axis else 0], 0)  # equal numbers in every line of some
    values, places = fastgrok.tensor(x).sort(axis)
    most = fastgrok.tensor(np.nan_to_num(x)).topk(5, axis).values.numpy()
    np.testing.assert_array_equal(most, np.flip(np.sort(np.nan_to_num(x), axis), axis).take(range(5), axis))
    np.testing.assert_array_equal(places.numpy(), np.argsort(x, axis, kind="stable"))
    np.testing.assert_array_equal(values.numpy(), np.sort(x, axis))
    turned = np.flip(x, axis)
    falling = x.shape[axis] - 1 - np.flip(np.argsort(turned, axis, kind="stable"), axis)
    np.testing.assert_array_equal(fastgrok.tensor(x).argsort(axis, descending=True).numpy(), falling)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize(("shape", "dim"), [((100, 90), 1), ((100, 90), 0), ((20, 30, 40), 1), ((6000,), 0)])
@pytest.mark.parametrize("k", [1, 3, 12, 30])
@pytest.mark.parametrize("largest", [True, False])
def test_topk_of_many(rng, dtype, shape, dim, k, largest):
    x = (100 * rng.standard_normal(shape)).astype(dtype)
    if x.dtype.kind == "f":
        x.reshape(-1)[::17], x.reshape(-1)[1::19] = np.nan, np.inf  # NaN counts as larger
    values, indices = fastgrok.from_numpy(x).topk(k, dim, largest)
    ordered = np.flip(np.sort(x, dim), dim) if largest else np.sort(x, dim)
    np.testing.assert_array_equal(values.numpy(), ordered.take(range(k), dim))
    np.testing.assert_array_equal(np.take_along_axis(x, indices.numpy(), dim), values.numpy())
    assert indices.numpy().dtype == np.int64


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        *(("int8", -128, 127), ("uint8", 0, 255), ("int16", -9000, 9000), ("int32", -5, 3), ("int64", 7, 7)),
        *(("int64", -(1 << 63), 5 - (1 << 63)), ("int64", (1 << 63) - 40, (1 << 63) - 1)),
        *(("int64", -(1 << 63), (1 << 63) - 1), ("int32", 0, 1 << 30)),
    ],
)  # fmt: skip
def test_different_numbers_of_many(rng, dtype, low, high):
    x = rng.integers(low, high, (60, 100), dtype, endpoint=True)
    expected = np.unique(x, return_inverse=True, return_counts=True)
    for found, array in zip(fastgrok.tensor(x).unique(True, True, True), expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), array)
        assert found.numpy().dtype == array.dtype and found.shape == array.shape
    np.testing.assert_array_equal(fastgrok.tensor(x.T).unique().numpy(), expected[0])
    values, counts = fastgrok.tensor(x).unique(return_counts=True)
    np.testing.assert_array_equal(counts.numpy(), expected[2])
    np.testing.assert_array_equal(values.numpy(), expected[0])

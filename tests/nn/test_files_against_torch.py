"""Weights travel both ways through files: what one library saves, the other computes the same with."""

from collections import OrderedDict

import numpy as np
import pytest

import fastgrok

torch = pytest.importorskip("torch")
files = pytest.importorskip("safetensors.torch")
pytestmark = pytest.mark.torch


def ids(t):
    return t.tensor([[0, 3, 1], [2, 2, 4]])


def window(t, *shape):
    return t.tensor(np.sin(np.arange(np.prod(shape))).reshape(shape).astype(np.float32))


MODULES = {
    "Linear": (lambda t: t.nn.Linear(4, 3), lambda t: window(t, 2, 4)),
    "Linear-float64": (lambda t: t.nn.Linear(4, 3).double(), lambda t: window(t, 2, 4).double()),
    "Embedding": (lambda t: t.nn.Embedding(5, 3, padding_idx=2), ids),
    "EmbeddingBag": (lambda t: t.nn.EmbeddingBag(5, 3, mode="max"), ids),
    "RNN": (lambda t: t.nn.RNN(4, 3, nonlinearity="relu", bias=False), lambda t: window(t, 5, 2, 4)),
    "LSTM": (lambda t: t.nn.LSTM(4, 3, num_layers=2, bidirectional=True), lambda t: window(t, 5, 2, 4)),
    "GRU": (lambda t: t.nn.GRU(4, 3, batch_first=True), lambda t: window(t, 2, 5, 4)),
    "Sequential": (
        lambda t: t.nn.Sequential(t.nn.Embedding(5, 4), t.nn.Linear(4, 6), t.nn.Tanh(), t.nn.Linear(6, 2, bias=False)),
        ids,
    ),
    "named": (
        lambda t: t.nn.Sequential(
            OrderedDict(table=t.nn.Embedding(5, 4), body=t.nn.Sequential(t.nn.Linear(4, 4), t.nn.ReLU()))
        ),
        ids,
    ),
    "images": (
        lambda t: t.nn.Sequential(t.nn.Conv2d(2, 3, 3), t.nn.BatchNorm2d(3), t.nn.Flatten()).eval(),
        lambda t: window(t, 2, 2, 4, 5),
    ),
}


def output(module, x):
    y = module(x)
    return (y[0] if isinstance(y, tuple) else y).detach().numpy()


@pytest.mark.parametrize("make, window", MODULES.values(), ids=MODULES)
def test_from_torch(make, window, tmp_path):
    ours, theirs = make(fastgrok), make(torch)
    files.save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    state = fastgrok.load(tmp_path / "w.safetensors")
    assert all(isinstance(value, fastgrok.Tensor) for value in state.values())
    assert ours.load_state_dict(state) == ([], [])
    np.testing.assert_allclose(output(ours, window(fastgrok)), output(theirs, window(torch)), rtol=0, atol=2e-6)


@pytest.mark.parametrize("make, window", MODULES.values(), ids=MODULES)
def test_to_torch(make, window, tmp_path):
    ours, theirs = make(fastgrok), make(torch)
    fastgrok.save(ours.state_dict(), tmp_path / "w.safetensors")
    theirs.load_state_dict(files.load_file(tmp_path / "w.safetensors"))
    np.testing.assert_allclose(output(ours, window(fastgrok)), output(theirs, window(torch)), rtol=0, atol=2e-6)

    copied = make(fastgrok)
    copied.load_state_dict(fastgrok.load(tmp_path / "w.safetensors"))
    assert list(copied.state_dict()) == list(ours.state_dict())
    np.testing.assert_array_equal(output(copied, window(fastgrok)), output(ours, window(fastgrok)))


def test_shared_weights(tmp_path):
    """A parameter with two names is written under both, and stays one parameter."""

    def make():
        net = fastgrok.nn.Sequential(fastgrok.nn.Embedding(5, 4), fastgrok.nn.Linear(4, 5, bias=False))
        net[1].weight = net[0].weight
        return net

    ours, copied = make(), make()
    fastgrok.save(ours.state_dict(), tmp_path / "w.safetensors")
    assert set(files.load_file(tmp_path / "w.safetensors")) == {"0.weight", "1.weight"}
    copied.load_state_dict(fastgrok.load(tmp_path / "w.safetensors"))
    assert copied[0].weight is copied[1].weight and (copied[0].weight == ours[0].weight).all()


def test_dtypes_and_sizes(tmp_path):
    state = {
        "float32": torch.tensor([1.5, float("nan"), -float("inf")]),
        "float64": torch.tensor([[1e300]], dtype=torch.float64),
        "int64": torch.tensor(3),
        "int32": torch.zeros(0, 3, dtype=torch.int32),
        "uint8": torch.tensor([255], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
    }
    files.save_file(state, tmp_path / "theirs.safetensors")
    ours = fastgrok.load(tmp_path / "theirs.safetensors")
    fastgrok.save(ours, tmp_path / "ours.safetensors")
    again = files.load_file(tmp_path / "ours.safetensors")
    for name, value in state.items():
        assert ours[name].numpy().dtype == value.numpy().dtype and again[name].dtype == value.dtype
        np.testing.assert_array_equal(ours[name].numpy(), value.numpy())
        np.testing.assert_array_equal(again[name].numpy(), value.numpy())


def test_what_is_no_safetensors_file(tmp_path):
    torch.save({"w": torch.zeros(2)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="hold pickles, which are not read"):
        fastgrok.load(tmp_path / "w.pt")
    files.save_file({"w": torch.zeros(2000)}, tmp_path / "w.safetensors")
    content = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="not a complete"):
        fastgrok.load(tmp_path / "half.safetensors")
    with pytest.raises(FileNotFoundError):
        fastgrok.load(tmp_path / "none.safetensors")
    with pytest.raises(TypeError, match="expected tensors"):
        fastgrok.save({"w": object()}, tmp_path / "new.safetensors")
    assert not (tmp_path / "new.safetensors").exists()

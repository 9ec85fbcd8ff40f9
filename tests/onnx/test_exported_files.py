"""What stands in an exported file, and what cannot be exported."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from exporting import Function, LanguageModel, check

import fastgrok
import fastgrok.nn.functional as F
from fastgrok import nn

pytestmark = pytest.mark.onnx


def load(file):
    import onnx

    return onnx.load(str(file))


def test_names(tmp_path):
    model = LanguageModel("LSTM")
    ids = fastgrok.randint(0, 13, (5, 3))
    options = {"output_names": ["logits", "h", "c"], "dynamic_axes": {"ids": {0: "T", 1: "B"}, "logits": {0: "steps"}}}
    graph = load(check(model, ids, tmp_path, **options)).graph
    assert [i.name for i in graph.input] == ["ids"]
    assert [o.name for o in graph.output] == ["logits", "h", "c"]
    shapes = [[d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim] for o in (*graph.input, *graph.output)]
    assert shapes == [["T", "B"], ["T", "B", 13], [1, "B", 9], [1, "B", 9]]
    stored = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()}.items() <= stored.items()


def test_default_names_and_list_of_axes(tmp_path):
    file = check(LanguageModel("GRU"), fastgrok.randint(0, 13, (5, 3)), tmp_path, dynamic_axes={"ids": [1]})
    graph = load(file).graph
    assert graph.input[0].type.tensor_type.shape.dim[1].dim_param == "ids_dynamic_axes_1"
    assert [o.name for o in graph.output] == ["output_0", "output_1"]


def test_model_is_left_as_it_was(tmp_path):
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Sequential(nn.Dropout(0.5)))
    model[0].weight.requires_grad_(False)
    model[2].eval()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    fastgrok.onnx.export(model, fastgrok.randn(4, 3), tmp_path / "model.onnx")
    assert [m.training for m in model.modules()] == [True, True, True, False, False]
    assert [p.requires_grad for p in model.parameters()] == [False, True, True, True]
    assert all(p.grad is None for p in model.parameters())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


def test_other_threads_are_not_recorded(tmp_path):
    def function(x):
        thread = threading.Thread(target=lambda: fastgrok.ones(2).exp())
        thread.start()
        thread.join()
        return x + 1

    file = check(Function(function), fastgrok.randn(2), tmp_path)
    assert [node.op_type for node in load(file).graph.node] == ["Add"]


# ------------------------------------------------------------------------------------------------ errors

REFUSED = {
    "no counterpart": (lambda x: F.unfold(x.reshape(1, 1, 3, 4), 2), "Unfold"),
    "random": (lambda x: F.dropout(x, 0.5, training=True), "Dropout"),
    "random, after a dense layer": (lambda x: nn.Sequential(nn.Linear(4, 2), nn.Tanh(), nn.Dropout(0.5))(x), "Dense"),
    "values as numbers": (lambda x: x * x.sum().item(), "Mul, reads numbers .* differ"),
    "values from NumPy": (lambda x: x + fastgrok.from_numpy(x.detach().numpy() * 2), "Add, reads numbers .* differ"),
    "rounding": (lambda x: x.round(decimals=2), "Round .*cannot be exported"),
    "branches": (lambda x: x.exp() if x.sum() > 0 else x.sin(), "depends on|is Sin|is Exp"),
    "a mask": (lambda x: x[x > 0].sum(), "Index, has another index"),
    "in place beside the graph": (lambda x: x.detach().mul_(2) + x.detach(), "in place"),
    "assignment": (lambda x: _assigned(x), "SetItem"),
    "random numbers": (lambda x: x + fastgrok.randn(3, 4), "Add, reads numbers"),
    "indices of maxima": (lambda x: F.max_pool1d(x, 2, return_indices=True), "return_indices"),
    "uneven windows": (lambda x: F.adaptive_avg_pool1d(x.reshape(1, 12), 5), "windows of different sizes"),
    "a dict": (lambda x: {"y": x}, "dict"),
}


def _assigned(x):
    y = x * 1
    y[0] = 0
    return y


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path, name):
    function, message = REFUSED[name]
    file = tmp_path / "model.onnx"
    file.write_text("before")
    with pytest.raises(NotImplementedError, match=message):
        fastgrok.onnx.export(Function(function), fastgrok.randn(3, 4).abs(), file)
    assert file.read_text() == "before"
    assert os.listdir(tmp_path) == ["model.onnx"]


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda x: x.reshape(3, 4), "the model fails when .*'batch'"),
        (lambda x: x[: len(x) - 1], "index depends on the dynamic axis 'batch'"),
        (lambda x: x + fastgrok.from_numpy(np.arange(len(x), dtype=np.float32) ** 2)[:, None], "constant of shape"),
        (lambda x: x + sum(x[i] for i in range(len(x))), "Add, is Index when"),
        (lambda x: x + sum(part for part in x), "Unbind, makes 3 tensors, and others when"),
        (lambda x: F.max_pool1d(x.t().unsqueeze(0), 3, stride=2, ceil_mode=True), "ceil_mode along a dynamic axis"),
        (lambda x: x[: len(x) // 3], "index depends on the dynamic axis"),
        (lambda x: x.var(0), "variance over a dynamic axis"),
        (lambda x: x.sum() * fastgrok.ones(len(x) - 1), "no multiple"),
    ],
)
def test_dynamic_axes_refused(tmp_path, function, message):
    with pytest.raises(NotImplementedError, match=message):
        axes = {"input": {0: "batch"}}
        fastgrok.onnx.export(
            Function(function), fastgrok.randn(3, 4), tmp_path / "m.onnx", input_names=["input"], dynamic_axes=axes
        )


@pytest.mark.parametrize(
    "options, message",
    [
        ({"input_names": ["a", "b"]}, "input_names"),
        ({"output_names": ["a", "b"]}, "output_names"),
        ({"output_names": ["input"]}, "input"),
        ({"input_names": ["weight"]}, "weight"),
        ({"dynamic_axes": {"other": [0]}}, "other"),
        ({"dynamic_axes": {"input": {2: "n"}}}, "axis 2"),
        ({"dynamic_axes": {"input": {0: "n", 1: "n"}}}, "sizes"),
        ({"opset_version": 9}, "opset_version=9"),
    ],
)
def test_arguments(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        fastgrok.onnx.export(nn.Linear(3, 4), fastgrok.randn(2, 3), tmp_path / "m.onnx", **options)
    assert os.listdir(tmp_path) == []


def test_other_arguments(tmp_path):
    with pytest.raises(TypeError, match="expected a Module"):
        fastgrok.onnx.export(lambda x: x, fastgrok.randn(2), tmp_path / "m.onnx")
    with pytest.raises(ValueError, match="no tensor"):
        fastgrok.onnx.export(Function(lambda x: x), (3,), tmp_path / "m.onnx")
    with pytest.raises(OSError, match="cannot be written"):
        fastgrok.onnx.export(nn.ReLU(), fastgrok.randn(2), tmp_path / "nowhere" / "m.onnx")


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"fastgrok\[onnx\]"):
        fastgrok.onnx.export(nn.ReLU(), fastgrok.randn(2), tmp_path / "m.onnx")


def test_import_does_not_need_the_package():
    code = "import fastgrok.onnx, sys; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0

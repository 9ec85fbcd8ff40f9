"""The file of a run: complete or absent, refused when it is anything else, and enough to continue exactly."""

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.small_runs import assert_bitwise_equal, regression

import fastgrok
from fastgrok.training import Callback, Checkpoint, CheckpointError, EarlyStopping, Schedule, checkpoint, fit

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(trees)
def test_a_tree_survives_json(tree):
    assert checkpoint.unpack(json.loads(json.dumps(checkpoint.pack(tree, "x", {}))), {}) == tree


def test_arrays_and_description_come_back(tmp_path):
    tensors = {}
    tree = {"a": fastgrok.ones(2, 3), "b": [np.zeros((0, 4)), {"c": fastgrok.tensor(5)}], 3: (1.5, None)}
    content = {"run": checkpoint.pack(tree, "", tensors), "note": "ünïcödé\0"}
    checkpoint.save(tmp_path / "x.safetensors", tensors, content)
    tensors, content = checkpoint.load(tmp_path / "x.safetensors")
    back = checkpoint.unpack(content["run"], tensors)
    assert content["note"] == "ünïcödé\0"
    assert sorted(map(str, back)) == ["3", "a", "b"]
    np.testing.assert_array_equal(back["a"].numpy(), np.ones((2, 3)))
    assert back["b"][0].shape == (0, 4)
    assert back["b"][1]["c"].item() == 5
    assert back[3] == (1.5, None)


def test_a_failed_write_leaves_the_last_one(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    checkpoint.save(path, {"a": np.zeros(3)}, {})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"x\.safetensors cannot be written: No space left on device"):
        checkpoint.save(path, {"a": np.ones(3)}, {})
    monkeypatch.undo()
    np.testing.assert_array_equal(checkpoint.load(path)[0]["a"], np.zeros(3))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.json", "x.safetensors"]


@pytest.mark.parametrize("keep", [0, 7, 8, 100, -1])
def test_a_truncated_file_is_refused(tmp_path, keep):
    path = tmp_path / "x.safetensors"
    checkpoint.save(path, {"a": np.zeros(300)}, {})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"x\.safetensors cannot be read"):
        checkpoint.load(path)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    from safetensors.numpy import save_file

    text, foreign, future = (tmp_path / name for name in ("a.txt", "b.safetensors", "c.safetensors"))
    text.write_text("To be, or not to be")
    save_file({"a": np.zeros(3)}, foreign)
    checkpoint.save(future, {}, {"format": 99})
    for path, message in (
        (text, "cannot be read as a safetensors file"),
        (foreign, "no checkpoint of fastgrok"),
        (future, "format 99, and this fastgrok reads 1"),
        (tmp_path, r"holds no checkpoint\.safetensors"),
        (tmp_path / "nowhere", "there is no such checkpoint"),
    ):
        with pytest.raises(CheckpointError, match=message):
            checkpoint.load(path)


def _options():
    return {"clip_norm": 1.0, "average": 0.9, "validate": lambda model: 1.0}


def _callbacks(model, loss, optimizer, batches):
    scheduler = fastgrok.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.7)
    return [Schedule(scheduler), EarlyStopping(patience=100)]


class StopAt(Callback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, run):
        if run.step == self.step:
            run.stop("SIGINT")


@pytest.mark.parametrize("step", [1, 6, 7, 8, 20])
def test_a_resumed_run_ends_bitwise_where_an_uninterrupted_one_does(tmp_path, step):
    parts = regression(dropout=0.4)
    whole = fit(*parts, steps=21, callbacks=_callbacks(*parts), **_options())

    parts = regression(dropout=0.4)
    first = fit(*parts, steps=21, callbacks=[*_callbacks(*parts), StopAt(step), Checkpoint(tmp_path)], **_options())
    assert (first.step, first.stopped) == (step, "SIGINT")

    parts = regression(dropout=0.4)
    fastgrok.manual_seed(123)  # a new process has drawn other numbers, or none
    rest = fit(*parts, steps=21, callbacks=_callbacks(*parts), resume=tmp_path, **_options())
    assert rest.step == 21
    assert_bitwise_equal(whole, rest)
    for column in ("step", "epoch", "loss", "learning_rate", "gradient_norm", "validation_loss"):
        np.testing.assert_array_equal(whole.history[column], rest.history[column])


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    fit(*regression(), steps=2, callbacks=[Checkpoint(tmp_path)])
    other = fastgrok.nn.Linear(3, 1)
    optimizer = fastgrok.optim.Adam(other.parameters())
    with pytest.raises(CheckpointError, match="is a checkpoint of another run"):
        fit(other, fastgrok.nn.functional.mse_loss, optimizer, regression()[3], steps=3, callbacks=[], resume=tmp_path)


def test_weights_that_are_not_finite_never_replace_sound_ones(tmp_path):
    class Spoil(Callback):
        def on_step_end(self, run):
            if run.step == 3:
                next(iter(run.model.parameters())).detach().numpy()[0] = np.nan

    with pytest.raises(FloatingPointError, match="no longer finite"):
        fit(*regression(), steps=4, callbacks=[Spoil(), Checkpoint(tmp_path, every_seconds=0)])
    tensors, content = checkpoint.load(tmp_path)
    assert content["step"] == 2
    assert all(np.isfinite(array).all() for name, array in tensors.items() if name.startswith("model."))


def test_the_best_weights_are_kept(tmp_path):
    losses = iter([3.0, 1.0, 2.0])
    fit(*regression(), epochs=3, validate=lambda model: next(losses), callbacks=[Checkpoint(tmp_path, best=True)])
    _, content = checkpoint.load(tmp_path / "best.safetensors")
    assert (content["step"], content["validation_loss"]) == (14, 1.0)

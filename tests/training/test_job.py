"""Training a language model from Python: what it refuses, what it replaces, and how it measures."""

import dataclasses
import io
import json
import math

import numpy as np
import pytest

import fastgrok
from fastgrok.training import Callback, CheckpointError, Progress, Recipe, checkpoint, job, language_model
from fastgrok.training.files import FolderLock
from fastgrok.training.job import RUN_FILES, train_language_model

TEXT = "Whether 'tis nobler in the mind to suffer\nThe slings and arrows of outrageous fortune\n" * 20
RECIPE = Recipe(hidden=8, embedding=4, batch_size=4, bptt=8, warmup=2)


def train(out=None, recipe=RECIPE, text=TEXT, **options):
    options = {"steps": 3, **options} if not options.get("resume") else options
    return train_language_model(text, recipe, out=out, progress=Progress(file=io.StringIO()), **options)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


# ---------------------------------------------------------------------------------------------------- folders


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_folder_with_anything_of_a_run_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(ValueError, match=rf"holds a run already \({name}\).*--resume.*--overwrite"):
        train(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_overwriting_replaces_what_a_run_writes_and_nothing_else(tmp_path):
    for name in (*RUN_FILES, "notes.txt", "best.txt"):
        (tmp_path / name).write_text("of before")
    train(tmp_path, overwrite=True)
    kept = [name for name, found in content(tmp_path).items() if found == b"of before"]
    assert sorted(kept) == ["best.txt", "notes.txt"]
    assert checkpoint.load(tmp_path)[1]["step"] == 3


def test_overwriting_begins_only_with_the_first_checkpoint(tmp_path, monkeypatch):
    train(tmp_path)
    before = content(tmp_path)

    def fail(self, value):
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(language_model.CharacterLanguageModel, "set_forget_bias", fail)
        with pytest.raises(MemoryError):
            train(tmp_path, overwrite=True)
    with pytest.raises(ValueError, match="too short"):
        train(tmp_path, text="brief", overwrite=True)
    with FolderLock(tmp_path), pytest.raises(BlockingIOError, match="another run is writing"):
        train(tmp_path, overwrite=True)
    assert content(tmp_path) == before


def test_there_is_a_checkpoint_at_every_moment_of_overwriting(tmp_path, monkeypatch):
    train(tmp_path)

    def full(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "write_atomically", full)
    with pytest.raises(OSError, match="No space"):
        train(tmp_path, overwrite=True)
    assert checkpoint.load(tmp_path)[1]["step"] == 3


def test_what_makes_no_sense_is_refused_before_a_folder_is_made(tmp_path):
    for options, message in (
        ({"resume": True, "overwrite": True}, "resume and overwrite contradict each other"),
        ({"text": "To be, or not to be"}, r"19 characters, of which the first 90%, 17, are to learn from.*needs 33"),
        ({"text": "ab", "recipe": Recipe(batch_size=1, bptt=1)}, "too short"),
        ({"text": "abc", "recipe": Recipe(batch_size=1, bptt=1)}, "too short"),
        ({"recipe": Recipe(hidden=10**6)}, "GB of memory"),
        ({"epochs": 2}, "expected only one of"),
    ):
        with pytest.raises(ValueError, match=message):
            train(tmp_path / "run", **options)
    assert not list(tmp_path.iterdir())


def test_the_shortest_text_that_is_accepted_can_be_trained_on():
    run = train(text="ab" * 10, recipe=Recipe(hidden=8, embedding=4, batch_size=1, bptt=17)).run
    assert run.finished and run.validation is not None


# ---------------------------------------------------------------------------------------------------- divergence


@pytest.mark.parametrize("rate", [1e3, 1e6])
def test_a_run_that_diverges_is_stopped_and_says_what_is_left(tmp_path, rate):
    recipe = Recipe(hidden=8, embedding=4, batch_size=4, bptt=8, lr=rate)
    with pytest.raises(FloatingPointError, match=r"use a lower learning rate, such as --lr 0\.012; the checkpoint in"):
        train(tmp_path / "run", recipe, steps=60)


def test_a_run_that_ends_worse_than_guessing_has_failed():
    recipe = Recipe(
        hidden=8,
        embedding=4,
        batch_size=4,
        bptt=8,
        lr=5.0,
        warmup=0,
        schedule="constant",
        weight_decay=0.0,
        dropout=0.0,
    )
    with pytest.raises(FloatingPointError, match=r"training diverged: the loss is .* after step 40, while guessing"):
        train(recipe=recipe, steps=40)  # no validation before, so that only the limit at the end can be exceeded


def test_what_diverges_after_a_validation_names_the_best_weights(tmp_path, monkeypatch):
    class Spoil(Callback):
        def on_validation_end(self, run):
            run.optimizer.param_groups[0]["lr"] = 1e6

    monkeypatch.setattr(job, "Schedule", lambda factor: Spoil())
    with pytest.raises(FloatingPointError, match=r"the best weights so far, of step 48 .*best\.safetensors"):
        train(tmp_path, steps=200)
    assert checkpoint.load(tmp_path / "best.safetensors")[1]["step"] == 48


@pytest.mark.parametrize("rate", [1e-4, 6e-3, 0.1])
@pytest.mark.parametrize("text", [TEXT, "ab" * 600, "a" * 1200])
def test_runs_that_learn_are_let_alone(rate, text):
    recipe = Recipe(hidden=8, embedding=4, batch_size=4, bptt=8, lr=rate)
    assert train(recipe=recipe, text=text, steps=80).run.finished


# ---------------------------------------------------------------------------------------------------- measuring


def test_losses_do_not_depend_on_how_many_logits_are_made_at_once(monkeypatch):
    fastgrok.manual_seed(0)
    model = language_model.CharacterLanguageModel(11, 8, embedding=4)
    ids = np.random.default_rng(0).integers(0, 11, 3000)
    whole = language_model.validation_loss(model, ids), language_model.window_loss(model, ids)
    most, out = [], model.out

    class Watch(fastgrok.nn.Module):
        out_features = 11

        def forward(self, x):
            most.append(len(x))
            return out(x)

    monkeypatch.setattr(language_model, "LOGITS_BYTES", 4 * 11 * 100)
    model.out = Watch()
    assert (language_model.validation_loss(model, ids), language_model.window_loss(model, ids)) == pytest.approx(whole)
    assert max(most) == 100


def test_the_memory_of_a_validation_counts():
    small = Recipe(hidden=1, embedding=1, batch_size=1, bptt=1)
    small.check_memory(10**6)
    with pytest.raises(ValueError, match="GB of memory"):
        small.check_memory(10**12)


# ---------------------------------------------------------------------------------------------------- going on


def change(path, edit):
    """Write the checkpoint in a folder again, as `edit(tensors, content)` leaves it."""
    tensors, described = checkpoint.load(path)
    edit(tensors, described)
    checkpoint.save(path / checkpoint.NAME, tensors, described)


def _set(*path, value):
    def edit(tensors, described):
        for key in path[:-1]:
            described = described[key]
        described[path[-1]] = value

    return edit


def _in_run(name, value):
    def edit(tensors, described):
        for pair in described["run"]["dict"]:
            if pair[0] == name:
                pair[1] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t, c: c.pop("recipe"), "'recipe' is missing"),
        (lambda t, c: c.pop("limit"), "'limit' is missing"),
        (lambda t, c: c["data"].pop("sha256"), "'sha256' is missing"),
        (lambda t, c: c.pop("run"), "holds weights only"),
        (_set("recipe", "hidden", value="8"), "hidden='8', expected a whole number"),
        (_set("recipe", "hidden", value=10**7), "the recipe has hidden=10000000, the model 8"),
        (_set("recipe", "weight_dropout", value=0.3), "the recipe has weight_dropout=0.3, the model 0.0"),
        (_set("recipe", "lr", value="fast"), "not a recipe"),
        (_set("recipe", value=[]), "not a recipe"),
        (_set("limit", value={"steps": "many"}), "the length of the run is steps='many'"),
        (_set("limit", value={"steps": 1, "epochs": 1}), "no run of a language model"),
        (_set("data", "characters", value=None), "characters=None, expected int"),
        (_set("model", "arguments", "layers", value=10**9), r"lstm\.weight_ih_l1 is missing"),
        (_in_run("step", "two"), "step='two', expected a whole number"),
        (_in_run("batch", -1), "batch=-1, expected a whole number"),
        (_in_run("optimizer", None), "another run, or damaged"),
        (_in_run("random", 7), "another run, or damaged"),
        (_in_run("callbacks", {"dict": 5}), "another run, or damaged"),
    ],
)
def test_a_damaged_run_is_refused_in_one_line(tmp_path, edit, message):
    train(tmp_path)
    change(tmp_path, edit)
    before = content(tmp_path)
    with pytest.raises(CheckpointError, match=message) as caught:
        train(tmp_path, recipe=None, resume=True)
    assert "\n" not in str(caught.value)
    assert content(tmp_path) == before


def test_weights_cannot_be_continued(tmp_path):
    train(tmp_path)
    (tmp_path / checkpoint.NAME).write_bytes((tmp_path / "best.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors holds weights only"):
        train(tmp_path, recipe=None, resume=True)
    assert language_model.load(tmp_path)[0] is not None


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("model", "arguments", "layers", value=10**9), "is missing"),
        (_set("model", "arguments", "hidden", value=10**7), "of shape"),
        (_set("model", "arguments", "hidden", value=True), "hidden=True, expected a whole number"),
        (_set("model", "arguments", "dropout", value="0"), "dropout='0'"),
        (_set("model", "arguments", value={"hidden": 8}), "the arguments of the model are hidden"),
        (lambda t, c: t["model.out.bias"].__setitem__(0, math.nan), "out.bias has values that are not finite"),
        (lambda t, c: t.update({"model.more": t["model.out.bias"]}), "8 arrays of weights, expected 7"),
    ],
)
def test_a_model_that_is_not_what_it_says_is_not_built(tmp_path, monkeypatch, edit, message):
    train(tmp_path)
    change(tmp_path, edit)
    monkeypatch.setattr(language_model, "MODELS", {"CharacterLanguageModel": None})
    with pytest.raises(CheckpointError, match=message):
        language_model.load(tmp_path)


def test_a_checkpoint_from_before_weight_dropout_is_read(tmp_path):
    train(tmp_path)

    def forget(tensors, content):
        content["model"]["arguments"].pop("weight_dropout")
        content["recipe"].pop("weight_dropout")

    change(tmp_path, forget)
    assert language_model.load(tmp_path)[0].lstm.weight_dropout == 0
    assert train(tmp_path, recipe=None, resume=True).run.finished


def test_weight_dropout_reaches_the_model():
    recipe = dataclasses.replace(RECIPE, weight_dropout=0.25)
    assert train(recipe=recipe).model.lstm.weight_dropout == 0.25


def test_the_length_of_a_run_is_fixed(tmp_path):
    train(tmp_path, steps=None, seconds=1.5)
    for limit in ({"seconds": 60}, {"steps": 9}):
        with pytest.raises(ValueError, match=r"contradicts the run in .*started with seconds=1\.5.*leave it out"):
            train(tmp_path, recipe=None, resume=True, **limit)


# ---------------------------------------------------------------------------------------------------- what is left


def test_any_name_of_a_text_can_be_the_title_of_the_plot(tmp_path):
    pytest.importorskip("matplotlib")
    train(tmp_path, source="/somewhere/\u4e2d\u6587 $x\udce9\x07.txt")
    assert (tmp_path / "loss.png").exists()


def test_an_interrupted_run_gets_its_plot(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")

    class Interrupt(Progress):
        def on_step_end(self, run):
            run.stop("SIGTERM")

    trained = train_language_model(TEXT, RECIPE, steps=9, out=tmp_path, progress=Interrupt(file=io.StringIO()))
    assert trained.run.interrupted
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "checkpoint.json").read_text())["step"] == 1


@pytest.mark.slow
def test_the_example_trains_and_goes_on(tmp_path, monkeypatch, capsys):
    import runpy
    from pathlib import Path

    example = runpy.run_path(str(Path(__file__).resolve().parents[2] / "examples" / "shakespeare.py"))
    settings = example["main"].__globals__
    monkeypatch.setitem(settings, "tiny_shakespeare", lambda: ("ROMEO:\n" + TEXT) * 40)
    monkeypatch.setitem(settings, "FOLDER", tmp_path / "run")
    example["main"](4)
    step = checkpoint.load(tmp_path / "run")[1]["step"]
    example["main"](4)
    assert checkpoint.load(tmp_path / "run")[1]["step"] >= step > 0
    assert capsys.readouterr().out.count("best validation loss") == 2

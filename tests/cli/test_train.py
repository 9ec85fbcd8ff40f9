"""Training from the command line: what it prints, what it leaves behind, and how it goes on."""

import csv
import json
import os
import sys
import time

import numpy as np
import pytest

from fastgrok.data import CharacterVocabulary, datasets, read_text
from fastgrok.training import checkpoint, language_model

from .conftest import SMALL


def _weights(folder):
    tensors, _ = checkpoint.load(folder)
    kept = {name: array for name, array in tensors.items() if not name.startswith("callbacks.")}
    assert len(kept) > 10
    return kept


def test_a_run_from_text_to_sample(fastgrok, text, tmp_path):
    out = tmp_path / "run"
    result = fastgrok("train", text, *SMALL, "--epochs", 2, "--out", out)
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith(f"{text}: 6,020 characters, ")
    assert [line.split(",")[0] for line in lines if "epoch" in line] == ["step 169 of 338"]
    (last,) = (line for line in lines if line.startswith("validation loss "))
    assert "nats per character" in last
    assert result.out.count(last.split()[2]) == 1, "the last validation loss is told once"
    assert any(line.startswith("nanoGPT's estimator ") for line in lines)
    assert lines[-1].startswith(f"saved in {out}: checkpoint.safetensors, best.safetensors, history.csv")
    assert "\r" not in result.out

    content = json.loads((out / "checkpoint.json").read_text())
    assert (content["format"], content["step"], content["steps"]) == (1, 338, 338)
    assert content["vocabulary"] == CharacterVocabulary.from_text(read_text(text)).to_json()
    with open(out / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "338"
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert float(rows[-1]["validation_loss"]) == pytest.approx(content["validation_loss"], rel=1e-6)


def test_the_saved_model_is_the_one_that_was_validated(fastgrok, text, tmp_path):
    fastgrok("train", text, *SMALL, "--steps", 30, "--average", 0.9, "--out", tmp_path / "run")
    model, vocabulary, content = language_model.load(tmp_path / "run")
    ids = vocabulary.encode(read_text(text))
    loss = language_model.validation_loss(model, ids[int(len(ids) * 0.9) :])
    assert loss == pytest.approx(content["validation_loss"], rel=1e-6)


def test_sampling_repeats_with_a_seed_and_begins_with_the_prompt(fastgrok, run):
    options = ["--prompt", "The ", "--length", 40, "--seed", 5]
    one = fastgrok("sample", run, *options)
    assert (one.status, one.err) == (0, "")
    assert one.out.startswith("The ")
    assert len(one.out) == 4 + 40 + 1
    assert fastgrok("sample", run / "checkpoint.safetensors", *options).out == one.out
    assert fastgrok("sample", run / "checkpoint.json", *options).out == one.out
    assert fastgrok("sample", run, *options, "--top-k", 3, "--top-p", 0.5, "--temperature", 2).status == 0
    greedy = [fastgrok("sample", run, "--temperature", 0, "--seed", seed).out for seed in (1, 2)]
    assert greedy[0] == greedy[1]


@pytest.mark.parametrize(
    "more", [[], ["--dropout", "0.3", "--weight-dropout", "0.3", "--layers", "2", "--average", "0.9"]]
)
def test_a_resumed_run_is_bitwise_the_uninterrupted_one(start, fastgrok, text, tmp_path, more):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    length = ["--epochs", 2, "--save-every", 0.05]
    assert fastgrok("train", text, *SMALL, *more, *length, "--out", whole).status == 0
    kills = 0
    process = start("train", text, *SMALL, *more, *length, "--out", broken)
    while process.poll() is None:
        _wait_for_progress(process, broken)
        process.kill()
        process.communicate()
        kills += 1
        options = ["--out", broken, "--resume", "--save-every", 0.05]
        process = start("train", *options)  # what was killed names its file
        if kills == 3:
            process.communicate()
    assert process.returncode == 0
    one, other = _weights(whole), _weights(broken)
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def _wait_for_progress(process, folder, steps=20):
    """Wait until the run in `folder` has made some steps more; what stands there is complete whenever one looks."""
    first, deadline = None, time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        if (folder / checkpoint.NAME).exists():
            step = checkpoint.load(folder)[1]["step"]
            first = step if first is None else first
            if step >= first + steps:
                return
        time.sleep(0.002)


def test_a_kill_at_any_moment_leaves_a_complete_checkpoint(start, text, tmp_path):
    out, rng = tmp_path / "run", np.random.default_rng(0)
    process = start("train", text, *SMALL, "--steps", 1_000_000, "--save-every", 0, "--out", out)
    _wait_for_progress(process, out, steps=1)
    for _ in range(4):
        time.sleep(rng.uniform(0, 0.2))
        process.kill()
        process.communicate()
        step = checkpoint.load(out)[1]["step"]
        assert language_model.load(out)[0] is not None
        process = start("train", "--out", out, "--resume", "--save-every", 0)
        _wait_for_progress(process, out, steps=1)
        assert checkpoint.load(out)[1]["step"] > step
    process.kill()
    process.communicate()
    assert {path.name for path in out.iterdir()} <= {
        ".lock", "checkpoint.safetensors", "checkpoint.json", ".checkpoint.safetensors.tmp", ".checkpoint.json.tmp",
        "best.safetensors", "best.json", "history.csv", ".best.safetensors.tmp", ".best.json.tmp", ".history.csv.tmp",
    }  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_ctrl_c_saves_and_says_how_to_go_on(start, fastgrok, text, tmp_path, name, status):
    import signal

    out = tmp_path / "run"
    process = start("train", text, *SMALL, "--steps", 1_000_000, "--save-every", 0.05, "--threads", 1, "--out", out)
    _wait_for_progress(process, out)
    process.send_signal(getattr(signal, name))
    output, errors = (stream.decode() for stream in process.communicate(timeout=60))
    assert process.returncode == status
    assert "Traceback" not in errors
    assert ("Ctrl-C" in errors) == (name == "SIGINT")
    step = checkpoint.load(out)[1]["step"]
    assert output.splitlines()[-2:] == [
        f"stopped after step {step:,} of 1,000,000: {name}",
        f"saved in {out}; to go on: fastgrok train {text} --out {out} --resume --threads 1 --save-every 0.05",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
def test_a_second_ctrl_c_says_what_is_saved(start, text, tmp_path):
    import signal

    out = tmp_path / "run"
    # One step of this takes seconds, so that the second signal comes before its end.
    process = start("train", text, "--batch-size", 50, "--bptt", 100, "--hidden", 2048, "--steps", 50, "--out", out)
    while not (out / "checkpoint.json").exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.2)  # the file is there a moment before the run knows that it is
    process.send_signal(signal.SIGINT)
    assert b"stopping after this step" in process.stderr.readline() + process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode() == (
        f"fastgrok: interrupted at once; the checkpoint in {out} is of step 0; "
        f"to go on: fastgrok train {text} --out {out} --resume\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")
def test_ctrl_c_before_training_is_quiet(start, text, tmp_path):
    import signal

    process = start("train", text, "--out", tmp_path / "run")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (130, -signal.SIGINT)
    assert b"Traceback" not in errors


def test_resuming_a_finished_run_changes_nothing(fastgrok, text, run):
    before = _weights(run)
    result = fastgrok("train", text, "--out", run, "--resume")
    assert (result.status, result.err) == (0, "")
    for name, array in before.items():
        np.testing.assert_array_equal(array, _weights(run)[name])


def test_seconds_fixes_a_number_of_steps_and_keeps_the_time(fastgrok, text, tmp_path):
    out, began = tmp_path / "run", time.monotonic()
    result = fastgrok("train", text, *SMALL, "--seconds", 8, "--out", out)
    took = time.monotonic() - began
    assert (result.status, result.err) == (0, "")
    assert "steps fit into 0:08" in result.out
    assert took < 12  # to the second only where nothing else runs; test_budget.py has a clock of its own
    content = json.loads((out / "checkpoint.json").read_text())
    assert content["steps"] >= content["step"] > 20


def test_runs_get_folders_of_their_own_also_when_they_start_together(start, text, tmp_path):
    processes = [start("train", text, *SMALL, "--steps", 1) for _ in range(2)]
    for process in processes:
        assert process.communicate(timeout=120)[1] == b""
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"text-model", "text-model-2"}
    for folder in (tmp_path / "work").iterdir():
        assert checkpoint.load(folder)[1]["step"] == 1


@pytest.mark.parametrize("option", ["--resume", "--overwrite"])
def test_a_folder_that_a_run_writes_to_is_left_to_it(start, fastgrok, text, tmp_path, option):
    out = tmp_path / "run"
    process = start("train", text, *SMALL, "--steps", 1_000_000, "--save-every", 0, "--out", out)
    _wait_for_progress(process, out, steps=1)
    result = fastgrok("train", text, "--out", out, option)
    assert result.status == 1
    expected = f"another run is writing to {out}: wait until it has ended, or name another folder"
    assert result.err == f"fastgrok: error: {expected}\n"
    assert process.poll() is None
    process.kill()
    process.communicate()
    step = checkpoint.load(out)[1]["step"]
    process = start("train", text, "--out", out, "--resume", "--save-every", 0)  # nothing to tidy up first
    _wait_for_progress(process, out, steps=1)
    assert checkpoint.load(out)[1]["step"] > step
    process.kill()
    process.communicate()


def test_overwriting_is_possible(fastgrok, text, tmp_path):
    for _ in range(2):
        result = fastgrok("train", text, *SMALL, "--steps", 2, "--out", tmp_path / "run", "--overwrite")
        assert result.status == 0


def test_shakespeare_comes_from_the_data_folder(fastgrok, tmp_path):
    folder = os.environ.get("FASTGROK_DATA_DIR", "")
    if not os.path.exists(os.path.join(folder, datasets.TINY_SHAKESPEARE)):
        pytest.skip("FASTGROK_DATA_DIR has no tinyshakespeare/input.txt")
    result = fastgrok("shakespeare", *SMALL, "--steps", 2, "--out", tmp_path / "run", env={"FASTGROK_DATA_DIR": folder})
    assert result.out.startswith("tiny Shakespeare: 1,115,394 characters, 65 distinct")
    assert "1.4697" in result.out


def test_without_a_network_it_trains_on_pythons_documentation(fastgrok, tmp_path):
    result = fastgrok("shakespeare", *SMALL, "--steps", 2, "--out", tmp_path / "run")
    assert (result.status, result.err) == (0, "")
    first, second = result.out.splitlines()[:2]
    assert "cannot be downloaded" in first
    assert "documentation instead" in first
    assert "fastgrok train FILE" in first
    assert second.startswith("Python's documentation: ")
    result = fastgrok("shakespeare", "--out", tmp_path / "run", "--resume")
    assert (result.status, result.err) == (0, "")


def test_control_characters_of_a_vocabulary_pass_a_pipe_but_not_a_terminal(fastgrok, tmp_path):
    pty = pytest.importorskip("pty")
    path = tmp_path / "bell.txt"
    path.write_text("\x07\x1b" * 3000)
    assert fastgrok("train", path, *SMALL, "--steps", 2, "--out", tmp_path / "run").status == 0
    assert "\x1b" in fastgrok("sample", tmp_path / "run", "--length", 50).out
    master, terminal = pty.openpty()
    result = fastgrok("sample", tmp_path / "run", "--length", 50, stdout=terminal)
    os.close(terminal)
    shown = os.read(master, 10_000).decode()
    os.close(master)
    assert result.status == 0
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\\x1b" in shown


def test_a_home_that_is_not_set_is_no_obstacle(start, text, tmp_path, environment):
    import subprocess

    for name in ("HOME", "XDG_CACHE_HOME", "USERPROFILE"):
        environment.pop(name, None)
    process = subprocess.run(
        [sys.executable, "-m", "fastgrok", "train", text, *SMALL, "--steps", "2", "--out", tmp_path / "run"],
        env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert (process.returncode, process.stderr) == (0, b"")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="needs a folder that not even root can write to")
def test_a_home_that_cannot_be_written_to_is_no_obstacle(fastgrok, text, tmp_path):
    nowhere = {"HOME": "/proc/self", "FASTGROK_CACHE_DIR": "", "XDG_CACHE_HOME": "", "TMPDIR": str(tmp_path)}
    result = fastgrok("train", text, *SMALL, "--steps", 2, "--out", tmp_path / "run", env=nowhere)
    assert (result.status, result.err) == (0, "")
    result = fastgrok("shakespeare", *SMALL, "--steps", 2, "--out", tmp_path / "other", env=nowhere)
    assert (result.status, result.err) == (0, "")

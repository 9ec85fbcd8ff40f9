"""Everything that a user can get wrong: one line on stderr, a status that is not 0, no traceback, nothing lost."""

import os
import sys

import numpy as np
import pytest

from fastgrok.training import checkpoint

from .conftest import SMALL


def complaint(result, status=1):
    """The one line that an error is told in."""
    assert result.status == status, result
    assert "Traceback" not in result.err
    lines = result.err.splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("fastgrok")
    return lines[0]


# ---------------------------------------------------------------------------------------------------- the text


def test_a_file_that_is_not_there(fastgrok):
    assert "nowhere.txt: there is no such file" in complaint(fastgrok("train", "nowhere.txt"))


def test_a_folder_instead_of_a_file(fastgrok, tmp_path):
    assert "is a folder, expected a text file" in complaint(fastgrok("train", tmp_path))


def test_an_empty_file(fastgrok, tmp_path):
    (tmp_path / "empty").touch()
    assert "is empty" in complaint(fastgrok("train", tmp_path / "empty"))


def test_a_text_that_is_too_short(fastgrok, tmp_path):
    (tmp_path / "short").write_text("To be, or not to be")
    line = complaint(fastgrok("train", tmp_path / "short"))
    assert "too short: 19 characters, of which the first 90%, 17, are to learn from" in line
    assert "use a longer text, a smaller batch or a shorter window" in line
    assert not list((tmp_path / "work").iterdir()), "no folder was made"


def test_bytes_that_are_no_text(fastgrok, tmp_path):
    (tmp_path / "latin1").write_bytes(b"d\xe9j\xe0 vu" * 1000)
    assert "byte 0xe9 at offset 1" in complaint(fastgrok("train", tmp_path / "latin1"))


def test_no_file_at_all(fastgrok):
    assert "expected FILE" in complaint(fastgrok("train"))


def test_a_name_with_control_characters_does_not_reach_the_terminal_raw(fastgrok):
    assert "\x1b" not in complaint(fastgrok("train", "\x1b[2Jnowhere"))


# ---------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    "options",
    [
        ["--hidden", "0"],
        ["--layers", "-1"],
        ["--embedding", "1.5"],
        ["--batch-size", "0"],
        ["--bptt", "none"],
        ["--lr", "0"],
        ["--lr", "nan"],
        ["--lr", "inf"],
        ["--dropout", "1"],
        ["--dropout", "-0.1"],
        ["--weight-dropout", "1"],
        ["--seed", "-1"],
        ["--threads", "0"],
        ["--seconds", "0"],
        ["--epochs", "0"],
        ["--steps", "1e3"],
        ["--steps", "3", "--epochs", "2"],
        ["--steps", "1000000000001"],
        ["--seconds", "1e300"],
        ["--out", ""],
        ["--overwrite", "--resume"],
        ["--average", "1"],
        ["--schedule", "wild"],
        ["--wings", "2"],
    ],
    ids=" ".join,
)
def test_options_that_make_no_sense(fastgrok, text, options):
    line = complaint(fastgrok("train", text, *options), status=2)
    assert options[0] in line
    assert "see fastgrok train --help" in line or "see fastgrok --help" in line


def test_sizes_beyond_this_machine(fastgrok, text, tmp_path):
    assert "GB of memory" in complaint(fastgrok("train", text, "--hidden", 1_000_000, "--out", tmp_path / "run"))
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize(
    "options",
    [["--temperature", "-1"], ["--length", "-1"], ["--top-k", "0"], ["--top-p", "0"], ["--top-p", "1.5"]],
    ids=" ".join,
)
def test_ways_to_sample_that_make_no_sense(fastgrok, options):
    assert options[0] in complaint(fastgrok("sample", "anything", *options), status=2)


def test_no_command_or_an_unknown_one(fastgrok):
    assert "COMMAND" in complaint(fastgrok(), status=2)
    assert "dance" in complaint(fastgrok("dance"), status=2)


# ---------------------------------------------------------------------------------------------------- saving


def test_a_folder_that_cannot_be_written_to(fastgrok, text, tmp_path):
    assert "is a file, expected a folder" in complaint(fastgrok("train", text, *SMALL, "--out", text))
    nowhere = "/proc/self/run" if os.path.exists("/proc/self") else str(text / "run")
    assert "cannot be written" in complaint(fastgrok("train", text, *SMALL, "--out", nowhere))


def test_an_earlier_run_is_not_overwritten(fastgrok, text, run):
    before = (run / checkpoint.NAME).read_bytes()
    line = complaint(fastgrok("train", text, *SMALL, "--out", run))
    assert "holds a run already" in line
    assert "--resume" in line
    assert (run / checkpoint.NAME).read_bytes() == before


def test_options_that_contradict_a_run(fastgrok, text, run, tmp_path):
    for options, expected in (
        (["--hidden", 32], "hidden=32 contradicts the run in"),
        (["--lr", 0.1], r"lr=0.1 contradicts"),
        (["--steps", 4], "steps=4 contradicts"),
        (["--epochs", 4], "epochs=4 contradicts"),
        (["--seconds", 4], "seconds=4 contradicts"),
    ):
        assert expected in complaint(fastgrok("train", text, "--out", run, "--resume", *options))
    other = tmp_path / "other.txt"
    other.write_text("Once more unto the breach, dear friends, once more\n" * 100)
    assert "the text has changed" in complaint(fastgrok("train", other, "--out", run, "--resume"))
    assert "continue it with fastgrok train" in complaint(fastgrok("shakespeare", "--out", run, "--resume"))
    assert fastgrok("train", text, *SMALL, "--steps", 3, "--out", run, "--resume").status == 0, (
        "the same is no contradiction"
    )


def test_resuming_needs_a_run(fastgrok, text, tmp_path):
    assert "--out DIR" in complaint(fastgrok("train", text, "--resume"))
    assert "there is no such checkpoint" in complaint(
        fastgrok("train", text, "--resume", "--out", tmp_path / "nowhere")
    )
    assert "holds no checkpoint" in complaint(fastgrok("train", text, "--resume", "--out", tmp_path))


def test_a_loss_that_turns_nan_loses_nothing(fastgrok, text, tmp_path):
    out = tmp_path / "run"
    options = ["--steps", 50, "--warmup", 10, "--lr", 1e38, "--save-every", 0]
    line = complaint(fastgrok("train", text, *SMALL, *options, "--out", out))
    assert "lower learning rate, such as --lr 0.012" in line
    assert "is of step" in line
    tensors, _ = checkpoint.load(out)
    assert all(np.isfinite(array).all() for name, array in tensors.items() if name.startswith("model."))


# ---------------------------------------------------------------------------------------------------- checkpoints


def test_a_prompt_outside_the_vocabulary(fastgrok, run):
    line = complaint(fastgrok("sample", run, "--prompt", "the \u00e9tude"))
    assert "(U+00E9) at position 4 is not among the 22 characters" in line


def test_a_checkpoint_that_is_none(fastgrok, run, text, tmp_path):
    from safetensors.numpy import save_file

    whole = (run / checkpoint.NAME).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    save_file({"a": np.zeros(3)}, tmp_path / "foreign.safetensors")
    for path, expected in (
        (tmp_path / "nowhere", "there is no such checkpoint"),
        (tmp_path, "holds no checkpoint.safetensors"),
        (text, "cannot be read as a safetensors file"),
        (tmp_path / "cut.safetensors", "cannot be read as a safetensors file"),
        (tmp_path / "foreign.safetensors", "no checkpoint of fastgrok"),
    ):
        assert expected in complaint(fastgrok("sample", path))


@pytest.mark.parametrize("change", ["vocabulary", "class", "shape", "dtype", "missing"])
def test_a_checkpoint_whose_parts_do_not_fit(fastgrok, run, tmp_path, change):
    tensors, content = checkpoint.load(run)
    name = "model.lstm.weight_hh_l0"
    if change == "vocabulary":
        content["vocabulary"]["characters"] += "\U0001f600"
    elif change == "class":
        content["model"]["class"] = "os.system"
    elif change == "shape":
        tensors[name] = tensors[name][:, :-1].copy()
    elif change == "dtype":
        tensors[name] = tensors[name].astype(np.int8)
    else:
        del tensors[name]
    checkpoint.save(tmp_path / "wrong.safetensors", tensors, content)
    assert "does not hold a character language model" in complaint(fastgrok("sample", tmp_path / "wrong.safetensors"))


def test_weights_that_are_not_numbers(fastgrok, run):
    tensors, content = checkpoint.load(run)
    tensors["model.out.bias"][3] = np.nan
    checkpoint.save(run / checkpoint.NAME, tensors, content)
    assert "out.bias has values that are not finite numbers" in complaint(fastgrok("sample", run))


def test_a_reader_that_goes_away_is_no_error(start, run):
    process = start("sample", run, "--length", 500_000)
    process.stdout.read(10)
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(timeout=120) != 0 or sys.platform == "win32"
    assert b"Traceback" not in errors


# ---------------------------------------------------------------------------------------------------- dead outputs

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


def _shell(environment, command, folder):
    import shlex
    import subprocess

    program = shlex.join([sys.executable, "-m", "fastgrok"])
    command = ["bash", "-c", command.replace("fastgrok", program)]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@posix_only
@pytest.mark.parametrize("output", ["| head -1", "> /dev/full", ">&-", "2>&- >&-"])
def test_training_goes_on_when_nobody_listens(environment, text, tmp_path, output):
    if "full" in output and not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is Linux's")
    command = f"fastgrok train {text} {' '.join(SMALL)} --epochs 2 --out run {output}; exit ${{PIPESTATUS[0]}}"
    result = _shell(environment, command, tmp_path)
    assert result.returncode == (0 if ">&-" in output else 1)
    assert result.stderr == ""
    assert checkpoint.load(tmp_path / "run")[1]["step"] == 338
    assert (tmp_path / "run" / "history.csv").exists()


@posix_only
@pytest.mark.parametrize("command", ["info", "--help", "--version", "sample run"])
@pytest.mark.parametrize("output", ["> /dev/full", ">&-", "| true"])
def test_no_command_fails_with_a_traceback_when_nobody_listens(environment, run, command, output):
    result = _shell(environment, f"fastgrok {command} {output}", run.parent)
    assert "Traceback" not in result.stderr and "Exception ignored" not in result.stderr
    assert len(result.stderr.splitlines()) <= 1

"""The small commands, and how fast the command line answers."""

import re

import pytest

from fastgrok import nn, randn
from fastgrok.cli import train
from fastgrok_kernels import jit


def test_help_names_every_command_without_loading_numba(fastgrok):
    result = fastgrok("--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert result.status == 0
    for command in ("shakespeare", "train", "sample", "info", "warmup"):
        assert re.search(rf"^ +{command}\b", result.out, re.MULTILINE)
    assert not re.search(r"\| +numba$", result.err, re.MULTILINE)


def test_every_option_that_is_promised_exists(fastgrok):
    for command in ("shakespeare", "train"):
        out = fastgrok(command, "--help").out
        for (
            option
        ) in "seconds epochs steps hidden layers embedding batch-size bptt lr dropout seed threads out resume".split():
            assert f"--{option} " in out or f"--{option}\n" in out, option
    out = fastgrok("sample", "--help").out
    for option in "prompt length temperature top-k top-p seed".split():
        assert f"--{option} " in out


def test_the_version(fastgrok):
    assert re.fullmatch(r"fastgrok \d+\.\d+.*\n", fastgrok("--version").out)


def test_info_names_what_matters(fastgrok):
    result = fastgrok("info")
    assert (result.status, result.err) == (0, "")
    for row in ("fastgrok", "Python", "numba", "CPU", "tile", "threads", "threading", "kernel cache"):
        assert row in result.out


@pytest.mark.slow
def test_a_second_process_compiles_only_what_is_not_on_disk(monkeypatch):
    started = []
    monkeypatch.setattr(train, "start", lambda *arguments, **options: started.append(arguments))
    nn.LSTM(4, 4)(randn(2, 1, 4))  # its kernel is on disk from now on
    train._compile_on_two_cores()
    assert not started
    monkeypatch.setattr(jit, "is_kept", lambda module: False)
    train._compile_on_two_cores()
    assert len(started) == 1


def test_warmup_leaves_nothing_to_compile_for_training(fastgrok, text, tmp_path):
    env = {"FASTGROK_CACHE_DIR": str(tmp_path / "kernels"), "FASTGROK_QUIET": "0"}
    first = fastgrok("warmup", env=env)
    assert first.status == 0 and first.out.splitlines()[-1].startswith("all kernels are ready (")
    assert first.err.count("compiling kernels") == 1
    for options in (["--hidden", "16"], ["--layers", "2", "--dropout", "0.1"]):
        out = tmp_path / "-".join(options)
        result = fastgrok("train", text, "--steps", "2", "--bptt", "32", *options, "--out", out, env=env)
        assert (result.status, result.err) == (0, "")
        assert fastgrok("sample", out, env=env).err == ""

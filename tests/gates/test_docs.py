"""What the documentation says is true: its Python runs, its commands exist."""

import doctest
import re
import shlex
import subprocess
import sys
import tomllib

import numpy as np
import pytest

import fastgrok
from gates.rules import ROOT

README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
LINE = "ROMEO: {0}, and {0} again; what is in a name?\n"
TEXT = "".join(LINE.format(word) for word in ("love", "night", "day", "rose")) * 40


def _blocks(text, language):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for kind, block in blocks if kind == language]


def _commands():
    """Every command line of README and CONTRIBUTING, without its comment."""
    for block in _blocks(README, "") + _blocks(CONTRIBUTING, ""):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def test_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.txt").write_text(TEXT, encoding="utf-8")
    few = np.zeros((256, 28, 28), np.uint8), np.arange(256) % 10
    monkeypatch.setattr(fastgrok.keras.datasets.mnist, "load_data", lambda: (few, few))  # no download
    names = {}
    for number, block in enumerate(_blocks(README, "python"), 1):
        name = f"README.md, Python block {number}"
        if block.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block, names, name, None, 0)
            result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, clear_globs=False)
            assert result.failed == 0, capsys.readouterr().out
            names.update(test.globs)
        else:
            exec(compile(block, name, "exec"), names)
    assert len(names["ids"]) == 300


def _options_of(command):
    """The help of a subcommand, as a set of option names."""
    run = [sys.executable, "-m", "fastgrok", command, "--help"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"--[a-z][a-z-]*", done.stdout))


def test_options_of_the_command_line_exist():
    used = {}
    for words in _commands():
        if words[0].endswith("fastgrok"):
            used.setdefault(words[1], set()).update(word for word in words if word.startswith("--"))
    assert used.keys() >= {"shakespeare", "train", "sample", "info", "warmup"}
    for command, options in used.items():
        assert options - {"--help"} <= _options_of(command), command


def test_options_of_the_makefile_exist():
    """`make shakespeare` calls the command line as well."""
    for line in re.findall(r"\$\(BIN\)/fastgrok (.*)", (ROOT / "Makefile").read_text("utf-8")):
        command, *words = line.split()
        assert {word for word in words if word.startswith("--")} <= _options_of(command), command


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    mentioned = {words[1] for words in _commands() if words[0] == "make"}
    mentioned |= set(re.findall(r"`make ([a-z-]+)`", README + CONTRIBUTING))
    assert mentioned and mentioned <= targets


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_files_that_are_named_exist(text):
    names = set(re.findall(r"`([\w./]+\.(?:py|md|toml|json))`|`([\w./]+/)`", text))
    missing = []
    for name in {first or second for first, second in names}:
        places = [ROOT / name, *ROOT.glob(f"**/{name}")]
        if not any(place.exists() for place in places):
            missing.append(name)
    assert missing == []


def test_contributing_is_one_screen():
    assert len(CONTRIBUTING.splitlines()) <= 60


def test_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert fastgrok.__version__ == version

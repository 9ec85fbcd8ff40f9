"""The scripts of the book's chapters print what stands beside them in `examples/expected/`.

Words must be the same; numbers may differ by the tolerance that the first line of the file names, relative to the
expected number, because the last digits of what is learnt depend on the machine's vector width. After a deliberate
change, `FASTGROK_UPDATE_EXPECTED=1 python -m pytest tests/examples/test_expected.py -k NAME` writes the files anew:
read the difference before it is committed.
"""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = ("ch[0-9]*.py", "learn_*.py", "practice_*.py")
SCRIPTS = sorted(path.stem for kind in KINDS for path in EXAMPLES.glob(kind))
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w])|\bnan\b|\binf\b", re.IGNORECASE)
EXACT = 1e-6  # for what involves no training
NEEDS = {"ch15_homomorphic_encryption": "tenseal"}  # an optional package


def run(name, folder, *options):
    """Run a script in `folder` and return what it prints."""
    if not os.environ.get("FASTGROK_DATA_DIR"):
        pytest.skip("FASTGROK_DATA_DIR does not name a folder with the data")
    environment = {**os.environ, "MPLBACKEND": "Agg", "FASTGROK_NUM_THREADS": "2"}
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *options]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


def difference(printed, expected, tolerance):
    """Return what differs first, in words, or None."""
    printed, expected = printed.rstrip().splitlines(), expected.rstrip().splitlines()
    for number, (ours, wanted) in enumerate(zip(printed, expected, strict=False), 1):
        where = f"line {number}: printed {ours!r}, expected {wanted!r}"
        if NUMBER.sub("#", ours).split() != NUMBER.sub("#", wanted).split():
            return where
        for a, b in zip(NUMBER.findall(ours), NUMBER.findall(wanted), strict=True):
            a, b = float(a), float(b)
            if a != b and not abs(a - b) <= tolerance * abs(b):
                return f"{where} ({a:g} is not {b:g} within {tolerance:g})"
    if len(printed) != len(expected):
        return f"{len(printed)} lines printed, {len(expected)} expected"
    return None


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_prints_what_is_expected(name, tmp_path):
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    path = EXAMPLES / "expected" / f"{name}.txt"
    source = (EXAMPLES / f"{name}.py").read_text()
    options = ["--plot", str(tmp_path / "picture.png")] if '"--plot"' in source else []
    printed = run(name, tmp_path, *options)
    assert not options or (tmp_path / "picture.png").stat().st_size > 5_000
    head, _, expected = path.read_text().partition("\n") if path.exists() else (f"tolerance {EXACT:g}", "", "")
    if os.environ.get("FASTGROK_UPDATE_EXPECTED"):
        path.write_text(f"{head}\n{printed}")
        return
    assert path.exists(), f"{path.name} is missing: see the head of this file"
    assert (found := difference(printed, expected, float(head.removeprefix("tolerance ")))) is None, found


@pytest.mark.parametrize("name", SCRIPTS)
def test_is_short_and_says_what_is_learnt(name):
    source = (EXAMPLES / f"{name}.py").read_text()
    code = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(code) <= 130, f"{len(code)} lines"
    assert source.startswith('"""')


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_says_what_is_learnt(name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    script = importlib.import_module(name)
    with pytest.raises(SystemExit) as end:
        script.main()
    printed = " ".join(capsys.readouterr().out.split())
    assert end.value.code == 0 and " ".join(script.__doc__.splitlines()[0].split()) in printed


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_half_learnt_is_reported(name):
    """`fit` returns when a signal ends it: a script that goes on would print numbers of less training, and succeed."""
    source = (EXAMPLES / f"{name}.py").read_text()
    trains = re.search(r"^from fastgrok\.training import .*\bfit\b", source, re.MULTILINE)
    assert not trains or "run.interrupted" in source


def test_differences_are_seen():
    assert difference("loss 1.000 nan", "loss 1.001 nan", 0.01) is not None  # nan is never close
    assert difference("loss 1.000", "loss 1.001", 0.01) is None
    assert difference("loss 1.000", "loss 1.001", 1e-4) is not None
    assert difference("loss -1", "loss 1", 0.5) is not None
    assert difference("a 1", "b 1", 0.5) is not None
    assert difference("a 1", "a 1\nb", 0.5) is not None
    assert difference("w2v 3x3 [1. 2]", "w2v 3x3 [1. 2]", 0) is None
    assert difference("w2v 3x4", "w2v 3x3", 0.5) is not None

"""The demonstrations, with either library: the same program, the same weights, the same losses."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DATA = os.environ.get("FASTGROK_DATA_DIR", "")
DEMONSTRATIONS = {
    "mnist_cnn": "mnist_t10k",
    "word_gru": "tinyshakespeare",
    "character_transformer": "tinyshakespeare",
    "film_reviews": "movie_review_polarity",
}


def run(name, library, *options):
    """Run a demonstration; return its first losses and its accuracy."""
    command = [sys.executable, EXAMPLES / f"{name}.py", "--library", library, *options]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    losses = [float(loss) for loss in re.findall(r"^step \d+: loss (\S+)$", result.stdout, re.MULTILINE)]
    return losses, float(re.search(r"accuracy (\S+)", result.stdout)[1])


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_both_libraries_lose_the_same(name):
    if not (Path(DATA) / DEMONSTRATIONS[name]).is_dir() or not DATA:
        pytest.skip("FASTGROK_DATA_DIR does not name a folder with this data")
    ours, accuracy = run(name, "fastgrok", "--steps", 20)
    theirs, their_accuracy = run(name, "torch", "--steps", 20)
    assert len(ours) == len(theirs) == 20
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 1e-4
    assert ours[-1] < ours[0]
    assert abs(accuracy - their_accuracy) < 0.002


def test_missing_data_are_named(tmp_path):
    command = [sys.executable, EXAMPLES / "mnist_cnn.py", "--data", tmp_path]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1 and "mnist_t10k" in result.stderr and "--data" in result.stderr

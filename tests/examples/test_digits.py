"""The convolutional network of chapter 10 reads 98 % of the digits, on average over three seeds."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "ch10_reading_digits.py"


@pytest.mark.slow
def test_98_percent_of_the_digits_are_read():
    if not os.environ.get("FASTGROK_DATA_DIR"):
        pytest.skip("FASTGROK_DATA_DIR does not name a folder with the data")
    shares = []
    for seed in range(3):
        command = [sys.executable, str(SCRIPT), "--seed", str(seed)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0 and result.stderr.count("drawn by a program") == 0, result.stderr
        shares.append(float(re.search(r"^accuracy (\S+) on 1,000", result.stdout, re.MULTILINE)[1]))
    assert np.mean(shares) >= 0.98, shares

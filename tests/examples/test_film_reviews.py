"""How well word embeddings tell praise from blame, held against the goal of 75 %."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.slow
def test_ten_folds_reach_the_goal():
    if not (Path(os.environ.get("FASTGROK_DATA_DIR", "nowhere")) / "movie_review_polarity").is_dir():
        pytest.skip("FASTGROK_DATA_DIR does not name a folder with this data")
    command = [sys.executable, EXAMPLES / "ch11_sentiment_from_word_embeddings.py", "--folds", "10"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stderr
    assert float(re.search(r"did not see: (\S+)%", result.stdout)[1]) >= 75

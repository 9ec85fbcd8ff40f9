"""Without data and without a network the examples run on what stands in, and say so in a line for each data set."""

import importlib
import sys
from pathlib import Path

import pytest

from fastgrok.data import datasets

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# Data sets that a script asks for, and the least work that it can be told to do.
SCRIPTS = {
    "ch11_fill_in_the_blank": (1, "--epochs=1"),
    "ch11_sentiment_from_word_embeddings": (1, "--epochs=1", "--folds=2"),
    "ch11_word_analogies": (3, "--epochs=1"),
    "ch12_averaged_sentence_vectors": (1, "--epochs=1"),
    "ch12_recurrent_word_model": (1, "--steps=10"),
    "ch13_layers_and_losses": (1, "--steps=5"),
    "ch14_shakespeare_lstm": (1, "--epochs=1"),
    "ch14_shakespeare_rnn": (1, "--epochs=1"),
    "ch15_federated_averaging": (1, "--rounds=1"),
    "ch15_randomized_response": (1,),
    "ch15_secure_aggregation": (1, "--rounds=1"),
    "ch15_spam_detection": (1, "--epochs=1"),
    "ch15_weight_update_leaks": (1,),
    "ch16_contrastive_learning": (1, "--epochs=1"),
    "learn_colours": (1, "--epochs=1"),
    "learn_image_patches": (1, "--epochs=1"),
    "learn_masked_token": (1, "--steps=5"),
    "learn_next_token": (1, "--steps=5"),
    "learn_sentence_order": (1, "--epochs=1"),
    "learn_triplets": (1, "--epochs=1"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_stand_ins_do(name, monkeypatch, tmp_path, capsys):
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody answers there
    for variable in ("no_proxy", "NO_PROXY", "FASTGROK_DATA_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(datasets, "cache_directory", lambda: tmp_path / "cache")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    count, *options = SCRIPTS[name]
    script = importlib.import_module(name)
    draws = '"--plot"' in Path(script.__file__).read_text()
    plot = [f"--plot={tmp_path / 'picture.png'}"] if draws else []
    monkeypatch.setattr(sys, "argv", [name, *options, *plot])
    script.main()
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if "cannot be downloaded" in line]
    assert out and len(said) == count and all(line.startswith("fastgrok: ") for line in said), err
    assert not draws or "nothing to draw" in err or (tmp_path / "picture.png").stat().st_size > 5000

"""The federation of chapter 15: as good as promised on real messages, and made of parts that do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastgrok

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DATA = os.environ.get("FASTGROK_DATA_DIR", "")


@pytest.fixture
def federation(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import federation

    return federation


@pytest.mark.slow
def test_three_who_share_no_message_find_spam_like_one_who_has_all():
    if not (Path(DATA) / "sms_spam").is_dir() or not DATA:
        pytest.skip("FASTGROK_DATA_DIR does not name a folder with sms_spam")
    accuracies, f1s = [], []
    for seed in range(3):  # who has which messages, and which are tested with
        command = [sys.executable, str(EXAMPLES / "ch15_federated_averaging.py"), "--seed", str(seed)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr
        found = re.findall(r"^ *(\w+) \(\d+ messages\) +(\S+) +(\S+)$", result.stdout, re.MULTILINE)
        scores = {name: (float(a), float(b)) for name, a, b in found}
        accuracy, f1 = scores["federation"]
        assert abs(accuracy - scores["pooled"][0]) <= 0.01
        accuracies.append(accuracy)
        f1s.append(f1)
    assert np.mean(accuracies) >= 0.97 and np.mean(f1s) >= 0.9, (accuracies, f1s)


@pytest.mark.slow
def test_no_message_is_learnt_from_and_tested_with(federation):
    learnt, tested = federation.read()
    both = [{tuple(federation.words(text)) for text in part.texts} for part in (learnt, tested)]
    assert len(both[0]) == len(learnt) and len(both[1]) == len(tested)
    assert not both[0] & both[1]


def test_one_step_for_all_equals_the_average_of_one_step_each(federation):
    """With one batch per person, the weighted average of the steps is the step on everything together."""
    texts = ["free prize, call 0800", "see you at home", "win win win!", "dinner is ready", "call me later"]
    everything = federation.Messages(texts, np.array([1, 0, 1, 0, 0]))
    states, counts = [], []
    for part in (slice(0, 1), slice(1, 3), slice(3, None)):
        model = federation.SpamFilter()
        federation.train(model, everything[part], seed=0, batch_size=5)
        states.append(model.state_dict())
        counts.append(len(everything[part]))
    model = federation.SpamFilter()
    federation.train(model, everything, seed=0, batch_size=5)
    average = federation.average(states, counts)
    assert counts == [1, 2, 2] and list(average) == ["weights.weight"]
    assert fastgrok.allclose(average["weights.weight"], model.weights.weight, atol=1e-6)
    assert model.weights.weight.abs().sum() > 1


def test_words_and_their_rows(federation):
    assert federation.words("WIN £100 now!") == ["win", "£", "<number of 3>", "now", "!"]
    assert federation.row("win") == federation.row("win") < federation.ROWS
    messages = federation.Messages(["a a b", "b"], np.array([0, 1]))
    rows, starts, targets = messages.batch(np.array([1, 0]))
    assert starts.tolist() == [0, 1] and targets.tolist() == [1.0, 0.0]
    assert sorted(rows.tolist()[1:]) == sorted([federation.row("a"), federation.row("b")])


def test_masks_cancel_in_the_sum_only(federation, monkeypatch):
    import ch15_secure_aggregation as secure

    models = {}
    for number, name in enumerate(federation.OWNERS):
        models[name] = federation.SpamFilter()
        with fastgrok.no_grad():
            models[name].weights.weight.fill_(number - 0.75)  # -0.75, 0.25, 1.25
    sent = [secure.send(name, model, count, 0) for (name, model), count in zip(models.items(), (1, 2, 1), strict=True)]
    assert np.all(secure.reveal(sent, 4) == 0.25)
    bytes_of_one = np.bincount(sent[0].view(np.uint8), minlength=256) / sent[0].nbytes
    assert np.abs(bytes_of_one * 256 - 1).max() < 0.25, "one alone looks like noise: every byte is equally frequent"
    assert np.abs(secure.reveal(sent[:2], 3)).max() > 1e6

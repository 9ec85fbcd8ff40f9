"""Chapters 13 to 15 on real data: usage cells as they stand, beside the emulation and within the printed bands."""

import re

import numpy as np
import pytest
from book import reference, usage

from fastgrok import book


def babi(classes, iterations):
    path = usage.file_of("babi_qa1", "qa1_single-supporting-fact_train.txt")
    np.random.seed(0)
    names = usage.names_of(classes, path=str(path), iterations=iterations)
    return usage.run(names, usage.BABI_DATA, usage.BABI_MODEL, usage.BABI_TRAIN)


def test_chapter_13_answers_questions(capsys):
    names = usage.run(babi(book, 801), usage.BABI_PREDICT)
    out = capsys.readouterr().out
    losses, correct = zip(*re.findall(r"Loss: ([\d.]+) % Correct: ([\d.]+)", out), strict=True)
    # 16 orders of the vocabulary gave .440 to .499 first, .135 to .145 last, and 35 to 37 %.
    assert 0.40 < float(losses[0]) < 0.53 and 0.13 < float(losses[-1]) < 0.15
    assert 0.33 < float(correct[-1]) < 0.40
    assert "Context: - mary moved to the" in out and names["vocab"][names["output"].data.argmax()] in out


def test_chapter_13_beside_the_emulation():
    ours, theirs = (babi(classes, 50) for classes in (book, reference))
    np.testing.assert_allclose(ours["loss"].data, theirs["loss"].data, rtol=1e-9)
    for p, q in zip(ours["optim"].parameters, theirs["optim"].parameters, strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-7, atol=1e-9)


def shakespeare(classes, monkeypatch, batches, *cells):
    """Chapter 14's cells."""
    monkeypatch.chdir(usage.file_of("shakespeare_book", "shakespear.txt").parent)
    names = usage.names_of(classes)
    usage.run(names, usage.SHAKESPEARE_DATA, *cells)
    if batches:
        names["input_batches"] = names["input_batches"][:batches]
    return names


def perplexities(out):
    return [float(x) for x in re.findall(r" - Loss:([\d.]+)", out)]


LSTM = usage.LSTM_MODEL, usage.BATCHES, usage.LSTM_TRAIN
RNN = usage.RNN_MODEL, usage.BATCHES, usage.RNN_SAMPLE, usage.RNN_TRAIN


def test_chapter_14_lstm_prints_what_the_book_prints(monkeypatch, capsys):
    usage.run(shakespeare(book, monkeypatch, 20, *LSTM), "train(1)")
    found = perplexities(capsys.readouterr().out)
    # 62 characters, all as likely as each other; then near the print, which was made with another order of them.
    np.testing.assert_allclose(found[0], 62, rtol=1e-12)
    for batch, printed in ((2, 61.9993), (10, 60.2369), (15, 51.0787), (20, 44.6374)):
        assert abs(found[batch - 1] / printed - 1) < 0.01


@pytest.mark.slow
def test_chapter_14_lstm_beside_the_emulation(monkeypatch, capsys):
    found = []
    for classes in (book, reference):
        usage.run(shakespeare(classes, monkeypatch, 3, *LSTM), "train(1)")
        out = capsys.readouterr().out
        found.append((perplexities(out), re.findall(r"\d - (.*)\n", out)))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    assert found[0][1] == found[1][1]  # what it writes


@pytest.mark.slow
def test_chapter_14_lstm_goes_on_as_in_the_book(monkeypatch, capsys):
    usage.run(shakespeare(book, monkeypatch, 100, *LSTM), "train(1)")
    found = perplexities(capsys.readouterr().out)
    for batch, printed in ((30, 38.3205), (50, 33.6102), (100, 26.78)):
        assert abs(found[batch - 1] / printed - 1) < 0.01


@pytest.mark.slow
def test_chapter_14_rnn_beside_the_emulation(monkeypatch, capsys):
    found = []
    for classes in (book, reference):
        names = usage.run(shakespeare(classes, monkeypatch, 3, *RNN), "train(1)")
        found.append([names["model"].w_hh.weight.data.copy(), *perplexities(capsys.readouterr().out)])
    # Samples draw from the same stream as ids, so they differ; training does not.
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def spam_and_ham():
    path = usage.file_of("sms_spam", "SMSSpamCollection")
    rows = [line.split("\t", 1) for line in path.read_text("utf-8").splitlines()[1:]]
    spam, ham = ([set(text.split(" ")) for kind, text in rows if kind == which] for which in ("spam", "ham"))
    return {"spam": spam, "ham": ham[:1800], "kept": 300}


def test_chapter_15_federated_learning(capsys):
    names = usage.names_of(book, **spam_and_ham())
    usage.run(names, usage.SPAM_DATA, usage.SPAM_TRAIN, usage.SPAM_MODEL, usage.FEDERATED)
    correct = [float(x) for x in re.findall(r"Test Set: ([\d.]+)", capsys.readouterr().out)]
    assert len(correct) == 3 and correct == sorted(correct) and correct[-1] > 85


def test_chapter_15_beside_the_emulation(capsys):
    found = []
    for classes in (book, reference):
        np.random.seed(12345)
        names = usage.names_of(classes, **spam_and_ham())
        usage.run(names, usage.SPAM_DATA, usage.SPAM_TRAIN, usage.SPAM_MODEL)
        usage.run(names, "train(model, train_data[:1000], train_target[:1000], iterations=1)")
        found.append(names["model"].weight.data)
    np.testing.assert_allclose(*found, rtol=1e-10, atol=1e-14)


def test_chapter_15_a_gradient_tells_the_words(capsys):
    words = ["my", "computer", "password", "is", "pizza", "hello", "you", "<unk>"]
    names = usage.names_of(book, vocab=words, w2i={word: i for i, word in enumerate(words)})
    usage.run(names, usage.SPAM_TRAIN, usage.LEAK)
    assert capsys.readouterr().out.split()[1:] == words[:5]

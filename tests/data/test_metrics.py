"""Metrics against counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok.data import metrics

classes = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(st.integers(1, 8), st.integers(1, 6), st.data())
def test_accuracy(n, C, data):
    top_k = data.draw(st.integers(1, C))
    scores = np.array(data.draw(st.lists(st.permutations(range(C)), min_size=n, max_size=n)), np.float32)
    target = np.array(data.draw(st.lists(st.integers(0, C - 1), min_size=n, max_size=n)))
    expected = np.mean([t in np.argsort(row)[::-1][:top_k] for row, t in zip(scores, target, strict=True)])
    assert metrics.accuracy(scores, target, top_k) == pytest.approx(expected)
    tensors = fastgrok.tensor(scores, requires_grad=True), fastgrok.tensor(target)
    assert metrics.accuracy(*tensors, top_k=top_k) == pytest.approx(expected)
    ignored = np.concatenate([target, [-100]])
    assert metrics.accuracy(np.concatenate([scores, scores[:1]]), ignored, top_k) == pytest.approx(expected)
    assert metrics.accuracy(scores.argmax(1), target) == pytest.approx(metrics.accuracy(scores, target))


def test_accuracy_of_further_axes_and_ties():
    scores = np.zeros((2, 3, 4))  # (N, C, T)
    scores[0, 1] = 1.0
    assert metrics.accuracy(scores, np.array([[1, 1, 0, 1], [0, 0, 1, 2]])) == 5 / 8
    assert metrics.accuracy(np.array([[1.0, 1.0]]), np.array([0])) == 1.0


@given(classes)
def test_confusion_matrix_and_scores(pairs):
    target, prediction = np.array(pairs).T
    matrix = metrics.confusion_matrix(target, fastgrok.tensor(prediction), 4)
    assert matrix.shape == (4, 4) and matrix.dtype == np.int64
    assert all(matrix[i, j] == pairs.count((i, j)) for i in range(4) for j in range(4))
    precisions, recalls, f1s, weights = [], [], [], []
    for c in range(4):
        hits, taken, there = pairs.count((c, c)), sum(p == c for _, p in pairs), sum(t == c for t, _ in pairs)
        p, r = hits / taken if taken else 0.0, hits / there if there else 0.0
        precisions.append(p)
        recalls.append(r)
        f1s.append(2 * p * r / (p + r) if p + r else 0.0)
        weights.append(there)
    accuracy = np.mean(target == prediction)
    for function, each in (
        (metrics.precision, precisions),
        (metrics.recall, recalls),
        (metrics.f1_score, f1s),
    ):
        assert function(target, prediction, None, 4) == pytest.approx(each)
        assert function(target, prediction, num_classes=4) == pytest.approx(np.mean(each))
        assert function(target, prediction, "weighted", 4) == pytest.approx(np.average(each, weights=weights))
        assert function(target, prediction, "micro", 4) == pytest.approx(accuracy)
        two = function(target > 1, prediction > 1, None, 2)
        assert function(target > 1, prediction > 1, "binary", 2) == pytest.approx(two[1])


def test_losses_in_other_units():
    loss = fastgrok.tensor(math.log(4.0), dtype=fastgrok.float64)
    assert metrics.perplexity(loss) == pytest.approx(4.0) and metrics.bits_per_character(loss) == pytest.approx(2.0)
    assert metrics.perplexity(1e4) == math.inf and math.isnan(metrics.perplexity(math.nan))
    assert metrics.confusion_matrix([], []).shape == (0, 0)


@pytest.mark.parametrize(
    "call, match",
    [
        (lambda: metrics.accuracy(np.zeros((2, 3)), [0]), r"shape \(2, 3\) and target \(1,\)"),
        (lambda: metrics.accuracy(np.zeros((2, 3)), [0, 1], top_k=4), "top_k=4"),
        (lambda: metrics.accuracy(np.zeros((2, 3)), [0, 3]), "class 3, expected 0 <= class < 3"),
        (lambda: metrics.accuracy(np.zeros((1, 3)), [-100]), "no sample"),
        (lambda: metrics.accuracy([1, 2], [1, 2], top_k=2), "top_k=2"),
        (lambda: metrics.accuracy([1, 2], [1.5, 2]), "whole numbers"),
        (lambda: metrics.confusion_matrix([1, 2], [1]), "expected the same"),
        (lambda: metrics.confusion_matrix([1, 2], [1, 2], 2), "target has class 2"),
        (lambda: metrics.confusion_matrix([1, 0], [1, -1]), "prediction has class -1"),
        (lambda: metrics.recall([0], [0], average="mean"), "average='mean'"),
        (lambda: metrics.f1_score([2], [0], average="binary"), "with 3 classes"),
        (lambda: metrics.perplexity([1.0, 2.0]), r"shape \(2,\)"),
    ],
)
def test_what_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()

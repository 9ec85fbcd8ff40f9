"""What the examples of self-supervised learning are made of does what they say."""

import math
from pathlib import Path

import numpy as np
import pytest

import fastgrok

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(autouse=True)
def examples(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


def test_views_show_other_sides_of_the_same_image():
    from pretext import Views

    image = np.zeros((28, 28), np.float32)
    image[8:20, 13:15] = 1  # a stroke in the middle
    views = Views(seed=1)(np.repeat(image.reshape(1, -1), 50, axis=0)).numpy()
    assert views.shape == (50, 784) and set(np.unique(views)) == {0, 1}
    ink = views.sum(axis=1)
    assert np.all((ink > 12) & (ink < 48)), "about as much as before, 24"
    assert len(np.unique(views, axis=0)) > 40
    assert not np.any(views.reshape(-1, 28, 28)[:, 0]), "nothing comes in from the edge"


def test_batches_hold_every_number_at_most_once():
    from pretext import batches

    found = batches(10, 3, seed=0)
    assert [len(batch) for batch in found] == [3, 3, 3]
    assert len(set(np.concatenate(found))) == 9
    assert not np.array_equal(found, batches(10, 3, seed=1))


def test_the_best_view_sets_groups_apart():
    from pretext import best_view

    generator = np.random.default_rng(0)
    labels = np.arange(1000) % 10
    points = generator.normal(0, 1, (1000, 6)) * [20, 1, 1, 1, 1, 20]  # what differs most is noise
    points[:, 2] += 10 * (labels % 2)
    points[:, 3] += 10 * (labels > 4)
    seen = points @ best_view(points, labels)
    for axis, group in zip((2, 3), (labels % 2, labels > 4), strict=True):
        correlations = [abs(np.corrcoef(seen[:, i], group)[0, 1]) for i in range(2)]
        assert math.hypot(*correlations) > 0.95, axis


def test_pairs_are_pulled_together_and_pushed_apart():
    from ch16_contrastive_learning import pairs

    one = fastgrok.tensor([[1.0, 0.0], [0.0, 3.0]])
    assert pairs(one, one).item() == pytest.approx(0, abs=1e-5)  # apart by sqrt(2), more than the margin
    swapped = fastgrok.tensor([[0.0, 1.0], [1.0, 0.0]])
    # Two pairs that belong together, at squared distance 2 each, and two that do not, at distance 0.
    assert pairs(one, swapped).item() == pytest.approx((2 + 2 + 1 + 1) / 2, abs=5e-3)


def test_negatives():
    from learn_triplets import negatives

    angles = np.deg2rad([0, 10, 42, 90])
    anchor = fastgrok.from_numpy(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    angles = np.deg2rad([20, 30, 60, 100])
    positive = fastgrok.from_numpy(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    chosen = {kind: negatives(kind, anchor, positive).numpy() for kind in ("random", "hardest", "semi-hard")}
    found = {
        kind: [int(np.abs(positive.numpy() - row).sum(axis=1).argmin()) for row in chosen[kind]] for kind in chosen
    }
    assert found["hardest"][:3] == [1, 0, 1]  # the nearest of the others
    assert found["semi-hard"][:3] == [1, 2, 0]  # the nearest of those farther away than the own positive
    assert all(found["random"][i] != i for i in range(4))


def test_hidden_patches():
    from learn_image_patches import EDGE, HIDDEN, hide

    hidden = hide(20, np.random.default_rng(0))
    assert np.all(hidden.sum(axis=1) == HIDDEN * EDGE * EDGE)
    squares = hidden.reshape(20, 4, EDGE, 4, EDGE).mean(axis=(2, 4))
    assert set(np.unique(squares)) == {0, 1}, "whole patches"
    assert len(np.unique(squares.reshape(20, -1), axis=0)) > 15


def test_the_exercises_that_texts_set():
    import learn_masked_token
    import learn_next_token
    import learn_sentence_order

    drawn = np.arange(12, dtype=np.int64).reshape(6, 2)
    inputs, targets = learn_next_token.exercise(drawn)
    assert inputs.tolist() == drawn[:-1].tolist() and targets.tolist() == drawn[1:].tolist()

    drawn = np.random.default_rng(1).integers(60, size=(50, 40))
    inputs, targets = (part.numpy() for part in learn_masked_token.exercise(drawn, 60, np.random.default_rng(0)))
    hidden = inputs == 60
    assert 0.1 < hidden.mean() < 0.2
    assert np.array_equal(np.where(hidden, targets, inputs), drawn)
    assert np.all(targets[~hidden] == learn_masked_token.NOTHING)

    lines = [(np.array([2 * i]), np.array([2 * i + 1])) for i in range(100)]
    one, other, kept = learn_sentence_order.exercise(lines, np.random.default_rng(0))
    assert 30 < kept.sum() < 70
    for i, (a, b) in enumerate(zip(one, other, strict=True)):
        assert (a[0], b[0]) == ((2 * i, 2 * i + 1) if kept[i] else (2 * i + 1, 2 * i))

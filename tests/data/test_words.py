"""Nearest words, cosines and analogies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastgrok
from fastgrok.data import WordVectors

WORDS = ["man", "woman", "king", "queen", "tree"]
TABLE = [[0, 0.1], [1, 0.1], [0, 1], [1, 1], [9, -5]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_distances_grow_from_the_nearest_and_are_not_negative(seed, count):
    table = np.random.default_rng(seed).normal(size=(8, 3))
    vectors = WordVectors([f"w{i}" for i in range(8)], table)
    found = vectors.nearest("w3", count)
    assert len(found) == min(count, 7)
    assert "w3" not in dict(found)
    distances = [distance for _, distance in found]
    assert distances == sorted(distances)
    for word, distance in found:
        assert distance == pytest.approx(np.linalg.norm(vectors[word] - vectors["w3"]))
    left = set(vectors.words) - set(dict(found)) - {"w3"}
    assert all(np.linalg.norm(vectors[word] - vectors["w3"]) >= distances[-1] - 1e-12 for word in left)


def test_similar_words_point_the_same_way():
    vectors = WordVectors(["a", "twice", "across", "back"], [[1, 1], [2, 2], [1, -1], [-3, -3]])
    (one, same), (other, right_angle), (last, opposite) = vectors.similar("a")
    assert (one, other, last) == ("twice", "across", "back")
    assert [same, right_angle, opposite] == pytest.approx([1, 0, -1])
    assert vectors.cosine("a", "twice") == pytest.approx(1)
    assert vectors.nearest("a", 1)[0][0] == "twice"


def test_analogies_leave_the_question_out_and_do_not_follow_length():
    vectors = WordVectors(["boy", "girl", "man", "woman", "crowd"], [[3, 0], [0, 3], [1, 0.2], [0.1, 0.2], [20, 1]])
    (best, cosine), *rest = vectors.analogy("boy", "girl", "man")
    assert best == "woman"
    assert 0 < cosine <= 1
    assert {best, *dict(rest)} == {"woman", "crowd"}


def test_questions_with_unknown_words_are_left_out_of_the_score():
    vectors = WordVectors(WORDS, TABLE)
    questions = [("man", "woman", "king", "queen"), ("man", "king", "woman", "tree"), ("man", "woman", "uncle", "aunt")]
    assert vectors.score(questions) == (1, 2)
    assert vectors.score([]) == (0, 0)


def test_a_tensor_is_copied():
    table = fastgrok.tensor(TABLE, requires_grad=True)
    vectors = WordVectors(WORDS, table)
    with fastgrok.no_grad():
        table.zero_()
    np.testing.assert_allclose(vectors["tree"], [9, -5])
    assert len(vectors) == 5
    assert "tree" in vectors and "bush" not in vectors


def test_zeros_have_no_direction():
    vectors = WordVectors(["zero", "one"], [[0, 0], [1, 0]])
    assert vectors.similar("zero") == [("one", 0.0)]
    assert vectors.analogy("one", "one", "zero") == []


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="'man' occurs twice"):
        WordVectors(["man", "man"], [[1], [2]])
    for wrong in ([[1.0]], [1.0, 2.0]):
        with pytest.raises(ValueError, match=r"vectors has shape .*, expected \(2, D\)"):
            WordVectors(["man", "woman"], wrong)
    vectors = WordVectors(WORDS, TABLE)
    for call in (
        vectors.nearest,
        vectors.similar,
        vectors.__getitem__,
        lambda word: vectors.analogy("man", word, "king"),
    ):
        with pytest.raises(KeyError, match="'bush' is not among the 5 words"):
            call("bush")

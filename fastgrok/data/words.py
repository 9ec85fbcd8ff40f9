"""What vectors of words know about words: which are alike, and which stand to each other as two others do.

Letters of shapes: V words, D size of a vector.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastgrok import from_numpy

__all__ = ["WordVectors"]


class WordVectors:
    """Words with the vectors that a network has learnt for them, such as the rows of `nn.Embedding`.

    Parameters
    ----------
    words : sequence of V str
        Each once.
    vectors : array or tensor (V, D) float
        Row i belongs to word i. It is copied.

    Raises
    ------
    ValueError
        When a word occurs twice, or there is not one row for each.

    Examples
    --------
    >>> rows = [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [0, 0, -1]]
    >>> vectors = WordVectors(["man", "woman", "king", "queen", "tree"], rows)
    >>> vectors.nearest("queen", 2)
    [('woman', 1.0), ('king', 1.0)]
    >>> [(answer, cosine)] = vectors.analogy("man", "woman", "king", count=1)
    >>> answer, round(cosine, 2)
    ('queen', 0.98)
    """

    def __init__(self, words: Sequence[str], vectors: Any):
        self.words = list(words)
        self.vectors = np.array(vectors.detach() if hasattr(vectors, "detach") else vectors, dtype=np.float64)
        self.index = {word: i for i, word in enumerate(self.words)}
        if len(self.index) < len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self.index[word] != i)
            raise ValueError(f"WordVectors: the word {twice!r} occurs twice")
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words):
            raise ValueError(f"WordVectors: vectors has shape {self.vectors.shape}, expected ({len(self.words)}, D)")
        lengths = np.sqrt((self.vectors**2).sum(axis=1, keepdims=True))
        self._directions = self.vectors / np.where(lengths, lengths, 1)  # a vector of zeros has none

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __getitem__(self, word: str) -> np.ndarray:
        """Return the vector of a word, (D,); raises `KeyError` for an unknown word."""
        return self.vectors[self._row(word)]

    def nearest(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """Return the `count` words whose vectors are closest to that of `word`, itself left out, closest first.

        The number beside each is the Euclidean distance, 0 or more. Raises `KeyError` for an unknown word.
        """
        row = self._row(word)
        distances = np.sqrt(((self.vectors - self.vectors[row]) ** 2).sum(axis=1))
        return self._first(np.argsort(distances, kind="stable"), distances, [row], count)

    def similar(self, word: str, count: int = 10) -> list[tuple[str, float]]:
        """Return the `count` words whose vectors have the direction most like that of `word`, itself left out.

        The number beside each is the cosine of the angle, from 1 (the same direction) to -1 (the opposite one).
        Raises `KeyError` for an unknown word.
        """
        row = self._row(word)
        cosines = self._cosines(self._directions[row])
        return self._first(np.argsort(-cosines, kind="stable"), cosines, [row], count)

    def cosine(self, one: str, other: str) -> float:
        """Return the cosine of the angle between the vectors of two words; raises `KeyError` for an unknown word."""
        return float((self._directions[self._row(one)] * self._directions[self._row(other)]).sum())

    def analogy(self, a: str, b: str, c: str, count: int = 10) -> list[tuple[str, float]]:
        """Answer "a is to b as c is to ...?": the words with the direction most like b - a + c, the three left out.

        All vectors have length 1 first, so that a frequent word's long vector does not outweigh the others (Mikolov,
        Yih and Zweig 2013). The number beside each word is the cosine. Raises `KeyError` for an unknown word.
        """
        rows = [self._row(word) for word in (a, b, c)]
        cosines = self._cosines(self._wanted(*rows))
        return self._first(np.argsort(-cosines, kind="stable"), cosines, rows, count)

    def score(self, questions: Iterable[Sequence[str]]) -> tuple[int, int]:
        """Return how many of the questions (a, b, c, answer) `analogy` answers right, and how many it can try.

        Questions with an unknown word are left out.
        """
        known = [
            [self.index[word] for word in question] for question in questions if all(w in self.index for w in question)
        ]
        right = 0
        for first in range(0, len(known), 256):
            *rows, answers = np.array(known[first : first + 256]).T
            cosines = self._cosines(self._wanted(*rows))
            for row in rows:
                cosines[np.arange(len(row)), row] = -np.inf
            right += int((cosines.argmax(axis=1) == answers).sum())
        return right, len(known)

    def _wanted(self, a: Any, b: Any, c: Any) -> np.ndarray:
        return self._directions[b] - self._directions[a] + self._directions[c]

    def _cosines(self, vectors: np.ndarray) -> np.ndarray:
        """Return the cosines of vectors (..., D) with those of all words, (..., V)."""
        lengths = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
        directions = vectors / np.where(lengths, lengths, 1)
        return from_numpy(directions).matmul(from_numpy(self._directions).T).numpy()

    def _first(self, order: np.ndarray, values: np.ndarray, left_out: list[int], count: int) -> list[tuple[str, float]]:
        chosen = [i for i in order.tolist() if i not in left_out][:count]
        return [(self.words[i], float(values[i])) for i in chosen]

    def _row(self, word: str) -> int:
        if word not in self.index:
            raise KeyError(f"the word {word!r} is not among the {len(self.words):,} words")
        return self.index[word]

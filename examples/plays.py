"""What the examples of self-supervised learning on text share: plays as characters, and pieces of them."""

import sys

import numpy as np

from fastgrok.data import CharacterVocabulary, DatasetError, python_documentation, split, tiny_shakespeare


def read() -> str:
    """Return the plays, or what this Python has to say about itself where they cannot be had."""
    try:
        return tiny_shakespeare()
    except DatasetError as error:
        print(f"fastgrok: {error}; the documentation of Python stands in, and other numbers come out", file=sys.stderr)
        return python_documentation()


def characters() -> tuple[CharacterVocabulary, np.ndarray, np.ndarray]:
    """Return the vocabulary, and the plays as numbers of characters: to learn from, and to test with."""
    text = read()
    vocabulary = CharacterVocabulary.from_text(text)
    return vocabulary, *split(vocabulary.encode(text))


def windows(ids: np.ndarray, length: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Draw pieces of the text: (length, count), one in each column."""
    starts = generator.integers(len(ids) - length, size=count)
    return ids[starts + np.arange(length)[:, None]]

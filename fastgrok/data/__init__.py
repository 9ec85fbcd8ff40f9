"""Data: text as ids and batches, and data sets that are looked for, downloaded, cached and verified."""

from .datasets import DatasetError, python_documentation, tiny_shakespeare
from .text import CharacterVocabulary, ContiguousBatches, read_text, split, streams

__all__ = [
    "CharacterVocabulary",
    "ContiguousBatches",
    "DatasetError",
    "python_documentation",
    "read_text",
    "split",
    "streams",
    "tiny_shakespeare",
]

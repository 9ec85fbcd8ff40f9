"""Data: data sets and loaders, text as ids and batches, data sets by name (downloaded, cached, verified), metrics."""

from . import metrics
from .corpora import babi_qa1, book_shakespeare, film_reviews, word_analogies
from .dataset import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from .datasets import DatasetError, python_documentation, tiny_shakespeare
from .folds import k_fold
from .images import digits, fashion_mnist, mnist
from .loader import DataLoader
from .messages import sms_spam
from .text import CharacterVocabulary, ContiguousBatches, read_text, split, streams
from .words import WordVectors

__all__ = [
    "CharacterVocabulary",
    "ConcatDataset",
    "ContiguousBatches",
    "DataLoader",
    "Dataset",
    "DatasetError",
    "IterableDataset",
    "Subset",
    "TensorDataset",
    "WordVectors",
    "babi_qa1",
    "book_shakespeare",
    "digits",
    "fashion_mnist",
    "film_reviews",
    "k_fold",
    "metrics",
    "mnist",
    "python_documentation",
    "random_split",
    "read_text",
    "sms_spam",
    "split",
    "streams",
    "tiny_shakespeare",
    "word_analogies",
]

"""Data: data sets and loaders, text as ids and batches, data sets by name (downloaded, cached, verified), metrics."""

from . import metrics
from .dataset import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split
from .datasets import DatasetError, python_documentation, tiny_shakespeare
from .folds import k_fold
from .images import digits, fashion_mnist, mnist
from .loader import DataLoader
from .text import CharacterVocabulary, ContiguousBatches, read_text, split, streams

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
    "digits",
    "fashion_mnist",
    "k_fold",
    "metrics",
    "mnist",
    "python_documentation",
    "random_split",
    "read_text",
    "split",
    "streams",
    "tiny_shakespeare",
]

"""Reviews of films as lists of word numbers, with what their writers thought of them."""

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ...data.datasets import fetch, is_published

__all__ = ["get_word_index", "load_data"]

_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_CHECKSUMS = {
    "imdb.npz": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
    "imdb_word_index.json": "md5:bfafd718b763782e994055a2d397834f",  # the only one that Keras has
}


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return (x_train, y_train), (x_test, y_test): 25,000 reviews each, lists of word numbers, and 0 or 1.

    The file is Keras', looked for as `imdb/imdb.npz` in the folder that FASTGROK_DATA_DIR names and in the user's
    cache, else downloaded (17 MB).

    Parameters
    ----------
    num_words, skip_top : int
        Words are numbered by how frequent they are; rarer and more frequent ones become `oov_char`, or are left out
        when that is None.
    maxlen : int, optional
        Only reviews that are shorter.
    seed : int
        Of the order.
    start_char, oov_char, index_from : int
        What a review begins with, what stands for other words, and what is added to the numbers of words.

    Raises
    ------
    DatasetError
        When the file is not here and cannot be downloaded; it says what to do.
    """
    with np.load(io.BytesIO(_content("imdb.npz")), allow_pickle=True) as file:  # its checksum is known
        parts = [(file[f"x_{part}"], file[f"y_{part}"]) for part in ("train", "test")]
    random = np.random.RandomState(seed)
    shuffled = []
    for reviews, labels in parts:
        order = np.arange(len(reviews))
        random.shuffle(order)
        shuffled.append((reviews[order], labels[order]))
    return select(shuffled, num_words, skip_top, maxlen, start_char, oov_char, index_from)


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """Return the numbers of the words, from 1, the most frequent one; `load_data` adds `index_from` to them.

    The file is looked for beside `imdb.npz`, or downloaded (1.6 MB); `path` is taken and changes nothing.

    Raises `DatasetError`, which says what to do, when it is not here and cannot be downloaded.

    To read a review again::

        words = {number + 3: word for word, number in imdb.get_word_index().items()}
        print(" ".join(words.get(number, "?") for number in x_train[0]))
    """
    return json.loads(_content("imdb_word_index.json"))


def select(
    parts: list[tuple[Any, Any]],
    num_words: int | None,
    skip_top: int,
    maxlen: int | None,
    start_char: int | None,
    oov_char: int | None,
    index_from: int,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return both parts with the words and reviews that `load_data` is asked for."""
    results = []
    first = [] if start_char is None else [start_char]
    for reviews, labels in parts:
        lists = [[*first, *(word + index_from for word in review)] for review in reviews]
        if maxlen is not None:
            kept = [k for k, review in enumerate(lists) if len(review) < maxlen]
            lists, labels = [lists[k] for k in kept], labels[kept]
        results.append((lists, labels))
    if not all(lists for lists, _ in results):
        raise ValueError(f"imdb: maxlen={maxlen} leaves no review")
    # As in Keras, without `num_words` the rarest word is left out.
    limit = num_words or max(max(review) for lists, _ in results for review in lists)
    selected = []
    for lists, labels in results:
        if oov_char is None:
            lists = [[word for word in review if skip_top <= word < limit] for review in lists]
        else:
            lists = [[word if skip_top <= word < limit else oov_char for word in review] for review in lists]
        selected.append((np.array(lists, dtype=object), labels))
    return selected[0], selected[1]


def _content(file: str) -> bytes:
    name, checksum = Path("imdb", file), _CHECKSUMS[file]
    folder = os.environ.get("FASTGROK_DATA_DIR")
    if folder and (Path(folder) / name).exists():
        path = Path(folder) / name
        content = path.read_bytes()
        if not is_published(content, checksum):
            raise ValueError(f"{path} is not Keras' file: its checksum is another")
        return content
    return fetch(name, (_FOLDER + file,), checksum)

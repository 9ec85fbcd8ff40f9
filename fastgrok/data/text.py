"""Text for a character language model: characters to ids, ids to batches of contiguous windows.

Letters of shapes: N characters of text, B batch (streams side by side), T time (characters of a window), V vocabulary.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastgrok import from_numpy

__all__ = ["CharacterVocabulary", "ContiguousBatches", "read_text", "split", "streams"]

IGNORED = -100  # a target that does not count: `F.cross_entropy` leaves it out


def read_text(path: str | os.PathLike) -> str:
    """Return the text of a UTF-8 file, every character as it stands (line ends are not translated).

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        When there is no such file to read.
    ValueError
        When the file is empty, or not UTF-8; the message names the first byte at fault and its offset.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a text file")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except OSError as error:
        raise type(error)(f"{path} cannot be read: {error.strerror or error}") from None
    if not raw:
        raise ValueError(f"{path} is empty, expected UTF-8 text")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte 0x{raw[error.start]:02x} at offset {error.start:,} ({error.reason}); "
            "convert it first, for example with: iconv -f latin1 -t utf-8"
        ) from None


class CharacterVocabulary:
    """The distinct characters of a text, in code point order; a character's id is its place.

    Examples
    --------
    >>> vocabulary = CharacterVocabulary.from_text("to be or not to be")
    >>> len(vocabulary), vocabulary.characters
    (7, ' benort')
    >>> vocabulary.encode("bent")
    array([1, 2, 3, 6])
    >>> vocabulary.decode([1, 2, 3, 6])
    'bent'
    """

    def __init__(self, characters: str):
        if not characters or sorted(set(characters)) != list(characters):
            raise ValueError(
                f"CharacterVocabulary: characters={characters!r}, expected at least one, each once, in code point order"
            )
        self.characters = characters
        self._points = _code_points(characters)

    @classmethod
    def from_text(cls, text: str) -> "CharacterVocabulary":
        """Collect the characters of `text`; raises `ValueError` when it is empty."""
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CharacterVocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"CharacterVocabulary({self.characters!r})"

    def encode(self, text: str, what: str = "text") -> np.ndarray:
        """Return the ids of the characters of `text`, (N,) int64.

        Raises `ValueError` for a character outside the vocabulary; `what` names the text in the message.
        """
        points = _code_points(text)
        ids = np.minimum(np.searchsorted(self._points, points), len(self) - 1)
        (unknown,) = np.nonzero(self._points[ids] != points)
        if unknown.size:
            first = int(unknown[0])
            raise ValueError(
                f"{what}: the character {text[first]!r} (U+{ord(text[first]):04X}) at position {first} is not among "
                f"the {len(self)} characters that the model knows: {_excerpt(self.characters)}"
            )
        return ids.astype(np.int64)

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """Return the text of `ids`, any sequence of int; raises `IndexError` for an id outside 0 <= id < V."""
        array = np.asarray(ids, dtype=np.int64).reshape(-1)
        if array.size and not 0 <= array.min() <= array.max() < len(self):
            wrong = array[(array < 0) | (array >= len(self))][0]
            raise IndexError(f"decode: id {wrong}, expected 0 <= id < {len(self)}")
        return self._points[array].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary as plain values for JSON."""
        return {"type": "characters", "characters": self.characters}

    @classmethod
    def from_json(cls, content: Any) -> "CharacterVocabulary":
        """Return the vocabulary that `to_json` described; raises `ValueError` when it is something else."""
        if (
            not isinstance(content, dict)
            or content.get("type") != "characters"
            or not isinstance(content.get("characters"), str)
        ):
            raise ValueError("this is not the description of a character vocabulary")
        return cls(content["characters"])

    def save(self, path: str | os.PathLike) -> None:
        """Write the vocabulary to a JSON file."""
        Path(path).write_text(json.dumps({"format": 1, **self.to_json()}) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike) -> "CharacterVocabulary":
        """Read a vocabulary that `save` wrote; raises `ValueError` when the file holds something else."""
        try:
            return cls.from_json(json.loads(read_text(path)))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def _code_points(text: str) -> np.ndarray:
    """The code points of a text, (N,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _excerpt(characters: str, most: int = 100) -> str:
    shown = repr(characters[:most])
    return shown if len(characters) <= most else f"{shown} and {len(characters) - most} more"


def split(ids: np.ndarray, validation: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Cut `ids`, (N,), into a training part and the last share `validation` of it (0 < validation < 1).

    Examples
    --------
    >>> training, validation = split(np.arange(20))
    >>> len(training), validation
    (18, array([18, 19]))
    """
    if not 0 < validation < 1:
        raise ValueError(f"split: validation={validation!r}, expected a share between 0 and 1")
    cut = int(len(ids) * (1 - validation))
    return ids[:cut], ids[cut:]


class ContiguousBatches:
    """Windows for truncated backpropagation through time: B streams of text read side by side.

    The text is cut into B streams of equal length. Batch number k is `(x, y)`, both (T, B) int64: the k-th window of
    every stream, and the characters that follow. The hidden state after one batch therefore belongs to the next.
    Characters that fill no whole window (fewer than B * T + B of them) are left out of an epoch.

    With a `shift_seed` every epoch starts at another place of the text, which it reads round to the start again: then
    all characters get their turn, and windows are cut elsewhere each time. The place depends on the seed and the
    number of the epoch alone.

    Parameters
    ----------
    ids : (N,) int64
    batch_size, window : int
        B and T.
    shift_seed : int, optional

    Raises
    ------
    ValueError
        When the text is too short for one window: N < B * T + 1.

    Examples
    --------
    >>> batches = ContiguousBatches(np.arange(13), batch_size=2, window=3)
    >>> len(batches)
    2
    >>> x, y = batches[0]
    >>> x.numpy().T
    array([[0, 1, 2],
           [6, 7, 8]])
    >>> y.numpy().T
    array([[1, 2, 3],
           [7, 8, 9]])
    """

    def __init__(self, ids: np.ndarray, batch_size: int, window: int, shift_seed: int | None = None):
        for name, value in (("batch_size", batch_size), ("window", window)):
            if value < 1:
                raise ValueError(f"ContiguousBatches: {name}={value!r}, expected at least 1")
        needed = batch_size * window + 1
        if len(ids) < needed:
            raise ValueError(
                f"the text is too short: {len(ids):,} characters to learn from, and a batch of {batch_size} streams of "
                f"{window} characters needs {needed:,}; use a longer text, a smaller batch or a shorter window"
            )
        self.ids, self.batch_size, self.window, self.shift_seed = ids, batch_size, window, shift_seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Start epoch number `epoch`, counted from 0: with a `shift_seed`, choose where the text begins."""
        ids = self.ids
        if self.shift_seed is not None:
            ids = np.roll(ids, -int(np.random.default_rng([self.shift_seed, epoch]).integers(len(ids))))
        length = (len(ids) - 1) // self.batch_size
        self._x = ids[: length * self.batch_size].reshape(self.batch_size, length).T
        self._y = ids[1 : length * self.batch_size + 1].reshape(self.batch_size, length).T

    def __len__(self) -> int:
        return len(self._x) // self.window

    def __getitem__(self, k: int) -> tuple[Any, Any]:
        if not 0 <= k < len(self):
            raise IndexError(f"batch {k}, expected 0 <= batch < {len(self)}")
        window = slice(k * self.window, (k + 1) * self.window)
        return from_numpy(np.ascontiguousarray(self._x[window])), from_numpy(np.ascontiguousarray(self._y[window]))

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[k] for k in range(len(self)))


def streams(ids: np.ndarray, count: int = 64, window: int = 64) -> Iterator[tuple[Any, Any]]:
    """Yield `(x, y)`, (T, B) int64, that cover the whole of `ids`, (N,), once: B contiguous streams, window by window.

    Each of the N - 1 characters after the first is a target exactly once. Streams whose lengths differ by one end in a
    target of -100, which does not count. There are at most `count` streams, and fewer when the text is shorter.
    """
    targets = len(ids) - 1
    if targets < 1:
        raise ValueError(f"streams: {len(ids)} characters, expected at least 2")
    count = min(count, targets)
    starts = np.arange(count + 1) * targets // count
    for first in range(0, int(np.diff(starts).max()), window):
        places = starts[:-1] + np.arange(first, first + window)[:, None]
        places = places[(places < starts[1:]).any(axis=1)]
        x = ids[np.minimum(places, targets - 1)]
        y = np.where(places < starts[1:], ids[np.minimum(places + 1, targets)], IGNORED)
        yield from_numpy(np.ascontiguousarray(x)), from_numpy(y)

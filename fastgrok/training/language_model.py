"""A character language model: the network, how it is measured, and what is saved of it.

Letters of shapes: T time (characters of a window), B batch (streams), V vocabulary, N characters of text.
"""

import math
from typing import Any

import numpy as np

import fastgrok
from fastgrok import nn
from fastgrok.data.text import CharacterVocabulary, streams

from . import checkpoint
from .loop import evaluating

__all__ = [
    "CharacterLanguageModel",
    "cross_entropy",
    "load",
    "sample",
    "validation_loss",
    "window_loss",
]


class CharacterLanguageModel(nn.Module):
    """Embedding, LSTM, Linear: from a window of characters to scores for each next one.

    Parameters
    ----------
    vocabulary_size, hidden, layers, embedding : int
    dropout : float
        Between LSTM layers, and between the last one and the output.
    embedding_dropout : float
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden: int = 512,
        layers: int = 1,
        embedding: int = 64,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        self.lstm = nn.LSTM(embedding, hidden, layers, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, vocabulary_size)

    def forward(self, ids: Any, state: Any = None) -> tuple[Any, Any]:
        """Return logits (T, B, V) for the characters that follow `ids`, (T, B) int64, and the state after the last.

        `state` is that of the LSTM, a pair of (layers, B, H); None is all zeros.
        """
        embedded = self.embedding(ids)
        if self.training and self.embedding_dropout.p > 0:
            embedded = self.embedding_dropout(embedded)
        output, state = self.lstm(embedded, state)
        return self.out(self.dropout(output)), state

    def set_forget_bias(self, value: float) -> None:
        """Start all biases of the LSTM at 0, but those of the forget gates at `value` in sum."""
        H = self.lstm.hidden_size
        with fastgrok.no_grad():
            for name, bias in self.lstm.named_parameters():
                if name.startswith("bias"):
                    bias.zero_()
                if name.startswith("bias_ih"):
                    bias[H : 2 * H] = value


WINDOWS, WINDOW_LENGTH = 448, 256  # of nanoGPT's estimator; about as many characters as tiny Shakespeare's validation

MODELS = {"CharacterLanguageModel": CharacterLanguageModel}  # the classes that a checkpoint may name


def cross_entropy(logits: Any, targets: Any) -> Any:
    """Return the mean cross-entropy, in nats, of `logits` (T, B, V) for `targets` (T, B) int64; -100 does not count."""
    return nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


def validation_loss(model: CharacterLanguageModel, ids: np.ndarray, count: int = 64) -> float:
    """Return the mean loss in nats per character over the whole of `ids`, (N,) int64.

    The text is cut into `count` contiguous streams, and the state is carried within a stream.
    """
    total, state = 0.0, None
    with evaluating(model):
        for x, y in streams(ids, count):
            logits, state = model(x, state)
            total += _sum_of_losses(logits, y)
    return total / (len(ids) - 1)


def window_loss(
    model: CharacterLanguageModel, ids: np.ndarray, windows: int = WINDOWS, length: int = WINDOW_LENGTH, seed: int = 0
) -> float:
    """Return the mean loss in nats per character over random windows of `ids`, (N,), each from a zero state.

    This is how nanoGPT estimates its validation loss; a model without a past does worse on the first characters of
    a window, so that this is the number to compare with nanoGPT's.
    """
    length = min(length, len(ids) - 1)
    starts = np.random.default_rng(seed).integers(0, len(ids) - length, windows)
    places = starts + np.arange(length + 1)[:, None]
    total = 0.0
    with evaluating(model):
        for first in range(0, windows, 64):
            window = ids[places[:, first : first + 64]]
            logits, _ = model(fastgrok.from_numpy(window[:-1]), None)
            total += _sum_of_losses(logits, fastgrok.from_numpy(window[1:]))
    return total / (windows * length)


def _sum_of_losses(logits: Any, targets: Any) -> float:
    losses = nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), reduction="none"
    )  # (T * B,), 0 where a target does not count
    return float(losses.numpy().sum(dtype=np.float64))


def sample(
    model: CharacterLanguageModel,
    vocabulary: CharacterVocabulary,
    prompt: str = "",
    length: int = 500,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> str:
    """Return `length` characters that the model writes after `prompt`.

    `temperature` below 1 makes it more careful, 0 always takes the likeliest character; `top_k` keeps only the k
    likeliest, `top_p` only the likeliest that make up this share of the probability. The draws come from a generator
    of their own, so that sampling does not disturb training.

    An empty prompt stands for the beginning of a line.

    Raises `ValueError` for a prompt with a character outside the vocabulary, and for settings that make no sense.
    """
    for name, value, holds, expected in (
        ("length", length, length >= 0, "0 or more"),
        ("temperature", temperature, 0 <= temperature < math.inf, "0 or a positive number"),
        ("top-k", top_k, top_k is None or top_k >= 1, "at least 1"),
        ("top-p", top_p, top_p is None or 0 < top_p <= 1, "a share above 0, and at most 1"),
    ):
        if not holds:
            raise ValueError(f"{name}={value!r}, expected {expected}")
    start = vocabulary.encode(prompt, "prompt")
    if not len(start):
        start = vocabulary.encode("\n" if "\n" in vocabulary.characters else vocabulary.characters[0])
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    if top_k is not None:
        top_k = min(top_k, len(vocabulary))
    with fastgrok.no_grad():
        ids = fastgrok.generate(
            model.embedding, model.lstm, model.out, start.tolist(), length, temperature, top_k, top_p, seed=seed
        )
    return vocabulary.decode(ids)


def load(path: Any) -> tuple[CharacterLanguageModel, CharacterVocabulary, dict[str, Any]]:
    """Read a trained model: `(model, vocabulary, the checkpoint's JSON)`, with averaged weights where there are any.

    Raises `fastgrok.training.checkpoint.CheckpointError` when `path`, a file or a folder, holds none.
    """
    path = checkpoint.locate(path)
    tensors, content = checkpoint.load(path)
    try:
        described = content["model"]
        vocabulary = CharacterVocabulary.from_json(content["vocabulary"])
        weights = {name.removeprefix("model."): array for name, array in tensors.items() if name.startswith("model.")}
        average = "average.module."
        weights |= {name.removeprefix(average): array for name, array in tensors.items() if name.startswith(average)}
        for name, array in weights.items():
            if array.dtype != np.float32:
                raise ValueError(f"{name} is {array.dtype}, expected float32")
        shape = weights["embedding.weight"].shape
        if shape != (len(vocabulary), described["arguments"]["embedding"]):
            raise ValueError(f"an embedding of {shape} does not fit the vocabulary of {len(vocabulary)} characters")
        model = MODELS[described["class"]](**described["arguments"])
        model.load_state_dict({name: fastgrok.from_numpy(array) for name, array in weights.items()})
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise checkpoint.CheckpointError(
            f"{path} does not hold a character language model: {_one_line(error)}"
        ) from None
    model.eval()
    return model, vocabulary, content


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]

"""A character language model: the network, how it is measured, and what is saved of it.

Letters of shapes: T time (characters of a window), B batch (streams), V vocabulary, N characters of text.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import fastgrok
from fastgrok import nn
from fastgrok.data.text import CharacterVocabulary, streams

from . import checkpoint
from .loop import evaluating
from .recipe import LOGITS_BYTES, STREAMS, WINDOW_LENGTH
from .weight_dropout import WeightDropLSTM

__all__ = [
    "CharacterLanguageModel",
    "check",
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
    weight_dropout : float
        Of the LSTM's recurrent weights, see `WeightDropLSTM`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden: int = 512,
        layers: int = 1,
        embedding: int = 64,
        dropout: float = 0.0,
        embedding_dropout: float = 0.0,
        weight_dropout: float = 0.0,
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding)
        self.embedding_dropout = nn.Dropout(embedding_dropout)
        between = dropout if layers > 1 else 0.0
        self.lstm = WeightDropLSTM(embedding, hidden, layers, dropout=between, weight_dropout=weight_dropout)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, vocabulary_size)

    def forward(self, ids: Any, state: Any = None) -> tuple[Any, Any]:
        """Return logits (T, B, V) for the characters that follow `ids`, (T, B) int64, and the state after the last.

        `state` is that of the LSTM, a pair of (layers, B, H); None is all zeros.
        """
        output, state = self.read(ids, state)
        return self.out(output), state

    def read(self, ids: Any, state: Any = None) -> tuple[Any, Any]:
        """Return what the LSTM makes of `ids`, (T, B) int64: its outputs (T, B, H), and the state after the last."""
        embedded = self.embedding(ids)
        if self.training and self.embedding_dropout.p > 0:
            embedded = self.embedding_dropout(embedded)
        output, state = self.lstm(embedded, state)
        return self.dropout(output), state

    def set_forget_bias(self, value: float) -> None:
        """Start all biases of the LSTM at 0, but those of the forget gates at `value` in sum."""
        H = self.lstm.hidden_size
        with fastgrok.no_grad():
            for name, bias in self.lstm.named_parameters():
                if name.startswith("bias"):
                    bias.zero_()
                if name.startswith("bias_ih"):
                    bias[H : 2 * H] = value


WINDOWS = 448  # of nanoGPT's estimator; about as many characters as tiny Shakespeare's validation

MODELS = {"CharacterLanguageModel": CharacterLanguageModel}  # the classes that a checkpoint may name


def cross_entropy(logits: Any, targets: Any) -> Any:
    """Return the mean cross-entropy, in nats, of `logits` (T, B, V) for `targets` (T, B) int64; -100 does not count."""
    return nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1))


def validation_loss(model: CharacterLanguageModel, ids: np.ndarray, count: int = STREAMS) -> float:
    """Return the mean loss in nats per character over the whole of `ids`, (N,) int64.

    The text is cut into `count` contiguous streams, and the state is carried within a stream.
    """
    total, state = 0.0, None
    with evaluating(model):
        for x, y in streams(ids, count):
            output, state = model.read(x, state)
            total += _sum_of_losses(model.out, output, y)
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
        for first in range(0, windows, STREAMS):
            window = ids[places[:, first : first + STREAMS]]
            output, _ = model.read(fastgrok.from_numpy(window[:-1]))
            total += _sum_of_losses(model.out, output, fastgrok.from_numpy(window[1:]))
    return total / (windows * length)


def _sum_of_losses(out: nn.Linear, output: Any, targets: Any) -> float:
    """The sum over `targets`, (T, B), of the losses of `out(output)`, made for so many rows at a time as take 64 MB.

    All logits at once would need gigabytes for the vocabulary of a Chinese text.
    """
    output, targets = output.reshape(-1, output.shape[-1]), targets.reshape(-1)
    rows, total = max(1, LOGITS_BYTES // (4 * out.out_features)), 0.0
    for first in range(0, len(targets), rows):
        part = slice(first, first + rows)
        losses = nn.functional.cross_entropy(out(output[part]), targets[part], reduction="none")
        total += float(losses.numpy().sum(dtype=np.float64))  # 0 where a target does not count
    return total


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
        vocabulary, arguments, weights = check(tensors, content)
        model = MODELS[content["model"]["class"]](**arguments)
        model.load_state_dict({name: fastgrok.from_numpy(array) for name, array in weights.items()})
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise checkpoint.CheckpointError(
            f"{path} does not hold a character language model: {checkpoint.one_line(error)}"
        ) from None
    model.eval()
    return model, vocabulary, content


def check(
    tensors: dict[str, np.ndarray], content: dict[str, Any]
) -> tuple[CharacterVocabulary, dict[str, Any], dict[str, np.ndarray]]:
    """Return `(vocabulary, arguments of the model, weights by name)` of a checkpoint, once they fit each other.

    They are compared before a model is built: its sizes are only claimed, and could be anything.

    Raises `ValueError`, `KeyError` or `TypeError` when they do not fit, or a weight is not finite.
    """
    vocabulary = CharacterVocabulary.from_json(content["vocabulary"])
    described = content["model"]
    if described["class"] not in MODELS:
        raise ValueError(f"class={described['class']!r}, expected {' or '.join(MODELS)}")
    arguments = {**described["arguments"]}
    expected: dict[str, type] = {"vocabulary_size": int, "hidden": int, "layers": int, "embedding": int}
    expected |= {"dropout": float, "embedding_dropout": float, "weight_dropout": float}
    if set(arguments) | {"weight_dropout"} != set(expected):
        raise ValueError(f"the arguments of the model are {', '.join(arguments)}, expected {', '.join(expected)}")
    arguments.setdefault("weight_dropout", 0.0)  # older checkpoints do not have it
    for name, kind in expected.items():
        value = arguments[name]
        if kind is int and not (type(value) is int and value >= 1):
            raise ValueError(f"{name}={value!r}, expected a whole number from 1 on")
        if kind is float and not (type(value) in (int, float) and 0 <= value < 1):
            raise ValueError(f"{name}={value!r}, expected a number from 0 to below 1")
    if arguments["vocabulary_size"] != len(vocabulary):
        raise ValueError(f"vocabulary_size={arguments['vocabulary_size']}, but there are {len(vocabulary)} characters")

    weights: dict[str, np.ndarray] = {}
    for prefix in ("model.", "average.module."):  # averaged weights take precedence
        weights |= {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
    count = 0
    for name, shape in _shapes(*(arguments[name] for name in ("vocabulary_size", "hidden", "layers", "embedding"))):
        if name not in weights:
            raise ValueError(f"{name} is missing")
        array = weights[name]
        if array.dtype != np.float32 or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, expected float32 of shape {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite numbers")
        count += 1
    if count < len(weights):
        raise ValueError(f"{len(weights)} arrays of weights, expected {count}")
    return vocabulary, arguments, weights


def _shapes(V: int, H: int, layers: int, E: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the model's weights, one by one: there may be claimed to be a billion layers."""
    yield "embedding.weight", (V, E)
    yield "out.weight", (V, H)
    yield "out.bias", (V,)
    for k in range(layers):
        yield f"lstm.weight_ih_l{k}", (4 * H, H if k else E)
        yield f"lstm.weight_hh_l{k}", (4 * H, H)
        yield f"lstm.bias_ih_l{k}", (4 * H,)
        yield f"lstm.bias_hh_l{k}", (4 * H,)

"""What the examples of chapter 15 share: messages as numbers, a spam filter, its training, and the average of models.

A message becomes the set of rows of its words in a table of 16,384 rows. The row of a word is its checksum, so that the
owners of messages need not agree on a vocabulary, which would already tell what they write about.
"""

import re
import zlib

import numpy as np

import fastgrok
from fastgrok import nn
from fastgrok.data import metrics, sms_spam

ROWS, TESTED, BATCH, RATE = 16_384, 1000, 50, 2.0
OWNERS = ("Bob", "Alice", "Sue")


def words(message: str) -> list[str]:
    """Split a message into words in small letters, numbers as their length, and signs."""
    found = re.findall(r"[a-z']+|[0-9]+|[^\sa-z0-9]", message.lower())
    return [f"<number of {len(word)}>" if word.isdigit() else word for word in found]


def row(word: str) -> int:
    """Return the row of a word: its checksum, the same on every machine."""
    return zlib.crc32(word.encode()) % ROWS


class Messages:
    """Messages as sets of rows, and which of them are spam."""

    def __init__(self, texts: list[str], spam: np.ndarray):
        self.texts, self.spam = texts, spam
        self.rows = [np.unique([row(word) for word in words(text)]).astype(np.int64) for text in texts]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, picked: slice | np.ndarray) -> "Messages":
        numbers = np.arange(len(self))[picked]
        return Messages([self.texts[i] for i in numbers], self.spam[numbers])

    def batch(self, numbers: np.ndarray) -> tuple[fastgrok.Tensor, ...]:
        """Return the rows of some messages one after the other, where each begins, and the targets."""
        rows = [self.rows[i] for i in numbers]
        starts = np.cumsum([0, *map(len, rows[:-1])])
        targets = self.spam[numbers].astype(np.float32)
        return fastgrok.from_numpy(np.concatenate(rows)), fastgrok.from_numpy(starts), fastgrok.from_numpy(targets)


def read(seed: int = 0) -> tuple[Messages, Messages]:
    """Return messages to learn from and messages to test with, drawn at random.

    One message in twelve of the collection is a copy of another. Copies are left out, or else one could be learnt from
    and its twin tested with.
    """
    texts, spam = sms_spam()
    different = list({tuple(words(text)): i for i, text in enumerate(texts)}.values())
    messages = Messages([texts[i] for i in different], spam[different])
    order = np.random.default_rng(seed).permutation(len(messages))
    tested = min(TESTED, len(messages) // 5)
    return messages[order[tested:]], messages[order[:tested]]


def mailboxes(messages: Messages) -> dict[str, Messages]:
    """Deal messages out as the book does: 1,000 to Bob, 1,000 to Alice, all others to Sue; of few, a quarter each."""
    each = min(1000, len(messages) // 4)
    return dict(zip(OWNERS, (messages[:each], messages[each : 2 * each], messages[2 * each :]), strict=True))


class SpamFilter(nn.Module):
    """The book's filter: every word has one weight, and the sum of a message's weights is its score."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.EmbeddingBag(ROWS, 1, mode="sum")
        nn.init.zeros_(self.weights.weight)

    def forward(self, rows: fastgrok.Tensor, starts: fastgrok.Tensor) -> fastgrok.Tensor:
        """Score messages: above 0 is spam."""
        return self.weights(rows, starts)[:, 0]


def train(model: SpamFilter, messages: Messages, seed: int, batch_size: int = BATCH) -> float:
    """Go through the messages once in a random order; return the mean loss."""
    optimizer = fastgrok.optim.SGD(model.parameters(), lr=RATE)
    order, losses = np.random.default_rng(seed).permutation(len(messages)), []
    for first in range(0, len(messages), batch_size):
        rows, starts, targets = messages.batch(order[first : first + batch_size])
        loss = nn.functional.binary_cross_entropy_with_logits(model(rows, starts), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def evaluate(model: SpamFilter, messages: Messages) -> tuple[float, float]:
    """Return the accuracy, and the F1 score of finding spam."""
    with fastgrok.no_grad():
        rows, starts, _ = messages.batch(np.arange(len(messages)))
        found = (model(rows, starts).numpy() > 0).astype(np.int64)
    return metrics.accuracy(found, messages.spam), metrics.f1_score(messages.spam, found, average="binary")


def average(states: list[dict], counts: list[int]) -> dict:
    """Average the weights of several models, each counted as often as it has seen messages."""
    total = sum(counts)
    return {
        name: sum(state[name] * (count / total) for state, count in zip(states, counts, strict=True))
        for name in states[0]
    }

"""Self-supervised learning: which of two lines comes first?

Learnt here: the order of sentences is a label that every text brings along (the task of ALBERT). Pairs of consecutive
lines are shown as they stand or swapped, and a network has to say which. Often that is impossible
to tell, so two thirds are a lot, and where the network is sure it is nearly always right.
"""

import argparse
import re
import zlib

import numpy as np
from plays import read

import fastgrok
from fastgrok import nn

ROWS, WIDTH, BATCH = 8192, 48, 64


def row(word: str) -> int:
    """Return the row of a word in the table of vectors: its checksum, the same on every machine."""
    return zlib.crc32(word.encode()) % ROWS


def rows(line: str) -> np.ndarray:
    """Return the rows of a line's words, and of its first and its last ones once more, as such."""
    words = re.findall(r"[a-z']+|[^\sa-z]", line.lower())
    return np.array([row(word) for word in (*words, f"first {words[0]}", *(f"{w} at the end" for w in words[-2:]))])


class Order(nn.Module):
    """Scores pairs of lines: above 0 if the first seems to come first."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.EmbeddingBag(ROWS, WIDTH, mode="mean")
        self.judge = nn.Sequential(nn.Linear(2 * WIDTH, 64), nn.ReLU(), nn.Linear(64, 1))

    def encode(self, lines: list[np.ndarray]) -> fastgrok.Tensor:
        """Return the mean of the vectors of each line's words: (N, WIDTH)."""
        starts = np.cumsum([0, *map(len, lines[:-1])])
        return self.line(fastgrok.from_numpy(np.concatenate(lines)), fastgrok.from_numpy(starts))

    def forward(self, one: list[np.ndarray], other: list[np.ndarray]) -> fastgrok.Tensor:
        """Score pairs."""
        return self.judge(fastgrok.cat([self.encode(one), self.encode(other)], 1))[:, 0]


def exercise(pairs: list, generator: np.random.Generator) -> tuple[list, list, np.ndarray]:
    """Swap about half of the pairs; return the first ones, the other ones, and which pairs are as they were."""
    kept = generator.random(len(pairs)) < 0.5
    one, other = zip(*(pair if keep else pair[::-1] for pair, keep in zip(pairs, kept, strict=True)), strict=True)
    return list(one), list(other), kept.astype(np.float32)


def main() -> None:
    """Learn the order, and look at the pairs about which the network is sure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()

    lines = [line.strip() for line in read().split("\n")]
    speech = [bool(line) and not line.endswith(":") for line in lines]  # no empty lines, and not the speakers' names
    follow = [i for i in range(len(lines) - 1) if speech[i] and speech[i + 1]]
    pairs = [(rows(lines[i]), rows(lines[i + 1])) for i in follow]
    learnt, tested = pairs[: len(pairs) * 9 // 10], pairs[len(pairs) * 9 // 10 :]
    print(f"{len(learnt)} pairs of lines to learn from, {len(tested)} to test with, such as")
    print(f"  {lines[follow[2]]}\n  {lines[follow[2] + 1]}")

    fastgrok.manual_seed(0)
    generator = np.random.default_rng(0)
    one, other, kept = exercise(tested, generator)
    model = Order()
    optimizer = fastgrok.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(options.epochs):
        order = generator.permutation(len(learnt))
        for first in range(0, len(order), BATCH):
            *drawn, target = exercise([learnt[i] for i in order[first : first + BATCH]], generator)
            loss = nn.functional.binary_cross_entropy_with_logits(model(*drawn), fastgrok.from_numpy(target))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with fastgrok.no_grad():
            scores = model(one, other).numpy()
        right = (scores > 0) == (kept == 1)
        print(f"epoch {epoch + 1}: {right.mean():.0%} of the tested pairs put in order (by chance 50%)")

    sure = np.abs(scores).argsort()[-len(scores) // 10 :]
    print(f"of the tenth of the pairs about which it is surest: {right[sure].mean():.0%}")


if __name__ == "__main__":
    main()

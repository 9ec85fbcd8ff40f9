"""Self-supervised learning: guess characters that are hidden in the middle of a text.

Learnt here: hide 15 % of the characters, and let a network that reads from both sides say what they were (the task of
BERT, with a GRU in each direction in place of its Transformer). What comes after a gap helps a lot: in as many steps,
more gaps are filled than by a network with as many features that sees the left side only.

The gap is a character of its own, number V, so that the network knows where it has to guess.
"""

import argparse

import numpy as np
from plays import characters, windows

import fastgrok
from fastgrok import nn

LENGTH, COUNT, EMBEDDING, HIDDEN, HIDDEN_PART = 48, 32, 32, 96, 0.15
NOTHING = -100  # a target that F.cross_entropy leaves out


class Gaps(nn.Module):
    """Reads characters (T, B) and scores what could stand at each place: (T, B, V)."""

    def __init__(self, V: int, both_sides: bool):
        super().__init__()
        self.embedding = nn.Embedding(V + 1, EMBEDDING)
        self.reader = nn.GRU(EMBEDDING, HIDDEN if both_sides else 2 * HIDDEN, bidirectional=both_sides)
        self.scores = nn.Linear(2 * HIDDEN, V)

    def forward(self, ids: fastgrok.Tensor) -> fastgrok.Tensor:
        """Score characters."""
        return self.scores(self.reader(self.embedding(ids))[0])


def exercise(drawn: np.ndarray, V: int, generator: np.random.Generator) -> tuple[fastgrok.Tensor, fastgrok.Tensor]:
    """Hide characters of the text; the targets are the hidden ones."""
    hidden = generator.random(drawn.shape) < HIDDEN_PART
    return fastgrok.from_numpy(np.where(hidden, V, drawn)), fastgrok.from_numpy(np.where(hidden, drawn, NOTHING))


def learn(both_sides: bool, V: int, learnt: np.ndarray, steps: int) -> Gaps:
    """Train a network to fill gaps."""
    fastgrok.manual_seed(0)
    generator = np.random.default_rng(0)
    model = Gaps(V, both_sides)
    optimizer = fastgrok.optim.Adam(model.parameters(), lr=4e-3)
    for _ in range(steps):
        inputs, targets = exercise(windows(learnt, LENGTH, COUNT, generator), V, generator)
        scores = model(inputs)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=NOTHING)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model


def main() -> None:
    """Fill gaps with one side of the text, then with both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--text", default="To b_ or not _o be, th_t is _he ques_ion.", help="with _ for every gap")
    options = parser.parse_args()

    vocabulary, learnt, tested = characters()
    V = len(vocabulary)
    generator = np.random.default_rng(1)
    inputs, targets = exercise(windows(tested, LENGTH, 500, generator), V, generator)
    gaps = targets.numpy() != NOTHING
    often = np.bincount(learnt).argmax()
    print(f"gaps filled rightly, of {gaps.sum()}")
    print(f"{'always a blank':>18}: {(targets.numpy() == often).sum() / gaps.sum():.0%}")
    for name, both_sides in {"the left side": False, "both sides": True}.items():
        model = learn(both_sides, V, learnt, options.steps)
        with fastgrok.no_grad():
            right = (model(inputs).numpy().argmax(axis=2) == targets.numpy()).sum()
        print(f"{name:>18}: {right / gaps.sum():.0%}")

    text = np.concatenate([[V] if c == "_" else vocabulary.encode(c) for c in options.text])
    with fastgrok.no_grad():
        guessed = model(fastgrok.from_numpy(text[:, None])).numpy().argmax(axis=2)[:, 0]
    print(f"\n{options.text}\n{vocabulary.decode(np.where(text == V, guessed, text))}")


if __name__ == "__main__":
    main()

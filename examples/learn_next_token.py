"""Self-supervised learning: guess the next character.

Learnt here: text labels itself. Every character is the solution to the exercise "what comes after this?", so that a
million characters are a million labelled examples. A network that reads from the left is measured in bits: how many
yes-or-no questions it would still have to ask for every character.

Compared with it are counts: of characters alone, and of characters after each other.
"""

import argparse

import numpy as np
from plays import characters, windows

import fastgrok
from fastgrok import nn

LENGTH, COUNT, EMBEDDING, HIDDEN = 64, 32, 32, 128


class NextCharacter(nn.Module):
    """Reads characters (T, B) one by one and scores what could come after each: (T, B, V)."""

    def __init__(self, V: int):
        super().__init__()
        self.embedding = nn.Embedding(V, EMBEDDING)
        self.reader = nn.GRU(EMBEDDING, HIDDEN)
        self.scores = nn.Linear(HIDDEN, V)

    def forward(self, ids: fastgrok.Tensor) -> fastgrok.Tensor:
        """Score the next characters."""
        return self.scores(self.reader(self.embedding(ids))[0])


def exercise(drawn: np.ndarray) -> tuple[fastgrok.Tensor, fastgrok.Tensor]:
    """Make inputs and targets of pieces of text: the targets are the text, one character on."""
    return fastgrok.from_numpy(drawn[:-1].copy()), fastgrok.from_numpy(drawn[1:].copy())


def bits(model: nn.Module, drawn: np.ndarray) -> fastgrok.Tensor:
    """Return the mean number of bits that a model needs for a character."""
    inputs, targets = exercise(drawn)
    scores = model(inputs)
    return nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten()) / np.log(2)


def main() -> None:
    """Count, then learn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()

    vocabulary, learnt, tested = characters()
    V = len(vocabulary)
    inputs, targets = exercise(vocabulary.encode("To be")[:, None])
    print(f"one line of text, {inputs.shape[0]} exercises:")
    for i in range(inputs.shape[0]):
        print(f"  {vocabulary.decode(inputs[: i + 1, 0].numpy())!r} -> {vocabulary.decode(targets[i].numpy())!r}")

    alone = np.bincount(learnt, minlength=V) + 0.1
    after = np.full((V, V), 0.1)
    np.add.at(after, (learnt[:-1], learnt[1:]), 1)
    alone, after = alone / alone.sum(), after / after.sum(axis=1, keepdims=True)
    print("\nbits per character of the text it has not read")
    print(f"  any of {V} characters: {np.log2(V):.2f}")
    print(f"  how frequent each is: {-np.log2(alone[tested]).mean():.2f}")
    print(f"  what follows the last one: {-np.log2(after[tested[:-1], tested[1:]]).mean():.2f}")

    fastgrok.manual_seed(0)
    generator = np.random.default_rng(0)
    held_out = windows(tested, LENGTH + 1, 500, generator)
    model = NextCharacter(V)
    optimizer = fastgrok.optim.Adam(model.parameters(), lr=4e-3)
    for step in range(1, options.steps + 1):
        loss = bits(model, windows(learnt, LENGTH + 1, COUNT, generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0:
            with fastgrok.no_grad():
                print(f"  a network after {step} steps: {bits(model, held_out).item():.2f}")


if __name__ == "__main__":
    main()

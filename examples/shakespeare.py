"""Train a character LSTM on Shakespeare and read what it writes: `python examples/shakespeare.py [seconds]`."""

import sys

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import CharacterVocabulary, ContiguousBatches, split, tiny_shakespeare
from fastgrok.training import Progress, fit


class LanguageModel(nn.Module):
    """From a window of characters, (T, B) ids, to scores for each next one, (T, B, V)."""

    def __init__(self, vocabulary_size: int, hidden: int = 512):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, 64)
        self.lstm = nn.LSTM(64, hidden)
        self.out = nn.Linear(hidden, vocabulary_size)

    def forward(self, ids, state=None):
        """Return the scores, and the state that the next window continues with."""
        output, state = self.lstm(self.embedding(ids), state)
        return self.out(output), state


def loss(scores, targets):
    """Return the mean cross-entropy in nats per character."""
    return nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())


def main(seconds: float = 60) -> None:
    """Train for some time, then sample."""
    fastgrok.manual_seed(1)
    text = tiny_shakespeare()
    vocabulary = CharacterVocabulary.from_text(text)
    training, validation = split(vocabulary.encode(text))
    model = LanguageModel(len(vocabulary))
    fit(
        model,
        loss,
        optim.Adam(model.parameters(), lr=2e-3),
        ContiguousBatches(training, batch_size=32, window=64),
        seconds=seconds,
        validate=ContiguousBatches(validation, batch_size=64, window=64),
        callbacks=[Progress("characters", bits=True)],
        carry_state=True,  # a window goes on where the one before it ended
        clip_norm=1.0,
    )
    start = vocabulary.encode("ROMEO:").tolist()
    print(vocabulary.decode(fastgrok.generate(model.embedding, model.lstm, model.out, start, 500, temperature=0.8)))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))

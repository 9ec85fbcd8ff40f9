"""Train a character LSTM on Shakespeare and read what it writes: `python examples/shakespeare.py [seconds]`.

Stop it with Ctrl-C and start it again: it goes on where it was. When it has ended, it only writes. The folder
`shakespeare-example` keeps the checkpoints and the history; remove it to begin anew.
"""

import sys
from pathlib import Path

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import CharacterVocabulary, ContiguousBatches, split, tiny_shakespeare
from fastgrok.training import Checkpoint, EarlyStopping, History, Progress, Schedule, fit

FOLDER = Path("shakespeare-example")


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
    """Train for some time, or go on with it, then sample."""
    fastgrok.manual_seed(1)
    text = tiny_shakespeare()
    vocabulary = CharacterVocabulary.from_text(text)
    training, validation = split(vocabulary.encode(text))
    model = LanguageModel(len(vocabulary))
    run = fit(
        model,
        loss,
        optim.Adam(model.parameters(), lr=2e-3),
        ContiguousBatches(training, batch_size=32, window=64),
        seconds=seconds,
        validate=ContiguousBatches(validation, batch_size=64, window=64),  # at the end of every epoch
        callbacks=[
            Progress("characters", bits=True),
            Schedule(lambda step, steps: 1 - step / steps if steps else 1),  # what the learning rate is multiplied by
            EarlyStopping(patience=3),
            History(FOLDER / "history.csv"),
            Checkpoint(FOLDER, every_seconds=10, best=True),
        ],
        carry_state=True,  # a window goes on where the one before it ended
        clip_norm=1.0,
        resume=FOLDER if (FOLDER / "checkpoint.safetensors").exists() else None,
    )
    if run.best:
        print(f"best validation loss {run.best[0]:.4f}, after step {run.best[1]:,}; saved in {FOLDER}")
    start = vocabulary.encode("ROMEO:").tolist()
    print(vocabulary.decode(fastgrok.generate(model.embedding, model.lstm, model.out, start, 500, temperature=0.8)))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))

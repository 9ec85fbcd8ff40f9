"""A language model of words, with a GRU: `python examples/word_gru.py --library fastgrok` (or torch).

Data: tiny Shakespeare, downloaded once, or `tinyshakespeare/input.txt` in the folder that FASTGROK_DATA_DIR names.
Words are small letters; the rarer ones are all the same word, <unknown>.
"""

import re
from collections import Counter

import numpy as np
from either import accuracy, arguments, set_weights, train

from fastgrok.data import split, tiny_shakespeare

VOCABULARY, BATCH, WINDOW = 4000, 32, 32


def words():
    """Return the text as numbers of words, (N,)."""
    text = re.findall(r"[a-z']+|[^\sa-z']|\n", tiny_shakespeare().lower())
    frequent = [word for word, _ in Counter(text).most_common(VOCABULARY - 1)]
    number = {word: k for k, word in enumerate(frequent, start=1)}
    return np.array([number.get(word, 0) for word in text])


def network(nn, dropout):
    """Return the model: embedding, GRU, and a score for every word."""

    class WordModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, 128)
            self.gru = nn.GRU(128, 256)
            self.dropout = nn.Dropout(dropout)
            self.out = nn.Linear(256, VOCABULARY)

        def forward(self, ids, state=None):
            output, self.state = self.gru(self.embedding(ids), state)
            return self.out(self.dropout(output))

    return WordModel()


def windows(library, ids):
    """Yield inputs and targets (T, B) from 32 streams of the text, one window after the other."""
    length = (len(ids) - 1) // BATCH
    x, y = (ids[k : k + length * BATCH].reshape(BATCH, length).T for k in (0, 1))
    for first in range(0, length - WINDOW + 1, WINDOW):
        rows = slice(first, first + WINDOW)
        yield library.from_numpy(x[rows].copy()), library.from_numpy(y[rows].copy())


def main():
    """Train, carrying the state from window to window, then predict the words of the last tenth of the text."""
    options = arguments(__doc__, epochs=2)
    library = options.package
    training, validation = split(words())
    model = network(library.nn, options.dropout)
    set_weights(library, model, options.seed)

    def batches():
        for _ in range(options.epochs):
            model.state = None
            yield from windows(library, training)

    def loss(model, batch):
        ids, targets = batch
        state = None if model.state is None else model.state.detach()
        scores = model(ids, state)
        return library.nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())

    train(options, model, batches(), loss, lr=2e-3)
    model.state = None
    accuracy(options, model, (((x, model.state), y) for x, y in windows(library, validation)))


if __name__ == "__main__":
    main()

"""A small transformer of characters: `python examples/character_transformer.py --library fastgrok` (or torch).

Data: tiny Shakespeare, downloaded once, or `tinyshakespeare/input.txt` in the folder that FASTGROK_DATA_DIR names.
"""

import numpy as np
from either import accuracy, arguments, set_weights, train

from fastgrok.data import CharacterVocabulary, split, tiny_shakespeare

BATCH, CONTEXT, WIDTH, HEADS, LAYERS = 32, 64, 128, 4, 2


def network(library, V, dropout):
    """Return the model: characters and their places, layers of attention that see the past only, scores."""
    nn = library.nn
    future = library.from_numpy(np.triu(np.ones((CONTEXT, CONTEXT), bool), 1))
    places = library.from_numpy(np.arange(CONTEXT))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(V, WIDTH)
            self.places = nn.Embedding(CONTEXT, WIDTH)
            layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, 4 * WIDTH, dropout, activation="gelu", batch_first=True, norm_first=True
            )
            self.encoder = nn.TransformerEncoder(layer, LAYERS, norm=nn.LayerNorm(WIDTH), enable_nested_tensor=False)
            self.out = nn.Linear(WIDTH, V)

        def forward(self, ids):
            x = self.embedding(ids) + self.places(places)
            return self.out(self.encoder(x, mask=future))

    return Transformer()


def main():
    """Train on windows from anywhere in the text, then predict the characters of its last tenth."""
    options = arguments(__doc__, steps=500)
    library = options.package
    text = tiny_shakespeare()
    vocabulary = CharacterVocabulary.from_text(text)
    training, validation = split(vocabulary.encode(text))
    model = network(library, len(vocabulary), options.dropout)
    set_weights(library, model, options.seed)

    def batch(ids, starts):
        rows = starts[:, None] + np.arange(CONTEXT + 1)
        return library.from_numpy(ids[rows[:, :-1]]), library.from_numpy(ids[rows[:, 1:]])

    def batches():
        generator = np.random.default_rng(options.seed)
        while True:
            yield batch(training, generator.integers(len(training) - CONTEXT, size=BATCH))

    def loss(model, batch):
        ids, targets = batch
        return library.nn.functional.cross_entropy(model(ids).flatten(0, 1), targets.flatten())

    train(options, model, batches(), loss, lr=1e-3)
    starts = np.arange(0, len(validation) - CONTEXT, CONTEXT)
    accuracy(options, model, (batch(validation, starts[k : k + BATCH]) for k in range(0, len(starts), BATCH)))


if __name__ == "__main__":
    main()

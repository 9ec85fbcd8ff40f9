"""Tell whether a film review praises: `python examples/film_reviews.py --library fastgrok` (or torch).

A sentence is the mean of the vectors of its words (`nn.EmbeddingBag`), and a linear layer judges it.

Data: 10,662 sentences (Pang and Lee 2005), downloaded once, or `movie_review_polarity/rt-polarity.pos` and
`.neg` in the folder `--data`.
"""

from collections import Counter

import numpy as np
from either import accuracy, arguments, set_weights, shuffled, train

from fastgrok.data import film_reviews

WIDTH, BATCH, TESTED = 64, 32, 1000


def sentences(options):
    """Return the sentences as lists of numbers of words, 1 or 0 for each, and the number of different words."""
    reviews, praise = film_reviews(options.data)
    texts = [review.split() for review in reviews]
    counts = Counter(word for text in texts for word in text)
    number = {word: k for k, (word, count) in enumerate(counts.most_common(), start=1) if count > 1}
    return [np.array([number.get(word, 0) for word in text]) for text in texts], praise, len(number) + 1


def network(nn, V, dropout):
    """Return the model, from the words of all sentences and where each begins to two scores per sentence."""

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.EmbeddingBag(V, WIDTH, mode="mean")
            self.dropout = nn.Dropout(dropout)
            self.out = nn.Linear(WIDTH, 2)

        def forward(self, ids, offsets):
            return self.out(self.dropout(self.words(ids, offsets)))

    return Classifier()


def main():
    """Train, then judge sentences that were kept back."""
    options = arguments(__doc__, epochs=4)
    library = options.package
    texts, praise, V = sentences(options)
    order = np.random.default_rng(options.seed).permutation(len(texts))
    tested, trained = order[:TESTED], order[TESTED:]
    model = network(library.nn, V, options.dropout)
    set_weights(library, model, options.seed)

    def batch(rows):
        lengths = [len(texts[row]) for row in rows]
        offsets = np.cumsum([0, *lengths[:-1]])
        ids = np.concatenate([texts[row] for row in rows])
        return (library.from_numpy(ids), library.from_numpy(offsets)), library.from_numpy(praise[rows])

    def loss(model, batch):
        inputs, targets = batch
        return library.nn.functional.cross_entropy(model(*inputs), targets)

    batches = (batch(trained[rows]) for rows in shuffled(len(trained), BATCH, options.seed, options.epochs))
    train(options, model, batches, loss, lr=5e-3)
    accuracy(options, model, [batch(tested)])


if __name__ == "__main__":
    main()

"""Chapter 11: a network learns what words mean while it learns which film reviews praise.

A review becomes the mean of its words' vectors. Picking rows of a table is the product with a bag of words (zeros and
ones), without the multiplications by 0. Words that serve the same purpose get similar vectors.

The book's listing (in its notebook a raw cell, which never runs) forgets the slope of the sigmoid in `layer_1_delta`;
what that does is shown below. Its distances are negative, and a word's to itself is -0.0; `WordVectors.nearest` gives
distances, from the smallest.
"""

import argparse
import re
from collections import Counter

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import WordVectors, film_reviews, k_fold

WIDTH, BATCH = 32, 32


def bags_and_rows():
    """Show that a bag of words times a table is a sum of rows, and check the book's gradient by hand."""
    words = {"cat": 0, "dog": 1, "sat": 2, "the": 3}
    bag = np.zeros(len(words))
    sentence = [words[word] for word in "the cat sat".split()]
    bag[sentence] = 1
    table = np.random.default_rng(1).normal(size=(4, 3))
    same = np.allclose(bag @ table, table[sentence].sum(0))
    print(f"the cat sat: {bag.astype(int)}; bag @ table is the sum of rows: {same}")

    # The book's network: sigmoid of the sum of rows, a weight for each, sigmoid. The target is 1.
    weights = np.array([1.0, -2.0, 3.0])
    layer_1 = 1 / (1 + np.exp(-table[sentence].sum(0)))
    layer_2 = 1 / (1 + np.exp(-layer_1 @ weights))
    delta_2 = layer_2 - 1
    delta_1 = delta_2 * weights * layer_1 * (1 - layer_1)  # the last two factors are the ones that were forgotten
    rows = fastgrok.tensor(table, requires_grad=True)
    score = (rows[sentence].sum(0).sigmoid() * fastgrok.tensor(weights)).sum()
    nn.functional.binary_cross_entropy_with_logits(score, fastgrok.ones_like(score)).backward()
    exact = rows.grad.numpy()[sentence[0]]
    print(f"gradient of a row: {exact.round(4)}, by hand {delta_1.round(4)}")
    print(f"without the sigmoid's slope: {(delta_2 * weights).round(4)}\n")


class Reviewer(nn.Module):
    """From the words of many reviews to one score for each; above 0 it praises."""

    def __init__(self, V):
        super().__init__()
        self.words = nn.EmbeddingBag(V, WIDTH)  # the mean of the words' vectors
        nn.init.normal_(self.words.weight, std=0.01)
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, ids, offsets):
        """Return the scores (B,) of reviews whose words are ids (N,) and begin at offsets (B,)."""
        return self.out(self.dropout(self.words(ids, offsets))).squeeze(1)


def batch(reviews):
    """Return all words in a row, and where each review begins."""
    starts = np.cumsum([0, *map(len, reviews[:-1])])
    return fastgrok.from_numpy(np.concatenate(reviews)), fastgrok.from_numpy(starts)


def learn(texts, praise, training, tested, epochs):
    """Train on some of the texts; return the vectors of the frequent words, and the accuracy on the other texts."""
    tokens = [sorted(set(re.findall(r"[\w']+|[!?]", text))) for text in texts]
    counts = Counter(word for row in training for word in tokens[row])
    words = ["<rare>", *sorted(word for word, count in counts.items() if count > 1)]
    number = {word: i for i, word in enumerate(words)}
    reviews = [np.array([number[word] for word in row if word in number] or [0]) for row in tokens]
    model = Reviewer(len(words))
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(epochs):
        model.train()
        order = training[fastgrok.randperm(len(training)).numpy()]
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            optimizer.zero_grad()
            scores = model(*batch([reviews[row] for row in rows]))
            targets = fastgrok.from_numpy(praise[rows].astype(np.float32))
            nn.functional.binary_cross_entropy_with_logits(scores, targets).backward()
            optimizer.step()
    model.eval()
    with fastgrok.no_grad():
        praises = model(*batch([reviews[row] for row in tested])).numpy() > 0
    frequent = [i for i, word in enumerate(words) if counts[word] >= 30]
    vectors = WordVectors([words[i] for i in frequent], model.words.weight[frequent])
    return vectors, float((praises == praise[tested]).mean())


def draw(vectors, path):
    """Draw the words that differ most from the mean, along the direction in which the vectors differ most."""
    import matplotlib.pyplot as plt

    table = vectors.vectors - vectors.vectors.mean(0)
    places = table @ np.linalg.svd(table, full_matrices=False)[2][0]
    places *= np.sign(places[vectors.index["good"]])
    order = np.argsort(places)
    figure, axes = plt.subplots(figsize=(9, 6))
    for title, rows in (("blame", order[:25]), ("praise", order[-25:][::-1])):
        axes.barh([vectors.words[row] for row in rows], places[rows], label=title)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlabel("place of the word's vector along the direction in which they differ most")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    """Show the parts, then train on nine tenths of the reviews and judge the last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--folds", type=int, default=1, choices=range(1, 11), help="hold out so many tenths in turn")
    parser.add_argument("--plot", metavar="FILE", help="draw the words that judge most")
    options = parser.parse_args()
    bags_and_rows()
    fastgrok.manual_seed(1)
    texts, praise = film_reviews(stand_in=True)
    accuracies = []
    for _, (training, tested) in zip(range(options.folds), k_fold(len(texts), 10, labels=praise), strict=False):
        vectors, accuracy = learn(texts, praise, training, tested, options.epochs)
        accuracies.append(accuracy)
    print(f"accuracy on {len(tested):,} reviews it did not see: {np.mean(accuracies):.1%}")
    if options.folds > 1:
        spread = np.std(accuracies, ddof=1)
        print(f"this is the mean of {options.folds} such parts; their standard deviation is {spread:.1%}")
    for word in ("beautiful", "boring"):
        print(f"{word}:", ", ".join(f"{other} {distance:.2f}" for other, distance in vectors.nearest(word, 5)))
    if options.plot:
        draw(vectors, options.plot)


if __name__ == "__main__":
    main()

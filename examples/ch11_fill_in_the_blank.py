"""Chapter 11: words learn what they mean by filling in the blank, with negative sampling.

The mean of the words around a blank must be like the missing word, and unlike five words drawn at random. That is all
the supervision there is: nobody labels anything, and words that fit the same blanks get similar vectors.

The book's window ends one word early on the right; here it has the same number of words on both sides. And of a word
that comes twice in a window or a draw, NumPy's `weights[rows] -= delta` learns only once; gradients here add up.
"""

import argparse
import re
from collections import Counter

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import WordVectors, film_reviews

BATCH, NEGATIVE = 512, 5


def blanks(sentences, window, padding):
    """Return the words around every word (N, 2 * window), `padding` where a sentence ends, and the word itself (N,)."""
    gap = np.full(window, padding)
    text = np.concatenate([gap, *(part for ids in sentences for part in (ids, gap))])
    (places,) = np.nonzero(text != padding)
    return np.stack([text[places + k] for k in range(-window, window + 1) if k], axis=1), text[places]


class Guesser(nn.Module):
    """Two tables of vectors: of words as seen around a blank, and of words that may fill it."""

    def __init__(self, V, width):
        super().__init__()
        self.around = nn.EmbeddingBag(V + 1, width, padding_idx=V)  # their mean; the padding does not count
        self.missing = nn.Embedding(V, width)
        nn.init.normal_(self.around.weight, std=0.1)
        nn.init.zeros_(self.missing.weight)

    def forward(self, around, candidates):
        """Return how well candidates (B, K) fit into blanks between words (B, 2 * window), (B, K)."""
        return (self.missing(candidates) * self.around(around).unsqueeze(1)).sum(-1)


def learn(sentences, width, window, epochs, report=print):
    """Return a trained `Guesser`, its words (V,), and how often each occurs (V,)."""
    counts = Counter(word for sentence in sentences for word in sentence)
    words = sorted(word for word, count in counts.items() if count >= 5)
    number = {word: i for i, word in enumerate(words)}
    ids = [np.array([number[word] for word in sentence if word in number], dtype=np.int64) for sentence in sentences]
    around, missing = blanks(ids, window, padding=len(words))
    often = np.array([counts[word] for word in words])
    noise = np.cumsum(often**0.75) / (often**0.75).sum()  # rare words are drawn somewhat more often than they occur

    model = Guesser(len(words), width)
    optimizer = optim.Adam(model.parameters(), lr=5e-3)
    targets = fastgrok.zeros(BATCH, 1 + NEGATIVE)
    targets[:, 0] = 1  # the missing word comes first, then those that are not missing
    rng = np.random.default_rng(1)
    for epoch in range(1, epochs + 1):
        order, losses = rng.permutation(len(missing)), []
        for first in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[first : first + BATCH]
            drawn = np.searchsorted(noise, rng.random((BATCH, NEGATIVE)))
            candidates = fastgrok.from_numpy(np.column_stack([missing[rows], drawn]))
            optimizer.zero_grad()
            scores = model(fastgrok.from_numpy(around[rows]), candidates)
            loss = nn.functional.binary_cross_entropy_with_logits(scores, targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        report(f"epoch {epoch}: loss {np.mean(losses):.3f}")
    return model, words, often


def fill(model, words, frequent, before, after, count=5):
    """Return which of the frequent words fit best between the words before and after a blank."""
    around = [words.index(word) for word in f"{before} {after}".split() if word in words]
    with fastgrok.no_grad():
        scores = model(fastgrok.tensor([around]), fastgrok.tensor([frequent]))[0].numpy()
    return [words[frequent[i]] for i in np.argsort(-scores)[:count]]


def main():
    """Learn from film reviews, then fill in blanks and find related words."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    fastgrok.manual_seed(1)
    reviews = [re.findall(r"[\w']+", text) for text in film_reviews(stand_in=True)[0]]
    model, words, often = learn(reviews, width=50, window=2, epochs=options.epochs)
    frequent = [i for i, count in enumerate(often) if count >= 50]
    for before, after in (("this is a", "film"), ("the film is", "and funny"), ("one of the", "films")):
        print(f"{before} ____ {after}:", ", ".join(fill(model, words, frequent, before, after)))
    vectors = WordVectors([words[i] for i in frequent], model.missing.weight[frequent])
    for word in filter(vectors.__contains__, ("funny", "he", "movie")):
        print(f"{word}:", ", ".join(f"{other} {cosine:.2f}" for other, cosine in vectors.similar(word, 5)))


if __name__ == "__main__":
    main()

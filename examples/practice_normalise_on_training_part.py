"""Practice: fit the normalisation on the training part only, and apply the same to everything else.

What is learnt here: inputs of very different size make one learning rate too large for some weights and too small for
others; after subtracting the mean and dividing by the deviation of each, all learn alike. Mean and deviation are
learnt from data as weights are, so test data must not have a say: the more is fitted on all data, the more the test
result flatters. The second half shows how far that goes, with data that hold nothing at all: choosing the 20 most
promising of 5,000 random inputs on all rows "predicts" coin flips.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import metrics
from fastgrok.nn import functional as F


class Normaliser:
    """Mean and deviation of each column: learnt once by `fit`, then applied by `transform` to any rows."""

    def fit(self, x):
        """Learn mean and deviation of each column of x (N, D); a column that never changes is left at 0."""
        self.mean, deviation = x.mean(axis=0), x.std(axis=0)
        self.deviation = np.where(deviation > 0, deviation, 1)
        return self

    def transform(self, x):
        """Return x with mean 0 and deviation 1, as it was in what `fit` saw."""
        return (x - self.mean) / self.deviation


def accuracy(x, y, test_x, test_y, steps=300):
    """Train one layer with all rows at once, and return the share of the test rows that it gets right."""
    fastgrok.manual_seed(0)
    x, test_x = (fastgrok.from_numpy(part.astype(np.float32)) for part in (x, test_x))
    model = nn.Linear(x.shape[1], 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), fastgrok.from_numpy(y)).backward()
        optimizer.step()
    with fastgrok.no_grad():
        return metrics.accuracy(model(test_x), test_y)


def houses(random, n):
    """Return rooms, square metres and price in cents of n houses, and whether each sold in a week."""
    rooms = random.integers(1, 8, n)
    metres = 22.0 * rooms + random.normal(0, 15, n)
    price = 100 * (3000 * metres + random.normal(0, 30_000, n))
    cheap = 3000 * metres - price / 100 + 4000 * (rooms - 4) > 0
    return np.stack([rooms, metres, price], axis=1), cheap.astype(np.int64)


def most_promising(x, y, count):
    """Return the columns of x that go best with y."""
    together = ((x - x.mean(axis=0)) * (y - y.mean())[:, None]).mean(axis=0)
    return np.argsort(-np.abs(together))[:count]


def main():
    """Normalise houses, then find structure in noise."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    random = np.random.default_rng(0)

    x, y = houses(random, 600)
    train, test = slice(0, 400), slice(400, 600)
    print("Rooms, square metres and cents, which houses sell?")
    print(f"  as they are: accuracy {accuracy(x[train], y[train], x[test], y[test]):.2f}")
    normaliser = Normaliser().fit(x[train])
    learnt, tested = normaliser.transform(x[train]), normaliser.transform(x[test])
    print(f"  normalised:  accuracy {accuracy(learnt, y[train], tested, y[test]):.2f}")
    print("  means of the training part, 0 by design:                 ", np.abs(learnt.mean(axis=0)).round(2))
    print("  means of the test part, near 0 as it is of the same kind:", np.abs(tested.mean(axis=0)).round(2))

    noise, coin = random.normal(size=(100, 5000)), random.integers(0, 2, 100)
    train, test = slice(0, 50), slice(50, 100)
    print("\nCoin flips from 5,000 random numbers, of which 20 are chosen; one half is right by chance:")
    for name, rows in (("chosen on all rows", slice(0, 100)), ("chosen on the training part", train)):
        chosen = most_promising(noise[rows], coin[rows], 20)
        result = accuracy(noise[train][:, chosen], coin[train], noise[test][:, chosen], coin[test])
        print(f"  {name:28} accuracy {result:.2f}")
    print("The first is a mistake that no test on these rows can show any more.")


if __name__ == "__main__":
    main()

"""Practice: shuffle before the split. Data come in some order, and the order is rarely by chance.

What is learnt here: the same network, the same digits, split in two ways. Sorted by label, the last tenth has digits
that were never learnt from; shuffled first, both parts are alike. Even where nothing looks sorted, the order can tell
something: MNIST's test file has one group of writers first and another after it. Time series are the exception: there
the future must not be learnt from, and one splits without shuffling (`k_fold(..., shuffle=False)`).

Data: 3,000 handwritten digits of MNIST.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import DataLoader, TensorDataset, digits, metrics
from fastgrok.nn import functional as F
from fastgrok.training import fit


def accuracy(x, y, test_x, test_y):
    """Train one layer on (x, y), and return the share of (test_x, test_y) that it reads."""
    fastgrok.manual_seed(0)
    model = nn.Linear(784, 10)
    batches = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True, seed=0)
    run = fit(model, F.cross_entropy, optim.Adam(model.parameters()), batches, epochs=10, callbacks=[])
    if run.interrupted:  # by Ctrl-C, say: `fit` returns, and what is half learnt must not be reported
        raise KeyboardInterrupt(run.stopped)
    with fastgrok.no_grad():
        return metrics.accuracy(model(test_x), test_y)


def try_split(name, order, images, labels):
    """Learn from the first nine tenths in this order, and test with the rest."""
    x = fastgrok.from_numpy((images[order].reshape(len(order), -1) / 255).astype(np.float32))
    y = fastgrok.from_numpy(labels[order])
    cut = len(order) * 9 // 10
    learnt, tested = np.unique(labels[order][:cut]), np.unique(labels[order][cut:])
    print(f"{name:18} learnt {learnt}, tested {tested}: accuracy {accuracy(x[:cut], y[:cut], x[cut:], y[cut:]):.2f}")


def main():
    """Split sorted and shuffled digits."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    images, labels, _, _ = digits()
    images, labels = images[:3000], labels[:3000]

    try_split("sorted by label", np.argsort(labels, kind="stable"), images, labels)
    shuffled = fastgrok.randperm(len(labels), generator=fastgrok.Generator().manual_seed(0)).numpy()
    try_split("shuffled", shuffled, images, labels)

    print("\nShuffle images and labels by the same order: two shuffles of their own make the labels those of others:")
    other = fastgrok.randperm(len(labels), generator=fastgrok.Generator().manual_seed(1)).numpy()
    try_split("shuffled apart", shuffled, images, labels[other])


if __name__ == "__main__":
    main()

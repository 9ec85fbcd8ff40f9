"""Practice: choose by validation, and by k-fold where data are few.

What is learnt here: a setting is chosen by how well it does on data that were not learnt from, and what was chosen is
judged by data that were not chosen by. With few data, one validation part is a matter of luck; k-fold lets every
example be held out once, and its mean varies less. The test part is looked at once, at the end.

Data: of MNIST 300 digits to learn and choose from, 1,000 to test with.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import digits, k_fold, metrics
from fastgrok.nn import functional as F

DECAYS = (0.01, 0.1, 0.3, 1.0)  # the setting to choose: how strongly weights are pulled towards 0


def prepared(images):
    """Return images as rows of 784 numbers from 0 to 1."""
    return fastgrok.from_numpy((images.reshape(len(images), -1) / 255).astype(np.float32))


def accuracy(x, y, test_x, test_y, decay):
    """Train one layer, all rows at once, and return the share of the test rows that it reads."""
    model = nn.Linear(784, 10)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = optim.SGD(model.parameters(), lr=0.1, weight_decay=decay)
    for _ in range(150):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    with fastgrok.no_grad():
        return metrics.accuracy(model(test_x), test_y)


def main():
    """Compare the luck of one validation part with five folds, choose, and test once."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    images, labels, test_images, test_labels = digits()
    x, y = prepared(images[:300]), fastgrok.from_numpy(labels[:300])

    print("One setting, five folds of 60 digits. Each would have been the only one with a single split:")
    results = {}
    for decay in DECAYS:
        generator = fastgrok.Generator().manual_seed(0)  # the same folds for every setting
        folds = k_fold(300, 5, generator, labels=labels[:300])
        results[decay] = [accuracy(x[train], y[train], x[held], y[held], decay) for train, held in folds]
        shown = "  ".join(f"{result:.2f}" for result in results[decay])
        print(f"  decay {decay:4}: {shown}   mean {np.mean(results[decay]):.2f}")
    spread = np.ptp(results[0.01])
    print(f"One split may say {spread:.2f} more than another, which is more than settings differ.")

    best = max(DECAYS, key=lambda decay: np.mean(results[decay]))
    test_x, test_y = prepared(test_images), fastgrok.from_numpy(test_labels)
    print(f"\nChosen: weight decay {best}. Trained on all 300, and tested once:", end=" ")
    print(f"{accuracy(x, y, test_x, test_y, best):.2f}")


if __name__ == "__main__":
    main()

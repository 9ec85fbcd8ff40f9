"""Chapter 8: learning signal and ignoring noise: underfitting, overfitting, and stopping in time.

What is learnt here: a network that is too small learns too little from 1,000 digits; one that is large enough learns
them by heart, its error on other digits falls at first and then rises again. Early stopping ends where it is lowest,
and keeps those weights. `--plot` draws the curves.

Three things differ from the book. Its derivative of relu asks `output >= 0`, which is true of every output of a relu,
so that no blame is ever held back; here it is `> 0`. It reads the error to stop by off the test images; here a part of
its own, validation images, is for that, so that the test says something about digits nobody has looked at. And it
prints test and training results in changing order; here it is always training, validation, test.

Data: of MNIST 1,000 digits to learn from, 1,000 for validation, 1,000 to test with.
"""

import argparse
import copy

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import DataLoader, TensorDataset, digits, metrics
from fastgrok.training import Callback, EarlyStopping, evaluate, fit
from fastgrok.training.history import load_matplotlib


def prepared(images, labels):
    """Return images as rows of 784 numbers from 0 to 1, and for each label ten goals: 1 for the digit, else 0."""
    x = fastgrok.from_numpy((images.reshape(len(images), -1) / 255).astype(np.float32))
    return x, nn.functional.one_hot(fastgrok.from_numpy(labels), 10).float()


def network(hidden):
    """Two tables of weights from -0.1 to 0.1, as in the book."""
    model = nn.Sequential(nn.Linear(784, hidden, bias=False), nn.ReLU(), nn.Linear(hidden, 10, bias=False))
    for weight in model.parameters():
        nn.init.uniform_(weight, -0.1, 0.1)
    return model


class Watch(Callback):
    """Write down both errors after every epoch, and keep a copy of the weights that were best."""

    def __init__(self, learnt):
        self.learnt, self.training, self.validation, self.best = learnt, [], [], None

    def on_epoch_end(self, run):
        """Measure the training error as the validation error is measured."""
        self.training.append(evaluate(run.model, run.loss_function, [self.learnt]))
        self.validation.append(run.validation)
        if run.validation == min(self.validation):
            self.best = copy.deepcopy(run.model.state_dict())


def train(hidden, parts, epochs, patience=None):
    """Train a network; return it and what was watched. With `patience` it stops early, with its best weights."""
    fastgrok.manual_seed(0)
    model, watch = network(hidden), Watch(parts["training"])
    batches = DataLoader(TensorDataset(*parts["training"]), batch_size=10, shuffle=True, seed=0)
    optimizer = optim.SGD(model.parameters(), lr=0.25)
    callbacks = [watch, EarlyStopping(patience)] if patience else [watch]
    validation = [parts["validation"]]
    run = fit(
        model, nn.functional.mse_loss, optimizer, batches, epochs=epochs, validate=validation, callbacks=callbacks
    )
    if run.interrupted:  # by Ctrl-C, say: `fit` returns, and what is half learnt must not be reported
        raise KeyboardInterrupt(run.stopped)
    if patience:
        model.load_state_dict(watch.best)
    return model, watch


def report(name, model, parts):
    """Print the share of digits that are read, and the errors."""
    shares, errors = [], []
    with fastgrok.no_grad():
        for x, y in parts.values():
            shares.append(f"{metrics.accuracy(model(x), y.argmax(1)):.2f}")
            errors.append(f"{nn.functional.mse_loss(model(x), y).item():.4f}")
    print(f"{name:24}  {'  '.join(shares)}   {'  '.join(errors)}")


def draw(path, small, large, stopped):
    """Draw the errors over the epochs, of the small and of the large network."""
    Figure, Canvas = load_matplotlib()
    figure = Figure(figsize=(10, 4), layout="constrained")
    Canvas(figure)
    left, right = figure.subplots(1, 2)
    for axes, watch, title in (
        (left, small, "2 hidden nodes: underfitting"),
        (right, large, "40 hidden nodes: overfitting"),
    ):
        epochs = range(1, len(watch.training) + 1)
        axes.plot(epochs, watch.training, label="digits learnt from")
        axes.plot(epochs, watch.validation, label="other digits")
        axes.set(xlabel="epoch", ylabel="mean squared error", ylim=(0, 0.095), title=title)
    best = int(np.argmin(stopped.validation))
    right.axvline(best + 1, color="0.5", linestyle="--", label="early stopping keeps these weights")
    left.legend()
    right.legend()
    figure.savefig(path, dpi=110)


def main():
    """Train a small network, a large one, and the large one with early stopping."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=100, help="how often all images are shown (%(default)s)")
    parser.add_argument("--plot", metavar="FILE", help="draw the curves into this file")
    options = parser.parse_args()

    images, labels, test_images, test_labels = digits()
    parts = {
        "training": prepared(images[:1000], labels[:1000]),
        "validation": prepared(images[1000:2000], labels[1000:2000]),
        "test": prepared(test_images, test_labels),
    }
    print(f"{'digits that are read':24}  {' '.join(name[:5] for name in parts)}  and mean squared errors")
    model, small = train(2, parts, options.epochs)
    report("2 hidden nodes", model, parts)
    model, large = train(40, parts, options.epochs)
    report("40 hidden nodes", model, parts)
    model, stopped = train(40, parts, options.epochs, patience=5)
    report("40, stopped early", model, parts)

    print("\nThe large network's error")
    print("  on what it learns from, still falls at the end:", large.training[-1] < 0.5 * min(stopped.training))
    print("  on other digits, rises after its best:         ", large.validation[-1] > 1.03 * min(large.validation))
    print("  stopping early saved more than half the time:  ", len(stopped.training) < options.epochs / 2)
    if options.plot:
        draw(options.plot, small, large, stopped)


if __name__ == "__main__":
    main()

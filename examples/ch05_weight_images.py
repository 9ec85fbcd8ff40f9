"""Chapter 5: what weights look like. One layer learns to read digits, and its weights are pictures.

What is learnt here: a weighted sum is large where input and weights are alike, so the weights of output "2" become a
picture of what speaks for a 2 (ink there raises the score) and against it (ink there lowers it). `--plot` draws them.

Data: 9,000 handwritten digits of MNIST to learn from, 1,000 others to test with.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import DataLoader, TensorDataset, digits, metrics
from fastgrok.training import evaluate, fit
from fastgrok.training.history import load_matplotlib


def prepared(images, labels):
    """Return images as rows of 784 numbers from 0 to 1, and for each label ten goals: 1 for the digit, else 0."""
    x = fastgrok.from_numpy((images.reshape(len(images), -1) / 255).astype(np.float32))
    return x, nn.functional.one_hot(fastgrok.from_numpy(labels), 10).float()


def sketch(weights):
    """Return a picture (28, 28) as text, every second row and column: + speaks for the digit, - against it."""
    smooth = weights.reshape(14, 2, 14, 2).mean(axis=(1, 3))
    scale = np.abs(smooth).max()
    marks = np.where(smooth > 0.2 * scale, "+", np.where(smooth < -0.2 * scale, "-", "."))
    return ["".join(row) for row in marks]


def draw(path, weights):
    """Draw the weights of all ten outputs."""
    Figure, Canvas = load_matplotlib()
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    Canvas(figure)
    figure.suptitle("Weights from 28 x 28 pixels to each digit: what speaks for it, and what against it")
    limit = np.abs(weights).max() / 2
    axes = figure.subplots(2, 5)
    for digit, place in enumerate(axes.flat):
        shown = place.imshow(weights[digit], cmap="RdBu_r", vmin=-limit, vmax=limit)
        place.set(title=f"{digit}", xticks=[], yticks=[])
    figure.colorbar(shown, ax=axes, extend="both", label="weight (red: for, blue: against)", shrink=0.8)
    figure.savefig(path, dpi=110)


def main():
    """Train one layer, and look at it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw the weights into this file")
    options = parser.parse_args()
    fastgrok.manual_seed(0)

    images, labels, test_images, test_labels = digits()
    x, y = prepared(images, labels)
    test = prepared(test_images, test_labels)

    layer = nn.Linear(784, 10)
    nn.init.zeros_(layer.weight)  # one layer can start from nothing; what is never inked stays exactly 0
    batches = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True, seed=0)
    optimizer = optim.SGD(layer.parameters(), lr=0.1)
    run = fit(layer, nn.functional.mse_loss, optimizer, batches, epochs=10, callbacks=[])
    if run.interrupted:  # by Ctrl-C, say: `fit` returns, and what is half learnt must not be reported
        raise KeyboardInterrupt(run.stopped)

    error = evaluate(layer, nn.functional.mse_loss, [test])
    with fastgrok.no_grad():
        read = metrics.accuracy(layer(test[0]), test_labels)
    print(f"one layer, 9,000 digits: {read:.2f} of the others are read, mean squared error {error:.4f}")

    weights = layer.weight.detach().numpy().reshape(10, 28, 28)
    print(f"weights of the corner, which is never inked: {weights[:, 0, 0].min():g} to {weights[:, 0, 0].max():g}")
    print("\nThe weights of 0 and of 1 (+ for the digit, - against it):")
    for left, right in zip(sketch(weights[0]), sketch(weights[1]), strict=True):
        print(f"  {left}    {right}")

    with fastgrok.no_grad():
        scores = layer(test[0][0]).numpy()
    best = np.argsort(-scores)[:2]
    print(f"\nThe first of the other digits, {test_labels[0]}, is most like the picture of {best[0]}, then {best[1]}.")
    if options.plot:
        draw(options.plot, weights)


if __name__ == "__main__":
    main()

"""Chapter 8: dropout, and learning from several images at a time.

What is learnt here: dropout switches half of the hidden nodes off at random and doubles the others, so that many
smaller networks learn in turn and must agree; the test error falls. Batches average the steps of several images:
fewer, calmer and cheaper steps, which can therefore be longer.

Some errors of the book are put right. Its batch listing changes the weights inside the loop that counts right answers,
so 100 times per batch, from one and the same forward pass; here a batch is one step, and alpha grows with the batch
instead. Its first dropout listing compares the answer with `labels[i+i+1]`, the label of another image, and uses
`images` and more that only an earlier cell has made. And on the way back its listings leave out the factor 2 that the
mask has on the way forward, so that the first table of weights learns at half the rate.

Data: of MNIST 1,000 digits to learn from, 1,000 to test with.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import DataLoader, TensorDataset, digits, metrics
from fastgrok.training import evaluate, fit


def dropout_by_hand(layer, random):
    """Return the layer with about half of its nodes off and the others doubled, and the mask that did it.

    Doubled, so that the next layer gets as much on average. On the way back the blame is multiplied by `mask * 2`, too:
    who was off has no part in it.
    """
    mask = random.integers(0, 2, layer.shape)
    return layer * mask * 2, mask


def prepared(images, labels):
    """Return images as rows of 784 numbers from 0 to 1, and for each label ten goals: 1 for the digit, else 0."""
    x = fastgrok.from_numpy((images.reshape(len(images), -1) / 255).astype(np.float32))
    return x, nn.functional.one_hot(fastgrok.from_numpy(labels), 10).float()


def train(data, dropout, batch_size, alpha, epochs):
    """Train 784 - 200 - 10; return the network, and the number of steps."""
    fastgrok.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(784, 200, bias=False), nn.ReLU(), nn.Dropout(dropout), nn.Linear(200, 10, bias=False)
    )
    for weight in model.parameters():
        nn.init.uniform_(weight, -0.1, 0.1)
    batches = DataLoader(TensorDataset(*data), batch_size=batch_size, shuffle=True, seed=0)
    run = fit(
        model, nn.functional.mse_loss, optim.SGD(model.parameters(), lr=alpha), batches, epochs=epochs, callbacks=[]
    )
    if run.interrupted:  # by Ctrl-C, say: `fit` returns, and what is half learnt must not be reported
        raise KeyboardInterrupt(run.stopped)
    return model, run.step


def report(name, model, *parts):
    """Print the share of digits that are read, and the errors. `eval` switches dropout off: all nodes have a say."""
    model.eval()
    with fastgrok.no_grad():
        shares = [f"{metrics.accuracy(model(x), y.argmax(1)):.2f}" for x, y in parts]
    errors = [f"{evaluate(model, nn.functional.mse_loss, [part]):.4f}" for part in parts]
    print(f"{name:31} {'  '.join(shares)}   {'  '.join(errors)}")


def main():
    """Show a mask, compare with and without dropout, and compare batch sizes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=60, help="how often all images are shown (%(default)s)")
    options = parser.parse_args()

    random = np.random.default_rng(0)
    layer = np.ones((1000, 40))
    dropped, mask = dropout_by_hand(layer, random)
    print("By hand:    nodes are", np.unique(dropped), f"and {dropped.mean():.1f} on average")
    fastgrok.manual_seed(0)
    dropped = nn.Dropout(0.5)(fastgrok.ones(1000, 40))
    print("nn.Dropout: nodes are", np.unique(dropped.numpy()), f"and {dropped.mean().item():.1f} on average")

    images, labels, test_images, test_labels = digits()
    learnt, test = prepared(images[:1000], labels[:1000]), prepared(test_images, test_labels)
    print(f"\n{'digits that are read':31} train test  and mean squared errors")
    for name, dropout in (("without dropout", 0.0), ("with dropout", 0.5)):
        model, _ = train(learnt, dropout, batch_size=20, alpha=0.5, epochs=options.epochs)
        report(name, model, learnt, test)

    print("\nWithout dropout, 10 times all images:")
    for batch_size, alpha in ((1, 0.025), (10, 0.25), (100, 0.25), (100, 2.0)):
        model, steps = train(learnt, 0.0, batch_size, alpha, epochs=10)
        report(f"{steps:5} steps of {batch_size:3}, alpha {alpha:5}", model, learnt, test)
    print("Ten times fewer steps get less far. Where they are eight times as long, they make up for most of it.")


if __name__ == "__main__":
    main()

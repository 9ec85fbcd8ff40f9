"""Chapter 9: the network of chapter 8 with tanh in the middle and softmax at the end.

What is learnt here: with softmax and cross-entropy the network is asked which digit it is, not to hit ten numbers, and
is not blamed for being surer than 1. Tanh keeps the hidden nodes between -1 and 1. One step is written out by hand,
and autograd finds the same gradients; then the old and the new network learn the same 1,000 digits.

Two errors of the book's listing are put right. It divides the blame by the batch twice (in delta, and again in
softmax's derivative), which its alpha of 2 makes up for in part; here `cross_entropy` takes the mean once. And it
takes tanh's derivative from the output after dropout has doubled it, 1 - (2 * output)^2, which can be negative; the
derivative belongs to the output of tanh, as below.

Data: of MNIST 1,000 digits to learn from, 1,000 to test with.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.data import DataLoader, TensorDataset, digits, metrics
from fastgrok.nn import functional as F
from fastgrok.training import fit


def gradients_by_hand(x, labels, weights_0_1, weights_1_2, mask):
    """Return the gradients of the mean cross-entropy for both tables of weights: forward, and all the way back."""
    tanh = np.tanh(x @ weights_0_1)
    layer_1 = tanh * mask * 2
    scores = layer_1 @ weights_1_2
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    layer_2 = powers / powers.sum(axis=1, keepdims=True)

    layer_2_delta = (layer_2 - np.eye(10)[labels]) / len(x)  # the mean, once
    layer_1_delta = (layer_2_delta @ weights_1_2.T) * mask * 2 * (1 - tanh**2)
    return x.T @ layer_1_delta, layer_1.T @ layer_2_delta


def gradients_by_autograd(x, labels, weights_0_1, weights_1_2, mask):
    """Return the same from fastgrok: only the way forward is written."""
    w01, w12 = (fastgrok.tensor(w, requires_grad=True) for w in (weights_0_1, weights_1_2))
    layer_1 = fastgrok.tanh(fastgrok.from_numpy(x) @ w01) * fastgrok.from_numpy(mask * 2.0)
    F.cross_entropy(layer_1 @ w12, fastgrok.from_numpy(labels)).backward()
    return w01.grad.numpy(), w12.grad.numpy()


def train(images, labels, activation, loss, goals, alpha, epochs):
    """Train 784 - 100 - 10 with dropout; return the network."""
    fastgrok.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 100), activation, nn.Dropout(0.5), nn.Linear(100, 10))
    nn.init.uniform_(model[0].weight, -0.01, 0.01)  # small, so that tanh starts where it is steep
    nn.init.uniform_(model[3].weight, -0.1, 0.1)
    batches = DataLoader(TensorDataset(images, goals), batch_size=20, shuffle=True, seed=0)
    run = fit(model, loss, optim.SGD(model.parameters(), lr=alpha), batches, epochs=epochs, callbacks=[])
    if run.interrupted:  # by Ctrl-C, say: `fit` returns, and what is half learnt must not be reported
        raise KeyboardInterrupt(run.stopped)
    return model.eval()


def main():
    """Compare one step by hand with autograd, then the old network with the new one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=50, help="how often all images are shown (%(default)s)")
    options = parser.parse_args()

    images, labels, test_images, test_labels = digits()
    flat = images[:1000].reshape(1000, -1) / 255
    random = np.random.default_rng(0)
    step = (
        flat[:100], labels[:100], random.uniform(-0.01, 0.01, (784, 100)), random.uniform(-0.1, 0.1, (100, 10)),
        random.integers(0, 2, (100, 100)),
    )  # fmt: skip
    pairs = zip(gradients_by_hand(*step), gradients_by_autograd(*step), strict=True)
    print("gradients by hand are those of autograd:", [np.allclose(*pair, atol=1e-12) for pair in pairs])

    x, y = fastgrok.from_numpy(flat.astype(np.float32)), fastgrok.from_numpy(labels[:1000])
    test = fastgrok.from_numpy((test_images.reshape(-1, 784) / 255).astype(np.float32))
    old = train(x, y, nn.ReLU(), F.mse_loss, F.one_hot(y, 10).float(), 0.5, options.epochs)
    new = train(x, y, nn.Tanh(), F.cross_entropy, y, 0.2, options.epochs)
    print("\ndigits that are read            train  test")
    with fastgrok.no_grad():
        for name, model in (("relu, squared error", old), ("tanh, softmax, cross-entropy", new)):
            print(f"{name:30}   {metrics.accuracy(model(x), y):.2f}  {metrics.accuracy(model(test), test_labels):.2f}")
        shares = F.softmax(new(test[:1]), 1)[0]
        best = int(shares.argmax().item())
        print(f"\nThe first digit to test with is {test_labels[0]}, and the network is surest of {best}.")
        print(f"Its ten shares sum to {shares.sum().item():.3f}.")


if __name__ == "__main__":
    main()

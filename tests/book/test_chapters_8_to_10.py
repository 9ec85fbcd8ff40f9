"""Chapters 8 to 10: the listings run on our MNIST, learn as they do in the book, and our layers find their numbers.

The book has 1,000 of MNIST's 60,000 digits to learn from and 10,000 to test with. Here the first 1,000 of the latter
are learnt, and the others test: `here` are the numbers that come out, which may differ by rounding; what the book
prints is within 0.1 of them, as are those of other thousands.
"""

import re
import subprocess
import sys

import numpy as np
import pytest
from book import cells_digits as cells
from book import usage

import fastgrok
import fastgrok.keras.datasets.mnist
from fastgrok import book, nn
from fastgrok.data import images as published


@pytest.fixture
def digits(monkeypatch):
    """Names of a notebook after the cell that reads MNIST, in which Keras is not installed."""
    usage.file_of("mnist_t10k", "t10k-images-idx3-ubyte.gz")
    images, labels = published.mnist(train=False)
    parts = {True: (images[:1000], labels[:1000]), False: (images[1000:], labels[1000:])}
    monkeypatch.setattr(fastgrok.keras.datasets.mnist, "mnist", parts.get)
    for name in ("keras", "keras.datasets"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not there
    names = usage.names_of(book)
    with pytest.raises(ModuleNotFoundError, match="keras"):
        usage.run(names, cells.MNIST)
    return usage.run(names, cells.KERAS, cells.MNIST)


def learn(digits, iterations, *listing):
    return usage.run({**digits, "iterations": iterations}, *listing)


def rows(out):
    """What is printed after each iteration that is tested, by name: {"Test-Acc": 0.8, ...}."""
    lines = [line for line in re.split(r"[\r\n]+", out) if "Test-Acc" in line]
    return [{name: float(x) for name, x in re.findall(r"(\S+):([\d.]+)", line)} for line in lines]


def check(found, here, printed):
    """Compare rows with what comes out here and with the book, in the order of `here`."""
    assert len(found) == len(here) == len(printed)
    for row, ours, theirs in zip(found, here, printed, strict=True):
        row = [row[name] for name in ("Train-Err", "Train-Acc", "Test-Err", "Test-Acc") if name in row]
        np.testing.assert_allclose(row, ours, atol=0.02)
        np.testing.assert_allclose(row, theirs, atol=0.1)


def test_the_line_for_keras_is_the_documented_one_and_nothing_else_does_it():
    line = "; ".join(cells.KERAS.strip().split("\n"))
    assert all(part in book.__doc__ for part in line.split("; "))
    code = [
        "import sys, fastgrok.book, fastgrok.keras",
        "assert not any(name.startswith('keras') for name in sys.modules)",
        line,
        "from keras.datasets import mnist",
        "assert mnist.__name__ == 'fastgrok.keras.datasets.mnist' and 'keras' not in sys.modules",
    ]
    subprocess.run([sys.executable, "-c", "; ".join(code)], check=True, timeout=120)


def test_digits_are_those_of_keras(digits):
    assert digits["x_train"].dtype == digits["y_train"].dtype == np.uint8
    assert digits["images"].shape == (1000, 784) and digits["images"].max() == 1
    assert digits["labels"].shape == (1000, 10) and (digits["labels"].sum(axis=1) == 1).all()


def test_chapter_8_a_network_learns_by_heart(digits, capsys):
    learn(digits, 11, cells.OVERFITTING)
    check(
        rows(capsys.readouterr().out),
        here=[(0.730, 0.517, 0.595, 0.676), (0.300, 0.902, 0.401, 0.816)],
        printed=[(0.722, 0.537, 0.601, 0.6488), (0.312, 0.901, 0.420, 0.8114)],
    )


def test_chapter_8_dropout_step_by_step(digits):
    digits.update(images=digits["images"][:50], test_images=digits["test_images"][:1])
    names = learn(digits, 1, cells.OVERFITTING)
    before = names["weights_0_1"].copy()
    usage.run(names, cells.DROPOUT_STEP)
    moved = (names["weights_0_1"] != before).any(axis=0)
    assert not moved[names["dropout_mask"][0] == 0].any() and moved.any()


def test_chapter_8_dropout(digits, capsys):
    learn(digits, 11, cells.DROPOUT)
    check(
        rows(capsys.readouterr().out),
        here=[(0.894, 0.405, 0.638, 0.623), (0.472, 0.779, 0.456, 0.776)],
        printed=[(0.891, 0.413, 0.641, 0.6333), (0.472, 0.764, 0.458, 0.787)],
    )


def test_chapter_8_batches(digits, capsys):
    learn(digits, 1, cells.BATCHES)
    here, printed = (1.279, 0.186, 0.817, 0.410), (1.284, 0.165, 0.815, 0.3832)
    check(rows(capsys.readouterr().out), here=[here], printed=[printed])


def test_chapter_9_tanh_and_softmax(digits, capsys):
    digits.update(test_images=digits["test_images"][::10], test_labels=digits["test_labels"][::10])
    learn(digits, 11, cells.ACTIVATIONS, cells.TANH_AND_SOFTMAX)
    check(
        rows(capsys.readouterr().out),
        here=[(0.178, 0.350), (0.704, 0.693)],
        printed=[(0.156, 0.394), (0.723, 0.6867)],
    )


def test_chapter_10_kernels_that_go_the_wrong_way(digits, capsys):
    digits.update(test_images=digits["test_images"][::30], test_labels=digits["test_labels"][::30])
    learn(digits, 2, cells.ACTIVATIONS, cells.CONVOLUTION)
    found = rows(capsys.readouterr().out)
    # As in the book, what it says at first is worse than chance: the kernels climb.
    check(found, here=[(0.052, 0.033), (0.042, 0.043)], printed=[(0.055, 0.0288), (0.037, 0.0273)])


def test_chapter_8_with_our_layers(digits):
    """The weights after 50 digits; the listing's relu lets everything through on the way back, and so does ours."""
    digits.update(images=digits["images"][:50], labels=digits["labels"][:50], test_images=digits["test_images"][:1])
    names = learn(digits, 1, cells.OVERFITTING)
    np.random.seed(1)
    w1, w2 = (
        fastgrok.tensor(0.2 * np.random.random(shape) - 0.1, requires_grad=True) for shape in ((784, 40), (40, 10))
    )
    optimizer = fastgrok.optim.SGD([w1, w2], lr=0.005)
    for image, goal in zip(digits["images"], digits["labels"], strict=True):
        summed = fastgrok.from_numpy(image[None]) @ w1
        layer_1 = summed + (nn.functional.relu(summed) - summed).detach()
        loss = ((layer_1 @ w2 - fastgrok.from_numpy(goal[None])) ** 2).sum() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose(names["weights_0_1"], w1.detach().numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(names["weights_1_2"], w2.detach().numpy(), rtol=0, atol=1e-12)


def test_chapter_10_with_our_convolution(digits):
    """One batch: Conv2d finds what the patches find, and the gradient of its kernels is the update."""
    digits.update(images=digits["images"][:128], labels=digits["labels"][:128], test_images=digits["test_images"][:1])
    names = learn(digits, 1, cells.ACTIVATIONS, cells.CONVOLUTION)
    np.random.seed(1)
    kernels = 0.02 * np.random.random((9, 16)) - 0.01
    ours = fastgrok.tensor(kernels.T.reshape(16, 1, 3, 3).copy(), requires_grad=True)
    # The listing leaves out the last place of every row and column, as if an image had 27.
    images = fastgrok.from_numpy(digits["images"].reshape(128, 1, 28, 28)[:, :, :27, :27].copy())
    found = nn.functional.conv2d(images, ours)
    places_first = found.detach().numpy().transpose(0, 2, 3, 1).reshape(-1, 16)
    np.testing.assert_allclose(names["flattened_input"].dot(kernels), places_first, rtol=0, atol=1e-12)
    found.backward(fastgrok.from_numpy(names["l1d_reshape"].reshape(128, 25, 25, 16).transpose(0, 3, 1, 2).copy()))
    np.testing.assert_allclose(
        names["k_update"], ours.grad.numpy().reshape(16, 9).T, rtol=0, atol=1e-12 * abs(names["k_update"]).max() + 1e-15
    )
    np.testing.assert_allclose(names["kernels"], kernels - 2 * names["k_update"], rtol=0, atol=1e-12)

"""What the examples of self-supervised learning on images share: digits, views of them, an encoder, a probe.

An encoder is good if a linear layer, shown the labels of a few images only, can read the digit off what it puts out.
"""

from typing import NamedTuple

import numpy as np

import fastgrok
from fastgrok import nn
from fastgrok.data import digits

SIDE, WIDTH = 28, 64
LABELS = 100  # the linear layer that judges an encoder sees so many labels, the encoder none


class Digits(NamedTuple):
    """Images (N, 784) as float32 from 0 to 1, and their labels (N,), to learn from and to test with."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def read() -> Digits:
    """Return handwritten digits."""
    images, labels, test_images, test_labels = digits()
    flat = [(part.reshape(len(part), -1) / 255).astype(np.float32) for part in (images, test_images)]
    return Digits(flat[0], labels, flat[1], test_labels)


def encoder() -> nn.Sequential:
    """Build the encoder that all these examples train: 784 pixels in, 64 features out."""
    fastgrok.manual_seed(0)
    return nn.Sequential(nn.Linear(SIDE * SIDE, 256), nn.ReLU(), nn.Linear(256, WIDTH), nn.ReLU())


class Views:
    """Other ways to look at the same digit: turned, moved, stretched and slanted a little, each image differently."""

    def __init__(self, seed: int = 0, count: int = 500):
        self.generator = np.random.default_rng(seed)
        self.sources = np.stack([self.source() for _ in range(count)])

    def source(self) -> np.ndarray:
        """Draw one view: for each of the 784 pixels, the pixel of the image that is seen there."""
        draw = self.generator.uniform
        angle, scale, slant, move = draw(-0.35, 0.35), draw(0.85, 1.15), draw(-0.2, 0.2), draw(-3, 3, 2)
        centre = (SIDE - 1) / 2
        row, column = np.mgrid[:SIDE, :SIDE] - centre
        rows = scale * (np.cos(angle) * row - np.sin(angle) * column) + move[0] + centre
        columns = scale * (np.sin(angle) * row + np.cos(angle) * column) + move[1] + slant * row + centre
        rows, columns = (np.rint(x).astype(np.int64).clip(0, SIDE - 1) for x in (rows, columns))
        return (rows * SIDE + columns).ravel()

    def __call__(self, images: np.ndarray) -> fastgrok.Tensor:
        """Return images (N, 784) as they look in views drawn at random."""
        drawn = self.generator.integers(len(self.sources), size=len(images))
        return fastgrok.from_numpy(np.take_along_axis(images, self.sources[drawn], axis=1))


def batches(count: int, size: int, seed: int) -> list[np.ndarray]:
    """Cut the numbers 0 .. count - 1 into batches in a random order; what fills no batch is left out."""
    order = np.random.default_rng(seed).permutation(count)
    return [order[first : first + size] for first in range(0, count - size + 1, size)]


def features(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Return what a model makes of images."""
    with fastgrok.no_grad():
        return model(fastgrok.from_numpy(images)).numpy()


def probe(model: nn.Module, data: Digits, draws: int = 5) -> float:
    """Train linear layers on a few features of an encoder that no longer learns; return their accuracy in a test.

    One accuracy depends on which images have labels: its standard deviation is about two points. So they are drawn
    several times, and the mean counts.
    """
    known, tested = features(model, data.images), features(model, data.test_images)
    mean, spread = known.mean(axis=0), known.std(axis=0) + 1e-3
    tested = (tested - mean) / spread
    accuracies = []
    for seed in range(draws):
        drawn = np.random.default_rng(seed).choice(len(known), LABELS, replace=False)
        inputs, targets = ((known[drawn] - mean) / spread, data.labels[drawn])
        fastgrok.manual_seed(seed)
        linear = nn.Linear(inputs.shape[1], 10)
        optimizer = fastgrok.optim.Adam(linear.parameters(), lr=0.01, weight_decay=1e-3)
        for _ in range(200):
            scores = linear(fastgrok.from_numpy(inputs))
            loss = nn.functional.cross_entropy(scores, fastgrok.from_numpy(targets))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        accuracies.append((features(linear, tested).argmax(axis=1) == data.test_labels).mean())
    return float(np.mean(accuracies))


def baselines(data: Digits) -> None:
    """Print what an encoder has to beat: the pixels as they are, and an encoder that has learnt nothing."""
    print(f"a linear layer that has seen {LABELS} labels reads digits off the pixels: {probe(nn.Identity(), data):.0%}")
    print(f"off the features of an untrained encoder: {probe(encoder(), data):.0%}")


def best_view(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the two directions (D, 2) from which groups of points look most apart (after Fisher's discriminants).

    The labels serve to choose where to look from; the encoder has not seen them. Every group has the same say, however
    far from the others it lies, or else the picture would show how far away the ones are, and little else.
    """
    centres = np.stack([points[labels == group].mean(axis=0) for group in range(10)])
    inside = np.cov((points - centres[labels]).T) + 1e-4 * np.eye(points.shape[1])
    values, vectors = np.linalg.eigh(inside)
    whiten = vectors / np.sqrt(values)
    away = (centres - centres.mean(axis=0)) @ whiten
    return whiten @ np.linalg.svd(away / np.linalg.norm(away, axis=1, keepdims=True))[2][:2].T


def draw_embeddings(models: dict[str, nn.Module], data: Digits, file: str) -> None:
    """Draw what several models make of the same test images, coloured by digit."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(models), figsize=(4.6 * len(models), 4.8), layout="constrained")
    for axis, (title, model) in zip(axes, models.items(), strict=True):
        points = features(model, data.test_images) @ best_view(features(model, data.images), data.labels)
        for digit in range(10):
            of_digit = points[data.test_labels == digit]
            axis.scatter(*of_digit.T, s=8, alpha=0.6, color=f"C{digit}", linewidths=0)
            box = {"boxstyle": "circle", "facecolor": "white", "edgecolor": f"C{digit}", "alpha": 0.9}
            axis.text(*np.median(of_digit, axis=0), str(digit), ha="center", va="center", bbox=box)
        axis.set(title=title, xticks=[], yticks=[])
        axis.set_xlabel("seen from where digits look most apart")
    figure.savefig(file, dpi=110)


def draw_grid(rows: dict[str, np.ndarray], file: str) -> None:
    """Draw rows of images below each other, each with its name."""
    import matplotlib.pyplot as plt

    across = max(map(len, rows.values()))
    figure, axes = plt.subplots(len(rows), across, figsize=(0.75 * across, 0.85 * len(rows)), layout="constrained")
    for line, (name, images) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name)
        for axis, image in zip(line, images, strict=True):
            axis.imshow(image, cmap="gray", vmin=0, vmax=1)
            axis.set(xticks=[], yticks=[])
    figure.savefig(file, dpi=110)

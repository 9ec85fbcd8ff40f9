"""Chapter 10: convolution and pooling by hand: the same small network looks at every place of the picture.

What is learnt here: cut a picture into all its patches of 3 by 3 pixels, put them into one table, and a convolution is
the product of that table with a table of kernels. Pooling then keeps the largest (or the mean) of neighbouring places,
so that it matters less where something was. By hand, fastgrok's `Conv2d`, `MaxPool2d` and `AvgPool2d` give the same.

The book's listing leaves out the last row and column of patches, 25 by 25 places; a picture of 28 by 28 has 26 by 26
of them. And it *adds* to the kernels what makes the error larger (`kernels -=` with goal - prediction), so that only
the layer behind them learns; below one step against the gradient lowers the error. `--plot` draws an edge finder at
work.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok.data import digits
from fastgrok.nn import functional as F
from fastgrok.training.history import load_matplotlib

KERNELS = {
    "upper edges": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "left edges": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "blur": [[1 / 9] * 3] * 3,
}


def patches(images, size=3):
    """Return all patches of the images (N, R, S): (N, places down, places across, size * size)."""
    down, across = images.shape[1] - size + 1, images.shape[2] - size + 1
    sections = [images[:, row : row + down, column : column + across] for row in range(size) for column in range(size)]
    return np.stack(sections, axis=-1)


def convolve(images, kernels):
    """Return what each kernel (O, size, size) finds at each place: (N, O, places down, places across)."""
    found = patches(images, kernels.shape[1]) @ kernels.reshape(len(kernels), -1).T
    return found.transpose(0, 3, 1, 2)


def pool(found, how):
    """Return the largest or mean of every 2 by 2 places: half as many down and across."""
    N, O, R, S = found.shape
    return how(found.reshape(N, O, R // 2, 2, S // 2, 2), axis=(3, 5))


def one_step(images, wanted):
    """Learn kernels, from zeros, that find what the `wanted` ones find; return the error before and after one step."""
    goal = convolve(images, wanted)
    learnt = np.zeros_like(wanted)
    table = patches(images).reshape(-1, 9)
    errors = []
    for _ in range(2):
        delta = convolve(images, learnt) - goal
        errors.append(float((delta**2).mean()))
        gradient = delta.transpose(1, 0, 2, 3).reshape(len(wanted), -1) @ table / len(table)
        learnt = learnt - 0.5 * gradient.reshape(learnt.shape)  # minus: prediction - goal is what was too much
    return errors


def draw(path, image, found):
    """Draw a digit, and what the kernels find in it."""
    Figure, Canvas = load_matplotlib()
    figure = Figure(figsize=(10, 3.1), layout="constrained")
    Canvas(figure)
    axes = figure.subplots(1, 4)
    axes[0].imshow(image, cmap="gray")
    axes[0].set(title="28 x 28 pixels", xticks=[], yticks=[])
    for place, name, picture in zip(axes[1:], KERNELS, found, strict=True):
        shown = place.imshow(picture, cmap="RdBu_r", vmin=-3, vmax=3)
        place.set(title=f"{name}: 26 x 26", xticks=[], yticks=[])
    figure.colorbar(shown, ax=axes, label="kernel * patch", shrink=0.8)
    figure.savefig(path, dpi=110)


def main():
    """Convolve and pool by hand and by fastgrok."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw what the kernels find into this file")
    options = parser.parse_args()
    images = digits()[0][:8] / 255
    kernels = np.array(list(KERNELS.values()), dtype=np.float64)

    found = convolve(images, kernels)
    print("patches:", patches(images).shape, "  found:", found.shape)
    largest, mean = pool(found, np.max), pool(found, np.mean)
    print("pooled: ", largest.shape)

    x, weight = fastgrok.from_numpy(images[:, None]), fastgrok.from_numpy(kernels[:, None])
    theirs = F.conv2d(x, weight)
    print("\nConv2d finds the same:   ", np.allclose(theirs.numpy(), found))
    print("MaxPool2d keeps the same:", np.allclose(F.max_pool2d(theirs, 2).numpy(), largest))
    print("AvgPool2d as well:       ", np.allclose(F.avg_pool2d(theirs, 2).numpy(), mean))

    moved = np.roll(images, 1, axis=2)
    change = np.abs(convolve(moved, kernels) - found).mean() / np.abs(found).mean()
    pooled = np.abs(pool(convolve(moved, kernels), np.max) - largest).mean() / np.abs(largest).mean()
    print(
        f"\nDigits moved by one pixel change what is found by {change:.0%}, the largest of neighbours by {pooled:.0%}."
    )

    before, after = one_step(images, kernels)
    print(f"One step against the gradient of the kernels: error {before:.3f} -> {after:.3f}")

    places, weights = 26 * 26, 3 * 9
    print(f"\n{weights} weights serve {places} places; a full layer of that size has {28 * 28 * 3 * places:,}.")
    if options.plot:
        draw(options.plot, images[0], found[0])


if __name__ == "__main__":
    main()

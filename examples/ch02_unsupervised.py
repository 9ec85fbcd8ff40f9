"""Chapter 2, unsupervised learning: find structure where nobody says what is right.

What is learnt here: three ways to turn digits without labels into something shorter. *Clustering* says which pictures
belong together; *dimensionality reduction* describes 784 pixels by 2 numbers; *density estimation* says how usual a
picture is. The labels are only used at the end, to see what was found. `--plot` draws it.

Data: handwritten digits of MNIST, the 0s, 1s and 7s.
"""

import argparse

import numpy as np

from fastgrok.data import digits
from fastgrok.training.history import load_matplotlib

KINDS = (0, 1, 7)


def clusters(x, k, starts=5, rounds=20):
    """Return k typical pictures (k-means), and for each row of x (N, D) the number of the nearest one.

    It depends on where it starts, so it starts several times, from pictures drawn by lot, and the closest fit counts.
    """
    random, best = np.random.default_rng(0), (np.inf, None, None)
    for _ in range(starts):
        centres = x[random.choice(len(x), k, replace=False)]
        for _ in range(rounds):
            distances = np.array([((x - centre) ** 2).sum(axis=1) for centre in centres])
            nearest = distances.argmin(axis=0)
            centres = np.array([x[nearest == number].mean(axis=0) for number in range(k)])
        best = min(best, (distances.min(axis=0).sum(), centres, nearest), key=lambda fit: fit[0])
    return best[1:]


def principal_directions(x, count, rounds=50):
    """Return the directions (count, D) in which the rows of x differ most, largest first: power iteration."""
    x = x - x.mean(axis=0)
    directions = []
    for _ in range(count):
        direction = x.std(axis=0)
        for _ in range(rounds):
            direction = x.T @ (x @ direction)  # what varies most grows most
            for earlier in directions:
                direction -= (direction @ earlier) * earlier
            direction /= np.sqrt((direction**2).sum())
        directions.append(direction * np.sign(direction.sum()))
    return np.array(directions)


def log_density(points, at, width):
    """Return how dense the points (N, D) lie at each row of `at`: a bell of this width on each, and their mean."""
    squared = ((at[:, None] - points) ** 2).sum(axis=2)
    return np.log(np.exp(-squared / (2 * width**2)).mean(axis=1) / (2 * np.pi * width**2))


def draw(path, centres, found, plane, labels):
    """Draw the typical pictures, and all digits as points in the plane."""
    Figure, Canvas = load_matplotlib()
    figure = Figure(figsize=(10, 4), layout="constrained")
    Canvas(figure)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.4))
    left.suptitle("Means of the clusters")
    for number, axes in enumerate(left.subplots(1, 3)):
        axes.imshow(centres[number].reshape(28, 28), cmap="gray_r")
        axes.set(title=f"cluster {number + 1}", xticks=[], yticks=[])
    axes = right.subplots()
    for digit in KINDS:
        axes.plot(*plane[labels == digit].T, ".", markersize=3, label=f"digit {digit}")
    rare = np.argsort(found)[:5]
    axes.plot(*plane[rare].T, "o", mfc="none", color="black", label="least dense")
    axes.set(title="784 pixels as 2 numbers", xlabel="first direction", ylabel="second direction")
    axes.legend(markerscale=2)
    figure.savefig(path, dpi=110)


def main():
    """Cluster, reduce and estimate; then compare with the labels."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw what was found into this file")
    options = parser.parse_args()
    images, labels, _, _ = digits()
    chosen = np.flatnonzero(np.isin(labels, KINDS))[:1500]
    x, labels = images[chosen].reshape(-1, 784) / 255, labels[chosen]

    centres, nearest = clusters(x, k=3)
    print("Clusters, numbered from 1, and what is in them:")
    for number in range(3):
        counts = [int((labels[nearest == number] == digit).sum()) for digit in KINDS]
        print(f"  cluster {number + 1}: " + ", ".join(f"{n} times {d}" for n, d in zip(counts, KINDS, strict=True)))

    directions = principal_directions(x, count=2)
    plane = (x - x.mean(axis=0)) @ directions.T
    kept = plane.var(axis=0).sum() / x.var(axis=0).sum()
    print(f"\nTwo numbers in place of 784 keep {kept:.0%} of the variance. On average:")
    for digit in KINDS:
        a, b = plane[labels == digit].mean(axis=0)
        print(f"  digit {digit}: {a:5.1f} and {b:5.1f}")

    found = log_density(plane, plane, width=0.5)
    print("\nLogarithm of the density in this plane, on average:")
    for digit in KINDS:
        print(f"  digit {digit}: {found[labels == digit].mean():5.2f}")
    print(f"  the least usual picture: {found.min():5.2f}")
    if options.plot:
        draw(options.plot, centres, found, plane, labels)


if __name__ == "__main__":
    main()

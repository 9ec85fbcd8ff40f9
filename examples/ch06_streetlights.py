"""Chapter 6: learn what streetlights mean, from a whole data set: full, batch and stochastic gradient descent.

What is learnt here: the weights after one row are not those of the next, so all rows are shown again and again.
Whether one moves after every row (stochastic), after some (batch) or after all of them (full) makes the same average
step, more or less often. The second data set has no single light that decides ("walk when exactly one of the first two
is on"): one layer ends where the pressures up and down cancel, and ch06_backpropagation.py shows what helps.

The book reshapes nothing and mixes vectors and tables with one row; here a batch is a table always, (N, 3) and (N, 1).
"""

import argparse

import numpy as np

LIGHTS = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 1, 1], [1, 0, 1]])
WALK = np.array([[0, 1, 0, 1, 1, 0]]).T  # what people did: it is the light in the middle
NO_SINGLE_LIGHT = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]])
WALK_ON_ONE = np.array([[1, 1, 0, 0]]).T


def descend(x, y, weights, alpha, epochs, batch_size):
    """Show all rows `epochs` times, and move after every `batch_size` of them; return weights, and error per epoch."""
    errors = []
    for _ in range(epochs):
        error = 0.0
        for first in range(0, len(x), batch_size):
            rows, goals = x[first : first + batch_size], y[first : first + batch_size]
            predictions = rows @ weights
            deltas = predictions - goals
            error += float((deltas**2).sum())
            weights = weights - alpha * (rows.T @ deltas) / len(rows)  # the average share of these rows
        errors.append(error)
    return weights, errors


def main():
    """Learn from one row, from all rows in three ways, and fail where one layer cannot do."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    start = np.array([[0.5, 0.48, -0.7]]).T

    _, errors = descend(LIGHTS[:1], WALK[:1], start, alpha=0.1, epochs=20, batch_size=1)
    print(f"one row, 20 times: error {errors[0]:.6f} ... {errors[-1]!r}")

    print("\nAll six rows, 40 times:")
    for name, size in (("stochastic", 1), ("batches of 2", 2), ("full", 6)):
        weights, errors = descend(LIGHTS, WALK, start, alpha=0.1, epochs=40, batch_size=size)
        moves = 40 * len(LIGHTS) // size
        print(f"  {name:12} {moves:3} moves: error {errors[0]!r} ... {errors[-1]!r}")
        print(f"                          weights {weights.ravel().round(3)}")
    print("The middle light decides: its weight goes to 1, the others to 0. Fewer moves get less far.")

    print("\nWalk when exactly one of the first two lights is on. One layer, 1,000 times:")
    weights, errors = descend(NO_SINGLE_LIGHT, WALK_ON_ONE, start, alpha=0.1, epochs=1000, batch_size=4)
    print("  predictions", (NO_SINGLE_LIGHT @ weights).ravel().round(3), f"error {errors[-1]:.3f}")
    print("No light is correlated with walking, so the pressures cancel, and 0.5 is the best guess for every row.")


if __name__ == "__main__":
    main()

"""Chapter 9: what makes a function a good activation, and what goes at the end of a network.

What is learnt here: an activation has to (1) be defined for every number, (2) be monotonic, so that two inputs do not
mean the same, (3) be nonlinear, so that layers do not collapse into one, and (4) have a derivative that is easy to
get, best from its own output. Each is checked, not claimed. At the end of a network the question decides: no
activation for any number, sigmoid for yes or no, softmax for one of many. `--plot` draws the curves.

The book's softmax divides exp(x) by its sum, which overflows at 1000; here the largest x is subtracted first, and the
result is the same. Its relu multiplies a number by a truth value; `np.maximum` says what is meant.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok.nn import functional as F
from fastgrok.training.history import load_matplotlib


def softmax(x):
    """Return shares of a whole, for each row of x (N, C); larger x get more than proportionally more."""
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(x):
    """Return a number from 0 to 1, without exp(-x) that overflows: tanh, squeezed."""
    return 0.5 * (1 + np.tanh(0.5 * x))


# Each activation: itself, its derivative from its own output, fastgrok's, and whether it is one.
ACTIVATIONS = {
    "relu": (lambda x: np.maximum(x, 0), lambda output: (output > 0) * 1.0, F.relu),
    "sigmoid": (sigmoid, lambda output: output * (1 - output), F.sigmoid),
    "tanh": (np.tanh, lambda output: 1 - output**2, F.tanh),
    "x * x": (lambda x: x * x, lambda output: 2 * np.sqrt(output), lambda x: x * x),
    "2 * x": (lambda x: 2 * x, lambda output: np.full_like(output, 2), lambda x: 2 * x),
}


def constraints(function, derivative):
    """Return which of the four constraints hold, on a grid."""
    x = np.linspace(-8, 8, 1601) + 0.0013  # the grid leaves out 0, where relu has a corner
    y = function(x)
    slope = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
    return {
        "defined": bool(np.isfinite(function(np.array([-1e4, -1.0, 0.0, 1.0, 1e4]))).all()),
        "monotonic": bool((np.diff(y) >= 0).all() or (np.diff(y) <= 0).all()),
        "nonlinear": not np.allclose(function(x + 1) - y, (function(x + 1) - y)[0]),
        "derivative": bool(np.allclose(derivative(y), slope, atol=1e-6)),
    }


def gradient(function, x):
    """Return fastgrok's derivative of a function at every x."""
    tensor = fastgrok.tensor(x, requires_grad=True)
    function(tensor).sum().backward()
    return tensor.grad.numpy()


def draw(path):
    """Draw the three activations and their derivatives."""
    Figure, Canvas = load_matplotlib()
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    Canvas(figure)
    x = np.linspace(-5, 5, 401)
    for axes, name in zip(figure.subplots(1, 3), ("relu", "sigmoid", "tanh"), strict=True):
        function, derivative, _ = ACTIVATIONS[name]
        axes.plot(x, function(x), label=name)
        axes.plot(x, derivative(function(x)), "--", label="its derivative")
        axes.set(xlabel="input", ylabel="output", title=name)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def main():
    """Check the constraints, compare derivatives, and look at softmax."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw the activations into this file")
    options = parser.parse_args()

    print(f"{'':8} {'defined':>9} {'monotonic':>11} {'nonlinear':>11} {'derivative':>11}   as fastgrok's")
    x = np.linspace(-4, 4, 80)
    for name, (function, derivative, ours) in ACTIVATIONS.items():
        checks = constraints(function, derivative)
        marks = [("yes" if held else "NO") for held in checks.values()]
        same = np.allclose(gradient(ours, x), derivative(function(x)))
        print(f"{name:8} {marks[0]:>9} {marks[1]:>11} {marks[2]:>11} {marks[3]:>11}   {'yes' if same else 'NO'}")
    print(
        "x * x takes 3 and -3 for the same, and so its output does not tell the slope. 2 * x adds nothing to a layer."
    )

    print("\nHow fast blame fades through ten layers, at best:")
    print(f"  sigmoid {0.25**10:.1e} (its steepest slope is 1/4), tanh and relu {1.0**10}")

    scores = np.array([[1.0, 2.0, 4.0]])
    print("\nScores:              ", scores[0])
    print("none, any number:    ", scores[0])
    print("sigmoid, each yes/no:", sigmoid(scores)[0].round(3))
    print("softmax, one of many:", softmax(scores)[0].round(3), "sum", softmax(scores).sum().round(12))
    print("as fastgrok's:       ", np.allclose(F.softmax(fastgrok.tensor(scores), 1).numpy(), softmax(scores)))
    print("scores 1000 higher:  ", softmax(scores + 1000)[0].round(3))

    goal = np.array([[0.0, 0.0, 1.0]])
    by_hand = softmax(scores) - goal  # the derivative of cross-entropy after softmax is as simple as that
    by_fastgrok = gradient(lambda x: F.cross_entropy(x, fastgrok.tensor([2])), scores)
    print("\nBlame of the scores, softmax and cross-entropy:", by_hand[0].round(3), np.allclose(by_hand, by_fastgrok))
    if options.plot:
        draw(options.plot)


if __name__ == "__main__":
    main()

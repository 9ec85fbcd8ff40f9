"""Chapter 4: gradient descent. The error itself says which way to go, and how far.

What is learnt here: the direction and amount of a step is the derivative of the error, (prediction - goal) * input; a
large input makes the steps overshoot and diverge; a small factor, alpha, brings them back. By hand first, then the
same numbers from fastgrok's autograd and `optim.SGD`. `--plot` draws the error over the weight, with both walks on it.

The book leaves out the 2 of the derivative of a square, so its alpha is twice PyTorch's learning rate: 0.1 there is
lr=0.05 below.
"""

import argparse

import fastgrok
from fastgrok import optim
from fastgrok.training.history import load_matplotlib


def descend(weight, x, goal, alpha, iterations):
    """Learn one weight; return each step's (weight, error, prediction)."""
    seen = []
    for _ in range(iterations):
        prediction = x * weight
        error = (prediction - goal) ** 2
        seen.append((weight, error, prediction))
        delta = prediction - goal  # how much we missed, and on which side
        weight_delta = delta * x  # scaled by the input: no input, no blame; a negative input turns the direction
        weight = weight - alpha * weight_delta
    return seen


def by_autograd(weight, x, goal, lr, iterations):
    """Let fastgrok find the derivative, and take the step; return the errors."""
    w = fastgrok.tensor(weight, dtype=fastgrok.float64, requires_grad=True)
    optimizer = optim.SGD([w], lr=lr)
    errors = []
    for _ in range(iterations):
        error = (x * w - goal) ** 2
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    return errors


def report(seen):
    """Print the first three steps and the last."""
    for k in (0, 1, 2, len(seen) - 1):
        print(f"  step {k:2}: error {seen[k][1]}, prediction {seen[k][2]}")


def draw(path, diverging, calm):
    """Draw the bowl of the error, and how both walks move in it."""
    Figure, Canvas = load_matplotlib()
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    Canvas(figure)
    titles = ("alpha 1: every step overshoots further", "alpha 0.1: down into the valley")
    for axes, seen, title in zip(figure.subplots(1, 2), (diverging[:5], calm), titles, strict=True):
        weights = [weight for weight, _, _ in seen]
        low, high = min(weights), max(weights)
        margin = 0.15 * (high - low)
        curve = [low - margin + k * (high - low + 2 * margin) / 200 for k in range(201)]
        axes.plot(curve, [(2 * weight - 0.8) ** 2 for weight in curve], color="0.7", label="error of every weight")
        axes.plot(weights, [error for _, error, _ in seen], "o-", color="C3", markersize=4, label="steps taken")
        axes.set(xlabel="weight", ylabel="squared error", title=title)
        axes.legend(loc="upper center")
    figure.savefig(path, dpi=110)


def main():
    """Descend, diverge, and find back."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw the picture into this file")
    options = parser.parse_args()

    print("Input 0.5, goal 0.8:")
    report(descend(weight=0.5, x=0.5, goal=0.8, alpha=1, iterations=20))

    print("\nInput 1.1: a larger input makes larger steps, and 4 of them are enough:")
    report(descend(weight=0.0, x=1.1, goal=0.8, alpha=1, iterations=4))

    print("\nInput 2: each step goes too far, and the next one even further:")
    diverging = descend(weight=0.5, x=2, goal=0.8, alpha=1, iterations=20)
    report(diverging)

    print("\nThe same, but only a tenth of each step is taken (alpha 0.1):")
    calm = descend(weight=0.5, x=2, goal=0.8, alpha=0.1, iterations=20)
    report(calm)

    errors = by_autograd(weight=0.5, x=2, goal=0.8, lr=0.05, iterations=20)
    same = all(abs(ours - hand[1]) <= 1e-12 + 1e-9 * hand[1] for ours, hand in zip(errors, calm, strict=True))
    print("\nfastgrok's autograd and SGD see the same errors:", same)

    if options.plot:
        draw(options.plot, diverging, calm)


if __name__ == "__main__":
    main()

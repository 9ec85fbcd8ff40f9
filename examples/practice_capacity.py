"""Practice: capacity against overfitting. How large should a model be?

What is learnt here: a polynomial with few coefficients cannot follow a curve, one with as many as there are points
follows the noise as well. The error on what was learnt from only falls; the error on other points falls and then
rises. More data, or a penalty on fast wiggles, let a large model be. `--plot` draws the fits and both errors.
"""

import argparse

import numpy as np

from fastgrok.training.history import load_matplotlib

DEGREES = range(0, 16)


def curve(x):
    """Return what is to be learnt."""
    return np.sin(3 * x)


def points(random, n):
    """Return n places from -1 to 1, and the curve there with noise."""
    x = np.linspace(-1, 1, n)
    return x, curve(x) + random.normal(0, 0.2, n)


def powers(x, degree):
    """Return the Chebyshev polynomials up to a degree at x (N,): (N, degree + 1), all between -1 and 1."""
    return np.cos(np.arange(degree + 1) * np.arccos(x)[:, None])


def fitted(x, y, degree, penalty=0.0):
    """Return the coefficients with the smallest squared error; a `penalty` makes those of fast wiggles dear."""
    table = powers(x, degree)
    price = np.diag(np.arange(degree + 1.0) ** 2)
    return np.linalg.solve(table.T @ table + penalty * price, table.T @ y)


def error(x, y, coefficients):
    """Return the mean squared error."""
    return float(((powers(x, len(coefficients) - 1) @ coefficients - y) ** 2).mean())


def draw(path, x, y, errors):
    """Draw three fits, and the errors over the degree."""
    Figure, Canvas = load_matplotlib()
    figure = Figure(figsize=(10, 4), layout="constrained")
    Canvas(figure)
    left, right = figure.subplots(1, 2)
    grid = np.linspace(x.min(), x.max(), 300)
    left.plot(x, y, "o", color="black", markersize=4, label="20 points")
    left.plot(grid, curve(grid), color="0.7", label="the curve")
    for degree, color in ((1, "C0"), (5, "C2"), (15, "C3")):
        left.plot(grid, powers(grid, degree) @ fitted(x, y, degree), color=color, label=f"degree {degree}")
    left.set(xlabel="x", ylabel="y", ylim=(-2, 2), title="Too small, right, too large")
    left.legend()
    right.semilogy(DEGREES, errors[0], "o-", label="points learnt from")
    right.semilogy(DEGREES, errors[1], "o-", label="other points")
    right.axhline(0.04, color="0.5", linestyle="--", label="the noise itself")
    right.set(xlabel="degree", ylabel="mean squared error", title="Capacity")
    right.legend()
    figure.savefig(path, dpi=110)


def main():
    """Fit polynomials of all degrees; then help the largest with data, and with a penalty."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw fits and errors into this file")
    options = parser.parse_args()
    random = np.random.default_rng(3)
    x, y = points(random, 20)
    other_x, other_y = points(random, 1000)

    fits = [fitted(x, y, degree) for degree in DEGREES]
    errors = [[error(*data, fit) for fit in fits] for data in ((x, y), (other_x, other_y))]
    print("degree   learnt from   others")
    for degree in (0, 1, 3, 5, 9, 12, 15):
        print(f"{degree:6}   {errors[0][degree]:11.3f}   {errors[1][degree]:6.3f}")
    print(f"Best on others: degree {int(np.argmin(errors[1]))}. Best on its own: degree {int(np.argmin(errors[0]))}.")

    print("\nDegree 15, error on others:")
    for n in (20, 100, 1000):
        data = (x, y) if n == 20 else points(random, n)
        print(f"  {n:5} points:              {error(other_x, other_y, fitted(*data, 15)):.3f}")
    for penalty in (0.01, 0.1, 1.0):
        print(f"     20 points, penalty {penalty:4}: {error(other_x, other_y, fitted(x, y, 15, penalty)):.3f}")
    print("Too high a penalty makes the model small again. The noise alone is 0.040: no model can do better.")
    if options.plot:
        draw(options.plot, x, y, errors)


if __name__ == "__main__":
    main()

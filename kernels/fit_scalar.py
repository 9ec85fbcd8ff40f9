"""Fit the polynomials of `fastgrok_kernels/scalar.py` and print its tables.

    python kernels/fit_scalar.py        # needs mpmath; about ten seconds

The functions that need polynomials are written so that only a small correction is approximated:

- `exp`:  on |r| <= ln(2)/2,            e^r = 1 + r + r^2 Q(r);
- `log`:  on sqrt(1/2) <= 1+f <= sqrt(2), log(1+f) = 2s + s R(s^2) with s = f/(2+f), and R(z) = z P(z);
- `erf`:  on |x| <= ERF_SPLIT,           erf(x) = x + x E(x^2), and beyond it erf(x) = 1 - e^-C(x), where
  C(x) = -log(1 - erf(x)) need be the less exact the less is missing to 1.

`tanh` and `sigmoid` are built from the same Q. The fit is minimax (Remez exchange) in the relative error of the whole
function. Coefficients are rounded to the number format one at a time, from the constant term on, and the rest is fitted
again after each rounding, so that it makes up for it.
"""

import mpmath
import numpy as np
from mpmath import mp, mpf

mp.prec = 200

# (name, number of coefficients for float32, for float64)
DEGREES = {"EXP": (5, 10), "LOG": (3, 7), "ERF": (6, 12), "ERFC": (7, 20)}
ERF_SPLIT, ERF_END = mpf(0.84375), {np.float32: mpf(4), np.float64: mpf(6)}  # erf rounds to 1 from the end on


def exp_target(r):
    """Q(r), and how much an error of Q weighs in the relative error of e^r."""
    if abs(r) < mpf(2) ** -40:
        return mpf(1) / 2 + r / 6, r**2
    return (mpmath.exp(r) - 1 - r) / r**2, r**2 / mpmath.exp(r)


def log_target(z):
    """P(z) for z = s^2, and how much an error of P weighs in the relative error of 2 atanh(s) = log((1+s)/(1-s))."""
    if z < mpf(2) ** -60:
        return mpf(2) / 3 + z * 2 / 5, z / 2
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z, s * z / (2 * mpmath.atanh(s))


def erf_target(z):
    """E(z) for z = x^2, and how much an error of E weighs in the relative error of erf."""
    if z < mpf(2) ** -60:
        return 2 / mpmath.sqrt(mpmath.pi) * (1 - z / 3) - 1, mpmath.sqrt(mpmath.pi) / 2
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x - 1, x / mpmath.erf(x)


def erfc_target(x):
    """C(x), and how much an error of C weighs in the relative error of erf."""
    return -mpmath.log(mpmath.erfc(x)), mpmath.erfc(x) / mpmath.erf(x)


INTERVALS = {
    "ERF": (erf_target, mpf(0), ERF_SPLIT**2),
    "ERFC": (erfc_target, ERF_SPLIT, ERF_END),
    "EXP": (exp_target, -mpmath.log(2) / 2, mpmath.log(2) / 2),
    "LOG": (log_target, mpf(0), (3 - 2 * mpmath.sqrt(2)) ** 2),
}


def remez(target, low, high, count, known=()):
    """The polynomial of `count` coefficients, the first ones `known`, with the least weighted maximal error."""
    free = range(len(known), count)
    grid = [low + (high - low) * (1 - mpmath.cos(mpmath.pi * i / 400)) / 2 for i in range(401)]
    values = [target(x) for x in grid]
    # What is still unknown must approximate the target less the known terms.
    rests = [y - sum(c * x**i for i, c in enumerate(known)) for x, (y, _) in zip(grid, values, strict=True)]
    weights = [w for _, w in values]
    # Where an error of Q weighs next to nothing, none is looked at; but the weights of C fall far, and all count.
    least = 0 if target is erfc_target else max(weights) / 1000
    inner = [i for i, w in enumerate(weights) if w > least]
    if not free:
        return [], max(abs(weights[i] * rests[i]) for i in inner)
    size = len(free) + 1
    points = [inner[round((len(inner) - 1) * (1 - np.cos(np.pi * (k + 0.5) / size)) / 2)] for k in range(size)]
    for _ in range(60):
        matrix, right = mpmath.zeros(size), mpmath.zeros(size, 1)
        for row, i in enumerate(points):
            for column, power in enumerate(free):
                matrix[row, column] = grid[i] ** power
            matrix[row, size - 1] = (-1) ** row / weights[i]
            right[row] = rests[i]
        *solution, _ = mpmath.lu_solve(matrix, right)
        errors = {
            i: weights[i] * (sum(c * grid[i] ** p for c, p in zip(solution, free, strict=True)) - rests[i])
            for i in inner
        }
        exchanged = extrema(errors, size)
        if exchanged == points or len(exchanged) < size:
            break
        points = exchanged
    return solution, max(abs(e) for e in errors.values())


def extrema(errors, size):
    """The `size` grid points where the error alternates in sign and is largest between its changes of sign."""
    peaks = []
    for i, error in errors.items():
        if peaks and (errors[peaks[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = i
        else:
            peaks.append(i)
    while len(peaks) > size:
        peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
    return peaks


def rounded(value, dtype):
    """The number of `dtype` that is nearest to an mpmath value."""
    with mpmath.workprec({np.float32: 24, np.float64: 53}[dtype]):
        return dtype(float(+value))


def fit(name, dtype):
    """The coefficients of table `name` as numbers of `dtype`, and the maximal relative error that they leave."""
    target, low, high = INTERVALS[name]
    high = high[dtype] if isinstance(high, dict) else high
    count = DEGREES[name][dtype is np.float64]
    known = []
    while len(known) < count:
        solution, _ = remez(target, low, high, count, known)
        known.append(mpf(float(rounded(solution[0], dtype))))
    _, error = remez(target, low, high, count, known)
    return tuple(dtype(float(c)) for c in known), float(error)


def split_ln2(dtype):
    """ln(2) = high + low; high has so few bits that high times any exponent of `dtype` is exact."""
    bits = {np.float32: 24 - 8, np.float64: 53 - 11}[dtype]
    with mpmath.workprec(bits):
        high = +mpmath.log(2)
    return dtype(float(high)), rounded(mpmath.log(2) - high, dtype)


def main():
    """Print the tables as they stand in scalar.py."""
    for dtype, bits in ((np.float32, 32), (np.float64, 64)):
        for name in DEGREES:
            table, error = fit(name, dtype)
            print(f"# relative error {error:.1e}")
            print(f"{name}{bits} = (")
            for c in table:
                print(f"    np.{dtype.__name__}({float(c)!r}),")
            print(")")
        high, low = split_ln2(dtype)
        print(f"LN2_{bits} = (np.{dtype.__name__}({float(high)!r}), np.{dtype.__name__}({float(low)!r}))")


if __name__ == "__main__":
    main()

"""Chapter 5: gradient descent with many weights at once: several inputs, several outputs, and both.

What is learnt here: every weight gets its own share of the same miss. The share of the weight from input j to output i
is delta[i] * input[j]: an outer product with a row for each output. Freezing a weight shows that the others then learn
what it would have learnt. At the end, fastgrok's autograd finds the same shares.

Three errors of the book's listings are put right: the first one uses `weight_deltas` before they exist; the printed
`outer_prod(vec_a, vec_b)` fills the table transposed, so weights move by each other's share (seen only where inputs
and outputs differ in number, or in the result); and `ele_mul` works for three numbers only. (Where a listing prints
`np.float64(...)` today, that is NumPy 2 naming its numbers; they are the same.)
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn

GAME = [8.5, 0.65, 1.2]  # toes per player, share of games won, millions of fans
WON = 1.0
OUTCOMES = [0.1, 1.0, 0.1]  # how many were hurt, whether they won, how sad they are


def weighted_sum(a, b):
    """Return the sum of the products of two lists, entry by entry."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def scaled(number, vector):
    """Return the vector, each entry multiplied by the number."""
    return [number * x for x in vector]


def outer_product(deltas, inputs):
    """Return a row for each delta, with its product with every input."""
    return [[delta * x for x in inputs] for delta in deltas]


def several_inputs(alpha, frozen=()):
    """Three steps for three weights and one output; those in `frozen` stay as they are."""
    weights = [0.1, 0.2, -0.1]
    for step in range(1, 4):
        prediction = weighted_sum(GAME, weights)
        delta = prediction - WON
        weight_deltas = scaled(delta, GAME)
        for k in frozen:
            weight_deltas[k] = 0.0
        print(f"  step {step}: prediction {prediction}, error {delta**2}")
        if step == 1:
            print(f"          shares of the miss {weight_deltas}")
        weights = [w - alpha * d for w, d in zip(weights, weight_deltas, strict=True)]
        if step == 1:
            print(f"          weights {[round(w, 12) for w in weights]}")


def several_outputs(alpha):
    """One step for one input and three outputs: each output has a miss of its own."""
    weights, x = [0.3, 0.2, 0.9], GAME[1]
    deltas = [x * weight - goal for weight, goal in zip(weights, OUTCOMES, strict=True)]
    return [w - alpha * d for w, d in zip(weights, scaled(x, deltas), strict=True)]


def both(alpha):
    """One step for three inputs and three outputs; return the weights before and after."""
    weights = [[0.1, 0.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]]
    predictions = [weighted_sum(GAME, row) for row in weights]
    deltas = [prediction - goal for prediction, goal in zip(predictions, OUTCOMES, strict=True)]
    shares = outer_product(deltas, GAME)
    learnt = [[w - alpha * d for w, d in zip(*rows, strict=True)] for rows in zip(weights, shares, strict=True)]
    return weights, learnt


def by_fastgrok(weights, alpha):
    """The same step by a layer, autograd and SGD. The derivative of a square has a 2, so the rate is halved."""
    layer = nn.Linear(3, 3, bias=False).double()
    with fastgrok.no_grad():
        layer.weight.copy_(fastgrok.tensor(weights, dtype=fastgrok.float64))
    inputs, goals = (fastgrok.tensor(values, dtype=fastgrok.float64) for values in (GAME, OUTCOMES))
    ((layer(inputs) - goals) ** 2).sum().backward()
    fastgrok.optim.SGD(layer.parameters(), lr=alpha / 2).step()
    return layer.weight.tolist()


def main():
    """Learn from one game in four ways."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    print("Three inputs, one output, alpha 0.01:")
    several_inputs(alpha=0.01)
    print("Toes are the largest input and get nearly all of the blame. Frozen, and with alpha 0.3:")
    several_inputs(alpha=0.3, frozen=[0])
    print("The error falls all the same: what is left learns to predict without toes.")
    print("\nOne input, three outputs, after one step:")
    print("  weights", [round(w, 12) for w in several_outputs(alpha=0.1)])
    print("\nThree inputs, three outputs, after one step:")
    weights, learnt = both(alpha=0.01)
    theirs = by_fastgrok(weights, alpha=0.01)
    for row in learnt:
        print("  ", [round(w, 12) for w in row])
    print("fastgrok's step is the same:", np.allclose(learnt, theirs, rtol=1e-12))


if __name__ == "__main__":
    main()

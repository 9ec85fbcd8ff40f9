"""Chapter 3: a network is numbers called weights, and a prediction is a weighted sum. Nothing is learnt yet.

What is learnt here: how one weight, three weights, three outputs and two layers turn what is known about a baseball
team into a prediction, written out in lists first, then as one product of NumPy, then as a layer of fastgrok.

The book's `vect_mat_mul` asserts that there are as many inputs as *rows* of the matrix, and makes as many outputs as
there are inputs, which holds for square matrices only. A matrix has a row for each output, and each *row* must be as
long as there are inputs: that is what is checked here. Its `ele_mul` multiplies lists of three numbers and no others.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn

TOES = [8.5, 9.5, 9.9, 9.0]  # the average number of toes a player has, before each of four games
WON = [0.65, 0.8, 0.8, 0.9]  # the share of games won so far
FANS = [1.2, 1.3, 0.5, 1.0]  # fans, in millions
WEIGHTS = [  # one row for each output: hurt?, win?, sad?
    [0.1, 0.1, -0.3],
    [0.1, 0.2, 0.0],
    [0.0, 1.3, 0.1],
]
INPUT_TO_HIDDEN = [[0.1, 0.2, -0.1], [-0.1, 0.1, 0.9], [0.1, 0.4, 0.1]]
HIDDEN_TO_PREDICTION = [[0.3, 1.1, -0.3], [0.1, 0.2, 0.0], [0.0, 1.3, 0.1]]


def weighted_sum(a, b):
    """Return the sum of the products of two lists, entry by entry: how much they are alike."""
    if len(a) != len(b):
        raise ValueError(f"{len(a)} inputs do not fit {len(b)} weights")
    total = 0
    for x, weight in zip(a, b, strict=True):
        total += x * weight
    return total


def times_matrix(vector, matrix):
    """Return one weighted sum for each row of the matrix."""
    return [weighted_sum(vector, row) for row in matrix]


def main():
    """Predict the first game in five ways."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()

    weight = 0.1
    print("one input, one weight:      ", TOES[0] * weight)

    game = [TOES[0], WON[0], FANS[0]]
    print("three inputs, a sum:        ", weighted_sum(game, [0.1, 0.2, 0]))
    print("the same, by NumPy:         ", np.dot(game, [0.1, 0.2, 0]).item())

    print("one input, three outputs:   ", [WON[0] * weight for weight in (0.3, 0.2, 0.9)])
    print("three inputs and outputs:   ", times_matrix(game, WEIGHTS))

    hidden = times_matrix(game, INPUT_TO_HIDDEN)
    print("a prediction on predictions:", times_matrix(hidden, HIDDEN_TO_PREDICTION))

    # The same two layers in fastgrok. `Linear` keeps one row of weights for each output, as the lists above do.
    network = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)).double()
    with fastgrok.no_grad():
        network[0].weight.copy_(fastgrok.tensor(INPUT_TO_HIDDEN, dtype=fastgrok.float64))
        network[1].weight.copy_(fastgrok.tensor(HIDDEN_TO_PREDICTION, dtype=fastgrok.float64))
        games = fastgrok.tensor(np.array([TOES, WON, FANS]).T)
        print("the same, by fastgrok:      ", network(games[0]).tolist())
        print("all four games in one call:")
        print(network(games).numpy().round(4))

    print("inputs that do not fit:     ", end=" ")
    try:
        weighted_sum(game, [0.1, 0.2])
    except ValueError as error:
        print(error)


if __name__ == "__main__":
    main()

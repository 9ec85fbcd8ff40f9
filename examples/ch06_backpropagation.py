"""Chapter 6: backpropagation by hand, beside autograd.

What is learnt here: a hidden layer makes the correlation that the input lacks; a relu between the layers keeps them
from collapsing into one; the blame of the hidden layer is the output's blame sent back through the weights. The
numbers by hand, by fastgrok's autograd and by finite differences are the same.

The book's relu multiplies by a truth value; `np.maximum` says what is meant. Its derivative at 0 is 0 in this chapter
and 1 in chapter 8; here, and in PyTorch, it is 0. The book changes between `prediction - goal` with `-=` and `goal -
prediction` with `+=`; here it is always the first.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok.nn import functional as F

LIGHTS = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]], dtype=np.float64)
WALK = np.array([[1, 1, 0, 0]], dtype=np.float64).T


def first_weights(hidden=4):
    """Return weights from 3 lights to the hidden layer and from there to 1 output: the book's, from seed 1."""
    random = np.random.RandomState(1)
    return 2 * random.random_sample((3, hidden)) - 1, 2 * random.random_sample((hidden, 1)) - 1


def forward(x, weights_0_1, weights_1_2):
    """Return the hidden layer and the prediction."""
    layer_1 = np.maximum(x @ weights_0_1, 0)
    return layer_1, layer_1 @ weights_1_2


def backward(x, goal, layer_1, layer_2, weights_1_2):
    """Return the gradients of half the squared error for both tables of weights."""
    layer_2_delta = layer_2 - goal
    layer_1_delta = (layer_2_delta @ weights_1_2.T) * (layer_1 > 0)  # sent back; a relu that was off has no part
    return x.T @ layer_1_delta, layer_1.T @ layer_2_delta


def train(iterations=60, alpha=0.2):
    """Show the rows one by one; return the weights, and the error of each iteration."""
    weights_0_1, weights_1_2 = first_weights()
    errors = []
    for _ in range(iterations):
        error = 0.0
        for k in range(len(LIGHTS)):
            x, goal = LIGHTS[k : k + 1], WALK[k : k + 1]
            layer_1, layer_2 = forward(x, weights_0_1, weights_1_2)
            error += float(((layer_2 - goal) ** 2).sum())
            gradient_0_1, gradient_1_2 = backward(x, goal, layer_1, layer_2, weights_1_2)
            weights_1_2 -= alpha * gradient_1_2
            weights_0_1 -= alpha * gradient_0_1
        errors.append(error)
    return (weights_0_1, weights_1_2), errors


def by_autograd(x, goal, weights):
    """Return the same gradients: fastgrok records the forward pass, and goes back over it."""
    w01, w12 = (fastgrok.tensor(w, requires_grad=True) for w in weights)
    prediction = F.relu(fastgrok.from_numpy(x) @ w01) @ w12
    (((prediction - fastgrok.from_numpy(goal)) ** 2).sum() / 2).backward()
    return w01.grad.numpy(), w12.grad.numpy()


def by_trying(x, goal, weights, small=1e-6):
    """Return the gradient of the first table by finite differences: move each weight a little, and look."""

    def error(weights_0_1):
        return ((forward(x, weights_0_1, weights[1])[1] - goal) ** 2).sum() / 2

    gradient = np.zeros_like(weights[0])
    for place in np.ndindex(*gradient.shape):
        nudge = np.zeros_like(gradient)
        nudge[place] = small
        gradient[place] = (error(weights[0] + nudge) - error(weights[0] - nudge)) / (2 * small)
    return gradient


def main():
    """Train by hand, then compare gradients."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    (weights_0_1, weights_1_2), errors = train()
    for k in range(9, 60, 10):
        print(f"iteration {k}: error {errors[k]!r}")
    _, predictions = forward(LIGHTS, weights_0_1, weights_1_2)
    print("predictions", predictions.ravel().round(2), "for", WALK.ravel())

    weights = first_weights()
    layer_1, layer_2 = forward(LIGHTS, *weights)
    hand = backward(LIGHTS, WALK, layer_1, layer_2, weights[1])
    autograd = by_autograd(LIGHTS, WALK, weights)
    print("\nThe first gradient of the hidden layer, all four rows together, by hand:")
    print(hand[0].round(4))
    same = [np.allclose(ours, theirs, rtol=1e-12) for ours, theirs in zip(hand, autograd, strict=True)]
    print("autograd finds the same, for both tables:", same)
    print("so do finite differences:", np.allclose(by_trying(LIGHTS, WALK, weights), hand[0], atol=1e-8))

    collapsed = weights[0] @ weights[1]
    print("without relu two layers are just one:", np.allclose((LIGHTS @ weights[0]) @ weights[1], LIGHTS @ collapsed))


if __name__ == "__main__":
    main()

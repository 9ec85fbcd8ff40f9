"""Chapter 13: build automatic differentiation by hand, then use that of `fastgrok`.

A tensor remembers which tensors made it, and how a change of each would change it. Backpropagation then goes from the
loss back to the weights without anybody working it out by hand; the hand is in the operations, once and for all.

The book's `backward` counts for every tensor how many gradients are still to come. Operations that do not count go on
too early: of `x.tanh() + x` they lose a part. Here every tensor has a serial number, and the youngest goes first: then
all that was made from a tensor has had its turn before the tensor itself. The book's function calls itself for every
maker, so that Python gives up after some 250 time steps. And of `a + b` both gradients are one object there: `SGD`
moves `a` and sets it to zero, and `b` never moves. Here every tensor has a gradient of its own.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim


class Tensor:
    """An array that knows where it comes from; `makers` are pairs of a tensor and how its gradient follows."""

    made = 0

    def __init__(self, data, makers=()):
        self.data, self.makers, self.grad = np.asarray(data, float), makers, 0.0
        Tensor.made += 1
        self.serial = Tensor.made

    def backward(self):
        """Add to the gradient of every tensor that this one was made from."""
        self.grad, waiting = np.ones_like(self.data), {self}
        while waiting:
            tensor = max(waiting, key=lambda tensor: tensor.serial)
            waiting.remove(tensor)
            for maker, gradient in tensor.makers:
                maker.grad = maker.grad + gradient(tensor.grad)  # "+": a tensor may be used more than once
                waiting.add(maker)

    def __add__(self, other):
        return Tensor(self.data + other.data, [(self, lambda g: g), (other, lambda g: g)])

    def __sub__(self, other):
        return Tensor(self.data - other.data, [(self, lambda g: g), (other, lambda g: -g)])

    def __mul__(self, other):
        return Tensor(self.data * other.data, [(self, lambda g: g * other.data), (other, lambda g: g * self.data)])

    def __matmul__(self, other):
        makers = [(self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g)]
        return Tensor(self.data @ other.data, makers)

    def tanh(self):
        """Return the hyperbolic tangent; its slope is 1 - tanh(x)**2."""
        y = np.tanh(self.data)
        return Tensor(y, [(self, lambda g: g * (1 - y**2))])

    def sum(self):
        """Return the sum of all elements; each has a slope of 1."""
        return Tensor(self.data.sum(), [(self, lambda g: g * np.ones_like(self.data))])


INPUT, TARGET = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([[0], [1], [0], [1]], float)


def by_hand(w1, w2, steps):
    """Train two layers with gradients that somebody has worked out; return the losses."""
    losses = []
    for _ in range(steps):
        hidden = INPUT @ w1
        error = hidden @ w2 - TARGET
        losses.append((error**2).sum())
        d_error = 2 * error
        w1, w2 = w1 - 0.05 * INPUT.T @ (d_error @ w2.T), w2 - 0.05 * hidden.T @ d_error
    return losses


def with_our_tensor(w1, w2, steps):
    """Do the same with the class above."""
    losses, weights = [], [Tensor(w1), Tensor(w2)]
    for _ in range(steps):
        error = Tensor(INPUT) @ weights[0] @ weights[1] - Tensor(TARGET)
        loss = (error * error).sum()
        loss.backward()
        losses.append(float(loss.data))
        weights = [Tensor(weight.data - 0.05 * weight.grad) for weight in weights]
    return losses


def with_fastgrok(w1, w2, steps):
    """Do the same with the framework."""
    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False)).double()
    model.load_state_dict({"0.weight": fastgrok.tensor(w1.T.copy()), "1.weight": fastgrok.tensor(w2.T.copy())})
    losses, optimizer = [], optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(fastgrok.tensor(INPUT)), fastgrok.tensor(TARGET), reduction="sum")
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    """Check gradients where a tensor is used twice, then train one network in three ways."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    x = Tensor([1.0, 2.0])
    (x + x).sum().backward()
    print("slope of x + x:", x.grad)
    x = Tensor([1.0, 2.0])
    (x.tanh() + x).sum().backward()
    print("slope of tanh(x) + x:", x.grad.round(4), "should be", (2 - np.tanh(x.data) ** 2).round(4))

    np.random.seed(0)  # noqa: NPY002 - the book's weights
    w1, w2 = np.random.rand(2, 3), np.random.rand(3, 1)  # noqa: NPY002
    ways = [way(w1, w2, options.steps) for way in (by_hand, with_our_tensor, with_fastgrok)]
    print("loss by hand, with our Tensor, with fastgrok:")
    for losses in zip(*ways, strict=True):
        print(" ".join(f"{loss:.6f}" for loss in losses))


if __name__ == "__main__":
    main()

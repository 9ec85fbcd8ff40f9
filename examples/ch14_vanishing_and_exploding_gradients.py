"""Chapter 14: gradients that go back through many steps vanish or explode, and what helps.

Every step back multiplies the gradient by the same matrix and by the activation's slope. A sigmoid's slope is at most
1/4, so the product vanishes; with relu the slope is 1, and the matrix decides: its largest eigenvalue is 5 here, and so
the gradient grows five-fold with every step. The cell of an LSTM is multiplied by its forget gate alone. At first this
gate is half open, and about half of the gradient is left after each step; where the gate learns to stay open (or its
bias tells it to, as below), gradients last. Clipping keeps rare large ones from doing harm.

The book's relu part goes on from what the sigmoid part left behind, and so its first row is lost; here both parts
begin with the same activation.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn

WEIGHTS = np.array([[1.0, 4.0], [4.0, 1.0]])
START = 1 / (1 + np.exp(-np.array([1.0, 0.01])))
STEPS = 10


def by_hand(activate, slope):
    """Return the activations of ten steps, and the gradients on the way back, all (10, 2)."""
    activation, activations = START, []
    for _ in range(STEPS):
        activation = activate(activation @ WEIGHTS)
        activations.append(activation)
    gradient, gradients = np.ones(2), []
    for activation in reversed(activations):
        gradient = (slope(activation) * gradient) @ WEIGHTS.T
        gradients.append(gradient)
    return np.array(activations), np.array(gradients)


def automatic(activate):
    """Return the gradient that arrives at the beginning, (2,)."""
    start = fastgrok.tensor(START, requires_grad=True)
    activation = start
    for _ in range(STEPS):
        activation = activate(activation @ fastgrok.tensor(WEIGHTS))
    activation.sum().backward()
    return start.grad.numpy()


def reach(kind, steps=100, forget=0.0):
    """Return how large the gradient of the last output is at each input, from the last one back, (steps,)."""
    fastgrok.manual_seed(1)
    network = kind(16, 32)
    if forget:
        with fastgrok.no_grad():
            network.bias_ih_l0[32:64] += forget  # the gates i, f, g, o: the second says how much of the cell is kept
    inputs = fastgrok.randn(steps, 8, 16, requires_grad=True)
    network(inputs)[0][-1].sum().backward()
    return np.sqrt((inputs.grad.numpy() ** 2).sum(axis=(1, 2)))[::-1]


def draw(curves, path):
    """Draw the gradients by the number of steps they went back."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5))
    for name, sizes in curves.items():
        axes.semilogy(np.arange(1, len(sizes) + 1), np.where(sizes > 0, sizes, np.nan), label=name)  # float32 ends at 0
    axes.set_xlabel("steps back")
    axes.set_ylabel("size of the gradient")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    """Print the gradients of the two activations, then how far those of recurrent networks reach."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE", help="draw how gradients shrink and grow")
    options = parser.parse_args()
    fastgrok.manual_seed(1)
    parts = {
        "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda y: y * (1 - y), fastgrok.sigmoid),
        "relu": (lambda x: np.maximum(x, 0), lambda y: y > 0, nn.functional.relu),
    }
    curves = {}
    for name, (activate, slope, same) in parts.items():
        activations, gradients = by_hand(activate, slope)
        print(f"{name}: activations {activations[0].round(4)} ... {activations[-1].round(4)}")
        print("  gradients", " ".join(f"{gradient:.4g}" for gradient in gradients[:, 0]))
        print("  the same with fastgrok:", np.allclose(gradients[-1], automatic(same), rtol=1e-6, atol=0))
        curves[f"{name}, this matrix"] = gradients[:, 0]

    print("\nsize of the gradient, so many steps back:")
    for name, sizes in (
        ("RNN", reach(nn.RNN)),
        ("LSTM", reach(nn.LSTM)),
        ("LSTM told to keep its cell", reach(nn.LSTM, forget=3.0)),
    ):
        print(f"  {name}:", ", ".join(f"{steps} {sizes[steps - 1]:.1e}" for steps in (1, 10, 50)))
        curves[name] = sizes

    weight = nn.Parameter(fastgrok.zeros(2))
    weight.grad = fastgrok.tensor([3000.0, 4000.0])  # too long a step, in a direction that is right
    before = nn.utils.clip_grad_norm_([weight], max_norm=1.0).item()
    after = np.sqrt((weight.grad.numpy() ** 2).sum())
    print(f"\nclipped from {before:.0f} to {after:.2f}: {weight.grad.numpy().round(2)}")
    if options.plot:
        draw(curves, options.plot)


if __name__ == "__main__":
    main()

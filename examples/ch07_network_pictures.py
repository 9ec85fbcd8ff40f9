"""Chapter 7: how to picture a network, in your head and on paper.

What is learnt here: a network is layers and tables of weights between them, and as long as the sizes fit, one need not
think of single weights. Three pictures of the same network: a formula, a table (`fastgrok.utils.summary`), and, with
`--plot`, its nodes with a line for each weight, before and after it has learnt the streetlights of chapter 6.
"""

import argparse

import numpy as np

import fastgrok
from fastgrok import nn, optim
from fastgrok.training import fit
from fastgrok.training.history import load_matplotlib
from fastgrok.utils import summary

LIGHTS = [[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
WALK = [[1.0], [1.0], [0.0], [0.0]]


def formula(model):
    """Return the network as nested letters: W for a table of weights, x for the input."""
    text, tables = "x", 0
    for layer in model:
        if isinstance(layer, nn.Linear):
            text, tables = f"{text} W{tables}", tables + 1
        else:
            text = f"{type(layer).__name__.lower()}({text})"
    return text


def tables(model):
    """Return the weights of the linear layers, each (outputs, inputs)."""
    return [layer.weight.detach().numpy().copy() for layer in model if isinstance(layer, nn.Linear)]


def places(count):
    """Return heights for so many nodes, centred."""
    return (count - 1) / 2 - np.arange(count)


def draw_network(axes, weights, inputs, outputs):
    """Draw a column of nodes for each layer, and a line for each weight: red above 0, blue below, as thick as large."""
    sizes = [weights[0].shape[1], *(len(table) for table in weights)]
    largest = max(np.abs(table).max() for table in weights)
    for column, table in enumerate(weights):
        for i, j in np.ndindex(*table.shape):
            ends = places(sizes[column])[j], places(sizes[column + 1])[i]
            color = "C3" if table[i, j] > 0 else "C0"
            axes.plot([column, column + 1], ends, color=color, linewidth=5 * abs(table[i, j]) / largest, zorder=1)
    for column, size in enumerate(sizes):
        axes.scatter([column] * size, places(size), s=500, color="white", edgecolor="black", zorder=2)
    for names, column, side in ((inputs, 0, "right"), (outputs, len(sizes) - 1, "left")):
        for name, height in zip(names, places(len(names)), strict=True):
            axes.text(column + (-0.2 if side == "right" else 0.2), height, name, ha=side, va="center")
    axes.set(xlim=(-0.9, len(sizes) - 0.2), ylim=(-max(sizes) / 2 - 0.1, max(sizes) / 2 + 0.1))
    axes.axis("off")


def main():
    """Show a network in three ways."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--plot", metavar="FILE", help="draw the network into this file")
    options = parser.parse_args()
    fastgrok.manual_seed(1)  # of other seeds, about half end with relus that are off for all rows

    model = nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, bias=False))
    print("As a formula:", formula(model))
    print("\nAs a table, for four rows of streetlights at once:\n")
    print(summary(model, (4, 3)))
    before = tables(model)

    lights, walk = fastgrok.tensor(LIGHTS), fastgrok.tensor(WALK)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    run = fit(model, nn.functional.mse_loss, optimizer, [(lights, walk)], epochs=200, callbacks=[])
    if run.interrupted:  # by Ctrl-C, say: `fit` returns, and what is half learnt must not be reported
        raise KeyboardInterrupt(run.stopped)
    print(f"\nIt has learnt when to walk: {run.loss < 1e-3}, predictions", end=" ")
    with fastgrok.no_grad():
        print([round(value) for value in model(lights).flatten().tolist()])

    print("\nA larger one, the digits of chapter 8, is the same picture with other sizes:\n")
    print(summary(nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 10)), (100, 784)))

    if options.plot:
        Figure, Canvas = load_matplotlib()
        figure = Figure(figsize=(9, 4), layout="constrained")
        Canvas(figure)
        figure.suptitle("A line for each weight: red above 0, blue below, as thick as it is large")
        names = ("left light", "middle light", "right light"), ("walk",)
        for axes, weights, title in zip(
            figure.subplots(1, 2), (before, tables(model)), ("before: drawn at random", "after learning"), strict=True
        ):
            draw_network(axes, weights, *names)
            axes.set_title(title)
        figure.savefig(options.plot, dpi=110)


if __name__ == "__main__":
    main()

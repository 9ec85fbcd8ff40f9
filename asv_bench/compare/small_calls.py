"""Calls on arrays of 8 x 8, where what counts is the way to the operation and not the operation."""

import importlib
from collections.abc import Callable
from typing import Any


def make_small_calls(lib: Any) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Return by name what makes a call ready: a function without arguments to be timed."""
    nn, F, optim = (importlib.import_module(f"{lib.__name__}.{part}") for part in ("nn", "nn.functional", "optim"))
    x, row, ids, images = lib.randn(8, 8), lib.randn(8), lib.randint(0, 8, (8,)), lib.randn(2, 3, 8, 8)
    variable, steps, positive = lib.randn(8, 8, requires_grad=True), lib.randn(4, 2, 8), x > 0

    def backward(function: Callable[[], Any]) -> Callable[[], Callable[[], Any]]:
        return lambda: lambda: function().backward()

    def step(kind: Any) -> Callable[[], Any]:
        parameter = nn.Parameter(lib.randn(8, 8))
        parameter.grad = lib.randn(8, 8)
        return kind([parameter], lr=0.01).step

    def layer(module: Any, *arguments: Any) -> Callable[[], Callable[[], Any]]:
        return lambda: lambda: module(*arguments)

    linear = nn.Linear(8, 8)
    return {
        "x + x": lambda: lambda: x + x,
        "2 * x": lambda: lambda: 2 * x,
        "x / x": lambda: lambda: x / x,
        "x ** 2": lambda: lambda: x**2,
        "x @ x": lambda: lambda: x @ x,
        "x @ row": lambda: lambda: x @ row,
        "exp": lambda: lambda: x.exp(),
        "relu": lambda: lambda: F.relu(x),
        "sigmoid": lambda: lambda: x.sigmoid(),
        "GELU": lambda: lambda: F.gelu(x),
        "softmax": lambda: lambda: x.softmax(1),
        "clamp": lambda: lambda: x.clamp(-1, 1),
        "where": lambda: lambda: lib.where(positive, x, x),
        "x > 0": lambda: lambda: x > 0,
        "sum": lambda: lambda: x.sum(),
        "sum along rows": lambda: lambda: x.sum(1),
        "mean": lambda: lambda: x.mean(),
        "deviation": lambda: lambda: x.std(),
        "maximum along rows": lambda: lambda: x.max(1),
        "argmax along rows": lambda: lambda: x.argmax(1),
        "largest two": lambda: lambda: x.topk(2, 1),
        "sort": lambda: lambda: x.sort(1),
        "cat": lambda: lambda: lib.cat([x, x]),
        "stack": lambda: lambda: lib.stack([x, x]),
        "chunk": lambda: lambda: x.chunk(2),
        "reshape": lambda: lambda: x.reshape(64),
        "transpose": lambda: lambda: x.t(),
        "x[0]": lambda: lambda: x[0],
        "x[ids]": lambda: lambda: x[ids],
        "gather": lambda: lambda: x.gather(1, ids[:, None]),
        "one number": lambda: lambda: x[0, 0].item(),
        "tensor of three": lambda: lambda: lib.tensor([1.0, 2.0, 3.0]),
        "zeros": lambda: lambda: lib.zeros(8, 8),
        "randn": lambda: lambda: lib.randn(8, 8),
        "linear": layer(linear, x),
        "convolution": layer(nn.Conv2d(3, 4, 3), images),
        "pooling": layer(nn.MaxPool2d(2), images),
        "embedding": layer(nn.Embedding(8, 8), ids),
        "layer norm": layer(nn.LayerNorm(8), x),
        "batch norm": layer(nn.BatchNorm1d(8), x),
        "LSTM": layer(nn.LSTM(8, 8), steps),
        "LSTM cell": layer(nn.LSTMCell(8, 8), x),
        "attention": layer(nn.MultiheadAttention(8, 2), steps, steps, steps),
        "cross-entropy": lambda: lambda: F.cross_entropy(x, ids),
        "squared error": lambda: lambda: F.mse_loss(x, x),
        "linear, both passes": backward(lambda: linear(x).sum()),
        "three operations, both passes": backward(lambda: ((variable * 2 + 1) ** 2).mean()),
        "SGD": lambda: step(optim.SGD),
        "Adam": lambda: step(optim.Adam),
    }

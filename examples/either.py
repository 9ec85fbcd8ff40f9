"""What the four demonstrations share: one program for two libraries, `--library fastgrok` or `--library torch`.

The libraries differ in their name only. So that their losses can be compared number by number, initial weights and the
order of the batches come from NumPy, and both libraries get the same.
"""

import argparse
import importlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SHOWN = 20  # the losses of so many steps are printed one by one


def arguments(description: str, epochs: int = 1, steps: int = sys.maxsize) -> argparse.Namespace:
    """Read the options of a demonstration; `package` becomes the library itself."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--library", dest="package", choices=("fastgrok", "torch"), default="fastgrok")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--steps", type=int, default=steps, help="stop after so many steps")
    parser.add_argument("--dropout", type=float, default=0.0, help="0, so that both libraries calculate the same")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--data", type=Path, default=os.environ.get("FASTGROK_DATA_DIR", "data"), help="folder of data")
    options = parser.parse_args()
    options.package = importlib.import_module(options.package)
    options.package.set_num_threads(options.threads)
    options.package.manual_seed(options.seed)
    return options


def read(path: Path) -> bytes:
    """Return a file's content, or end the program and say what is missing."""
    try:
        return path.read_bytes()
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}; --data names the folder that holds {path.parent.name}/{path.name}")


def set_weights(library: Any, model: Any, seed: int) -> None:
    """Draw all matrices uniformly from [-1/sqrt(inputs), 1/sqrt(inputs)), and set all biases to 0."""
    generator = np.random.default_rng(seed)
    with library.no_grad():
        for name, parameter in model.named_parameters():
            shape = tuple(parameter.shape)
            if len(shape) > 1:
                bound = 1 / math.sqrt(math.prod(shape[1:]))
                drawn = generator.uniform(-bound, bound, shape).astype(np.float32)
                parameter.copy_(library.from_numpy(drawn))
            elif "bias" in name:
                parameter.zero_()


def shuffled(count: int, batch_size: int, seed: int, epochs: int) -> Iterator[np.ndarray]:
    """Yield the numbers 0 .. count - 1 in batches, in a new order every epoch; what fills no batch is left out."""
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(count)
        for first in range(0, count - batch_size + 1, batch_size):
            yield order[first : first + batch_size]


def train(options: argparse.Namespace, model: Any, batches: Iterable, loss: Callable, lr: float) -> None:
    """Make one step of Adam per batch, gradients clipped to norm 1; print losses and the time."""
    library = options.package
    optimizer = library.optim.Adam(model.parameters(), lr=lr)
    model.train()
    recent: list[float] = []
    began, step = time.perf_counter(), 0
    for step, batch in zip(range(1, options.steps + 1), batches, strict=False):
        optimizer.zero_grad()
        value = loss(model, batch)
        value.backward()
        library.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent.append(value.item())
        if step <= SHOWN:
            print(f"step {step}: loss {recent[-1]:.6f}", flush=True)
        elif step % 100 == 0:
            print(f"step {step}: loss {sum(recent) / len(recent):.4f} on average", flush=True)
            recent.clear()
    print(f"{library.__name__}: {step} steps in {time.perf_counter() - began:.1f} s")
    model.eval()


def accuracy(options: argparse.Namespace, model: Any, batches: Iterable) -> float:
    """Print and return the share of targets that get the highest score; `batches` are pairs of inputs and targets."""
    right = total = 0
    with options.package.no_grad():
        for inputs, targets in batches:
            scores = model(*inputs) if isinstance(inputs, tuple) else model(inputs)
            right += (scores.argmax(-1) == targets).sum().item()
            total += targets.numel()
    print(f"{options.package.__name__}: accuracy {right / total:.4f} on {total:,} examples that it was not trained on")
    return right / total

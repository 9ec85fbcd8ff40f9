"""The book's own LSTM, on the book's own text: its classes from a clone of the book's repository, run as they are.

    git clone https://github.com/iamtrask/Grokking-Deep-Learning
    python -m asv_bench.compare --parts book --book Grokking-Deep-Learning

The first cell of the notebook about Shakespeare defines a framework in NumPy, in float64. A training step is what its
loop does with one batch: 25 steps of 16 streams through an LSTM of 512 units, losses added up, backward, SGD. fastgrok
does the same in float32 with the layers that one would use for it. Without a clone there is no such row.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ..benchmarks.workloads import Workload
from . import rounds
from .worker import serve, time_calls

B, T, H, RATE = 16, 25, 512, 0.05


class BookError(Exception):
    """The folder does not hold what a clone of the book's repository holds."""


def classes(folder: Path) -> dict[str, Any]:
    """Return the names that the first cell of the notebook defines."""
    for path in sorted(folder.glob("Chapter14*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        code = next(("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"), "")
        if "class LSTMCell" in code:
            names: dict[str, Any] = {"__name__": "book"}
            exec(compile(code, path.name, "exec"), names)
            return names
    raise BookError(f"{folder}: no notebook Chapter14*.ipynb that begins with a class LSTMCell")


def batches(folder: Path) -> tuple[np.ndarray, int]:
    """Return the text's characters as numbers, in streams (time, B), and how many different ones there are."""
    path = folder / "shakespear.txt"
    if not path.is_file():
        raise BookError(f"{path}: no such file")
    text = path.read_text("utf-8")
    numbers = {character: number for number, character in enumerate(sorted(set(text)))}
    ids = np.array([numbers[character] for character in text])
    return ids[: len(ids) // B * B].reshape(B, -1).T, len(numbers)


class TheirStep:
    """A training step with the book's classes."""

    def __init__(self, folder: Path):
        self.ids, V = batches(folder)
        self.book = classes(folder)
        self.embedding = self.book["Embedding"](vocab_size=V, dim=H)
        self.model = self.book["LSTMCell"](n_inputs=H, n_hidden=H, n_output=V)
        self.criterion = self.book["CrossEntropyLoss"]()
        parameters = self.model.get_parameters() + self.embedding.get_parameters()
        self.sgd = self.book["SGD"](parameters=parameters, alpha=RATE)
        self.hidden, self.at = self.model.init_hidden(batch_size=B), 0

    def __call__(self):
        tensor = self.book["Tensor"]
        hidden = tuple(tensor(part.data, autograd=True) for part in self.hidden)
        loss = None
        for t in range(self.at, self.at + T):
            seen = self.embedding.forward(input=tensor(self.ids[t], autograd=True))
            output, hidden = self.model.forward(input=seen, hidden=hidden)
            step_loss = self.criterion.forward(output, tensor(self.ids[t + 1], autograd=True))
            loss = step_loss if loss is None else step_loss + loss
        loss.backward()
        self.sgd.step()
        self.hidden = hidden
        self.at = (self.at + T) % (len(self.ids) - T - 1)
        return float(loss.data) / T


class OurStep(Workload):
    """The same with fastgrok."""

    def __init__(self, library: Any, folder: Path):
        super().__init__(library)
        self.ids, V = batches(folder)
        nn = self.nn
        self.embedding, self.lstm, self.out = nn.Embedding(V, H), nn.LSTM(H, H), nn.Linear(H, V, bias=False)
        self.sgd = library.optim.SGD(self.build(self.embedding, self.lstm, self.out), lr=RATE)
        self.state, self.at = None, 0

    def __call__(self):
        window = self.package.from_numpy(self.ids[self.at : self.at + T + 1].astype(np.int64))
        h, state = self.lstm(self.embedding(window[:-1]), self.state)
        self.state = tuple(part.detach() for part in state)
        self.at = (self.at + T) % (len(self.ids) - T - 1)
        loss = self.F.cross_entropy(self.out(h).reshape(T * B, -1), window[1:].reshape(-1)) * T
        return self.descend(self.sgd, loss) / T


def compare(
    start: rounds.Start,
    start_book: Callable[[], Any],
    folder: Path,
    count: int,
    seconds: float,
    steady: rounds.Steady = rounds.at_once,
) -> dict:
    """Time both in alternating rounds: {"fastgrok": seconds by round, "book": ...}."""
    found: dict = {"fastgrok": [], "book": []}
    for _ in range(count):
        with start("fastgrok") as ours, start_book() as theirs:

            def ask(ours: Any = ours, theirs: Any = theirs) -> tuple[float, float]:
                return (
                    ours.ask("book", folder=str(folder), seconds=seconds)["seconds"],
                    theirs.ask("time", seconds=seconds)["seconds"],
                )

            for name, taken in zip(found, steady(ask), strict=True):
                found[name].append(taken)
    return found


def ratio(found: dict) -> float:
    """The median of the rounds' ratios: the book's time over fastgrok's."""
    return median(theirs / ours for ours, theirs in zip(found["fastgrok"], found["book"], strict=True))


def time_ours(library: Any, folder: str, seconds: float) -> dict:
    """Return the seconds of a step with fastgrok."""
    return {"seconds": time_calls(OurStep(library, Path(folder)), seconds)}


def time_theirs(folder: Path, seconds: float) -> dict:
    """Return the seconds of a step with the book's classes."""
    return {"seconds": time_calls(TheirStep(folder), seconds)}


if __name__ == "__main__":
    serve(Path(sys.argv[1]), {"time": time_theirs})

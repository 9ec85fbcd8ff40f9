"""How much faster than with the book's classes? Usage code of chapters 14 and 15 with both, in turns, in one process.

    python tests/book/speed.py

The book's side is the emulation in reference.py, which does the same work as the book's classes: one copy per Tensor,
one product per layer and step. Both use as many threads as they are allowed to.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from book import reference

from fastgrok import book


def windows(b, cell, B, T, count, last, V=62, H=512):
    """Train on random characters; yield the seconds of each window, of wall clock and of the processor."""
    np.random.seed(0)
    draw = np.random.RandomState(1)
    embed, model = b.Embedding(V, H), getattr(b, cell)(H, H, V)
    optim = b.SGD(model.get_parameters() + embed.get_parameters(), alpha=0.01)
    hidden = model.init_hidden(B)
    for _ in range(count):
        inputs, targets = draw.randint(0, V, (2, T, B))
        start = time.perf_counter(), time.process_time()
        if isinstance(hidden, tuple):
            hidden = tuple(b.Tensor(state.data, autograd=True) for state in hidden)
        else:
            hidden = b.Tensor(hidden.data, autograd=True)
        losses = []
        for t in range(T):
            output, hidden = model.forward(embed.forward(b.Tensor(inputs[t], autograd=True)), hidden)
            loss = output.cross_entropy(b.Tensor(targets[t], autograd=True))
            losses.append(loss if last or not losses else loss + losses[-1])
        losses[-1].backward()
        optim.step()
        yield time.perf_counter() - start[0], time.process_time() - start[1]


def spam(b, count, V=50_000):
    """Backward passes and steps of chapter 15: 500 mails of 500 words."""
    np.random.seed(0)
    draw = np.random.RandomState(1)
    model, criterion = b.Embedding(V, 1), b.MSELoss()
    optim = b.SGD(model.get_parameters(), alpha=0.01)
    target = b.Tensor(draw.randint(0, 2, (500, 1)), autograd=True)
    for _ in range(count):
        words = b.Tensor(draw.randint(0, V, (500, 500)), autograd=True)
        loss = criterion.forward(model.forward(words).sum(1).sigmoid(), target)
        start = time.perf_counter(), time.process_time()
        loss.backward()
        optim.step()  # where the rows that a mail names are added up
        yield time.perf_counter() - start[0], time.process_time() - start[1]


JOBS = {
    "chapter 14, LSTM: a batch of 16 x 25, H = 512": lambda b, n: windows(b, "LSTMCell", 16, 25, n, last=False),
    "chapter 14, RNN: a batch of 32 x 16, H = 512": lambda b, n: windows(b, "RNNCell", 32, 16, n, last=True),
    "chapter 15: backward and step, 500 x 500 words": spam,
}


def main(rounds=2):
    """Print the least time of each side, and the ratio."""
    for name, job in JOBS.items():
        best = np.full((2, 2), np.inf)
        for _ in range(rounds):
            for side, (b, count) in enumerate(((book, 10), (reference, 2))):
                best[side] = np.minimum(best[side], np.min(list(job(b, count)), axis=0))
        (ours, our_cpu), (theirs, their_cpu) = best * 1e3
        print(f"{name:46} {theirs:8.1f} ms -> {ours:7.1f} ms   {theirs / ours:5.1f} times", end="")
        print(f"   (processor: {their_cpu:8.1f} -> {our_cpu:7.1f} ms, {their_cpu / our_cpu:5.1f} times)", flush=True)


if __name__ == "__main__":
    main()

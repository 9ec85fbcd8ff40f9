"""How time grows with the sizes: of one window with batch, steps, hidden units, vocabulary, layers; with the text."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from . import rounds
from .process import WorkerError

BASE = {"B": 32, "T": 32, "V": 65, "E": 64, "H": 128, "L": 1}
SWEEPS = {
    "B": (8, 16, 32, 64, 128),
    "T": (8, 16, 32, 64, 128),
    "H": (64, 128, 256, 512),
    "V": (32, 128, 512, 2048),
    "L": (1, 2, 3, 4),
}
"""The sizes of a language model that change one at a time, from `BASE`."""
LENGTHS = (20_000, 80_000, 320_000)
"""Characters of a text."""
WORDS = {"B": "batch", "T": "time steps", "H": "hidden units", "V": "vocabulary", "L": "layers"}
LINEAR = ("B", "T", "L")
"""What time should grow linearly with; with H it is quadratic, and V is a small part of it."""


def sweep(
    start: rounds.Start,
    count: int,
    seconds: float,
    report: Callable[[str], None] = print,
    steady: rounds.Steady = rounds.at_once,
) -> dict:
    """Time a training step at all sizes: {letter: {"sizes": [...], library: seconds by size and round}}."""
    found = {
        letter: {"sizes": list(sizes), **{library: [[] for _ in sizes] for library in rounds.LIBRARIES}}
        for letter, sizes in SWEEPS.items()
    }
    for number in range(count):
        order = rounds.LIBRARIES if number % 2 == 0 else rounds.LIBRARIES[::-1]
        with start(order[0]) as first, start(order[1]) as second:
            for letter, sizes in SWEEPS.items():
                for position, size in enumerate(sizes):
                    asked = {"row": "lm-lstm-B32-T16-H512", "seconds": seconds, **BASE, letter: size}
                    pair = steady(lambda asked=asked: [worker.ask("time", **asked) for worker in (first, second)])
                    for worker, reply in zip((first, second), pair, strict=True):
                        found[letter][worker.package][position].append(reply["seconds"])
                report(f"growth, round {number + 1}: {WORDS[letter]}")
    return found


def lengths(
    start: rounds.Start,
    count: int,
    report: Callable[[str], None] = print,
    steady: rounds.Steady = rounds.at_once,
) -> dict:
    """Time epochs over texts: {"sizes": [...], "fastgrok": seconds per character by length and round}."""
    found: dict = {"sizes": list(LENGTHS), "fastgrok": [[] for _ in LENGTHS]}
    with start("fastgrok") as worker:
        worker.ask("epoch", characters=LENGTHS[0])  # loads or compiles the kernels
        for number in range(count):
            for position, characters in enumerate(LENGTHS):
                seconds = steady(lambda n=characters: worker.ask("epoch", characters=n))["seconds"]
                found["fastgrok"][position].append(seconds / characters)
            report(f"growth, round {number + 1}: length of the text")
    return found


def epoch(library: Any, characters: int) -> dict:
    """Time one epoch over a text, from its characters on: vocabulary, ids, batches, steps."""
    from fastgrok.data import CharacterVocabulary, ContiguousBatches

    from ..benchmarks.workloads import LanguageModel

    letters = np.frombuffer(bytes(range(33, 33 + BASE["V"])), np.uint8)
    text = np.random.default_rng(0).choice(letters, characters).tobytes().decode("ascii")
    work = LanguageModel(library, **BASE)
    began = time.perf_counter()
    vocabulary = CharacterVocabulary.from_text(text)
    for x, y in ContiguousBatches(vocabulary.encode(text), BASE["B"], BASE["T"]):
        work.x, work.y = x, y.reshape(-1)
        work()
    return {"seconds": time.perf_counter() - began}


def by_threads(
    names: list[str],
    threads: int,
    start: rounds.Start,
    count: int,
    seconds: float,
    steady: rounds.Steady = rounds.at_once,
) -> dict:
    """Time rows on one thread and on all, with fastgrok: {row: {"1": seconds by round, "2": ...} or {"error": why}}."""
    found: dict = {name: {"1": [], str(threads): []} for name in names}
    for number in range(count):
        for name in names:
            with start("fastgrok") as worker:
                try:
                    order = (1, threads) if number % 2 == 0 else (threads, 1)
                    asked = {"row": name, "seconds": seconds}
                    replies = steady(lambda o=order, a=asked: [worker.ask("time", **a, threads=n) for n in o])
                    for n, reply in zip(order, replies, strict=True):
                        if "error" not in found[name]:
                            found[name][str(n)].append(reply["seconds"])
                except WorkerError as error:
                    found[name] = {"error": str(error)}
    return found


def deviation_from_a_line(sizes: list[float], seconds: list[float]) -> float:
    """How far the worst point lies from the straight line a + b x that is closest to all, relative to the point."""
    x, y = np.asarray(sizes, float), np.asarray(seconds, float)
    line = np.polynomial.Polynomial.fit(x, y, 1, w=1 / y)
    return float(np.abs(line(x) / y - 1).max())

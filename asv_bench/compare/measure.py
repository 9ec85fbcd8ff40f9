"""A run: its parts one after the other, gathered in one dictionary, which is what results.json holds."""

import argparse
import contextlib
import datetime
import functools
import sys
from collections.abc import Callable

from . import book, claims, growth, limits, machine, rounds, yardstick
from .process import Worker, WorkerError

PARTS = ("rows", "memory", "limits", "threads", "growth", "book")
FEW = 3  # rounds of what is a curve, not a verdict


def measure(options: argparse.Namespace, save: Callable[[dict], None] = lambda results: None) -> dict:
    """Return everything that was asked for; `save` is called with what there is after every part.

    A part that fails is noted under "failed". Raises `WorkerError` when a library cannot be loaded at all.
    """
    start = functools.partial(_start, options=options)
    results: dict = {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(options.avx2),
        "versions": {},
        "threads": options.threads,
        "rounds": options.rounds,
        "rows": {},
        "failed": {},
    }
    for library in rounds.LIBRARIES:
        with start(library) as worker:
            results["versions"].update(worker.ask("versions"))
    with contextlib.ExitStack() as stack:
        look = yardstick.looking(stack, functools.partial(yardstick.start, options.threads))
        steady = yardstick.Steady(look, options.patience)
        for part in options.parts:
            steady.renew()
            try:
                results.update(_MEASURED[part](options, start, steady))
            except WorkerError as error:
                results["failed"][part] = str(error)
                print(f"{part}: {error}", file=sys.stderr)
            results["steady"] = steady.summary()
            save(results)
    return results


def _start(library: str, options: argparse.Namespace) -> Worker:
    python = options.torch_python if library == "torch" else sys.executable
    return Worker(library, options.threads, python, avx2=options.avx2)


def _rows(options: argparse.Namespace, start: rounds.Start, steady: rounds.Steady) -> dict:
    return {"rows": rounds.collect(rounds.time_rows(options.names, start, options.rounds, options.seconds, steady))}


def _memory(options: argparse.Namespace, start: rounds.Start, steady: rounds.Steady) -> dict:
    return {"memory": rounds.peak_memory(options.names, start)}


def _limits(options: argparse.Namespace, start: rounds.Start, steady: rounds.Steady) -> dict:
    return {"limits": limits.collect(start, options.threads, options.rounds, options.seconds, steady)}


def _threads(options: argparse.Namespace, start: rounds.Start, steady: rounds.Steady) -> dict:
    names = [name for name in options.names if claims.thread_goal(name)]
    if options.threads == 1 or not names:
        return {}
    return {"by_threads": growth.by_threads(names, options.threads, start, options.rounds, options.seconds, steady)}


def _growth(options: argparse.Namespace, start: rounds.Start, steady: rounds.Steady) -> dict:
    few = min(options.rounds, FEW)
    sweeps = growth.sweep(start, few, options.seconds, steady=steady)
    return {"growth": {**sweeps, "length": growth.lengths(start, few, steady=steady)}}


def _book(options: argparse.Namespace, start: rounds.Start, steady: rounds.Steady) -> dict:
    folder = options.book.resolve()
    start_book = functools.partial(Worker, str(folder), options.threads, module="asv_bench.compare.book")
    return {"book": book.compare(start, start_book, folder, min(options.rounds, FEW), options.seconds, steady)}


_MEASURED = dict(zip(PARTS, (_rows, _memory, _limits, _threads, _growth, _book), strict=True))

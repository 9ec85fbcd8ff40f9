"""Measure fastgrok beside PyTorch; write results.json, the README's table and the plots from the one run."""

import argparse
import datetime
import functools
import json
import os
import sys
from pathlib import Path

from ..benchmarks.workloads import ROWS
from . import book, claims, growth, limits, machine, plots, rounds, table
from .process import Worker, WorkerError

PARTS = ("rows", "memory", "limits", "threads", "growth")
FEW = 3  # rounds of what is a curve, not a verdict


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m asv_bench.compare", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ROW", help="rows that begin so; without any, all of them")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="to warm up a row, and again to measure it")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--parts", nargs="+", choices=[*PARTS, "book"], help="what to measure; without it everything")
    parser.add_argument("--memory", action="store_const", const=["memory"], dest="parts", help="peak memory alone")
    parser.add_argument("--from", dest="source", type=Path, metavar="RESULTS", help="measure nothing, draw these again")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for results.json and the plots")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="write the table between the markers of this file")
    parser.add_argument("--book", type=Path, metavar="FOLDER", help="a clone of the book's repository, see book.py")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PATH", help="the Python that has PyTorch")
    options = parser.parse_args(words)
    if options.rounds < 1 or options.threads < 1 or not options.seconds > 0:
        parser.error("--rounds, --threads and --seconds have to be positive")
    options.names = [name for name in ROWS if name.startswith(tuple(options.names) or "")]
    if not options.names:
        parser.error(f"no such row; there are: {', '.join(ROWS)}")
    if options.readme and not options.source and (len(options.names) < len(ROWS) or options.parts):
        parser.error("--readme wants a run of all rows and all parts: its table comes from one run")
    if options.parts and "book" in options.parts and not options.book:
        parser.error("the part book wants --book FOLDER, a clone of the book's repository")
    if not options.parts:
        # A look at some rows is no run of everything.
        everything = len(options.names) == len(ROWS)
        options.parts = [*(PARTS if everything else PARTS[:2]), *(["book"] if options.book else [])]
    return options


def start(library: str, options: argparse.Namespace) -> Worker:
    """Start a worker with the Python and the threads of the options."""
    python = options.torch_python if library == "torch" else sys.executable
    return Worker(library, options.threads, python)


def measure(options: argparse.Namespace) -> dict:
    """Return everything that was asked for, as it will stand in results.json."""
    begin = functools.partial(start, options=options)
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(),
        "versions": {},
        "threads": options.threads,
        "rounds": options.rounds,
        "rows": {},
    }
    for library in rounds.LIBRARIES:
        with begin(library) as worker:
            results["versions"].update(worker.ask("versions"))
    if "rows" in options.parts:
        results["rows"] = rounds.collect(rounds.time_rows(options.names, begin, options.rounds, options.seconds))
    if "memory" in options.parts:
        results["memory"] = rounds.peak_memory(options.names, begin)
    if "limits" in options.parts:
        results["limits"] = limits.collect(begin, options.threads, options.rounds, options.seconds)
    if "threads" in options.parts and options.threads > 1:
        names = [name for name in options.names if claims.thread_goal(name)]
        results["by_threads"] = growth.by_threads(names, options.threads, begin, options.rounds, options.seconds)
    few = min(options.rounds, FEW)
    if "growth" in options.parts:
        results["growth"] = growth.sweep(begin, few, options.seconds)
        results["growth"]["length"] = growth.lengths(begin, few)
    if "book" in options.parts:
        results["book"] = _book(options, begin, few)
    return results


def _book(options: argparse.Namespace, begin: rounds.Start, count: int) -> dict:
    folder = options.book.resolve()
    begin_book = functools.partial(Worker, str(folder), options.threads, module="asv_bench.compare.book")
    return book.compare(begin, begin_book, folder, count, options.seconds)


def _pictures(options: argparse.Namespace) -> str | None:
    """Return where the plots lie, as seen from the page that shows them."""
    if not options.readme or not options.out:
        return None
    return Path(os.path.relpath(options.out, options.readme.resolve().parent)).as_posix()


def main(words: list[str] | None = None) -> int:
    """Measure or read, then write. Returns 1 when a row failed, 2 when a library cannot be loaded."""
    options = arguments(words)
    try:
        results = json.loads(options.source.read_text("utf-8")) if options.source else measure(options)
    except WorkerError as error:
        print(error, file=sys.stderr)
        return 2
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        plots.draw(results, options.out)
    text = table.section(results, _pictures(options))
    print(f"\n{text}")
    if options.readme:
        table.write_into(options.readme, text)
    parts = (results["rows"], results.get("memory", {}), results.get("by_threads", {}))
    return int(any("error" in row for part in parts for row in part.values()))


if __name__ == "__main__":
    sys.exit(main())

"""Measure fastgrok beside PyTorch; write results.json, the README's table and the plots from the one run."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from ..benchmarks.workloads import ROWS
from . import machine, plots, table
from .measure import PARTS, measure
from .process import WorkerError

_PATIENCE = "to spend in each part on waiting for a steady machine and on measuring again, see yardstick.py"


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m asv_bench.compare", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ROW", help="rows that begin so; without any, all of them")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="to warm up a row, and again to measure it")
    parser.add_argument("--patience", type=float, default=300, metavar="SECONDS", help=_PATIENCE)
    parser.add_argument("--threads", type=int, default=machine.cores(), help="without it, one per core")
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="what to measure; without it everything")
    parser.add_argument("--memory", action="store_const", const=["memory"], dest="parts", help="peak memory alone")
    parser.add_argument("--from", dest="source", type=Path, metavar="RESULTS", help="measure nothing, draw these again")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for results.json and the plots")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="write the table between the markers of this file")
    parser.add_argument("--avx2", action="store_true", help="limit both libraries to AVX2, on a machine with AVX-512")
    parser.add_argument("--book", type=Path, metavar="FOLDER", help="a clone of the book's repository, see book.py")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PATH", help="the Python that has PyTorch")
    options = parser.parse_args(words)
    if options.rounds < 1 or options.threads < 1 or not options.seconds > 0 or not options.patience >= 0:
        parser.error("--rounds, --threads and --seconds have to be positive, --patience at least 0")
    options.names = [name for name in ROWS if name.startswith(tuple(options.names) or "")]
    if not options.names:
        parser.error(f"no such row; there are: {', '.join(ROWS)}")
    if options.readme and not options.source and (len(options.names) < len(ROWS) or options.parts):
        parser.error("--readme wants a run of all rows and all parts: its table comes from one run")
    if options.avx2 and platform.machine().lower() not in ("x86_64", "amd64"):
        parser.error(f"--avx2 limits x86 processors, this is {platform.machine()}")
    if options.avx2 and options.readme:
        parser.error("--readme wants a run of the machine as it is, without --avx2")
    if options.parts and "book" in options.parts and not options.book:
        parser.error("the part book wants --book FOLDER, a clone of the book's repository")
    if not options.parts:
        # A look at some rows is no run of everything.
        everything = PARTS if len(options.names) == len(ROWS) else PARTS[:2]
        options.parts = [part for part in everything if part != "book" or options.book]
    return options


def _pictures(options: argparse.Namespace) -> str | None:
    """Return where the plots lie, as seen from the page that shows them."""
    if not options.readme or not options.out:
        return None
    return Path(os.path.relpath(options.out, options.readme.resolve().parent)).as_posix()


def main(words: list[str] | None = None) -> int:
    """Measure or read, then write. Returns 1 when a row or a part failed, 2 when a library cannot be loaded."""
    options = arguments(words)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    try:
        results = json.loads(options.source.read_text("utf-8")) if options.source else measure(options, _save(options))
    except WorkerError as error:
        print(error, file=sys.stderr)
        return 2
    if options.out:
        _save(options)(results)
        plots.draw(results, options.out)
    text = table.section(results, _pictures(options))
    print(f"\n{text}")
    if options.readme:
        table.write_into(options.readme, text)
    parts = (results["rows"], results.get("memory", {}), results.get("by_threads", {}))
    return int(bool(results.get("failed")) or any("error" in row for part in parts for row in part.values()))


def _save(options: argparse.Namespace) -> Callable[[dict], None]:
    """Return what writes results.json, if it is wanted."""

    def save(results: dict) -> None:
        if options.out:
            (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")

    return save


if __name__ == "__main__":
    sys.exit(main())

"""Rounds: which process measures what, and when."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from statistics import median
from typing import Any

from ..benchmarks.workloads import ROWS
from .process import Worker, WorkerError

Start = Callable[[str], Worker]  # makes a worker for the library of that name
Steady = Callable[[Callable[[], Any]], Any]  # calls a measurement, perhaps more than once; see yardstick.py
LIBRARIES = ("fastgrok", "torch")
AGREE = 1e-4


def at_once(measurement: Callable[[], Any]) -> Any:
    """Call a measurement, whatever the machine does meanwhile."""
    return measurement()


def time_rows(
    names: Iterable[str], start: Start, rounds: int, seconds: float, steady: Steady = at_once
) -> Iterator[tuple[int, str, dict]]:
    """Yield the number of the round, the row and what was measured, or {"error": why not}.

    Measured are the seconds of each library, {"fastgrok": ..., "torch": ...}, and `flops`, the operations in the
    products of one call; `discarded` are seconds that do not count. A worker that died is replaced for the next row.
    """
    for number in range(rounds):
        with contextlib.ExitStack() as stack:
            workers: dict[str, Worker] = {}
            for name in names:
                for library in LIBRARIES:
                    if library not in workers or not workers[library].alive:
                        workers[library] = stack.enter_context(start(library))
                order = LIBRARIES if number % 2 == 0 else LIBRARIES[::-1]
                yield number, name, _one_row(name, [workers[library] for library in order], seconds, steady)


def _one_row(name: str, workers: list[Worker], seconds: float, steady: Steady) -> dict:
    tries = []

    def ask() -> dict[str, dict]:
        tries.append({worker.package: worker.ask("time", row=name, seconds=seconds) for worker in workers})
        return tries[-1]

    try:
        replies = steady(ask)
    except WorkerError as error:
        return {"error": str(error)}
    ours, theirs = (replies[library]["first"] for library in LIBRARIES)
    if not ROWS[name].random and not abs(ours - theirs) <= AGREE * max(1.0, abs(theirs)):
        return {"error": f"the first results differ: {ours:.7g} and {theirs:.7g}"}
    return {
        **{library: replies[library]["seconds"] for library in LIBRARIES},
        "flops": replies["fastgrok"]["flops"],
        "discarded": [{library: each[library]["seconds"] for library in LIBRARIES} for each in tries[:-1]],
    }


def collect(measured: Iterable[tuple[int, str, dict]], report: Callable[[str], None] = print) -> dict:
    """Gather rounds: for each row lists of seconds by library, `flops`, `discarded`; or {"error": the first one}."""
    rows: dict[str, dict] = {}
    for number, name, result in measured:
        row = rows.setdefault(name, {library: [] for library in LIBRARIES})
        if "error" in result:
            rows[name] = row = {"error": row.get("error", result["error"])}
        elif "error" not in row:
            for library in LIBRARIES:
                row[library].append(result[library])
            row["flops"] = result["flops"]
            row["discarded"] = row.get("discarded", []) + result.get("discarded", [])
        report(f"round {number + 1}: {name:26} {describe(row)}")
    return rows


def describe(row: dict) -> str:
    """One row so far, in words."""
    if "error" in row:
        return row["error"]
    ours, theirs = (median(row[library]) * 1e3 for library in LIBRARIES)
    return f"{ours:9.3f} ms {theirs:9.3f} ms {ratio(row):6.2f}"


def ratios(row: dict) -> list[float]:
    """PyTorch's time over fastgrok's, round by round: above 1, fastgrok is faster."""
    return [theirs / ours for ours, theirs in zip(row["fastgrok"], row["torch"], strict=True)]


def ratio_with_discarded(row: dict) -> float:
    """The median ratio, were all measurements counted."""
    return median(ratios(row) + [each["torch"] / each["fastgrok"] for each in row.get("discarded", [])])


def ratio(row: dict) -> float:
    """The median of the rounds' ratios, which need not be the ratio of the medians."""
    return median(ratios(row))


def peak_memory(names: Iterable[str], start: Start, report: Callable[[str], None] = print) -> dict:
    """The peak memory of a process that does nothing but one row, in MB: {row: {library: MB} or {"error": why}}."""
    rows: dict[str, dict] = {}
    for name in names:
        rows[name] = {}
        try:
            for library in LIBRARIES:
                with start(library) as worker:
                    rows[name][library] = worker.ask("memory", row=name)["megabytes"]
        except WorkerError as error:
            rows[name] = {"error": str(error)}
        report(f"memory: {name:26} {' '.join(_megabytes(value) for value in rows[name].values())}")
    return rows


def _megabytes(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:7.1f} MB"

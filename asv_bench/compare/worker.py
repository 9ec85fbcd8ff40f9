"""The process that measures one library: requests come as lines of JSON, and each is answered by one line.

    python -m asv_bench.compare.worker torch 2
    {"task": "time", "row": "matmul-512", "seconds": 0.3}

A first line says that it is ready. Only that and the answers go to standard output; what libraries print goes to
standard error, where the parent looks when this process dies.
"""

import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from ..benchmarks.workloads import ROWS


def time_calls(call: Callable[[], Any], seconds: float, least: int = 5) -> float:
    """Return the seconds that a fifth of the calls stay below, after as long a time to warm up.

    Interruptions only ever add time: the fast end of the distribution is the work, the slow end the machine. The very
    fastest call is not taken either, because with a few calls it is luck.
    """
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        call()
    taken: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() < began + seconds or len(taken) < least:
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.quantiles(taken, n=5)[0]


def time_row(library: Any, row: str, seconds: float, threads: int | None = None, **sizes: int) -> dict:
    """Return the seconds of one call of a row, the number that the first call returned, and the operations."""
    if threads:
        library.set_num_threads(threads)
    work = ROWS[row].build(library, **sizes)
    first = work()
    return {"seconds": time_calls(work, seconds), "first": first, "flops": work.flops()}


def peak_memory(library: Any, row: str, calls: int = 5) -> dict:
    """Return the most memory that this process ever held, in MB. Means something in a fresh process only."""
    work = ROWS[row].build(library)
    for _ in range(calls):
        work()
    return {"megabytes": _high_water_mark()}


def _high_water_mark() -> float:
    try:
        import resource
    except ImportError:
        raise NotImplementedError("peak memory is not measured on Windows") from None
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / 2**20 if sys.platform == "darwin" else size / 2**10


def versions(library: Any) -> dict:
    """Return the versions of the library and of what it stands on."""
    import numpy

    found = {library.__name__: library.__version__, "numpy": numpy.__version__}
    if "numba" in sys.modules:
        found["numba"] = sys.modules["numba"].__version__
    return found


def answer(subject: Any, request: dict, tasks: dict[str, Callable[..., dict]]) -> dict:
    """Do a task; an exception is an answer as well, so that one missing feature does not end the run."""
    try:
        return tasks[request.pop("task")](subject, **request)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def serve(subject: Any, tasks: dict[str, Callable[..., dict]]) -> None:
    """Answer requests until there are no more. A task gets the subject and, by name, the rest of the request."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print("ready", file=replies, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(subject, json.loads(line), tasks)), file=replies, flush=True)


def main() -> None:
    """Serve with a library, on so many threads."""
    from . import book, growth, limits

    library = importlib.import_module(sys.argv[1])
    library.set_num_threads(int(sys.argv[2]))
    tasks = {
        "time": time_row,
        "memory": peak_memory,
        "versions": versions,
        "limits": limits.measure,
        "epoch": growth.epoch,
        "book": book.time_ours,
    }
    serve(library, tasks)


if __name__ == "__main__":
    main()

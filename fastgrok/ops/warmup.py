"""Compiling kernels ahead of their first use, on two cores.

What Numba compiles, it compiles on one core. A second process can take over a part: it goes through the same kernels
from the other end, and what it has done is found on disk. Nobody waits for it: a kernel that is not there yet, because
the other process is slow, is busy with just that one, or was killed, is compiled here as it would be without it.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

__all__ = ["LANGUAGE_MODEL", "helper", "start", "warmup"]

LANGUAGE_MODEL = (
    "adam_into", "sum_of_squares", "gates_backward_input", "gates_backward_table", "gates_backward_weight",
    "lstm_backward",
    "column_sums", "cross_entropy_with_gradient", "dropout_forward", "scale_into", "embedding_forward", "lstm_generate",
)  # fmt: skip
"""What the first step of a character LSTM takes, from its end to where the first process will have come by then; then
what later steps and a sample take."""


def warmup(progress: Callable[[str], None] | None = None) -> float:
    """Compile every kernel for float32 and keep the results on disk; return the seconds that took.

    Each kernel is called on all its cases, since small and large calls may compile different forms. `progress` is
    called with the name of each kernel before it is compiled. Kernels that are on disk are only loaded. Where two
    cores may be used, a second process compiles the last kernels meanwhile.
    """
    from fastgrok_kernels.table import KERNELS

    start = time.perf_counter()
    with helper(kernel.name for kernel in reversed(KERNELS)):
        for kernel in KERNELS:
            if progress is not None:
                progress(kernel.name)
            for case in kernel.cases:
                kernel.fast(*case.make(np.random.default_rng(0), np.dtype("float32")))
    return time.perf_counter() - start


@contextlib.contextmanager
def helper(names: Iterator[str] | tuple[str, ...]) -> Iterator[subprocess.Popen[bytes] | None]:
    """Let a second process compile kernels meanwhile, in the order of `names`; it ends with the block, or with us.

    Yields the process, or None where there is none: on a single core, where nothing is kept on disk or compiled, and
    where this program is not known to be Python, which is what would be started.
    """
    process = start(names)
    try:
        yield process
    finally:
        if process is not None:
            _stop(process)


def start(names: Iterator[str] | tuple[str, ...], typical: bool = False) -> subprocess.Popen[bytes] | None:
    """Start what `helper` describes; it ends when it is done, or with us.

    `typical` takes only a case of the sizes that are measured, large enough for threads.
    """
    from fastgrok_kernels import cache, jit

    if jit.DISABLED or jit.get_num_threads() == 1 or not cache.lasts(jit.cache_directory()):
        return None
    if not os.path.basename(sys.executable or "").lower().startswith("python"):
        return None
    code = f"import sys; sys.path[:] = {sys.path!r}; from fastgrok.ops.warmup import _help; _help()"
    arguments = [str(jit.get_num_threads()), "typical" if typical else "all", *names]
    quiet = {**os.environ, "FASTGROK_QUIET": "1", "FASTGROK_NUM_THREADS": ""}
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=quiet,
        )  # fmt: skip
    except OSError:  # no memory, no more processes
        return None
    threading.Thread(target=process.wait, daemon=True).start()  # so that none is left behind when it ends
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process: it has nothing to lose, files appear in the cache all at once."""
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def _help() -> None:
    """In the second process: compile what the command line names, as long as the first one lives."""
    from fastgrok_kernels import jit
    from fastgrok_kernels.table import KERNELS

    threading.Thread(target=_end_with_parent, daemon=True).start()
    jit.set_num_threads(int(sys.argv[1]))
    kernels = {kernel.name: kernel for kernel in KERNELS}
    for name in sys.argv[3:]:
        cases = [case for case in kernels[name].cases if case.bench or sys.argv[2] == "all"]
        for case in cases[:1] if sys.argv[2] == "typical" else cases:
            kernels[name].fast(*case.make(np.random.default_rng(0), np.dtype("float32")))


def _end_with_parent() -> None:
    """Wait for the other end of our input to be closed: by the first process, or by the system when that has gone."""
    with contextlib.suppress(OSError):
        os.read(0, 1)
    os._exit(0)

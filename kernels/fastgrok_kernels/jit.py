"""How kernels are compiled, cached and launched: every JIT decision of the package is made here.

A kernel module writes its loops with two decorators and nothing else of Numba's:

- `@jit.serial`: a helper, or, with `entry=True`, a loop that Python calls and that is not worth a second core;
- `@jit.parallel(work=...)`: a loop over `jit.prange`. The same body is compiled twice, serial and threaded; each
  call picks one by the amount of work. Both give the same bits, because every iteration owns what it writes.

Environment variables, read when this module is first loaded:

- `FASTGROK_NUM_THREADS`: threads to use (default: the cores this process may run on).
- `FASTGROK_CACHE_DIR`: where compiled kernels are kept; `FASTGROK_CACHE=0` keeps none.
- `FASTGROK_CHECK=1`: compile everything serial and with bounds checks, for hunting a bad index.
- `NUMBA_DISABLE_JIT=1`: run the kernels as plain Python, to step through them.
"""

import functools
import hashlib
import importlib.metadata
import os
import re
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numba
from numba import prange
from numba.core import event

from . import cache, pipeline

__all__ = ["CHECK", "DISABLED", "parallel", "prange", "serial"]

CHECK = os.environ.get("FASTGROK_CHECK", "0") not in ("", "0")
DISABLED = bool(numba.config.DISABLE_JIT)

# Only flags that keep NaN and infinity (a diverging loss must show) and that give a lane of a vector and a scalar of
# the remainder loop the same bits. Not `arcp` and `afn`: LLVM may estimate the reciprocal of a vector, not of a scalar.
FASTMATH = frozenset({"contract", "nsz"})

_PROCESS = secrets.token_hex(4)


# ---------------------------------------------------------------------------------------------------- compiling


def _compile(function, *, threaded=False, reassociate=False, inline=False, entry=True):
    """Decorate `function` for lazy compilation, with our flags; what Python calls is kept in our cache directory."""
    if DISABLED:
        return function
    flags = set(FASTMATH) | ({"reassoc"} if reassociate else set())
    options = {"nogil": True, "error_model": "numpy", "fastmath": flags, "no_cfunc_wrapper": True}
    if pipeline.KNOWN:
        options["pipeline_class"] = pipeline.Entry if entry else pipeline.Whole
    if CHECK:
        options["boundscheck"] = True
    elif threaded:
        options["parallel"] = True
    if inline:
        return numba.njit(forceinline=True, **options)(function)
    directory = cache_directory() if entry else None
    if directory is None:
        return numba.njit(**options)(function)
    # Numba reads its cache directory when a function is decorated; ours holds for our functions alone. Serial and
    # threaded forms of one body share name and bytecode, which is all that Numba's key sees, so they live apart.
    saved = numba.config.CACHE_DIR
    module = function.__module__.rpartition(".")[2]
    numba.config.CACHE_DIR = os.path.join(
        directory, f"{module}-{_source_hash(module)}", "threaded" if threaded else "serial"
    )
    try:
        compiled = numba.njit(cache=True, **options)(function)
        if pipeline.KNOWN:
            compiled._cache = pipeline.Kept(function)
        # Two processes that save at once may lose an entry of each other's index. They must not share the files that
        # the entries name, or one would run what the other compiled for other types.
        files = compiled._cache._cache_file
        files._data_name_pattern = files._data_name_pattern.removesuffix(".nbc") + f"-{_PROCESS}.nbc"
        return compiled
    except (OSError, RuntimeError):  # no place to write after all: compile anew in every process
        return numba.njit(**options)(function)
    finally:
        numba.config.CACHE_DIR = saved


def serial(function=None, *, entry=False, reassociate=False, inline=False):
    """Compile a loop or helper for one core.

    `entry` is for what Python calls: it is kept on disk. A helper becomes a part of every kernel that calls it (see
    pipeline.py). `inline` puts its instructions there, for helpers of a few of them. `reassociate` lets the compiler
    reorder float sums, so that a reduction is vectorised; use it only where the summation covers a fixed chunk, never
    one that depends on the number of threads.
    """
    if function is None:
        return functools.partial(serial, entry=entry, reassociate=reassociate, inline=inline)
    return _compile(function, reassociate=reassociate, inline=inline, entry=entry)


def parallel(*, work: Callable[..., float], reassociate=False):
    """Compile a `prange` loop twice, serial and threaded, and pick one per call.

    `work(*args)` estimates the serial running time of the call in nanoseconds.
    """

    def decorate(function):
        return functools.update_wrapper(_Parallel(function, work, reassociate), function)

    return decorate


class _Parallel:
    """A loop in two forms. Calling it launches the one that should be faster."""

    def __init__(self, function, work, reassociate):
        self.work = work
        self.serial = _compile(function, reassociate=reassociate)
        self.threaded = self.serial if CHECK or DISABLED else _compile(function, threaded=True, reassociate=reassociate)

    def __call__(self, *args):
        state = _state
        if state.threads == 1 or self.work(*args) < state.worth_threading:
            return self.serial(*args)
        if state.lock is None and state.applied.threads == state.threads:
            return self.threaded(*args)
        return launch(self.threaded, *args)


@functools.cache
def cache_directory() -> str | None:
    """The directory of compiled kernels for this Numba, NumPy and set of flags; None when nothing is to be kept."""
    if os.environ.get("FASTGROK_CACHE", "1") == "0":
        return None
    versions = (importlib.metadata.version("numba"), importlib.metadata.version("numpy"), sorted(FASTMATH), CHECK)
    return cache.private_directory(hashlib.sha256(repr(versions).encode()).hexdigest()[:16])


def is_kept(module: str) -> bool:
    """Whether any kernel of a module, such as "lstm", is on disk already."""
    directory = cache_directory()
    return directory is not None and any(Path(directory, f"{module}-{_source_hash(module)}").rglob("*.nbc"))


@functools.cache
def _source_hash(module: str) -> str:
    """A hash of a kernel module and of all modules of this package that it imports, directly or not.

    Numba's own key sees the source of one function only, so a change in a helper would leave stale callers behind.
    """
    sources, waiting = {}, [module]
    while waiting:
        name = waiting.pop()
        path = Path(__file__).with_name(f"{name}.py")
        if name in sources or not path.is_file():
            continue
        sources[name] = path.read_bytes()
        for package, names in re.findall(rb"^from \.(\w*) import ([\w, ]+)", sources[name], re.MULTILINE):
            waiting += [package.decode()] if package else re.split(r"[ ,]+", names.decode())
    return hashlib.sha256(b"".join(sources[name] for name in sorted(sources))).hexdigest()[:16]


# ---------------------------------------------------------------------------------------------------- threads


class _Applied(threading.local):
    """What Numba was told in each Python thread."""

    threads = 0


class _State:
    """The process-wide choice of threads, and what the threading layer allows."""

    def __init__(self):
        self.most = 1 if CHECK or DISABLED else numba.config.NUMBA_NUM_THREADS
        self.threads = self.most
        self.worth_threading = 20e3  # ns: a launch costs a few microseconds
        self.lock = None  # taken around launches where the layer cannot run two at once
        self.layer = "none"
        self.applied = _Applied()


_state = _State()


def launch(threaded, *args):
    """Run a threaded loop under the current number of threads, one at a time where the layer demands it."""
    if _state.applied.threads != _state.threads:
        numba.set_num_threads(_state.threads)
        _state.applied.threads = _state.threads
        if _state.layer == "none":
            _start_threads()
    if _state.lock is None:
        return threaded(*args)
    with _state.lock:
        return threaded(*args)


def _start_threads():
    """Start Numba's threads and learn which layer it found."""
    from numba.np.ufunc.parallel import _launch_threads

    # A thread without work spins before it sleeps, in GNU OpenMP for 300,000 rounds. Beside other programs that costs
    # us the next time slice of the core: spin about as long as Python needs from one kernel to the next. 30,000 rounds
    # are 3 to 10 % quicker in steps of 1 to 2 ms on a quiet machine, and take twice as long beside one busy program.
    # The library reads its settings here, where it is loaded; a user's own stay.
    if os.environ.keys().isdisjoint(("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")):
        os.environ["GOMP_SPINCOUNT"] = "10000"
        _launch_threads()
        del os.environ["GOMP_SPINCOUNT"]
    else:
        _launch_threads()
    _state.layer = numba.threading_layer()
    if _state.layer == "workqueue":
        # It aborts the process when two Python threads launch at once, and wakes its workers through a condition
        # variable: measured 80 to 250 us per launch, against 1 to 5 us for OpenMP.
        _state.lock = threading.Lock()
        _state.worth_threading = 1e6


def _run_serial():
    """In the child of a fork: it has no threads but the forking one, and GNU OpenMP ends it when it wants others."""
    if _state.layer != "none":
        _state.most = _state.threads = 1
    _state.lock = threading.Lock() if _state.lock else None  # another thread may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_run_serial)


def threading_layer() -> str:
    """The name of Numba's threading layer in use: omp, tbb, workqueue, or none when everything runs serial."""
    if _state.layer == "none" and _state.most > 1:
        numba.set_num_threads(_state.threads)
        _start_threads()
    return _state.layer


def synchronises_quickly() -> bool:
    """Whether a parallel region per time step is cheap (OpenMP, TBB), or slices should run on their own (workqueue)."""
    return threading_layer() != "workqueue"


def get_num_threads() -> int:
    """The number of threads that kernels use."""
    return _state.threads


class ThreadsError(ValueError, TypeError, RuntimeError):
    """That is no number of threads. PyTorch raises the last two, here as there."""


def set_num_threads(n: int) -> None:
    """Use `n` threads in every kernel from now on.

    Raises `ThreadsError` unless 1 <= n; more than the machine offers is reduced to what it offers.
    Results do not depend on the number of threads.
    """
    if not isinstance(n, int) or n < 1:
        raise ThreadsError(f"set_num_threads: n={n!r}, expected a whole number of at least 1")
    _state.threads = min(int(n), _state.most)


if os.environ.get("FASTGROK_NUM_THREADS"):
    try:
        set_num_threads(int(os.environ["FASTGROK_NUM_THREADS"]))
    except ValueError:
        raise ValueError(
            f"FASTGROK_NUM_THREADS={os.environ['FASTGROK_NUM_THREADS']!r}, expected a whole number of at least 1"
        ) from None


# ---------------------------------------------------------------------------------------------------- telling the user


class _SayOnce(event.Listener):
    """Say that kernels are being compiled, the first time that one of ours is not found in the cache."""

    def __init__(self):
        self.said = os.environ.get("FASTGROK_QUIET", "0") not in ("", "0")

    def on_start(self, event):
        dispatcher = (event.data or {}).get("dispatcher")
        module = getattr(getattr(dispatcher, "py_func", None), "__module__", "") or ""
        if not self.said and module.startswith(__package__):
            self.said = True
            print(f"fastgrok: compiling kernels ({cache.how_long(cache_directory())})", file=sys.stderr, flush=True)

    def on_end(self, event):
        pass


if not DISABLED:
    event.register("numba:compile", _SayOnce())

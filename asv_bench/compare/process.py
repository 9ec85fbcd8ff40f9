"""The other end of a worker: start it, ask it, notice when it dies."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
MODULE = "asv_bench.compare.worker"
AVX2 = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+lzcnt,+movbe,+popcnt",  # the name alone keeps AVX-512
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
"""Settings that keep both libraries from using wider vectors than AVX2."""


class WorkerError(Exception):
    """A worker could not do what it was asked for, or died; the message says which and why."""


class Worker:
    """A process that measures one library, as a context manager. Once made it is ready, or has died.

    With `avx2` it uses no wider vectors than that.
    """

    def __init__(
        self, package: str, threads: int, python: str = sys.executable, module: str = MODULE, avx2: bool = False
    ):
        self.package = package
        self._said = tempfile.TemporaryFile("w+")
        paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "FASTGROK_QUIET": "1",
            "FASTGROK_NUM_THREADS": str(threads),
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
            **(AVX2 if avx2 else {}),
        }
        self._process = subprocess.Popen(
            [python, "-m", module, package, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip
        # Wait until its imports are done: beside what is measured next, PyTorch's took half of that one's time.
        self._process.stdout.readline()

    def ask(self, task: str, **arguments: object) -> dict:
        """Return the answer to one request.

        Raises `WorkerError` when the worker fails or dies.
        """
        try:
            self._process.stdin.write(json.dumps({"task": task, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise WorkerError(f"{self.package}: the worker died{self._last_words()}")
        reply = json.loads(line)
        if "error" in reply:
            raise WorkerError(f"{self.package}: {reply['error']}")
        return reply

    def _last_words(self) -> str:
        code = self._process.wait()
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        return f" (exit status {code}): {lines[-1][:200]}" if lines else f" (exit status {code})"

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(BrokenPipeError):  # of a request that a dead process never read
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

"""The rows of the comparison with PyTorch, fastgrok alone: time and peak memory."""

import functools
import os

from .workloads import ROWS


@functools.cache
def _work(name):
    """Return a workload after its first call, which compiles."""
    import fastgrok

    work = ROWS[name].build(fastgrok)
    work()
    return work


class Rows:
    """One unit of work, a training step in most rows. Two threads or one, as NUMBA_NUM_THREADS says."""

    params = list(ROWS)
    param_names = ("row",)
    version = "1"  # of the workloads: results with another version are not compared
    rounds = 1
    number = 1
    repeat = (5, 100, 1.0)
    warmup_time = 0.3
    timeout = 300

    def setup(self, name):
        """Build and compile."""
        self.work = _work(name)

    def time_row(self, name):
        """Forward, backward, update, or what the row is about."""
        self.work()


class Memory:
    """Peak of the resident memory of a process that does a few units of work."""

    params = [
        "lm-lstm-B32-T16-H512", "lm-lstm-B64-T64-H256", "lm-lstm-B50-T50-H128-L2", "lm-gru-B32-T32-H256", "cnn-B128",
        "embedding-V20000", "cross-entropy-V10000",
    ]  # fmt: skip
    param_names = ("row",)
    version = "1"
    timeout = 300

    def setup(self, name):
        """Measure in one of the environments only."""
        if os.environ.get("NUMBA_NUM_THREADS") == "1":
            raise NotImplementedError("with two threads, which need a little more")

    def peakmem_row(self, name):
        """Python, NumPy, Numba, kernels and the work together."""
        work = _work(name)
        for _ in range(5):
            work()

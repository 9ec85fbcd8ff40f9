"""What a user waits for before anything happens: import, first training step, compilation."""

import os
import subprocess
import sys
import tempfile
import time

FIRST_STEP = """
import fastgrok
import fastgrok.nn.functional as F
from fastgrok import nn, optim

embedding, lstm, out = nn.Embedding(65, 64), nn.LSTM(64, 512), nn.Linear(512, 65)
adam = optim.Adam([*embedding.parameters(), *lstm.parameters(), *out.parameters()])
ids = fastgrok.randint(0, 65, (17, 32))
h, _ = lstm(embedding(ids[:-1]))
F.cross_entropy(out(h).reshape(512, 65), ids[1:].reshape(512)).backward()
adam.step()
"""


class ImportTime:
    """Imports in a fresh process each time, without the start of Python itself."""

    rounds = 1
    number = 1
    repeat = 10
    version = "1"

    def timeraw_numpy(self):
        """Import NumPy alone, for comparison."""
        return "import numpy"

    def timeraw_fastgrok(self):
        """Import the framework: names only, what they stand for is loaded on first use."""
        return "import fastgrok"

    def timeraw_first_tensor(self):
        """Import the framework and make a tensor, which loads NumPy and the engine."""
        return "import fastgrok; fastgrok.tensor([1.0, 2.0])"


class FirstStep:
    """Seconds from the start of Python to the end of a first training step."""

    timeout = 600
    version = "1"
    unit = "s"

    def setup(self):
        """Fill the cache of compiled kernels."""
        _run(FIRST_STEP, {})

    def track_warm(self):
        """With compiled kernels in the cache: the best of five."""
        return min(_run(FIRST_STEP, {}) for _ in range(5))


COLD = {
    "lstm": "lm-lstm-B32-T16-H512",
    "gru": "lm-gru-B32-T32-H256",
    "rnn": "lm-rnn-B32-T16-H512",
    "images": "cnn-B128",
}


class Compile:
    """Seconds from the start of Python to the end of the first unit of work, from an empty cache."""

    params = list(COLD)
    param_names = ("family",)
    timeout = 600
    version = "2"
    unit = "s"

    def setup(self, family):
        """Measure in one of the environments only."""
        if os.environ.get("NUMBA_NUM_THREADS") == "1":
            raise NotImplementedError("with two threads, when the threaded form of each kernel is compiled as well")

    def track_cold(self, family):
        """Once, in a cache directory of its own: all kernels that the family needs are compiled."""
        here = os.path.dirname(__file__)
        code = f"import sys; sys.path.append({here!r}); import fastgrok, workloads\n"
        code += f"workloads.ROWS[{COLD[family]!r}].build(fastgrok)()"
        with tempfile.TemporaryDirectory() as directory:
            return _run(code, {"FASTGROK_CACHE_DIR": directory})


def _run(code, variables):
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, check=True, timeout=500)
    return time.perf_counter() - began

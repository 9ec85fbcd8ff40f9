"""`import fastgrok` loads little and is fast: what is heavy comes on first use."""

import json
import subprocess
import sys

HEAVY = ("numba", "llvmlite", "matplotlib", "pooch", "requests", "tqdm", "torch", "flwr", "tenseal", "mpi4py", "onnx")


def _run(code):
    command = [sys.executable, "-W", "error", "-c", code]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def test_import_loads_nothing_heavy():
    loaded = _run("import fastgrok, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert [name for name in HEAVY if name in loaded] == []


def test_import_of_kernels_loads_no_numba():
    loaded = _run("import fastgrok_kernels, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert [name for name in HEAVY if name in loaded] == []


def test_import_is_fast():
    """The goal is 0.15 s with NumPy included, tracked by asv; this only catches a mistake, on the busiest machine."""
    code = "import time; t = time.perf_counter(); import fastgrok; print(time.perf_counter() - t)"
    assert min(_run(code) for _ in range(5)) < 0.4


def test_every_public_name_exists():
    missing = _run(
        "import fastgrok, json\nprint(json.dumps([name for name in fastgrok.__all__ if not hasattr(fastgrok, name)]))"
    )
    assert missing == []

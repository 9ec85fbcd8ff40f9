"""The second process that compiles kernels meanwhile: what it does, and that it can do no harm."""

import os
import signal
import subprocess
import sys
import time

import pytest

from fastgrok.ops import warmup
from fastgrok_kernels import cache, jit
from fastgrok_kernels.table import KERNELS

several = pytest.mark.skipif(jit.DISABLED or jit.get_num_threads() == 1, reason="takes two threads")


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty directory for kernels, of processes that are started."""
    monkeypatch.setenv("FASTGROK_CACHE_DIR", str(tmp_path))
    return tmp_path


def python(code, **variables):
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **variables}, capture_output=True, text=True, timeout=300
    )


def ended(pid):
    """Whether a process is gone, and nothing of it left behind, within ten seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_the_half_of_a_language_model_names_kernels():
    named = {kernel.name: kernel for kernel in KERNELS}
    for name in warmup.LANGUAGE_MODEL:
        assert any(case.bench for case in named[name].cases)


@several
def test_what_the_second_process_compiles_is_found(empty):
    wait = """
from fastgrok.ops import warmup
process = warmup.start(["scale_into"], typical=True)
assert process.wait(timeout=250) == 0
import numpy as np, fastgrok_kernels as kernels
x = np.ones(1 << 22, np.float32)
kernels.scale_into(x, 2.0)
assert (x == 2).all()
"""
    done = python(wait, FASTGROK_QUIET="0")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")  # nothing was compiled in this one
    assert len(list(empty.rglob("*.nbc"))) == 1


@several
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="takes POSIX signals")
@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_second_process_that_is_killed_is_not_missed(empty, when):
    done = python(
        f"""
import time
from fastgrok.ops import warmup
with warmup.helper(["lstm_backward"]) as process:
    time.sleep({0 if when == "at once" else 3})
    process.kill()
    import numpy as np, fastgrok_kernels as kernels
    x = np.ones(5, np.float32)
    kernels.scale_into(x, 2.0)
    assert (x == 2).all()
assert process.poll() is not None
""",
        FASTGROK_QUIET="0",
    )
    assert done.returncode == 0
    assert done.stderr.startswith("fastgrok: compiling kernels (") and done.stderr.count("\n") == 1


@several
def test_a_second_process_that_fails_is_not_missed(empty):
    with warmup.helper(["no such kernel"]) as process:
        assert process.wait(timeout=60) == 1


@several
@pytest.mark.skipif(not hasattr(os, "fork"), reason="takes POSIX processes")
def test_it_ends_with_the_block_and_leaves_nothing_behind(empty):
    with warmup.helper(["lstm_backward"]) as process:
        assert process.poll() is None
    assert ended(process.pid)


@several
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="takes POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_the_first_process(empty, how):
    code = """
import time
from fastgrok.ops import warmup
process = warmup.start(["lstm_backward", "lstm_forward", "gru_backward", "gru_forward"])
print(process.pid, flush=True)
time.sleep(100)
"""
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    pid = int(first.stdout.readline())
    os.kill(pid, 0)
    first.send_signal(how)
    assert first.wait(timeout=30) != 0
    first.stdout.close()
    assert ended(pid)


def test_where_it_would_be_of_no_use_there_is_none(monkeypatch):
    def no_process(*arguments, **options):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    with monkeypatch.context() as patch:
        patch.setattr(jit, "get_num_threads", lambda: 1)
        assert warmup.start(["scale_into"]) is None
    monkeypatch.setattr(jit, "get_num_threads", lambda: 2)
    with monkeypatch.context() as patch:
        patch.setattr(cache, "lasts", lambda directory: False)
        assert warmup.start(["scale_into"]) is None
    with monkeypatch.context() as patch:
        patch.setattr(jit, "DISABLED", True)
        assert warmup.start(["scale_into"]) is None
    for program in ("/opt/an-editor/editor", "", None):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", program)
            assert warmup.start(["scale_into"]) is None


def test_where_no_process_can_be_started_there_is_none(monkeypatch):
    def refuse(*arguments, **options):
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(jit, "get_num_threads", lambda: 2)
    with warmup.helper(["scale_into"]) as process:
        assert process is None

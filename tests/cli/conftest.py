"""The command line as a user meets it: a process with arguments, exit status and two streams."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

SMALL = ["--hidden", "16", "--embedding", "8", "--batch-size", "4", "--bptt", "8"]


@dataclass
class Result:
    status: int
    out: str
    err: str


@pytest.fixture
def environment(tmp_path):
    """The environment of a user without a network and without data, but with the usual cache of kernels."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FASTGROK_DATA"))}
    proxies = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "all_proxy")}
    kernels = os.environ.get("FASTGROK_CACHE_DIR") or os.path.join(os.path.expanduser("~"), ".cache", "fastgrok")
    return {
        **kept,
        **proxies,
        "no_proxy": "",
        "FASTGROK_QUIET": "1",  # whether kernels have to be compiled first is another matter
        "FASTGROK_CACHE_DIR": kernels,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONIOENCODING": "utf-8",
    }


@pytest.fixture
def start(tmp_path, environment):
    """A function that starts `fastgrok ...` in a folder of its own and returns the process."""
    (tmp_path / "work").mkdir()

    def start(*arguments, env=None, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "fastgrok", *map(str, arguments)],
            cwd=tmp_path / "work",
            env={**environment, **(env or {})},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options},
        )

    return start


@pytest.fixture
def fastgrok(start):
    """A function that runs `fastgrok ...` and returns its `Result`."""

    def run(*arguments, **options):
        process = start(*arguments, **options)
        out, err = process.communicate(timeout=300)
        return Result(process.returncode, (out or b"").decode(), (err or b"").decode())

    return run


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    """A file of text: 6,020 characters, 22 distinct."""
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("Whether 'tis nobler in the mind to suffer\nThe slings and arrows of outrageous fortune\n" * 70)
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory, text):
    """The folder of a finished run of 3 steps; not to be changed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    subprocess.run(
        [sys.executable, "-m", "fastgrok", "train", text, *SMALL, "--steps", "3", "--out", out],
        check=True, capture_output=True,
    )  # fmt: skip
    return out


@pytest.fixture
def run(finished, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(finished, tmp_path / "run")

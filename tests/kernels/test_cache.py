"""Compiled kernels are executable code: they are kept only where nobody else can write."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fastgrok_kernels import cache

posix_only = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners and modes are POSIX")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Point the cache, and temporary directories, into `tmp_path`."""
    monkeypatch.setenv("FASTGROK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def is_fresh_temporary(path, home):
    return Path(path).parent == home and Path(path).name.startswith("fastgrok-")


@posix_only
def test_directories_are_private(home):
    path = Path(cache.private_directory("name"))
    assert path == home / "cache" / "kernels" / "name"
    for directory in (path, path.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@posix_only
@pytest.mark.parametrize("mode", [0o755, 0o770, 0o777])
@pytest.mark.parametrize("which", ["kernels", "kernels/name"])
def test_directories_open_to_others_are_refused(home, mode, which):
    cache.private_directory("name")
    (home / "cache" / which).chmod(mode)
    path = cache.private_directory("name")
    assert is_fresh_temporary(path, home)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o700


@posix_only
def test_directories_of_others_are_refused(home, monkeypatch):
    cache.private_directory("name")
    me = os.getuid()
    monkeypatch.setattr(cache.os, "getuid", lambda: me + 1)
    assert is_fresh_temporary(cache.private_directory("name"), home)


@posix_only
def test_links_are_refused(home):
    (home / "elsewhere").mkdir(mode=0o700)
    (home / "cache" / "kernels").mkdir(parents=True, mode=0o700)
    (home / "cache" / "kernels" / "name").symlink_to(home / "elsewhere")
    assert is_fresh_temporary(cache.private_directory("name"), home)


def test_a_file_in_the_way_and_no_home_fall_back(home, monkeypatch):
    (home / "cache").write_text("in the way")
    assert is_fresh_temporary(cache.private_directory("name"), home)

    def no_home():
        raise RuntimeError("no home directory")

    monkeypatch.setattr(cache, "_user_cache", no_home)
    assert is_fresh_temporary(cache.private_directory("name"), home)


def test_nowhere_to_write_means_no_cache(home, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError("read-only")

    (home / "cache").write_text("in the way")
    monkeypatch.setattr(cache.tempfile, "mkdtemp", refuse)
    assert cache.private_directory("name") is None


def run(code, **environment):
    command = [sys.executable, "-c", code]
    variables = {k: v for k, v in os.environ.items() if k not in ("NUMBA_DISABLE_JIT", "FASTGROK_CHECK")}
    return subprocess.run(
        command, env={**variables, **environment}, capture_output=True, text=True, timeout=300, check=True
    )


USE = "import numpy as np, fastgrok_kernels as k; x = np.ones(3, np.float32); k.scale_into(x, 2); print(x.sum())"


def test_compiled_kernels_are_kept_and_found_again(tmp_path):
    first = run(USE, FASTGROK_CACHE_DIR=str(tmp_path / "cache"), FASTGROK_QUIET="0")
    assert first.stdout.split() == ["6.0"]
    assert first.stderr.count("compiling kernels") == 1 and str(tmp_path) in first.stderr
    assert list(tmp_path.rglob("*.nbc")) and not list(tmp_path.glob("*.nbc"))
    second = run(USE, FASTGROK_CACHE_DIR=str(tmp_path / "cache"), FASTGROK_QUIET="0")
    assert (second.stdout, second.stderr) == (first.stdout, "")


def test_kernels_run_without_a_cache(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for environment in (
        {"FASTGROK_CACHE": "0"},
        {"FASTGROK_CACHE_DIR": str(tmp_path / "file"), "TMPDIR": str(tmp_path)},
    ):
        assert run(USE, **environment).stdout.split() == ["6.0"]
    assert not list(tmp_path.glob("fastgrok-*")), "the temporary directory outlived its process"

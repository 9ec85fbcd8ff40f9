"""Compiled kernels are executable code: they are kept only where nobody else can write."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fastgrok_kernels import cache, pipeline

posix_only = pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners and modes are POSIX")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Point the cache, and temporary directories, into `tmp_path`."""
    monkeypatch.setenv("FASTGROK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def lasting(home):
    """The directory among the temporary files that stands in for the cache."""
    return home / f"fastgrok-{os.getuid()}" / "kernels" / "name"


def is_fresh_temporary(path, home):
    return (
        Path(path).parent == home
        and Path(path).name.startswith("fastgrok-")
        and Path(path).name != f"fastgrok-{os.getuid()}"
    )


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
    assert Path(path) == lasting(home)
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o700
    assert cache.private_directory("name") == path
    assert cache.how_long(path) == f"once for this machine; they are kept in {path}"


@posix_only
def test_directories_of_others_are_refused(home, monkeypatch):
    cache.private_directory("name")
    me = os.getuid()
    monkeypatch.setattr(cache.os, "getuid", lambda: me + 1)
    path = cache.private_directory("name")
    assert is_fresh_temporary(path, home)
    assert "for this process only" in cache.how_long(path)


@posix_only
def test_links_are_refused(home):
    (home / "elsewhere").mkdir(mode=0o700)
    (home / "cache" / "kernels").mkdir(parents=True, mode=0o700)
    (home / "cache" / "kernels" / "name").symlink_to(home / "elsewhere")
    assert Path(cache.private_directory("name")) == lasting(home)


@posix_only
@pytest.mark.parametrize("trap", ["link", "open", "file", "link inside"])
def test_a_trap_among_the_temporary_files_is_not_stepped_into(home, trap):
    (home / "cache").write_text("in the way")
    (home / "elsewhere").mkdir(mode=0o700)
    ours = home / f"fastgrok-{os.getuid()}"
    if trap == "link":
        ours.symlink_to(home / "elsewhere")
    elif trap == "open":
        ours.mkdir()
        ours.chmod(0o777)
    elif trap == "file":
        ours.touch()
    else:
        ours.mkdir(mode=0o700)
        (ours / "kernels").symlink_to(home / "elsewhere")
    assert is_fresh_temporary(cache.private_directory("name"), home)
    assert not list((home / "elsewhere").iterdir())


@posix_only
def test_temporary_files_that_others_may_exchange_are_no_place_to_keep_kernels(home):
    (home / "cache").write_text("in the way")
    home.chmod(0o777)
    assert is_fresh_temporary(cache.private_directory("name"), home)
    home.chmod(0o1777)
    assert Path(cache.private_directory("name")) == lasting(home)


@posix_only
def test_a_file_in_the_way_and_no_home_fall_back(home, monkeypatch):
    (home / "cache").write_text("in the way")
    assert Path(cache.private_directory("name")) == lasting(home)

    def no_home():
        raise RuntimeError("no home directory")

    monkeypatch.setattr(cache, "_user_cache", no_home)
    assert Path(cache.private_directory("name")) == lasting(home)


def test_nowhere_to_write_means_no_cache(home, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError("read-only")

    (home / "cache").write_text("in the way")
    monkeypatch.setattr(cache, "_user_temporary", refuse)
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
    ask = "from fastgrok_kernels import jit; print(jit.is_kept('clip'), jit.is_kept('lstm'))"
    assert run(ask, FASTGROK_CACHE_DIR=str(tmp_path / "cache")).stdout.split() == ["True", "False"]


@pytest.mark.skipif(not pipeline.KNOWN, reason="Numba's own cache is used with this version of it")
def test_a_kernel_on_disk_is_loaded_without_readying_the_compiler(tmp_path):
    directory = {"FASTGROK_CACHE_DIR": str(tmp_path)}
    run(USE, **directory)
    ready = "import sys; print('numba.np.arrayobj' in sys.modules)"
    assert run(f"{USE}; {ready}", **directory).stdout.split() == ["6.0", "False"]
    more = f"{USE}; x = np.ones(3); k.scale_into(x, 2); print(x.sum(), x.dtype); {ready}"  # and then it compiles
    assert run(more, **directory).stdout.split() == ["6.0", "6.0", "float64", "True"]


def test_no_two_processes_write_the_same_file_of_code(tmp_path):
    # Numba numbers the files of a kernel by its index, which two processes may read before either writes it.
    for name in ("one", "two"):
        run(USE, FASTGROK_CACHE_DIR=str(tmp_path / name))
    names = [path.name for path in tmp_path.rglob("*.nbc")]
    assert len(names) == len(set(names)) == 2


def test_kernels_run_without_a_cache():
    result = run(USE, FASTGROK_CACHE="0", FASTGROK_QUIET="0")
    assert result.stdout.split() == ["6.0"]
    assert result.stderr == "fastgrok: compiling kernels (for this process only: they are not kept)\n"


@posix_only
def test_without_a_home_kernels_are_kept_among_the_temporary_files_or_thrown_away(tmp_path):
    (tmp_path / "file").write_text("in the way")
    environment = {"FASTGROK_CACHE_DIR": str(tmp_path / "file"), "TMPDIR": str(tmp_path), "FASTGROK_QUIET": "0"}
    first = run(USE, **environment)
    assert first.stderr.count("once for this machine") == 1
    assert run(USE, **environment).stderr == ""
    (tmp_path / f"fastgrok-{os.getuid()}").chmod(0o755)
    third = run(USE, **environment)
    assert third.stdout.split() == ["6.0"]
    assert third.stderr.count("for this process only") == 1
    assert [path.name for path in tmp_path.glob("fastgrok-*")] == [f"fastgrok-{os.getuid()}"]

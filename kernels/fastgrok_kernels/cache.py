"""Where compiled kernels may be kept. The files are executable code, so the place must be the user's alone."""

import atexit
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path


def private_directory(name: str) -> str | None:
    """A directory called `name` that only this user can write: in the user's cache, else temporary, else None."""
    try:
        return str(_owned(_user_cache() / "kernels", name))
    except (OSError, RuntimeError):  # read-only or missing home, or a directory that others may write
        pass
    try:
        directory = tempfile.mkdtemp(prefix="fastgrok-")
    except OSError:
        return None
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _user_cache() -> Path:
    """The per-user cache directory of this platform. Raises RuntimeError when there is no home directory."""
    if os.environ.get("FASTGROK_CACHE_DIR"):
        return Path(os.environ["FASTGROK_CACHE_DIR"]).absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return Path(base) / "fastgrok" if base else Path.home() / "AppData" / "Local" / "fastgrok"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fastgrok"
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(base) / "fastgrok" if base and os.path.isabs(base) else Path.home() / ".cache" / "fastgrok"


def _owned(parent: Path, name: str) -> Path:
    """Make parent/name with mode 0700. Raises OSError when it, or its parent, is not this user's to write alone."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = parent / name
    directory.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid"):
        for path in (parent, directory):
            found = os.lstat(path)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
                raise PermissionError(f"{path} can be read or written by others")
    probe = tempfile.TemporaryFile(dir=directory)  # a read-only file system shows only here
    probe.close()
    return directory

"""Where compiled kernels may be kept. The files are executable code, so the place must be the user's alone."""

import atexit
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

_fresh: set[str] = set()  # directories that are removed when this process ends


def private_directory(name: str) -> str | None:
    """A directory called `name` that only this user can write; None when there is no place for one.

    In the user's cache; where that cannot be written to, in a directory of this user among the temporary files; where
    that is not safe either, a fresh one that is removed when the process ends.
    """
    for parent in (_user_cache, _user_temporary):
        try:
            return str(_owned(parent() / "kernels", name))
        except (OSError, RuntimeError):  # read-only or missing home, or a directory that others may write
            pass
    try:
        directory = tempfile.mkdtemp(prefix="fastgrok-")
    except OSError:
        return None
    _fresh.add(directory)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def lasts(directory: str | None) -> bool:
    """Whether what `private_directory` returned outlives this process."""
    return directory is not None and directory not in _fresh


def how_long(directory: str | None) -> str:
    """For how long kernels are kept in what `private_directory` returned, for the end of a sentence."""
    if lasts(directory):
        return f"once for this machine; they are kept in {directory}"
    if directory is None:
        return "for this process only: they are not kept"
    return "for this process only: no directory to keep them in; FASTGROK_CACHE_DIR can name one"


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


def _user_temporary() -> Path:
    """This user's directory among the temporary files of all. Raises PermissionError when others could exchange it."""
    base = Path(tempfile.gettempdir()).absolute()
    if not hasattr(os, "getuid"):  # Windows has temporary files for each user
        return base / "fastgrok"
    found = os.stat(base)
    if found.st_uid not in (0, os.getuid()) or (found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX):
        raise PermissionError(f"{base} can be changed by others")
    directory = base / f"fastgrok-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    _check_private(directory)  # anyone may have made it, or a link of that name
    return directory


def _owned(parent: Path, name: str) -> Path:
    """Make parent/name with mode 0700. Raises OSError when it, or its parent, is not this user's to write alone."""
    directory = parent / name
    for path in (parent, directory):
        path.mkdir(mode=0o700, parents=path is parent, exist_ok=True)
        _check_private(path)
    probe = tempfile.TemporaryFile(dir=directory)  # a read-only file system shows only here
    probe.close()
    return directory


def _check_private(path: Path) -> None:
    """Raise PermissionError unless `path` is a directory, not a link to one, and this user's alone."""
    if not hasattr(os, "getuid"):
        return
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{path} can be read or written by others")

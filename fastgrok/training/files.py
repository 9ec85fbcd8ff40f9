"""Writing files so that a kill, a full disk or a power cut at any moment leaves the last complete one."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["FolderLock", "new_folder", "write_atomically"]


def write_atomically(path: str | os.PathLike, content: bytes) -> None:
    """Write `content` to a temporary file beside `path`, bring it to disk, and only then give it its name.

    Raises `OSError` with the name of the file when it cannot be written; what was there before stays.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp")  # one name, so that a killed process leaves at most one behind
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise type(error)(f"{path} cannot be written: {error.strerror or error}") from None
        raise
    with contextlib.suppress(OSError):  # the new name itself; Windows has no such call
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class FolderLock:
    """The sole use of a folder, among all processes that ask for it; also a context manager.

    The system holds the lock, on the empty file `.lock`, and lets go of it when the process ends, however it ends. The
    file stays: whoever removed it would take the lock of another process with it.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)
        self._file: Any = None

    def acquire(self) -> None:
        """Make the folder and lock it, unless this object has locked it already.

        Raises `OSError` with a sentence for the user when it cannot be made or written to, and `BlockingIOError` when
        another process uses it.
        """
        if self._file is not None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / ".lock", "ab")  # until `release`
        except FileExistsError:
            raise NotADirectoryError(f"{self.folder} is a file, expected a folder to write to") from None
        except OSError as error:
            raise self._not_writable(error) from None
        try:
            _lock(file)
            tempfile.TemporaryFile(dir=self.folder).close()  # a lock file may be there although no other can be made
        except BlockingIOError:
            file.close()
            raise BlockingIOError(
                f"another run is writing to {self.folder}: wait until it has ended, or name another folder"
            ) from None
        except OSError as error:
            file.close()
            raise self._not_writable(error) from None
        self._file = file

    def release(self) -> None:
        """Let others have the folder; nothing happens when it is not locked."""
        if self._file is not None:
            self._file.close()  # and with it goes the lock
            self._file = None

    def _not_writable(self, error: OSError) -> OSError:
        return type(error)(f"the folder {self.folder} cannot be written to: {error.strerror or error}")

    def __enter__(self) -> "FolderLock":
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def _lock(file: Any) -> None:
    """Lock an open file; raises `BlockingIOError` when another process has locked it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            raise BlockingIOError from None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        pass  # a file system without locks: better unprotected than not at all


def new_folder(name: str | os.PathLike) -> Path:
    """Make a folder of this name, or `name-2`, `name-3` and so on where it is taken, and return it.

    Of several processes that call this at once, each gets its own. Raises `OSError` when none can be made.
    """
    folder, number = Path(name), 1
    while True:
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1
            folder = Path(f"{name}-{number}")
        except OSError as error:
            raise type(error)(f"the folder {folder} cannot be made: {error.strerror or error}") from None

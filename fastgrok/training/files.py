"""Writing files so that a kill, a full disk or a power cut at any moment leaves the last complete one."""

import contextlib
import os
from pathlib import Path

__all__ = ["check_writable", "write_atomically"]


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


def check_writable(folder: str | os.PathLike) -> None:
    """Make `folder`; raise `OSError` with a sentence for the user when it cannot be made or written to."""
    folder = Path(folder)
    probe = folder / ".fastgrok-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except FileExistsError:
        raise NotADirectoryError(f"{folder} is a file, expected a folder to write to") from None
    except OSError as error:
        raise type(error)(f"the folder {folder} cannot be written to: {error.strerror or error}") from None

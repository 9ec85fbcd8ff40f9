"""Data sets by name: looked for locally first, else downloaded, verified by checksum and cached."""

import ast
import hashlib
import os
import sys
import sysconfig
import tempfile
from pathlib import Path

__all__ = ["DatasetError", "python_documentation", "tiny_shakespeare"]

_COMMIT = "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e"
TINY_SHAKESPEARE = Path("tinyshakespeare", "input.txt")
TINY_SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
TINY_SHAKESPEARE_URLS = (
    f"https://raw.githubusercontent.com/karpathy/char-rnn/{_COMMIT}/data/tinyshakespeare/input.txt",
    f"https://cdn.jsdelivr.net/gh/karpathy/char-rnn@{_COMMIT}/data/tinyshakespeare/input.txt",
)


class DatasetError(OSError):
    """A data set is neither here nor to be had."""


def tiny_shakespeare() -> str:
    """Return 1,115,394 characters of Shakespeare's plays (public domain), as collected by Andrej Karpathy for char-rnn.

    Looks for `tinyshakespeare/input.txt` in the folder that the environment variable FASTGROK_DATA_DIR names, then in
    the user's cache; else downloads it into the cache (1.1 MB).

    Raises
    ------
    DatasetError
        When it is not here and cannot be downloaded.
    ValueError
        When the file in FASTGROK_DATA_DIR has another content.
    """
    folder = os.environ.get("FASTGROK_DATA_DIR")
    if folder and (Path(folder) / TINY_SHAKESPEARE).exists():
        path = Path(folder) / TINY_SHAKESPEARE
        content = path.read_bytes()
        if _sha256(content) != TINY_SHAKESPEARE_SHA256:
            raise ValueError(
                f"{path} is not the published text; delete it, and it is downloaded; "
                f"to train on it all the same: fastgrok train {path}"
            )
        return content.decode("utf-8")
    return fetch(TINY_SHAKESPEARE, TINY_SHAKESPEARE_URLS, TINY_SHAKESPEARE_SHA256).decode("utf-8")


def fetch(name: Path, urls: tuple[str, ...], sha256: str) -> bytes:
    """Return the content of the cached file `name`, or download it from the first of `urls` that delivers.

    `sha256` is what the content is checked by; "md5:..." where its publisher has no better one.

    A download is kept only when it is whole and has the checksum, and appears in the cache at once, so that several
    processes may ask for the same file. Where there is no place for a cache, the download is not kept.

    Raises `DatasetError`, which says what to do, when no address delivers.
    """
    cached = cache_directory() / name
    try:
        content = cached.read_bytes()
        if is_published(content, sha256):  # a damaged copy is fetched again
            return content
    except OSError:
        pass
    import pooch  # only now: it loads the HTTP client

    pooch.get_logger().setLevel("ERROR")  # one line of our own says what failed
    downloader = pooch.HTTPDownloader(timeout=10)
    failures = []
    checksum = sha256 if ":" in sha256 else f"sha256:{sha256}"
    with tempfile.TemporaryDirectory() as temporary:
        for folder in (cached.parent, Path(temporary)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=folder).close()
            except OSError:
                continue  # a read-only home
            for url in urls:
                try:
                    got = pooch.retrieve(url, checksum, name.name, folder, downloader=downloader)
                    return Path(got).read_bytes()
                except Exception as error:  # of several libraries: no network, no such host, time-out, wrong checksum
                    failures.append(f"{url.split('/')[2]}: {_reason(error)}")
            break
    named = os.environ.get("FASTGROK_DATA_DIR")
    place = f"{named}, the folder" if named else "the folder"
    raise DatasetError(
        f"{name.as_posix()} cannot be downloaded ({'; '.join(failures)}); "
        f"get {urls[0]} and save it as {name.as_posix()} in {place} that FASTGROK_DATA_DIR names"
    )


def _reason(error: Exception) -> str:
    """Return in a few words why a download failed."""
    if isinstance(error, ValueError):
        return "delivers another file"  # so pooch says that a checksum is wrong
    response = getattr(error, "response", None)
    return type(error).__name__ if response is None else f"answers {response.status_code}"


def say_what_stands_in(error: DatasetError, what: str) -> None:
    """Say in a line on stderr why there is something else in place of a data set."""
    print(f"fastgrok: {error}; {what}", file=sys.stderr)


def cache_directory() -> Path:
    """Return the folder for downloads in the user's cache; it need not exist."""
    import pooch.utils

    return Path(pooch.utils.os_cache("fastgrok")) / "data"


def python_documentation() -> str:
    """Return English prose that every Python brings along: its help topics, or else its library's docstrings.

    About half a million characters that differ somewhat from one version of Python to the next. It stands in for a
    data set where there is no network.

    Raises `DatasetError` when this Python came without both.
    """
    try:
        from pydoc_data.topics import topics

        return "\n\n".join(topics[name] for name in sorted(topics))
    except ImportError:  # some distributions package it separately
        pass
    docstrings = []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())  # read, not imported: some modules do things when imported
        except (OSError, SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                docstrings.append(ast.get_docstring(node) or "")
    text = "\n\n".join(filter(None, docstrings))
    if len(text) < 100_000:
        raise DatasetError("this Python came without its documentation and the sources of its library")
    return text


def is_published(content: bytes, checksum: str) -> bool:
    """Return whether the content has a SHA-256, or "md5:..." where its publisher has no better one."""
    if checksum.startswith("md5:"):
        return hashlib.md5(content, usedforsecurity=False).hexdigest() == checksum.removeprefix("md5:")
    return _sha256(content) == checksum


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

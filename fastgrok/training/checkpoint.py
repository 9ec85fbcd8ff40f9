"""The file that a training run can be continued from, and that a trained model is loaded from.

A checkpoint is one safetensors file. Its tensors are the arrays of the run; everything else (format number, class and
arguments of the model, vocabulary, settings, state of optimizer and generator, position in the data) is JSON, which
stands in the `__metadata__` of the same file under the key "fastgrok". One file is renamed into place as a whole, so
arrays and description can never come from two different moments. A copy of the readable part of the JSON is written
beside it for people; it is never read back. Nothing in a checkpoint is executable: it holds no pickles, and names
classes from a list.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from .files import write_atomically

__all__ = ["FORMAT", "NAME", "CheckpointError", "load", "load_run", "locate", "one_line", "pack", "save", "unpack"]

FORMAT = 1
NAME = "checkpoint.safetensors"
_KEY = "fastgrok"


class CheckpointError(ValueError):
    """A file is missing, damaged, or not a checkpoint that this version can read."""


def save(path: str | os.PathLike, tensors: dict[str, np.ndarray], content: dict[str, Any]) -> None:
    """Write a checkpoint, replacing the one of that name only once the new one is complete on disk.

    Raises `OSError` when it cannot be written; an earlier checkpoint stays as it was.
    """
    from safetensors.numpy import save as serialize

    content = {"format": FORMAT, **content}
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_atomically(path, serialize(arrays, {_KEY: json.dumps(content)}))
    readable = {"note": f"a copy for reading; what counts stands in the header of {Path(path).name}", **content}
    readable.pop("run", None)  # the state of the run, as references to tensors
    write_atomically(Path(path).with_suffix(".json"), (json.dumps(readable, indent=2) + "\n").encode())


def locate(path: str | os.PathLike) -> Path:
    """Return the checkpoint that `path` means: the file itself, its JSON copy's partner, or the one in a folder."""
    path = Path(path)
    if path.is_dir():
        if not (path / NAME).exists():
            raise CheckpointError(f"the folder {path} holds no {NAME}")
        return path / NAME
    if path.suffix == ".json" and path.with_suffix(".safetensors").exists():
        return path.with_suffix(".safetensors")
    if not path.exists():
        raise CheckpointError(f"{path}: there is no such checkpoint")
    return path


def load(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a checkpoint, or the one in a folder: its arrays by name, and its JSON.

    Raises `CheckpointError` when there is none, or when it is damaged, foreign or of a later format.
    """
    from safetensors import SafetensorError, safe_open

    path = locate(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged, incomplete or something else"
        raise CheckpointError(f"{path} cannot be read as a safetensors file: {reason}") from None
    if _KEY not in metadata:
        raise CheckpointError(f"{path} is a safetensors file, but no checkpoint of fastgrok")
    try:
        content = json.loads(metadata[_KEY])
        number = content["format"]
    except (ValueError, TypeError, KeyError):
        raise CheckpointError(f"{path}: the description of the checkpoint is damaged") from None
    if number != FORMAT:
        raise CheckpointError(
            f"{path} has checkpoint format {number!r}, and this fastgrok reads {FORMAT}: update fastgrok"
        )
    return tensors, content


def load_run(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a checkpoint like `load`; raises `CheckpointError` also when a run cannot be continued from it."""
    path = locate(path)
    tensors, content = load(path)
    if "run" not in content:
        raise CheckpointError(
            f"{path} holds weights only, to be used or sampled from: a run can be continued from its {NAME}"
        )
    return tensors, content


def one_line(error: Exception) -> str:
    """Return what was wrong with the content of a file, for the end of a sentence."""
    text = f"{error} is missing" if isinstance(error, KeyError) else str(error)
    return " ".join(text.split())[:300]


def pack(tree: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    """Return `tree` as plain values for JSON; its arrays go to `tensors`, each under its path in the tree after `name`.

    A tree is made of dicts, lists, tuples, tensors, arrays, numbers, strings, booleans and None.
    """
    if hasattr(tree, "detach") or isinstance(tree, np.ndarray):
        tensors[name] = tree.detach().numpy() if hasattr(tree, "detach") else tree
        return {"tensor": name}
    prefix = f"{name}." if name else ""
    if isinstance(tree, dict):
        return {"dict": [[key, pack(value, f"{prefix}{key}", tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return {type(tree).__name__: [pack(value, f"{prefix}{i}", tensors) for i, value in enumerate(tree)]}
    if isinstance(tree, np.generic):
        return tree.item()
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    raise TypeError(f"{name} is a {type(tree).__name__}, which a checkpoint cannot hold")


def unpack(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    """Return the tree that `pack` took apart; what was a tensor or an array is a tensor."""
    from fastgrok import from_numpy

    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return from_numpy(tensors[content])
    if kind == "dict":
        return {key: unpack(item, tensors) for key, item in content}
    return {"list": list, "tuple": tuple}[kind](unpack(item, tensors) for item in content)

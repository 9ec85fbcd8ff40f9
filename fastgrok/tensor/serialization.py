"""`save` and `load`: tensors and nests of them in one safetensors file. No pickles: loading a file never runs code.

The tensors of a state_dict keep their names, so that other programs read the file and ours reads theirs. What is
around them (nesting, numbers, text) stands as JSON in the file's metadata.
"""

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load as from_bytes
from safetensors.numpy import save as to_bytes

from ..autograd import Variable
from .dtypes import device
from .tensor import Tensor

FORMAT = 1


def save(obj: Any, f: str | os.PathLike | BinaryIO) -> None:
    """Write a tensor, or dicts, lists and tuples of tensors, arrays, numbers, text, bools and None, to `f`.

    `f` is a path or an open binary file. Under a path, the file is complete or not there: it is written under another
    name, flushed and renamed. Raises `TypeError`, before
    anything is written, for what cannot be stored.

    Examples
    --------
    >>> import tempfile, fastgrok
    >>> path = tempfile.mkdtemp() + "/w.safetensors"
    >>> save({"w": fastgrok.ones(2), "step": 3}, path)
    >>> load(path)
    {'w': tensor([1., 1.]), 'step': 3}
    """
    tensors: dict[str, np.ndarray] = {}
    structure = _take_out(obj, "", tensors)
    content = to_bytes(tensors, {"format": "pt", "fastgrok": json.dumps({"format": FORMAT, "structure": structure})})
    if not isinstance(f, str | os.PathLike):
        f.write(content)
        return
    path = Path(f)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # several processes may save to one place
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(f: str | os.PathLike | BinaryIO, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Return what `save` wrote to `f`, a path or an open binary file.

    For another program's safetensors file, that is a dict of its tensors.
    Raises `FileNotFoundError`, and `ValueError` for a file that is no complete safetensors file.
    """
    if map_location is not None:
        device(map_location)
    path = Path(f) if isinstance(f, str | os.PathLike) else f
    try:
        metadata, tensors = _from_path(path) if isinstance(path, Path) else _from_bytes(path.read())
    except (SafetensorError, ValueError, TypeError) as error:
        raise ValueError(
            f"load: {path} is not a complete safetensors file ({error}); "
            "files of torch.save hold pickles, which are not read"
        ) from None
    if "fastgrok" not in metadata:
        return {name: Tensor._from_array(array) for name, array in tensors.items()}
    try:
        header = json.loads(metadata["fastgrok"])
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']}, expected {FORMAT}: written by another version of fastgrok")
        return _put_back(header["structure"], tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"load: {path} has a header that fastgrok cannot read ({error})") from None


def _from_path(path: Path) -> tuple[dict, dict]:
    """Return the metadata and the arrays of a file."""
    if not path.is_file():
        raise FileNotFoundError(f"load: {path} is not a file")
    with safe_open(path, framework="np") as file:
        return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}


def _from_bytes(content: bytes) -> tuple[dict, dict]:
    """Return the metadata and the arrays of a file's content, which begins with the length of its header."""
    tensors = from_bytes(content)  # checks the header
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header.get("__metadata__", {}), tensors


def _take_out(obj: Any, name: str, tensors: dict[str, np.ndarray]) -> Any:
    """Return obj as JSON values, with the tensors moved to `tensors` under unique names."""
    if isinstance(obj, Variable | np.ndarray):
        key, unique = name or "tensor", 1
        while key in tensors:
            key, unique = f"{name}~{unique}", unique + 1
        array = obj.array if isinstance(obj, Variable) else obj
        if array.dtype.kind not in "biuf":
            raise TypeError(f"save: array of dtype {array.dtype} at {name!r}, expected numbers or bool")
        tensors[key] = array.copy(order="C")
        return {"tensor" if isinstance(obj, Variable) else "array": key}
    if obj is None or isinstance(obj, bool | int | float | str):
        return {"value": obj}
    if isinstance(obj, np.generic):
        return {"value": obj.item()}
    if isinstance(obj, list | tuple):
        parts = [_take_out(part, f"{name}.{i}" if name else str(i), tensors) for i, part in enumerate(obj)]
        return {"list" if isinstance(obj, list) else "tuple": parts}
    if isinstance(obj, dict):
        for key in obj:
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise TypeError(
                    f"save: key {key!r} of type {type(key).__name__} at {name!r}, expected text or a whole number"
                )
        return {
            "dict": [
                [key, _take_out(part, f"{name}.{key}" if name else str(key), tensors)] for key, part in obj.items()
            ]
        }
    raise TypeError(
        f"save: {type(obj).__name__} at {name!r}, expected tensors, dicts, lists, tuples, numbers, text or None"
    )


def _put_back(structure: Any, tensors: dict[str, np.ndarray]) -> Any:
    """Undo `_take_out`."""
    ((kind, content),) = structure.items()
    if kind == "tensor":
        return Tensor._from_array(tensors[content])
    if kind == "array":
        return tensors[content]
    if kind == "value":
        return content
    if kind == "dict":
        return {key: _put_back(part, tensors) for key, part in content}
    if kind in ("list", "tuple"):
        parts = [_put_back(part, tensors) for part in content]
        return parts if kind == "list" else tuple(parts)
    raise ValueError(f"unknown kind {kind!r}")

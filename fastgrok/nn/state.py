"""What `load_state_dict` checks before it changes anything."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor

__all__ = ["IncompatibleKeys", "match"]


class IncompatibleKeys(NamedTuple):
    """What could not be matched: names of the module without a value, and values without a name."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def match(
    module: str, own: Mapping[str, Tensor], given: Mapping[str, Any], strict: bool
) -> tuple[dict[str, np.ndarray], IncompatibleKeys]:
    """Return the array for each name that both `own`, the state of `module`, and `given` have; and the other names.

    Raises `RuntimeError` that lists everything: names missing and unexpected (when `strict`), values of another shape,
    and values that are no numbers.
    """
    missing = [name for name in own if name not in given]
    unexpected = [name for name in given if name not in own]
    problems = []
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")

    arrays = {}
    for name, target in own.items():
        if name not in given:
            continue
        array = _as_array(given[name])
        if array is None:
            problems.append(
                f'While copying the parameter named "{name}", expected Tensor or Tensor-like object from checkpoint '
                f"but received {type(given[name])}"
            )
        elif array.shape != target.array.shape:
            problems.append(
                f"size mismatch for {name}: copying a param with shape {array.shape} from checkpoint, "
                f"the shape in current model is {target.array.shape}."
            )
        else:
            arrays[name] = array
    if problems:
        raise RuntimeError(f"Error(s) in loading state_dict for {module}:\n\t" + "\n\t".join(problems))
    return arrays, IncompatibleKeys(missing, unexpected)


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _as_array(value: Any) -> np.ndarray | None:
    """Return the numbers in a tensor (ours or another library's) or array; None when `value` is something else."""
    if isinstance(value, Tensor):
        return value.array
    if not hasattr(value, "__array__"):
        return None
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError):  # a dtype that NumPy does not know
        return None
    return array if array.dtype.kind in "biuf" else None

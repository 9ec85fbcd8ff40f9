"""What layers and functions check before they calculate."""

from typing import Any

from ..errors import ArgumentError, SettingsError
from ..tensor import Tensor


def check_tensors(name: str, **arguments: Any) -> None:
    """Raise `TypeError` for an argument that is not a `Tensor`."""
    for argument, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}(): argument '{argument}' must be Tensor, not {type(value).__name__}")


def row_of_padding(name: str, padding_idx: int | None, V: int) -> int | None:
    """Return `padding_idx` counted from the front, or None; raises `SettingsError` when V rows have no such row."""
    if padding_idx is not None and not -V <= padding_idx < V:
        raise SettingsError(f"{name}: padding_idx={padding_idx}. Padding_idx must be within num_embeddings ({V})")
    return padding_idx if padding_idx is None or padding_idx >= 0 else V + padding_idx


def check_dropout(p: float, inplace: bool) -> None:
    """Raise for a probability that is none, and for dropping in place."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if inplace:
        raise NotImplementedError("dropout: inplace=True is not covered, expected False")


def check_label_smoothing(name: str, label_smoothing: float) -> None:
    """Raise `ArgumentError` unless it is between 0 and 1."""
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"{name}: label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")


def check_reduction(name: str, reduction: str, size_average: Any, reduce: Any) -> None:
    """Raise `ValueError` for an unknown reduction, and `NotImplementedError` for the arguments that it has replaced."""
    if size_average is not None or reduce is not None:
        raise NotImplementedError(f"{name}: size_average and reduce are not covered, use reduction")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{name}: {reduction} is not a valid value for reduction, expected 'none', 'mean' or 'sum'")

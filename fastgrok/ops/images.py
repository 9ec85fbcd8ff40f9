"""What operations on images share: where channels lie in memory, and what settings per axis mean.

Users see (B, C, R, S). Kernels want channels last in memory. An op returns a view of channels-last memory in the users'
order of axes; where that is the input of the next op, it is turned back without touching a number.
"""

from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import ArgumentError, ShapeError
from .base import contiguous


def per_axis(name: str, argument: str, value: Any, dims: int, least: int = 0) -> tuple[int, ...]:
    """Return a setting as one whole number per axis: given so, or as one number for all of them.

    Raises `TypeError` unless they are whole numbers, `ArgumentError` for another count or one below `least`.
    """
    if type(value) is int and value >= least:
        return (value,) * dims
    if type(value) is tuple and len(value) == dims and all([type(v) is int and v >= least for v in value]):
        return value  # as modules keep them
    single = isinstance(value, int | np.integer)
    values = (value,) if single else tuple(value) if isinstance(value, tuple | list) else None
    if values is None or any(isinstance(v, bool) or not isinstance(v, int | np.integer) for v in values):
        raise TypeError(f"{name}(): argument '{argument}' must be int or tuple of ints, not {value!r}")
    if len(values) == 1:
        values = values * dims
    if len(values) != dims:
        raise ArgumentError(f"{name}: {argument}={value!r}, expected a whole number or {dims} of them")
    if values and min(values) < least:
        raise ArgumentError(f"{name}: {argument}={value!r}, expected at least {least}")
    return tuple(int(v) for v in values)


def check_images(name: str, x: np.ndarray, dims: int) -> None:
    """Raise `ShapeError` unless x is (B, C, ...) or (C, ...), with `dims` axes at the end."""
    if x.ndim not in (dims + 1, dims + 2):
        axes = ("L",) if dims == 1 else ("R", "S")
        one, several = ", ".join(("C", *axes)), ", ".join(("B", "C", *axes))
        raise ShapeError(f"{name}: input has shape {x.shape}, expected ({one}) or ({several})")


def as_images(x: np.ndarray, dims: int) -> np.ndarray:
    """Return x as a view (B, C, R, S): with an axis for one image, and for sequences (dims = 1) one row."""
    x = x[None] if x.ndim == dims + 1 else x
    return x[:, :, None] if dims == 1 else x


def from_images(y: np.ndarray, ndim: int, dims: int) -> np.ndarray:
    """Undo `as_images` for an input that had `ndim` axes."""
    y = y[:, :, 0] if dims == 1 else y
    return y[0] if ndim == dims + 1 else y


def as_pairs(settings: tuple[int, ...], one: int) -> tuple[int, int]:
    """Return settings per axis for rows and columns; a sequence is one row, for which the setting is `one`."""
    return (one, settings[0]) if len(settings) == 1 else (settings[0], settings[1])


def channels_last(x: np.ndarray) -> np.ndarray:
    """Return x (B, C, R, S) as (B, R, S, C) in C order: a view where its memory is that already, else a copy."""
    y = x.transpose(0, 2, 3, 1)
    if y.flags.c_contiguous:
        return y
    B, C, R, S = x.shape
    return kernels.swap_axes(contiguous(x).reshape(B, C, R * S)).reshape(B, R, S, C)


def channels_first(y: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Return y (B, R, S, C) as (B, C, R, S): a view, or a copy in C order where `like` lies so."""
    view = y.transpose(0, 3, 1, 2)
    if like is None or not like.flags.c_contiguous or view.flags.c_contiguous:
        return view
    B, R, S, C = y.shape
    return kernels.swap_axes(y.reshape(B, R * S, C)).reshape(B, C, R, S)

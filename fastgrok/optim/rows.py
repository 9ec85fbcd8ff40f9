"""Gradients that are kept as rows of a table: steps that touch those rows alone."""

from collections.abc import Callable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..errors import StateError
from ..ops.gradients import Rows
from ..tensor import Tensor

__all__ = ["change_rows"]


def change_rows(
    param: Tensor, kernel: Callable[..., Any], states: tuple[np.ndarray, ...], maximize: bool, *options: Any
) -> None:
    """Call `kernel(p, *states, gradient, *options)` with the rows that have a gradient, and let the graph know of it.

    It is the kernel of the dense case, so that a row that it changes gets the same bits as there. `param` and `states`
    are tables (V, D); the gradient of `param` is a `Rows`, whose rows of one id are added up first.

    Raises `StateError` when one of `states` does not go with the parameter: kernels trust their arguments.
    """
    gradient: Rows = param._grad
    tables = param.array, *states
    if any(table.shape != gradient.shape or table.dtype != param.array.dtype for table in tables):
        raise StateError(
            f"step: a parameter has shape {param.array.shape} and dtype {param.array.dtype}, but its gradient has "
            f"{gradient.shape} and what the optimizer keeps for it {[(s.shape, s.dtype.name) for s in states]}; "
            "convert a model before you make its optimizer"
        )
    ids, places = np.unique(gradient.ids, return_inverse=True)
    if not ids.size:
        return
    rows = np.ascontiguousarray(gradient.rows, param.array.dtype)
    summed = kernels.embedding_backward(rows, places.reshape(-1).astype(np.int64), len(ids))
    if maximize:
        np.negative(summed, out=summed)
    taken = [table[ids] for table in tables]
    kernel(*taken, summed, *options)
    for table, changed in zip(tables, taken, strict=True):
        table[ids] = changed
    param.storage.version += 1

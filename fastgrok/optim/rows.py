"""Gradients that are kept as rows of a table: steps that touch those rows alone."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import StateError
from ..ops.gradients import Rows
from ..tensor import Tensor

__all__ = ["add_rows", "change_rows"]


def add_rows(param: Tensor, factor: float) -> None:
    """Add `factor` times the gradient of `param`, a `Rows`, to the rows that have one, and let the graph know of it.

    The rows that it changes get the bits of `sgd_into` with the learning rate `-factor`.

    Raises `StateError` when the gradient does not go with the parameter: kernels trust their arguments.
    """
    gradient = _checked(param, ())
    if param.array.flags.c_contiguous:
        gradient.add_into(param.array, factor)
    else:
        gradient = gradient.sum()
        rows = gradient.rows.astype(param.array.dtype, copy=False)
        param.array[gradient.ids] += param.array.dtype.type(factor) * rows
    param.storage.version += 1


def change_rows(
    param: Tensor, kernel: Callable[..., Any], states: tuple[np.ndarray, ...], maximize: bool, *options: Any
) -> None:
    """Call `kernel(p, *states, gradient, *options)` with the rows that have a gradient, and let the graph know of it.

    It is the kernel of the dense case, so that a row that it changes gets the same bits as there. `param` and `states`
    are tables (V, D); the gradient of `param` is a `Rows`, whose rows of one id are added up first.

    Raises `StateError` when one of `states` does not go with the parameter: kernels trust their arguments.
    """
    gradient = _checked(param, states).sum()
    gradient = Rows(gradient.ids, np.ascontiguousarray(gradient.rows, param.array.dtype), gradient.shape, summed=True)
    if not gradient.ids.size:
        return
    tables = param.array, *states
    taken = [table[gradient.ids] for table in tables]
    kernel(*taken, -gradient.rows if maximize else gradient.rows, *options)
    for table, changed in zip(tables, taken, strict=True):
        table[gradient.ids] = changed
    param.storage.version += 1


def _checked(param: Tensor, states: tuple[np.ndarray, ...]) -> Rows:
    """Return the gradient of `param`; raise `StateError` unless all goes together."""
    gradient: Rows = param._grad
    if any(table.shape != gradient.shape or table.dtype != param.array.dtype for table in (param.array, *states)):
        raise StateError(
            f"step: a parameter has shape {param.array.shape} and dtype {param.array.dtype}, but its gradient has "
            f"{gradient.shape} and what the optimizer keeps for it {[(s.shape, s.dtype.name) for s in states]}; "
            "convert a model before you make its optimizer"
        )
    return gradient

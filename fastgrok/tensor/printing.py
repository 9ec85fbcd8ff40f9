"""The text form of tensors, as PyTorch writes it: four digits, one width for all numbers, dots for what is left out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

PRECISION, THRESHOLD, EDGE, LINE_WIDTH = 4, 1000, 3, 80


def text(x: Any) -> str:
    """Return the text form of a tensor, such as ``tensor([1., 2.], requires_grad=True)``."""
    array = x.array
    suffixes = []
    if array.dtype.name not in ("float32", "int64", "bool") or (array.size == 0 and array.dtype.name != "float32"):
        suffixes.append(f"dtype={array.dtype}")
    if array.size == 0 and array.ndim != 1:
        suffixes.insert(0, f"size={array.shape}")
    if x.op is not None:
        suffixes.append(f"grad_fn=<{type(x.op).__name__}>")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    body = "[]" if array.size == 0 else _block(array, _formatter(_shown(array)), len("tensor("), array.size > THRESHOLD)
    return f"tensor({', '.join([body, *suffixes])})"


def _shown(array: np.ndarray) -> np.ndarray:
    """Return the elements that will be printed."""
    if array.size <= THRESHOLD:
        return array.reshape(-1)
    for axis, size in enumerate(array.shape):
        if size > 2 * EDGE:
            kept = [*range(EDGE), *range(size - EDGE, size)]
            array = array.take(kept, axis)
    return array.reshape(-1)


def _formatter(values: np.ndarray) -> Callable[[Any], str]:
    """Choose one form for all numbers, from those that will be printed."""
    if values.dtype.kind != "f":
        width = max(len(str(value)) for value in values.tolist())
        return lambda value: str(value).rjust(width)
    finite = np.abs(values[np.isfinite(values) & (values != 0)].astype(np.float64))
    if finite.size and np.array_equal(np.trunc(finite), finite):
        scientific = finite.max() / finite.min() > 1000 or finite.max() > 1e8
        form = (
            (lambda v: f"{v:.{PRECISION}e}") if scientific else (lambda v: f"{v:.0f}." if math.isfinite(v) else str(v))
        )
    elif finite.size:
        scientific = finite.max() / finite.min() > 1000 or finite.max() > 1e8 or finite.min() < 1e-4
        form = (lambda v: f"{v:.{PRECISION}e}") if scientific else (lambda v: f"{v:.{PRECISION}f}")
    else:
        form = lambda v: f"{v:.0f}." if math.isfinite(v) else str(v)  # noqa: E731
    # Zeros, nan and inf do not widen the column.
    width = max((len(form(value)) for value in values.tolist() if value and math.isfinite(value)), default=1)
    return lambda value: form(value).rjust(width)


def _block(array: np.ndarray, form: Callable[[Any], str], indent: int, shortened: bool) -> str:
    """Write an array as nested brackets; `indent` is the column that it starts in."""
    if array.ndim == 0:
        return form(array.item())
    size, cut = len(array), shortened and len(array) > 2 * EDGE
    if array.ndim == 1:
        parts = [form(value) for value in (array[:EDGE] if cut else array).tolist()]
        if cut:
            parts += [" ...", *(form(value) for value in array[-EDGE:].tolist())]
        per_line = max(1, (LINE_WIDTH - indent) // (len(parts[0]) + 2))
        lines = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [_block(array[i], form, indent + 1, shortened) for i in (range(EDGE) if cut else range(size))]
    if cut:
        rows += ["...", *(_block(array[i], form, indent + 1, shortened) for i in range(size - EDGE, size))]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(rows) + "]"

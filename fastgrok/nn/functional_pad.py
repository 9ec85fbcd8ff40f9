"""`pad`: borders around a tensor."""

from typing import Any

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError, ShapeError
from ..ops.shape import size_argument
from ..tensor import Tensor, dtypes

__all__ = ["pad"]


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Return the tensor with borders: `pad` is (before, after) of the last dimension, then of the one before, ...

    Parameters
    ----------
    input : Tensor (...)
        For the modes other than "constant" (N, C, T), (N, C, R, S) or (N, C, D, R, S), or the same without N.
    pad : sequence of an even number of ints
        How many elements to add; a negative number cuts elements off.
    mode : str
        "constant": all new elements are `value` (0 if None). "reflect": the tensor continues mirrored at its outermost
        elements. "replicate": the outermost elements again. "circular": what stands at the other end.

    Raises
    ------
    ShapeError
        When `pad` has more pairs than the tensor dimensions, or not those that the mode can take, when a border is
        wider than what it is to be made of, or nothing would be left.
    NotImplementedError
        For an unknown mode, as in PyTorch.

    Examples
    --------
    >>> import fastgrok
    >>> pad(fastgrok.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"pad(): argument 'input' must be Tensor, not {type(input).__name__}")
    numbers, shape = size_argument("pad", (tuple(pad),)), input.array.shape
    if len(numbers) % 2 or len(numbers) // 2 > len(shape):
        raise ShapeError(f"pad: pad={numbers}, expected a pair of numbers for at most {len(shape)} dimensions")
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(f"pad: mode={mode!r}, expected 'constant', 'reflect', 'replicate' or 'circular'")
    pairs = [(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)]
    widths = [(0, 0)] * (len(shape) - len(pairs)) + pairs[::-1]
    for axis, (n, (before, after)) in enumerate(zip(shape, widths, strict=True)):
        if n + before + after < 0 or min(n + before, n + after) < 0:
            raise ShapeError(
                f"pad: {(before, after)} for dimension {axis} of size {n}, expected that something is left"
            )
    if mode == "constant":
        border = 0.0 if value is None else dtypes.as_element(value, input.array.dtype, "pad: value").item()
        return apply(ops.Pad, input, widths=widths, value=border)
    if value is not None and value != 0:
        raise ArgumentError(f"pad: value={value} for mode={mode!r}, expected None: it is for mode='constant' only")
    if len(shape) - len(pairs) not in (1, 2) or not 1 <= len(pairs) <= 3:
        raise ShapeError(
            f"pad: pad={numbers} for an input of shape {shape}, expected pairs for the last 1, 2 or 3 dimensions, "
            f"and one or two dimensions in front of them, in mode={mode!r}"
        )
    for axis, (n, ends) in enumerate(zip(shape, widths, strict=True)):
        widest = {"reflect": n - 1, "circular": n, "replicate": max(ends) if n else 0}[mode]
        if max(ends) > widest:
            raise ShapeError(
                f"pad: {ends} for dimension {axis} of size {n}, expected at most {widest} in mode={mode!r}"
            )
    return apply(ops.Pad, input, widths=widths, mode=mode)

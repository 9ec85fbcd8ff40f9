"""Functions that make tensors: from data, of one value, in a pattern, at random.

`dtype` is float32 unless said otherwise. All take `requires_grad` and `device` (the CPU), as in PyTorch.
"""

import math
from typing import Any

import numpy as np

from ..errors import ArgumentError, DtypeError, ShapeError
from ..ops import base as ops
from ..ops.normal import standard_normal
from ..ops.order import permutation
from ..ops.shape import size_argument
from ..random import Generator, default_generator
from .dtypes import as_dtype, as_element, as_operand, device, float32, float64, int64, number_dtype
from .making import to_array
from .operands import as_array
from .tensor import Tensor


def _finish(array: np.ndarray, requires_grad: bool, place: Any) -> Tensor:
    if place is not None:
        device(place)
    result = Tensor._from_array(array)
    return result.requires_grad_() if requires_grad else result


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor with a copy of `data`: a number, nested sequences of numbers, an array or a tensor.

    Python floats become float32, whole numbers int64; arrays and tensors keep their dtype.
    Raises `ValueError` for rows of different lengths, `TypeError` for what are no numbers.

    Examples
    --------
    >>> tensor([1, 2, 3])
    tensor([1, 2, 3])
    >>> tensor([1.5, 2])
    tensor([1.5000, 2.0000])
    """
    return _finish(to_array(data, dtype), requires_grad, device)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return `data` as a tensor, sharing its memory where possible."""
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=dtype)
    if isinstance(data, np.ndarray):
        return from_numpy(data).to(device=device, dtype=dtype)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: np.ndarray) -> Tensor:
    """Return a tensor over an array's memory; raises `TypeError` for what is none, `DtypeError` for other dtypes."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: got {type(array).__name__}, expected an ndarray")
    as_dtype(array.dtype, "from_numpy: dtype")
    return Tensor._from_array(array)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """Return a tensor over the memory of another library's array, by the DLPack protocol, without a copy.

    Raises `TypeError` for what does not speak it, `BufferError` for memory that is not the CPU's or read-only.
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(f"from_dlpack: got {type(ext_tensor).__name__}, expected an array with a method __dlpack__")
    array = np.from_dlpack(ext_tensor)
    if not array.flags.writeable:
        raise BufferError("from_dlpack: the memory is read-only, and tensors can be changed; use fastgrok.tensor(...)")
    return from_numpy(array)


def _shape(name: str, sizes: tuple, size: Any = None) -> tuple[int, ...]:
    """Return the shape given by `f(2, 3)`, `f((2, 3))` or `f(size=(2, 3))`; raises `ShapeError` for negative sizes."""
    shape = size_argument(name, sizes if size is None else (size,))
    if any(size < 0 for size in shape):
        raise ShapeError(f"{name}: size {shape}, expected no negative number")
    return shape


def zeros(
    *sizes: Any, size: Any = None, dtype: Any = float32, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return zeros of the given shape."""
    return _finish(ops.zeros(_shape("zeros", sizes, size), as_dtype(dtype or float32)), requires_grad, device)


def ones(
    *sizes: Any, size: Any = None, dtype: Any = float32, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return ones of the given shape."""
    return _finish(ops.filled(_shape("ones", sizes, size), as_dtype(dtype or float32), 1), requires_grad, device)


def empty(
    *sizes: Any, size: Any = None, dtype: Any = float32, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return a tensor of the given shape with whatever is in memory."""
    return _finish(np.empty(_shape("empty", sizes, size), as_dtype(dtype or float32)), requires_grad, device)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of the given shape with one value everywhere, in the dtype of that value if none is given."""
    value = as_array(fill_value).item() if hasattr(fill_value, "array") else fill_value
    chosen = number_dtype(value) if dtype is None else as_dtype(dtype)
    shape = _shape("full", (size,))
    return _finish(ops.filled(shape, chosen, as_element(value, chosen, "full: fill_value")), requires_grad, device)


def zeros_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return zeros of the shape and dtype of `input`."""
    return zeros(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return ones of the shape and dtype of `input`."""
    return ones(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def empty_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a tensor of the shape and dtype of `input` with whatever is in memory."""
    return empty(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return one value everywhere, in the shape and dtype of `input`."""
    return full(input.shape, fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return start, start + step, ... up to but without `end`; int64 if all three are whole numbers, else float32."""
    start, end, step = (x.item() if isinstance(x, Tensor) else x for x in (start, end, step))
    start, end = (0, start) if end is None else (start, end)
    for name, number in (("start", start), ("end", end), ("step", step)):
        if not isinstance(number, int | float | np.number):
            raise TypeError(f"arange: {name}={number!r} is {type(number).__name__}, expected a number")
        as_operand(number, float64)  # refuses what has more than 64 bits
    if step == 0 or not 0 <= (end - start) * step < math.inf:
        raise ArgumentError(
            f"arange: start={start}, end={end}, step={step}, expected a step that leads from start to end"
        )
    chosen = (
        (int64 if all(isinstance(x, int | np.integer) for x in (start, end, step)) else float32)
        if dtype is None
        else dtype
    )
    count = math.ceil((end - start) / step)
    values = start + np.arange(count) * step
    return _finish(values.astype(as_dtype(chosen)), requires_grad, device)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Return `steps` numbers at equal distances, from `start` to `end` inclusive."""
    if steps < 0:
        raise ArgumentError(f"linspace: steps={steps}, expected at least 0")
    return _finish(np.linspace(start, end, steps, dtype=as_dtype(dtype or float32)), requires_grad, device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return a matrix (n, m) with ones on the diagonal, zeros elsewhere."""
    if min(n, n if m is None else m) < 0:
        raise ArgumentError(f"eye: n={n}, m={m}, expected at least 0")
    return _finish(np.eye(n, m, dtype=as_dtype(dtype or float32)), requires_grad, device)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the lower triangle of the last two dimensions, 0 above the `diagonal`."""
    return input.tril(diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the upper triangle of the last two dimensions, 0 below the `diagonal`."""
    return input.triu(diagonal)


# ---------------------------------------------------------------------------------------------------- at random


def _generator(generator: Generator | None) -> Generator:
    if not isinstance(generator, Generator | None):
        raise TypeError(f"generator={generator!r} is {type(generator).__name__}, expected a Generator")
    return generator or default_generator


def _stream(generator: Generator | None) -> np.random.Generator:
    return _generator(generator).numpy


def _float_dtype(name: str, dtype: Any) -> Any:
    chosen = as_dtype(dtype or float32)
    if chosen not in (float32, float64):
        raise DtypeError(f"{name}: dtype={chosen}, expected float32 or float64")
    return chosen


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers from a uniform distribution over [0, 1)."""
    shape = _shape("rand", sizes, size)
    return _finish(_stream(generator).random(shape, _float_dtype("rand", dtype)), requires_grad, device)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return numbers from the standard normal distribution."""
    shape = _shape("randn", sizes, size)
    drawn = standard_normal(shape, _float_dtype("randn", dtype), _generator(generator))
    return _finish(drawn, requires_grad, device)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return whole numbers from low to high - 1: `randint(low, high, size)` or `randint(high, size)`."""
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not isinstance(size, tuple | list):
        raise TypeError(f"randint: size={size!r}, expected a tuple")
    if low >= high:
        raise ArgumentError(f"randint: low={low}, high={high}, expected low < high")
    values = _stream(generator).integers(low, high, _shape("randint", (tuple(size),)))
    return _finish(np.asarray(values).astype(as_dtype(dtype or int64), copy=False), requires_grad, device)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = int64, device: Any = None) -> Tensor:
    """Return 0 .. n - 1 in random order."""
    if n < 0:
        raise ArgumentError(f"randperm: n={n}, expected at least 0")
    return _finish(permutation(n, _stream(generator)).astype(as_dtype(dtype), copy=False), False, device)


def rand_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return uniform numbers in the shape and dtype of `input`."""
    return rand(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def randn_like(input: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Return standard normal numbers in the shape and dtype of `input`."""
    return randn(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)


def randint_like(input: Any, low: int, high: int | None = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Return whole numbers from low to high - 1 in the shape and dtype of `input`."""
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, tuple(input.shape), dtype=dtype or input.dtype, device=device)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None
) -> Tensor:
    """Return numbers from a normal distribution: so many as `size` says, or one for each element of tensors.

    Raises `ArgumentError` when a standard deviation is negative.
    """
    tensors = [x for x in (mean, std) if isinstance(x, Tensor)]
    if not all(std.array >= 0 if isinstance(std, Tensor) else [std >= 0]):
        raise ArgumentError(f"normal: std={std}, expected at least 0")
    if tensors and size is not None:
        raise TypeError(f"normal: size={size}, expected None where mean or std is a tensor")
    if not tensors and size is None:
        raise TypeError("normal: size=None, expected sizes where mean and std are numbers")
    if tensors:
        size, dtype = (mean + std).shape, tensors[0].dtype
    drawn = randn(size, generator=generator, dtype=dtype) * std + mean
    return drawn.to(dtype) if tensors else drawn


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Return 1 with the probabilities in `input`, else 0."""
    p = input.array
    if not ((p >= 0) & (p <= 1)).all():
        raise ArgumentError("bernoulli: input holds values outside 0 to 1, expected probabilities")
    return input._new((_stream(generator).random(p.shape) < p).astype(p.dtype))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Return `num_samples` positions (int64) per row, drawn with the weights (V,) or (N, V) in `input`.

    Weights need not sum to 1. Raises `ValueError` for negative or infinite weights, rows without a positive one, and
    for more samples without replacement than there are positive weights.
    """
    weights = np.asarray(input.array, np.float64)
    if weights.ndim not in (1, 2):
        raise ShapeError(f"multinomial: input has shape {weights.shape}, expected (V,) or (N, V)")
    rows = np.atleast_2d(weights)
    if not np.isfinite(rows).all() or (rows < 0).any() or not (rows > 0).any(axis=1).all():
        raise ArgumentError("multinomial: input, expected finite weights of at least 0 and a positive one in each row")
    if num_samples < 1 or (not replacement and num_samples > (rows > 0).sum(axis=1).min()):
        raise ArgumentError(
            f"multinomial: num_samples={num_samples}, expected at least 1 and, without replacement, "
            "at most as many as there are positive weights"
        )
    stream = _stream(generator)
    if replacement:
        ends = rows.cumsum(axis=1)
        points = stream.random((len(rows), num_samples)) * ends[:, -1:]
        last = rows.shape[1] - 1 - (rows[:, ::-1] > 0).argmax(axis=1)  # rounding must not lead to a weight of zero
        drawn = np.stack(
            [np.minimum(np.searchsorted(e, p, "right"), k) for e, p, k in zip(ends, points, last, strict=True)]
        )
    else:
        # Exponential waiting times, divided by the weights: the first `num_samples` to arrive are a sample without
        # replacement (the "exponential clocks" form of the Gumbel trick; Efraimidis and Spirakis, 2006).
        with np.errstate(divide="ignore"):
            arrivals = stream.standard_exponential(rows.shape) / rows
        one = num_samples == 1  # which is found in a tenth of the time or less
        drawn = arrivals.argmin(axis=1) if one else np.argsort(arrivals, axis=1, stable=True)[:, :num_samples]
    return input._new(drawn.astype(np.int64).reshape(*weights.shape[:-1], num_samples))

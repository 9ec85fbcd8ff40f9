"""What a differentiable operation is, and the list of all of them."""

import math
import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

import fastgrok_kernels as kernels
from fastgrok_kernels import memory

from ..errors import ArgumentError, DtypeError, IdError, RangeError, ShapeError

#: From this many elements on the kernels are used; below, NumPy is as fast, and nothing has to be compiled.
KERNEL_SIZE = 1 << 12
FEW = 16  # columns; a matrix with fewer is transposed quicker by NumPy, with many 8 to 10 times quicker by the kernel
SHARED = 1 << 17  # elements from which a sum or a product of two is worth a second core: 18 us with NumPy, 11 with two
LARGE_SUM = 1 << 16  # elements from which a sum of all, or along rows, is worth a kernel: 13 us with NumPy, 8 with it
_REPEATED = 1 << 15  # elements from which adding a row, a column or the like is worth a kernel: 20 us with NumPy, 14
MANY = 1 << 14  # elements from which sums of columns are worth a kernel: 256 x 65 take 4.4 us with NumPy, 2.5 with it
_BEHIND = 8  # numbers behind an axis in the middle from which its sums are worth a kernel: a quarter of NumPy's time
_TALL = 64  # rows below which they are not: 16 x 1024 take 1.9 us with NumPy, 2.6 with the kernel

#: Division by zero, overflow and the like give inf and nan without a warning, as in PyTorch: `@quiet` above a forward.
quiet = np.errstate(all="ignore")


class Op:
    """One call of a differentiable operation: forward beside backward, on arrays only.

    A subclass defines both methods and keeps on `self` what its backward needs; `autograd.apply` makes one instance
    per call. Subclasses register themselves in `Op.registry`.

    `forward` allocates what it returns (unless it is a `view`) and never changes its arguments. `backward` gets one
    gradient per output (None where none arrived) and returns one per tensor input: an array, a structured gradient,
    or None. It must not change the gradients it gets, nor return an array that it keeps.

    Examples
    --------
    >>> class Double(Op, register=False):
    ...     def forward(self, x):
    ...         return 2 * x
    ...
    ...     def backward(self, dy):
    ...         return (2 * dy,)
    >>> Double().forward(np.ones(2))
    array([2., 2.])
    """

    registry: ClassVar[dict[str, type["Op"]]] = {}

    #: Inputs and outputs whose values backward reads, by position: the engine raises when one was changed in place.
    #: Forward may set them anew when they depend on `needs`.
    saved_inputs: tuple[int, ...] = ()
    saved_outputs: tuple[int, ...] = ()
    #: Backward needs shapes and settings only, so there is nothing to free and it may run a second time.
    stateless: ClassVar[bool] = False
    #: The output may share memory with the first input.
    view: ClassVar[bool] = False
    #: Backward takes structured gradients as they are; otherwise they arrive as arrays.
    accepts_structured: ClassVar[bool] = False

    # Set by `autograd.apply`, per instance.
    needs: tuple[bool, ...] = (True,) * 8  # which tensor inputs want a gradient; an op that is used alone computes all
    sources: tuple[Any, ...] | None = None  # per input a leaf Variable, (op, output) or None; no tuple: freed
    number: int = -1  # position in the order of creation
    outputs: int = 1
    saved: tuple = ()  # (storage, version) of the inputs and outputs that are saved
    hooks: dict[int, list] | None = None  # functions to call with the gradient of an output
    final: bool = False  # backward runs for the last time: it may overwrite what was saved once `sources` is None
    retained: dict[int, Any] | None = None  # weak references to the outputs that keep their gradient

    def __init_subclass__(cls, register: bool = True, **keywords: Any):
        super().__init_subclass__(**keywords)
        if register:
            Op.registry[cls.__name__] = cls

    def forward(self, *arrays: np.ndarray, **static: Any) -> Any:
        """Compute the output array, or a tuple of them."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, *douts: Any) -> tuple:
        """Compute the gradients of the inputs from those of the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def own_outputs(self) -> bool:
        """Copy outputs that backward reads, as they are about to be changed in place; return whether that was done.

        Without it the engine raises later, as PyTorch does. Recurrent layers do it, as PyTorch's GRU needs no outputs.
        """
        return False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


#: Which factors of a product backward needs, by which of the two want a gradient: each needs the other.
FACTORS: dict[tuple[bool, ...], tuple[int, ...]] = {
    (True, True): (0, 1),
    (True, False): (1,),
    (False, True): (0,),
    (False, False): (),
}


def contiguous(x: np.ndarray) -> np.ndarray:
    """Return `x` itself when it lies in C order, else a copy that does; unlike in NumPy 0-d arrays stay 0-d."""
    return x if x.flags.c_contiguous else copied(x)


def copied(x: np.ndarray) -> np.ndarray:
    """Return a copy in C order, in memory that is kept for reuse when it is large."""
    if x.nbytes >= memory.LARGE and x.dtype.char in "fd" and not x.flags.c_contiguous:
        if 0 in x.strides:
            repeated = _repeated(x)
            if repeated is not None:
                return repeated
        swapped = _swapped(x)
        if swapped is not None:
            return kernels.swap_axes(swapped).reshape(x.shape)
    y = memory.empty(x.shape, x.dtype)
    if x.size >= SHARED and x.itemsize >= 4 and x.flags.c_contiguous and kernels.jit.get_num_threads() > 1:
        bits = f"f{x.itemsize}"  # whole numbers, too: nothing but bits is copied
        kernels.join_into(y.reshape(1, -1).view(bits), 0, x.reshape(1, -1).view(bits), np.empty((1, 0), bits))
    else:
        y[...] = x
    return y


def filled(shape: tuple[int, ...], dtype: np.dtype, value: Any) -> np.ndarray:
    """Return an array of a shape and dtype with one value everywhere; a large one in memory that is kept for reuse."""
    if math.prod(shape) >= SHARED and dtype.itemsize >= 4:
        return kernels.full(shape, np.asarray(value, dtype))
    y = np.empty(shape, dtype)
    y.fill(value)
    return y


def zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Return zeros; many in memory that is kept for reuse."""
    return np.zeros(shape, dtype) if math.prod(shape) < SHARED else filled(shape, dtype, 0)


def _repeated(x: np.ndarray) -> np.ndarray | None:
    """Return a copy of `x` if its elements are repeated along the first axes, or the last ones; None for any other.

    That is, of an expanded row or column, which is its product with ones.
    """
    own = [axis for axis, step in enumerate(x.strides) if step and x.shape[axis] != 1]
    first, end = (own[0], own[-1] + 1) if own else (0, 0)
    part = x[(0,) * first + (slice(None),) * (end - first) + (0,) * (x.ndim - end) + (...,)]
    if part.size == 1:
        return filled(x.shape, x.dtype, part)
    N, S = math.prod(x.shape[:first]), math.prod(x.shape[end:])
    row = S if S > 1 else part.size
    if min(N, S) > 1 or row < 256 or not part.flags.c_contiguous or kernels.jit.get_num_threads() == 1:
        return None  # short rows, or all on one core, NumPy copies sooner
    numbers, ones = part.reshape(-1), np.ones(max(N, S), x.dtype)
    return kernels.outer(*((numbers, ones) if S > 1 else (ones, numbers))).reshape(x.shape)


def _swapped(x: np.ndarray) -> np.ndarray | None:
    """Return a view (B, M, N) in C order whose `swap_axes`, reshaped, is `x`: a transposed matrix, moved channels.

    That is, two neighbouring groups of axes have changed places in memory. None for any other array, and where N is too
    small for the kernel to be quicker than NumPy.
    """
    x = x.squeeze()
    axes = memory_axes(x)
    if axes is None:
        return None
    first = next((i for i, axis in enumerate(axes) if axis != i), x.ndim)
    moved = axes[first:]
    cut = moved.index(first) if moved else 0
    if moved[cut:] + moved[:cut] != tuple(range(first, x.ndim)):
        return None
    B, N = math.prod(x.shape[:first]), math.prod(x.shape[axis] for axis in moved[cut:])
    return x.transpose(axes).reshape(B, -1, N) if N >= FEW else None


def memory_axes(*arrays: np.ndarray) -> tuple[int, ...] | None:
    """Return the axes in whose order all of the arrays lie in memory without gaps, or None when there is no such order.

    That of images with channels last is (0, 2, 3, 1). An axis of size 1 could be anywhere: it follows the one before.
    """
    first = arrays[0]
    if any(a.strides != first.strides for a in arrays[1:]):
        return None
    if first.flags.c_contiguous:
        return tuple(range(first.ndim))
    axes = sorted([axis for axis in range(first.ndim) if first.shape[axis] != 1], key=lambda axis: -first.strides[axis])
    for axis in [axis for axis in range(first.ndim) if first.shape[axis] == 1]:
        axes.insert(axes.index(axis - 1) + 1 if axis else 0, axis)
    return tuple(axes) if first.transpose(axes).flags.c_contiguous else None


def elementwise(kernel: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """Apply a kernel of single elements to arrays of one shape; the result lies in memory as they do."""
    if all(a.flags.c_contiguous for a in arrays):
        return kernel(*arrays)
    axes = memory_axes(*arrays)
    if axes is None:
        return kernel(*(contiguous(a) for a in arrays))
    return kernel(*(a.transpose(axes) for a in arrays)).transpose(np.argsort(axes))


def room(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Return memory kept for reuse that can hold `a` combined with `b`, element by element; None for NumPy's own.

    There is some if they are floats, one is large, and the other has the same shape or can be stretched to it.
    """
    if a.size < b.size:
        a, b = b, a
    if a.nbytes < memory.LARGE or a.dtype != b.dtype or a.dtype.char not in "fd" or b.ndim > a.ndim:
        return None
    if any(small not in (1, large) for small, large in zip(b.shape[::-1], a.shape[::-1], strict=False)):
        return None
    axes = memory_axes(a, b) if a.shape == b.shape else memory_axes(a)
    if axes is None:
        return None
    return laid_out(a.shape, a.dtype, axes)


def laid_out(shape: tuple[int, ...], dtype: np.dtype, axes: tuple[int, ...] | None) -> np.ndarray:
    """Return an array in memory kept for reuse, in which axes lie in that order; in C order for None."""
    if axes is None or axes == tuple(range(len(axes))):
        return memory.empty(shape, dtype)
    return memory.empty(tuple(shape[axis] for axis in axes), dtype).transpose(np.argsort(axes))


def fits(shape: tuple[int, ...], place: tuple[int, ...]) -> bool:
    """Whether an array of a shape can be stretched to the shape of its place."""
    if shape == place or not shape:
        return True
    try:
        return np.broadcast_shapes(place, shape) == place
    except ValueError:
        return False


def combined(function: np.ufunc, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return what `np.add`, `subtract`, `multiply` or `divide` makes of a and b; of large ones the kernel of its name.

    Arrays of one shape, or an array and a number, take NumPy as long on one core, but twice as long where one of them
    is a row, a column or the like.
    """
    if a.nbytes < memory.LARGE and b.nbytes < memory.LARGE:
        return function(a, b)
    repeated = a.shape != b.shape and a.ndim and b.ndim
    if max(a.size, b.size) >= (_REPEATED if repeated else SHARED) and a.dtype == b.dtype and a.dtype.char in "fd":
        from fastgrok_kernels import jit  # which loads Numba

        if repeated or jit.get_num_threads() > 1:
            y = _by_kernel(getattr(kernels, function.__name__), a, b)
            if y is not None:
                return y
    return function(a, b, out=room(a, b))


def _by_kernel(kernel: Callable[..., np.ndarray], a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """Apply a kernel to two arrays of one shape, or of which one is repeated; None where they do not fit in this way.

    The short one is repeated in front of and behind neighbouring axes of the large one, as they lie in memory: it has M
    numbers, each of which belongs to N runs of S.
    """
    if a.shape == b.shape:
        if (a.flags.c_contiguous and b.flags.c_contiguous) or memory_axes(a, b) is not None:
            return elementwise(kernel, a, b)
        parts = _once(a), _once(b)
        if b.size in (parts[0].size, parts[1].size) and parts[0].size != parts[1].size:
            return _by_kernel(kernel, *parts)
        if all(x.flags.c_contiguous or _swapped(x) is not None for x in (a, b)):  # turning is quick, beside NumPy's way
            return kernel(contiguous(a), contiguous(b))
        return None
    large, short = (a, b) if a.size > b.size else (b, a)
    if short.ndim > large.ndim:
        return None
    if not large.flags.c_contiguous:
        axes = memory_axes(large)
        if axes is None:
            return None
        short = short.reshape((1,) * (large.ndim - short.ndim) + short.shape)
        a, b = (large, short) if large is a else (short, large)
        y = _by_kernel(kernel, a.transpose(axes), b.transpose(axes))
        return None if y is None else y.transpose(np.argsort(axes))
    sizes = (1,) * (large.ndim - short.ndim) + short.shape
    own = [axis for axis, size in enumerate(sizes) if size != 1]
    first, end = (own[0], own[-1] + 1) if own else (0, 0)
    N, M = math.prod(large.shape[:first]), short.size
    if sizes[first:end] != large.shape[first:end]:
        return None
    runs, numbers = large.reshape(N, M, -1), contiguous(short).reshape(M)
    return kernel(*((runs, numbers) if large is a else (numbers, runs))).reshape(large.shape)


def _once(x: np.ndarray) -> np.ndarray:
    """Return x without its repetitions along axes, which then have size 1: of the gradient of a sum, of `expand_as`."""
    if 0 not in x.strides:
        return x
    return x[tuple([slice(None) if step else slice(1) for step in x.strides])]


def chosen(condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a where the condition holds, else b, as `np.where` does, which takes long for large arrays.

    The result lies in memory as a does, or b, if they are as large.
    """
    if max(condition.size, a.size, b.size) < KERNEL_SIZE or a.dtype != b.dtype or a.dtype.char not in "fd":
        return np.where(condition, a, b)
    shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    axes = next((memory_axes(x) for x in (a, b) if x.shape == shape), None) or tuple(range(len(shape)))

    def whole(x):
        return contiguous(x.transpose(axes)) if x.shape == shape else copied(np.broadcast_to(x, shape).transpose(axes))

    a, b = (whole(x) if x.ndim else x for x in (a, b))
    return kernels.where(whole(condition), a, b).transpose(np.argsort(axes))


def root_of(x: np.ndarray) -> np.ndarray:
    """Return the array whose memory a view shows."""
    while isinstance(x.base, np.ndarray) and type(x.base) is not memory.Lease:
        x = x.base
    return x


def rows_of(x: np.ndarray) -> np.ndarray:
    """Return x (..., D) as a matrix (N, D), also where D is 0 and `reshape(-1, D)` could not tell N."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def sum_first(x: np.ndarray, count: int = 1) -> np.ndarray:
    """Return the sum over the first `count` axes."""
    N = math.prod(x.shape[:count])
    many = MANY if N >= _TALL else SHARED
    if x.size < many or N < 4 or not x.flags.c_contiguous or x.dtype.char not in "fd":
        return x.sum(axis=tuple(range(count)))
    return kernels.column_sums(x.reshape(N, -1)).reshape(x.shape[count:])


def kept(y: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Put axes that were reduced back with size 1, as `np.expand_dims` does in four times as long."""
    shape = list(y.shape)
    for axis in axes:
        shape.insert(axis, 1)
    return y.reshape(shape)


def summed(x: np.ndarray, axes: tuple[int, ...], keepdim: bool = False) -> np.ndarray:
    """Return the sum over axes, which are counted from the front."""
    kind = x.dtype.char
    large = x.size >= LARGE_SUM and kind in "fd"
    if large and (part := _once(x)).size < x.size:  # the gradient of a sum, for example
        count = math.prod([x.shape[axis] // part.shape[axis] for axis in axes])
        left = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
        y = np.broadcast_to(summed(part, axes, True) * x.dtype.type(count), left).copy()
        return reduced(y, x.shape, axes, keepdim)
    if large and len(axes) == x.ndim:
        in_memory = memory_axes(x)
        if in_memory is not None:
            with np.errstate(all="ignore"):  # a sum may be too large, or that of infinities
                y = np.asarray(kernels.total(x.transpose(in_memory)), x.dtype)
            return y.reshape((1,) * x.ndim) if keepdim else y
    if 0 < len(axes) < x.ndim and axes[-1] == len(axes) - 1:
        y = sum_first(x, len(axes))
        return kept(y, axes) if keepdim else y
    if large and axes and axes[0] == x.ndim - len(axes) and x.flags.c_contiguous:
        shape = x.shape[: axes[0]]
        y = kernels.row_sums(x.reshape(math.prod(shape), -1)).reshape(shape)
        return kept(y, axes) if keepdim else y
    if x.size >= MANY and kind in "fd" and axes and axes[-1] - axes[0] == len(axes) - 1 and x.flags.c_contiguous:
        S = math.prod(x.shape[axes[-1] + 1 :])
        if S >= _BEHIND:
            y = kernels.middle_sums(x.reshape(math.prod(x.shape[: axes[0]]), -1, S))
            return reduced(y, x.shape, axes, keepdim)
    if kind == "?" and len(axes) == x.ndim:  # of a million, in a hundredth of the time
        y = np.array(np.count_nonzero(x), np.int64)
        return y.reshape((1,) * x.ndim) if keepdim else y
    return x.sum(axis=axes, keepdims=keepdim)


def as_rows(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray | None:
    """Return floats as a matrix with a row for each number that a reduction over axes gives; None for few of them.

    The axes are the last ones, or all, counted from the front; None for others, too, and where rows have gaps.
    """
    if x.size < MANY or x.dtype.char not in "fd" or not axes or axes[0] != x.ndim - len(axes):
        return None
    if axes[0] == 0:
        in_memory = memory_axes(x)
        return None if in_memory is None else x.transpose(in_memory).reshape(1, -1)
    return x.reshape(math.prod(x.shape[: axes[0]]), -1) if x.flags.c_contiguous else None


def reduced(y: np.ndarray, shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> np.ndarray:
    """Return what an array of `shape` was reduced to, a number for each row or column, in the shape that is left."""
    return y.reshape([1 if axis in axes else size for axis, size in enumerate(shape) if keepdim or axis not in axes])


def check_float(name: str, argument: str, x: np.ndarray) -> None:
    """Raise `DtypeError` unless `x` is float32 or float64."""
    if x.dtype.char not in "fd":
        raise DtypeError(f"{name}: {argument} has dtype {x.dtype}, expected float32 or float64")


def check_ids(name: str, argument: str, ids: np.ndarray, size: int, ignored: int | None = None) -> np.ndarray:
    """Return a copy of whole numbers `ids` as contiguous int64, each one of 0 .. size - 1 (or `ignored`).

    A copy, because kernels trust it, perhaps not before backward, and the caller may reuse a buffer meanwhile.
    Raises `DtypeError` when they are not integers and `IndexError` when one is out of range.
    """
    if ids.dtype.kind not in "iu":
        raise DtypeError(f"{name}: {argument} has dtype {ids.dtype}, expected int64 or int32")
    ids = copied(ids) if ids.size >= SHARED and ids.dtype == np.int64 else ids.astype(np.int64, order="C")
    if not all_below(ids, size):
        wrong = ((ids < 0) | (ids >= size)) & (True if ignored is None else ids != ignored)
        if wrong.any():
            place = np.unravel_index(int(wrong.argmax()), ids.shape)
            at = f" at position {tuple(map(int, place))}" if ids.ndim else ""
            expected = f"a value from 0 to {size - 1}" if size else "no ids, as there is nothing to choose from"
            raise IdError(f"{name}: {argument} holds {ids[place]}{at}, expected {expected}")
    return ids


def all_below(ids: np.ndarray, size: int) -> bool:
    """Whether all `ids`, int64, are from 0 to size - 1. Read as unsigned, negative ones are the largest: one pass."""
    return not ids.size or int(np.maximum.reduce(ids.view(np.uint64), axis=None)) < size


def normalise_axis(name: str, axis: int, ndim: int, argument: str = "dim") -> int:
    """Return `axis` counted from the front; raises `IndexError` when there is no such axis."""
    if type(axis) is not int:
        try:
            axis = operator.index(axis)
        except TypeError:
            raise TypeError(f"{name}: {argument}={axis!r} is {type(axis).__name__}, expected a whole number") from None
    span = max(ndim, 1)  # a 0-d tensor lets itself be reduced along "axis 0", as in PyTorch
    if not -span <= axis < span:
        raise RangeError(
            f"{name}: {argument}={axis}, expected a value from {-span} to {span - 1} for {ndim} dimensions"
        )
    return axis % span


def normalise_axes(name: str, axes: Any, ndim: int) -> tuple[int, ...]:
    """Return one axis, a sequence of them or None (all of them) as a sorted tuple of axes counted from the front."""
    if type(axes) is int and ndim:
        return (normalise_axis(name, axes, ndim),)
    if axes is None or (isinstance(axes, tuple | list) and not axes):
        return tuple(range(ndim))
    wanted = [normalise_axis(name, axis, ndim) for axis in (axes if isinstance(axes, tuple | list) else (axes,))]
    if len(set(wanted)) != len(wanted):
        raise ArgumentError(f"{name}: dim={axes} names one dimension twice")
    return tuple(sorted(axis for axis in wanted if axis < ndim))


def unbroadcast(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which an operand of `shape` was repeated."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    if extra < 0:  # an assigned value may have more dimensions of size 1 in front than its place has
        return unbroadcast(gradient, shape[-extra:]).reshape(shape)
    stretched = tuple(i + extra for i, size in enumerate(shape) if size == 1 and gradient.shape[i + extra] != 1)
    return summed(gradient, (*range(extra), *stretched)).reshape(shape)


def cannot_broadcast(name: str, *shapes: tuple[int, ...]) -> ShapeError:
    """Return the error for operands whose shapes do not fit together."""
    shown = " and ".join(str(shape) for shape in shapes)
    return ShapeError(
        f"{name}: shapes {shown} cannot be broadcast together; compared from the last dimension, "
        "sizes must be equal or one of them 1"
    )

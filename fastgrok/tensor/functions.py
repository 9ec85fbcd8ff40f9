"""Functions of tensors at the top level. Most are the methods under another name: `exp(x)` is `x.exp()`."""

from collections.abc import Sequence
from functools import wraps
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Variable, apply
from ..errors import ArgumentError, ShapeError
from ..ops.base import check_ids
from .dtypes import as_element, number_dtype, promote, result_dtype
from .making import ones_at
from .operands import binary, cast, check_tensor, numpy_names
from .tensor import Tensor


def _functions(*methods: Any) -> Any:
    """Return methods of tensors as functions, whose first argument is called `input`."""
    return [_function(method) for method in methods]


def _function(method: Any) -> Any:
    @wraps(method)
    def function(input: Tensor, *arguments: Any, **keywords: Any) -> Any:
        if not isinstance(input, Variable):
            raise TypeError(f"{method.__name__}(): argument 'input' must be Tensor, not {type(input).__name__}")
        return method(input, *arguments, **keywords)

    return function


abs, exp, log, log2, log10, sqrt, rsqrt = _functions(
    Tensor.abs, Tensor.exp, Tensor.log, Tensor.log2, Tensor.log10, Tensor.sqrt, Tensor.rsqrt
)
sin, cos, tanh, sigmoid, relu = _functions(Tensor.sin, Tensor.cos, Tensor.tanh, Tensor.sigmoid, Tensor.relu)
square, reciprocal, neg, sign = _functions(Tensor.square, Tensor.reciprocal, Tensor.neg, Tensor.sign)
floor, ceil, round, clamp, clip = _functions(Tensor.floor, Tensor.ceil, Tensor.round, Tensor.clamp, Tensor.clip)
softmax, log_softmax, logsumexp = _functions(Tensor.softmax, Tensor.log_softmax, Tensor.logsumexp)
add, sub, mul, div, remainder = _functions(Tensor.add, Tensor.sub, Tensor.mul, Tensor.div, Tensor.remainder)
matmul, mm, bmm, dot = _functions(Tensor.matmul, Tensor.mm, Tensor.bmm, Tensor.dot)
maximum, minimum = _functions(Tensor.maximum, Tensor.minimum)
sum, mean, var, std, prod, norm, cumsum = _functions(
    Tensor.sum, Tensor.mean, Tensor.var, Tensor.std, Tensor.prod, Tensor.norm, Tensor.cumsum
)
max, min, amax, amin, argmax, argmin = _functions(
    Tensor.max, Tensor.min, Tensor.amax, Tensor.amin, Tensor.argmax, Tensor.argmin
)
all, any, count_nonzero = _functions(Tensor.all, Tensor.any, Tensor.count_nonzero)
argsort, sort, topk, unique, bincount = _functions(
    Tensor.argsort, Tensor.sort, Tensor.topk, Tensor.unique, Tensor.bincount
)
reshape, flatten, permute, transpose, t = _functions(
    Tensor.reshape, Tensor.flatten, Tensor.permute, Tensor.transpose, Tensor.t
)
squeeze, unsqueeze, movedim, flip, roll, tile = _functions(
    Tensor.squeeze, Tensor.unsqueeze, Tensor.movedim, Tensor.flip, Tensor.roll, Tensor.tile
)
narrow, split, chunk, unbind, repeat_interleave = _functions(
    Tensor.narrow, Tensor.split, Tensor.chunk, Tensor.unbind, Tensor.repeat_interleave
)
gather, index_select, masked_select, masked_fill, nonzero = _functions(
    Tensor.gather, Tensor.index_select, Tensor.masked_select, Tensor.masked_fill, Tensor.nonzero
)
take_along_dim, clone, detach, numel = _functions(Tensor.take_along_dim, Tensor.clone, Tensor.detach, Tensor.numel)
eq, ne, lt, le, gt, ge = _functions(Tensor.eq, Tensor.ne, Tensor.lt, Tensor.le, Tensor.gt, Tensor.ge)
logical_not, logical_and, logical_or = _functions(Tensor.logical_not, Tensor.logical_and, Tensor.logical_or)
isnan, isinf, isfinite, isclose = _functions(Tensor.isnan, Tensor.isinf, Tensor.isfinite, Tensor.isclose)
allclose, equal, is_floating_point = _functions(Tensor.allclose, Tensor.equal, Tensor.is_floating_point)


log1p, expm1, cumprod, scatter, scatter_add, index_add = _functions(
    Tensor.log1p, Tensor.expm1, Tensor.cumprod, Tensor.scatter, Tensor.scatter_add, Tensor.index_add
)
ravel, select, swapaxes, unflatten = _functions(Tensor.ravel, Tensor.select, Tensor.swapaxes, Tensor.unflatten)


addmm, addmv, baddbmm, erf = _functions(Tensor.addmm, Tensor.addmv, Tensor.baddbmm, Tensor.erf)
diag, diagonal, trace, moveaxis = _functions(Tensor.diag, Tensor.diagonal, Tensor.trace, Tensor.moveaxis)
median = _function(Tensor.median)


@numpy_names
def var_mean(input: Tensor, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> tuple:
    """Return the variance and the mean; see `var`."""
    return input.var(dim, correction=correction, keepdim=keepdim), input.mean(dim, keepdim)


@numpy_names
def std_mean(input: Tensor, dim: Any = None, *, correction: int = 1, keepdim: bool = False) -> tuple:
    """Return the standard deviation and the mean; see `std`."""
    return input.std(dim, correction=correction, keepdim=keepdim), input.mean(dim, keepdim)


def pow(input: Any, exponent: Any) -> Any:
    """Return input ** exponent; one of them may be a number."""
    return input**exponent


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    """Return the tensors joined along an existing dimension; raises `ShapeError` when they do not fit."""
    return _joined("cat", ops.Cat, tensors, dim)


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Any:
    """Return tensors of one shape joined along a new dimension; raises `ShapeError` when they do not fit."""
    return _joined("stack", ops.Stack, tensors, dim)


concat = concatenate = cat


def hstack(tensors: Sequence[Tensor]) -> Any:
    """Return the tensors joined along dimension 1, those of one dimension along that, numbers as (1,)."""
    parts = [x.reshape(1) if x.dim() == 0 else x for x in _tensors("hstack", tensors)]
    return cat(parts, 0 if parts[0].dim() == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Any:
    """Return the tensors joined along dimension 0, those of one dimension or none as rows (1, N)."""
    return cat([x.reshape(1, -1) if x.dim() < 2 else x for x in _tensors("vstack", tensors)])


def dstack(tensors: Sequence[Tensor]) -> Any:
    """Return the tensors joined along dimension 2: matrices as (M, N, 1), those of less dimensions as (1, N, 1)."""
    parts = [x.reshape(1, -1, 1) if x.dim() < 2 else x for x in _tensors("dstack", tensors)]
    return cat([x.unsqueeze(2) if x.dim() == 2 else x for x in parts], 2)


def _joined(name: str, op_class: type[ops.Op], tensors: Sequence[Tensor], dim: int) -> Any:
    tensors = _tensors(name, tensors)
    dtype = tensors[0].array.dtype
    for x in tensors[1:]:
        dtype = promote(dtype, x.array.dtype)
    return apply(op_class, *[cast(x, dtype) for x in tensors], dim=dim)


def _tensors(name: str, tensors: Sequence[Tensor]) -> list:
    """Return a list of tensors to join, and check that it is one."""
    tensors = list(tensors)
    if not tensors:
        raise ArgumentError(f"{name}: tensors is empty, expected at least one")
    for i, x in enumerate(tensors):
        if not isinstance(x, Variable):
            raise TypeError(f"{name}: tensors[{i}] is {type(x).__name__}, expected a Tensor")
    return tensors


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Return the elements of `input` where the bool tensor `condition` holds, else of `other`; tensors or numbers.

    With the condition alone: the positions where it holds, one int64 tensor per dimension.
    """
    if input is None and other is None:
        return tuple([condition._new(axis) for axis in np.nonzero(condition.array)])
    if not isinstance(input, Variable):
        dtype = result_dtype(other, input) if isinstance(other, Variable) else number_dtype(input)
        input = Tensor._from_array(as_element(input, dtype, "where: input"))
    return input.where(condition, other)


def outer(input: Tensor, vec2: Tensor) -> Any:
    """Return the matrix of all products of the elements of two vectors."""
    check_tensor("outer", "vec2", vec2)
    for name, x in (("input", input), ("vec2", vec2)):
        if x.array.ndim != 1:
            raise ShapeError(f"outer: {name} has shape {x.array.shape}, expected one dimension")
    return binary(ops.OuterProduct, input, vec2)


def one_hot(input: Tensor, num_classes: int = -1) -> Any:
    """Return (..., num_classes) int64: 1 at the positions that `input` names, else 0."""
    ids = input.array
    count = int(ids.max(initial=-1)) + 1 if num_classes == -1 else num_classes
    check_ids("one_hot", "input", ids, count)
    return input._new(ones_at(ids, count))


def is_tensor(x: Any) -> bool:
    """Whether x is a `Tensor`."""
    return isinstance(x, Tensor)


def meshgrid(*tensors: Tensor, indexing: str = "ij") -> tuple:
    """Return the coordinates of a grid, one tensor per 1-D tensor given: views that repeat its elements."""
    if indexing not in ("ij", "xy"):
        raise ArgumentError(f"meshgrid: indexing={indexing!r}, expected 'ij' or 'xy'")
    shape = [x.numel() for x in tensors]
    grids = [x.reshape([-1 if i == k else 1 for k in range(len(shape))]).expand(shape) for i, x in enumerate(tensors)]
    return tuple([g.swapaxes(0, 1) for g in grids] if indexing == "xy" and len(grids) > 1 else grids)


def result_type(a: Any, b: Any) -> np.dtype:
    """Return the dtype of a result calculated from two tensors or numbers."""
    return result_dtype(a, b)

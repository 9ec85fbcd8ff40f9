"""Clipping of gradients."""

import math
import types
import warnings
from collections.abc import Iterable

import numpy as np

import fastgrok_kernels as kernels

from ...errors import ShapeError
from ...ops.base import contiguous
from ...tensor import Tensor

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by one factor, in place, so that the norm of all of them together is at most `max_norm`.

    The factor is min(1, max_norm / (norm + 1e-6)). Parameters without a gradient are passed over.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Whose gradients to scale.
    max_norm, norm_type : float
        `norm_type` may be infinity.
    error_if_nonfinite : bool
        Whether to raise, instead of scaling by what comes out, when the norm is not finite.
    foreach
        Taken for PyTorch's sake.

    Returns
    -------
    Tensor ()
        The norm before scaling.

    Raises
    ------
    RuntimeError
        See `error_if_nonfinite`; before anything is changed.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.zeros(2, requires_grad=True)
    >>> w.grad = fastgrok.tensor([3.0, 4.0])
    >>> clip_grad_norm_(w, 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    parameters = _as_list(parameters)
    total = get_total_norm([p.grad for p in parameters if p.grad is not None], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm () of all elements of all tensors, as if they were one vector; 0 when there are none.

    Raises `RuntimeError` for `error_if_nonfinite` and a norm that is not finite.
    """
    arrays = [contiguous(tensor.array) for tensor in _as_list(tensors)]
    norm_type = float(norm_type)
    if norm_type == 2.0:
        total = math.sqrt(sum(kernels.sum_of_squares(array) for array in arrays))
    elif norm_type == math.inf and any(array.size == 0 for array in arrays):
        raise ShapeError("get_total_norm: norm_type=inf of a tensor without elements, expected some in each")
    elif norm_type == math.inf:
        total = float(np.max([np.abs(array).max(initial=0.0) for array in arrays], initial=0.0))
    else:
        total = float(sum((np.abs(array.astype(np.float64)) ** norm_type).sum() for array in arrays) ** (1 / norm_type))
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite ({total}), so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return Tensor._from_array(np.array(total, arrays[0].dtype if arrays else np.float32))


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients, in place, by min(1, max_norm / (total_norm + 1e-6)); see `clip_grad_norm_`."""
    factor = float(max_norm) / (float(total_norm) + 1e-6)
    if factor >= 1.0:  # not so when it is NaN: then the gradients turn NaN, and the loss shows it
        return
    for gradient in [p.grad for p in _as_list(parameters) if p.grad is not None]:
        if gradient.array.flags.c_contiguous:
            kernels.scale_into(gradient.array, factor)
        else:
            gradient.array *= gradient.array.dtype.type(factor)
        gradient.storage.version += 1


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Clip every element of every gradient to [-clip_value, clip_value], in place.

    Raises `ValueError` when `clip_value` is negative.
    """
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value={clip_value}, expected at least 0")
    for gradient in [p.grad for p in _as_list(parameters) if p.grad is not None]:
        np.clip(gradient.array, -clip_value, clip_value, out=gradient.array)
        gradient.storage.version += 1


def _as_list(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    listed = list(tensors)
    if isinstance(tensors, types.GeneratorType) and not listed:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=3)
    return listed

"""Tables of vectors: rows looked up by id, alone or in bags."""

import numpy as np

from .. import ops
from ..autograd import apply
from ..errors import ArgumentError, ShapeError
from ..ops.base import check_ids, contiguous
from ..tensor import Tensor
from .checks import check_tensors, row_of_padding

__all__ = ["embedding", "embedding_bag"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of a table: input (...) int64, weight (V, D), output (..., D).

    Parameters
    ----------
    padding_idx : int, optional
        A row that gets no gradient.
    max_norm, norm_type : float
        Rows that are looked up and have a `norm_type`-norm of more than `max_norm` are first scaled to it, in the
        table itself and past the graph.
    scale_grad_by_freq : bool
        Whether to divide the gradient of each row by how often its id occurs.
    sparse : bool
        Taken for PyTorch's sake: gradients with few rows are kept as rows until somebody reads them, whatever it says.

    Raises
    ------
    IndexError
        When an id is not one of 0 .. V - 1.
    DtypeError
        When the ids are not integers.
    """
    check_tensors("embedding", input=input, weight=weight)
    _check_table("embedding", weight)
    padding_idx = row_of_padding("embedding", padding_idx, len(weight.array))
    if max_norm is not None:
        _limit_norms("embedding", weight, input, max_norm, norm_type)
    output = apply(ops.Embedding, weight, input, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)
    if input.array.ndim == 2:  # perhaps a window for a recurrent layer, which may then compute with the table itself
        output.gathered = ops.Gathered(
            contiguous(weight.array), input.array.astype(np.int64, order="C"), weight.storage
        )
    return output


def _check_table(name: str, weight: Tensor) -> None:
    """Raise `ShapeError` for what is not a matrix."""
    if weight.array.ndim != 2:
        raise ShapeError(f"{name}: weight has shape {weight.array.shape}, expected (V, D)")


def _limit_norms(name: str, weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows of `weight` that `input` names, in place and unrecorded, so that no norm exceeds `max_norm`."""
    ids = np.unique(check_ids(name, "input", input.array, len(weight.array)))
    norms = ops.PNorm().forward(weight.array[ids], p=norm_type)
    longer = norms > max_norm
    if longer.any():
        scale = max_norm / (norms[longer] + 1e-7)  # PyTorch's safeguard
        weight.array[ids[longer]] *= scale.astype(weight.array.dtype)[:, None]
        weight.storage.version += 1


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, the mean or the maximum of the rows of each bag, without a copy of the rows: (B, D).

    Parameters
    ----------
    input : Tensor (B, N) or (N,), int64
        Bags of N ids each, or the ids of all bags one after the other.
    weight : Tensor (V, D)
        The table.
    offsets : Tensor (B,), int64
        For an input (N,), where each bag begins; the first is 0. With `include_last_offset` (B + 1,), the end of the
        last bag included.
    mode : str
        "mean", "sum" or "max". A bag of nothing gives zeros.
    per_sample_weights : Tensor, optional
        Factors of the rows, of the shape of the input, for "sum" only. They get a gradient.
    padding_idx : int, optional
        An id that counts for nothing, also not in the mean's number.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As in `embedding`; `scale_grad_by_freq` and `sparse` not for "max".

    Raises
    ------
    IndexError
        When an id is not one of 0 .. V - 1.
    ShapeError, ValueError, DtypeError
        When shapes, offsets, options or dtypes do not go together.
    NotImplementedError
        For factors and another mode than "sum".

    Examples
    --------
    >>> import fastgrok
    >>> table = fastgrok.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    >>> embedding_bag(fastgrok.tensor([0, 1, 2]), table, fastgrok.tensor([0, 2]), mode="sum")
    tensor([[ 3., 30.],
            [ 4., 40.]])
    """
    name = "embedding_bag"
    check_tensors(name, input=input, weight=weight)
    check_mode(name, mode)
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ArgumentError(f"{name}: mode='max' does not go with scale_grad_by_freq or sparse")
    if per_sample_weights is not None:
        check_tensors(name, per_sample_weights=per_sample_weights)
        if mode != "sum":
            raise NotImplementedError(
                f"{name}: per_sample_weights is only supported for mode='sum' (got mode={mode!r})"
            )
        if per_sample_weights.array.shape != input.array.shape:
            raise ShapeError(
                f"{name}: per_sample_weights has shape {per_sample_weights.array.shape}, expected "
                f"{input.array.shape} as input"
            )
        per_sample_weights = per_sample_weights.reshape(-1)
    _check_table(name, weight)
    padding_idx = row_of_padding(name, padding_idx, len(weight.array))
    starts = _starts(name, input.array, offsets, include_last_offset)
    ids = input.array.reshape(-1)
    ids = ids[: starts[-1]]  # what no bag has counts for nothing
    if max_norm is not None:
        _limit_norms(name, weight, input, max_norm, norm_type)
    if mode == "max":
        return apply(ops.EmbeddingBagMax, weight, ids=ids, starts=starts, padding_idx=padding_idx)
    if per_sample_weights is not None:
        per_sample_weights = per_sample_weights[: len(ids)]
    return apply(
        ops.EmbeddingBag,
        *((weight,) if per_sample_weights is None else (weight, per_sample_weights)),
        ids=ids,
        starts=starts,
        mean=mode == "mean",
        padding_idx=padding_idx,
        scale_grad_by_freq=scale_grad_by_freq,
    )


def check_mode(name: str, mode: str) -> None:
    """Raise `ValueError` unless it is one of the three."""
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"{name}: mode={mode!r}, mode has to be one of sum, mean or max")


def _starts(name: str, ids: np.ndarray, offsets: Tensor | None, include_last_offset: bool) -> np.ndarray:
    """Return where each bag starts and the last one ends, (B + 1,) int64."""
    if ids.ndim == 2:
        if offsets is not None:
            raise ArgumentError(f"{name}: offsets has shape {offsets.array.shape}, expected None for an input (B, N)")
        return np.arange(len(ids) + 1) * ids.shape[1]
    if ids.ndim != 1:
        raise ShapeError(f"{name}: input has shape {ids.shape}, expected (B, N) or (N,)")
    if not isinstance(offsets, Tensor) or offsets.array.ndim != 1:
        shape = None if offsets is None else offsets.array.shape
        raise ShapeError(f"{name}: offsets has to be a 1D Tensor but got {shape}, for an input (N,)")
    starts = check_ids(name, "offsets", offsets.array, len(ids) + 1)
    if include_last_offset and not starts.size:
        raise ArgumentError(f"{name}: offsets is empty, expected at least one for include_last_offset=True")
    if starts.size and starts[0] != 0:
        raise ArgumentError(f"{name}: offsets[0] has to be 0, got {starts[0]}")
    if (starts[1:] < starts[:-1]).any():
        raise ArgumentError(f"{name}: offsets {starts.tolist()}, expected numbers that do not fall")
    if include_last_offset:
        return starts
    return np.append(starts, len(ids)) if starts.size else np.zeros(1, np.int64)

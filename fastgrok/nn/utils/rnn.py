"""Sequences of different lengths in one batch: padded to one length, or packed without padding.

A packed sequence holds step after step, and in each step only the sequences that have not ended; the longest sequence
comes first. A recurrent layer that is given one computes nothing for padding.

Shapes: T steps of the longest sequence, B sequences, N elements in all, (...) any further dimensions.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ... import ops
from ...autograd import apply
from ...errors import ArgumentError, DtypeError, IdError, ShapeError
from ...tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences of different lengths without padding; made by `pack_padded_sequence` and `pack_sequence`.

    Attributes
    ----------
    data : Tensor (N, ...)
        The elements, step after step.
    batch_sizes : Tensor (T,) int64
        How many sequences each step has: they never grow.
    sorted_indices, unsorted_indices : Tensor (B,) int64, or None
        The order that put the longest sequence first, and the one that undoes it; None when nothing was sorted.

    Examples
    --------
    >>> import fastgrok
    >>> packed = pack_sequence([fastgrok.tensor([1, 2, 3]), fastgrok.tensor([4])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Take the fields, or a pair (data, batch_sizes); the order that undoes the sorting is found if not given."""
        if batch_sizes is None:
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **keywords: Any) -> Self:
        """Convert the data as `Tensor.to` does; the sequence itself where nothing changes."""
        data = self.data.to(*args, **keywords)
        return self if data is self.data else type(self)(data, *self[1:])

    def cpu(self) -> Self:
        """Return the sequence itself: it is on the CPU."""
        return self

    def double(self) -> Self:
        """Return the sequence with its data as float64."""
        return self._with(self.data.double())

    def float(self) -> Self:
        """Return the sequence with its data as float32."""
        return self._with(self.data.float())

    def long(self) -> Self:
        """Return the sequence with its data as int64."""
        return self._with(self.data.long())

    def int(self) -> Self:
        """Return the sequence with its data as int32."""
        return self._with(self.data.int())

    @property
    def is_cuda(self) -> bool:
        """Whether the data lies on a GPU: never."""
        return False

    def _with(self, data: Tensor) -> Self:
        return self if data is self.data else type(self)(data, *self[1:])


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the order (B,) that undoes `permutation` (B,), each of 0 to B - 1 once; None for None."""
    if permutation is None:
        return None
    order, B = permutation.array, permutation.array.size
    if not np.array_equal(np.sort(order, axis=None), np.arange(B)):
        raise IdError(f"invert_permutation: permutation={order.tolist()}, expected each of 0 to {B - 1} once")
    return permutation._new(np.argsort(order, kind="stable"))


# ------------------------------------------------------------------------------------------------ packing


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a batch of padded sequences: what lies beyond the length of a sequence is left out.

    Parameters
    ----------
    input : Tensor (T, B, ...), or (B, T, ...) if batch_first
    lengths : list or Tensor (B,)
        Of every sequence, at least 1 and at most T.
    enforce_sorted : bool
        Whether sequences must come sorted, the longest first. If not, they are sorted here, and sorted back by
        `pad_packed_sequence`; a recurrent layer takes and returns states in the order of `input`.

    Raises
    ------
    RuntimeError
        When a length is out of range, when there is not one for each sequence, or when they are not sorted although
        they should be.

    Examples
    --------
    >>> import fastgrok
    >>> packed = pack_padded_sequence(fastgrok.tensor([[1, 2], [3, 0]]), [2, 1])
    >>> packed.data
    tensor([1, 2, 3])
    """
    name = "pack_padded_sequence"
    _check_tensor(name, "input", input)
    if input.ndim < 2:
        raise IndexError(f"{name}: input has shape {tuple(input.shape)}, expected at least (T, B)")
    x = input.transpose(0, 1) if batch_first else input
    T, B = x.shape[:2]
    sizes = _lengths(name, lengths)
    if not T or not B:
        raise ShapeError(f"{name}: input has shape {tuple(input.shape)}: there is nothing to pack")
    if len(sizes) != B:
        raise ShapeError(f"{name}: lengths has {len(sizes)} elements, expected {B}, one per sequence")
    if sizes.min() < 1 or sizes.max() > T:
        wrong = int(sizes.min() if sizes.min() < 1 else sizes.max())
        raise ShapeError(f"{name}: lengths holds {wrong}, expected from 1 to {T}, the steps of input")
    order = np.argsort(-sizes, kind="stable")
    if enforce_sorted:
        if np.any(np.diff(sizes) > 0):
            raise ArgumentError(
                f"{name}: lengths {sizes.tolist()} must be sorted in decreasing order when `enforce_sorted` is True; "
                "pass enforce_sorted=False to have the sequences sorted"
            )
        order = np.arange(B)
    steps, columns = np.nonzero(np.arange(sizes.max())[:, None] < sizes[order])  # step after step
    data = apply(ops.Index, x.reshape(T * B, *x.shape[2:]), index=steps * B + order[columns])
    sorted_indices = None if enforce_sorted else input._new(order)
    return PackedSequence(data, input._new(np.bincount(steps).astype(np.int64)), sorted_indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return what is packed as padded sequences (T, B, ...), or (B, T, ...) if batch_first, and the lengths (B,).

    Sequences come back in the order in which they were packed. `total_length` asks for more steps than the longest
    sequence has. Raises `ValueError` when it is less.

    Examples
    --------
    >>> import fastgrok
    >>> padded, lengths = pad_packed_sequence(pack_sequence([fastgrok.tensor([1, 2, 3]), fastgrok.tensor([4])]))
    >>> padded.T, lengths
    (tensor([[1, 2, 3],
            [4, 0, 0]]), tensor([3, 1]))
    """
    sizes = sequence.batch_sizes.array
    T, B = len(sizes), int(sizes[0])
    if total_length is not None and total_length < T:
        raise ValueError(
            f"pad_packed_sequence: total_length={total_length}, expected at least {T}, the longest sequence"
        )
    order = np.arange(B) if sequence.unsorted_indices is None else sequence.unsorted_indices.array
    if not np.array_equal(np.sort(order), np.arange(B)):
        raise IdError(f"pad_packed_sequence: unsorted_indices={order.tolist()}, expected each of 0 to {B - 1} once")
    first = np.cumsum(sizes) - sizes  # row of step t where its sequences begin
    there = order < sizes[:, None]
    rows = np.where(there, first[:, None] + order, -1)
    if total_length is not None:
        rows = np.concatenate([rows, np.full((total_length - T, B), -1)])
    lengths = sequence.data._new(there.sum(axis=0))
    return _placed(sequence.data, rows.T if batch_first else rows, padding_value), lengths


# ------------------------------------------------------------------------------------------------ lists of sequences


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Pad sequences (length, ...) to the length T of the longest and stack them: (T, B, ...), or (B, T, ...).

    `padding_side` is "right", behind the elements, or "left", before them.
    Raises `RuntimeError` for no sequences, another side, or sequences that differ in more than their length.

    Examples
    --------
    >>> import fastgrok
    >>> pad_sequence([fastgrok.tensor([1, 2]), fastgrok.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    name = "pad_sequence"
    if not isinstance(sequences, Iterable):
        raise DtypeError(f"{name}: sequences is {type(sequences).__name__}, expected a list of tensors")
    listed = list(sequences)
    if not listed:
        raise ArgumentError(f"{name}: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise ArgumentError(f"{name}: padding_side={padding_side!r}, expected 'left' or 'right'")
    for k, one in enumerate(listed):
        _check_tensor(name, f"sequences[{k}]", one)
        if not one.ndim or one.shape[1:] != listed[0].shape[1:]:
            expected = ("length", *listed[0].shape[1:])
            raise ShapeError(f"{name}: sequences[{k}] has shape {tuple(one.shape)}, expected {expected}")
    lengths = np.array([one.shape[0] for one in listed])
    steps, T = np.arange(lengths.max()), lengths.max()
    place = steps - (T - lengths[:, None] if padding_side == "left" else 0)
    rows = np.where((place >= 0) & (place < lengths[:, None]), place + (np.cumsum(lengths) - lengths)[:, None], -1)
    flat = apply(ops.Cat, *[one.to(listed[0].dtype) for one in listed], dim=0)
    return _placed(flat, rows if batch_first else rows.T, padding_value)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Return the first `lengths[b]` elements of every sequence of (T, B, ...), or (B, T, ...), as a list of tensors.

    Unlike in PyTorch the padded tensor keeps its shape. Raises `ShapeError` unless there is one length per sequence.
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    sizes = _lengths("unpad_sequence", lengths)
    if len(sizes) != x.shape[0]:
        raise ShapeError(f"unpad_sequence: lengths has {len(sizes)} elements, expected {x.shape[0]}, one per sequence")
    return [x[b][: max(0, int(size))] for b, size in enumerate(sizes)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (length, ...): `pad_sequence`, then `pack_padded_sequence`, with their errors.

    Examples
    --------
    >>> import fastgrok
    >>> pack_sequence([fastgrok.tensor([1]), fastgrok.tensor([2, 3])], enforce_sorted=False).data
    tensor([2, 1, 3])
    """
    sequences = list(sequences)
    padded = pad_sequence(sequences)
    return pack_padded_sequence(padded, [one.shape[0] for one in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the packed sequences as a list of tensors (length, ...), in the order in which they were packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)


# ------------------------------------------------------------------------------------------------ helpers


def _placed(flat: Tensor, rows: np.ndarray, padding_value: float) -> Tensor:
    """Return the elements of `flat` (N, ...) that `rows` names, in its shape, with `padding_value` where it has -1."""
    rows = np.ascontiguousarray(rows)
    shape = (*rows.shape, *flat.shape[1:])
    there = np.broadcast_to((rows >= 0).reshape(*rows.shape, *(1,) * (flat.ndim - 1)), shape)
    found = apply(ops.Index, flat, index=np.maximum(rows, 0))
    return found if there.all() else found.masked_fill(found._new(~there), padding_value)


def _lengths(name: str, lengths: Any) -> np.ndarray:
    """Return lengths as int64 (B,)."""
    array = lengths.array if isinstance(lengths, Tensor) else np.asarray(lengths)
    if array.ndim != 1:
        raise ShapeError(f"{name}: lengths has shape {array.shape}, expected (B,)")
    return array.astype(np.int64)


def _check_tensor(name: str, argument: str, value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}(): argument '{argument}' must be Tensor, not {type(value).__name__}")

"""`Embedding`: a table of vectors looked up by id, and `EmbeddingBag`: sums, means or maxima of such vectors."""

from typing import Any, Self

from ..autograd import no_grad
from ..errors import SettingsError
from ..tensor import Tensor
from . import functional as F
from . import init
from .checks import row_of_padding
from .functional_embedding import check_mode
from .module import Module
from .parameter import Parameter, new_parameter

__all__ = ["Embedding", "EmbeddingBag"]


class Embedding(Module):
    """Look up row `id` of a trained table, for every id of the input.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        V, the number of ids, and D, the size of each vector.
    padding_idx : int, optional
        A row for "no id": zero at first, and never given a gradient.
    max_norm, norm_type : float
        Rows that are looked up and have a `norm_type`-norm of more than `max_norm` are first scaled to it, in the
        table itself.
    scale_grad_by_freq : bool
        Whether to divide the gradient of each row by how often its id occurs in the input.
    sparse : bool
        Taken for PyTorch's sake: gradients with few rows are kept as rows until somebody reads them, whatever it says.

    Attributes
    ----------
    weight : Parameter (V, D)
        Drawn from the standard normal distribution.

    Shape: input (...) of int64 ids, output (..., D).

    Raises
    ------
    ValueError, AssertionError
        When there is no row padding_idx.
    IndexError
        By the call, when an id is negative or not less than V.

    Examples
    --------
    >>> import fastgrok
    >>> table = Embedding(10, 4)
    >>> table(fastgrok.tensor([[1, 2, 3]])).shape == (1, 3, 4)
    True
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        padding_idx = row_of_padding("Embedding", padding_idx, num_embeddings)
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            self.weight = new_parameter((num_embeddings, embedding_dim), device, dtype).requires_grad_(not _freeze)
            self.reset_parameters()
        else:
            _check_table("Embedding", _weight, num_embeddings, embedding_dim)
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """Make a layer around the table `embeddings` (V, D), which it shares; not trained unless `freeze` is False.

        Raises `ValueError`, which is also an `AssertionError`, when the table is not two-dimensional.
        """
        V, D = _sizes(embeddings)
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return cls(V, D, *options, _weight=embeddings, _freeze=freeze)

    def reset_parameters(self) -> None:
        """Draw the table anew; the row of padding is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].zero_()

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows (..., D) of the ids (...)."""
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        """Return the sizes, and the options that are not the defaults."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        sparse = ", sparse=True" if self.sparse else ""
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}{_options(self)}{sparse}"


class EmbeddingBag(Module):
    """The sum, the mean or the maximum of the rows of a trained table that each bag of ids names.

    It gives what `Embedding` and a sum over the ids would give, without a copy of the rows, and bags may differ in
    size: a text as the mean of its words' vectors, for example.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        V, the number of ids, and D, the size of each vector.
    mode : str
        "mean" (default), "sum" or "max". A bag of nothing gives zeros.
    include_last_offset : bool
        Whether the offsets end with the end of the last bag.
    padding_idx : int, optional
        An id that counts for nothing, also not in the mean's number; its row is zero at first.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As in `Embedding`.

    Attributes
    ----------
    weight : Parameter (V, D)
        Drawn from the standard normal distribution.

    Shape: input (B, N), or input (N,) with offsets (B,), the places where the bags begin; output (B, D).

    Raises
    ------
    ValueError, AssertionError
        When there is no row padding_idx, or no such mode.
    IndexError
        By the call, when an id is negative or not less than V.

    Examples
    --------
    >>> import fastgrok
    >>> bag = EmbeddingBag(10, 4)
    >>> bag(fastgrok.tensor([1, 2, 3, 4]), fastgrok.tensor([0, 3])).shape == (2, 4)
    True
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ):
        check_mode("EmbeddingBag", mode)
        padding_idx = row_of_padding("EmbeddingBag", padding_idx, num_embeddings)
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.padding_idx = padding_idx
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        if _weight is None:
            self.weight = new_parameter((num_embeddings, embedding_dim), device, dtype)
            self.reset_parameters()
        else:
            _check_table("EmbeddingBag", _weight, num_embeddings, embedding_dim)
            self.weight = Parameter(_weight)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """Make a layer around the table `embeddings` (V, D), which it shares; not trained unless `freeze` is False.

        Raises `ValueError`, which is also an `AssertionError`, when the table is not two-dimensional.
        """
        V, D = _sizes(embeddings)
        options = (max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        bag = cls(V, D, *options)
        bag.weight.requires_grad_(not freeze)
        return bag

    def reset_parameters(self) -> None:
        """Draw the table anew; the row of padding is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].zero_()

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Return what comes of each bag (B, D)."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """Return the sizes, the mode, and the options that are not the defaults."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{_options(self)}, mode={self.mode!r}{padding}"


def _options(layer: Any) -> str:
    """Return the options that both layers have, where they are not the defaults."""
    norm = "" if layer.max_norm is None else f", max_norm={layer.max_norm}"
    norm_type = "" if layer.norm_type == 2 else f", norm_type={layer.norm_type}"
    return norm + norm_type + (", scale_grad_by_freq=True" if layer.scale_grad_by_freq else "")


def _sizes(embeddings: Tensor) -> tuple[int, int]:
    """Return V and D of a table to make a layer of."""
    if embeddings.ndim != 2:
        raise SettingsError(f"from_pretrained: embeddings has shape {tuple(embeddings.shape)}, expected (V, D)")
    V, D = embeddings.shape
    return V, D


def _check_table(name: str, weight: Tensor, V: int, D: int) -> None:
    """Raise `SettingsError` unless a given table has the sizes of the layer."""
    if tuple(weight.shape) != (V, D):
        raise SettingsError(f"{name}: weight has shape {tuple(weight.shape)}, expected {(V, D)}")

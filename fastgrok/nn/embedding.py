"""`Embedding`: a table of vectors looked up by id."""

from typing import Any, Self

from ..autograd import no_grad
from ..errors import ShapeError
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter, new_parameter

__all__ = ["Embedding"]


class Embedding(Module):
    """Look up row `id` of a trained table, for every id of the input.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        V, the number of ids, and D, the size of each vector.
    padding_idx : int, optional
        A row for "no id": zero at first, and never given a gradient.
    max_norm, norm_type, scale_grad_by_freq, sparse
        PyTorch's; other values than the defaults are not covered and raise `NotImplementedError`.
        (Gradients with few rows are kept as rows until somebody reads them, whatever `sparse` says.)

    Attributes
    ----------
    weight : Parameter (V, D)
        Drawn from the standard normal distribution.

    Shape: input (...) of int64 ids, output (..., D).

    Raises
    ------
    ValueError
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
        F.check_embedding_options("Embedding", max_norm, norm_type, scale_grad_by_freq, sparse)
        padding_idx = F.row_of_padding("Embedding", padding_idx, num_embeddings)
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        if _weight is None:
            self.weight = new_parameter((num_embeddings, embedding_dim), device, dtype).requires_grad_(not _freeze)
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise ShapeError(
                    f"Embedding: weight has shape {tuple(_weight.shape)}, expected {(num_embeddings, embedding_dim)}"
                )
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **options: Any) -> Self:
        """Make a layer around the table `embeddings` (V, D), which it shares; not trained unless `freeze` is False.

        Raises `ShapeError` when the table is not two-dimensional.
        """
        if embeddings.ndim != 2:
            raise ShapeError(f"from_pretrained: embeddings has shape {tuple(embeddings.shape)}, expected (V, D)")
        V, D = embeddings.shape
        return cls(V, D, _weight=embeddings, _freeze=freeze, **options)

    def reset_parameters(self) -> None:
        """Draw the table anew; the row of padding is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].zero_()

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows (..., D) of the ids (...)."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Return the sizes, and the row of padding if there is one."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"

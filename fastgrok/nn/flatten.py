"""Layers that pass numbers on as they are, at most in another shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from .module import Module

__all__ = ["Flatten", "Identity", "Unflatten"]


class Identity(Module):
    """y = x, whatever the arguments of the construction: a placeholder."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        """Return the input itself."""
        return input


class Flatten(Module):
    """Merge the dimensions from `start_dim` to `end_dim` into one; by default all but the first, the batch.

    Shape: (N, d1, d2, ...) -> (N, d1 * d2 * ...).

    Raises
    ------
    IndexError, RuntimeError
        By the call, when there are no such dimensions.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Merge the dimensions."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Split the dimension `dim` into those of `unflattened_size`, of which one may be -1: the inverse of `Flatten`.

    Dimensions have no names here: `dim` is a number and the sizes are whole numbers.

    Raises
    ------
    TypeError
        When the sizes are something else.
    RuntimeError
        By the call, when the sizes do not multiply up to that of the dimension.

    Examples
    --------
    >>> import fastgrok
    >>> Unflatten(1, (2, 3))(fastgrok.zeros(5, 6)).shape == (5, 2, 3)
    True
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]):
        if isinstance(dim, str):
            raise NotImplementedError(f"Unflatten: dim={dim!r}, expected a number: names of dimensions are not covered")
        if not isinstance(unflattened_size, tuple | list):
            raise TypeError(
                f"Unflatten: unflattened_size must be a tuple of ints, but found type {type(unflattened_size).__name__}"
            )
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int | np.integer):
                raise TypeError(
                    f"Unflatten: unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {position}"
                )
        super().__init__()
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        """Split the dimension."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Return the dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"

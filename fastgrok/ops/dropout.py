"""Dropout."""

import fastgrok_kernels as kernels

from ..random import default_generator
from .base import Op, check_float, contiguous


class Dropout(Op):
    """x with each element zeroed with probability p and the others scaled by 1 / (1 - p).

    Which elements are zeroed depends on `seed` and their position only: backward draws the same mask again, and none
    is kept.
    """

    stateless = True

    def forward(self, x, p=0.5, seed=None):
        """Drop; without a seed one is drawn from the default generator. Raises `ValueError` unless 0 <= p <= 1."""
        check_float("dropout", "input", x)
        if not 0 <= p <= 1:
            raise ValueError(f"dropout: p={p}, expected a probability from 0 to 1")
        self.p, self.seed = float(p), default_generator.draw_seed() if seed is None else int(seed)
        if p in (0, 1):
            return x * x.dtype.type(1 - p)
        return kernels.dropout_forward(contiguous(x), self.p, self.seed)

    def backward(self, dy):
        """Drop and scale the gradient alike."""
        if self.p in (0, 1):
            return (dy * dy.dtype.type(1 - self.p),)
        return (kernels.dropout_backward(contiguous(dy), self.p, self.seed),)

"""A dense layer with what usually comes after it, as one op."""

import fastgrok_kernels as kernels

from ..random import default_generator
from .base import KERNEL_SIZE, contiguous
from .dropout import Dropout
from .elementwise import Tanh
from .matmul import Linear


class Dense(Linear):
    """`Linear`, an activation such as `Tanh`, and `Dropout` where p > 0: the numbers of three ops, by one.

    x (..., D), W (O, D), b (O,) or absent -> y (..., O). What happens around the kernels of an op takes 5 us in each
    direction, and the activation and the dropout of a small network not more.
    """

    def forward(self, x, W, b=None, activation=Tanh, p=0.0, seed=None):
        """Multiply, add, bend, drop. Raises as the ops do; `activation` is the class of one of a single array."""
        y = super().forward(x, W, b)
        self.after = [activation()]
        if p == 0:
            self.saved_outputs = activation.saved_outputs
            return self.after[0].forward(y)
        if activation is Tanh and y.size >= KERNEL_SIZE and 0 < p < 1:
            self.after = [_TanhDropout()]
        else:
            y = self.after[0].forward(y)
            self.after.append(Dropout())
        return self.after[-1].forward(y, p, seed)

    def backward(self, dy):
        """What the ops do, the last one first."""
        for op in reversed(self.after):
            (dy,) = op.backward(dy)
        return super().backward(dy)


class _TanhDropout(Dropout, register=False):
    """Both in one pass."""

    def forward(self, x, p, seed):
        self.p, self.seed = p, default_generator.draw_seed() if seed is None else seed
        self.y, z = kernels.tanh_dropout_forward(contiguous(x), p, self.seed)
        return z

    def backward(self, dy):
        return (kernels.tanh_dropout_backward(contiguous(dy), self.y, self.p, self.seed),)

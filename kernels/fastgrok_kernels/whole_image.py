"""Convolution with a single window, which is the whole image: a dense layer, whose weights have another order of axes.

At the end of many networks, and at the beginning of those that draw images. The loops of conv.py go from window to
window, and would do so for one per image: the gradient of 4 x 4 x 128 x 64 weights from 32 images took 690 us.
"""

import math

from . import layout
from .arithmetic import column_sums
from .matmul import matmul, matmul_bias

__all__ = ["backward_input", "backward_weight", "forward", "is_one_window"]


def is_one_window(image, kernel_size, size, padding, groups):
    """Whether there is one window, as large as the image: pairs `image` (R, S), `kernel_size` (K, L), `size` (P, Q)."""
    return image == kernel_size and size == (1, 1) and padding == (0, 0) and groups == 1


def forward(x, w, bias):
    """`x` (B, K, L, C), `w` (O, C, K, L), `bias` (O,). Returns `y` (B, 1, 1, O)."""
    return matmul_bias(_rows(x), _weight_rows(w), bias, False, True).reshape(len(x), 1, 1, len(w))


def backward_input(dy, w):
    """`dy` (B, 1, 1, O), `w` (O, C, K, L). Returns `dx` (B, K, L, C)."""
    _, C, K, L = w.shape
    return matmul(_rows(dy), _weight_rows(w)).reshape(len(dy), K, L, C)


def backward_weight(dy, x):
    """`dy` (B, 1, 1, O), `x` (B, K, L, C). Returns `dw` (O, C, K, L) and `dbias` (O,)."""
    (_, K, L, C), dy = x.shape, _rows(dy)
    dw = matmul(dy, _rows(x), True).reshape(dy.shape[1], K * L, C)
    return layout.swap_axes(dw).reshape(dy.shape[1], C, K, L), column_sums(dy)


def _rows(x):
    """A row for each of the images x (B, ...)."""
    return x.reshape(len(x), math.prod(x.shape[1:]))


def _weight_rows(w):
    """A row (K * L * C) for each output of w (O, C, K, L)."""
    O, C, K, L = w.shape
    return _rows(layout.swap_axes(w.reshape(O, C, K * L)))

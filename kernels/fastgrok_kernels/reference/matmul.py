"""Reference for matmul.py."""

import numpy as np


def matmul(a, b, transpose_a=False, transpose_b=False):
    """See fastgrok_kernels.matmul.matmul."""
    return (a.T if transpose_a else a) @ (b.T if transpose_b else b)


def matmul_into(c, a, b, transpose_a=False, transpose_b=False, accumulate=False):
    """See fastgrok_kernels.matmul.matmul_into."""
    c[:] = (c if accumulate else 0) + matmul(a, b, transpose_a, transpose_b)


def matmul_bias(a, b, bias, transpose_a=False, transpose_b=False, relu=False):
    """See fastgrok_kernels.matmul.matmul_bias."""
    c = matmul(a, b, transpose_a, transpose_b) + bias
    return np.where(c <= 0, 0, c).astype(c.dtype) if relu else c


def batched_matmul(a, b, transpose_a=False, transpose_b=False):
    """See fastgrok_kernels.matmul.batched_matmul."""
    return (a.swapaxes(1, 2) if transpose_a else a) @ (b.swapaxes(1, 2) if transpose_b else b)

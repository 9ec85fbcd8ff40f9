"""Reference for matmul.py."""


def matmul(a, b, transpose_a=False, transpose_b=False):
    """See fastgrok_kernels.matmul.matmul."""
    return (a.T if transpose_a else a) @ (b.T if transpose_b else b)


def matmul_into(c, a, b, transpose_a=False, transpose_b=False, accumulate=False):
    """See fastgrok_kernels.matmul.matmul_into."""
    c[:] = (c if accumulate else 0) + matmul(a, b, transpose_a, transpose_b)


def batched_matmul(a, b, transpose_a=False, transpose_b=False):
    """See fastgrok_kernels.matmul.batched_matmul."""
    return (a.swapaxes(1, 2) if transpose_a else a) @ (b.swapaxes(1, 2) if transpose_b else b)

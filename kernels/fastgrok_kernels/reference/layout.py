"""Reference for layout.py."""


def swap_axes(x):
    """See fastgrok_kernels.layout.swap_axes."""
    return x.swapaxes(1, 2)

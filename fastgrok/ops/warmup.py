"""Compiling all kernels ahead of their first use."""

import time
from collections.abc import Callable

import numpy as np


def warmup(progress: Callable[[str], None] | None = None) -> float:
    """Compile every kernel for float32 and keep the results on disk; return the seconds that took.

    Each kernel is called on all its cases, since small and large calls may compile different forms. `progress` is
    called with the name of each kernel before it is compiled. Kernels that are on disk are only loaded.
    """
    from fastgrok_kernels.table import KERNELS

    start = time.perf_counter()
    for kernel in KERNELS:
        if progress is not None:
            progress(kernel.name)
        for case in kernel.cases:
            kernel.fast(*case.make(np.random.default_rng(0), np.dtype("float32")))
    return time.perf_counter() - start

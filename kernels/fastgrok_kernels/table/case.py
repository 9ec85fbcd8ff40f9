"""What a kernel's entry in the table is, and what cases are built with.

A case builds the positional arguments of one call. Sizes are chosen for what they may break: nothing at all, one
element, sizes that fill no vector, more than one block or chunk, and for the benchmarks those of a language model.
"""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Case", "Kernel", "bound", "named", "normal", "sized"]

_PACKAGE = __package__.rpartition(".")[0]  # of the kernels


@dataclass(frozen=True)
class Case:
    """One call of a kernel: `make(rng, dtype)` builds its arguments, with floating-point arrays of `dtype`.

    `bench` marks the sizes for benchmarks; `large` cases, and those, are left out where kernels run as plain Python.
    """

    id: str
    make: Callable[[np.random.Generator, np.dtype], tuple]
    bench: bool = False
    large: bool = False


@dataclass(frozen=True)
class Kernel:
    """A public kernel. `mutates` are the positions of the arguments that it writes to.

    Outputs, and arguments written to, may differ from the reference, computed in float64, by `rtol32` or `rtol64`
    times the largest magnitude of the tensor compared.
    """

    name: str
    module: str
    cases: tuple[Case, ...]
    mutates: tuple[int, ...] = ()
    rtol32: float = 2e-6
    rtol64: float = 1e-13

    @property
    def fast(self) -> Callable:
        """The kernel itself, loaded on first use."""
        return getattr(importlib.import_module(f"{_PACKAGE}.{self.module}"), self.name)

    @property
    def reference(self) -> Callable:
        """The same function in plain NumPy."""
        return getattr(importlib.import_module(f"{_PACKAGE}.reference.{self.module}"), self.name)

    def rtol(self, dtype: np.dtype) -> float:
        """The tolerance for arguments of `dtype`."""
        return self.rtol32 if np.dtype(dtype) == np.float32 else self.rtol64


# ---------------------------------------------------------------------------------------------------- building cases


def normal(rng, dtype, *shape, scale=1.0):
    """Normally distributed numbers of the given shape."""
    return (scale * rng.standard_normal(shape)).astype(dtype)


def sized(make, sizes, bench):
    """Cases of `make(rng, dtype, *size)`; cases of more than 3,000 elements are large."""
    cases = [Case(named(size), bound(make, size), large=math.prod(size) > 3000) for size in sizes]
    return (*cases, Case(f"bench-{named(bench)}", bound(make, bench), bench=True))


def bound(make, size):
    """A function of `rng` and `dtype` that builds arguments of a fixed size."""
    return lambda rng, dtype: make(rng, dtype, *size)


def named(size):
    """A size as the name of a case: 3x5."""
    return "x".join(map(str, size))

"""Random numbers: every draw of the framework comes from a `Generator`, by default from one that `manual_seed` sets."""

import operator
import threading
from typing import Any

import numpy as np

__all__ = ["Generator", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


class Generator:
    """A stream of random numbers whose state can be saved and restored.

    `numpy` is the `numpy.random.Generator` that does the drawing (PCG64); many normal numbers at once, and dropout,
    draw a seed from it for a generator of their own. The streams are ours: a seed gives other numbers than in PyTorch.

    Examples
    --------
    >>> generator = Generator().manual_seed(7)
    >>> state = generator.get_state()
    >>> first = generator.numpy.random()
    >>> generator.set_state(state)
    >>> generator.numpy.random() == first
    True
    """

    def __init__(self, device: Any = "cpu"):
        if str(device) != "cpu":
            raise RuntimeError(f"Generator: device={str(device)!r}, expected 'cpu', the only device there is")
        self.seed()

    def manual_seed(self, seed: int) -> "Generator":
        """Start the stream anew from `seed`, any whole number; returns the generator itself."""
        try:
            self._seed = operator.index(seed)
        except TypeError:
            raise TypeError(f"manual_seed: seed={seed!r}, expected a whole number") from None
        self.numpy = np.random.Generator(np.random.PCG64(self._seed % 2**64))  # negative seeds wrap, as in PyTorch
        return self

    def seed(self) -> int:
        """Start the stream anew from a seed of the operating system's randomness, and return that seed."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def initial_seed(self) -> int:
        """Return the seed that the stream was started from."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """Return where the stream is now: plain Python values that JSON can hold."""
        return {"seed": self._seed, "numpy": self.numpy.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue the stream from a state that `get_state` returned; raises `ValueError` when it is something else."""
        try:
            seed, position = operator.index(state["seed"]), state["numpy"]
            bits = np.random.PCG64()
            bits.state = position
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"set_state: state={state!r} does not come from get_state() ({error})") from None
        self._seed, self.numpy = seed, np.random.Generator(bits)

    def draw_seed(self) -> int:
        """Draw a seed (0 <= seed < 2**63) for a kernel that generates numbers of its own, such as dropout."""
        return int(self.numpy.bit_generator.random_raw()) >> 1  # integers(2**63), without its checks


class _DefaultGenerator(Generator):
    """The stream that draws come from unless another is named. A thread may have one of its own."""

    def __init__(self) -> None:
        self._threads = threading.local()
        super().__init__()

    @property
    def numpy(self) -> np.random.Generator:
        """What draws in this thread."""
        return getattr(self._threads, "numpy", self._numpy)

    @numpy.setter
    def numpy(self, numpy: np.random.Generator) -> None:
        if hasattr(self._threads, "numpy"):
            self._threads.numpy = numpy
        else:
            self._numpy = numpy

    def begin_thread(self, seed: int) -> None:
        """Give this thread a stream of its own, so that what it draws does not depend on what others do meanwhile."""
        self._threads.numpy = np.random.Generator(np.random.PCG64(seed % 2**64))


default_generator = _DefaultGenerator()


def manual_seed(seed: int) -> Generator:
    """Start the default stream anew from `seed`, so that what follows repeats; returns the default generator."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default stream anew from a seed of the operating system, and return that seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed that the default stream was started from."""
    return default_generator.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """Return the state of the default stream, for `set_rng_state`."""
    return default_generator.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Continue the default stream from a state that `get_rng_state` returned."""
    default_generator.set_state(state)

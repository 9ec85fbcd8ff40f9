"""First values of weights, by name or object; shapes are Keras', with the outputs last."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..nn import init
from ..random import Generator
from ..tensor import Tensor
from .naming import choose

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "get",
]


class Initializer:
    """What fills a new weight: `initializer(shape)` returns an array, float32.

    With a `seed`, the same values every time; else from the global generator that `utils.set_random_seed` starts.
    """

    def __init__(self, seed: int | None = None):
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
        """Return values of `shape`."""
        tensor = Tensor._from_array(np.zeros(shape, np.dtype(dtype or np.float32)))
        self.fill(tensor, None if self.seed is None else Generator().manual_seed(self.seed))
        return tensor.array

    def fill(self, tensor: Tensor, generator: Any) -> None:
        """Fill a tensor in place; every kind defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define fill")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this initialiser again."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class Zeros(Initializer):
    """Zeros."""

    def __init__(self) -> None: ...

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
        """Return zeros."""
        return np.zeros(shape, np.dtype(dtype or np.float32))


class Ones(Zeros):
    """Ones."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
        """Return ones."""
        return np.ones(shape, np.dtype(dtype or np.float32))


class Constant(Zeros):
    """One value everywhere."""

    def __init__(self, value: float = 0.0):
        self.value = value

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
        """Return the value, everywhere."""
        return np.full(shape, self.value, np.dtype(dtype or np.float32))


class Identity(Zeros):
    """The unit matrix times `gain`."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
        """Return the matrix; raises `ValueError` for another number of dimensions than 2."""
        if len(shape) != 2:
            raise ValueError(f"Identity: shape={shape}, expected two dimensions")
        return self.gain * np.eye(*shape, dtype=np.dtype(dtype or np.float32))


class RandomNormal(Initializer):
    """Normal numbers."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def fill(self, tensor: Tensor, generator: Any) -> None:
        """Draw."""
        init.normal_(tensor, self.mean, self.stddev, generator)


class RandomUniform(Initializer):
    """Uniform numbers between two bounds."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def fill(self, tensor: Tensor, generator: Any) -> None:
        """Draw."""
        init.uniform_(tensor, self.minval, self.maxval, generator)


class TruncatedNormal(RandomNormal):
    """Normal numbers, drawn again where they are more than two standard deviations from the mean."""

    def fill(self, tensor: Tensor, generator: Any) -> None:
        """Draw."""
        reach = 2 * self.stddev
        init.trunc_normal_(tensor, self.mean, self.stddev, self.mean - reach, self.mean + reach, generator)


class Orthogonal(Initializer):
    """A matrix with orthogonal rows or columns, times `gain` (Saxe et al. 2013); all axes but the last are rows."""

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        super().__init__(seed)
        self.gain = gain

    def fill(self, tensor: Tensor, generator: Any) -> None:
        """Draw; raises `ValueError` for fewer dimensions than 2."""
        shape = tensor.array.shape
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: shape={shape}, expected at least two dimensions")
        matrix = Tensor._from_array(np.zeros((math.prod(shape[:-1]), shape[-1]), tensor.array.dtype))
        init.orthogonal_(matrix, self.gain, generator)
        tensor.array[...] = matrix.array.reshape(shape)


class VarianceScaling(Initializer):
    """Numbers around 0 with the variance `scale` / n, where n is the number of inputs, of outputs, or their mean.

    Raises `ValueError` for a scale that is not positive, another mode or another distribution.
    """

    MODES = ("fan_in", "fan_out", "fan_avg")
    DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ):
        super().__init__(seed)
        if not scale > 0:
            raise ValueError(f"VarianceScaling: scale={scale!r}, expected a positive number")
        if mode not in self.MODES:
            raise ValueError(f"VarianceScaling: mode={mode!r}, expected one of {', '.join(self.MODES)}")
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in self.DISTRIBUTIONS:
            raise ValueError(
                f"VarianceScaling: distribution={distribution!r}, expected one of {', '.join(self.DISTRIBUTIONS)}"
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def fill(self, tensor: Tensor, generator: Any) -> None:
        """Draw."""
        fan_in, fan_out = fans(tensor.array.shape)
        variance = self.scale / max(1.0, {"fan_in": fan_in, "fan_out": fan_out}.get(self.mode, (fan_in + fan_out) / 2))
        if self.distribution == "uniform":
            bound = math.sqrt(3 * variance)
            init.uniform_(tensor, -bound, bound, generator)
        elif self.distribution == "untruncated_normal":
            init.normal_(tensor, 0.0, math.sqrt(variance), generator)
        else:
            std = math.sqrt(variance) / 0.87962566103423978  # that of a standard normal number, cut at -2 and 2
            init.trunc_normal_(tensor, 0.0, std, -2 * std, 2 * std, generator)


def fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return how many inputs and outputs a unit has, from the shape (..., inputs, outputs) of a weight."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class _Scaled(VarianceScaling):
    """`VarianceScaling` under the name of whoever found its settings."""

    settings: tuple[float, str, str]

    def __init__(self, seed: int | None = None):
        super().__init__(*self.settings, seed=seed)

    def get_config(self) -> dict[str, Any]:
        """Return the seed; all else is fixed."""
        return {"seed": self.seed}


class GlorotUniform(_Scaled):
    """Uniform, with a variance of 2 / (inputs + outputs) (Glorot and Bengio 2010)."""

    settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal, with a variance of 2 / (inputs + outputs) (Glorot and Bengio 2010)."""

    settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform, with a variance of 2 / inputs (He et al. 2015)."""

    settings = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal, with a variance of 2 / inputs (He et al. 2015)."""

    settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform, with a variance of 1 / inputs (LeCun et al. 1998)."""

    settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal, with a variance of 1 / inputs (LeCun et al. 1998)."""

    settings = (1.0, "fan_in", "truncated_normal")


_ALL: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "identity": Identity,
    "normal": RandomNormal,
    "random_normal": RandomNormal,
    "uniform": RandomUniform,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "orthogonal": Orthogonal,
    "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
}
_ALL |= {kind.__name__: kind for kind in set(_ALL.values())}


def get(identifier: Any) -> Callable[..., Any]:
    """Return the initialiser of that name; an object or a callable as it is.

    Raises `ValueError` for an unknown name.

    Examples
    --------
    >>> get("glorot_uniform")((2, 3)).shape
    (2, 3)
    """
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if isinstance(identifier, dict):  # from a file
        config = {name: value for name, value in identifier.get("config", {}).items() if value is not None}
        return choose("initializer", identifier.get("class_name"), _ALL)(**config)
    return identifier if callable(identifier) else choose("initializer", identifier, _ALL)()


def serialize(initializer: Any) -> Any:
    """Return what `get` makes an initialiser from again; raises `ValueError` for a function of one's own."""
    if not isinstance(initializer, Initializer):
        raise ValueError(f"initializer {initializer!r} is a function of your own, which a file cannot hold")
    return {
        "module": "keras.initializers",
        "class_name": type(initializer).__name__,
        "config": initializer.get_config(),
        "registered_name": None,
    }


def __getattr__(name: str) -> Any:
    if name in _ALL:  # as in Keras, also glorot_uniform and so on
        return _ALL[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

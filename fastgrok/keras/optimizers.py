"""Optimizers with Keras' names, defaults and placement of epsilon, each a few settings for one of `fastgrok.optim`.

Where Keras' formula is another than PyTorch's, the settings or the state of PyTorch's are such that Keras' step comes
out; no update is written a second time.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import optim
from ..tensor import Tensor
from .hints import BY_NAME, missing
from .layers.base import Weight, refuse
from .naming import choose, snake_case

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "get"]


class Rate(float):
    """A learning rate: a number, with the methods of Keras' variable."""

    owner: "Optimizer"

    def assign(self, value: Any) -> None:
        """Change the rate of the optimizer that this was read from."""
        self.owner.learning_rate = value

    def numpy(self) -> np.float32:
        """Return the number."""
        return np.float32(self)


class Optimizer:
    """The settings of an optimizer; `fit` makes the optimizer itself, for the weights of the model.

    Parameters
    ----------
    learning_rate : float or callable
        A callable gets the number of updates so far and returns the rate.
    weight_decay : float, optional
        Before each update, p -= learning_rate * weight_decay * p.
    clipnorm, clipvalue, global_clipnorm : float, optional
        Limits for the norm of each weight's gradient, for each number in it, and for the norm of all together; one of
        the three at most.

    Raises
    ------
    ValueError, NotImplementedError
        When a setting makes no sense, or is not covered.
    """

    #: Settings besides the rate with their defaults, which `get_config` returns.
    SETTINGS: ClassVar[tuple[str, ...]] = ()
    #: Whether Keras' files have all that is kept for the first weight, then for the second, and so on.
    INTERLEAVED: ClassVar[bool] = False

    def __init__(
        self,
        learning_rate: Any,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        refuse(
            self, kwargs, use_ema=False, ema_momentum=0.99, ema_overwrite_frequency=None, loss_scale_factor=None,
            gradient_accumulation_steps=None, amsgrad=False,
        )  # fmt: skip
        if kwargs:
            hint = ": use learning_rate" if "lr" in kwargs else ""
            if "decay" in kwargs:
                hint = f": use learning_rate=lambda step: {learning_rate!r} / (1 + {kwargs['decay']!r} * step)"
            raise TypeError(f"{type(self).__name__}: unknown argument {next(iter(kwargs))!r}{hint}")
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {argument: value for argument, value in clips.items() if value is not None}
        if len(given) > 1:
            raise ValueError(f"{type(self).__name__}: {given} given, expected one of the three at most")
        for argument, value in {**given, "weight_decay": weight_decay or 0, **self._own_numbers()}.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise ValueError(f"{type(self).__name__}: {argument}={value!r}, expected a number of at least 0")
        self.schedule: Callable[[int], float] | None = learning_rate if callable(learning_rate) else None
        self.weight_decay, self.clipnorm = weight_decay, clipnorm
        self.clipvalue, self.global_clipnorm = clipvalue, global_clipnorm
        self.name = name or snake_case(type(self).__name__)
        self.iterations = 0
        self.inner: Any = None
        self._weights: list[Weight] = []
        self._rate = 0.0
        self.learning_rate = self.schedule(0) if self.schedule else learning_rate

    def _own_numbers(self) -> dict[str, Any]:
        """Return the settings of a kind that have to be numbers of at least 0."""
        return {name: getattr(self, name) for name in self.SETTINGS if not isinstance(getattr(self, name), bool)}

    @property
    def learning_rate(self) -> Rate:
        """The rate of the next update; it can be set at any time."""
        rate = Rate(self._rate)
        rate.owner = self
        return rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        try:
            rate = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{type(self).__name__}: learning_rate={value!r}, expected a number") from None
        if not rate >= 0:
            raise ValueError(f"{type(self).__name__}: learning_rate={value!r}, expected at least 0")
        self._rate = rate
        if self.inner is not None:
            for group in self.inner.param_groups:
                group["lr"] = rate

    lr = learning_rate

    def build(self, weights: list[Weight]) -> Any:
        """Make the optimizer for these weights, unless it is there; returns one of `fastgrok.optim`."""
        if self.inner is None or [id(w) for w in self._weights] != [id(w) for w in weights]:
            self._weights, self.iterations = list(weights), 0
            self.inner = self.make([tensor for weight in weights for tensor in weight.tensors])
            self.inner.settings = self
        return self.inner

    def make(self, params: list[Tensor]) -> Any:
        """Return the optimizer for parameters. Every kind defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define make")

    def before_step(self) -> None:
        """Set the rate, clip gradients, decay weights."""
        if self.schedule is not None:
            self.learning_rate = self.schedule(self.iterations)
        self.iterations += 1
        if self.clipnorm or self.clipvalue or self.global_clipnorm:
            self._clip()
        if self.weight_decay and not isinstance(self.inner, optim.AdamW):
            for param in self._trained():
                param.array *= 1 - self._rate * self.weight_decay
                param.storage.version += 1

    def _trained(self, weights: list[Weight] | None = None) -> list[Tensor]:
        """Return the parameters that have a gradient."""
        weights = self._weights if weights is None else weights
        return [tensor for weight in weights for tensor in weight.tensors if tensor._grad is not None]

    def _clip(self) -> None:
        if self.clipvalue:
            for param in self._trained():
                param.grad.clamp_(-self.clipvalue, self.clipvalue)
            return
        groups = [self._weights] if self.global_clipnorm else [[weight] for weight in self._weights]
        limit = self.global_clipnorm or self.clipnorm or 0.0
        for group in groups:
            grads = [param.grad for param in self._trained(group)]
            norm = math.sqrt(sum(float((g.array * g.array).sum(dtype=np.float64)) for g in grads))
            if norm > limit:
                for grad in grads:
                    grad.mul_(limit / norm)

    # ------------------------------------------------------------------------------------------- for files

    def slots(self, state: dict[str, Any]) -> dict[str, tuple[float, float]]:
        """Return what is kept for each parameter: by its name in the state, a and b, Keras' values being a * x + b."""
        return {}

    def file_variables(self, weights: list[Weight]) -> list[np.ndarray]:
        """Return what Keras' files hold of an optimizer: the number of updates, the rate, what is kept per weight."""
        kept = []
        for weight in weights:
            states = [self.inner.state[tensor] for tensor in weight.tensors]
            for name, (a, b) in self.slots(states[0]).items():
                empty = [np.zeros_like(tensor.array) for tensor in weight.tensors]  # before the first update
                arrays = [s[name].array if name in s else 0 * e - b / a for s, e in zip(states, empty, strict=True)]
                kept.append(weight.layout([array if (a, b) == (1, 0) else a * array + b for array in arrays]))
        if not self.INTERLEAVED:
            count = len(self.slots({}))
            kept = [array for k in range(count) for array in kept[k::count]]
        return [np.asarray(self.iterations, np.int64), np.asarray(self._rate, np.float32), *kept]

    def load_file_variables(self, weights: list[Weight], variables: list[np.ndarray]) -> None:
        """Go on where `file_variables` was called; the rate is in the settings. `build` comes first.

        Raises `ValueError` when they are those of another optimizer, or of other weights.
        """
        slots = self.slots({})
        shapes = [weight.shape for weight in weights for _ in slots]
        if not self.INTERLEAVED:
            shapes = [weight.shape for _ in slots for weight in weights]
        kept = variables[2:]
        if len(variables) == 2 and int(variables[0]) == 0:
            return  # compiled, but never trained
        if len(variables) < 2 or [array.shape for array in kept] != shapes:
            raise ValueError(
                f"the file has {len(variables)} arrays of an optimizer where {type(self).__name__} has "
                f"{2 + len(shapes)}, or other shapes"
            )
        self.iterations = int(variables[0])
        for k, weight in enumerate(weights):
            mine = kept[k * len(slots) : (k + 1) * len(slots)] if self.INTERLEAVED else kept[k :: len(weights)]
            for (name, (a, b)), value in zip(slots.items(), mine, strict=True):
                arrays = [np.zeros_like(tensor.array) for tensor in weight.tensors]
                weight.fill(arrays, value if (a, b) == (1, 0) else (value - np.float32(b)) / np.float32(a))
                for tensor, array in zip(weight.tensors, arrays, strict=True):
                    self.inner.state[tensor][name] = Tensor._from_array(array)
                    if not isinstance(self, SGD):
                        self.inner.state[tensor]["step"] = self.iterations

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again."""
        common = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "name")
        return {"learning_rate": float(self._rate)} | {name: getattr(self, name) for name in (*common, *self.SETTINGS)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Optimizer":
        """Make an optimizer from what `get_config` returned."""
        return cls(**config)


class _Stepping:
    """What Keras does before every update, mixed into optimizers of `fastgrok.optim`."""

    settings: Optimizer

    def step(self, closure: Any = None) -> Any:
        """Clip, decay, update."""
        self.settings.before_step()
        return super().step(closure)  # type: ignore[misc]


class _SGD(_Stepping, optim.SGD):
    """Keras' velocity has the rate in it, v = momentum * v - lr * g: PyTorch's with lr * g for g, and rate 1."""

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        if group["momentum"] == 0:
            super().update(param, group)
            return
        param.grad.mul_(group["lr"])
        super().update(param, {**group, "lr": 1.0})


class SGD(Optimizer):
    """p -= learning_rate * g; with momentum v = momentum * v - learning_rate * g, p += v (or Nesterov's form)."""

    SETTINGS = ("momentum", "nesterov")

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any):
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum={momentum!r}, expected a number from 0 to 1")
        self.momentum, self.nesterov = float(momentum), bool(nesterov)
        super().__init__(learning_rate, **kwargs)

    def make(self, params: list[Tensor]) -> Any:
        """Return an `optim.SGD`."""
        return _SGD(params, self._rate, self.momentum, nesterov=self.nesterov and self.momentum > 0)

    def slots(self, state: dict[str, Any]) -> dict[str, tuple[float, float]]:
        """Keras adds its velocity, PyTorch takes it away."""
        return {"momentum_buffer": (-1, 0)} if self.momentum else {}


class _RMSprop(_Stepping, optim.RMSprop):
    """Keras adds its epsilon below the root, and its momentum has the rate of each step in it."""

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        if group["momentum"] > 0:
            state = self.state[param]
            rate = state.pop("rate", group["lr"])
            if "momentum_buffer" in state and rate != group["lr"] > 0:
                state["momentum_buffer"].array *= rate / group["lr"]
        super().update(param, group)
        if group["momentum"] > 0:
            state["rate"] = group["lr"]


class RMSprop(Optimizer):
    """v = rho * v + (1 - rho) * g^2, p -= learning_rate * g / sqrt(v + epsilon) (Tieleman and Hinton 2012).

    With `centered`, v less the square of the running mean of g; with momentum, b = momentum * b + the step, p -= b.
    """

    SETTINGS = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ):
        if not 0 < rho < 1:
            raise ValueError(f"RMSprop: rho={rho!r}, expected a number between 0 and 1")
        self.rho, self.momentum, self.epsilon, self.centered = rho, float(momentum), epsilon, bool(centered)
        super().__init__(learning_rate, **kwargs)

    def make(self, params: list[Tensor]) -> Any:
        """Return an `optim.RMSprop`."""
        inner = _RMSprop(params, self._rate, self.rho, 0.0, 0.0, self.momentum, self.centered)
        inner.inner_eps = self.epsilon
        return inner

    def slots(self, state: dict[str, Any]) -> dict[str, tuple[float, float]]:
        """Keras has in the velocity the rate of each step."""
        momentum = {"momentum_buffer": (state.get("rate", self._rate) or 1.0, 0)} if self.momentum else {}
        return {"square_avg": (1, 0), **momentum, **({"grad_avg": (1, 0)} if self.centered else {})}


class _Adam(_Stepping, optim.Adam):
    """Keras adds epsilon to sqrt(v), before the bias is corrected, PyTorch after: it is divided by the correction."""

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        step = self.state[param].get("step", 0) + 1
        super().update(param, {**group, "eps": group["eps"] / math.sqrt(1 - group["betas"][1] ** step)})


class _AdamW(_Adam, optim.AdamW):
    """The same, of `AdamW`."""


class Adam(Optimizer):
    """p -= learning_rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon), m and v running means of g and g^2.

    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), in the form before section 2.1.
    """

    SETTINGS = ("beta_1", "beta_2", "epsilon")
    INTERLEAVED = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        for name, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
            if not 0 <= beta < 1:
                raise ValueError(f"{type(self).__name__}: {name}={beta!r}, expected a number from 0 to less than 1")
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        super().__init__(learning_rate, amsgrad=amsgrad, **kwargs)

    def make(self, params: list[Tensor]) -> Any:
        """Return an `optim.Adam`."""
        return _Adam(params, self._rate, (self.beta_1, self.beta_2), self.epsilon)

    def slots(self, state: dict[str, Any]) -> dict[str, tuple[float, float]]:
        """Both running means."""
        return {"exp_avg": (1, 0), "exp_avg_sq": (1, 0)}


class AdamW(Adam):
    """`Adam` with p -= learning_rate * weight_decay * p before each update (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs)

    def make(self, params: list[Tensor]) -> Any:
        """Return an `optim.AdamW`."""
        return _AdamW(params, self._rate, (self.beta_1, self.beta_2), self.epsilon, self.weight_decay or 0.0)


class _Adagrad(_Stepping, optim.Adagrad):
    """Keras divides by sqrt(s + epsilon): the sum starts from as much more, and PyTorch's eps is 0."""


class Adagrad(Optimizer):
    """s = s + g^2, p -= learning_rate * g / sqrt(s + epsilon) (Duchi et al. 2011)."""

    SETTINGS = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ):
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        super().__init__(learning_rate, **kwargs)

    def make(self, params: list[Tensor]) -> Any:
        """Return an `optim.Adagrad`."""
        start = self.initial_accumulator_value + self.epsilon
        return _Adagrad(params, self._rate, initial_accumulator_value=start, eps=0.0)

    def slots(self, state: dict[str, Any]) -> dict[str, tuple[float, float]]:
        """Keras has epsilon apart."""
        return {"sum": (1, -self.epsilon)}


_KINDS: dict[str, type[Optimizer]] = {kind.__name__.lower(): kind for kind in (SGD, RMSprop, Adam, AdamW, Adagrad)}


def get(identifier: Any) -> Optimizer:
    """Return the optimizer of that name with its defaults; an object as it is.

    Raises `ValueError` for an unknown name.

    Examples
    --------
    >>> get("rmsprop").get_config()["rho"]
    0.9
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, dict):  # from a file
        known = {"learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "name"}
        kind = choose("optimizer", identifier.get("class_name"), _KINDS)
        config = {k: v for k, v in identifier.get("config", {}).items() if k in known | set(kind.SETTINGS)}
        return kind.from_config(config)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()  # type: ignore[call-arg]
    if isinstance(identifier, optim.Optimizer):
        raise TypeError(
            f"optimizer={type(identifier).__name__} is one of fastgrok.optim; expected a name such as 'adam', or one "
            "of fastgrok.keras.optimizers"
        )
    hint = BY_NAME.get(f"optimizers.{identifier}")
    if hint:
        raise ValueError(f"optimizer {identifier!r} is not covered: {hint}")
    return choose("optimizer", identifier, _KINDS)()


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"optimizers.{name}", name)

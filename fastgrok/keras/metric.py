"""What a metric is: something that batches go into, and that has a value over all of them."""

from typing import Any

import numpy as np

from ..tensor import Tensor
from . import initializers
from .naming import snake_case

__all__ = ["Metric", "Variable", "array_of"]


def array_of(value: Any) -> np.ndarray:
    """Return the array of a tensor, or of anything that can be made one."""
    return value.array if isinstance(value, Tensor) else np.asarray(value)


class Variable(Tensor):
    """A tensor of a metric with the methods of Keras' variables."""

    def assign(self, value: Any) -> None:
        """Change the value."""
        self.array[...] = array_of(value)

    def assign_add(self, value: Any) -> None:
        """Add to the value."""
        self.array[...] += array_of(value)


class Metric:
    """What is measured over an epoch: `update_state` for every batch, `result`, and `reset_state` for the next.

    One of your own keeps its numbers in attributes, or in what `add_weight` returns.
    """

    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = name or snake_case(type(self).__name__)

    def add_weight(
        self, shape: tuple[int, ...] = (), initializer: Any = "zeros", dtype: Any = None, name: str | None = None
    ) -> "Variable":
        """Return a new variable, which `reset_state` sets to 0."""
        variable = Variable._from_array(initializers.get(initializer)(shape, dtype))
        self.__dict__.setdefault("_variables", []).append(variable)
        return variable

    add_variable = add_weight

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self.__dict__.get("_variables", ()):
            variable.assign(0.0)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch in. Every metric defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_state")

    def result(self) -> float:
        """Return the value over all batches so far. Every metric defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define result")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {"name": self.name}

    def __call__(self, *args: Any, **kwargs: Any) -> float:
        """Take a batch in and return the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

"""A running average of the weights along a run: often better than the last weights, at no cost in gradients."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["WeightAverage"]


class WeightAverage:
    """Exponential moving average of a model's parameters, `average += (1 - d) * (parameter - average)` after each step.

    d = min(decay, (1 + t) / (10 + t)) after t steps, so that the random first weights are forgotten soon.

    Raises `ValueError` unless 0 < decay < 1.
    """

    def __init__(self, model: Any, decay: float):
        if not 0 < decay < 1:
            raise ValueError(f"WeightAverage: decay={decay!r}, expected a number between 0 and 1")
        self.model, self.decay, self.steps = model, decay, 0
        self.arrays = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}

    def update(self) -> None:
        """Take the parameters as they are now into the average."""
        rate = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        for name, p in self.model.named_parameters():
            average = self.arrays[name]
            difference = p.detach().numpy() - average
            difference *= average.dtype.type(rate)
            average += difference

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the averaged weights inside a `with` block, and its own again after it."""
        saved = {name: p.detach().numpy().copy() for name, p in self.model.named_parameters()}
        self._copy(self.arrays)
        try:
            yield
        finally:
            self._copy(saved)

    def copy_to_model(self) -> None:
        """Let the model have the averaged weights for good."""
        self._copy(self.arrays)

    def _copy(self, arrays: dict[str, np.ndarray]) -> None:
        for name, p in self.model.named_parameters():
            np.copyto(p.detach().numpy(), arrays[name])

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to continue the average."""
        return {"steps": self.steps, "arrays": self.arrays}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue an average from what `state_dict` returned."""
        self.steps = state["steps"]
        self.arrays = {name: np.array(array.detach().numpy()) for name, array in state["arrays"].items()}

"""Averages of a model's weights over training: `AveragedModel`, and the ways to average."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from ..autograd import no_grad
from ..tensor import Tensor

__all__ = ["AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn"]

Average = Callable[[Tensor, Tensor, Any], Tensor]
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """Return the function that moves averages in place: average = decay * average + (1 - decay) * value.

    Raises `ValueError` unless 0 <= decay <= 1.
    """
    _check_decay(decay)

    def ema_update(averages: Sequence[Tensor], values: Sequence[Tensor], num_averaged: Any) -> None:
        for average, value in zip(averages, values, strict=True):
            _move(average, value, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverage:
    """Return the function that moves averages in place to the mean of all values so far."""

    def swa_update(averages: Sequence[Tensor], values: Sequence[Tensor], num_averaged: Any) -> None:
        for average, value in zip(averages, values, strict=True):
            _move(average, value, 1 / (int(num_averaged) + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return the function decay * average + (1 - decay) * value of two tensors of one shape.

    Raises `ValueError` unless 0 <= decay <= 1.
    """
    _check_decay(decay)

    def ema_update(average: Tensor, value: Tensor, num_averaged: Any) -> Tensor:
        return decay * average + (1 - decay) * value

    return ema_update


def get_swa_avg_fn() -> Average:
    """Return the function average + (value - average) / (num_averaged + 1): the mean of all values so far."""

    def swa_update(average: Tensor, value: Tensor, num_averaged: Any) -> Tensor:
        return average + (value - average) / (int(num_averaged) + 1)

    return swa_update


class AveragedModel:
    """A copy of a model whose weights are averages of the model's over training.

    Call `update_parameters(model)` after each step (or epoch): the first call copies, later ones average. Averages
    often predict better than the last weights: Izmailov et al., "Averaging weights leads to wider optima and better
    generalization" (2018). The average and the count are in `state_dict()`, under "module." and "n_averaged".

    Unlike PyTorch's it is no `Module` itself, since optimizers know nothing of layers: the averaged model is `.module`,
    and what is called most often is passed on to it.

    Parameters
    ----------
    model
        The `Module` to copy.
    device
        None or the CPU.
    avg_fn : callable, optional
        (average, value, number averaged) -> new average, called per parameter.
    multi_avg_fn : callable, optional
        (averages, values, number averaged), changes the averages in place. By default the plain mean.
    use_buffers : bool
        Average floating-point buffers as well, instead of copying them.

    Raises
    ------
    ValueError
        When both functions are given.

    Examples
    --------
    >>> from fastgrok import nn
    >>> model = nn.Linear(2, 2)
    >>> average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    >>> average.update_parameters(model)
    >>> int(average.n_averaged)
    1
    """

    def __init__(
        self,
        model: Any,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ):
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device=device)
        self.n_averaged = Tensor._from_array(np.array(0, np.int64))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output of the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Any) -> None:
        """Take the weights of `model` into the average.

        Raises `ValueError` when it does not have the parameters and buffers of the model that was copied.
        """
        averages, values = self._pairs(model)
        buffers, sources = list(self.module.buffers()), list(model.buffers())
        if [tuple(t.shape) for t in averages + buffers] != [tuple(t.shape) for t in values + sources]:
            raise ValueError("update_parameters: the model's parameters or buffers differ from those averaged so far")
        count = int(self.n_averaged)
        with no_grad():
            if count == 0:
                for average, value in zip(averages, values, strict=True):
                    average.copy_(value)
            elif self.avg_fn is not None:
                for average, value in zip(averages, values, strict=True):
                    average.copy_(self.avg_fn(average, value, self.n_averaged))
            else:
                (self.multi_avg_fn or get_swa_multi_avg_fn())(averages, values, self.n_averaged)
            for buffer, source in zip(buffers, sources, strict=True):
                if not self.use_buffers or buffer.array.dtype.kind != "f":
                    buffer.copy_(source)
            self.n_averaged.fill_(count + 1)

    def _pairs(self, model: Any) -> tuple[list[Tensor], list[Tensor]]:
        """Return the tensors that are averaged, and those of `model` that go with them."""

        def chosen(module: Any) -> list[Tensor]:
            tensors = [*module.parameters(), *(module.buffers() if self.use_buffers else ())]
            return [tensor.detach() for tensor in tensors if tensor.array.dtype.kind == "f"]

        return chosen(self.module), chosen(model)

    def parameters(self) -> Iterator[Tensor]:
        """Yield the averaged parameters."""
        return self.module.parameters()

    def train(self, mode: bool = True) -> Self:
        """Set the averaged model to training mode (or not). Returns the average."""
        self.module.train(mode)
        return self

    def eval(self) -> Self:
        """Set the averaged model to evaluation mode. Returns the average."""
        return self.train(False)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the count under "n_averaged", and the state of the averaged model with "module." before its names."""
        return {"n_averaged": self.n_averaged, **self.module.state_dict(prefix="module.")}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from a `state_dict()`; values are copied.

        Raises `RuntimeError` that lists names missing, unexpected or of another shape, before anything is changed.
        """
        outside = [name for name in state_dict if not name.startswith("module.") and name != "n_averaged"]
        if outside or "n_averaged" not in state_dict:
            raise RuntimeError(
                f"AveragedModel: state_dict has {outside}, expected n_averaged and names that begin with module."
            )
        count = int(state_dict["n_averaged"])
        self.module.load_state_dict(
            {name.removeprefix("module."): value for name, value in state_dict.items() if name != "n_averaged"}
        )
        self.n_averaged.fill_(count)

    def __repr__(self) -> str:
        return "AveragedModel(\n  (module): " + repr(self.module).replace("\n", "\n  ") + "\n)"


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _move(average: Tensor, value: Tensor, weight: float) -> None:
    """Move `average` towards `value` by the part `weight` of the way, in place and with one temporary array."""
    step = value.array - average.array
    step *= step.dtype.type(weight)
    average.array += step
    average.storage.version += 1

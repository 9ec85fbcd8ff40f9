"""Averages of a model's weights over training: `AveragedModel`, the ways to average, and what goes with them."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from ..autograd import no_grad
from ..errors import SettingsError
from ..tensor import Tensor
from .lr_scheduler import LRScheduler
from .lr_scheduler.base import per_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

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
    SettingsError
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
            raise SettingsError("AveragedModel: only one of avg_fn and multi_avg_fn should be provided")
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

    def buffers(self) -> Iterator[Tensor]:
        """Yield the buffers of the averaged model."""
        return self.module.buffers()

    def modules(self) -> Iterator[Any]:
        """Yield the averaged model and all its parts."""
        return self.module.modules()

    @property
    def training(self) -> bool:
        """Whether the averaged model is in training mode."""
        return self.module.training

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


def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Compute the running mean and variance of all batch normalisations anew, in one pass over `loader`.

    An averaged model has not seen any data, so that the statistics of its layers are those of other weights. A batch
    is a tensor, or a tuple or list whose first entry is the input. A model without batch normalisation is left alone,
    and `loader` is not asked.
    """
    # By name, since optimizers know nothing of layers.
    norms = [m for m in model.modules() if any("BatchNorm" in cls.__name__ for cls in type(m).__mro__)]
    if not norms:
        return
    momenta, was_training = [norm.momentum for norm in norms], model.training
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # all batches count the same
    model.train()
    try:
        with no_grad():
            for batch in loader:
                x = batch[0] if isinstance(batch, list | tuple) else batch
                model(x if device is None else x.to(device))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        model.train(was_training)


class SWALR(LRScheduler):
    """Go from the rate as it is to `swa_lr` in `anneal_epochs` epochs, and stay there, while weights are averaged.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are changed.
    swa_lr : float, or a list with one for each group
        The rate at the end.
    anneal_epochs : int
        At least 0.
    anneal_strategy : "cos" or "linear"
        The form of the way there.
    last_epoch : int
        As in `LRScheduler`.

    Raises
    ------
    ValueError
        When a setting makes no sense, or a list has another length than the groups.

    Examples
    --------
    >>> import fastgrok
    >>> from fastgrok import optim
    >>> optimizer = optim.SGD([fastgrok.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(3):
    ...     optimizer.step(); scheduler.step(); print(scheduler.get_last_lr())
    [0.75]
    [0.5]
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ):
        rates = per_group("swa_lr", optimizer, swa_lr)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        self.anneal_epochs, self._anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Compute the rates for this epoch."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._done(step - 1), self._done(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, target = group["lr"], group["swa_lr"]
            start = target if before == 1 else (lr - before * target) / (1 - before)
            rates.append(target * now + start * (1 - now))
        return rates

    def _done(self, step: int) -> float:
        """Return the part of the way, from 0 to 1, that lies behind after `step` epochs."""
        part = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * part)) / 2 if self._anneal_strategy == "cos" else part


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _move(average: Tensor, value: Tensor, weight: float) -> None:
    """Move `average` towards `value` by the part `weight` of the way, in place and with one temporary array."""
    step = value.array - average.array
    step *= step.dtype.type(weight)
    average.array += step
    average.storage.version += 1

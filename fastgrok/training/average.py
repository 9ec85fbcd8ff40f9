"""A running average of the weights along a run: often better than the last weights, at no cost in gradients."""

from collections.abc import Sequence
from typing import Any

from fastgrok.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from fastgrok.tensor import Tensor

__all__ = ["running_average"]


def running_average(model: Any, decay: float) -> AveragedModel:
    """Return an exponential moving average of the model's parameters, `average += (1 - d) * (parameter - average)`.

    It begins with the weights as they are. At the t-th update, counted from 0, d = min(decay, (1 + t) / (10 + t)), so
    that the random first weights are forgotten soon.

    Raises `ValueError` unless 0 < decay < 1.
    """
    if not 0 < decay < 1:
        raise ValueError(f"average={decay!r}, expected a number between 0 and 1")

    def ema_update(averages: Sequence[Tensor], values: Sequence[Tensor], num_averaged: Any) -> None:
        t = int(num_averaged) - 1
        get_ema_multi_avg_fn(min(decay, (1 + t) / (10 + t)))(averages, values, num_averaged)

    average = AveragedModel(model, multi_avg_fn=ema_update).eval()
    average.update_parameters(model)  # the first call copies
    return average

"""Helpers around layers: clipping of gradients, parameters as one vector, sequences of different lengths (`rnn`)."""

from typing import Any

from ...not_covered import missing
from . import rnn
from .clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]


def __getattr__(name: str) -> Any:
    raise missing(f"module {__name__!r}", name)

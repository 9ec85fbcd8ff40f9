"""The layers of Keras' Sequential API."""

from typing import Any

from ..hints import missing
from .base import Layer
from .core import Activation, Dense, Dropout, Embedding, Flatten, Input, InputLayer, Reshape
from .images import AveragePooling2D, Conv2D, GlobalAveragePooling2D, MaxPooling2D
from .normalization import BatchNormalization, LayerNormalization
from .recurrent import GRU, LSTM, Bidirectional, SimpleRNN

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "Bidirectional",
    "Conv2D",
    "Convolution2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "Input",
    "InputLayer",
    "Layer",
    "LayerNormalization",
    "MaxPool2D",
    "MaxPooling2D",
    "Reshape",
    "SimpleRNN",
]

Convolution2D, MaxPool2D, AvgPool2D = Conv2D, MaxPooling2D, AveragePooling2D
GlobalAvgPool2D = GlobalAveragePooling2D

#: The layers that a file may name.
LAYERS: dict[str, Any] = {
    name: value for name in __all__ if isinstance(value := globals()[name], type) and value is not Layer
}


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"layers.{name}", name)

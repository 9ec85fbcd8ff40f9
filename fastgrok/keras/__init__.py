"""Keras' Sequential API on the ops, layers, optimizers and the loop of fastgrok.

Names, arguments, defaults, formulas and layouts are those of Keras 3: code runs with the imports changed, weights
travel both ways (see `fastgrok.keras.saving`), and from the same weights come the same numbers. Random streams are our
own. Calling a model means inference; images have their channels last.

Examples
--------
>>> import numpy as np
>>> from fastgrok.keras import layers, models
>>> model = models.Sequential()
>>> model.add(layers.Dense(16, activation="relu", input_shape=(8,)))
>>> model.add(layers.Dense(3, activation="softmax"))
>>> model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
>>> x = np.random.default_rng(0).standard_normal((90, 8))
>>> history = model.fit(x, x[:, :3].argmax(axis=1), epochs=20, batch_size=8, verbose=0)
>>> history.history["loss"][-1] < history.history["loss"][0]
True
"""

import importlib
from typing import Any

from .hints import missing

_MODULES = (
    "activations", "backend", "callbacks", "datasets", "initializers", "layers", "losses", "metrics", "models",
    "optimizers", "preprocessing", "utils",
)  # fmt: skip
_NAMES = {"Sequential": "models", "Input": "layers", "Layer": "layers", "Loss": "losses", "Metric": "metrics"}

__all__ = [*_MODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    """Load a part when it is first used."""
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _NAMES:
        return getattr(importlib.import_module(f".{_NAMES[name]}", __name__), name)
    if name == "saving":
        return importlib.import_module(".saving", __name__)
    raise missing(__name__, name, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})

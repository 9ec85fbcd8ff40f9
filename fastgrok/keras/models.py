"""`Sequential`: layers one after the other, built as soon as the shape of the input is known."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import StateError
from ..nn import ModuleList
from ..tensor import Tensor
from .hints import missing
from .layers.base import Layer, Shape, as_tensor
from .layers.core import InputLayer
from .saving import from_config, load_model, load_weights, places, save_model, save_weights
from .summary import summary
from .trainer import Trainer

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json"]


class Sequential(Trainer, Layer):
    """A stack of layers: the output of each is the input of the next.

    Parameters
    ----------
    layers : list of Layer, optional
        The first may be an `Input`, or have `input_shape=`; else the first call, or `fit`, shows the shape.
    name : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> from fastgrok.keras import layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3)])
    >>> model.count_params(), model.output_shape
    (67, (None, 3))
    >>> model.predict(np.ones((2, 4)), verbose=0).shape
    (2, 3)
    """

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None):
        super().__init__(name=name, trainable=trainable)
        self._stack = ModuleList()
        self._input: Shape | None = None
        self._declared = False
        for layer in layers or ():
            self.add(layer)

    # ------------------------------------------------------------------------------------------------- its layers

    @property
    def layers(self) -> list[Layer]:
        """The layers, without `Input`."""
        return list(self._stack)

    def add(self, layer: Any) -> None:
        """Put a layer on top.

        Raises
        ------
        TypeError
            When it is no layer.
        ValueError
            For an `Input` that is not the first, a name that another layer has, or a layer whose input cannot have the
            shape of the output below it.
        """
        if isinstance(layer, InputLayer):
            if len(self._stack) or self._declared:
                raise ValueError(
                    f"{self.name}: Input comes first, and once; there are {len(self._stack)} layers already"
                )
            self._input, self._declared = layer.batch_shape, True
            return
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{self.name}: {layer!r} is {type(layer).__name__}, expected a layer such as layers.Dense(10)"
                + (": write it with parentheses" if isinstance(layer, type) else "")
            )
        if any(layer is other or layer.name == other.name for other in self.layers):
            raise ValueError(f"{self.name}: there is a layer named {layer.name!r} already; give this one another name=")
        if not len(self._stack) and self._input is None:
            self._input = layer._given_shape or (layer.input_shape if layer.built else None)
            self._declared = self._input is not None
        if self._input is not None:
            layer.build_for(self._top())
        self._stack.append(layer)
        self._collect()

    def pop(self) -> Layer:
        """Take the last layer off; raises `IndexError` when there is none."""
        if not len(self._stack):
            raise IndexError(f"{self.name}: pop from a model without layers")
        layer = self.layers[-1]
        del self._stack[len(self._stack) - 1]
        self._collect()
        return layer

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or number; raises `ValueError` when there is none."""
        if (name is None) == (index is None):
            raise ValueError(f"get_layer: name={name!r} and index={index!r}, expected exactly one of them")
        if index is not None and index < len(self.layers):
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = ", ".join(layer.name for layer in self.layers)
        raise ValueError(f"get_layer: there is no layer {name if index is None else index!r}; there are {names}")

    def _top(self) -> Shape:
        """Return the shape that the next layer gets."""
        return self.layers[-1].output_shape if len(self._stack) else self._input  # type: ignore[return-value]

    def _collect(self) -> None:
        """Note what follows from the layers."""
        self.built = self._input is not None and len(self._stack) > 0
        self.input_shape = self._input
        self.weights = [weight for layer in self.layers for weight in layer.weights]

    def build(self, input_shape: Shape | None = None) -> None:
        """Build all layers for inputs of a shape (None, ...).

        Raises `StateError` without layers or a shape, and `ValueError` when a layer does not fit the one below it.
        """
        shape = self._input if input_shape is None else tuple(input_shape)
        if shape is None or not len(self._stack):
            raise StateError(
                f"{self.name} cannot be built: "
                + ("it has no layers; add some" if shape is not None else "the shape of its input is not known: begin "
                   "with layers.Input((784,)), or give the first layer input_shape=(784,)")
            )  # fmt: skip
        self._input = shape
        for layer in self.layers:
            layer.build_for(shape)
            shape = layer.compute_output_shape(shape)
        self._collect()

    build_for = build

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """That of the last layer."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    # ------------------------------------------------------------------------------------------------- running it

    def forward(self, inputs: Any, training: bool | None = None) -> Any:
        """Run all layers; inference, unless `training` or after `train()`."""
        return self._run(inputs, training, lambda x: self.call(x))

    def _run(self, inputs: Any, training: bool | None, call: Callable[[Tensor], Any]) -> Any:
        x = as_tensor(inputs)
        if not self.built:
            self.build((None, *x.shape[1:]))
        if training is None or training == self.training:
            return call(x)
        before = self.training
        self.train(bool(training))
        try:
            return call(x)
        finally:
            self.train(before)

    def call(self, inputs: Tensor) -> Tensor:
        """Run all layers."""
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs

    @property
    def last_activation(self) -> Callable[..., Any] | None:
        """The activation that the model ends with, if it can be left out; None if there is none."""
        last = self.layers[-1] if len(self._stack) else None
        return getattr(last, "activation", None) if hasattr(last, "logits") else None

    def logits(self, inputs: Any) -> Tensor:
        """Run all layers, without the activation at the end (see `last_activation`)."""

        def call(x: Tensor) -> Tensor:
            *first, last = self._stack
            for layer in first:
                x = layer(x)
            last.check_input(x.array.shape)
            return last.logits(x)

        return self._run(inputs, None, call)

    # ------------------------------------------------------------------------------------------------- weights, files

    @property
    def trainable(self) -> bool:
        """Whether `fit` changes the weights; setting it sets it for all layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.layers:
            layer.trainable = value

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that `fit` changes."""
        return [weight for layer in self.layers for weight in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """All other weights."""
        return [weight for layer in self.layers for weight in layer.non_trainable_weights]

    def get_config(self) -> dict[str, Any]:
        """Return the name and the layers, as Keras writes them."""
        first = [] if self._input is None else [InputLayer(batch_shape=self._input, name="input_layer")]
        layers = [
            {"module": "keras.layers", "class_name": type(layer).__name__, "config": layer.get_config(),
             "registered_name": None}
            for layer in (*first, *self.layers)
        ]  # fmt: skip
        return {"name": self.name, "trainable": self._trainable, "layers": layers}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> "Sequential":
        """Return a model of the layers that `get_config` returned, with weights of its own."""
        return from_config(config, custom_objects)

    def to_json(self) -> str:
        """Return the layers, not their weights, as JSON: for `model_from_json`, here or in Keras."""
        return json.dumps({"module": "keras", "class_name": "Sequential", "config": self.get_config(),
                           "registered_name": None, "build_config": {"input_shape": self.input_shape}})  # fmt: skip

    def saved_parts(self) -> list[tuple[str, list[Any]]]:
        """Return the weights by their groups, for a model that is a layer of another."""
        return [(place.removesuffix("/vars"), weights) for place, weights in places(self)]

    def summary(self, print_fn: Callable[[str], Any] = print, **options: Any) -> None:
        """Print the layers, the shapes of their outputs and the numbers of their weights."""
        summary(self, print_fn)

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Save layers and weights, to be had again with `load_model`; see `fastgrok.keras.saving`."""
        save_model(self, filepath, overwrite)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Save the weights alone: ".weights.h5", which Keras reads too, or ".safetensors"."""
        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any) -> None:
        """Take over the weights of a file that `save_weights`, or Keras', wrote."""
        load_weights(self, filepath)

    def extra_repr(self) -> str:
        """Return the name."""
        return f"name={self.name!r}"


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Sequential:
    """Return a model of the layers that `to_json` wrote, with weights of its own.

    Raises `ValueError` when they are not those of a Sequential model.
    """
    config = json.loads(json_string)
    if config.get("class_name") != "Sequential":
        raise ValueError(f"model_from_json: a {config.get('class_name')}: only Sequential models are covered")
    return from_config(config["config"], custom_objects)


def clone_model(model: Sequential) -> Sequential:
    """Return a model of the same layers, with new weights."""
    return Sequential.from_config(model.get_config())


def __getattr__(name: str) -> Any:
    raise missing(__name__, f"models.{name}", name)

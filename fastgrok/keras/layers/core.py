"""Layers without an order of time or place: `Dense`, `Embedding`, `Activation`, `Dropout`, and those that reshape."""

import math
from typing import Any

import numpy as np

from ... import nn, ops
from ...autograd import apply
from ...errors import ShapeError
from ...nn import functional as F
from ...tensor import Tensor
from .. import activations, initializers
from .base import (
    NO_PENALTIES,
    Layer,
    Shape,
    Weight,
    activated,
    floating,
    positive,
    refuse,
    shape_of,
)

__all__ = ["Activation", "Dense", "Dropout", "Embedding", "Flatten", "Input", "InputLayer", "Reshape"]


class InputLayer(Layer):
    """The shape of what a model gets, as the first entry of its list. Prefer `Input`."""

    def __init__(self, shape: Any = None, batch_size: int | None = None, batch_shape: Any = None, **kwargs: Any):
        for name in ("sparse", "ragged", "dtype", "optional"):
            kwargs.pop(name, None)
        shape, batch_shape = kwargs.pop("input_shape", shape), kwargs.pop("batch_input_shape", batch_shape)  # Keras 2
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"Input: shape={shape!r} and batch_shape={batch_shape!r}, expected exactly one of them")
        super().__init__(**kwargs)
        self.batch_shape: Shape = (
            (batch_size, *shape_of("Input", "shape", shape)) if batch_shape is None else tuple(batch_shape)
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Return the input."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {"batch_shape": list(self.batch_shape), "dtype": "float32", "name": self.name}


def Input(shape: Any = None, batch_size: int | None = None, **kwargs: Any) -> InputLayer:
    """Say what shape the inputs of a Sequential model have, without the axis of the batch: `Input((784,))`.

    Raises `ValueError` for what is no shape.
    """
    return InputLayer(shape, batch_size, **kwargs)


class Dense(Layer):
    """activation(x @ kernel + bias), over the last axis: `nn.Linear` under Keras' names.

    Weights: kernel (D, units), bias (units,). Shape: (..., D) -> (..., units).

    Parameters
    ----------
    units : int
    activation : str or callable, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str or initializer

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dense(2, activation="relu", input_shape=(3,))
    >>> layer(np.ones((5, 3))).shape == (5, 2)
    True
    >>> [weight.shape for weight in layer.weights]
    [(3, 2), (2,)]
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ):
        refuse(self, kwargs, **NO_PENALTIES)
        super().__init__(**kwargs)
        self.units, self.use_bias = positive("Dense", "units", units), bool(use_bias)
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape: Shape) -> None:
        """Make kernel and bias."""
        self.linear = nn.Linear(input_shape[-1], self.units, bias=self.use_bias)  # type: ignore[arg-type]
        self.weights = [Weight("kernel", self.linear.weight, np.transpose)]
        self.weights[0].assign(self.kernel_initializer(self.weights[0].shape))
        if self.use_bias:
            self.weights.append(Weight("bias", self.linear.bias))
            self.weights[1].assign(self.bias_initializer((self.units,)))

    @property
    def kernel(self) -> Weight:
        """The kernel (D, units)."""
        return self.weights[0]

    @property
    def bias(self) -> Weight | None:
        """The bias (units,)."""
        return self.weights[1] if self.use_bias else None

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` when the last axis has another size than that of the kernel, or none."""
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ShapeError(f"layer {self.name}: inputs have shape {input_shape}, expected (batch, ..., features)")
        if self.built and input_shape[-1] != self.weights[0].tensor.array.shape[1]:
            raise ShapeError(
                f"layer {self.name}: inputs have shape {input_shape}, whose last axis is {input_shape[-1]}; "
                f"expected {self.kernel.shape[0]}, as the kernel has shape {self.kernel.shape}"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The last axis becomes `units`."""
        return (*input_shape[:-1], self.units)

    def call(self, inputs: Tensor) -> Tensor:
        """Multiply, add, activate."""
        if self.activation is activations.relu:
            return self._run(ops.LinearReLU, inputs)
        return activated(self.activation, self.logits(inputs))

    def logits(self, inputs: Tensor) -> Tensor:
        """Return what the activation is applied to."""
        return self._run(ops.Linear, inputs)

    def _run(self, op: type[ops.Op], inputs: Tensor) -> Tensor:
        return apply(op, floating(inputs), *[weight.tensor for weight in self.weights])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }


class Embedding(Layer):
    """One row of a table for every id: `nn.Embedding` under Keras' names.

    Weights: embeddings (input_dim, output_dim), from `weights=[table]` where it is given. Shape: ids (...) -> (...,
    output_dim).

    A recurrent layer right after it multiplies the table instead of the rows, where that is less work.

    Raises `IndexError` by the call, for an id that is not in the table.
    """

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform", **kwargs: Any):
        refuse(self, kwargs, mask_zero=False, **NO_PENALTIES)
        given = kwargs.pop("weights", None)
        length = kwargs.pop("input_length", None)
        super().__init__(**kwargs)
        if length is not None:
            self._given_shape = (None, length)
        self.input_dim = positive("Embedding", "input_dim", input_dim)
        self.output_dim = positive("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self._first = None if given is None else np.asarray(given[0] if isinstance(given, list) else given)

    def build(self, input_shape: Shape) -> None:
        """Make the table."""
        self.table = nn.Embedding(self.input_dim, self.output_dim)
        self.weights = [Weight("embeddings", self.table.weight)]
        if self._first is None:
            self.weights[0].assign(self.embeddings_initializer((self.input_dim, self.output_dim)))
        else:
            self.weights[0].assign(self._first)

    @property
    def embeddings(self) -> Weight:
        """The table (input_dim, output_dim)."""
        return self.weights[0]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """One axis more."""
        return (*input_shape, self.output_dim)

    def call(self, inputs: Tensor) -> Tensor:
        """Look the rows up."""
        ids = inputs.array.astype(np.int64, copy=False)
        outside = (ids < 0) | (ids >= self.input_dim)
        if outside.any():
            raise IndexError(
                f"layer {self.name}: the id {ids[outside][0]} is not in the table: expected 0 to {self.input_dim - 1}, "
                f"as input_dim={self.input_dim}"
            )
        return self.table(Tensor._from_array(ids))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
        }


class Activation(Layer):
    """An activation as a layer of its own, by name or callable."""

    def __init__(self, activation: Any, **kwargs: Any):
        refuse(self, kwargs, activity_regularizer=None)
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        """Activate."""
        return activated(self.activation, self.logits(inputs))

    def logits(self, inputs: Tensor) -> Tensor:
        """Return what the activation is applied to."""
        return floating(inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Dropout(Layer):
    """While training, zeros with probability `rate`, and the rest times 1 / (1 - rate): `nn.Dropout`.

    Which ones, our own random stream decides (`utils.set_random_seed`); Keras draws others.

    Raises `ValueError` unless 0 <= rate <= 1.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any):
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"Dropout: rate={rate!r}, expected a probability from 0 to 1")
        refuse(self, {"noise_shape": noise_shape, "seed": seed}, noise_shape=None, seed=None)
        super().__init__(**kwargs)
        self.rate = float(rate)

    def call(self, inputs: Tensor) -> Tensor:
        """Drop, while training."""
        return F.dropout(floating(inputs), self.rate, self.training)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "rate": self.rate}


class Flatten(Layer):
    """All axes but the batch as one: (B, ...) -> (B, D)."""

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        refuse(self, {"data_format": data_format or "channels_last"}, data_format="channels_last")
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The product of the axes, None if one of them is."""
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else math.prod(sizes))  # type: ignore[arg-type]

    def call(self, inputs: Tensor) -> Tensor:
        """Reshape."""
        return inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:]))


class Reshape(Layer):
    """The same numbers in another shape, given without the batch; one size may be -1.

    Raises `ShapeError` when there are too many or too few of them.
    """

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if self.target_shape.count(-1) > 1 or any(size < -1 or size == 0 for size in self.target_shape):
            raise ValueError(f"Reshape: target_shape={target_shape!r}, expected positive sizes, at most one of them -1")

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` when the number of elements is not that of the target."""
        if None not in input_shape[1:]:
            count, known = math.prod(input_shape[1:]), math.prod(size for size in self.target_shape if size > 0)  # type: ignore[arg-type]
            if count % known or (-1 not in self.target_shape and count != known):
                raise ShapeError(
                    f"layer {self.name}: inputs of shape {input_shape} have {count} elements each, which cannot take "
                    f"the shape {self.target_shape}"
                )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The target, with -1 filled in where it can be."""
        if -1 not in self.target_shape:
            return (input_shape[0], *self.target_shape)
        known = math.prod(size for size in self.target_shape if size > 0)
        rest = None if None in input_shape[1:] else math.prod(input_shape[1:]) // known  # type: ignore[arg-type]
        return (input_shape[0], *(rest if size == -1 else size for size in self.target_shape))

    def call(self, inputs: Tensor) -> Tensor:
        """Reshape."""
        return inputs.reshape(inputs.shape[0], *self.target_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "target_shape": list(self.target_shape)}

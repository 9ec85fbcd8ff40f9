"""Recurrent layers: `SimpleRNN`, `LSTM`, `GRU` and `Bidirectional`, each a layer of `fastgrok.nn` over (B, T, D)."""

from typing import Any, ClassVar

import numpy as np

from ... import nn
from ...errors import ShapeError
from ...nn import functional as F
from ...tensor import Tensor, functions
from .. import activations, initializers
from ..naming import choose
from .base import NO_PENALTIES, Layer, Shape, Weight, floating, positive, refuse

__all__ = ["GRU", "LSTM", "Bidirectional", "SimpleRNN"]


class _Recurrent(Layer):
    """What the three share. Weights: kernel (D, G * units), recurrent_kernel (units, G * units) and a bias.

    Shape: (B, T, D) -> (B, units) after the last step, or (B, T, units) with `return_sequences`.
    """

    gates: ClassVar[int]
    ACTIVATIONS: ClassVar[tuple[str, ...]] = ("tanh",)
    GATE_ACTIVATIONS: ClassVar[tuple[str, ...]] = ("sigmoid",)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        **kwargs: Any,
    ):
        kwargs.pop("use_cudnn", None)
        kwargs.pop("implementation", None)
        kwargs.pop("unroll", None)  # says how to compute, not what
        options = {"recurrent_dropout": recurrent_dropout, "seed": seed, "return_state": return_state}
        refuse(self, options, recurrent_dropout=0.0, seed=None, return_state=False)
        kwargs.pop("zero_output_for_mask", None)  # of masks, which there are not
        refuse(self, kwargs, stateful=False, **NO_PENALTIES)
        super().__init__(**kwargs)
        name = type(self).__name__
        self.units, self.use_bias = positive(name, "units", units), bool(use_bias)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        for argument, given, covered in (
            ("activation", self.activation, self.ACTIVATIONS),
            ("recurrent_activation", self.recurrent_activation, self.GATE_ACTIVATIONS),
        ):
            if given not in [activations.get(known) for known in covered]:
                raise NotImplementedError(
                    f"{name}: {argument}={getattr(given, '__name__', given)!r} is not covered, "
                    f"expected {' or '.join(map(repr, covered))}"
                )
        if not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout={dropout!r}, expected a probability from 0 to 1")
        self.dropout = float(dropout)
        self.return_sequences, self.go_backwards = bool(return_sequences), bool(go_backwards)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` for what are no sequences, or sequences of other features."""
        features = self.weights[0].shape[0] if self.built else None
        if len(input_shape) != 3 or input_shape[2] is None or features not in (None, input_shape[2]):
            raise ShapeError(
                f"layer {self.name}: inputs have shape {input_shape}, expected (batch, time, {features or 'features'})"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """With the axis of time or without."""
        return (*input_shape[:2], self.units) if self.return_sequences else (input_shape[0], self.units)

    def build(self, input_shape: Shape) -> None:
        """Make the kernels and the bias."""
        self.rnn = self.make(input_shape[2])  # type: ignore[arg-type]
        self.weights = self.make_weights()
        fill = (self.kernel_initializer, self.recurrent_initializer, self.first_bias)
        for weight, initializer in zip(self.weights, fill, strict=False):
            weight.assign(initializer(weight.shape))

    def make(self, features: int) -> Any:
        """Return the layer of `fastgrok.nn`."""
        raise NotImplementedError(f"{type(self).__name__} does not define make")

    def make_weights(self) -> list[Weight]:
        """Return the weights as Keras lays them out: transposed, and one bias instead of two that are added."""
        rnn = self.rnn
        weights = [
            Weight("kernel", rnn.weight_ih_l0, np.transpose),
            Weight("recurrent_kernel", rnn.weight_hh_l0, np.transpose),
        ]
        if self.use_bias:
            rnn.bias_hh_l0.array[...] = 0  # and stays so: only the other one is trained
            rnn.bias_hh_l0.requires_grad_(False)
            weights.append(Weight("bias", rnn.bias_ih_l0))
        return weights

    def first_bias(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the first values of the bias."""
        return self.bias_initializer(shape)

    def call(self, inputs: Tensor) -> Tensor:
        """Run over the sequences, backward in time with `go_backwards`."""
        x = floating(inputs)
        if self.dropout and self.training:  # the same features at every step
            keep = F.dropout(Tensor._from_array(np.ones((x.shape[0], 1, x.shape[2]), x.array.dtype)), self.dropout)
            x = x * keep
        if self.go_backwards:
            x = x.flip(1)
        output, state = self.rnn(x)
        if self.return_sequences:
            return output
        return (state[0] if isinstance(state, tuple) else state)[0]

    def saved_parts(self) -> list[tuple[str, list[Weight]]]:
        """Keras keeps them in a cell."""
        return [("cell", self.weights)]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "dropout": self.dropout,
            "return_sequences": self.return_sequences,
            "go_backwards": self.go_backwards,
        }


class SimpleRNN(_Recurrent):
    """h = activation(x @ kernel + h @ recurrent_kernel + bias), step by step; tanh or relu."""

    gates = 1
    ACTIVATIONS = ("tanh", "relu")

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True, *args: Any, **kwargs: Any):
        super().__init__(units, activation, "sigmoid", use_bias, *args, **kwargs)

    def make(self, features: int) -> Any:
        """Return an `nn.RNN`."""
        nonlinearity = "relu" if self.activation is activations.relu else "tanh"
        return nn.RNN(features, self.units, nonlinearity=nonlinearity, bias=self.use_bias, batch_first=True)


class LSTM(_Recurrent):
    """Long short-term memory; gates in the order i, f, c, o, as in `nn.LSTM`.

    With `unit_forget_bias` the bias of the forget gates begins with ones (Jozefowicz et al. 2015).
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, **kwargs,
        )  # fmt: skip
        self.unit_forget_bias = bool(unit_forget_bias)

    def make(self, features: int) -> Any:
        """Return an `nn.LSTM`."""
        return nn.LSTM(features, self.units, bias=self.use_bias, batch_first=True)

    def first_bias(self, shape: tuple[int, ...]) -> np.ndarray:
        """The second quarter is that of the forget gates."""
        bias = np.array(super().first_bias(shape))
        if self.unit_forget_bias:
            bias[self.units : 2 * self.units] = 1
        return bias

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "recurrent_activation": "sigmoid", "unit_forget_bias": self.unit_forget_bias}


class _Reordered(Weight):
    """A weight of a `GRU`, whose gates Keras has in the order z, r, h and `nn.GRU` in the order r, z, n: a copy."""

    def __init__(self, name: str, *tensors: Tensor):
        super().__init__(name, tensors[0])
        self.tensors = tensors

    def layout(self, arrays: list[np.ndarray]) -> np.ndarray:
        """Return an array of its own, as the gates are in another order in the layer."""
        parts = [_exchanged(array).T for array in arrays]
        return parts[0] if len(parts) == 1 else np.stack(parts)

    def fill(self, arrays: list[np.ndarray], value: np.ndarray) -> None:
        """Put the gates into the order of the layer."""
        for array, part in zip(arrays, [value] if len(arrays) == 1 else value, strict=True):
            array[...] = _exchanged(np.asarray(part).T)


def _exchanged(rows: np.ndarray) -> np.ndarray:
    """Return rows (3 * H, ...) with the first two thirds exchanged; its own inverse."""
    first, second, third = np.split(rows, 3)
    return np.concatenate([second, first, third])


class GRU(_Recurrent):
    """Gated recurrent units with the reset gate after the product; gates in the order z, r, h.

    The bias is (2, 3 * units): one for the inputs, one for the state. `reset_after=False` is not covered.
    """

    gates = 3

    def __init__(self, units: int, *args: Any, reset_after: bool = True, **kwargs: Any):
        refuse(self, {"reset_after": bool(reset_after)}, reset_after=True)
        super().__init__(units, *args, **kwargs)

    def make(self, features: int) -> Any:
        """Return an `nn.GRU`."""
        return nn.GRU(features, self.units, bias=self.use_bias, batch_first=True)

    def make_weights(self) -> list[Weight]:
        """All three with their gates in Keras' order."""
        rnn = self.rnn
        weights: list[Weight] = [
            _Reordered("kernel", rnn.weight_ih_l0),
            _Reordered("recurrent_kernel", rnn.weight_hh_l0),
        ]
        if self.use_bias:
            weights.append(_Reordered("bias", rnn.bias_ih_l0, rnn.bias_hh_l0))
        return weights

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "recurrent_activation": "sigmoid", "reset_after": True}


class Bidirectional(Layer):
    """A recurrent layer twice, over the sequence from both ends.

    `merge_mode` says what becomes of the two outputs: "concat", "sum", "mul" or "ave".

    Raises `ValueError` for a layer that is not recurrent, or another mode.
    """

    MODES: ClassVar[tuple[str, ...]] = ("concat", "sum", "mul", "ave")

    def __init__(self, layer: Any, merge_mode: str | None = "concat", backward_layer: Any = None, **kwargs: Any):
        refuse(self, {"backward_layer": backward_layer, **kwargs}, backward_layer=None)
        if isinstance(layer, dict):  # from a file
            layer = choose("layer", layer["class_name"], _KINDS).from_config(layer["config"])
        if not isinstance(layer, _Recurrent):
            raise ValueError(f"Bidirectional: layer={layer!r}, expected a SimpleRNN, an LSTM or a GRU")
        if merge_mode is None:
            raise NotImplementedError("Bidirectional: merge_mode=None is not covered: a layer has one output here")
        if merge_mode not in self.MODES:
            raise ValueError(f"Bidirectional: merge_mode={merge_mode!r}, expected one of {', '.join(self.MODES)}")
        kwargs.pop("backward_layer", None)
        super().__init__(**kwargs)
        self._given_shape = self._given_shape or layer._given_shape
        config = layer.get_config()
        self.merge_mode, self.return_sequences = merge_mode, layer.return_sequences
        self.forward_layer = type(layer)(**{**config, "name": f"forward_{layer.name}"})
        backward = {**config, "name": f"backward_{layer.name}", "go_backwards": not layer.go_backwards}
        self.backward_layer = type(layer)(**backward)
        self._inner = {**config, "name": layer.name}

    def check_input(self, input_shape: Shape) -> None:
        """As the layer inside."""
        self.forward_layer.check_input(input_shape)

    def build(self, input_shape: Shape) -> None:
        """Build both."""
        self.forward_layer.build_for(input_shape)
        self.backward_layer.build_for(input_shape)
        self.weights = [*self.forward_layer.weights, *self.backward_layer.weights]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Twice as many features, when they are put side by side."""
        *first, units = self.forward_layer.compute_output_shape(input_shape)
        return (*first, 2 * units if self.merge_mode == "concat" else units)  # type: ignore[operator]

    def call(self, inputs: Tensor) -> Tensor:
        """Run both and merge."""
        forward, backward = self.forward_layer(inputs), self.backward_layer(inputs)
        if self.return_sequences:
            backward = backward.flip(1)
        if self.merge_mode == "concat":
            return functions.cat([forward, backward], dim=-1)
        if self.merge_mode == "mul":
            return forward * backward
        return forward + backward if self.merge_mode == "sum" else (forward + backward) * 0.5

    def saved_parts(self) -> list[tuple[str, list[Weight]]]:
        """Both layers, each with its cell."""
        return [
            ("forward_layer/cell", self.forward_layer.weights),
            ("backward_layer/cell", self.backward_layer.weights),
        ]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        kind = type(self.forward_layer).__name__
        layer = {"module": "keras.layers", "class_name": kind, "config": self._inner, "registered_name": None}
        return {**super().get_config(), "layer": layer, "merge_mode": self.merge_mode}


_KINDS: dict[str, type[_Recurrent]] = {kind.__name__: kind for kind in (SimpleRNN, LSTM, GRU)}

"""`Layer`: a module that gets its weights when it learns the shape of its input, and shows them as Keras does."""

import inspect
import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import ShapeError
from ...grad_mode import no_grad
from ...nn import Module
from ...nn.parameter import new_parameter
from ...tensor import Tensor
from .. import activations, initializers
from ..naming import snake_case, unique_name

__all__ = ["Layer", "Weight", "as_tensor", "floating", "refuse"]

Shape = tuple[int | None, ...]


class Weight:
    """A parameter or buffer in Keras' layout: a free view of PyTorch's.

    Attributes
    ----------
    name, path : str
        "kernel", and "dense/kernel".
    shape : tuple of int
    trainable : bool
        Whether it is ever trained; a moving average is not.
    """

    def __init__(self, name: str, tensor: Tensor, view: Callable[[np.ndarray], np.ndarray] = lambda array: array):
        self.name = self.path = name
        self.tensor, self.view = tensor, view
        self.tensors: tuple[Tensor, ...] = (tensor,)  # what holds it in the layer
        self.trainable = tensor.requires_grad

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in Keras' layout."""
        return self.numpy().shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self.tensor.array.dtype.name

    def numpy(self) -> np.ndarray:
        """Return the values as an array that shares memory with the layer."""
        return self.layout([tensor.array for tensor in self.tensors])

    def layout(self, arrays: list[np.ndarray]) -> np.ndarray:
        """Return arrays with the shapes of `tensors`, such as what an optimizer keeps for them, in Keras' layout."""
        return self.view(arrays[0])

    def fill(self, arrays: list[np.ndarray], value: np.ndarray) -> None:
        """Change arrays with the shapes of `tensors` to what `layout` returns as `value`."""
        self.view(arrays[0])[...] = value

    value = numpy

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype, copy=copy)

    def assign(self, value: Any) -> None:
        """Change the values; raises `ValueError` unless `value` has the shape of the weight."""
        value = np.asarray(value.detach().numpy() if isinstance(value, Tensor) else value)
        if value.shape != self.shape:
            raise ShapeError(f"weight {self.path} has shape {self.shape}, but the value has shape {value.shape}")
        self.fill([tensor.array for tensor in self.tensors], value)
        for tensor in self.tensors:
            tensor.storage.version += 1

    def assign_add(self, value: Any) -> None:
        """Add to the values."""
        self.assign(self.numpy() + np.asarray(value))

    def assign_sub(self, value: Any) -> None:
        """Take from the values."""
        self.assign(self.numpy() - np.asarray(value))

    def __repr__(self) -> str:
        return f"<Weight path={self.path}, shape={self.shape}, dtype={self.dtype}>"


class Layer(Module):
    """The base class of all layers: a module of `fastgrok.nn` with Keras' names around it.

    A layer is built, that is gets its weights, when the shape of its input is known: by `input_shape=`, by an `Input`
    before it, or by the first call. Calling it means inference unless `training=True`; `fit` trains.

    A layer of your own defines `call(self, inputs)`, or `call(self, inputs, training)`; in `build(self, input_shape)`
    it makes its weights with `self.add_weight(shape=...)`, or assigns layers to attributes, these or those of
    `fastgrok.nn`; and where its output has another shape than its input, it defines `compute_output_shape`.

    Parameters
    ----------
    name : str, optional
        Default: the class in lower case, with a number from the second on.
    trainable : bool
        False keeps the weights as they are while others train.
    input_shape, batch_input_shape : tuple, optional
        For the first layer of a model: without, or with, the axis of the batch.
    input_dim, input_length : int, optional
        The same for inputs with one axis, and a length of sequences, which is not needed.
    dtype : str, optional
        "float32".

    Raises
    ------
    TypeError
        For an argument that there is not.
    """

    #: Whether `call` has an argument `training`.
    _asks = False

    def __init__(self, *, name: str | None = None, trainable: bool = True, **kwargs: Any):
        super().__init__()
        self.name = unique_name(snake_case(type(self).__name__)) if name is None else str(name)
        self.built = False
        self.weights: list[Weight] = []
        self._trainable = bool(trainable)
        self._given_shape = _input_shape(type(self).__name__, kwargs)
        self.input_shape: Shape | None = None
        dtype = kwargs.pop("dtype", None)
        if dtype not in (None, "float32"):
            raise NotImplementedError(f"{type(self).__name__}: dtype={dtype!r} is not covered, expected 'float32'")
        if kwargs:
            raise TypeError(f"{type(self).__name__}: unknown argument {next(iter(kwargs))!r}")
        self.eval()

    # -------------------------------------------------------------------------------------------- building and calling

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs of a shape, whose unknown axes (the batch) are None."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for that of an input."""
        return input_shape

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Return a new weight, a tensor to calculate with in `call`; for the `build` of a layer of your own.

        The initializer is by default "glorot_uniform" for two axes and more, else "zeros".

        Raises `NotImplementedError` for another dtype than float32, regularizers and constraints.
        """
        refuse(self, {"dtype": dtype or "float32", **kwargs}, dtype="float32", regularizer=None, constraint=None)
        shape = () if shape is None else shape_of(type(self).__name__, "shape", shape)
        values = initializers.get(initializer or ("glorot_uniform" if len(shape) > 1 else "zeros"))(shape)
        attribute, tensor = f"_weight_{len(self.weights)}", Tensor._from_array(np.zeros(shape, np.float32))
        if trainable:
            tensor = parameter = new_parameter(shape)
            self.register_parameter(attribute, parameter)
        else:
            self.register_buffer(attribute, tensor)
        self.weights.append(Weight(name or attribute[1:], tensor))
        self.weights[-1].assign(values)
        return tensor

    def call(self, inputs: Tensor) -> Tensor:
        """Return the output. Every layer defines this."""
        raise NotImplementedError(f"{type(self).__name__} does not define call")

    def build_for(self, input_shape: Shape) -> None:
        """Build the layer, unless it is built; raises `ShapeError` when it is, for inputs of another shape."""
        if self.built:
            self.check_input(input_shape)
            return
        self.check_input(input_shape)
        self.build(input_shape)
        inner = [child for child in self.children() if isinstance(child, Layer)]
        if any(not child.built for child in inner):  # a layer of one's own, whose inner layers learn their shapes now
            with no_grad():
                self._call(Tensor._from_array(np.zeros([size or 1 for size in input_shape], np.float32)))
        if not self.weights and not inner:  # made of those of fastgrok.nn
            self.weights = [Weight(name, parameter) for name, parameter in self.named_parameters()]
        known = {id(weight) for weight in self.weights}
        self.weights += [weight for child in inner for weight in child.weights if id(weight) not in known]
        for weight in self.weights:
            weight.path = f"{self.name}/{weight.path}"
        self.input_shape, self.built = input_shape, True
        self.trainable = self._trainable
        self.train(self.training)

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` for inputs that the layer cannot take."""

    def forward(self, inputs: Any, training: bool | None = None) -> Any:
        """Build the layer if need be and run it; `training` is by default as `train()` and `eval()` left it."""
        x = as_tensor(inputs)
        if not self.built:
            self.build_for((None, *x.shape[1:]))
        else:
            self.check_input(x.array.shape)
        if training is None or training == self.training:
            return self._call(x)
        before = self.training
        self.train(bool(training))
        try:
            return self._call(x)
        finally:
            self.train(before)

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        cls._asks = "training" in inspect.signature(cls.call).parameters

    def _call(self, x: Tensor) -> Tensor:
        """`call`, which gets `training` when it asks for it."""
        return self.call(x, training=self.training) if self._asks else self.call(x)  # type: ignore[call-arg]

    @property
    def output_shape(self) -> Shape:
        """The shape of the output; raises `AttributeError` before the layer is built."""
        if self.input_shape is None:
            raise AttributeError(f"layer {self.name} has no output_shape yet: it is not built")
        return self.compute_output_shape(self.input_shape)

    # -------------------------------------------------------------------------------------------- weights

    @property
    def trainable(self) -> bool:
        """Whether `fit` changes the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for weight in self.weights:
            if weight.trainable:
                for tensor in weight.tensors:
                    tensor.requires_grad_(self._trainable)

    @property
    def trainable_weights(self) -> list[Weight]:
        """The weights that `fit` changes."""
        return [weight for weight in self.weights if weight.trainable and self._trainable]

    @property
    def non_trainable_weights(self) -> list[Weight]:
        """All other weights."""
        return [weight for weight in self.weights if not (weight.trainable and self._trainable)]

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of all weights, in Keras' order and layout."""
        return [weight.numpy().copy() for weight in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Change all weights.

        Raises `ValueError` when their number or a shape is not that of the layer, before anything is changed.
        """
        set_weights(self, weights)

    def count_params(self) -> int:
        """Return the number of weights, element by element; raises `ValueError` before the layer is built."""
        if not self.built:
            raise ValueError(f"layer {self.name} has no weights yet: give it an input_shape, or call it once")
        return sum(weight.numpy().size for weight in self.weights)

    # -------------------------------------------------------------------------------------------- for files

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {"name": self.name, "trainable": self._trainable}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Layer":
        """Make a layer from what `get_config` returned."""
        return cls(**config)

    def saved_parts(self) -> list[tuple[str, list[Weight]]]:
        """Return the weights by the group of Keras' HDF5 files that holds them, below that of the layer."""
        return [("", self.weights)]

    def extra_repr(self) -> str:
        """Return the name."""
        return f"name={self.name!r}"


def set_weights(owner: Any, values: Any) -> None:
    """`set_weights` of layers and models."""
    values = [np.asarray(value) for value in values]
    if len(values) != len(owner.weights):
        raise ValueError(
            f"set_weights: {len(values)} arrays for {owner.name}, which has {len(owner.weights)} weights: "
            + (", ".join(f"{w.path} {w.shape}" for w in owner.weights) or "none; is it built?")
        )
    for weight, value in zip(owner.weights, values, strict=True):
        if value.shape != weight.shape:
            raise ShapeError(f"set_weights: an array of shape {value.shape} for {weight.path}, expected {weight.shape}")
    for weight, value in zip(owner.weights, values, strict=True):
        weight.assign(value)


def as_tensor(value: Any) -> Tensor:
    """Return a tensor, made of an array or a list if need be; float64 becomes float32, as in Keras."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, Module):
        raise NotImplementedError(
            "a layer is called on a layer: only Sequential models are covered; give the layers as a list, or write an "
            "nn.Module (fastgrok.nn)"
        )
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"inputs are of dtype {array.dtype}, expected numbers in an array without gaps")
    return Tensor._from_array(array.astype(np.float32) if array.dtype.kind == "f" else array)


def floating(x: Tensor) -> Tensor:
    """Return whole numbers as float32, and all else as it is."""
    return x if x.array.dtype.kind == "f" else Tensor._from_array(x.array.astype(np.float32))


def refuse(owner: Any, options: dict[str, Any], **allowed: Any) -> None:
    """Take what is known but not covered out of `options`.

    Raises `NotImplementedError` unless it has the value that means nothing, which stands in `allowed`.
    """
    for name, harmless in allowed.items():
        value = options.pop(name, harmless)
        if value != harmless:
            hint = ": layers share one random stream, which utils.set_random_seed starts" if name == "seed" else ""
            raise NotImplementedError(
                f"{type(owner).__name__}: {name}={reprlib.repr(value)} is not covered, expected {harmless!r}{hint}"
            )


#: Keras' options of weights that no layer here has.
NO_PENALTIES: dict[str, Any] = dict.fromkeys(
    (
        "kernel_regularizer", "bias_regularizer", "activity_regularizer", "recurrent_regularizer",
        "embeddings_regularizer", "beta_regularizer", "gamma_regularizer", "kernel_constraint", "bias_constraint",
        "recurrent_constraint", "embeddings_constraint", "beta_constraint", "gamma_constraint", "lora_rank",
        "quantization_config",
    )
)  # fmt: skip


def positive(owner: str, name: str, value: Any) -> int:
    """Return a size; raises `ValueError` unless it is a whole number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value <= 0:
        raise ValueError(f"{owner}: {name}={value!r}, expected a positive whole number")
    return int(value)


def activated(activation: Callable[..., Any], x: Tensor) -> Tensor:
    """Return the activation of x, which is x for none."""
    return x if activation is activations.linear else activation(x)


def _input_shape(owner: str, kwargs: dict[str, Any]) -> Shape | None:
    """Take the shape of the input out of the arguments of a layer; (None, ...) or None."""
    shape, batch_shape = kwargs.pop("input_shape", None), kwargs.pop("batch_input_shape", None)
    dim, length = kwargs.pop("input_dim", None), kwargs.pop("input_length", None)
    if batch_shape is not None:
        return tuple(batch_shape)
    if shape is None:
        return None if dim is None else (None, dim) if length is None else (None, length, dim)
    return (None, *shape_of(owner, "input_shape", shape))


def shape_of(owner: str, name: str, shape: Any) -> Shape:
    """Return a shape as a tuple; raises `ValueError` for one that is none."""
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, tuple | list) or not all(
        size is None or (isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0)
        for size in shape
    ):
        raise ValueError(f"{owner}: {name}={shape!r}, expected a tuple such as (784,) or (28, 28, 1)")
    return tuple(shape)

"""`BatchNormalization` and `LayerNormalization`."""

from typing import Any

import numpy as np

from ... import ops
from ...autograd import apply
from ...errors import ShapeError
from ...nn import functional as F
from ...nn.parameter import new_parameter
from ...tensor import Tensor
from .. import initializers
from .base import NO_PENALTIES, Layer, Shape, Weight, floating, refuse

__all__ = ["BatchNormalization", "LayerNormalization"]


class _Normalization(Layer):
    """What both have: gamma and beta (C,), over the last axis."""

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        **kwargs: Any,
    ):
        refuse(self, kwargs, **NO_PENALTIES)
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, tuple | list) else axis
        self.epsilon, self.center, self.scale = float(epsilon), bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)

    def check_input(self, input_shape: Shape) -> None:
        """Raise `ShapeError` when the last axis has another size than the weights."""
        axis = self.axis[0] if isinstance(self.axis, list) and len(self.axis) == 1 else self.axis
        if axis not in (-1, len(input_shape) - 1):
            raise NotImplementedError(f"layer {self.name}: axis={self.axis} is not covered, expected -1, the last axis")
        if input_shape[-1] is None:
            raise ShapeError(f"layer {self.name}: inputs have shape {input_shape}, whose last axis is not known")
        if self.built and self.weights and input_shape[-1] != self.weights[0].shape[0]:
            raise ShapeError(
                f"layer {self.name}: inputs have shape {input_shape}, whose last axis is {input_shape[-1]}; "
                f"expected {self.weights[0].shape[0]}"
            )

    def build(self, input_shape: Shape) -> None:
        """Make gamma and beta."""
        for name, wanted, initializer in (
            ("gamma", self.scale, self.gamma_initializer),
            ("beta", self.center, self.beta_initializer),
        ):
            self.register_parameter(name, new_parameter(input_shape[-1:]) if wanted else None)  # type: ignore[arg-type]
            if wanted:
                self.weights.append(Weight(name, getattr(self, name)))
                self.weights[-1].assign(initializer(input_shape[-1:]))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
        }


class BatchNormalization(_Normalization):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, per channel: the last axis (Ioffe and Szegedy 2015).

    While training, mean and variance are those of the batch, and moving_x = momentum * moving_x + (1 - momentum) * x;
    else they are the moving ones. `momentum` is what PyTorch calls 1 - momentum, and the moving variance is that of
    the batch itself, without PyTorch's n / (n - 1). With `trainable=False` the moving ones are always used.

    Weights: gamma, beta, moving_mean, moving_variance, each (C,).
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **kwargs: Any,
    ):
        refuse(self, kwargs, synchronized=False, renorm=False, renorm_clipping=None, renorm_momentum=0.99)
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, **kwargs)
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        """Make gamma, beta and the moving statistics."""
        super().build(input_shape)
        for name, initializer in (
            ("moving_mean", self.moving_mean_initializer),
            ("moving_variance", self.moving_variance_initializer),
        ):
            value = np.asarray(initializer(input_shape[-1:]), np.float32)
            self.register_buffer(name, Tensor._from_array(value))
            self.weights.append(Weight(name, getattr(self, name)))

    def call(self, inputs: Tensor) -> Tensor:
        """Normalise, and while training move the statistics."""
        x = floating(inputs)
        x = x.movedim(-1, 1) if x.ndim > 2 else x
        if self.training and self.trainable:
            y, *batch = apply(ops.BatchNorm, x, self._gamma(x), self._beta(x), eps=self.epsilon)
            for moving, new in zip((self.moving_mean, self.moving_variance), batch, strict=True):
                moving.array *= self.momentum
                moving.array += (1 - self.momentum) * new.array
                moving.storage.version += 1
        else:
            y = F.batch_norm(
                x, self.moving_mean, self.moving_variance, self.gamma, self.beta, training=False, eps=self.epsilon
            )
        return y.movedim(1, -1) if y.ndim > 2 else y

    def _gamma(self, x: Tensor) -> Tensor:
        return Tensor._from_array(np.ones(x.shape[1], x.array.dtype)) if self.gamma is None else self.gamma

    def _beta(self, x: Tensor) -> Tensor:
        return Tensor._from_array(np.zeros(x.shape[1], x.array.dtype)) if self.beta is None else self.beta

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
        }


class LayerNormalization(_Normalization):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta over the last axis of every input (Ba et al. 2016).

    Weights: gamma and beta, each (C,).
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **kwargs: Any,
    ):
        refuse(self, kwargs, rms_scaling=False)
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """Normalise."""
        return F.layer_norm(floating(inputs), inputs.shape[-1:], self.gamma, self.beta, self.epsilon)

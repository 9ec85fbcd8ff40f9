"""RMSprop."""

from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..tensor import Tensor
from .checks import check_at_least_zero, refuse_modes
from .optimizer import Optimizer, change, gradient_of

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Step along the gradient, divided by the root of the running mean of its square.

    With gradient g (to which weight decay adds weight_decay * p)::

        v = alpha * v + (1 - alpha) * g^2
        p -= lr * g / (sqrt(v) + eps)

    `centered` takes the square of the running mean of g from v, so that the root is the standard deviation. With
    momentum, b = momentum * b + g / (sqrt(v) + eps) takes the place of the quotient. Tieleman and Hinton (2012);
    centered: Graves, "Generating sequences with recurrent neural networks" (2013); as PyTorch computes it.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`.
    lr, alpha, eps, weight_decay, momentum : float
        At least 0.
    centered : bool
        Divide by the standard deviation.
    maximize : bool
        Go up instead of down.
    foreach
        Taken for PyTorch's sake; every update is one fused kernel call per parameter.
    capturable, differentiable : bool
        True is not covered and raises `NotImplementedError`.

    The state of a parameter: `step` (int), `square_avg`, with momentum `momentum_buffer`, and if centered `grad_avg`,
    tensors like the parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> RMSprop([w], lr=0.1, alpha=0.75).step()
    >>> w.detach()
    tensor([ 0.8000, -1.8000])
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        self.check_options(defaults)
        super().__init__(params, defaults)

    #: Added to the mean square below the root, as Keras does with its epsilon; PyTorch has `eps` outside only.
    inner_eps = 0.0

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        check_at_least_zero("RMSprop", options, "lr", "eps", "momentum", "weight_decay", "alpha")
        refuse_modes("RMSprop", options)

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        gradient = gradient_of(param, group["maximize"])
        state = self.state[param]
        used = ["square_avg"]
        used += ["momentum_buffer"] if group["momentum"] > 0 else []
        used += ["grad_avg"] if group["centered"] else []
        state.setdefault("step", 0)
        for name in used:
            if name not in state:
                state[name] = Tensor._from_array(np.zeros_like(gradient))
        state["step"] += 1
        square = state["square_avg"].array
        # What an option switches off is not touched by the kernel: any array of the shape stands in for it.
        mean, velocity = (state[name].array if name in used else square for name in ("grad_avg", "momentum_buffer"))
        options = [group[name] for name in ("weight_decay", "momentum", "centered")]
        arrays = (square, mean, velocity, gradient)
        change(param, kernels.rmsprop_into, arrays, group["lr"], group["alpha"], group["eps"], self.inner_eps, *options)

    def _taken_over(self, number: int, param: Tensor, entries: dict[str, Any]) -> dict[str, Any]:
        always, sometimes = {"step", "square_avg"}, {"momentum_buffer", "grad_avg"}
        if entries and set(entries) - sometimes != always:
            raise ValueError(
                f"loaded state dict has the state {sorted(entries)} for parameter {number}; RMSprop expected "
                f"{sorted(always)}, and perhaps {sorted(sometimes)}"
            )
        return super()._taken_over(number, param, entries)

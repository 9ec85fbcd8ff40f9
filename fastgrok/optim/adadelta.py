"""Adadelta."""

from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..tensor import Tensor
from .checks import check_at_least_zero, refuse_modes
from .optimizer import Optimizer, change, gradient_of

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Step along the gradient, scaled so that steps have the size that earlier ones had: no rate has to be chosen.

    With gradient g (to which weight decay adds weight_decay * p)::

        v = rho * v + (1 - rho) * g^2
        x = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * x^2
        p -= lr * x

    Zeiler, "ADADELTA: an adaptive learning rate method" (2012), as PyTorch computes it.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`.
    lr, eps, weight_decay : float
        At least 0.
    rho : float
        From 0 to 1.
    maximize : bool
        Go up instead of down.
    foreach
        Taken for PyTorch's sake; every update is one fused kernel call per parameter.
    capturable, differentiable : bool
        True is not covered and raises `NotImplementedError`.

    The state of a parameter: `step` (int), `square_avg` (v) and `acc_delta` (u), tensors like the parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adadelta([w], rho=0.75, eps=0.01).step()
    >>> w.detach()
    tensor([ 0.8010, -1.8002])
    """

    state_names = ("step", "square_avg", "acc_delta")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        self.check_options(defaults)
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        check_at_least_zero("Adadelta", options, "lr", "rho", "eps", "weight_decay")
        if options["rho"] > 1.0:
            raise ValueError(f"Invalid rho value: {options['rho']}")
        refuse_modes("Adadelta", options)

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        gradient = gradient_of(param, group["maximize"])
        state = self.state[param]
        if not state:
            state["step"] = 0
            state["square_avg"] = Tensor._from_array(np.zeros_like(gradient))
            state["acc_delta"] = Tensor._from_array(np.zeros_like(gradient))
        state["step"] += 1
        arrays = state["square_avg"].array, state["acc_delta"].array, gradient
        change(param, kernels.adadelta_into, arrays, group["lr"], group["rho"], group["eps"], group["weight_decay"])

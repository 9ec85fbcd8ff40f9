"""Adamax."""

from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..tensor import Tensor
from .checks import check_at_least_zero, check_betas, refuse_modes
from .optimizer import Optimizer, change, gradient_of

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Adam with the largest gradient of the recent past in place of the root of the mean square.

    At step t, with gradient g (to which weight decay adds weight_decay * p)::

        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p -= lr / (1 - beta1^t) * m / u

    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), section 7.1, as PyTorch computes it.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`.
    lr, eps, weight_decay : float
        At least 0.
    betas : pair of float
        0 <= beta < 1.
    maximize : bool
        Go up instead of down.
    foreach
        Taken for PyTorch's sake; every update is one fused kernel call per parameter.
    capturable, differentiable : bool
        True is not covered and raises `NotImplementedError`.

    The state of a parameter: `step` (int), `exp_avg` (m) and `exp_inf` (u), tensors like the parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adamax([w], lr=0.1).step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    state_names = ("step", "exp_avg", "exp_inf")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        self.check_options(defaults)
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        check_betas("Adamax", options["betas"])
        check_at_least_zero("Adamax", options, "lr", "eps", "weight_decay")
        refuse_modes("Adamax", options)

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        gradient = gradient_of(param, group["maximize"])
        state = self.state[param]
        if not state:
            state["step"] = 0
            state["exp_avg"] = Tensor._from_array(np.zeros_like(gradient))
            state["exp_inf"] = Tensor._from_array(np.zeros_like(gradient))
        state["step"] += 1
        arrays = state["exp_avg"].array, state["exp_inf"].array, gradient
        options = (group["lr"], *group["betas"], group["eps"], group["weight_decay"], state["step"])
        change(param, kernels.adamax_into, arrays, *options)

"""NAdam."""

from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..tensor import Tensor
from .checks import check_at_least_zero, check_betas, refuse_modes
from .optimizer import Optimizer, change, gradient_of

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, which looks one step ahead.

    At step t, with gradient g (to which weight decay adds weight_decay * p, unless it is decoupled) and the momentum
    mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2), whose product over all steps so far is M_t::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        n = mu_{t+1} / (1 - M_{t+1}) * m + (1 - mu_t) / (1 - M_t) * g
        p -= lr * n / (sqrt(v / (1 - beta2^t)) + eps)

    Dozat, "Incorporating Nesterov momentum into Adam" (2016), as PyTorch computes it.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`.
    lr, eps, weight_decay, momentum_decay : float
        At least 0.
    betas : pair of float
        0 <= beta < 1.
    decoupled_weight_decay : bool
        Whether weight decay is p *= 1 - lr * weight_decay before the step, as in `AdamW`.
    maximize : bool
        Go up instead of down.
    foreach
        Taken for PyTorch's sake; every update is one fused kernel call per parameter.
    capturable, differentiable : bool
        True is not covered and raises `NotImplementedError`.

    The state of a parameter: `step` (int), `mu_product` (float, M), `exp_avg` (m) and `exp_avg_sq` (v), tensors like
    the parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> optimizer = NAdam([w], lr=0.1, betas=(0.0, 0.0))
    >>> optimizer.step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    state_names = ("step", "mu_product", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        self.check_options(defaults)
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        check_betas("NAdam", options["betas"])
        check_at_least_zero("NAdam", options, "lr", "eps", "weight_decay", "momentum_decay")
        refuse_modes("NAdam", options)

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        gradient = gradient_of(param, group["maximize"])
        state = self.state[param]
        if not state:
            state["step"], state["mu_product"] = 0, 1.0
            state["exp_avg"] = Tensor._from_array(np.zeros_like(gradient))
            state["exp_avg_sq"] = Tensor._from_array(np.zeros_like(gradient))
        state["step"] += 1
        step, lr, (beta1, beta2) = state["step"], group["lr"], group["betas"]
        now, ahead = (beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        # In single precision, as PyTorch keeps it, so that states and steps are the same.
        state["mu_product"] = product = float(np.float32(state["mu_product"]) * np.float32(now))
        rates = lr * (1 - now) / (1 - product), lr * ahead / (1 - product * ahead)
        decoupled, weight_decay = group["decoupled_weight_decay"], group["weight_decay"]
        decay = (1 - lr * weight_decay, 0) if decoupled else (1, weight_decay)
        arrays = state["exp_avg"].array, state["exp_avg_sq"].array, gradient
        change(param, kernels.nadam_into, arrays, *rates, beta1, beta2, group["eps"], *decay, step)

    def _taken_over(self, number: int, param: Tensor, entries: dict[str, Any]) -> dict[str, Any]:
        # A tensor () in PyTorch, unlike the others not of the shape of the parameter.
        return super()._taken_over(number, param, {k: float(v) if k == "mu_product" else v for k, v in entries.items()})

"""Adam and AdamW."""

from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..tensor import Tensor
from .optimizer import Optimizer, change, check_number, gradient_of

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Step along the running mean of the gradient, divided by the root of the running mean of its square.

    At step t, with gradient g (to which weight decay adds weight_decay * p)::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        p -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)

    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), as PyTorch computes it.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`.
    lr, eps, weight_decay : float
        At least 0.
    betas : pair of float
        0 <= beta < 1.
    amsgrad : bool
        True is not covered and raises `NotImplementedError`.
    maximize : bool
        Go up instead of down.
    foreach, fused
        Taken for PyTorch's sake; every update is one fused kernel call per parameter.

    The state of a parameter: `step` (int), `exp_avg` (m) and `exp_avg_sq` (v), tensors like the parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adam([w], lr=0.1).step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    state_names = ("step", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ):
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        self.check_options(defaults)
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        betas = options["betas"]
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise ValueError(f"{type(self).__name__}: betas={betas!r}, expected a pair of numbers")
        checked = {name: options[name] for name in ("lr", "eps", "weight_decay")}
        for name, value in {**checked, "betas[0]": betas[0], "betas[1]": betas[1]}.items():
            check_number(type(self).__name__, name, value)
        if not options["lr"] >= 0.0:  # so that NaN is refused as well
            raise ValueError(f"Invalid learning rate: {options['lr']}")
        if not options["eps"] >= 0.0:
            raise ValueError(f"Invalid epsilon value: {options['eps']}")
        for index, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
        if not options["weight_decay"] >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {options['weight_decay']}")
        if options["amsgrad"]:
            raise NotImplementedError(f"{type(self).__name__}: amsgrad=True is not covered, expected False")

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        gradient = gradient_of(param, group["maximize"])
        state = self.state[param]
        if not state:
            state["step"] = 0
            state["exp_avg"] = Tensor._from_array(np.zeros_like(gradient))
            state["exp_avg_sq"] = Tensor._from_array(np.zeros_like(gradient))
        step = state["step"] = state["step"] + 1
        arrays = state["exp_avg"].array, state["exp_avg_sq"].array, gradient
        change(param, self._kernel(), arrays, group["lr"], *group["betas"], group["eps"], group["weight_decay"], step)

    def _kernel(self) -> Any:
        # Looked up when needed: kernels are loaded on first use.
        return kernels.adam_into


class AdamW(Adam):
    """Adam with weight decay of its own: before the step, p *= 1 - lr * weight_decay, whatever the gradient is.

    Loshchilov and Hutter, "Decoupled weight decay regularization" (2019). Everything else is as in `Adam`.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def _kernel(self) -> Any:
        return kernels.adamw_into

"""Adagrad."""

from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..ops.gradients import Rows
from ..tensor import Tensor
from .checks import check_at_least_zero, refuse_modes
from .optimizer import Optimizer, change, gradient_of
from .rows import change_rows

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Step along the gradient, divided by the root of the sum of all its squares so far.

    At step t, with gradient g (to which weight decay adds weight_decay * p)::

        s = s + g^2
        p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (2011), as
    PyTorch computes it.

    A gradient that is still kept as rows (of an `Embedding`) changes only those rows, when there is no weight decay;
    the result is the same.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`.
    lr, lr_decay, weight_decay, eps : float
        At least 0.
    initial_accumulator_value : float
        What s starts from, at least 0.
    maximize : bool
        Go up instead of down.
    foreach, fused
        Taken for PyTorch's sake; every update is one fused kernel call per parameter.
    differentiable : bool
        True is not covered and raises `NotImplementedError`.

    The state of a parameter, there from the beginning: `step` (int) and `sum` (s), a tensor like the parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.tensor([1.0, -2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> Adagrad([w], lr=0.1).step()
    >>> w.detach()
    tensor([ 0.9000, -1.9000])
    """

    state_names = ("step", "sum")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ):
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        self.check_options(defaults)
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        check_at_least_zero("Adagrad", options, "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        refuse_modes("Adagrad", options)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group as `Optimizer.add_param_group` does, and give its parameters their state."""
        super().add_param_group(param_group)
        for param in self.param_groups[-1]["params"]:
            self._start(param)

    def _start(self, param: Tensor) -> None:
        # The value that the constructor was given counts for all groups, as in PyTorch.
        total = np.full(param.array.shape, self.defaults["initial_accumulator_value"], param.array.dtype)
        self.state[param] = {"step": 0, "sum": Tensor._from_array(total)}

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        if not self.state[param]:  # a state without it was loaded
            self._start(param)
        state = self.state[param]
        state["step"] += 1
        lr = group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"])
        total, weight_decay = state["sum"].array, group["weight_decay"]
        if isinstance(param._grad, Rows) and weight_decay == 0:
            change_rows(param, kernels.adagrad_into, (total,), group["maximize"], lr, group["eps"], 0)
        else:
            gradient = gradient_of(param, group["maximize"])
            change(param, kernels.adagrad_into, (total, gradient), lr, group["eps"], weight_decay)

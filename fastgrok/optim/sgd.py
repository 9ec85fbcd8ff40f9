"""Stochastic gradient descent, with or without momentum."""

from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..ops.gradients import Rows
from ..tensor import Tensor
from .optimizer import Optimizer, change, check_number, gradient_of
from .rows import add_rows

__all__ = ["SGD"]


class SGD(Optimizer):
    """p -= lr * v, where v is the gradient g or, with momentum, what has built up of it.

    With weight decay, g + weight_decay * p takes the place of g. With momentum, v = momentum * v + (1 - dampening) * g,
    starting from v = g; Nesterov's form steps along g + momentum * v. These are PyTorch's formulas (after Sutskever et
    al., "On the importance of initialization and momentum in deep learning", 2013).

    A gradient that is still kept as rows (of an `Embedding`) changes only those rows, when there is neither momentum
    nor weight decay; the result is the same.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`.
    lr, momentum, dampening, weight_decay : float
        At least 0.
    nesterov : bool
        Needs momentum, and no dampening.
    maximize : bool
        Go up instead of down.
    foreach, fused
        Taken for PyTorch's sake; every update is one fused kernel call per parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.

    Examples
    --------
    >>> import fastgrok
    >>> w = fastgrok.tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.detach()
    tensor([0.8000, 1.6000])
    """

    state_names = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ):
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        self.check_options(defaults)
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        for name in ("lr", "momentum", "dampening", "weight_decay"):
            check_number("SGD", name, options[name])
        if not options["lr"] >= 0.0:  # so that NaN is refused as well
            raise ValueError(f"Invalid learning rate: {options['lr']}")
        if not options["momentum"] >= 0.0:
            raise ValueError(f"Invalid momentum value: {options['momentum']}")
        if not options["weight_decay"] >= 0.0:
            raise ValueError(f"Invalid weight_decay value: {options['weight_decay']}")
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter by its gradient."""
        lr, momentum, weight_decay = group["lr"], group["momentum"], group["weight_decay"]
        if momentum == 0:
            if isinstance(param._grad, Rows) and weight_decay == 0:
                add_rows(param, lr if group["maximize"] else -lr)
            else:
                change(param, kernels.sgd_into, (gradient_of(param, group["maximize"]),), lr, weight_decay)
            return
        gradient = gradient_of(param, group["maximize"])
        state = self.state[param]
        first = state.get("momentum_buffer") is None
        if first:
            state["momentum_buffer"] = Tensor._from_array(np.zeros_like(gradient))
        velocity = state["momentum_buffer"].array
        options = (lr, momentum, group["dampening"], weight_decay, group["nesterov"], first)
        change(param, kernels.momentum_into, (gradient, velocity), *options)

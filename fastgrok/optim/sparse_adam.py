"""SparseAdam."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from ..ops.gradients import Rows
from ..tensor import Tensor
from .checks import check_at_least_zero, check_betas
from .optimizer import Optimizer
from .rows import change_rows

__all__ = ["SparseAdam"]


class SparseAdam(Optimizer):
    """Adam for large tables of which few rows have a gradient: the other rows, and their means, stay as they are.

    For the rows that have a gradient g at step t::

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g^2
        p -= lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps)

    It is not Adam: there the means of all rows fade in every step. These are PyTorch's formulas.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them; see `Optimizer`. Their gradients have to be kept as rows: tables of an
        `Embedding`, whose gradient nobody has read since `backward()`.
    lr, eps : float
        Greater than 0.
    betas : pair of float
        0 <= beta < 1.
    maximize : bool
        Go up instead of down.

    The state of a parameter: `step` (int), `exp_avg` (m) and `exp_avg_sq` (v), tensors like the parameter.

    Raises
    ------
    ValueError, TypeError
        When an option makes no sense, or as `Optimizer` does.
    RuntimeError
        By `step`, when a gradient is an array.

    Examples
    --------
    >>> import fastgrok
    >>> from fastgrok import nn
    >>> table = nn.Embedding.from_pretrained(fastgrok.ones(3, 2), freeze=False)
    >>> table(fastgrok.tensor([2, 2])).sum().backward()
    >>> SparseAdam(table.parameters(), lr=0.5).step()
    >>> table.weight.detach()
    tensor([[1.0000, 1.0000],
            [1.0000, 1.0000],
            [0.5000, 0.5000]])
    """

    state_names = ("step", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize}
        self.check_options(defaults)
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Raise when an option of a group makes no sense."""
        check_betas("SparseAdam", options["betas"])
        check_at_least_zero("SparseAdam", options, "lr", "eps")
        for name, words in (("lr", "learning rate"), ("eps", "epsilon value")):
            if options[name] == 0:
                raise ValueError(f"Invalid {words}: {options[name]}")

    def update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Change the rows of one parameter that have a gradient."""
        if not all(p._grad is None or isinstance(p._grad, Rows) for p in group["params"]):  # before any is changed
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        state = self.state[param]
        if not state:
            state["step"] = 0
            state["exp_avg"] = Tensor._from_array(np.zeros_like(param.array, order="C"))
            state["exp_avg_sq"] = Tensor._from_array(np.zeros_like(param.array, order="C"))
        state["step"] += 1
        step, (beta1, beta2) = state["step"], group["betas"]
        # Adam corrects the root before it adds eps, SparseAdam after: with this eps it is the same formula.
        eps = group["eps"] / math.sqrt(1 - beta2**step)
        means = state["exp_avg"].array, state["exp_avg_sq"].array
        change_rows(param, kernels.adam_into, means, group["maximize"], group["lr"], beta1, beta2, eps, 0, step)

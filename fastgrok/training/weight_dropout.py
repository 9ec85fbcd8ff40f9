"""Dropout on the weights between the steps of an LSTM."""

from typing import Any

from fastgrok import nn
from fastgrok.nn import functional as F

__all__ = ["WeightDropLSTM"]


class WeightDropLSTM(nn.LSTM):
    """An `nn.LSTM` that trains with a random part of its recurrent weights, chosen anew for each batch.

    Each element of `weight_hh` is zero with probability `weight_dropout`, and the others are scaled by
    1 / (1 - weight_dropout): DropConnect, as in Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language
    Models" (2018), section 2. All time steps see the same weights, so that it costs one pass over them, while dropout
    on the states would have to be drawn at every step. In evaluation all weights are used.

    Parameters
    ----------
    weight_dropout : float
        From 0 to 1.
    others
        Those of `nn.LSTM`; shapes and names of parameters are the same too.

    Raises `ValueError` for another `weight_dropout`, and as `nn.LSTM` does.

    Examples
    --------
    >>> lstm = WeightDropLSTM(3, 20, weight_dropout=0.3)
    >>> sorted(lstm.state_dict()) == sorted(nn.LSTM(3, 20).state_dict())
    True
    """

    def __init__(self, *args: Any, weight_dropout: float = 0.0, **options: Any):
        number = isinstance(weight_dropout, int | float) and not isinstance(weight_dropout, bool)
        if not number or not 0 <= weight_dropout <= 1:
            raise ValueError(f"WeightDropLSTM: weight_dropout={weight_dropout!r}, expected a probability from 0 to 1")
        super().__init__(*args, **options)
        self.weight_dropout = weight_dropout

    def extra_repr(self) -> str:
        """Return the settings of `nn.LSTM`, and the share of dropped weights where there is one."""
        return super().extra_repr() + (f", weight_dropout={self.weight_dropout}" if self.weight_dropout else "")

    def _weights(self, k: int) -> list[Any]:
        w_ih, w_hh, *biases = super()._weights(k)
        if self.training and self.weight_dropout > 0:
            w_hh = F.dropout(w_hh, self.weight_dropout)
        return [w_ih, w_hh, *biases]

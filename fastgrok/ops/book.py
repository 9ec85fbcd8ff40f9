"""What the framework of *Grokking Deep Learning* does its own way: a loss, and the steps of its recurrent cells."""

from typing import Any

import numpy as np

import fastgrok_kernels as kernels

from .base import contiguous, rows_of
from .losses import CrossEntropy
from .softmax import from_rows


class BookCrossEntropy(CrossEntropy):
    """The mean of -log softmax(logits)[target] over rows: logits (..., V), as many targets as rows, in any shape.

    The gradient is that of chapter 13: softmax - onehot, neither divided by the number of rows nor multiplied by what
    arrives from above.
    """

    saved_inputs = (0,)

    def forward(self, logits, targets):
        """Compute the loss; raises as `CrossEntropy` does."""
        self.rows_of_book = logits.shape
        ids = np.where(targets < 0, targets + logits.shape[-1], targets).reshape(-1).astype(np.int64)
        return super().forward(rows_of(contiguous(logits)), ids)

    def backward(self, dy):
        """dlogits = softmax(logits) - onehot(target)."""
        ones = np.ones(len(self.targets), self.logits.dtype)
        d = kernels.cross_entropy_backward(ones, self.logits, self.logsumexp, self.targets)
        return (from_rows(d, self.shape, self.axis).reshape(self.rows_of_book),)


def order_of_arrival(root: Any) -> None:
    """Tell the steps of recurrent cells below `root` by which way the book's engine reaches them first."""

"""The fold: a recurrent layer whose inputs are rows of a table works with the table, once per entry.

With V <= T * B entries it is cheaper to multiply the table by the input weights than the gathered rows: the product of
entry ids[t, b] is what step t needs. Backward likewise sums the gradients of the gates per entry before anything is
multiplied. Only the order of summation differs from computing with the gathered rows.

Letters: T time, B batch, D input, G gates, H hidden, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .gradients import Gradient


class Gathered:
    """Where the input of a recurrent layer came from: rows of a table, before they were gathered.

    table (V, D), ids (T, B) int64. `storage` counts changes of the table in place; without one it never changes.
    """

    def __init__(self, table: np.ndarray, ids: np.ndarray, storage: Any = None):
        self.table, self.ids, self.storage = table, ids, storage
        self.version = storage.version if storage is not None else 0

    @property
    def unchanged(self) -> bool:
        """Whether the table still holds what was gathered."""
        return self.storage is None or self.storage.version == self.version

    def transposed(self) -> "Gathered":
        """Return the same for an input whose first two axes are exchanged."""
        other = Gathered(self.table, np.ascontiguousarray(self.ids.T), self.storage)
        other.version = self.version
        return other


class FoldedGradient(Gradient):
    """The gradient of a gathered input, kept as the gradients of gates that it follows from.

    `gates` are those of every step, `sums` those per entry of the table; `times_weight` multiplies either by the input
    weights (G * H, D).
    """

    def __init__(
        self, gates: np.ndarray, sums: np.ndarray, times_weight: Callable[..., np.ndarray], shape: tuple[int, ...]
    ):
        self.gates, self.sums, self.times_weight, self.shape = gates, sums, times_weight, shape

    def dense(self) -> np.ndarray:
        """Return the gradient (T, B, D) of the gathered rows."""
        return self.times_weight(self.gates).reshape(self.shape)

    def table_gradient(self, V: int) -> np.ndarray:
        """Return the gradient (V, D) of the table."""
        return self.times_weight(self.sums)

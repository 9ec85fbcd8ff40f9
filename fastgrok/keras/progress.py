"""What `fit` shows: a bar over all epochs on a terminal, and a line for every epoch."""

import math
import time
from typing import TYPE_CHECKING, Any

from ..training import Progress

if TYPE_CHECKING:
    from ..training import Run
    from .hooks import Bridge

__all__ = ["Bar", "describe"]


def describe(batches: int | None, seconds: float, logs: dict[str, float]) -> str:
    """Return a line about an epoch, or a measurement.

    Examples
    --------
    >>> describe(469, 3.2, {"loss": 0.2571, "accuracy": 0.925})
    '469/469 - 3s - loss: 0.2571 - accuracy: 0.9250'
    """
    shown = [f"{name}: {value:.4f}" if abs(value) > 1e-3 or not value else f"{name}: {value:.4e}"
             for name, value in logs.items()]  # fmt: skip
    parts = [] if batches is None else [f"{batches}/{batches}"]
    return " - ".join([*parts, f"{seconds:.0f}s", *shown])


class Bar(Progress):
    """`Progress` with Keras' lines; with `per_step` also a bar on a terminal."""

    def __init__(self, bridge: "Bridge", per_step: bool = True):
        super().__init__("samples", every_seconds=10.0 if per_step else math.inf, style=None if per_step else "lines")
        self.bridge = bridge
        self._epoch_began = 0.0

    def on_epoch_begin(self, run: "Run") -> None:
        """Start the clock of an epoch."""
        self._epoch_began = time.monotonic()

    def _line(self, run: "Run") -> str:
        logs = " - ".join(f"{name}: {value:.4f}" for name, value in self.bridge.measures.logs().items())
        return f"epoch {self.bridge.epoch + 1}/{self.bridge.epochs} - {logs}"

    def on_validation_end(self, run: "Run") -> None:
        """The line of the epoch has it."""

    def on_epoch_end(self, run: "Run") -> None:
        """Show the line of the epoch."""
        self.say(f"Epoch {self.bridge.epoch}/{self.bridge.epochs}: " + self.line_of(run))

    def line_of(self, run: "Run") -> str:
        """Return what the epoch measured."""
        return describe(run.steps_per_epoch, time.monotonic() - self._epoch_began, self.bridge.logs)

    def on_report(self, run: "Run", line: Any) -> None:
        """Show a line, such as why training ended early."""
        if not self.bridge.model.stop_training:  # a callback ended it, and has said so if it was to
            self.say(line)

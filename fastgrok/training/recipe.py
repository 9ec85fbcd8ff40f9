"""How a character language model is built and trained: every number in one place."""

import dataclasses
import math
import os
from dataclasses import dataclass
from typing import Any

from .budget import TIMED_STEPS

__all__ = ["LOGITS_BYTES", "STREAMS", "WINDOW_LENGTH", "Recipe"]

STREAMS = 64  # of text that are read side by side in a validation
WINDOW_LENGTH = 256  # characters of a window of nanoGPT's estimator
LOGITS_BYTES = 1 << 26  # that are made at once in a validation


@dataclass(frozen=True)
class Recipe:
    """Sizes of the model, and how it is trained; the defaults are those of the command line, which has options
    for most.

    Attributes
    ----------
    hidden, layers, embedding : int
        Units of the LSTM, LSTM layers on top of each other, dimensions of a character's embedding.
    batch_size, bptt : int
        Streams of text side by side, and the characters of a window that gradients flow back through.
    lr : float
        The highest learning rate.
    warmup : int
        Steps over which the rate climbs to `lr`.
    schedule : "linear", "cosine" or "constant"
        How it comes down to `final_lr * lr`, which it reaches after the last step. It begins to after `warmup` steps,
        or after the first few that a run for a given time needs for timing, whichever is more: what happens must not
        depend on how the length of a run was chosen.
    beta1, beta2, eps : float
        Of Adam.
    weight_decay : float
        Of the weight matrices; the optimizer is AdamW when this is not 0.
    clip : float
        The norm that gradients are scaled down to; 0 for never.
    forget_bias : float or None
        What the LSTM's biases start from at the forget gate, with 0 at the other gates: below 0 it forgets early on,
        and learns what to keep. None: PyTorch's random start.
    dropout, embedding_dropout : float
        Between LSTM layers and on the last one's output; on the embedding.
    weight_dropout : float
        Of the LSTM's recurrent weights, chosen anew for each batch; it helps in runs of many epochs.
    average : float
        Decay of the running average of the weights that is validated and saved; 0 for none.
    shift : bool
        Whether each epoch starts at another place of the text.
    seed : int
        Of everything that is drawn.
    """

    hidden: int = 384
    layers: int = 1
    embedding: int = 64
    batch_size: int = 32
    bptt: int = 32
    lr: float = 0.012
    warmup: int = 50
    schedule: str = "linear"
    final_lr: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.06
    clip: float = 1.0
    forget_bias: float | None = -1.0
    dropout: float = 0.1
    embedding_dropout: float = 0.0
    weight_dropout: float = 0.0
    average: float = 0.0
    shift: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "embedding", "batch_size", "bptt"):
            self._require(name, _is_whole(getattr(self, name), 1), "a whole number from 1 on")
        for name in ("warmup", "seed"):
            self._require(name, _is_whole(getattr(self, name), 0), "a whole number from 0 on")
        for name in ("lr", "eps"):
            self._require(name, 0 < getattr(self, name) < math.inf, "a positive number")
        for name in ("weight_decay", "clip", "final_lr"):
            self._require(name, 0 <= getattr(self, name) < math.inf, "0 or a positive number")
        for name in ("beta1", "beta2", "dropout", "embedding_dropout", "weight_dropout", "average"):
            self._require(name, 0 <= getattr(self, name) < 1, "a number from 0 to below 1")
        finite = self.forget_bias is None or math.isfinite(self.forget_bias)
        self._require("forget_bias", finite, "a finite number, or none")
        self._require("schedule", self.schedule in ("linear", "cosine", "constant"), "linear, cosine or constant")
        self._require("shift", isinstance(self.shift, bool), "true or false")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise ValueError(f"{name.replace('_', '-')}={getattr(self, name)!r}, expected {expected}")

    def rate_factor(self, step: int, steps: int | None) -> float:
        """Return the factor of `lr` for step number `step`, counted from 0, of `steps` (None: not known yet).

        Examples
        --------
        >>> recipe = Recipe(warmup=50)
        >>> [recipe.rate_factor(step, 150) for step in (0, 49, 50, 100)]
        [0.02, 1.0, 1.0, 0.5]
        """
        if step < self.warmup:
            return (step + 1) / self.warmup
        flat = max(self.warmup, TIMED_STEPS)
        if steps is None or step < flat or self.schedule == "constant":
            return 1.0
        left = max(0.0, 1 - (step - flat) / max(1, steps - flat))
        if self.schedule == "cosine":
            left = 0.5 * (1 - math.cos(math.pi * left))
        return self.final_lr + (1 - self.final_lr) * left

    def check_memory(self, vocabulary: int) -> None:
        """Raise `ValueError` when this machine's memory is too small to train and validate a model of these sizes."""
        gates = 4 * self.hidden
        recurrent = gates * (self.embedding + self.hidden + 2) + (self.layers - 1) * gates * (2 * self.hidden + 2)
        parameters = recurrent + vocabulary * (self.embedding + self.hidden + 1)
        training = self.bptt * self.batch_size * (self.layers * 8 * self.hidden + 3 * vocabulary + self.embedding)
        validation = STREAMS * WINDOW_LENGTH * (8 * self.hidden + self.embedding) + 3 * max(
            LOGITS_BYTES // 4, vocabulary
        )
        # weights, gradients, two moments, a copy; float32
        needed = 4 * (5 * parameters + max(training, validation))
        try:
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError, OSError):
            return  # Windows: NumPy will say so
        if needed > memory:
            raise ValueError(
                f"a model of {parameters:,} parameters in batches of {self.batch_size} x {self.bptt} characters needs "
                f"about {needed / 1e9:,.0f} GB of memory, and this machine has {memory / 1e9:,.0f}: use smaller sizes"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Recipe":
        """Return the recipe that `to_json` described; raises `ValueError` when it is something else."""
        try:
            return cls(**content)
        except TypeError as error:
            raise ValueError(f"this is not a recipe: {error}") from None


def _is_whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least

"""Showing how far a run has come: a bar on a terminal and in a notebook, lines of text anywhere else."""

import math
import sys
import time
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

from .callbacks import Callback

if TYPE_CHECKING:
    from .loop import Run

__all__ = ["Progress", "clock", "describe_loss", "in_notebook", "printable"]


class Progress(Callback):
    """Show loss, speed and time left while a run goes on, and its validation losses.

    Parameters
    ----------
    unit : str
        What a target is, in the plural: "characters" for a language model over characters.
    bits : bool
        Whether to give the loss in bits per `unit`, too (for a cross-entropy in nats).
    every_seconds : float
        Time between lines, where there is no bar.
    style : "bar" or "lines", optional
        Default: a bar when `file` is a terminal, or in a notebook.
    file : text stream, optional
        Default: `sys.stdout`.
    """

    def __init__(
        self,
        unit: str = "items",
        bits: bool = False,
        every_seconds: float = 10.0,
        style: str | None = None,
        file: TextIO | None = None,
    ):
        if style not in (None, "bar", "lines"):
            raise ValueError(f"Progress: style={style!r}, expected 'bar' or 'lines'")
        self.unit, self.bits, self.every_seconds, self.style, self.file = unit, bits, every_seconds, style, file
        self._bar: Any = None
        self._loss = self._items_per_second = self._seconds_per_step = math.nan
        self._began = self._shown_at = 0.0
        self._steps = self._items = 0

    def on_train_begin(self, run: "Run") -> None:
        """Open the bar."""
        self._file = self.file or sys.stdout
        notebook = in_notebook()
        if self.style == "bar" or (self.style is None and (notebook or self._file.isatty())):
            if notebook:
                from tqdm.auto import tqdm
            else:
                from tqdm import tqdm
            self._bar = tqdm(
                total=run.steps,
                initial=run.step,
                file=self._file,
                dynamic_ncols=True,
                leave=False,
                bar_format="{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}",
            )
        self._shown_at = time.monotonic()

    def on_step_begin(self, run: "Run") -> None:
        """Start the clock of a step."""
        self._began, self._items = time.monotonic(), run.items

    def on_step_end(self, run: "Run") -> None:
        """Take a step into the averages; show them now and then."""
        now = time.monotonic()
        self._loss = _smooth(self._loss, run.loss)
        self._steps += 1
        if self._steps <= 3:  # the first steps load kernels: what they took says nothing about the others
            self._seconds_per_step = math.nan
        self._seconds_per_step = _smooth(self._seconds_per_step, max(1e-9, now - self._began))
        self._items_per_second = (run.items - self._items) / self._seconds_per_step
        if self._bar is not None:
            if now - self._shown_at >= 0.2:
                self._shown_at = now
                self._bar.total = run.steps
                self._bar.set_postfix_str(self._line(run), refresh=False)
                self._bar.n = run.step
                self._bar.refresh()
        elif now - self._shown_at >= self.every_seconds:
            self._shown_at = now
            self._print(f"step {_of(run.step, run.steps)}: {self._line(run)}")

    def _line(self, run: "Run") -> str:
        parts = [
            f"loss {describe_loss(self._loss, self.unit, self.bits)}",
            f"{self._items_per_second:,.0f} {self.unit}/s",
        ]
        if run.steps is not None:
            parts.append(f"{clock((run.steps - run.step) * self._seconds_per_step)} left")
        return ", ".join(parts)

    def on_validation_end(self, run: "Run") -> None:
        """Show the validation loss."""
        loss = describe_loss(math.nan if run.validation is None else run.validation, self.unit, self.bits)
        self._print(f"step {_of(run.step, run.steps)}, epoch {run.epoch}: validation loss {loss}")

    def on_report(self, run: "Run", line: str) -> None:
        """Show a line above the bar."""
        self._print(line)

    def _print(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(printable(line), file=self._file)
        else:
            print(line, file=self._file, flush=True)

    def on_close(self, run: "Run") -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def describe_loss(loss: float, unit: str = "items", bits: bool = False) -> str:
    """Write a loss for people; `bits` adds it in bits per unit, for a cross-entropy in nats.

    Examples
    --------
    >>> describe_loss(1.4697, "characters", bits=True)
    '1.4697 (2.120 bits per character)'
    """
    return f"{loss:.4f} ({loss / math.log(2):.3f} bits per {unit.removesuffix('s')})" if bits else f"{loss:.4f}"


def clock(seconds: float) -> str:
    """Write a time for people.

    Examples
    --------
    >>> clock(75.2), clock(3700)
    ('1:15', '1:01:40')
    """
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def printable(text: str) -> str:
    """Replace what would steer a terminal instead of showing (control and format characters) by its escape.

    Examples
    --------
    >>> print(printable("bell" + chr(7) + " and " + chr(27) + "[31m red"))
    bell\\x07 and \\x1b[31m red
    """

    def shown(character: str) -> str:
        if character in "\n\t" or character.isprintable() or unicodedata.category(character) == "Zs":
            return character
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")

    return text if text.isascii() and text.isprintable() else "".join(map(shown, text))


def _of(step: int, steps: int | None) -> str:
    return f"{step:,}" if steps is None else f"{step:,} of {steps:,}"


def _smooth(average: float, value: float, weight: float = 0.05) -> float:
    return value if math.isnan(average) else average + weight * (value - average)


def in_notebook() -> bool:
    """Return whether this runs in a Jupyter kernel (not in IPython on a terminal)."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})

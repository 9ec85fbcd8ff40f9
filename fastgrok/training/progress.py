"""Showing how far a run has come: a bar on a terminal and in a notebook, lines of text anywhere else."""

import contextlib
import math
import os
import sys
import time
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from .callbacks import Callback

if TYPE_CHECKING:
    from .loop import Run

__all__ = ["Progress", "clock", "describe_loss", "in_notebook", "is_terminal", "printable", "silence"]


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
    last : bool
        Whether to show the last validation loss as well; False for a caller that does it in words of its own.

    Attributes
    ----------
    lost : bool
        Whether the output could not be written to any more. Training goes on without it.
    """

    def __init__(
        self,
        unit: str = "items",
        bits: bool = False,
        every_seconds: float = 10.0,
        style: str | None = None,
        file: TextIO | None = None,
        last: bool = True,
    ):
        if style not in (None, "bar", "lines"):
            raise ValueError(f"Progress: style={style!r}, expected 'bar' or 'lines'")
        self.unit, self.bits, self.every_seconds, self.style, self.file = unit, bits, every_seconds, style, file
        self.last, self.lost = last, False
        self._bar: Any = None
        self._loss = self._items_per_second = self._seconds_per_step = math.nan
        self._began = self._shown_at = 0.0
        self._steps = self._items = 0

    @property
    def _file(self) -> TextIO | None:
        return self.file or sys.stdout

    def watched(self) -> bool:
        """Return whether a person is likely to look at this: on a terminal, or in a notebook."""
        return in_notebook() or is_terminal(self._file)

    def on_train_begin(self, run: "Run") -> None:
        """Open the bar."""
        if self.style == "bar" or (self.style is None and self.watched()):
            if in_notebook():
                from tqdm.auto import tqdm
            else:
                from tqdm import tqdm
            with self._surviving():
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
                self._bar.n = run.step
                with self._surviving():
                    self._bar.set_postfix_str(self._line(run))
        elif now - self._shown_at >= self.every_seconds:
            self._shown_at = now
            self.say(f"step {_of(run.step, run.steps)}: {self._line(run)}")

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
        if not self.last and (run.finished or run.stopped):
            return
        loss = describe_loss(math.nan if run.validation is None else run.validation, self.unit, self.bits)
        self.say(f"step {_of(run.step, run.steps)}, epoch {run.epoch}: validation loss {loss}")

    def on_report(self, run: "Run", line: str) -> None:
        """Show a line above the bar."""
        self.say(line)

    def say(self, line: str) -> None:
        """Write a line, above the bar where there is one; control characters do not reach a terminal."""
        line = printable(line) if self.watched() else line
        with self._surviving():
            if self._bar is not None:
                self._bar.write(line, file=self._file)
            elif self._file is not None:
                print(line, file=self._file, flush=True)

    def on_close(self, run: "Run") -> None:
        """Close the bar."""
        if self._bar is not None:
            with self._surviving():
                self._bar.close()
            self._bar = None

    @contextlib.contextmanager
    def _surviving(self) -> Iterator[None]:
        """Training must not end because its output has: the reader of a pipe left, a disk is full."""
        try:
            yield
        except (OSError, ValueError):  # ValueError: the stream was closed
            self.lost = True
            silence(self._file)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether `stream` is a terminal; False for one that is closed, or missing."""
    return stream is not None and not stream.closed and stream.isatty()


def silence(stream: TextIO | None) -> None:
    """Send whatever is written to `stream` from now on nowhere; for a stream that cannot be written to any more."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # not every stream has a descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


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

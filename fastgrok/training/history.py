"""What a run measured, as numbers: for a CSV file, a plot, or your own eyes."""

import csv
import io
import logging
import math
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .callbacks import Callback
from .files import write_atomically
from .progress import printable

if TYPE_CHECKING:
    from .loop import Run

__all__ = ["History", "load_matplotlib"]


class History(Callback):
    """Record a row every few steps, and one at every validation.

    Parameters
    ----------
    path : path, optional
        A CSV file that is written at every validation and at the end.
    every : int
        Steps from one row to the next; the loss of a row is the mean over them.

    Attributes
    ----------
    rows : list of tuples
        One float per name in `COLUMNS`; NaN where there was nothing to measure. `seconds` is time spent training.
    """

    COLUMNS = ("step", "epoch", "seconds", "loss", "learning_rate", "gradient_norm", "validation_loss")

    def __init__(self, path: Any = None, every: int = 10):
        self.path, self.every = None if path is None else Path(path), every
        self.rows: list[tuple[float, ...]] = []
        self._sum, self._count, self._seconds, self._began = 0.0, 0, 0.0, time.monotonic()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> np.ndarray:
        """One column, (rows,) float64."""
        return np.array([row[self.COLUMNS.index(column)] for row in self.rows], dtype=np.float64)

    @property
    def seconds(self) -> float:
        """Time spent in this run, in all processes that worked on it."""
        return self._seconds + time.monotonic() - self._began

    def on_train_begin(self, run: "Run") -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_step_end(self, run: "Run") -> None:
        """Sum up the loss, and record a row when it is time."""
        self._sum, self._count = self._sum + run.loss, self._count + 1
        if run.step % self.every == 0:
            self._record(run)

    def on_validation_end(self, run: "Run") -> None:
        """Record the validation loss, in the row of this step if there is one."""
        validation = math.nan if run.validation is None else run.validation
        if self.rows and self.rows[-1][0] == run.step:
            self.rows[-1] = (*self.rows[-1][:-1], validation)
        else:
            self._record(run, validation)
        self.save()

    def on_train_end(self, run: "Run") -> None:
        """Write the file."""
        self.save()

    def _record(self, run: "Run", validation: float = math.nan) -> None:
        loss = self._sum / self._count if self._count else math.nan
        norm = math.nan if run.gradient_norm is None else run.gradient_norm
        epoch = run.epoch + (run.batch / run.steps_per_epoch if run.steps_per_epoch else 0)
        self.rows.append((run.step, epoch, self.seconds, loss, run.learning_rate, norm, validation))
        self._sum, self._count = 0.0, 0

    def save(self) -> None:
        """Write the CSV file, if there is to be one; an empty field stands for nothing measured."""
        if self.path is not None:
            write_atomically(self.path, self.to_csv().encode())

    def to_csv(self) -> str:
        """Return the rows as CSV."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.COLUMNS)
        for step, epoch, seconds, *rest in self.rows:
            measured = ("" if math.isnan(value) else f"{value:.7g}" for value in rest)
            writer.writerow([int(step), f"{epoch:.4f}", f"{seconds:.2f}", *measured])
        return text.getvalue()

    def plot(self, path: Any, unit: str = "loss", title: str = "") -> None:
        """Draw the loss curves into an image file such as a PNG, and mark the best validation loss.

        Raises `ImportError` where matplotlib is missing.
        """
        Figure, FigureCanvasAgg = load_matplotlib()
        figure = Figure(figsize=(8, 5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot(xlabel="step", ylabel=unit)
        axes.set_title(printable(title), parse_math=False)  # a file's name may hold a $, and stranger things
        steps = self["step"]
        for column, label, style in (("loss", "training", "-"), ("validation_loss", "validation", "o-")):
            values = self[column]
            shown = np.isfinite(values)
            if shown.any():
                axes.plot(steps[shown], values[shown], style, label=label, markersize=4, linewidth=1.2)
        validation = self["validation_loss"]
        if np.isfinite(validation).any():
            best = int(np.nanargmin(validation))
            axes.plot(
                steps[best], validation[best], "*", color="C3", markersize=13,
                label=f"best: {validation[best]:.4f} at step {int(steps[best]):,}",
            )  # fmt: skip
        if axes.lines:
            axes.legend()
        axes.grid(alpha=0.3)
        image = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a title in letters that the font lacks
            figure.savefig(image, format=Path(path).suffix[1:] or "png", dpi=120)
        write_atomically(path, image.getvalue())

    def state_dict(self) -> Any:
        """Return all rows as one array, and the sums of the row that is not full yet."""
        rows = np.array(self.rows, dtype=np.float64).reshape(len(self.rows), len(self.COLUMNS))
        return {"rows": rows, "sum": self._sum, "count": self._count, "seconds": self.seconds}

    def load_state_dict(self, state: Any) -> None:
        """Continue from what `state_dict` returned."""
        self.rows = [tuple(row) for row in state["rows"].detach().numpy().tolist()]
        self._sum, self._count, self._seconds = state["sum"], state["count"], state["seconds"]
        self._began = time.monotonic()


def load_matplotlib() -> tuple[Any, Any]:
    """Return matplotlib's `Figure` and the canvas that needs no display; raises `ImportError` where it is missing.

    The first time takes a second, and on a new machine some more for its list of fonts.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it would like to keep files is no news here
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    return Figure, FigureCanvasAgg

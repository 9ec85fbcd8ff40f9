"""What a run shows: lines where nobody watches, a bar where somebody does, a CSV and a plot afterwards."""

import csv
import io
import sys
import types
import warnings
from typing import ClassVar

import numpy as np
import pytest
from training.small_runs import regression

from fastgrok.training import Callback, History, Progress, fit
from fastgrok.training.progress import describe_loss, printable


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines_where_the_output_is_no_terminal():
    out = io.StringIO()
    progress = Progress(every_seconds=0, file=out)
    fit(*regression(), epochs=1, validate=lambda model: 0.5, callbacks=[progress])
    lines = out.getvalue().splitlines()
    assert len(lines) == 8
    assert lines[0].startswith("step 1 of 7: loss ")
    assert lines[0].endswith("left")
    assert lines[-1] == "step 7 of 7, epoch 1: validation loss 0.5000"
    assert "\r" not in out.getvalue()


def test_a_bar_on_a_terminal():
    out = Terminal()

    class Wait(Callback):
        def on_step_end(self, run):
            progress._shown_at = 0.0

    progress = Progress("characters", bits=True, file=out)
    fit(*regression(), epochs=1, validate=lambda model: 0.5, callbacks=[Wait(), progress])
    assert "\r" in out.getvalue()
    assert "characters/s" in out.getvalue()
    assert "validation loss 0.5000 (0.721 bits per character)" in out.getvalue()
    assert progress._bar is None


def test_control_characters_do_not_reach_the_terminal():
    assert printable("a\x1b[2Jb\x07\u202e\x9b1m\r\n\t é 中\u3000") == "a\\x1b[2Jb\\x07\\u202e\\x9b1m\\r\n\t é 中\u3000"


def test_a_report_is_escaped_on_a_terminal_only():
    class Report(Callback):
        def on_train_begin(self, run):
            run.report("red \x1b[31m")

    for out, expected in ((Terminal(), "red \\x1b[31m"), (io.StringIO(), "red \x1b[31m")):
        fit(*regression(), steps=1, callbacks=[Progress(file=out), Report()])
        assert expected in out.getvalue()


class Dead(io.StringIO):
    """A pipe whose reader has gone after some lines, or a disk that is full."""

    def __init__(self, lines, error, terminal):
        super().__init__()
        self.lines, self.error, self.terminal = lines, error, terminal

    def isatty(self):
        return self.terminal

    def write(self, text):
        self.lines -= 1
        if self.lines < 0:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), OSError(28, "full"), ValueError("closed file")])
@pytest.mark.parametrize("lines", [0, 1, 5])
def test_training_goes_on_when_its_output_dies(error, terminal, lines):
    progress = Progress(every_seconds=0, file=Dead(lines, error, terminal))

    class Report(Callback):
        def on_step_end(self, run):
            progress._shown_at = 0.0
            run.report("a line")

    run = fit(*regression(), steps=10, validate=lambda model: 0.5, callbacks=[progress, Report()])
    assert run.finished
    assert progress.lost


def test_training_goes_on_without_any_output(monkeypatch):
    for stdout in (None, io.StringIO()):
        if stdout:
            stdout.close()
        monkeypatch.setattr(sys, "stdout", stdout)
        assert fit(*regression(), steps=3).finished


def test_the_last_validation_may_be_left_to_the_caller():
    for last, expected in ((True, 2), (False, 1)):
        out = io.StringIO()
        fit(*regression(), epochs=2, validate=lambda model: 0.5, callbacks=[Progress(file=out, last=last)])
        assert out.getvalue().count("validation loss") == expected


def test_bits_are_nats_over_log_two():
    assert describe_loss(np.log(2) * 3, "words", bits=True) == "2.0794 (3.000 bits per word)"


def test_the_history_is_a_csv(tmp_path):
    path = tmp_path / "history.csv"
    run = fit(*regression(), epochs=2, validate=lambda model: 0.25, clip_norm=5.0, callbacks=[History(path, every=5)])
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["5", "7", "10", "14"]
    assert [row["validation_loss"] for row in rows] == ["", "0.25", "", "0.25"]
    assert float(rows[0]["loss"]) == pytest.approx(run.history["loss"][0], rel=1e-6)
    assert rows[-1]["epoch"] == "2.0000"


def test_the_loss_of_a_row_is_the_mean_since_the_row_before():
    losses = []

    class Record(Callback):
        def on_step_end(self, run):
            losses.append(run.loss)

    run = fit(*regression(), steps=6, callbacks=[Record(), History(every=3)])
    assert run.history["loss"] == pytest.approx([np.mean(losses[:3]), np.mean(losses[3:])])


def test_a_plot_is_drawn(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figures, losses = [], iter([3.0, 1.5, 2.0])
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **options: figures.append(self))
    run = fit(*regression(), epochs=3, validate=lambda model: next(losses), callbacks=[History(every=2)])
    run.history.plot(tmp_path / "loss.png", title="$2 and more")
    (axes,) = figures[0].axes
    assert axes.get_title() == "$2 and more"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "training",
        "validation",
        "best: 1.5000 at step 14",
    ]
    monkeypatch.undo()
    run.history.plot(tmp_path / "loss.png", title="$2 and more")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_a_notebook_gets_a_bar_although_its_output_is_no_terminal(monkeypatch):
    """A kernel is recognised by its configuration; without ipywidgets the bar is made of text."""

    class Shell:
        config: ClassVar = {"IPKernelApp": {}}

    notebook = types.ModuleType("IPython")
    notebook.get_ipython = Shell
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    progress, bars = Progress(file=io.StringIO()), []

    class Look(Callback):
        def on_step_end(self, run):
            bars.append(progress._bar is not None)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm says that ipywidgets are missing
        fit(*regression(), steps=2, callbacks=[progress, Look()])
    assert bars == [True, True]

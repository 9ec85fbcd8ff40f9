"""`fastgrok shakespeare` and `fastgrok train FILE`."""

import argparse
import dataclasses
import math
import shlex
import sys
from pathlib import Path
from typing import Any

import fastgrok
from fastgrok.data import DatasetError, python_documentation, read_text, tiny_shakespeare
from fastgrok.training import checkpoint
from fastgrok.training.budget import Budget, process_started
from fastgrok.training.job import Trained, read_settings, train_language_model
from fastgrok.training.progress import Progress, printable
from fastgrok.training.recipe import Recipe

from .sample import show

__all__ = ["train"]

SHAKESPEARE = "tiny Shakespeare"
DOCUMENTATION = "Python's documentation"
_SIGNALS = {"SIGINT": 130, "SIGTERM": 143}


def train(options: argparse.Namespace) -> int:
    """Train a model as the options say, save it, and show what it writes."""
    started = process_started()
    given = {f.name: getattr(options, f.name) for f in dataclasses.fields(Recipe) if hasattr(options, f.name)}
    stored: tuple[Recipe, dict[str, Any], dict[str, Any]] | None = None
    if options.resume:
        if options.out is None:
            raise ValueError("--resume continues the run in a folder: name it with --out DIR")
        stored = read_settings(options.out)
    recipe = dataclasses.replace(stored[0] if stored else Recipe(), **given)
    text, source = _text(options, stored[2]["source"] if stored else None)
    out = _folder(options)
    if options.threads:
        fastgrok.set_num_threads(options.threads)
    trained = train_language_model(
        text,
        recipe,
        seconds=options.seconds,
        epochs=options.epochs,
        steps=options.steps,
        out=out,
        resume=options.resume,
        source=source,
        started=started,
        save_every=options.save_every,
        progress=Progress("characters", bits=True),
    )
    run = trained.run
    if run.interrupted and not run.finished:
        _say(f"saved in {out}; to go on: {_resume_command(options, out)}")
        return _SIGNALS[run.stopped or "SIGINT"]
    if run.stopped == Budget.LATE:
        slower = "the machine became slower than when its steps were timed; " if run.steps else ""
        _say(f"{slower}to go on: {_resume_command(options, out)}")
    _finish(trained, out, source)
    return 0


def _text(options: argparse.Namespace, stored_source: str | None) -> tuple[str, str]:
    """The text to train on, and what to call it."""
    if options.command == "train":
        path = options.file or stored_source
        if path is None:
            raise ValueError("fastgrok train: expected FILE, the text to train on")
        return read_text(path), str(path)
    if stored_source not in (None, SHAKESPEARE, DOCUMENTATION):
        raise ValueError(f"the run in {options.out} was started on {stored_source}: continue it with fastgrok train")
    if stored_source == DOCUMENTATION:
        return python_documentation(), DOCUMENTATION
    try:
        return tiny_shakespeare(), SHAKESPEARE
    except DatasetError as error:
        if stored_source:
            raise
        text = python_documentation()
        _say(
            f"{error}: training on the English of Python's own documentation instead; "
            "for a text of your own: fastgrok train FILE"
        )
        return text, DOCUMENTATION


def _folder(options: argparse.Namespace) -> Path:
    """Where to save: never over an earlier run, unless told to."""
    if options.out is not None:
        out = Path(options.out)
        if (out / checkpoint.NAME).exists() and not (options.resume or options.overwrite):
            raise ValueError(
                f"{out} holds a run already: continue it with --resume, name another folder with --out, "
                "or replace it with --overwrite"
            )
        return out
    name = "shakespeare" if options.command == "shakespeare" else f"{Path(options.file).stem}-model"
    out, number = Path(name), 1
    while out.exists():
        number += 1
        out = Path(f"{name}-{number}")
    return out


def _finish(trained: Trained, out: Path, source: str) -> None:
    """Report what was reached, show a sample, and draw the curves; without hurry only where there is none."""
    run, budget = trained.run, trained.budget
    left = budget.time_left if budget else lambda: math.inf
    loss = run.validation if run.validation is not None else math.nan
    _say(
        f"validation loss {loss:.4f} nats per character ({loss / math.log(2):.3f} bits): "
        "the last 10% of the text, all of it, in 64 streams"
    )
    if run.best and run.best[0] < loss:
        _say(f"the best was {run.best[0]:.4f} after step {run.best[1]:,}; that model is in {out / 'best.safetensors'}")
    if left() > 2 * run.validation_seconds:
        nanogpt = "; its README: 1.4697 after 3 minutes on an A100" if source == SHAKESPEARE else ""
        _say(
            f"nanoGPT's estimator {trained.window_loss():.4f} nats per character: random windows of 256 characters, "
            f"each from a zero state{nanogpt}"
        )
    else:
        _say("nanoGPT's estimator of it was left out: no time is left")
    show(trained.sample(length=500, temperature=0.8, seed=trained.recipe.seed).strip())
    files = [checkpoint.NAME, "history.csv"]
    try:
        if left() > 1.5:  # loading matplotlib takes about a second
            run.history.plot(out / "loss.png", "nats per character")
            files.append("loss.png")
        else:
            _say("no plot of the loss: no time is left")
    except ImportError:
        _say("no plot of the loss: that takes matplotlib, pip install 'fastgrok[plot]'")
    _say(f"saved in {out}: {', '.join(files)}; for more text: {shlex.join(['fastgrok', 'sample', str(out)])}")


def _resume_command(options: argparse.Namespace, out: Path) -> str:
    command = [
        "fastgrok",
        options.command,
        *([str(options.file)] if options.file else []),
        "--out",
        str(out),
        "--resume",
    ]
    return shlex.join(command)


def _say(line: str) -> None:
    print(printable(line) if sys.stdout.isatty() else line, flush=True)

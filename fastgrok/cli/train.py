"""`fastgrok shakespeare` and `fastgrok train FILE`."""

import argparse
import dataclasses
import math
import shlex
from pathlib import Path
from typing import Any

import fastgrok
from fastgrok.data import DatasetError, python_documentation, read_text, tiny_shakespeare
from fastgrok.ops.warmup import LANGUAGE_MODEL, start
from fastgrok.training.budget import Budget, process_started
from fastgrok.training.files import new_folder
from fastgrok.training.job import LEAVING, RUN_FILES, SAMPLE, Trained, check_text, read_settings, train_language_model
from fastgrok.training.progress import Progress
from fastgrok.training.recipe import Recipe

from .parser import SAVE_EVERY

__all__ = ["train"]

SHAKESPEARE = "tiny Shakespeare"
DOCUMENTATION = "Python's documentation"
_STATUS = {"SIGHUP": 129, "SIGINT": 130, "SIGTERM": 143}


def train(options: argparse.Namespace) -> int:
    """Train a model as the options say, save it, and show what it writes."""
    started = process_started()
    if options.threads:
        fastgrok.set_num_threads(options.threads)
    _compile_on_two_cores()  # at once: it takes longer than all that comes before the first step
    progress = Progress("characters", bits=True, last=False)
    given = {f.name: getattr(options, f.name) for f in dataclasses.fields(Recipe) if hasattr(options, f.name)}
    stored: tuple[Recipe, dict[str, Any], dict[str, Any]] | None = None
    if options.resume:
        if options.out is None:
            raise ValueError("--resume continues the run in a folder: name it with --out DIR")
        stored = read_settings(options.out)
    recipe = dataclasses.replace(stored[0] if stored else Recipe(), **given)
    text, source = _text(options, stored[2]["source"] if stored else None, progress)
    check_text(text, recipe)  # before a folder is made
    out = Path(options.out) if options.out is not None else new_folder(_name(options))
    try:
        trained = train_language_model(
            text,
            recipe,
            seconds=options.seconds,
            epochs=options.epochs,
            steps=options.steps,
            out=out,
            resume=options.resume,
            overwrite=options.overwrite,
            source=source,
            started=started,
            save_every=options.save_every,
            progress=progress,
        )
    except KeyboardInterrupt as interruption:
        if not str(interruption):  # nothing is saved yet
            raise
        raise KeyboardInterrupt(f"{interruption}; to go on: {_resume_command(options, out)}") from interruption
    run = trained.run
    if run.interrupted and not run.finished:
        progress.say(f"saved in {out}; to go on: {_resume_command(options, out)}")
        return _STATUS[run.stopped or "SIGINT"]
    if run.stopped == Budget.LATE:
        slower = "the machine became slower than when its steps were timed; " if run.steps else "no step was timed; "
        progress.say(f"{slower}to go on: {_resume_command(options, out)}")
    _finish(trained, out, source, progress)
    return 1 if progress.lost else 0


def _compile_on_two_cores() -> None:
    """In the first run on a machine, let a second process compile kernels too, from the last to the first."""
    from fastgrok_kernels import jit

    if not jit.is_kept("lstm"):
        start(LANGUAGE_MODEL, typical=True)


def _text(options: argparse.Namespace, stored_source: str | None, progress: Progress) -> tuple[str, str]:
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
        progress.say(
            f"{error}: training on the English of Python's own documentation instead; "
            "for a text of your own: fastgrok train FILE"
        )
        return text, DOCUMENTATION


def _name(options: argparse.Namespace) -> str:
    """What a new folder is called."""
    return "shakespeare" if options.command == "shakespeare" else f"{Path(options.file).stem}-model"


def _finish(trained: Trained, out: Path, source: str, progress: Progress) -> None:
    """Report what was reached, and show a sample; without hurry only where there is none."""
    run, budget = trained.run, trained.budget
    loss = run.validation if run.validation is not None else math.nan
    progress.say(
        f"validation loss {loss:.4f} nats per character ({loss / math.log(2):.3f} bits): "
        "the last 10% of the text, all of it, in 64 streams"
    )
    if run.best and run.best[0] < loss:
        progress.say(f"the best was {run.best[0]:.4f} after step {run.best[1]:,}; best.safetensors holds that model")
    if budget is None or budget.time_left() > trained.window_loss_seconds + LEAVING:
        nanogpt = "; its README: 1.4697 after 3 minutes on an A100" if source == SHAKESPEARE else ""
        progress.say(
            f"nanoGPT's estimator {trained.window_loss():.4f} nats per character: random windows of 256 characters, "
            f"each from a zero state{nanogpt}"
        )
    else:
        progress.say("nanoGPT's estimator of it was left out: no time is left")
    progress.say(trained.sample(length=SAMPLE, temperature=0.8, seed=trained.recipe.seed).strip())
    files = [name for name in RUN_FILES if not name.endswith(".json") and (out / name).exists()]
    progress.say(f"saved in {out}: {', '.join(files)}; for more text: {shlex.join(['fastgrok', 'sample', str(out)])}")


def _resume_command(options: argparse.Namespace, out: Path) -> str:
    command = ["fastgrok", options.command]
    if options.file:
        command.append(str(options.file))
    command += ["--out", str(out), "--resume"]
    if options.threads:
        command += ["--threads", str(options.threads)]
    if options.save_every != SAVE_EVERY:
        command += ["--save-every", f"{options.save_every:g}"]
    return shlex.join(command)

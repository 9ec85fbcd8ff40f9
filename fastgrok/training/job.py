"""Training a character language model on a text from beginning to end: what `fastgrok train` and a notebook call."""

import contextlib
import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastgrok
from fastgrok import optim
from fastgrok.data.text import CharacterVocabulary, ContiguousBatches, split

from . import checkpoint, language_model
from .budget import YEAR, Budget
from .callbacks import Callback, Checkpoint, Schedule, StopOnDivergence
from .history import History, load_matplotlib
from .language_model import CharacterLanguageModel
from .loop import Run, fit
from .progress import Progress
from .recipe import Recipe

__all__ = ["Trained", "check_text", "read_settings", "train_language_model"]

VALIDATION = 0.1  # the last part of a text is kept for validation
SAMPLE = 500  # characters that a run ends with
RUN_FILES = ("checkpoint.safetensors", "checkpoint.json", "best.safetensors", "best.json", "history.csv", "loss.png")
LEAVING = 0.4  # seconds that a process needs to end
_PLOTTING = 2.0  # and to draw the curves, where that was not measured


@dataclass
class Trained:
    """What `train_language_model` made: the model, ready to be used, and how it came about."""

    model: CharacterLanguageModel
    vocabulary: CharacterVocabulary
    recipe: Recipe
    run: Run
    validation: Any  # ids of the validation text, (N,) int64
    budget: Budget | None
    window_loss_seconds: float  # that `window_loss` will take; 0 where nobody asked for a time

    def sample(self, prompt: str = "", length: int = 500, **options: Any) -> str:
        """Return characters that the model writes after `prompt`; options as of `language_model.sample`."""
        return language_model.sample(self.model, self.vocabulary, prompt, length, **options)

    def window_loss(self) -> float:
        """Return the validation loss as nanoGPT estimates it: over random windows, each from a zero state."""
        return language_model.window_loss(self.model, self.validation, seed=self.recipe.seed)


def train_language_model(
    text: str,
    recipe: Recipe | None = None,
    *,
    seconds: float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    out: Any = None,
    resume: bool = False,
    overwrite: bool = False,
    source: str = "text",
    started: float | None = None,
    save_every: float = 30.0,
    progress: Progress | None = None,
) -> Trained:
    """Train a character LSTM on the first 90% of `text`, validate it on the rest, and save it.

    Parameters
    ----------
    text : str
    recipe : Recipe, optional
        Sizes and settings; default: `Recipe()`, or that of the run to be resumed.
    seconds, epochs, steps
        How long to train: at most one of them. Default: 180 seconds, or what the run to be resumed was given.
    out : path, optional
        A folder for the checkpoints (the last one, and the best weights), the history as CSV and, where matplotlib is
        installed, a plot of it. One run at a time may write to it.
    resume : bool
        Continue the run in `out`. With `epochs` or `steps` the result is bitwise that of a run without a break.
    overwrite : bool
        Replace the run in `out`, from the first checkpoint of this one on; without it, that is an error.
    source : str
        What the checkpoint calls the text.
    started : float, optional
        When `seconds` began to count, as `time.monotonic()`; default: now.
    save_every : float
        Seconds between two checkpoints.
    progress : Progress, optional

    Returns
    -------
    Trained
        `trained.run.stopped` says why it ended early, if it did.

    Raises
    ------
    ValueError
        For settings that make no sense, a text that is too short, settings that contradict the run in `out`, or a run
        in `out` that is neither to be resumed nor overwritten.
    OSError
        When `out` cannot be written to, or another run is writing to it.
    FloatingPointError
        When training diverges; the message names what was saved before.
    """
    started = time.monotonic() if started is None else started
    limit: dict[str, Any] = {
        name: v for name, v in (("seconds", seconds), ("epochs", epochs), ("steps", steps)) if v is not None
    }
    if len(limit) > 1:
        raise ValueError(f"{' and '.join(limit)} are given, expected only one of seconds, epochs and steps")
    if resume and (out is None or overwrite):
        raise ValueError(
            "resume: expected the folder `out` of the run to continue"
            if out is None
            else "resume and overwrite contradict each other: expected only one of them"
        )
    data = {"source": source, "characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    if resume:
        recipe, limit = _settings_to_resume(out, recipe, limit, data)
    recipe, limit = recipe or Recipe(), limit or {"seconds": 180.0}
    check_text(text, recipe)
    if out is not None and not (resume or overwrite):
        _check_no_run(Path(out))

    vocabulary = CharacterVocabulary.from_text(text)
    training, validation = split(vocabulary.encode(text), VALIDATION)
    arguments = {"vocabulary_size": len(vocabulary), **{name: getattr(recipe, name) for name in _ARGUMENTS}}
    saver = None
    if out is not None:
        content = {
            "fastgrok": fastgrok.__version__,
            "model": {"class": CharacterLanguageModel.__name__, "arguments": arguments},
            "vocabulary": vocabulary.to_json(),
            "recipe": recipe.to_json(),
            "limit": limit,
            "data": data,
        }
        saver = Checkpoint(out, save_every, content, best=True)
    with saver.lock if saver else contextlib.nullcontext():
        fastgrok.manual_seed(recipe.seed)
        model = CharacterLanguageModel(**arguments)
        if recipe.forget_bias is not None:
            model.set_forget_bias(recipe.forget_bias)
        parameters = sum(p.numel() for p in model.parameters())
        title = f"{source}: {len(text):,} characters, {len(vocabulary)} distinct; a model of {parameters:,} parameters"
        progress = progress or Progress("characters", bits=True)
        narrator = _Narrator(
            title if out is None else f"{title}; saving to {out}", vocabulary, recipe.seed, progress.watched
        )
        callbacks: list[Callback] = [StopOnDivergence(math.log(len(vocabulary)))]
        callbacks += [Schedule(recipe.rate_factor), progress, narrator]
        budget, rehearsal, plot = None, None, None
        if "seconds" in limit:
            budget = Budget(limit["seconds"], started, recipe.warmup)
            rehearsal = _Rehearsal(vocabulary, validation, budget)
            callbacks.append(rehearsal)
        if saver:
            plot = _Plot(saver.folder / "loss.png", f"{Path(source).name}, {parameters:,} parameters", budget)
            replace = [_Replace(saver.folder)] if overwrite else []
            callbacks += [*replace, History(saver.folder / "history.csv"), saver, plot]
        if budget and rehearsal:
            budget.reserve = lambda: (
                rehearsal.seconds
                + (plot.seconds if plot else 0.0)
                + (2 * saver.seconds if saver else 0.0)  # the checkpoint, and the best weights
                + LEAVING
            )
        try:
            run = fit(
                model,
                language_model.cross_entropy,
                _optimizer(model, recipe),
                ContiguousBatches(training, recipe.batch_size, recipe.bptt, recipe.seed if recipe.shift else None),
                epochs=limit.get("epochs"),
                steps=limit.get("steps"),
                seconds=budget,
                validate=lambda model: language_model.validation_loss(model, validation),
                callbacks=callbacks,
                carry_state=True,
                clip_norm=recipe.clip or None,
                average=recipe.average or None,
                resume=out if resume else None,
            )
        except FloatingPointError as error:
            lower = min(recipe.lr / 10, Recipe.lr)
            raise FloatingPointError(f"{error}, such as --lr {lower:.3g}{_saved(saver, True)}") from error
        except KeyboardInterrupt as error:
            if saver is None or saver.saved_step is None:
                raise
            raise KeyboardInterrupt(f"interrupted at once{_saved(saver, False)}") from error
    if run.average and not run.interrupted:
        model.load_state_dict(run.average.module.state_dict())
    model.eval()
    return Trained(model, vocabulary, recipe, run, validation, budget, rehearsal.window_seconds if rehearsal else 0.0)


# Arguments of the model, from the recipe.
_ARGUMENTS = ("hidden", "layers", "embedding", "dropout", "embedding_dropout", "weight_dropout")


def check_text(text: str, recipe: Recipe) -> None:
    """Raise `ValueError` when `text` is too short to train on, or the model too large for this machine."""
    recipe.check_memory(len(set(text)))
    learning = int(len(text) * (1 - VALIDATION))
    needed = recipe.batch_size * recipe.bptt + 1
    if learning < needed or len(text) - learning < 2:
        raise ValueError(
            f"the text is too short: {len(text):,} characters, of which the first {1 - VALIDATION:.0%}, {learning:,}, "
            f"are to learn from and the rest for validation; a batch of {recipe.batch_size} streams of {recipe.bptt} "
            f"characters needs {needed:,} to learn from: use a longer text, a smaller batch or a shorter window"
        )


def _check_no_run(folder: Path) -> None:
    """Raise `ValueError` when anything that a run writes is in `folder`."""
    for name in RUN_FILES:
        if (folder / name).exists():
            raise ValueError(
                f"{folder} holds a run already ({name}): continue it with --resume, replace it with --overwrite (in "
                "Python: resume=True, overwrite=True), or name another folder"
            )


def _saved(saver: Checkpoint | None, best: bool) -> str:
    """What is on disk after an error, for the end of a sentence: the best weights or the last checkpoint."""
    if saver and best and saver.saved_best:
        loss, step = saver.saved_best
        return f"; the best weights so far, of step {step:,} (validation loss {loss:.4f}), are in {saver.best_path}"
    if saver and saver.saved_step is not None:
        return f"; the checkpoint in {saver.folder} is of step {saver.saved_step:,}"
    return "; nothing was saved"


def read_settings(out: Any) -> tuple[Recipe, dict[str, Any], dict[str, Any]]:
    """Return `(recipe, limit, data)` of the run in the folder `out`.

    Raises `fastgrok.training.checkpoint.CheckpointError` when there is none that could be continued.
    """
    tensors, content = checkpoint.load_run(out)
    try:
        _, arguments, _ = language_model.check(tensors, content)
        recipe, limit, data = Recipe.from_json(content["recipe"]), content["limit"], content["data"]
        for name in _ARGUMENTS:
            if getattr(recipe, name) != arguments[name]:
                raise ValueError(f"the recipe has {name}={getattr(recipe, name)}, the model {arguments[name]}")
        ((name, length),) = limit.items()
        if not (name == "seconds" and type(length) in (int, float) and 0 < length <= YEAR) and not (
            name in ("epochs", "steps") and type(length) is int and length >= 1
        ):
            raise ValueError(f"the length of the run is {name}={length!r}, expected so many seconds, epochs or steps")
        for name, kind in (("source", str), ("characters", int), ("sha256", str)):
            if type(data[name]) is not kind:
                raise ValueError(f"data: {name}={data[name]!r}, expected {kind.__name__}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise checkpoint.CheckpointError(
            f"{out} holds no run of a language model to continue: {checkpoint.one_line(error)}"
        ) from None
    return recipe, limit, data


def _settings_to_resume(
    out: Any, recipe: Recipe | None, limit: dict[str, Any], data: dict[str, Any]
) -> tuple[Recipe, dict[str, Any]]:
    """The settings of the run in `out`. Raises `ValueError` when what is given now contradicts them."""
    stored, stored_limit, stored_data = read_settings(out)
    known = stored.to_json()
    for name, value in (recipe.to_json() if recipe else {}).items():
        if value != known[name]:
            raise ValueError(
                f"{name}={value} contradicts the run in {out}, which was started with {name}={known[name]}: leave it "
                "out, or start another run in another folder"
            )
    if limit and limit != stored_limit:
        given, was = (
            ", ".join(f"{name}={int(value) if value == int(value) else value}" for name, value in one.items())
            for one in (limit, stored_limit)
        )
        raise ValueError(
            f"{given} contradicts the run in {out}, which was started with {was}: learning rates depend on its length, "
            "so that is fixed; leave it out to make the steps that are left, or start a longer run in another folder"
        )
    if data["sha256"] != stored_data["sha256"]:
        raise ValueError(
            f"the text has changed: the run in {out} was started on {stored_data['source']}, "
            f"{stored_data['characters']:,} characters, and this is another text of {data['characters']:,}"
        )
    return stored, stored_limit


def _optimizer(model: CharacterLanguageModel, recipe: Recipe) -> Any:
    """Adam; with weight decay AdamW, which then acts on matrices only, not on biases."""
    options: dict[str, Any] = {"lr": recipe.lr, "betas": (recipe.beta1, recipe.beta2), "eps": recipe.eps}
    if recipe.weight_decay == 0:
        return optim.Adam(model.parameters(), **options)
    matrices = [p for p in model.parameters() if len(p.shape) > 1]
    biases = [p for p in model.parameters() if len(p.shape) == 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    return optim.AdamW(groups, **options)


class _Narrator(Callback):
    """Say what is trained on what; after a validation show what the model writes by now, where a person is watching."""

    def __init__(
        self,
        title: str,
        vocabulary: CharacterVocabulary,
        seed: int,
        watched: Callable[[], bool],
        every_seconds: float = 15.0,
    ):
        self.title, self.vocabulary, self.seed, self.watched = title, vocabulary, seed, watched
        self.every_seconds, self._shown_at = every_seconds, time.monotonic()

    def on_train_begin(self, run: Run) -> None:
        """Show the title."""
        run.report(self.title if run.step == 0 else f"{self.title}; going on after step {run.step:,}")

    def on_validation_end(self, run: Run) -> None:
        """Show a sample, drawn from a generator of its own."""
        now = time.monotonic()
        if self.watched() and not run.finished and not run.stopped and now - self._shown_at >= self.every_seconds:
            self._shown_at = now
            with run.evaluating() as model:
                text = language_model.sample(model, self.vocabulary, "", 200, 0.8, seed=self.seed + run.step)
            run.report(f"{text.strip()}\n")


class _Rehearsal(Callback):
    """Try out in small what a run for a given time ends with: it loads the kernels, and says how long it will take."""

    WINDOWS, LENGTH = 64, 64

    def __init__(self, vocabulary: CharacterVocabulary, validation: Any, budget: Budget):
        self.vocabulary, self.validation, self.budget = vocabulary, validation, budget
        self.rehearsed = False
        self.window_seconds = self.seconds = 0.0  # of nanoGPT's estimator, and of all after the last validation

    def on_step_end(self, run: Run) -> None:
        """After the first step, which is not timed, evaluate a little and write a little."""
        if self.rehearsed or run.finished or run.stopped:
            return
        self.rehearsed = True
        length = min(self.LENGTH, len(self.validation) - 1)
        with run.evaluating() as model:
            for _ in range(2):  # the first time loads kernels
                began = time.monotonic()
                language_model.window_loss(model, self.validation, self.WINDOWS, length)
                evaluated = time.monotonic()
                language_model.sample(model, self.vocabulary, "", SAMPLE // 20, seed=0)
                written = time.monotonic()
        per_character = (evaluated - began) / (self.WINDOWS * length)
        run.validation_seconds = run.validation_seconds or per_character * len(self.validation)
        window = min(language_model.WINDOW_LENGTH, len(self.validation) - 1)
        self.window_seconds = 1.1 * per_character * language_model.WINDOWS * window
        self.seconds = 20 * (written - evaluated)
        if self.window_seconds < 0.1 * self.budget.seconds:  # in a shorter run, steps are worth more
            self.seconds += self.window_seconds


class _Replace(Callback):
    """Remove what an earlier run left, just before the first checkpoint takes the place of its checkpoint."""

    def __init__(self, folder: Path):
        self.folder = folder

    def on_train_begin(self, run: Run) -> None:
        """Remove all of `RUN_FILES` but the checkpoint: that is replaced, so that there is one at every moment."""
        for name in RUN_FILES:
            if not name.startswith("checkpoint."):
                (self.folder / name).unlink(missing_ok=True)


class _Plot(Callback):
    """Draw the loss curves at the end, however the run ended, unless the time of a `Budget` has run out."""

    def __init__(self, path: Path, title: str, budget: Budget | None):
        self.path, self.title, self.budget = path, title, budget
        self.seconds = 0.0  # that drawing takes, once that was measured

    def on_validation_end(self, run: Run) -> None:
        """In a longer run for a given time, draw once before the first plan is made: how long does it take?"""
        if self.budget and self.budget.steps is None and not self.seconds and self.budget.time_left() > 3 * _PLOTTING:
            with contextlib.suppress(ImportError):
                load_matplotlib()  # which takes longer, but only once
                began = time.monotonic()
                self._draw(run)
                self.seconds = time.monotonic() - began

    def on_train_end(self, run: Run) -> None:
        """Draw the curves, or say why not."""
        if self.budget and not run.interrupted and self.budget.time_left() < (self.seconds or _PLOTTING):
            run.report("no plot of the loss: no time is left")
            return
        try:
            self._draw(run)
        except ImportError:
            run.report("no plot of the loss: that takes matplotlib, pip install 'fastgrok[plot]'")

    def _draw(self, run: Run) -> None:
        run.history.plot(self.path, "nats per character", self.title)

"""Training a character language model on a text from beginning to end: what `fastgrok train` and a notebook call."""

import contextlib
import hashlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastgrok
from fastgrok import optim
from fastgrok.data.text import CharacterVocabulary, ContiguousBatches, split

from . import checkpoint, language_model
from .budget import Budget
from .callbacks import Callback, Checkpoint, Schedule
from .files import check_writable
from .history import History, load_matplotlib
from .language_model import CharacterLanguageModel
from .loop import Run, fit
from .progress import Progress, in_notebook
from .recipe import Recipe

__all__ = ["Trained", "read_settings", "train_language_model"]

VALIDATION = 0.1  # the last part of a text is kept for validation
_RESERVE = 2.0  # seconds for saving, a sample and a plot after the last validation


@dataclass
class Trained:
    """What `train_language_model` made: the model, ready to be used, and how it came about."""

    model: CharacterLanguageModel
    vocabulary: CharacterVocabulary
    recipe: Recipe
    run: Run
    validation: Any  # ids of the validation text, (N,) int64
    budget: Budget | None

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
        A folder for the checkpoint, the history as CSV and, where matplotlib is installed, a plot of it.
    resume : bool
        Continue the run in `out`. With `epochs` or `steps` the result is bitwise that of a run without a break.
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
        For settings that make no sense, a text that is too short, or settings that contradict the run in `out`.
    OSError
        When `out` cannot be written to.
    """
    started = time.monotonic() if started is None else started
    limit: dict[str, Any] = {
        name: v for name, v in (("seconds", seconds), ("epochs", epochs), ("steps", steps)) if v is not None
    }
    if len(limit) > 1:
        raise ValueError(f"{' and '.join(limit)} are given, expected only one of seconds, epochs and steps")
    data = {"source": source, "characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    if resume:
        if out is None:
            raise ValueError("resume: expected the folder `out` of the run to continue")
        recipe, limit = _settings_to_resume(out, recipe, limit, data)
    recipe, limit = recipe or Recipe(), limit or {"seconds": 180.0}
    if out is not None:
        check_writable(out)

    vocabulary = CharacterVocabulary.from_text(text)
    recipe.check_memory(len(vocabulary))
    training, validation = split(vocabulary.encode(text), VALIDATION)
    batches = ContiguousBatches(training, recipe.batch_size, recipe.bptt, recipe.seed if recipe.shift else None)
    fastgrok.manual_seed(recipe.seed)
    model = CharacterLanguageModel(
        len(vocabulary), recipe.hidden, recipe.layers, recipe.embedding, recipe.dropout, recipe.embedding_dropout
    )
    if recipe.forget_bias is not None:
        model.set_forget_bias(recipe.forget_bias)
    progress = progress or Progress("characters", bits=True)
    parameters = sum(p.numel() for p in model.parameters())
    title = f"{source}: {len(text):,} characters, {len(vocabulary)} distinct; a model of {parameters:,} parameters"
    narrator = _Narrator(title if out is None else f"{title}; saving to {out}", vocabulary, recipe.seed)
    callbacks: list[Callback] = [Schedule(recipe.rate_factor), progress, narrator]
    if out is not None:
        content = {
            "fastgrok": fastgrok.__version__,
            "model": {"class": type(model).__name__, "arguments": _model_arguments(model, recipe)},
            "vocabulary": vocabulary.to_json(),
            "recipe": recipe.to_json(),
            "limit": limit,
            "data": data,
        }
        callbacks += [History(Path(out) / "history.csv"), Checkpoint(out, save_every, content, best=True)]
    budget = None
    if "seconds" in limit:
        windows = min(1.0, language_model.WINDOWS * language_model.WINDOW_LENGTH / len(validation))
        budget = Budget(limit["seconds"], started, recipe.warmup, reserve=_RESERVE, validations=1.25 * (1 + windows))
    run = fit(
        model,
        language_model.cross_entropy,
        _optimizer(model, recipe),
        batches,
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
    if run.average and not run.interrupted:
        model.load_state_dict(run.average.module.state_dict())
    model.eval()
    return Trained(model, vocabulary, recipe, run, validation, budget)


def read_settings(out: Any) -> tuple[Recipe, dict[str, Any], dict[str, Any]]:
    """Return `(recipe, limit, data)` of the run in the folder `out`.

    Raises `fastgrok.training.checkpoint.CheckpointError` when there is none.
    """
    _, content = checkpoint.load(out)
    try:
        return Recipe.from_json(content["recipe"]), content["limit"], content["data"]
    except (KeyError, TypeError, ValueError) as error:
        raise checkpoint.CheckpointError(f"{out} holds no run of a language model to continue ({error})") from None


def _settings_to_resume(
    out: Any, recipe: Recipe | None, limit: dict[str, Any], data: dict[str, Any]
) -> tuple[Recipe, dict[str, Any]]:
    """The settings of the run in `out`. Raises `ValueError` when what is given now contradicts them."""
    stored, stored_limit, stored_data = read_settings(out)
    given = {**(recipe.to_json() if recipe else {}), **limit}
    known: dict[str, Any] = {**stored.to_json(), **stored_limit}
    for name, value in given.items():
        if value != known.get(name):
            was = f"{name}={known[name]}" if name in known else ", ".join(f"{k}={v:g}" for k, v in stored_limit.items())
            raise ValueError(
                f"{name}={value} contradicts the run in {out}, which was started with {was}: leave it out, or start "
                "another run in another folder"
            )
    if data["sha256"] != stored_data["sha256"]:
        raise ValueError(
            f"the text has changed: the run in {out} was started on {stored_data['source']}, "
            f"{stored_data['characters']:,} characters, and this is another text of {data['characters']:,}"
        )
    return stored, stored_limit


def _model_arguments(model: CharacterLanguageModel, recipe: Recipe) -> dict[str, Any]:
    names = ("hidden", "layers", "embedding", "dropout", "embedding_dropout")
    return {"vocabulary_size": model.out.out_features, **{name: getattr(recipe, name) for name in names}}


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

    def __init__(self, title: str, vocabulary: CharacterVocabulary, seed: int, every_seconds: float = 15.0):
        self.title, self.vocabulary, self.seed, self.every_seconds = title, vocabulary, seed, every_seconds
        self._shown_at, self._prepared = time.monotonic(), False

    def on_train_begin(self, run: Run) -> None:
        """Show the title, and load the kernels for sampling now, so that the end of the run holds no surprise."""
        run.report(self.title if run.step == 0 else f"{self.title}; going on after step {run.step:,}")
        self._write(run, 1)

    def on_validation_end(self, run: Run) -> None:
        """Show a sample, drawn from a generator of its own."""
        if not self._prepared:  # also in time to be part of what is measured before the number of steps is fixed
            self._prepared = True
            with contextlib.suppress(ImportError):
                load_matplotlib()
        now = time.monotonic()
        watched = in_notebook() or sys.stdout.isatty()
        if watched and not run.finished and not run.stopped and now - self._shown_at >= self.every_seconds:
            self._shown_at = now
            run.report(f"{self._write(run, 200).strip()}\n")

    def _write(self, run: Run, length: int) -> str:
        with run.evaluating() as model:
            return language_model.sample(
                model, self.vocabulary, length=length, temperature=0.8, seed=self.seed + run.step
            )

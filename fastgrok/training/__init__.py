"""Training: the loop `fit`, its callbacks, checkpoints, and the character language model as a whole."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .budget import Budget
    from .callbacks import Callback, Checkpoint, EarlyStopping, Schedule, StopOnDivergence, StopOnNaN
    from .checkpoint import CheckpointError
    from .history import History
    from .job import Trained, train_language_model
    from .language_model import CharacterLanguageModel
    from .loop import Run, evaluate, fit
    from .progress import Progress
    from .recipe import Recipe

__all__ = [
    "Budget",
    "Callback",
    "CharacterLanguageModel",
    "Checkpoint",
    "CheckpointError",
    "EarlyStopping",
    "History",
    "Progress",
    "Recipe",
    "Run",
    "Schedule",
    "StopOnDivergence",
    "StopOnNaN",
    "Trained",
    "evaluate",
    "fit",
    "train_language_model",
]

_MODULES = {
    "budget": ("Budget",),
    "callbacks": ("Callback", "Checkpoint", "EarlyStopping", "Schedule", "StopOnDivergence", "StopOnNaN"),
    "checkpoint": ("CheckpointError",),
    "history": ("History",),
    "job": ("Trained", "train_language_model"),
    "language_model": ("CharacterLanguageModel",),
    "loop": ("Run", "evaluate", "fit"),
    "progress": ("Progress",),
    "recipe": ("Recipe",),
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: the command line needs the recipe before it needs the rest."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f".{module}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The commands and their options."""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from fastgrok.training.budget import YEAR
from fastgrok.training.recipe import Recipe

__all__ = ["SAVE_EVERY", "parse"]

SAVE_EVERY = 30.0  # seconds between two checkpoints

# (option, field of the recipe, kind of value, what it is)
_RECIPE = (
    ("--hidden", "hidden", "count", "units of the LSTM"),
    ("--layers", "layers", "count", "LSTM layers on top of each other"),
    ("--embedding", "embedding", "count", "dimensions of a character's embedding"),
    ("--batch-size", "batch_size", "count", "streams of text that are read side by side"),
    ("--bptt", "bptt", "count", "characters that gradients flow back through"),
    ("--lr", "lr", "positive", "highest learning rate"),
    ("--dropout", "dropout", "probability", "share of the LSTM's outputs that is dropped in training"),
    ("--seed", "seed", "natural", "where all random numbers start from"),
)
_MORE_RECIPE = (
    ("--warmup", "warmup", "natural", "steps in which the learning rate climbs"),
    ("--schedule", "schedule", "schedule", "how the learning rate comes down after that: linear, cosine or constant"),
    ("--weight-decay", "weight_decay", "nonnegative", "weight decay of the matrices, by AdamW; 0: none"),
    (
        "--weight-dropout",
        "weight_dropout",
        "probability",
        "share of the LSTM's recurrent weights that is dropped, anew for each batch; for runs of many epochs",
    ),
    ("--clip", "clip", "nonnegative", "norm that gradients are scaled down to; 0: never"),
    ("--average", "average", "probability", "decay of a running average of the weights; 0: none"),
)


class _Parser(argparse.ArgumentParser):
    """Tells an error in one line."""

    def error(self, message: str) -> NoReturn:
        from fastgrok.training.progress import printable

        print(printable(f"{self.prog}: error: {message}; see {self.prog} --help"), file=sys.stderr)
        sys.exit(2)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; `run` of the result is the function that does the work."""
    parser = _Parser(prog="fastgrok", description="Train a character LSTM on the CPU and read what it writes.")
    parser.add_argument("--version", action="version", version=f"fastgrok {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser("shakespeare", help="train on the works of Shakespeare")
    _training_options(command)
    command.set_defaults(run=_train, file=None, command="shakespeare")

    command = commands.add_parser("train", help="train on a text of your own")
    command.add_argument(
        "file", metavar="FILE", nargs="?", help="text to train on, in UTF-8; with --resume it may be left out"
    )
    _training_options(command)
    command.set_defaults(run=_train, command="train")

    command = commands.add_parser("sample", help="let a trained model write")
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="the folder of a run, or a file in it")
    command.add_argument("--prompt", default="", help="how the text begins")
    command.add_argument("--length", type=_kinds["natural"], default=1000, help="how many characters to write (1000)")
    command.add_argument(
        "--temperature",
        type=_kinds["nonnegative"],
        default=0.8,
        help="how daring the choice is: below 1 more careful, 0 always the likeliest (0.8)",
    )
    command.add_argument("--top-k", type=_kinds["count"], help="choose among the TOP_K likeliest characters only (all)")
    command.add_argument(
        "--top-p",
        type=_kinds["share"],
        help="choose among the likeliest characters that make up this probability only (all)",
    )
    command.add_argument("--seed", type=_kinds["natural"], help="write the same text again (another one each time)")
    command.add_argument("--threads", type=_kinds["count"], help="how many threads to use (all cores)")
    command.set_defaults(run=_sample)

    command = commands.add_parser("info", help="show versions, CPU, threads and folders")
    command.set_defaults(run=_info)
    command = commands.add_parser("warmup", help="compile all kernels now")
    command.set_defaults(run=_warmup)
    return parser.parse_args(arguments)


def _training_options(command: argparse.ArgumentParser) -> None:
    length = command.add_argument_group("how long to train (one of them)").add_mutually_exclusive_group()
    length.add_argument("--seconds", type=_kinds["seconds"], help="time from start to end of this command (180)")
    length.add_argument("--epochs", type=_kinds["length"], help="passes over the text")
    length.add_argument("--steps", type=_kinds["length"], help="batches to learn from")
    recipe = Recipe()
    for title, options in (("model and training", _RECIPE), ("more of training", _MORE_RECIPE)):
        group = command.add_argument_group(title)
        for option, field, kind, text in options:
            default = f"{text} ({getattr(recipe, field)})"
            group.add_argument(option, dest=field, type=_kinds[kind], default=argparse.SUPPRESS, help=default)
    group = command.add_argument_group("running and saving")
    group.add_argument(
        "--threads", type=_kinds["count"], help="how many threads to use; the result is the same (all cores)"
    )
    group.add_argument(
        "--out", metavar="DIR", type=_kinds["folder"], help="folder for checkpoints, history and plot (a new one)"
    )
    group.add_argument(
        "--save-every",
        metavar="SECONDS",
        type=_kinds["nonnegative"],
        default=SAVE_EVERY,
        help=f"time from one checkpoint to the next ({SAVE_EVERY:g})",
    )
    earlier = group.add_mutually_exclusive_group()
    earlier.add_argument("--resume", action="store_true", help="continue the run in --out, with its options")
    earlier.add_argument("--overwrite", action="store_true", help="start anew although --out holds a run")


def _kind(convert: Callable[[str], Any], holds: Callable[[Any], bool], expected: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not holds(value):
            raise argparse.ArgumentTypeError(f"{text!r}, expected {expected}")
        return value

    return read


_kinds = {
    "length": _kind(int, lambda v: 1 <= v <= 10**12, "a whole number from 1 to 10^12"),
    "seconds": _kind(float, lambda v: 0 < v <= YEAR, f"a number above 0, at most {YEAR} (a year)"),
    "folder": _kind(str, lambda v: v != "", "the name of a folder"),
    "count": _kind(int, lambda v: v >= 1, "a whole number from 1 on"),
    "natural": _kind(int, lambda v: v >= 0, "a whole number from 0 on"),
    "positive": _kind(float, lambda v: 0 < v < math.inf, "a positive number"),
    "nonnegative": _kind(float, lambda v: 0 <= v < math.inf, "0 or a positive number"),
    "probability": _kind(float, lambda v: 0 <= v < 1, "a number from 0 to below 1"),
    "share": _kind(float, lambda v: 0 < v <= 1, "a number above 0, at most 1"),
    "schedule": _kind(str, lambda v: v in ("linear", "cosine", "constant"), "linear, cosine or constant"),
}


def _version() -> str:
    import fastgrok

    return fastgrok.__version__


# Each command loads what it needs only when it runs.


def _train(options: argparse.Namespace) -> int:
    from .train import train

    return train(options)


def _sample(options: argparse.Namespace) -> int:
    from .sample import sample

    return sample(options)


def _info(options: argparse.Namespace) -> int:
    from .info import info

    return info()


def _warmup(options: argparse.Namespace) -> int:
    from .warmup import warmup

    return warmup()

"""`fastgrok sample CHECKPOINT`."""

import argparse
import sys

__all__ = ["sample", "show"]


def sample(options: argparse.Namespace) -> int:
    """Print the prompt and what a trained model writes after it."""
    import fastgrok
    from fastgrok.training import language_model

    if options.threads:
        fastgrok.set_num_threads(options.threads)
    model, vocabulary, _ = language_model.load(options.checkpoint)
    text = language_model.sample(
        model,
        vocabulary,
        options.prompt,
        options.length,
        options.temperature,
        options.top_k,
        options.top_p,
        options.seed,
    )
    show(options.prompt + text)
    return 0


def show(text: str) -> None:
    """Print a model's text: as it is into a file or pipe, with control characters escaped on a terminal."""
    from fastgrok.training.progress import printable

    print(printable(text) if sys.stdout.isatty() else text, flush=True)

"""`fastgrok sample CHECKPOINT`."""

import argparse
import sys

__all__ = ["sample"]


def sample(options: argparse.Namespace) -> int:
    """Print the prompt and what a trained model writes after it."""
    import fastgrok
    from fastgrok.training import language_model
    from fastgrok.training.progress import is_terminal, printable

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
    text = options.prompt + text  # as it is into a file or pipe, with control characters escaped on a terminal
    print(printable(text) if is_terminal(sys.stdout) else text)
    return 0

"""`fastgrok warmup`."""

import io
import time

__all__ = ["warmup"]


def warmup() -> int:
    """Compile all kernels that training and sampling a language model use, by doing a little of both."""
    from fastgrok.training import language_model
    from fastgrok.training.job import train_language_model
    from fastgrok.training.progress import Progress
    from fastgrok.training.recipe import Recipe

    began = time.monotonic()
    text = "".join(chr(97 + i * i % 61 % 26) for i in range(6000))
    # Kernels are compiled for one thread and for several, and which of the two is used depends on the sizes.
    for recipe in (
        Recipe(hidden=16, embedding=8, batch_size=2, bptt=4, layers=2, dropout=0.1, embedding_dropout=0.1),
        Recipe(hidden=16, embedding=8, batch_size=2, bptt=4, weight_decay=0.1),
        Recipe(hidden=32, embedding=64, batch_size=32, bptt=64, embedding_dropout=0.1),
        Recipe(hidden=128, embedding=64, batch_size=32, bptt=64),
        Recipe(hidden=512, embedding=64, batch_size=32, bptt=64, layers=2, dropout=0.1),
        Recipe(hidden=512, embedding=64, batch_size=32, bptt=64, weight_decay=0.1),
    ):
        silent = Progress(style="lines", file=io.StringIO())
        trained = train_language_model(text, recipe, steps=2, progress=silent)
        language_model.window_loss(trained.model, trained.validation, windows=64)
        trained.sample(length=4)
    print(f"the kernels of the language model are ready ({time.monotonic() - began:.1f} s)")
    return 0

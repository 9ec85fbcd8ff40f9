"""The command line: `fastgrok shakespeare | train | sample | info | warmup`."""

import contextlib
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; what goes wrong is told in one line on stderr.

    0: done. 1: an error, or an output that could not be written. 2: options that make no sense. 129, 130, 143: stopped
    by SIGHUP, Ctrl-C or SIGTERM. Set FASTGROK_TRACEBACK=1 to see where in the program an error came up.
    """
    try:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:  # it was closed, as in `fastgrok info >&-`
                setattr(sys, name, open(os.devnull, "w"))
            elif hasattr(stream, "reconfigure"):  # a terminal that cannot show a character shows its code instead
                stream.reconfigure(errors="backslashreplace")
        from .parser import parse

        options = parse(arguments)
        status = options.run(options)
    except KeyboardInterrupt as interruption:
        status = _complain(str(interruption) or "interrupted", 130)
    except BrokenPipeError:  # whoever read our output has gone, as in `fastgrok sample ... | head`
        status = 1
    except Exception as error:
        if os.environ.get("FASTGROK_TRACEBACK", "0") not in ("", "0"):
            raise
        status = _complain(_sentence(error), 1)
    return status if _flush() else status or 1


def _flush() -> bool:
    """Write what is left in the output; where that fails, see to it that Python does not try again when it ends."""
    try:
        sys.stdout.flush()
        return True
    except (OSError, ValueError):
        from fastgrok.training.progress import silence

        silence(sys.stdout)
        return False


def _sentence(error: Exception) -> str:
    """One line for an error; what was not foreseen also names its type."""
    text = " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())
    if isinstance(error, MemoryError):
        return f"error: not enough memory ({text or 'out of memory'}): use smaller sizes"
    if isinstance(error, OSError | ValueError | ArithmeticError):
        return f"error: {text}"
    return f"error: {type(error).__name__}: {text} (FASTGROK_TRACEBACK=1 shows where)"


def _complain(sentence: str, status: int) -> int:
    if not (sentence.isascii() and sentence.isprintable()):
        from fastgrok.training.progress import printable  # only then: it takes a moment to load

        sentence = printable(sentence)
    with contextlib.suppress(OSError):
        print(f"fastgrok: {sentence}", file=sys.stderr)
    return status

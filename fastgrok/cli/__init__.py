"""The command line: `fastgrok shakespeare | train | sample | info | warmup`."""

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; what goes wrong is told in one line on stderr.

    0: done. 1: an error. 2: options that make no sense. 130, 143: stopped by Ctrl-C or SIGTERM.
    Set FASTGROK_TRACEBACK=1 to see where in the program an error came up.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character shows its code instead
            stream.reconfigure(errors="backslashreplace")
    try:
        from .parser import parse

        options = parse(arguments)
        status = options.run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:  # whoever read our output has gone, as in `fastgrok sample ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get("FASTGROK_TRACEBACK", "0") not in ("", "0"):
            raise
        return _complain(_sentence(error), 1)


def _sentence(error: Exception) -> str:
    """One line for an error; what was not foreseen also names its type."""
    text = " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())
    if isinstance(error, MemoryError):
        return f"error: not enough memory ({text or 'out of memory'}): use smaller sizes"
    if isinstance(error, OSError | ValueError | ArithmeticError):
        return f"error: {text}"
    return f"error: {type(error).__name__}: {text} (FASTGROK_TRACEBACK=1 shows where)"


def _complain(sentence: str, status: int) -> int:
    from fastgrok.training.progress import printable

    print(f"fastgrok: {printable(sentence)}", file=sys.stderr)
    return status

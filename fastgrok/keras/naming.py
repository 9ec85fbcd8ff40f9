"""Names: what a string stands for, and what a layer is called that nobody named."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

__all__ = ["choose", "clear_names", "snake_case", "unique_name"]

_counts: Counter[str] = Counter()


def choose(kind: str, name: Any, known: Mapping[str, Any]) -> Any:
    """Return what `known` has under a name.

    Raises `ValueError` for another one, with the closest names; `TypeError` for what is no name at all.
    """
    if not isinstance(name, str):
        raise TypeError(f"{kind}={name!r} is {type(name).__name__}, expected a name or an object")
    for candidate in (name, name.lower()):
        if candidate in known:
            return known[candidate]
    close = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"unknown {kind} {name!r}: {hint}expected one of {', '.join(sorted(known))}")


def snake_case(name: str) -> str:
    """Return a name of a class in lower case.

    Examples
    --------
    >>> snake_case("MaxPooling2D"), snake_case("LSTM"), snake_case("SimpleRNN")
    ('max_pooling2d', 'lstm', 'simple_rnn')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique_name(prefix: str) -> str:
    """Return `prefix`, and from the second time on with a number: dense, dense_1, dense_2."""
    count = _counts[prefix]
    _counts[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def clear_names() -> None:
    """Begin to count anew."""
    _counts.clear()

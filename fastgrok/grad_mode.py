"""Whether calculations are recorded: `no_grad` and its relatives, which switch the graph of `autograd` off and on."""

import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any, Self

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]


class _Mode(threading.local):
    """Whether calculations are recorded; each thread has its own switch, on at first."""

    enabled = True


_mode = _Mode()


def is_grad_enabled() -> bool:
    """Whether calculations with variables that require a gradient are recorded at this moment."""
    return _mode.enabled


class set_grad_enabled(ContextDecorator):
    """Record calculations or not, from now on or, in a `with` statement or as a decorator, for that stretch of code."""

    def __init__(self, mode: bool):
        self.mode, self.previous = bool(mode), _mode.enabled
        _mode.enabled = self.mode

    def __enter__(self) -> Self:
        _mode.enabled = self.mode
        return self

    def __exit__(self, *exception: object) -> None:
        _mode.enabled = self.previous


class _Switched(ContextDecorator):
    """A stretch of code with recording on or off; also a decorator, with or without parentheses."""

    mode: bool

    def __new__(cls, function: Callable | None = None) -> Any:
        self = super().__new__(cls)
        self.__init__()  # type: ignore[misc]
        return self if function is None else self(function)

    def __init__(self) -> None:
        self.previous: list[bool] = []

    def _recreate_cm(self) -> Self:
        return type(self)()

    def __enter__(self) -> Self:
        self.previous.append(_mode.enabled)
        _mode.enabled = self.mode
        return self

    def __exit__(self, *exception: object) -> None:
        _mode.enabled = self.previous.pop()


class no_grad(_Switched):
    """Calculate without recording: `with no_grad():`, `@no_grad()` or `@no_grad`."""

    mode = False


class enable_grad(_Switched):
    """Record again, inside a stretch of `no_grad`."""

    mode = True


class inference_mode(_Switched):
    """The same as `no_grad`; `inference_mode(False)` the same as `enable_grad`."""

    def __new__(cls, mode: Any = True) -> Any:  # noqa: D102
        return super().__new__(cls, None if isinstance(mode, bool) else mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__()
        self.mode = not mode

    def _recreate_cm(self) -> Self:
        return type(self)(not self.mode)

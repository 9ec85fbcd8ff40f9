"""Ctrl-C ends a run after the current step, instead of somewhere inside it."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["stop_on_signals"]


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Call `stop(name of the signal)` on a first SIGINT or SIGTERM; let a second one interrupt at once.

    Only the main thread can receive signals: elsewhere nothing changes. Handlers are put back afterwards. A signal
    that is ignored (SIGINT in a background job of a shell) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[str] = []

    def handle(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(signal.Signals(number).name)
        stop(received[0])
        with contextlib.suppress(OSError):  # not print: the signal may have come in the middle of one
            os.write(2, b"\nstopping after this step (Ctrl-C again stops at once and saves nothing)\n")

    before = {}
    for name in ("SIGINT", "SIGTERM"):
        number = getattr(signal, name)
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Ctrl-C ends a run after the current step, instead of somewhere inside it; so do the signals that end a process."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["SIGNALS", "stop_on_signals"]

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, kill, a terminal that was closed; Windows has no SIGHUP


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Call `stop(name of the signal)` on the first of `SIGNALS`; let a second one interrupt at once.

    Only the main thread can receive signals: elsewhere nothing changes. Handlers are put back afterwards. A signal
    that is ignored (SIGINT in a background job of a shell, SIGHUP under nohup) stays ignored.
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
            again = "Ctrl-C again" if received[0] == "SIGINT" else "another signal"
            os.write(2, f"\nstopping after this step ({again} stops at once and saves nothing more)\n".encode())

    before = {}
    for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

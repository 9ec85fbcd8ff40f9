"""Ctrl-C in the middle of a run, as a signal to this very process."""

import os
import signal
import sys
import threading

import pytest
from training.small_runs import regression

from fastgrok.training import Callback, Checkpoint, checkpoint, fit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently there")


class Interrupt(Callback):
    def __init__(self, number, times=1):
        self.number, self.times = number, times

    def on_step_begin(self, run):
        if run.step == 3:
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(
    ("name", "again"), [("SIGINT", "Ctrl-C again"), ("SIGTERM", "another signal"), ("SIGHUP", "another signal")]
)
def test_the_current_step_is_finished_and_saved(tmp_path, name, again, capfd):
    before = signal.getsignal(getattr(signal, name))
    run = fit(*regression(), steps=50, callbacks=[Interrupt(getattr(signal, name)), Checkpoint(tmp_path)])
    assert (run.step, run.stopped, run.interrupted, run.finished) == (4, name, True, False)
    assert checkpoint.load(tmp_path)[1]["step"] == 4
    assert signal.getsignal(getattr(signal, name)) is before
    assert f"stopping after this step ({again} stops at once" in capfd.readouterr().err


def test_a_second_one_interrupts_at_once(tmp_path):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(*regression(), steps=50, callbacks=[Interrupt(signal.SIGINT, times=2), Checkpoint(tmp_path)])
    assert checkpoint.load(tmp_path)[1]["step"] == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_can_train():
    runs = []
    thread = threading.Thread(target=lambda: runs.append(fit(*regression(), steps=3, callbacks=[])))
    thread.start()
    thread.join()
    assert runs[0].step == 3

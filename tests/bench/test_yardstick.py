"""Measurements count while the machine is steady: which are repeated, when that ends, and what the yardstick does."""

import numpy as np
import pytest

from asv_bench.compare import process, table, yardstick
from bench.small_results import results


@pytest.fixture
def clock(monkeypatch):
    """Return a list with the time, which sleeping moves on."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(yardstick.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(yardstick.time, "sleep", sleep)
    return now


class _Machine:
    """A machine whose yardstick takes what `times` says for each second, and whose measurements take one."""

    def __init__(self, clock, times):
        self.clock, self.times, self.found = clock, times, 0

    def look(self):
        return self.times[min(int(self.clock[0]), len(self.times) - 1)]

    def measure(self):
        self.clock[0] += 1
        self.found += 1
        return self.found


FIND = 5  # seconds in which the least time is found


def test_a_steady_machine_is_measured_once(clock):
    machine = _Machine(clock, [1.0, 1.1])
    steady = yardstick.Steady(machine.look, patience=60)
    assert [steady(machine.measure) for _ in range(3)] == [1, 2, 3]
    assert steady.summary() == {"microseconds": 1e6, "measured": 3, "repeated": 0, "disturbed": 0}


def test_a_measurement_begins_on_a_steady_machine(clock):
    machine = _Machine(clock, [1.0] * FIND + [2.0] * 10 + [1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert steady(machine.measure) == 1
    assert clock[0] == FIND + 10 + 1 and steady.repeated == 0


def test_a_measurement_that_ends_on_a_slower_machine_is_repeated(clock):
    machine = _Machine(clock, [1.0] * (FIND + 1) + [2.0] * 3 + [1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert steady(machine.measure) == 2
    assert (steady.measured, steady.repeated, steady.disturbed) == (1, 1, 0)


def test_patience_ends_and_what_is_found_then_counts_as_disturbed(clock):
    machine = _Machine(clock, [1.0] * FIND + [2.0])
    steady = yardstick.Steady(machine.look, patience=10)
    assert steady(machine.measure) == 1
    assert steady(machine.measure) == 2
    assert (steady.measured, steady.repeated, steady.disturbed) == (2, 0, 2)
    assert clock[0] <= FIND + 10 + 2


def test_without_patience_nothing_is_waited_for(clock):
    machine = _Machine(clock, [1.0, 2.0])
    steady = yardstick.Steady(machine.look, patience=0)
    assert [steady(machine.measure), steady(machine.measure)] == [1, 2]
    assert (steady.repeated, steady.disturbed) == (0, 2)


def test_a_machine_that_turns_out_faster_moves_the_mark(clock):
    machine = _Machine(clock, [2.0] * FIND + [1.0] * 2 + [2.0] * 5 + [1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert steady(machine.measure) == 1 and steady.least == 1.0
    assert steady(machine.measure) == 3  # the second one ended at 2.0


def test_threads_take_each_others_results():
    """Every number becomes (3 x + 1) / 4 eight times per exchange: from 0 it comes to 1 - 0.75^8."""
    loop = yardstick.passing_loop()
    x, y = np.zeros((2, 5), np.float32), np.zeros((2, 5), np.float32)
    loop(x, y, 1)
    np.testing.assert_allclose(y, 1 - 0.75**8, rtol=1e-6)
    assert not x.any()
    loop(y, x, 3)
    np.testing.assert_allclose(x, 1 - 0.75**32, rtol=1e-6)


def test_the_yardstick_answers_in_a_process_of_its_own():
    with process.Worker("yardstick", 2, module=yardstick.MODULE) as worker:
        assert 0 < worker.ask("time", seconds=0.001)["seconds"] < 1


def test_the_table_tells_how_steady_the_machine_was():
    found = results()
    assert "exchange data" not in table.section(found)
    found["steady"] = {"microseconds": 41.7, "measured": 300, "repeated": 12, "disturbed": 0}
    text = " ".join(table.section(found).split())
    assert "at best in 42 µs" in text and "made again: 12 times for 300 measurements." in text
    found["steady"]["disturbed"] = 4
    assert "300 measurements, of which 4 count although disturbed." in " ".join(table.section(found).split())

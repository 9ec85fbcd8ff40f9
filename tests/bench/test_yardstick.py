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
    """A machine on which, second by second, passing takes what `times` says, or (passing, multiplying) take it.

    A measurement takes a second.
    """

    def __init__(self, clock, times):
        self.clock, self.times, self.found = clock, times, 0

    def look(self):
        now = self.times[min(int(self.clock[0]), len(self.times) - 1)]
        return now if isinstance(now, tuple) else (now, 1.0)

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
    assert steady(machine.measure) == 1
    assert steady(machine.measure) == 3  # the second one ended at 2.0
    assert steady.summary()["microseconds"] == 1e6


def test_two_halves_of_one_core_pass_things_quickly_and_do_not_count(clock):
    halves = (0.5, 2.0)
    machine = _Machine(clock, [halves, 1.0, 1.0, 1.0, 1.0, 1.0, halves, 1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert steady(machine.measure) == 2
    assert steady.summary() == {"microseconds": 1e6, "measured": 1, "repeated": 1, "disturbed": 0}


def test_a_fluke_does_not_become_the_mark(clock):
    looks = iter([(1.0, 1.0)] * 10 + [(0.1, 1.0)] + [(1.0, 1.0)] * 100)
    machine = _Machine(clock, [])
    steady = yardstick.Steady(lambda: next(looks), patience=60)
    assert [steady(machine.measure) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert steady.disturbed == 0


def test_threads_take_each_others_results():
    """Every number becomes (3 x + 1) / 4 eight times per exchange: from 0 it comes to 1 - 0.75^8."""
    pass_on, multiply = yardstick.loops()
    x, y = np.zeros((2, 5), np.float32), np.zeros((2, 5), np.float32)
    pass_on(x, y, 1)
    np.testing.assert_allclose(y, 1 - 0.75**8, rtol=1e-6)
    assert not x.any()
    pass_on(y, x, 3)
    np.testing.assert_allclose(x, 1 - 0.75**32, rtol=1e-6)
    multiply(x, 2)
    np.testing.assert_allclose(x, 1 - 0.75**48, rtol=1e-6)


def test_the_yardstick_answers_in_a_process_of_its_own():
    with process.Worker("yardstick", 2, module=yardstick.MODULE) as worker:
        assert all(0 < seconds < 1 for seconds in yardstick.look(worker))


def test_the_table_tells_how_steady_the_machine_was():
    found = results()
    assert "exchange data" not in table.section(found)
    found["steady"] = {"microseconds": 41.7, "measured": 300, "repeated": 12, "disturbed": 0}
    text = " ".join(table.section(found).split())
    assert "usually in 42 µs" in text and "made again: 12 times for 300 measurements." in text
    found["steady"]["disturbed"] = 4
    assert "300 measurements, of which 4 count although disturbed." in " ".join(table.section(found).split())

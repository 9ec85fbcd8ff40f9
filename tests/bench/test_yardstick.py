"""Measurements count while the machine is steady: which are repeated, when that ends, and what the yardstick does."""

import contextlib

import numpy as np
import pytest

from asv_bench.compare import table, yardstick
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

    A measurement takes a second, a look a tenth of one.
    """

    def __init__(self, clock, times):
        self.clock, self.times, self.found = clock, times, 0

    def look(self):
        self.clock[0] = round(self.clock[0] + 0.1, 6)
        now = self.times[min(int(self.clock[0]), len(self.times) - 1)]
        return yardstick.Look(*(now if isinstance(now, tuple) else (now, 1.0)))

    def measure(self):
        self.clock[0] += 1
        self.found += 1
        return self.found


KNOW = 7  # seconds of the looks before the first measurement
HALVES = (0.5, 2.0)


def _counts(steady):
    return tuple(steady.summary()[name] for name in ("measured", "repeated", "disturbed"))


def test_a_steady_machine_is_measured_once_and_takes_no_patience(clock):
    machine = _Machine(clock, [1.0, 1.1])
    steady = yardstick.Steady(machine.look, patience=60)
    assert [steady(machine.measure) for _ in range(3)] == [1, 2, 3]
    assert steady.summary() == {
        "microseconds": pytest.approx(1e6, rel=0.1),
        "measured": 3,
        "repeated": 0,
        "disturbed": 0,
        "seconds": 0.0,
    }


def test_a_measurement_begins_on_a_steady_machine(clock):
    machine = _Machine(clock, [1.0] * KNOW + [2.0] * 10 + [1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert steady(machine.measure) == 1
    assert KNOW + 10 < clock[0] < KNOW + 12.5
    assert _counts(steady) == (1, 0, 0) and 9 < steady.summary()["seconds"] < 11


def test_a_measurement_that_ends_on_a_slower_machine_is_repeated(clock):
    machine = _Machine(clock, [1.0] * (KNOW + 1) + [2.0] * 3 + [1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert steady(machine.measure) == 2
    assert _counts(steady) == (1, 1, 0)


def test_patience_ends_and_what_is_found_then_counts_as_disturbed(clock):
    machine = _Machine(clock, [1.0] * KNOW + [2.0])
    steady = yardstick.Steady(machine.look, patience=10)
    assert steady(machine.measure) == 1
    assert steady(machine.measure) == 2
    assert _counts(steady) == (2, 0, 2)
    assert clock[0] <= KNOW + 10 + 3


def test_patience_can_be_renewed_and_all_of_it_is_told(clock):
    machine = _Machine(clock, [1.0] * KNOW + [2.0])
    steady = yardstick.Steady(machine.look, patience=10)
    steady(machine.measure)
    once = steady.summary()["seconds"]
    steady.renew()
    began = clock[0]
    steady(machine.measure)
    assert clock[0] - began > 10
    assert steady.summary()["seconds"] == pytest.approx(2 * once, rel=0.1)


def test_what_began_on_a_slower_machine_is_disturbed_although_it_ended_well(clock):
    machine = _Machine(clock, [1.0])
    steady = yardstick.Steady(machine.look, patience=0)
    steady(machine.measure)  # the machine is known
    clock[0] = 0.0
    machine.times = [2.0, 1.0]
    assert steady(machine.measure) == 2
    assert _counts(steady) == (2, 0, 1)


def test_without_patience_nothing_is_waited_for(clock):
    machine = _Machine(clock, [1.0, 2.0])
    steady = yardstick.Steady(machine.look, patience=0)
    assert [steady(machine.measure), steady(machine.measure)] == [1, 2]
    assert _counts(steady) == (2, 0, 2)


def test_a_long_wait_does_not_become_what_is_expected(clock):
    machine = _Machine(clock, [1.0] * KNOW + [2.0] * 1000 + [1.0])
    steady = yardstick.Steady(machine.look, patience=2000)
    assert steady(machine.measure) == 1 and clock[0] > 1000
    assert steady.summary()["microseconds"] == 1e6


def test_a_run_that_begins_on_a_slow_machine_tells_at_the_end(clock):
    machine = _Machine(clock, [2.0] * (KNOW + 2) + [1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert [steady(machine.measure) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert _counts(steady) == (5, 0, 2)


def test_two_halves_of_one_core_pass_things_quickly_and_do_not_count(clock):
    machine = _Machine(clock, [HALVES] + [1.0] * KNOW + [HALVES] * 2 + [1.0])
    steady = yardstick.Steady(machine.look, patience=60)
    assert steady(machine.measure) == 2
    assert _counts(steady) == (1, 1, 0) and steady.summary()["microseconds"] == 1e6


def test_a_fluke_does_not_become_the_mark(clock):
    looks = iter([(1.0, 1.0)] * 10 + [(0.1, 1.0)] + [(1.0, 1.0)] * 100)
    steady = yardstick.Steady(lambda: yardstick.Look(*next(looks)), patience=60)
    assert [steady(_Machine(clock, []).measure) for _ in range(5)] == [1] * 5
    assert _counts(steady) == (5, 0, 0)


def test_nothing_is_told_where_nothing_was_measured():
    assert yardstick.Steady(None, patience=60).summary() == {}


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


def test_the_yardstick_is_a_process_that_is_replaced_when_it_dies():
    started = []

    def start():
        started.append(yardstick.start(2))
        return started[-1]

    with contextlib.ExitStack() as stack:
        look = yardstick.looking(stack, start)
        assert not started  # a run that measures nothing with it needs no process
        assert all(0 < seconds < 1 for seconds in look())
        started[0].close()
        assert all(0 < seconds < 1 for seconds in look())
    assert len(started) == 2 and not any(worker.alive for worker in started)


def test_the_table_tells_how_steady_the_machine_was():
    found = results()
    assert "neither library" not in table.section(found)
    found["steady"] = {"microseconds": 41.7, "measured": 300, "repeated": 12, "disturbed": 0, "seconds": 61.2}
    found["rows"]["matmul-512"]["discarded"] = [{"fastgrok": 1.0, "torch": 2.4}]  # the median of 2, 2.4, 3 and 4: 2.7
    text = " ".join(table.section(found).split())
    assert (
        "fast end in 42 µs" in text
        and "made again, 12 times beside 300 that count; that and waiting took 61 s." in text
    )
    assert "no ratio would change by more than 10%." in text
    found["steady"]["disturbed"] = 4
    assert "beside 300 that count, 4 of these although disturbed;" in " ".join(table.section(found).split())

"""The survey of calls beyond the rows of the comparison."""

import importlib

import pytest

from asv_bench.compare import survey


@pytest.mark.slow
@pytest.mark.parametrize("library", ["fastgrok", "torch"])
@pytest.mark.parametrize("make_calls", [survey.make_calls, survey.make_more_calls, survey.make_small_calls])
def test_every_call_runs_in_both_libraries(library, make_calls):
    lib = pytest.importorskip(library)
    importlib.import_module(f"{library}.nn.functional")
    calls = make_calls(lib)
    assert len(calls) > 45
    for make in calls.values():
        call = make()
        for _ in range(2):
            call()


def test_a_call_is_measured(monkeypatch):
    monkeypatch.setattr(survey, "SECONDS", 0)
    found = survey.measure("fastgrok", 1, ["nine", "add a"])
    assert set(found) == {"nine numbers", "add a row"} and all(seconds > 0 for seconds in found.values())

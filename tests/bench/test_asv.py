"""The asv suite: what it lists exists, and every row and family does its work."""

import ast
import os
import shutil

import pytest

from asv_bench import slowed
from asv_bench.benchmarks import rows, startup
from asv_bench.benchmarks.workloads import ROWS
from gates.rules import ROOT


def test_rows_are_those_of_the_comparison():
    assert rows.Rows.params == list(ROWS)
    assert set(rows.Memory.params) <= set(ROWS)
    assert set(startup.COLD.values()) <= set(ROWS)


def test_a_row_and_its_memory_are_measured():
    row = rows.Rows()
    row.setup("matmul-32x512x2048")
    row.time_row("matmul-32x512x2048")
    rows.Memory().peakmem_row("matmul-32x512x2048")


@pytest.mark.slow
def test_compilation_is_measured(monkeypatch):
    monkeypatch.setattr(startup, "COLD", {"products": "matmul-32x512x2048"})
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "kernels")]))
    assert 0.5 < startup.Compile().track_cold("products") < 500


def test_compilation_is_measured_in_one_environment(monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    with pytest.raises(NotImplementedError, match="two threads"):
        startup.Compile().setup("lstm")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    startup.Compile().setup("lstm")


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with the files that are changed to try out asv."""
    for name in (slowed.FILE, "asv_bench/asv.conf.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_kernel_that_is_slowed_down_is_as_expected(checkout):
    before = ast.dump(ast.parse((checkout / slowed.FILE).read_text("utf-8")))
    slowed.slow_down(checkout)
    after = ast.dump(ast.parse((checkout / slowed.FILE).read_text("utf-8")))
    assert after.count("'softmax_block'") == before.count("'softmax_block'") + 1
    slowed.one_thread(checkout)
    assert '"NUMBA_NUM_THREADS": ["1"]' in (checkout / "asv_bench/asv.conf.json").read_text("utf-8")


def test_another_kernel_is_not_slowed_down(checkout):
    (checkout / slowed.FILE).write_text("def softmax_forward(x):\n    return x\n", "utf-8")
    with pytest.raises(ValueError, match="has changed"):
        slowed.slow_down(checkout)


def test_the_report_of_asv_is_read():
    output = """
| Change | Before [aaaaaaaa] <main~1> | After [bbbbbbbb] <main> | Ratio | Benchmark (Parameter)               |
|--------|----------------------------|-------------------------|-------|-------------------------------------|
| +      | 1.00±0.01ms                | 1.21±0.01ms             |  1.21 | time_call('softmax_forward', 'fast') |
| -      | 1.00±0.01ms                | 0.80±0.01ms             |  0.8  | time_call('matmul', 'fast')         |
"""
    assert slowed.slower(output) == ["time_call('softmax_forward', 'fast')"]
    assert slowed.slower("BENCHMARKS NOT SIGNIFICANTLY CHANGED.") == []

"""The processes of the comparison: what they measure, how rounds alternate, and what happens when one dies."""

import platform
import sys

import pytest

import fastgrok
from asv_bench.benchmarks.workloads import ROWS
from asv_bench.compare import process, rounds, worker

SMALL = {
    "LanguageModel": {"B": 3, "T": 4, "V": 11, "E": 5, "H": 6},
    "Recurrent": {"B": 3, "T": 4, "D": 5, "H": 6},
    "Transformer": {"B": 3, "T": 5, "V": 11, "E": 6, "H": 2},
    "Attention": {"B": 2, "H": 3, "T": 5, "D": 4},
    "Digits": {"B": 4, "D": 9, "H": 5},
    "Images": {"B": 2, "C": 2, "O": 3},
    "Convolution": {"B": 2, "C": 2, "O": 3, "S": 6},
    "Embedding": {"V": 20, "E": 4, "N": 30},
    "BagOfWords": {"V": 20, "E": 4, "B": 3, "N": 5},
    "CrossEntropy": {"N": 6, "V": 7},
    "Product": {"M": 3, "K": 4, "N": 5},
    "Sampling": {"V": 11, "E": 4, "H": 6, "n": 5},
}


def _first_results(library):
    return {name: row.build(library, **SMALL[row.make.__name__])() for name, row in ROWS.items()}


@pytest.mark.torch
def test_both_libraries_do_the_same_work():
    import torch

    ours, theirs = _first_results(fastgrok), _first_results(torch)
    for name, row in ROWS.items():
        if not row.random:
            assert ours[name] == pytest.approx(theirs[name], rel=1e-5, abs=1e-5), name


def test_training_rows_learn():
    """A second step from the changed weights gives another loss: the update is part of the work."""
    for name, row in ROWS.items():
        work = row.build(fastgrok, **SMALL[row.make.__name__])
        if hasattr(work, "optimizer"):
            first = work()
            assert [work() for _ in range(5)][-1] < first or row.random, name


def test_operations_are_counted():
    assert ROWS["matmul-512"].build(fastgrok, M=2, K=3, N=5).flops() == 2 * 2 * 3 * 5
    # 4 gates of 6, from 5 inputs and 6 states, 3 streams of 4 steps, forward and two gradients
    assert ROWS["lstm-B32-T32-D256-H256"].build(fastgrok, B=3, T=4, D=5, H=6).flops() == 3 * 2 * 12 * 24 * 11
    # two heads of 4, and three queries that see 1 + 2 + 3 keys: scores and results, forward and two gradients of each
    assert ROWS["attention-T512"].build(fastgrok, B=1, H=2, T=3, D=4).flops() == 3 * 2 * 2 * (2 * 6 * 4)
    assert ROWS["cross-entropy-V65"].build(fastgrok, N=3, V=4).flops() is None


def test_time_is_the_fast_end_of_the_calls(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(worker.time, "perf_counter", lambda: now[0])
    lengths = iter([1.0] * 10 + [1.0, 9.0, 2.0, 9.0, 9.0])  # ten seconds to warm up, then at least five calls

    def call():
        now[0] += next(lengths)

    assert worker.time_calls(call, seconds=10.0) == pytest.approx(1.2)  # a fifth of the way from 1 to 2
    assert next(lengths, None) is None


def test_failures_are_answers():
    def fail(library):
        raise ValueError("not today")

    assert worker.answer(fastgrok, {"task": "fail"}, {"fail": fail}) == {"error": "ValueError: not today"}
    assert "KeyError" in worker.answer(fastgrok, {"task": "unknown"}, {})["error"]


def test_a_worker_times_a_small_row():
    with process.Worker("fastgrok", threads=1) as running:
        reply = running.ask("time", row="matmul-512", seconds=0.001, M=4, K=4, N=4)
        assert 0 < reply["seconds"] < 1 and reply["flops"] == 128
        assert reply["first"] == pytest.approx(ROWS["matmul-512"].build(fastgrok, M=4, K=4, N=4)(), rel=1e-6)
        assert running.ask("versions")["fastgrok"] == fastgrok.__version__
        with pytest.raises(process.WorkerError, match="fastgrok: KeyError"):
            running.ask("time", row="no such row", seconds=0.001)
        assert running.alive
    assert not running.alive


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="AVX2 is of x86 processors")
def test_a_worker_can_be_limited_to_narrow_vectors(tmp_path, monkeypatch):
    (tmp_path / "narrow.py").write_text(
        "import json, os, sys\n"
        "from fastgrok_kernels import simd\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(json.dumps({'lanes': simd.LANES, 'fused': simd.FUSED, 'aten': os.environ['ATEN_CPU_CAPABILITY']}))\n",
        "utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with process.Worker("torch", 1, module="narrow", avx2=True) as running:
        assert running.ask("tell") == {"lanes": 8, "fused": True, "aten": "avx2"}


@pytest.fixture
def dying(tmp_path, monkeypatch):
    """Return a way to start workers of which PyTorch's dies in its second row, with a few words."""
    (tmp_path / "mortal.py").write_text(
        "import json, sys\n"
        "print('ready', flush=True)\n"
        "for number, line in enumerate(sys.stdin):\n"
        "    if sys.argv[1] == 'torch' and 'mlp' in line:\n"
        "        sys.exit('out of luck')\n"
        "    print(json.dumps({'seconds': 0.5, 'first': 1.0, 'flops': None, 'megabytes': 7}), flush=True)\n",
        "utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda library: process.Worker(library, 1, sys.executable, "mortal")


def test_a_worker_that_dies_is_reported_and_replaced(dying):
    said = []
    measured = rounds.time_rows(["matmul-512", "mlp-B100", "cnn-B128"], dying, rounds=2, seconds=0.1)
    rows = rounds.collect(measured, said.append)
    assert "torch: the worker died (exit status 1): out of luck" in rows["mlp-B100"]["error"]
    assert rows["matmul-512"]["torch"] == rows["cnn-B128"]["torch"] == [0.5, 0.5]
    assert any("out of luck" in line for line in said) and len(said) == 6


def test_a_worker_that_dies_while_memory_is_measured_is_reported(dying):
    rows = rounds.peak_memory(["matmul-512", "mlp-B100"], dying, lambda line: None)
    assert rows["matmul-512"] == {"fastgrok": 7, "torch": 7}
    assert "out of luck" in rows["mlp-B100"]["error"]


def test_a_worker_is_ready_before_anything_is_measured(tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text(
        "import pathlib, sys, time\n"
        "time.sleep(0.2)\n"
        "pathlib.Path(__file__).with_suffix('.done').touch()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n",
        "utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with process.Worker("torch", 1, module="slow"):
        assert (tmp_path / "slow.done").exists()


def test_a_worker_that_dies_at_its_start_is_reported_when_asked():
    with process.Worker("no_such_library", 1) as running, pytest.raises(process.WorkerError, match="No module named"):
        running.ask("versions")


class _Recorded:
    """A worker that writes down when it was asked."""

    alive = True

    def __init__(self, library, log, first=1.0):
        self.package, self.log, self.first = library, log, first

    def ask(self, task, **arguments):
        self.log.append(self.package)
        return {"seconds": 1.0, "first": self.first, "flops": None}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def test_libraries_take_turns_to_be_first():
    log = []
    list(rounds.time_rows(["cnn-B128"], lambda library: _Recorded(library, log), rounds=2, seconds=0.1))
    assert log == ["fastgrok", "torch", "torch", "fastgrok"]


def test_both_libraries_are_measured_again_on_an_unsteady_machine():
    log = []

    def twice(measure):
        measure()
        return measure()

    measured = rounds.time_rows(["cnn-B128"], lambda library: _Recorded(library, log), 1, 0.1, twice)
    row = rounds.collect(measured, lambda line: None)["cnn-B128"]
    assert log == ["fastgrok", "torch"] * 2
    assert row["torch"] == [1.0] and row["discarded"] == [{"fastgrok": 1.0, "torch": 1.0}]


def test_rows_with_different_results_fail():
    firsts = {"fastgrok": 1.0, "torch": 1.001}
    names = ["cnn-B128", "mlp-B100"]
    assert ROWS["mlp-B100"].random
    measured = rounds.time_rows(names, lambda library: _Recorded(library, [], firsts[library]), 1, 0.1)
    rows = rounds.collect(measured, lambda line: None)
    assert "first results differ: 1 and 1.001" in rows["cnn-B128"]["error"]
    assert "error" not in rows["mlp-B100"]
    not_a_number = rounds.time_rows(names, lambda library: _Recorded(library, [], float("nan")), 1, 0.1)
    assert "differ" in rounds.collect(not_a_number, lambda line: None)["cnn-B128"]["error"]


def test_an_error_in_any_round_stands():
    good = {"fastgrok": 1.0, "torch": 2.0, "flops": None}
    measured = [(0, "cnn-B128", good), (1, "cnn-B128", {"error": "first"}), (2, "cnn-B128", good)]
    assert rounds.collect(measured, lambda line: None) == {"cnn-B128": {"error": "first"}}

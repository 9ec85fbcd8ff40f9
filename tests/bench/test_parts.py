"""The parts of a run beside the rows: limits of the machine, threads, growth, the book."""

import json
from pathlib import Path

import numpy as np
import pytest

import fastgrok
from asv_bench.compare import __main__ as command
from asv_bench.compare import book, growth, limits, measure, rounds
from asv_bench.compare.process import Worker, WorkerError


class _Answers:
    """A worker that answers with the same numbers always, and counts."""

    alive = True
    log: tuple = ()

    def __init__(self, library):
        self.package, self.asked = library, []
        _Answers.log = (*_Answers.log, self)

    def ask(self, task, **arguments):
        self.asked.append((task, arguments))
        if task == "limits":
            return {"peak": 10.0 * arguments["threads"], "copy": 5.0}
        if arguments.get("row") == "lm-rnn-B32-T16-H512":
            raise WorkerError("fastgrok: out of luck")
        return {"seconds": arguments.get("characters", 2.0) / arguments.get("threads", 1)}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def _quiet(line):
    pass


def test_multiply_adds_are_done():
    """x <- x / 2 + 1 / 2 ends at 1, in each of the twelve chains; what is stored is half their sum."""
    loop, lanes = limits.multiply_add_loop()
    x = np.full(lanes, 0.5, np.float32)
    loop(x, 100)
    assert x.tolist() == [6.0] * lanes


def test_all_limits_are_measured(monkeypatch):
    monkeypatch.setattr(limits, "_ELEMENTS", 1 << 12)
    monkeypatch.setattr(limits, "PRODUCTS", {16: 0.75})
    found = limits.measure(fastgrok, 1, 0.001)
    assert found.keys() == {"peak", "copy", "product 16", *limits.STREAMS}
    assert all(rate > 0 for rate in found.values())


def test_shares_are_medians_of_rounds():
    rates = {"softmax": [5.0, 8.0, 9.0], "copy": [10.0, 10.0, 30.0]}
    assert limits.shares(rates, "softmax", "copy") == 0.5


def test_limits_are_collected_by_threads():
    found = limits.collect(_Answers, threads=2, count=3, seconds=0.1)
    assert found == {"1": {"peak": [10.0] * 3, "copy": [5.0] * 3}, "2": {"peak": [20.0] * 3, "copy": [5.0] * 3}}


def test_threads_are_compared_and_errors_kept():
    found = growth.by_threads(["cnn-B128", "lm-rnn-B32-T16-H512"], 2, _Answers, 2, 0.1)
    assert found["cnn-B128"] == {"1": [2.0, 2.0], "2": [1.0, 1.0]}
    assert "out of luck" in found["lm-rnn-B32-T16-H512"]["error"]


def _twice(measure):
    """Call a measurement as on an unsteady machine; the second time counts."""
    measure()
    return measure()


def _all_parts(steady):
    folder = Path("clone")
    return (
        limits.collect(_Answers, 2, 2, 0.1, steady),
        growth.by_threads(["cnn-B128"], 2, _Answers, 2, 0.1, steady),
        growth.sweep(_Answers, 2, 0.1, _quiet, steady),
        growth.lengths(_Answers, 2, _quiet, steady),
        book.compare(_Answers, lambda: _Answers("book"), folder, 2, 0.1, steady),
    )


def test_all_parts_repeat_what_an_unsteady_machine_disturbed():
    def asked():
        return sum(len(worker.asked) for worker in _Answers.log)

    _Answers.log = ()
    once, count = _all_parts(rounds.at_once), asked()
    _Answers.log = ()
    assert _all_parts(_twice) == once
    assert asked() == 2 * count - 1  # the first epoch of `lengths`, which compiles, is no measurement


def test_sweeps_change_one_size_at_a_time():
    _Answers.log = ()
    found = growth.sweep(_Answers, 2, 0.1, _quiet)
    assert [worker.package for worker in _Answers.log] == ["fastgrok", "torch", "torch", "fastgrok"]
    for _, asked in _Answers.log[0].asked:
        changed = {letter: size for letter, size in growth.BASE.items() if asked[letter] != size}
        assert len(changed) <= 1
    assert found["B"]["torch"] == [[2.0, 2.0]] * len(growth.SWEEPS["B"])


def test_time_per_character():
    found = growth.lengths(_Answers, 2, _quiet)
    assert found["fastgrok"] == [[1.0, 1.0]] * len(growth.LENGTHS)


def test_an_epoch_reads_the_whole_text(monkeypatch):
    monkeypatch.setattr(growth, "BASE", {"B": 2, "T": 4, "V": 7, "E": 3, "H": 5, "L": 1})
    assert growth.epoch(fastgrok, 100)["seconds"] > 0


# A framework with the names of the book's, on which only the calls are right.
NOTEBOOK = """
import numpy as np
class Tensor:
    def __init__(self, data, autograd=False): self.data = np.array(data)
    def __add__(self, other): return Tensor(self.data + other.data)
    def backward(self): CALLS.append("backward")
CALLS = []
class SGD:
    def __init__(self, parameters, alpha): assert len(parameters) == 2 and alpha == 0.05
    def step(self): CALLS.append("step")
class Embedding:
    def __init__(self, vocab_size, dim): assert vocab_size == 3
    def forward(self, input): return input
    def get_parameters(self): return ["table"]
class LSTMCell:
    def __init__(self, n_inputs, n_hidden, n_output): assert n_output == 3
    def get_parameters(self): return ["weights"]
    def init_hidden(self, batch_size): return Tensor(np.zeros(batch_size)), Tensor(np.zeros(batch_size))
    def forward(self, input, hidden):
        CALLS.append(input.data.tolist())
        return input, hidden
class CrossEntropyLoss:
    def forward(self, output, target):
        assert output.data.shape == target.data.shape == (16,)
        return Tensor(2.0)
"""


@pytest.fixture
def clone(tmp_path):
    """Return a folder with a notebook and a text, as a clone of the book's repository has them."""
    cells = [
        {"cell_type": "markdown", "source": ["# Title"]},
        {"cell_type": "code", "source": NOTEBOOK.splitlines(True)},
    ]
    name = "Chapter14 - Intro to LSTMs - Learn to Write Like Shakespeare.ipynb"
    (tmp_path / name).write_text(json.dumps({"cells": cells}), "utf-8")
    (tmp_path / "Chapter14 - Another.ipynb").write_text(json.dumps({"cells": cells[:1]}), "utf-8")
    (tmp_path / "shakespear.txt").write_text("abc" * 300, "utf-8")
    return tmp_path


def test_the_book_makes_a_training_step(clone):
    step = book.TheirStep(clone)
    assert step() == 2.0
    calls = step.book["CALLS"]
    assert len(calls) == book.T + 2 and calls[-2:] == ["backward", "step"]
    ids, _ = book.batches(clone)
    assert calls[: book.T] == ids[: book.T].tolist()


def test_fastgrok_learns_the_same_text(clone, monkeypatch):
    monkeypatch.setattr(book, "H", 8)
    monkeypatch.setattr(book, "RATE", 0.5)
    step = book.OurStep(fastgrok, clone)
    losses = [step() for _ in range(30)]
    assert losses[0] == pytest.approx(np.log(3), abs=0.3)  # a mean over characters: 3 of them, none known yet
    assert losses[-1] < losses[0] - 0.1


def test_both_sides_of_the_book_are_timed(clone):
    with Worker(str(clone), 1, module="asv_bench.compare.book") as worker:
        assert 0 < worker.ask("time", seconds=0.001)["seconds"] < 1
    found = book.compare(_Answers, lambda: _Answers("book"), clone, 2, 0.1)
    assert found == {"fastgrok": [2.0, 2.0], "book": [2.0, 2.0]} and book.ratio(found) == 1.0


def test_a_folder_that_is_no_clone_is_named(tmp_path):
    with pytest.raises(book.BookError, match=r"shakespear\.txt"):
        book.TheirStep(tmp_path)
    (tmp_path / "shakespear.txt").write_text("abc" * 300, "utf-8")
    with pytest.raises(book.BookError, match="no notebook"):
        book.TheirStep(tmp_path)


def test_parts_that_run(tmp_path):
    assert command.arguments(["--book", "clone"]).parts == list(measure.PARTS)
    assert command.arguments([]).parts == list(measure.PARTS)[:-1]
    assert command.arguments(["matmul"]).parts == ["rows", "memory"]
    assert command.arguments(["--memory"]).parts == ["memory"]
    assert command.arguments(["lm-"]).avx2 is False
    assert command.arguments(["lm-lstm", "cnn"]).names[-1] == "cnn-B128"
    for words in (
        ["--parts", "book"],
        ["--parts", "rows", "--readme", "README.md"],
        ["--avx2", "--readme", "README.md"],
        ["--patience", "-1"],
    ):
        with pytest.raises(SystemExit):
            command.arguments(words)


def test_a_part_that_fails_does_not_end_the_run(tmp_path, monkeypatch):
    def fail(options, start, steady):
        raise WorkerError("fastgrok: out of luck")

    monkeypatch.setattr(measure, "_start", lambda library, options: _Answers(library))
    monkeypatch.setitem(measure._MEASURED, "limits", fail)
    monkeypatch.setitem(measure._MEASURED, "memory", lambda options, start, steady: {"memory": {}})
    saved = []
    options = command.arguments(["--parts", "limits", "memory"])
    results = measure.measure(options, lambda results: saved.append(json.dumps(results)))
    assert results["failed"] == {"limits": "fastgrok: out of luck"} and results["memory"] == {}
    assert len(saved) == 2 and json.loads(saved[-1]) == results


def test_a_library_that_is_not_there_is_named(capsys, monkeypatch):
    def absent(library, options):
        raise WorkerError("torch: the worker died (exit status 1): ModuleNotFoundError: No module named 'torch'")

    monkeypatch.setattr(measure, "_start", absent)
    assert command.main(["matmul"]) == 2
    assert "No module named 'torch'" in capsys.readouterr().err

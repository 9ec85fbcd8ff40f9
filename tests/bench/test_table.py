"""The table for the README: it has every row, the losing ones too, and stands between the markers alone."""

import json
import subprocess
import sys

import pytest

from asv_bench.benchmarks.workloads import ROWS
from asv_bench.compare import growth, rounds, table
from bench.small_results import results
from gates.rules import ROOT


def _cells(text, title):
    (line,) = (line for line in text.splitlines() if title in line)
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_ratio_is_the_median_of_the_ratios_of_the_rounds():
    row = {"fastgrok": [1.0, 2.0, 4.0], "torch": [0.9, 1.0, 2.4]}
    assert rounds.ratios(row) == pytest.approx([0.9, 0.5, 0.6])
    assert rounds.ratio(row) == pytest.approx(0.6)  # of the medians: 0.5


def test_medians_ratios_spread_share_and_memory():
    cells = _cells(table.section(results()), "512 x 512 x 512 | 10.0")
    assert cells[1:] == ["10.0 ms", "30.0 ms", "3.00", "2.00 to 4.00", "50%", "100 / 201 MB"]


def test_losing_rows_are_shown_and_marked():
    text = table.section(results())
    cells = _cells(text, "two convolutions")
    assert cells[0].startswith("**") and cells[1:5] == ["20.0 ms", "10.0 ms", "**0.60**", "0.50 to 0.90"]
    assert cells[6] == "no / memory"
    assert "faster one in 1 of 2 rows" in text and "1 could not be measured" in text
    assert "less memory in 1 of 1" in text


def test_rows_that_take_more_memory_are_marked():
    more = results() | {"memory": {"matmul-512": {"fastgrok": 200.0, "torch": 150.0}}}
    assert _cells(table.section(more), "512 x 512 x 512 | 10.0")[-1] == "**200 / 150 MB**"
    assert "less memory in 0 of 1" in table.section(more)


def test_failed_rows_are_shown():
    assert "the worker died (exit status -9)" in _cells(table.section(results()), "784-100-10")[1]


def test_circumstances_are_named():
    text = " ".join(table.section(results()).split())
    for fact in (
        "Imaginary 1",
        "2 cores",
        "2 threads",
        "fastgrok 0.1.0",
        "PyTorch 2.13.0",
        "alternating rounds (3)",
        "2030-01-02",
    ):
        assert fact in text


def test_nothing_is_claimed_that_was_not_measured():
    fewer = results()
    for part in ("memory", "limits", "by_threads", "growth", "book"):
        del fewer[part]
    text = table.section(fewer)
    assert _cells(text, "512 x 512 x 512")[-2:] == ["", ""]
    for word in ("GFLOP", "threads beside", "per character", "book"):
        assert word not in text


@pytest.mark.parametrize(
    "seconds, text",
    [(0.00003456, "0.03 ms"), (0.0012345, "1.23 ms"), (0.03456, "34.6 ms"), (0.3456, "346 ms"), (2, "2000 ms")],
)
def test_milliseconds_have_three_digits(seconds, text):
    assert table.milliseconds(seconds) == text


def test_only_what_stands_between_the_markers_changes(tmp_path):
    page = tmp_path / "README.md"
    page.write_text(
        "# Above\n\n<!-- speed: begin (old) -->\nold figures\n<!-- speed: end -->\n\nBelow | stays\n", "utf-8"
    )
    table.write_into(page, "new figures")
    once = page.read_text("utf-8")
    assert once == f"# Above\n\n{table.BEGIN}\n\nnew figures\n\n{table.END}\n\nBelow | stays\n"
    table.write_into(page, "new figures")
    assert page.read_text("utf-8") == once


@pytest.mark.parametrize(
    "text", ["no markers", f"{table.END} {table.BEGIN}", f"{table.BEGIN} {table.BEGIN} {table.END}", table.BEGIN]
)
def test_a_page_without_the_markers_stays_as_it_is(tmp_path, text):
    page = tmp_path / "README.md"
    page.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"README\.md"):
        table.write_into(page, "new figures")
    assert page.read_text("utf-8") == text


def test_readme_of_the_project_has_the_markers(tmp_path):
    page = tmp_path / "README.md"
    page.write_text((ROOT / "README.md").read_text("utf-8"), "utf-8")
    table.write_into(page, "new figures")
    assert "new figures" in page.read_text("utf-8")


def test_titles_of_rows_differ():
    assert len({row.title for row in ROWS.values()}) == len(ROWS)


def test_shares_of_the_machine_are_shown_with_their_goals():
    text = table.section(results())
    assert _cells(text, "multiply-adds in") == ["multiply-adds in registers", "25.0 GFLOP/s", "53.7 GFLOP/s", ""]
    assert _cells(text, "product, 512 x 512 x 512 | 80%")[1:] == ["80%", "84%", "75% of the peak"]
    assert _cells(text, "product, 2048")[1:] == ["88%", "**56%**", "85% of the peak"]
    assert _cells(text, "softmax |")[1:] == ["71%", "**30%**", "70% of the copy"]


def test_gains_of_threads_are_shown_with_their_goals():
    text = table.section(results()).split("2 threads beside one")[1]
    assert _cells(text, "32, 16 steps")[1:] == ["2.00", "1.90 to 2.20", "1.8"]
    assert _cells(text, "H = 128")[1:] == ["**1.40**", "1.40 to 1.40", "1.5"]
    assert "the worker died" in _cells(text, "GRU")[1]


def test_parts_that_failed_are_told():
    text = table.section(results() | {"failed": {"book": "the folder is empty"}})
    assert "Not measured: book, because the folder is empty." in text


def test_growth_is_told():
    text = " ".join(table.section(results(), "pictures").split())
    assert "over the batch by 0% (PyTorch" in text and "over the layers by 0% (PyTorch" in text
    assert "takes 5.0, 5.0, 5.0 µs per character" in text
    assert "(pictures/growth.png)" in text and "growth.png" not in table.section(results())


def test_a_straight_line_is_found():
    assert growth.deviation_from_a_line([1, 2, 4], [3.0, 5.0, 9.0]) == pytest.approx(0, abs=1e-12)
    assert growth.deviation_from_a_line([1, 2, 4, 8], [1.0, 4.0, 16.0, 64.0]) > 0.3


def test_the_book_is_beside():
    assert "take 1.00 s" in (text := " ".join(table.section(results()).split()))
    assert "fastgrok's layers 11 ms in float32: 100 times as fast" in text


def test_parts_of_a_run_are_shown_alone():
    for part in ("memory", "limits", "by_threads", "growth", "book"):
        fewer = results() | {"rows": {}}
        for other in {"memory", "limits", "by_threads", "growth", "book"} - {part}:
            del fewer[other]
        assert table.section(fewer)


def _compare(*words):
    command = [sys.executable, "-m", "asv_bench.compare", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=ROOT)


def test_results_are_drawn_again(tmp_path):
    saved, page = tmp_path / "results.json", tmp_path / "README.md"
    saved.write_text(json.dumps(results()), "utf-8")
    page.write_text(f"{table.BEGIN}\n{table.END}\n", "utf-8")
    run = _compare("--from", saved, "--readme", page)
    assert run.returncode == 1, run.stderr  # because one row failed
    assert table.section(results()) in page.read_text("utf-8")


@pytest.mark.parametrize(
    "words, complaint",
    [(["nonsense"], "no such row"), (["--rounds", "0"], "positive"), (["matmul", "--readme", "README.md"], "all rows")],
)
def test_wrong_options_are_refused(words, complaint):
    run = _compare(*words)
    assert run.returncode == 2 and complaint in run.stderr

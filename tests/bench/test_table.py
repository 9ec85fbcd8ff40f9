"""The table for the README: it has every row, the losing ones too, and stands between the markers alone."""

import json
import subprocess
import sys

import pytest

from asv_bench.benchmarks.workloads import ROWS
from asv_bench.compare import rounds, table
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
    cells = _cells(table.section(results()), "512 x 512 x 512")
    assert cells[1:] == ["10.0 ms", "30.0 ms", "3.00", "2.00 to 4.00", "50%", "100 / 201 MB"]


def test_losing_rows_are_shown_and_marked():
    text = table.section(results())
    cells = _cells(text, "two convolutions")
    assert cells[0].startswith("**") and cells[1:5] == ["20.0 ms", "10.0 ms", "**0.60**", "0.50 to 0.90"]
    assert cells[6] == "no / memory"
    assert "faster one in 1 of 2 rows" in text and "1 could not be measured" in text


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
        "3 alternating",
        "2030-01-02",
    ):
        assert fact in text


def test_nothing_is_claimed_that_was_not_measured():
    fewer = results()
    del fewer["limits"], fewer["memory"]
    assert _cells(table.section(fewer), "512 x 512 x 512")[-2:] == ["", ""]


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

"""The pictures, from results that never were."""

import pytest

from asv_bench.compare import plots
from bench.small_results import results

pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")


def _is_picture(path):
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000


def test_both_pictures_are_drawn(tmp_path):
    written = plots.draw(results(), tmp_path)
    assert [path.name for path in written] == ["rows.png", "growth.png"]
    assert all(_is_picture(path) for path in written)


def test_what_was_not_measured_is_not_drawn(tmp_path):
    fewer = results()
    del fewer["growth"]
    assert [path.name for path in plots.draw(fewer, tmp_path)] == ["rows.png"]
    assert plots.draw(fewer | {"rows": {}}, tmp_path) == []

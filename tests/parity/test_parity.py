"""Every public name against PyTorch: values, gradients, names of parameters, and which errors arguments raise."""

import zlib

import pytest

pytest.importorskip("torch")

import hypothesis

from parity import examples, framework, public
from parity.all_rows import ROWS

pytestmark = pytest.mark.torch

COMPARED = [row for row in ROWS.values() if not row.exempt]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in COMPARED])
def test_same_as_pytorch(row):
    @hypothesis.seed(zlib.crc32(row.name.encode()))
    @hypothesis.settings(
        max_examples=examples.per_row(len(COMPARED)), suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(row.cases)
    def check(case):
        row.compare(case)

    before = framework.succeeded
    check()
    if examples.DEMANDED:
        assert framework.succeeded > before, "no case of this row was anything but an error"


def test_every_public_name_has_a_row():
    assert sorted(public.names() - set(ROWS)) == []


def test_every_row_is_of_a_public_name():
    assert sorted(name for name in set(ROWS) - public.names() if not name.startswith("operator.")) == []

"""Say how many cases were compared, and fail where they were fewer than demanded."""

import sys
from pathlib import Path

import pytest

# The other files are no tests; looking for examples in them would import PyTorch, which need not be there.
collect_ignore = [path.name for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")]


@pytest.fixture(autouse=True)
def _one_thread():
    """Compare the libraries with one thread each; the number of ours is restored after every test."""
    import torch

    import fastgrok

    torch.set_num_threads(1)
    fastgrok.set_num_threads(1)


def _compared() -> int:
    framework = sys.modules.get("parity.framework")
    return framework.compared if framework else 0


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    from parity import examples

    if exitstatus == 0 and _compared() < examples.DEMANDED and not session.config.option.collectonly:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter):
    from parity import examples

    if _compared() or examples.DEMANDED:
        enough = _compared() >= examples.DEMANDED
        demanded = f", at least {examples.DEMANDED} demanded" if examples.DEMANDED else ""
        message = f"parity: compared {_compared()} cases with PyTorch{demanded}"
        terminalreporter.write_line(message, **({} if enough else {"red": True, "bold": True}))

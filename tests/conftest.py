"""What every test runs under: fixed seeds, hypothesis profiles, and the rule about PyTorch, ONNX and Keras."""

import importlib.util
import os
import random
import signal
import sys

import hypothesis
import numpy as np
import pytest

REQUIRE_TORCH = os.environ.get("FASTGROK_REQUIRE_TORCH", "0") not in ("", "0")
REQUIRE_ONNX = os.environ.get("FASTGROK_REQUIRE_ONNX", "0") not in ("", "0")
REQUIRE_KERAS = os.environ.get("FASTGROK_REQUIRE_KERAS", "0") not in ("", "0")
# Per marker: the modules that its tests need, and whether they are demanded.
PEERS = {"torch": (("torch",), REQUIRE_TORCH), "onnx": (("onnx", "onnxruntime"), REQUIRE_ONNX)}
PEERS["keras"] = (("keras", "torch"), REQUIRE_KERAS)
os.environ.setdefault("KERAS_BACKEND", "torch")  # read by Keras when it is imported

# No deadline: the first example of a test may compile kernels. No database: a run depends on the sources alone.
_common = {"deadline": None, "database": None, "derandomize": True, "print_blob": True}
hypothesis.settings.register_profile("ci", max_examples=50, **_common)
hypothesis.settings.register_profile("dev", max_examples=20, **_common)
hypothesis.settings.register_profile("intense", max_examples=1000, **{**_common, "derandomize": False})
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config):
    """Listen to signals; stop at once where comparisons are demanded and the other side cannot be imported."""
    # A background job of a shell starts with Ctrl-C ignored, one under nohup with SIGHUP, and so would all processes
    # that the tests start.
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    if REQUIRE_TORCH:
        try:
            import torch

            torch.set_num_threads(1)  # its pool of threads and ours would fight
        except ImportError as error:
            pytest.exit(f"FASTGROK_REQUIRE_TORCH is set, but torch cannot be imported: {error}", returncode=4)
    if REQUIRE_KERAS:
        try:
            import keras  # noqa: F401
        except ImportError as error:
            pytest.exit(f"FASTGROK_REQUIRE_KERAS is set, but keras cannot be imported: {error}", returncode=4)
    if REQUIRE_ONNX:
        try:
            import onnx  # noqa: F401
            import onnxruntime  # noqa: F401
        except ImportError as error:
            pytest.exit(f"FASTGROK_REQUIRE_ONNX is set, but it cannot be imported: {error}", returncode=4)


def pytest_collection_modifyitems(items):
    """Skip the comparisons with PyTorch and onnxruntime where these are not installed."""
    for item in items:
        if item.path.parent.parts[-2:] == ("fastgrok", "onnx"):  # examples in docstrings
            item.add_marker("onnx")
    for marker, (modules, _) in PEERS.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(pytest.mark.skip(reason=f"{missing[0]} is not installed"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A comparison that was skipped is a failure where such comparisons are demanded."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        for marker, (_, demanded) in PEERS.items():
            if demanded and item.get_closest_marker(marker):
                report.outcome = "failed"
                report.longrepr = f"skipped although FASTGROK_REQUIRE_{marker.upper()} is set: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _seeded():
    """Start every test from the same seeds; check grad mode and restore the number of threads after it.

    Looks only at what is loaded already, so that tests of the kernels alone do not load the framework.
    """
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - for code under test that uses the global generator
    fastgrok, jit = sys.modules.get("fastgrok"), sys.modules.get("fastgrok_kernels.jit")
    threads = jit.get_num_threads() if jit else None
    if fastgrok:
        fastgrok.manual_seed(0)
    yield
    if fastgrok:
        assert fastgrok.is_grad_enabled(), "the test left gradients switched off"
    if threads:
        jit.set_num_threads(threads)


@pytest.fixture
def rng():
    """Return a NumPy generator with a fixed seed."""
    return np.random.default_rng(0)


def pytest_report_header():
    """Name what decides which kernels ran."""
    names = ("FASTGROK_CHECK", "NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS", "NUMBA_THREADING_LAYER", "NUMBA_CPU_NAME")
    chosen = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    return f"fastgrok: {', '.join(chosen) or 'default kernels'}"

"""Every kernel of the table against its reference, for every case and dtype, and bitwise against itself."""

import copy
import importlib
import pkgutil
import threading

import numpy as np
import pytest

import fastgrok_kernels
from fastgrok_kernels import jit
from fastgrok_kernels.table import KERNELS

EACH = [
    pytest.param(
        kernel,
        case,
        np.dtype(dtype),
        id=f"{kernel.name}-{case.id}-{dtype}",
        marks=pytest.mark.skipif(jit.DISABLED and (case.large or case.bench), reason="too large without JIT"),
    )
    for kernel in KERNELS
    for case in kernel.cases
    for dtype in ("float32", "float64")
]
each_case = pytest.mark.parametrize(("kernel", "case", "dtype"), EACH)
needs_two_threads = pytest.mark.skipif(jit._state.most < 2, reason="kernels run on one thread here")


@pytest.fixture(autouse=True)
def _quiet_floats():
    """With JIT off, kernels are scalar NumPy arithmetic, which warns where compiled code overflows silently."""
    with np.errstate(**(dict.fromkeys(["over", "invalid", "divide"], "ignore") if jit.DISABLED else {})):
        yield


@pytest.fixture
def always_threaded(monkeypatch):
    """Make every parallel loop run on two threads, however small."""
    monkeypatch.setattr(jit._state, "worth_threading", 0.0)
    jit.threading_layer()
    monkeypatch.setattr(jit._state, "worth_threading", 0.0)  # starting the threads may have set it
    jit.set_num_threads(2)


def call(function, kernel, arguments):
    """The result of a call and the arguments that it writes to, as one flat list of arrays."""
    result = function(*arguments)
    return arrays_of(result) + arrays_of([arguments[i] for i in kernel.mutates])


def arrays_of(value):
    """The arrays and numbers in a nest of tuples and lists."""
    if value is None:
        return []
    if isinstance(value, (tuple, list)):
        return [array for item in value for array in arrays_of(item)]
    return [np.asarray(value)]


def as_float64(value):
    """A copy of a nest of arguments with its floating-point arrays in float64."""
    if isinstance(value, (tuple, list)):
        return type(value)(as_float64(item) for item in value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.float64)
    return copy.deepcopy(value)


def assert_close(fast, slow, rtol):
    assert fast.shape == slow.shape
    if fast.dtype.kind != "f":
        np.testing.assert_array_equal(fast, slow)
        return
    np.testing.assert_array_equal(np.isfinite(fast), np.isfinite(slow))
    finite = np.isfinite(slow)
    error = np.abs(fast[finite].astype(np.float64) - slow[finite]).max(initial=0.0)
    scale = np.abs(slow[finite]).max(initial=0.0)
    assert error <= rtol * scale, f"differs by {error / scale if scale else error:.2e} of the largest magnitude"


def assert_identical(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert a.tobytes() == b.tobytes()


def arguments_of(case, dtype):
    return case.make(np.random.default_rng(7), dtype)


@each_case
def test_agrees_with_the_reference(kernel, case, dtype):
    arguments = arguments_of(case, dtype)
    before = copy.deepcopy(arguments)
    expected = call(kernel.reference, kernel, as_float64(arguments))
    found = call(kernel.fast, kernel, arguments)
    assert len(found) == len(expected)
    for fast, slow in zip(found, expected, strict=True):
        if fast.dtype.kind == "f" and fast.ndim:
            assert fast.dtype == dtype
        assert_close(fast, slow, kernel.rtol(dtype))
    for i, (now, then) in enumerate(zip(arguments, before, strict=True)):
        if i not in kernel.mutates:
            assert_identical(arrays_of(now), arrays_of(then))


@needs_two_threads
@each_case
def test_threads_do_not_change_a_bit(kernel, case, dtype, always_threaded):
    two = call(kernel.fast, kernel, list(arguments_of(case, dtype)))
    jit.set_num_threads(1)
    one = call(kernel.fast, kernel, list(arguments_of(case, dtype)))
    assert_identical(one, two)


@pytest.mark.parametrize(
    "case",
    [case for kernel in KERNELS if kernel.name == "lstm_backward" for case in kernel.cases],
    ids=lambda case: case.id,
)
def test_gradients_of_gates_may_take_the_place_of_the_gates(case):
    arguments = arguments_of(case, np.dtype("float32"))
    place = arguments[-1].copy()
    backward = fastgrok_kernels.lstm_backward
    beside, over = backward(*arguments), backward(*arguments[:-1], place, place)
    assert over[0] is place
    assert_identical(beside, over)


def parallel_loops():
    """Every loop of the package that is compiled in two forms."""
    modules = [m.name for m in pkgutil.iter_modules(fastgrok_kernels.__path__) if not m.ispkg]
    modules = [importlib.import_module(f"fastgrok_kernels.{name}") for name in modules]
    return {loop.__name__: loop for m in modules for loop in vars(m).values() if isinstance(loop, jit._Parallel)}


def test_both_forms_of_every_loop_give_the_same_bits(monkeypatch):
    """Call each form with the same arguments, for all loops that the cases of the table reach; they must reach all."""
    reached = set()

    def call_both(loop, *arguments):
        reached.add(loop.__name__)
        other = copy.deepcopy(arguments)
        result = loop.serial(*other)
        if loop.threaded is not loop.serial:
            jit.launch(loop.threaded, *arguments)
            assert_identical(arrays_of(arguments), arrays_of(other))
            return result
        return loop.serial(*arguments)

    monkeypatch.setattr(jit._Parallel, "__call__", call_both)
    for kernel in KERNELS:
        for case in kernel.cases:
            if not case.bench and not (case.large and jit.DISABLED):
                kernel.fast(*arguments_of(case, np.dtype("float32")))
    wanted = {name for name in parallel_loops() if parallel_loops()[name].__module__ in modules_of_the_table()}
    assert wanted - reached == set()


def modules_of_the_table():
    return {kernel.fast.__module__ for kernel in KERNELS}


@needs_two_threads
def test_two_python_threads_launch_at_once(always_threaded):
    """Kernels release the GIL; the threading layer must cope with two launches, or jit.py must queue them."""
    x = np.random.default_rng(0).standard_normal((64, 257), np.float32)
    expected = fastgrok_kernels.softmax_forward(x)
    wrong = []

    def work():
        for _ in range(200):
            if not np.array_equal(fastgrok_kernels.softmax_forward(x), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

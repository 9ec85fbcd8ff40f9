"""Memory of large results: reused when they die, never while anything still looks at it."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from fastgrok_kernels import memory


@pytest.fixture
def waiting(monkeypatch):
    """A pool of its own: other tests keep theirs."""
    pool = memory._Waiting()
    monkeypatch.setattr(memory._waiting, "blocks", pool.blocks)
    monkeypatch.setattr(memory._waiting, "bytes", 0)
    return memory._waiting


def address(array):
    return array.__array_interface__["data"][0]


def test_a_dead_array_leaves_its_memory_to_the_next_of_its_size(waiting):
    first = memory.empty((1024, 512), np.float32)
    where = address(first)
    assert where % memory.ALIGNMENT == 0
    assert (first.shape, first.dtype, first.flags.carray) == ((1024, 512), np.float32, True)
    del first
    assert waiting.bytes == 1024 * 512 * 4
    second = memory.empty(512 * 512, np.float64)
    assert (address(second), waiting.bytes) == (where, 0)


def test_a_view_keeps_the_memory(waiting):
    array = memory.empty((1024, 512), np.float32)
    view = array.reshape(-1)[5:]
    view[:] = 7
    del array
    assert waiting.bytes == 0
    memory.empty((1024, 512), np.float32)[:] = 1
    assert (view == 7).all()


def test_views_of_a_base_leave_the_memory_alone(waiting):
    array = memory.empty((1024, 512), np.float32)
    assert array.base[:5].view().sum() >= 0
    (array.base + 1).view().sum()
    assert waiting.bytes == 0
    assert not np.shares_memory(array, memory.empty((1024, 512), np.float32))


def test_what_waits_is_limited_and_the_oldest_goes_first(waiting, monkeypatch):
    monkeypatch.setattr(waiting, "most", 3 * memory.LARGE)
    for size in (memory.LARGE, memory.LARGE + 64, memory.LARGE + 128):
        memory.empty(size, np.uint8)
    assert list(waiting.blocks) == [memory.LARGE + 64, memory.LARGE + 128]
    assert waiting.bytes == 2 * memory.LARGE + 192


def test_a_size_in_use_outlives_one_that_no_longer_is(waiting, monkeypatch):
    monkeypatch.setattr(waiting, "most", 8 * memory.LARGE)
    used, left = memory.LARGE, memory.LARGE + 64
    for size in (used, left, used):
        held = [memory.empty(size, np.uint8) for _ in range(4)]
        del held
    assert {size: len(blocks) for size, blocks in waiting.blocks.items()} == {used: 4}


def test_threads_never_share_an_array(waiting):
    shared = []

    def use(mark):
        for _ in range(500):
            arrays = [memory.empty(memory.LARGE + 64 * (k % 3), np.uint8) for k in range(4)]
            for k, array in enumerate(arrays):
                array[::4096] = 4 * mark + k
            shared.extend(mark for k, array in enumerate(arrays) if (array[::4096] != 4 * mark + k).any())

    threads = [threading.Thread(target=use, args=(mark,)) for mark in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not shared


def test_scratch_is_the_same_memory_for_one_thread_and_dtype():
    first = memory.scratch(1000, np.dtype("f4"))
    assert (first.shape, first.dtype, first.flags.carray) == ((1000,), np.dtype("f4"), True)
    assert address(first) % memory.ALIGNMENT == 0
    first[:] = 1
    assert np.shares_memory(first, memory.scratch(500, np.dtype("f4")))
    assert not np.shares_memory(first, memory.scratch(500, np.dtype("f8")))
    others = []
    thread = threading.Thread(target=lambda: others.append(memory.scratch(500, np.dtype("f4"))))
    thread.start()
    thread.join()
    others[0][:] = 2
    assert (first == 1).all()


def test_scratch_beyond_a_limit_is_not_kept():
    small, size = memory.scratch(10, np.dtype("f8")), memory.MOST_SCRATCH // 8 + 1
    large = memory.scratch(size, np.dtype("f8"))
    assert large.size == size
    assert np.shares_memory(small, memory.scratch(10, np.dtype("f8")))


def test_small_arrays_are_numpys(waiting):
    memory.empty(memory.LARGE - 1, np.uint8)
    assert not waiting.blocks


def test_python_exits_quietly_with_arrays_alive(tmp_path):
    # A compiled function of the script keeps the script's globals alive until those of modules are gone.
    script = tmp_path / "script.py"
    script.write_text("""
from fastgrok_kernels import jit, memory
@jit.serial
def first(x):
    return x[0]
array = memory.empty(1 << 20, "u1")
first(array)
""")
    environment = {**os.environ, "FASTGROK_CACHE": "0", "FASTGROK_QUIET": "1"}
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, env=environment)
    assert (run.returncode, run.stderr) == (0, "")

"""One run per folder: a lock that the system holds, and folders that no two runs choose."""

import subprocess
import sys
import threading

import pytest
from training.small_runs import regression

from fastgrok.training import Checkpoint, fit
from fastgrok.training.files import FolderLock, new_folder


def test_a_folder_can_be_locked_once(tmp_path):
    with FolderLock(tmp_path / "run") as lock:
        lock.acquire()  # it has it already
        with pytest.raises(BlockingIOError, match=r"another run is writing to .*run: wait until it has ended"):
            FolderLock(tmp_path / "run").acquire()
    with FolderLock(tmp_path / "run"):
        pass


def test_a_killed_process_lets_go(tmp_path):
    code = f"""
from fastgrok.training.files import FolderLock
lock = FolderLock({str(tmp_path)!r})
lock.acquire()
print("locked", flush=True)
input()
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline().strip() == b"locked"
    with pytest.raises(BlockingIOError):
        FolderLock(tmp_path).acquire()
    process.kill()
    process.communicate()
    with FolderLock(tmp_path):
        pass


def test_a_second_run_is_refused_before_it_changes_anything(tmp_path):
    fit(*regression(), steps=3, callbacks=[Checkpoint(tmp_path)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with FolderLock(tmp_path), pytest.raises(BlockingIOError, match="another run"):
        fit(*regression(), steps=5, callbacks=[Checkpoint(tmp_path)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    fit(*regression(), steps=5, callbacks=[Checkpoint(tmp_path)])


def test_runs_that_start_together_get_different_folders(tmp_path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(new_folder(tmp_path / "run"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 16
    assert {path.name for path in found} == {"run", *(f"run-{n}" for n in range(2, 17))}


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    for make in (lambda: new_folder(tmp_path / "file" / "run"), FolderLock(tmp_path / "file" / "run").acquire):
        with pytest.raises(OSError, match=r"the folder .*run cannot be"):
            make()
    with pytest.raises(NotADirectoryError, match="is a file, expected a folder"):
        FolderLock(tmp_path / "file").acquire()

"""Does the safety net hold? Make one kernel a fifth slower, in a clone, and see whether `asv continuous` says so.

    python asv_bench/slowed.py

needs `pip install --group bench` and a package index, and takes some minutes: asv builds both commits and measures them
in environments of its own. The exit status is 0 when the slower kernel was reported and nothing else was.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KERNEL = "softmax_forward"
FILE = "kernels/fastgrok_kernels/softmax.py"
BEFORE = """
        softmax_block(x, n0, n1, x.dtype.type(1), y, maxima, sums)
"""
AFTER = """
        softmax_block(x, n0, n1, x.dtype.type(1), y, maxima, sums)
        softmax_block(x, n0, n0 + (n1 - n0) // 5, x.dtype.type(1), y, maxima, sums)
"""
"""Of each block of rows, a fifth is calculated twice: 20 % more work."""


def slow_down(checkout: Path) -> None:
    """Change the kernel in a checkout.

    Raises ValueError when the kernel no longer looks as expected.
    """
    path = checkout / FILE
    source = path.read_text("utf-8")
    if source.count(BEFORE) != 1:
        raise ValueError(f"{FILE}: the loop of {KERNEL} has changed: adapt {Path(__file__).name} to it")
    path.write_text(source.replace(BEFORE, AFTER), "utf-8")


def one_thread(checkout: Path) -> None:
    """Measure in one environment instead of two, which halves the wait."""
    path = checkout / "asv_bench" / "asv.conf.json"
    both = '"NUMBA_NUM_THREADS": ["1", "2"]'
    path.write_text(path.read_text("utf-8").replace(both, '"NUMBA_NUM_THREADS": ["1"]'), "utf-8")


def slower(output: str) -> list[str]:
    """The benchmarks that asv's table marks with a plus: | + | before | after | ratio | name |."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in output.splitlines() if line.startswith("|")]
    return [row[4] for row in rows if len(row) == 5 and row[0] == "+"]


def main() -> int:
    """Clone, slow down, compare."""
    with tempfile.TemporaryDirectory() as scratch:
        clone = Path(scratch) / "fastgrok"
        _git("clone", "--quiet", str(ROOT), str(clone))
        _git("checkout", "--quiet", "-B", "main", cwd=clone)
        slow_down(clone)
        _git("commit", "--quiet", "--all", "--message", f"kernels: a slower {KERNEL}", cwd=clone)
        one_thread(clone)
        environment = {**os.environ, "FASTGROK_CACHE_DIR": str(Path(scratch) / "kernels")}
        environment.pop("PYTHONPATH", None)  # each commit is measured as it was installed
        asv = [sys.executable, "-m", "asv", "--config", str(clone / "asv_bench" / "asv.conf.json")]
        subprocess.run([*asv, "machine", "--yes"], cwd=clone, check=True, capture_output=True)
        command = [
            *asv,
            "continuous",
            "--factor",
            "1.1",
            "--interleave-rounds",
            "--attribute",
            "rounds=4",
            "--show-stderr",
        ]
        command += ["--bench", rf"Kernels.*\('({KERNEL}|sigmoid_forward)', 'fast'\)", "HEAD^", "HEAD"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        run = subprocess.run(command, env=environment, cwd=clone, text=True, **pipes)
    print("\n".join(line for line in run.stdout.splitlines() if line.startswith("|")) or run.stdout)
    found = slower(run.stdout)
    right = run.returncode != 0 and len(found) == 1 and re.search(rf"\('{KERNEL}', 'fast'\)", found[0]) is not None
    verdict = "as it should be" if right else "WRONG"
    print(f"exit status {run.returncode}; slower: {', '.join(found) or 'nothing'}: {verdict}")
    return int(not right)


def _git(*words: str, cwd: Path = ROOT) -> None:
    author = ["-c", "user.name=slowed", "-c", "user.email=slowed@example.org", "-c", "core.hooksPath="]
    subprocess.run(["git", *author, *words], cwd=cwd, check=True)


if __name__ == "__main__":
    sys.exit(main())

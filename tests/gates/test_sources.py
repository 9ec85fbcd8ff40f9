"""The rules applied to every file of this repository."""

import ast
import re
import shutil
import subprocess
import warnings

import pytest

import fastgrok
from gates import rules
from gates.rules import KERNELS, ROOT

FRAMEWORK_FILES = sorted((ROOT / "fastgrok").rglob("*.py"))
KERNEL_FILES = sorted(KERNELS.rglob("*.py"))
TEST_FILES = sorted((ROOT / "tests").rglob("*.py"))

# Where the names of the package itself live; its version lives nowhere in particular.
FACADE = {
    **fastgrok._HOME,
    **dict.fromkeys(fastgrok._ALIASES, "tensor"),
    **dict.fromkeys(fastgrok._THREADS, "kernels"),
    "__version__": "errors",
}


def _name(path):
    return path.relative_to(ROOT).as_posix()


def _module(path):
    """Dotted name of a source file, and whether it is a package's __init__.py."""
    base = ROOT / "kernels" if KERNELS in path.parents else ROOT
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts), parts[-1] == "__init__"


def _repository_files():
    """The text files that git tracks or would track; the folders of the project where there is no git."""
    if shutil.which("git") and (ROOT / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        paths = [ROOT / name for name in listed.split("\0") if name]
    else:
        folders = ("fastgrok", "kernels", "tests", "asv_bench", "examples")
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*.*")] + list(ROOT.glob("*.*"))
    suffixes = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".txt", ".cfg", ".ipynb", ""}
    return sorted(path for path in paths if path.is_file() and path.suffix in suffixes)


@pytest.mark.parametrize("path", FRAMEWORK_FILES, ids=_name)
def test_framework_imports_point_downward(path):
    assert rules.upward_imports(path.read_text("utf-8"), *_module(path), facade=FACADE) == []


@pytest.mark.parametrize("path", KERNEL_FILES, ids=_name)
def test_kernel_imports_point_downward(path):
    assert rules.upward_kernel_imports(path.read_text("utf-8"), *_module(path)) == []


@pytest.mark.parametrize("path", [p for p in FRAMEWORK_FILES + KERNEL_FILES if "reference" not in p.parts], ids=_name)
def test_no_blas(path):
    """One exception: `nn.init.orthogonal_` factorises a matrix when a model is built."""
    complaints = rules.blas_calls(path.read_text("utf-8"), _name(path))
    assert [c for c in complaints if not (_name(path) == "fastgrok/nn/init.py" and "np.linalg" in c)] == []


@pytest.mark.parametrize("path", FRAMEWORK_FILES + KERNEL_FILES, ids=_name)
def test_public_names_have_docstrings(path):
    assert rules.missing_docstrings(path.read_text("utf-8"), _name(path)) == []


@pytest.mark.parametrize("path", FRAMEWORK_FILES, ids=_name)
def test_public_functions_have_types(path):
    """Except the two methods of an op, which take and return what `Op` says: arrays."""
    exempt = re.compile(r"\.(forward|backward): ") if path.parent.name == "ops" else re.compile(r"$^")
    assert [c for c in rules.missing_types(path.read_text("utf-8"), _name(path)) if not exempt.search(c)] == []


@pytest.mark.parametrize("path", FRAMEWORK_FILES + KERNEL_FILES, ids=_name)
def test_nothing_is_asserted_to_users(path):
    """An `assert` disappears under `python -O`, and tells a user nothing."""
    tree = ast.parse(path.read_text("utf-8"))
    assert [f"{_name(path)}:{node.lineno}" for node in ast.walk(tree) if isinstance(node, ast.Assert)] == []


@pytest.mark.parametrize("path", TEST_FILES, ids=_name)
def test_skips_give_a_reason(path):
    assert rules.skips_without_reason(path.read_text("utf-8"), _name(path)) == []


def test_files_hold_no_paths_of_one_machine():
    files = _repository_files()
    assert [c for path in files for c in rules.local_paths(path.read_text("utf-8"), _name(path))] == []


def test_nothing_reaches_outside_the_repository():
    """Only the script of the continuous integration may know what lies beside a checkout."""
    beside = "../" + "shared"
    files = [path for path in _repository_files() if beside in path.read_text("utf-8")]
    assert [_name(path) for path in files if path.parent.name != ".ci"] == []


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", FRAMEWORK_FILES + KERNEL_FILES, ids=_name)
def test_files_are_short(path):
    """One idea per file. Warns from 500 lines of code, fails from 700."""
    lines = rules.code_lines(path.read_text("utf-8"))
    if lines > 500:
        warnings.warn(f"{_name(path)} has {lines} lines of code: more than one idea?", stacklevel=1)
    assert lines <= 700

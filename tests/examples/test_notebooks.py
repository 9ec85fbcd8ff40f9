"""The notebooks run from top to bottom, and hold no outputs that could contradict their code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "notebooks"
NOTEBOOKS = ("first_network", "mnist", "shakespeare")

# In a process of its own: what Jupyter warns about is not ours to mend.
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def execute(name, folder):
    """Return what a notebook prints, and how many pictures it draws."""
    pytest.importorskip("nbclient", reason="nbclient runs the notebooks")
    pytest.importorskip("ipykernel", reason="ipykernel runs the notebooks")
    if not os.environ.get("FASTGROK_DATA_DIR"):
        pytest.skip("FASTGROK_DATA_DIR does not name a folder with the data")
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}  # as in a browser
    environment |= {"IPYTHONDIR": str(folder), "JUPYTER_RUNTIME_DIR": str(folder)}
    command = [sys.executable, "-c", RUN, str(FOLDER / f"{name}.ipynb"), str(folder / "run.ipynb")]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400)
    assert result.returncode == 0, result.stderr[-3000:]
    outputs = [output for cell in cells(folder / "run.ipynb") for output in cell.get("outputs", ())]
    printed = "".join("".join(output["text"]) for output in outputs if output.get("name") == "stdout")
    return printed, sum("image/png" in output.get("data", ()) for output in outputs)


def cells(path):
    return json.loads(path.read_text("utf-8"))["cells"]


def test_all_are_listed():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_outputs_are_stored(name):
    found = cells(FOLDER / f"{name}.ipynb")
    assert found[0]["cell_type"] == "markdown" and len(found) > 5
    for cell in found:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None


@pytest.mark.slow
def test_first_network(tmp_path):
    printed, pictures = execute("first_network", tmp_path)
    assert pictures == 1
    assert float(re.search(r"largest difference: (\S+)", printed)[1]) < 1e-4
    assert re.findall(r"\] (walk|stop)", printed) == ["walk", "walk", "stop", "stop"]


@pytest.mark.slow
def test_mnist(tmp_path):
    printed, pictures = execute("mnist", tmp_path)
    assert pictures == 3
    accuracies = [float(found) for found in re.findall(r"accuracy (\S+)", printed)]
    assert len(accuracies) == 5 and accuracies[-1] > 0.93 and accuracies[-1] > accuracies[0]


@pytest.mark.slow
def test_shakespeare(tmp_path):
    printed, _ = execute("shakespeare", tmp_path)
    bits = [float(found) for found in re.findall(r"step \d+: (\S+) bits", printed)]
    assert len(bits) == 3 and bits[-1] < 3.0 and bits == sorted(bits, reverse=True)
    assert printed.rfind("temperature 1.2") > printed.rfind("temperature 0.2") > 0

"""Nothing is missing from the table of kernels: reference, signature, cases, documentation, benchmark."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import fastgrok_kernels
from fastgrok_kernels.table import KERNELS
from gates import rules

NAMES = [kernel.name for kernel in KERNELS]
each_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=NAMES)


def _public_functions(path):
    """Top-level functions of a file, by syntax, that are neither private nor loops under a decorator."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {node.name for node in functions if not node.name.startswith("_") and not node.decorator_list}


def _array_parameters(kernel):
    parameters = list(inspect.signature(kernel.fast).parameters)
    arguments = kernel.cases[0].make(np.random.default_rng(0), np.dtype("float32"))
    return {name for name, value in zip(parameters, arguments, strict=False) if isinstance(value, np.ndarray)}


def test_names_are_unique():
    assert len(set(NAMES)) == len(NAMES)


def test_every_public_kernel_is_in_the_table():
    names = set(fastgrok_kernels.__all__)
    assert names - set(NAMES) == set(), "public, but not in the table"
    assert set(NAMES) - names == set(), "in the table, but not public"


def test_every_reference_is_in_the_table():
    for path in (rules.KERNELS / "reference").glob("*.py"):
        assert _public_functions(path) <= set(NAMES), path.name


@each_kernel
def test_reference_mirrors_the_kernel(kernel):
    assert kernel.reference.__name__ == kernel.fast.__name__ == kernel.name
    assert kernel.fast.__module__ == f"fastgrok_kernels.{kernel.module}"
    assert kernel.reference.__module__ == f"fastgrok_kernels.reference.{kernel.module}"
    assert inspect.signature(kernel.reference) == inspect.signature(kernel.fast)


@each_kernel
def test_kernel_has_cases(kernel):
    ids = [case.id for case in kernel.cases]
    assert len(set(ids)) == len(ids)
    assert any(not case.bench for case in kernel.cases), "no small case"
    assert any(case.bench for case in kernel.cases), "no case of benchmark size"


@each_kernel
def test_kernel_documents_its_shapes(kernel):
    """In its own docstring, or in one that it refers to: "the rest as in `softmax_forward`"."""
    parameters = list(inspect.signature(kernel.fast).parameters)
    docstring = inspect.getdoc(kernel.fast) or ""
    for other in re.findall(r"as in `(\w+)`", docstring):
        docstring += inspect.getdoc(getattr(fastgrok_kernels, other)) or ""
    assert rules.undocumented_shapes(docstring, parameters, _array_parameters(kernel)) == []


def test_every_kernel_has_a_benchmark():
    """The list is literal, because asv must find the same benchmarks in every commit."""
    source = Path(rules.ROOT / "asv_bench" / "benchmarks" / "kernels.py").read_text("utf-8")
    (assignment,) = (
        node for node in ast.parse(source).body if isinstance(node, ast.Assign) and node.targets[0].id == "NAMES"
    )
    assert ast.literal_eval(assignment.value) == sorted(NAMES)

"""The rules themselves: each one must complain about a snippet that breaks it, and let its neighbour pass."""

from pathlib import Path

import pytest

from gates import rules


@pytest.mark.parametrize(
    "module, source",
    [
        ("fastgrok.ops.linear", "from ..tensor import Tensor"),
        ("fastgrok.ops.linear", "from fastgrok.autograd import apply"),
        ("fastgrok.ops.linear", "def f():\n    from .. import nn"),
        ("fastgrok.autograd", "import fastgrok_kernels, fastgrok.tensor"),
        ("fastgrok.errors", "from . import random"),
        ("fastgrok.errors", "import numba"),
        ("fastgrok.nn.linear", "from ..optim import SGD"),
        ("fastgrok.nn.linear", "from .. import Tensor"),
        ("fastgrok.nn.linear", "import fastgrok\nfastgrok.Tensor"),
        ("fastgrok.nn.linear", "import fastgrok\nfastgrok.optim.SGD"),
        ("fastgrok.data.text", "from ..nn import functional"),
        ("fastgrok.training.loop", "from ..cli import main"),
        ("fastgrok.book.layers", "from ..training import fit"),
        ("fastgrok.somewhere_new", "import math"),
    ],
)
def test_upward_import_is_found(module, source):
    assert rules.upward_imports(source, module)


@pytest.mark.parametrize(
    "module, source",
    [
        ("fastgrok.ops.linear", "import math\nimport fastgrok_kernels as kernels\nfrom ..errors import ShapeError"),
        ("fastgrok.ops.linear", "from .base import Op\nfrom . import gradients"),
        ("fastgrok.nn.linear", "from ..tensor import Tensor\nfrom .. import random\nfrom ..autograd import apply"),
        ("fastgrok.training.loop", "from ..nn import Module\nfrom ..optim import Adam\nimport tqdm"),
        ("fastgrok.cli.main", "from ..training import fit\nfrom ..federated import clients"),
    ],
)
def test_downward_import_passes(module, source):
    assert rules.upward_imports(source, module) == []


def test_names_of_the_package_count_where_they_live():
    facade = {"Tensor": "tensor.tensor", "generate": "nn.generate"}
    source = "import fastgrok\nfrom fastgrok import Tensor\nfastgrok.Tensor"
    assert rules.upward_imports(source, "fastgrok.data.text", facade=facade) == []
    assert len(rules.upward_imports(source, "fastgrok.autograd", facade=facade)) == 2
    assert rules.upward_imports("from fastgrok import generate", "fastgrok.data.text", facade=facade)


def test_imports_of_a_package_resolve_against_itself():
    assert list(rules.imports("from .rnn import LSTM", "fastgrok.nn", is_package=True)) == [(1, "fastgrok.nn.rnn.LSTM")]
    assert list(rules.imports("from ..ops import Op", "fastgrok.nn.rnn", False)) == [(1, "fastgrok.ops.Op")]
    assert rules.upward_imports("from .cli import main", "fastgrok", is_package=True) == []


@pytest.mark.parametrize(
    "module, source",
    [
        ("fastgrok_kernels.simd", "from . import matmul"),
        ("fastgrok_kernels.vector", "from .scalar import exp"),
        ("fastgrok_kernels.matmul", "from . import lstm"),
        ("fastgrok_kernels.softmax", "from . import embedding"),
        ("fastgrok_kernels.softmax", "from .reference import softmax"),
        ("fastgrok_kernels.softmax", "import fastgrok"),
        ("fastgrok_kernels.softmax", "import scipy"),
        ("fastgrok_kernels.jit", "from . import table"),
        ("fastgrok_kernels.reference.softmax", "from .. import softmax"),
        ("fastgrok_kernels.reference.softmax", "from ..scalar import exp"),
        ("fastgrok_kernels.reference.softmax", "import numba"),
        ("fastgrok_kernels.reference.softmax", "import math"),
    ],
)
def test_upward_kernel_import_is_found(module, source):
    assert rules.upward_kernel_imports(source, module)


@pytest.mark.parametrize(
    "module, source",
    [
        ("fastgrok_kernels.softmax", "import numpy as np\nfrom . import jit\nfrom .scalar import exp"),
        ("fastgrok_kernels.jit", "import os, numba\nfrom . import cache"),
        ("fastgrok_kernels.table", "from . import softmax\nfrom .reference import softmax as slow"),
        ("fastgrok_kernels.reference.attention", "import numpy as np\nfrom .dropout import dropout_forward"),
    ],
)
def test_downward_kernel_import_passes(module, source):
    assert rules.upward_kernel_imports(source, module) == []


@pytest.mark.parametrize(
    "source",
    [
        "y = x @ w", "y @= w", "np.dot(a, b)", "f = np.matmul", "np.einsum('ij,jk', a, b)", "np.linalg.norm(x)",
        "x.dot(w)", "from numpy import dot", "from numpy.linalg import qr", "import numpy\nnumpy.tensordot(a, b)",
        "from scipy import linalg",
    ],
)  # fmt: skip
def test_blas_is_found(source):
    assert rules.blas_calls(source, "snippet")


@pytest.mark.parametrize(
    "source", ["kernels.matmul(a, b)", "x.matmul(w)", "self @ w", "@d\ndef f(): 'a @ b'", "np.sum(a * b)"]
)
def test_other_products_pass(source):
    assert rules.blas_calls(source, "snippet") == []


@pytest.mark.parametrize(
    "source", ["x = 1", '"""m"""\ndef f(): pass', '"""m"""\nclass A:\n    "a"\n    def f(self): pass']
)
def test_missing_docstring_is_found(source):
    assert len(rules.missing_docstrings(source, "snippet")) == 1


def test_private_and_magic_names_need_no_docstring():
    source = '"""m"""\ndef _f(): pass\nclass A:\n    "a"\n    def __len__(self): return 0\n    def _g(self): pass'
    assert rules.missing_docstrings(source, "snippet") == []
    source = '"""m"""\n__all__ = ["A"]\ndef f(): pass\nclass A:\n    "a"'
    assert rules.missing_docstrings(source, "snippet") == []


@pytest.mark.parametrize(
    "source", ["def f(x) -> int: ...", "def f(x: int): ...", "class A:\n    def f(self, *x) -> int: ..."]
)
def test_missing_type_is_found(source):
    assert len(rules.missing_types(source, "snippet")) == 1


def test_typed_and_private_functions_pass():
    source = "def f(x: int, *a: int, **k: int) -> int: ...\ndef _g(x): ...\nclass A:\n    def f(self) -> int: ..."
    assert rules.missing_types(source, "snippet") == []


def test_undocumented_shapes_are_found():
    docstring = "Rows of a table.\n\ntable (V, D), h0 and c0 (B, H), ids (N,) int64, at p -> out (N, D)."
    assert rules.undocumented_shapes(docstring, ["table", "h0", "c0", "ids", "p"], {"table", "h0", "c0", "ids"}) == []
    assert rules.undocumented_shapes(docstring, ["out", "seed"], set()) == ["parameter seed is not documented"]
    assert rules.undocumented_shapes("x is doubled.", ["x"], {"x"}) == ["the shape of x is not documented"]


@pytest.mark.parametrize(
    "source",
    [
        "import pytest\n@pytest.mark.skip\ndef test(): pass",
        "import pytest\n@pytest.mark.skipif(True)\ndef test(): pass",
        "import pytest\n@pytest.mark.xfail\ndef test(): pass",
        "import pytest\ndef test():\n    pytest.skip()",
        "import pytest\ndef test():\n    pytest.skip('')",
        "import pytest\np = pytest.param(1, marks=pytest.mark.xfail(reason=''))",
    ],
)
def test_skip_without_reason_is_found(source):
    assert len(rules.skips_without_reason(source, "snippet")) == 1


def test_skip_with_reason_passes():
    source = "@pytest.mark.skipif(True, reason='no MPI')\ndef test():\n    pytest.skip('no MPI')\n    rows.skip()"
    assert rules.skips_without_reason(source, "snippet") == []


# Put together here, so that no file of the repository, this one included, holds such a path.
@pytest.mark.parametrize("folder", ["home", "Users", "root", "mnt", "tmp", "srv/checkouts"])
def test_local_path_is_found(folder):
    checkout = Path("/srv/checkouts/fastgrok")
    assert rules.local_paths(f"data = '/{folder}/input.txt'", "snippet", checkout)


@pytest.mark.parametrize(
    "text", ["https://example.org/home/page", "~/.cache", "tests/tmp/input.txt", "a / b", "/srv/other", "/usr/bin/env"]
)
def test_other_paths_pass(text):
    assert rules.local_paths(text, "snippet", Path("/srv/checkouts/fastgrok")) == []
    assert rules.local_paths(text, "snippet", Path("/fastgrok")) == []


def test_code_lines_leave_out_words():
    source = '"""One\ntwo."""\n\n# why\nx = 1  # here\n\n\ndef f():\n    """Doc."""\n    return x\n'
    assert rules.code_lines(source) == 3

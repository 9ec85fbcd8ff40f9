"""The package as a whole: what importing loads, and what the environment variables of jit.py do."""

import os
import platform
import subprocess
import sys

import pytest


def run(code, *, check=True, **environment):
    variables = {k: v for k, v in os.environ.items() if k not in ("NUMBA_DISABLE_JIT", "FASTGROK_CHECK")}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env={**variables, **environment}, capture_output=True, text=True, timeout=300, check=check
    )


def test_importing_the_package_does_not_load_numba():
    code = "import sys, fastgrok_kernels as k; dir(k); k.__all__; assert 'numba' not in sys.modules, 'numba is loaded'"
    run(code)


def test_an_unknown_name_is_an_attribute_error():
    import fastgrok_kernels

    with pytest.raises(AttributeError, match="no_such_kernel"):
        fastgrok_kernels.no_such_kernel  # noqa: B018


def test_every_public_name_is_a_function_that_dir_lists():
    import fastgrok_kernels

    for name in fastgrok_kernels.__all__:
        assert callable(getattr(fastgrok_kernels, name)) and name in dir(fastgrok_kernels)


def test_a_kernel_wins_over_the_module_of_its_name():
    run("import fastgrok_kernels.matmul, fastgrok_kernels as k; assert callable(k.matmul)")
    run("import fastgrok_kernels as k; k.matmul; import fastgrok_kernels.matmul as m; assert callable(k.matmul)")


OVERRUN = """
import numpy as np
from fastgrok_kernels import jit

@jit.parallel(work=lambda x: 0)
def overrun(x):
    for i in jit.prange(x.size + 1):
        x[i] = 1

assert overrun.threaded is overrun.serial
overrun(np.zeros(5, np.float32))
"""


@pytest.mark.parametrize("mode", ["FASTGROK_CHECK", "NUMBA_DISABLE_JIT"])
def test_an_overrunning_kernel_raises(mode, tmp_path):
    """Also on a warm cache: Numba ignores bounds checks when it finds code that was compiled without them."""
    (tmp_path / "overrun.py").write_text(OVERRUN)
    for _ in range(2):
        done = run(
            "import overrun", check=False,
            **{mode: "1", "FASTGROK_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": _path(tmp_path)},
        )  # fmt: skip
        assert done.returncode != 0 and "IndexError" in done.stderr, done.stderr


def _path(directory):
    return os.pathsep.join([str(directory), *sys.path])


@pytest.mark.parametrize("value", ["0", "-1", "two"])
def test_a_senseless_number_of_threads_is_refused(value):
    done = run("import fastgrok_kernels.jit", check=False, FASTGROK_NUM_THREADS=value)
    assert done.returncode != 0 and f"ValueError: FASTGROK_NUM_THREADS='{value}'" in done.stderr


def test_set_num_threads():
    from fastgrok_kernels import jit

    for wrong in (0, -1, 1.5):
        with pytest.raises(ValueError, match="set_num_threads: n="):
            jit.set_num_threads(wrong)
    jit.set_num_threads(1)
    assert jit.get_num_threads() == 1
    jit.set_num_threads(10_000)
    assert jit.get_num_threads() == jit._state.most


PRODUCTS = """
import hashlib
import numpy as np
import fastgrok_kernels as kernels
rng, bits = np.random.default_rng(0), hashlib.md5()
for M, K, N in ((1, 300, 9), (9, 300, 1), (3, 64, 7), (1, 1030, 300), (20, 40, 50)):
    for dtype in (np.float32, np.float64):
        a, b = rng.standard_normal((M, K)).astype(dtype), rng.standard_normal((K, N)).astype(dtype)
        bits.update(kernels.matmul(a, b).tobytes())
        bits.update(kernels.matmul(a, b.T.copy(), False, True).tobytes())
print(bits.hexdigest())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names features of x86-64")
def test_products_have_the_same_bits_on_narrower_vectors():
    features = "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+f16c,+bmi,+bmi2"
    narrow = run(PRODUCTS, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES=features, FASTGROK_CACHE="0")
    assert run(PRODUCTS, FASTGROK_CACHE="0").stdout == narrow.stdout


FORK = """
import os
import numpy as np
import fastgrok_kernels as kernels
a = np.ones((600, 600), np.float32)
kernels.matmul(a, a)  # on several threads, if the machine has them
if not (child := os.fork()):
    os._exit(7 if kernels.matmul(a, a)[0, 0] == 600 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork there")
def test_the_child_of_a_fork_computes_on_one_thread():
    """GNU OpenMP ends a forked process that wants its threads."""
    run(FORK)

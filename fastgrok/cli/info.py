"""`fastgrok info`."""

import importlib.metadata
import os
import platform

__all__ = ["info"]


def info() -> int:
    """Print what decides how fast fastgrok is here, and what a bug report should name."""
    import llvmlite.binding

    import fastgrok
    from fastgrok.data.datasets import cache_directory
    from fastgrok_kernels import cache, jit, simd

    features = llvmlite.binding.get_host_cpu_features()
    known = [name for name in ("avx512f", "avx2", "fma", "sse4.2", "neon", "sve") if features.get(name)]
    mode = "off (NUMBA_DISABLE_JIT)" if jit.DISABLED else "with bounds checks (FASTGROK_CHECK)" if jit.CHECK else "on"
    kernels = jit.cache_directory()
    multiply_add = "fused" if simd.FUSED else "separate"
    rows = {
        "fastgrok": fastgrok.__version__,
        "Python": f"{platform.python_version()} on {platform.platform()}",
        "packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "numba", "llvmlite")),
        "CPU": f"{llvmlite.binding.get_host_cpu_name()} ({', '.join(known) or 'baseline'})",
        "tile": f"{simd.ROWS} rows x {simd.VECTORS} vectors of {simd.LANES} float32, {multiply_add} multiply-add",
        "compilation": mode,
        "threads": f"{jit.get_num_threads()} of {os.cpu_count()} cores",
        "threading": jit.threading_layer(),
        "kernel cache": kernels if cache.lasts(kernels) else "none: kernels are compiled anew in every process",
        "data cache": str(cache_directory()),
        "data folder": os.environ.get("FASTGROK_DATA_DIR") or "none (FASTGROK_DATA_DIR)",
    }
    for name, value in rows.items():
        print(f"{name + ':':14}{value}")
    return 0

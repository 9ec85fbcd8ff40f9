"""What a measurement was made on."""

import os
import platform
import re
from pathlib import Path


def describe(avx2: bool = False) -> dict:
    """Return processor, cores, operating system and Python; `avx2` says that the libraries may use nothing wider."""
    return {
        "processor": _processor() + (", of which nothing wider than AVX2 is used" if avx2 else ""),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,  # of what else runs, at the start
    }


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    """The name, and the widest vectors it has."""
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return platform.processor() or platform.machine()
    text = information.read_text("utf-8")
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE)
    has = set(flags[1].split()) if flags else set()
    vectors = next((vector for flag, vector in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in has), None)
    return (name[1] if name else platform.machine()) + (f" with {vectors}" if vectors else "")

"""What the figures were measured on: enough to judge them by, and nothing that names the machine."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "numba", "django", "djangorestframework", "gunicorn")
PEERS = ("scikit-surprise", "libmf", "implicit", "pyspark")
_GIB = 1024**3


def described() -> dict[str, Any]:
    """Processor, cores that we may use, memory, system, Python and the libraries that matter to speed."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB, 1),
        "vectors": widest_vectors(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: found for name in (*LIBRARIES, *PEERS) if (found := _version(name))},
    }


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The model's name as the processor tells it."""
    return _told(cpuinfo, "model name") or platform.processor() or "unknown"


def widest_vectors(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    flags = _told(cpuinfo, "flags").split()
    names = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
    return next((name for flag, name in names.items() if flag in flags), "unknown")


def available_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Memory that may be taken without pushing others out."""
    told = _told(meminfo, "MemAvailable").split()
    return int(told[0]) * 1024 if told else 0


def _told(path: Path, name: str) -> str:
    """The first value of that name in a file of lines ``name : value``; empty if there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in pairs if key.strip() == name), "")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""

"""Where the numbers come from: processor, system and versions, for the JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

# Read by thread pools when their library is loaded, so they belong in the child's environment.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


# Variables that keep a library from choosing its own kernels for this processor. They bind one
# contestant and leave another free: a BLAS told to be Haswell took 1.7 times as long for the
# products of the MNIST workload, on a processor with AVX-512.
STEERING = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)


def steered() -> list[str]:
    """The steering variables that are set here, as NAME=value."""
    return [f"{name}={os.environ[name]}" for name in STEERING if os.environ.get(name)]


def cpu_model() -> str:
    """The processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def core() -> int | None:
    """The core that every contestant is pinned to: the last one allowed, as interrupts prefer the
    first. None where the system cannot pin.
    """
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each package; None where it is missing."""
    found: dict[str, str | None] = {}
    for package in sorted(set(packages)):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def describe(packages: Iterable[str]) -> dict[str, object]:
    """Everything of the machine that a reader of the numbers might ask for."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "pinned_to": core(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "environment": {
            name: value
            for name, value in {**os.environ, **ONE_THREAD}.items()
            if name in STEERING or name.startswith(("OMP_", "OPENBLAS_", "MKL_"))
        },
        "versions": versions(packages),
    }

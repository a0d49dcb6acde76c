"""Where the numbers come from: processor, system, versions, threads, and a process's memory."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

# Read by thread pools when their library is loaded, so they belong in the child's environment.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "BLIS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}

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

# What threadpoolctl tells of a library: its name, its version and the kernels that it chose.
POOL_KEYS = ("internal_api", "version", "architecture")


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


def cores() -> set[int]:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def environment(threads: str) -> dict[str, str]:
    """The environment of a contestant's process, for "1" thread or "all"."""
    return {**os.environ, **(ONE_THREAD if threads == "1" else {})}


def one_thread() -> bool:
    """Whether this process was told to run one thread."""
    return os.environ.get("OMP_NUM_THREADS") == "1"


def pin(threads: str) -> None:
    """Keep this process, where the system can, on one core: the last one allowed, as interrupts
    prefer the first. To be called before any library starts its threads.
    """
    if threads == "1" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(cores())})


def pools() -> tuple[tuple[str, int], ...]:
    """The thread pools of the libraries in this process, each with its number of threads."""
    from threadpoolctl import threadpool_info

    return tuple(
        (
            " ".join(str(pool[key]) for key in POOL_KEYS if pool.get(key)),
            int(pool["num_threads"]),
        )
        for pool in threadpool_info()
    )


def resident() -> int | None:
    """Bytes of memory that this process holds now; None where the system does not tell."""
    return _status("VmRSS")


def peak() -> int | None:
    """The most that it held since ``reset_peak``; None where the system does not tell."""
    return _status("VmHWM")


def reset_peak() -> None:
    """Begin to watch for a new peak."""
    watch = Path("/proc/self/clear_refs")
    if watch.exists():
        watch.write_text("5", encoding="ascii")


def _status(key: str) -> int | None:
    file = Path("/proc/self/status")
    if not file.is_file():
        return None
    for line in file.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    return None


def version(package: str) -> str | None:
    """The installed version of a package; None where it is missing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def describe(packages: Iterable[str], threads: str) -> dict[str, object]:
    """Everything of the machine that a reader of the numbers might ask for."""
    used = {max(cores())} if threads == "1" else cores()
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "pinned_to": sorted(used),
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "environment": {
            name: value
            for name, value in environment(threads).items()
            if name in STEERING or name.startswith(("OMP_", "OPENBLAS_", "MKL_", "XLA_"))
        },
        "versions": {package: version(package) for package in sorted(set(packages))},
    }

"""A whole process: ``python scripts/<contestant>.py digits.npz``, by the clock on the wall."""

from __future__ import annotations

import compileall
import importlib.util
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from contestants import Contestant, Share
from work import Result, Work

FOLDER = Path(__file__).parents[1] / "scripts"
ACCURACY = 0.97


def setup(work: Work, contestant: Contestant, share: Share, file: Path) -> Callable[[], Result]:
    """Compile everyone's bytecode, and run once unmeasured, so that the files are warm."""
    for package in contestant.packages:
        compile_package(package)
    script = FOLDER / f"{script_name(contestant)}.py"

    def turn() -> Result:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, str(script), str(file)], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            complaint = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise RuntimeError(complaint[-1])
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        accuracy = float(done.stdout.split()[-1]) if contestant.learns else None
        return Result(seconds, cpu / seconds, accuracy=accuracy)

    turn()
    return turn


def script_name(contestant: Contestant) -> str:
    """The script is named as the contestant's file: torch_net runs scripts/torch_net.py."""
    return contestant.module


def compile_package(package: str) -> None:
    """Write the bytecode of a distribution's modules, wherever it is not up to date."""
    owners = metadata.packages_distributions()
    # What is installed from its sources, to be edited, is not among them.
    for name in [name for name in owners if package in owners[name]] or [package]:
        spec = importlib.util.find_spec(name)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            if os.access(folder, os.W_OK):
                compileall.compile_dir(folder, quiet=2)

"""Train real networks and write one HTML page that tells what neural networks are.

    python demo/make_page.py --out demo-report

Every picture and every number on the page is computed in this run. The page is one file that opens
without a network: nothing is downloaded, neither now nor by the browser.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from page import Block, Chapter, Table, document
from wording import duration

TITLE = "Neural networks, seen through"
LEAD = (
    "A network is a formula with many adjustable numbers, and learning is walking downhill on its "
    "error. This page builds that sentence up from one neuron to a reader of handwritten digits. "
    "Nothing on it was drawn or typed in advance: each picture and each result was computed by "
    "chainrule in the run that wrote this file."
)
PACKAGES = ("chainrule", "numpy", "matplotlib", "scikit-learn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and print its path."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", default="demo-report", help="the folder for index.html")
    options = parser.parse_args(arguments)
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    # Before NumPy is loaded: on matrices this small, threads of a busy machine mostly wait for one
    # another, and the measured times would be theirs.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    chapters = importlib.import_module("chapters")
    made, seconds = tell(chapters.IN_ORDER)
    command = shlex.join(["python", "demo/make_page.py", "--out", options.out])
    page = folder / "index.html"
    page.write_text(document(TITLE, LEAD, made, ending(made, seconds, command)), encoding="utf-8")
    print(f"{sum(seconds):.0f} s in all; the page: {page}")
    return 0


def tell(functions: Sequence[Callable[[], Chapter]]) -> tuple[list[Chapter], list[float]]:
    """The chapters and the seconds that each took, with a line of progress for each."""
    made, seconds = [], []
    for place, function in enumerate(functions, start=1):
        start = time.perf_counter()
        made.append(function())
        seconds.append(time.perf_counter() - start)
        print(f"{place:2}/{len(functions)}  {seconds[-1]:5.1f} s  {made[-1].title}", flush=True)
    return made, seconds


def ending(made: Sequence[Chapter], seconds: Sequence[float], command: str) -> list[Block | str]:
    """Versions, times and the command."""
    versions = [("Python", platform.python_version())]
    versions += [(name, version(name)) for name in PACKAGES]
    spent = [
        (f"{place}. {chapter.title}", duration(time_))
        for place, (chapter, time_) in enumerate(zip(made, seconds, strict=True), start=1)
    ]
    return [
        f"`{command}`, run in the repository's root, wrote this page in {duration(sum(seconds))}: "
        "all training, all measurements and all drawing included. Run it again and the networks "
        "learn the same, for every random number comes from a fixed seed; only measured times "
        "differ.",
        Table(("software", "version"), versions, f"On {platform.system()} {platform.machine()}."),
        Table(("chapter", "time"), spent, "Where the time went."),
    ]


def version(package: str) -> str:
    """The installed version of ``package``."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())

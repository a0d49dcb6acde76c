"""Reports: what a process that ends tells the launcher, and what the launcher tells a process.

The launcher names a folder in the environment of its children. A child that ends with an error
writes the reason there, because its exit code cannot say it and its stderr may be the terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from chainrule.distributed.leftovers import remove_leftovers
from chainrule.distributed.place import COORDINATOR, PROCESS, PROCESSES, Place
from chainrule.errors import ChainruleError, GroupError

#: The folder for reports, which also says that a launcher is the parent.
REPORTS = "CHAINRULE_REPORTS"
#: The exit code of a process that ended because another one was lost.
LOST = 75


@dataclass(frozen=True)
class Report:
    """Why a process ended.

    ``kind`` is "lost" where another process was the reason, "mistake" where the user's data or
    options were (and so are in all processes), else "error".
    """

    text: str
    kind: str


def worker_variables(place: Place, reports: Path) -> dict[str, str]:
    """What the launcher puts into the environment of a child."""
    return {
        COORDINATOR: place.coordinator,
        PROCESSES: str(place.processes),
        PROCESS: str(place.process),
        REPORTS: str(reports),
        # One device each, where there are several: as schedulers of clusters do it.
        "JAX_LOCAL_DEVICE_IDS": str(place.process),
    }


def reports_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The folder for reports, if a launcher is the parent of this process."""
    return Path(environment[REPORTS]) if environment.get(REPORTS) else None


def report(process: int, error: BaseException) -> None:
    """Leave the reason why this process ends, for the launcher."""
    folder = reports_folder()
    if folder is None or not folder.is_dir():
        return
    if isinstance(error, GroupError):
        found = Report(str(error), "lost")
    elif isinstance(error, ChainruleError):
        found = Report(str(error), "mistake")
    else:
        found = Report(f"{type(error).__name__}: {error}".removesuffix(": "), "error")
    (folder / f"report-{process}").write_text(json.dumps(asdict(found)), encoding="utf-8")


def read_report(folder: Path, process: int) -> Report | None:
    """What a process left, if it did."""
    file = folder / f"report-{process}"
    return Report(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def end_process(process: int, why: str) -> None:
    """End because another process is lost, where no exception would reach the program."""
    report(process, GroupError(why))
    remove_leftovers()
    if reports_folder() is None:  # else the launcher tells it
        sys.stderr.write(f"Error: {why}\n")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(LOST)


def end_with_the_launcher() -> None:
    """End this process when the launcher is gone, which closes the pipe that is its stdin."""
    reports = reports_folder()
    if reports is None:
        return

    def wait() -> None:
        while os.read(0, 4096):
            pass
        remove_leftovers(reports)
        shutil.rmtree(reports, ignore_errors=True)
        sys.stderr.flush()
        os._exit(LOST)

    threading.Thread(target=wait, name="chainrule lifeline", daemon=True).start()

"""``--processes``: the command as launcher of a group, and as one of its processes."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard

from chainrule.cli.checkpoints import has_checkpoint
from chainrule.distributed import join
from chainrule.distributed.launcher import launch
from chainrule.distributed.place import PROCESS, VARIABLES
from chainrule.distributed.reports import LOST, reports_folder
from chainrule.errors import ChainruleError, GroupError, OptionError, optional_package

CLUSTER = "cluster"
"""What ``--processes`` says where a scheduler starts the processes, each with this command."""

#: The file in the folder for reports that names the run's folder, once it can be resumed.
_RUN = "run"


def is_launcher(processes: str | int | None) -> TypeGuard[int]:
    """Whether this process is to start the others: several are wanted, and it is none of them."""
    return isinstance(processes, int) and processes > 1 and PROCESS not in os.environ


def start_workers(arguments: Sequence[str], processes: int, engine: str) -> int:
    """Run ``chainrule train ARGUMENTS`` as a group of processes; returns the exit code.

    Raises:
        OptionError: an engine that trains in one process only.
        MissingPackageError: JAX is not installed.
        GroupError: a process died, with how to resume the run if it can be resumed.
    """
    if engine != "xla":
        raise OptionError(
            f"--processes {processes} needs --engine xla; the engine {engine} trains in one "
            "process."
        )
    if importlib.util.find_spec("jax") is None:
        optional_package("jax", "xla", f"--processes {processes}")

    def advice(reports: Path) -> str:
        told = reports / _RUN
        run = Path(told.read_text(encoding="utf-8")) if told.exists() else None
        if run is None or not has_checkpoint(run):
            return ""
        again = f"chainrule train --resume {shlex.quote(str(run))} --processes {processes}"
        return f" Go on from the last checkpoint, with any number of processes: {again}"

    program = "import sys; from chainrule.cli import main; sys.exit(main())"
    return launch([sys.executable, "-c", program, "train", *arguments], processes, advice=advice)


@contextmanager
def joined(processes: str | int | None) -> Iterator[None]:
    """Within, this process is in the group that the option or the environment says, if any."""
    if processes is None and not any(name in os.environ for name in VARIABLES):
        yield
        return
    try:
        with join(cluster=processes == CLUSTER):
            yield
    except ChainruleError as error:
        if reports_folder() is None:
            raise
        # The launcher tells it, once for all processes.
        raise SystemExit(LOST if isinstance(error, GroupError) else 1) from None


def tell_launcher(run: Path) -> None:
    """Let the launcher know where the run can be resumed from."""
    folder = reports_folder()
    if folder is not None:
        (folder / _RUN).write_text(str(run), encoding="utf-8")

"""What a run keeps while it is trained, so that ``--resume`` can go on with it."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.cli.run_options import Options
from chainrule.cli.table_options import TableOptions
from chainrule.errors import FileFormatError, OptionError

#: Within the folder of a run, what is gone when the run is complete.
FOLDER, OPTIONS = "checkpoint", "options.json"

#: What may be said anew when a run is resumed.
ANEW = ("resume", "processes", "checkpoint", "epochs")


def has_checkpoint(run: Path) -> bool:
    """Whether a run can be resumed."""
    from chainrule.train import Checkpoint

    return Checkpoint(run / FOLDER).exists and (run / FOLDER / OPTIONS).exists()


def keep_options(run: Path, options: Mapping[str, Any]) -> None:
    """Keep the options of a run beside its checkpoint."""
    told = {k: value for k, value in options.items() if k not in ("out", "force", "resume")}
    if Path(told["data"]).is_file():  # which will be found from any other folder too
        told["data"] = str(Path(told["data"]).absolute())
    (run / FOLDER).mkdir(parents=True, exist_ok=True)
    (run / FOLDER / OPTIONS).write_text(json.dumps(told, indent=1), encoding="utf-8")


def kept_options(run: Path, given: dict[str, Any]) -> Options:
    """The options with which a run was begun, and what was ``given`` anew by name.

    Raises:
        OptionError: there is no checkpoint, or an option was given that cannot change.
        FileFormatError: the kept options are broken.
    """
    fixed = [name for name in given if name not in ANEW]
    if fixed:
        names = ", ".join("DATA" if n == "data" else f"--{n.replace('_', '-')}" for n in fixed)
        raise OptionError(
            f"--resume goes on with the options that the run was begun with: leave out {names}. "
            "--processes and --epochs may change."
        )
    if not has_checkpoint(run):
        raise OptionError(
            f"--resume {run}: there is no checkpoint in it. Runs of several processes write one "
            "after each epoch, others with --checkpoint 1; a run that is complete has none left."
        )
    file = run / FOLDER / OPTIONS
    try:
        kept = dict(json.loads(file.read_text(encoding="utf-8")))
        hidden = kept["hidden"]
        kept |= {"hidden": None if hidden is None else tuple(hidden), "processes": None}
        kept |= {"table": TableOptions.of(kept["table"])} | given
        if "epochs" in given:
            kept["command"] = _with_epochs(kept["command"], given["epochs"])
        return Options(**kept | {"resume": run, "out": run, "force": False})
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise FileFormatError(f"{file}: the options of the run are broken: {error}.") from error


def _with_epochs(command: str, epochs: int) -> str:
    """The command that would have trained for so many epochs from the start."""
    words = shlex.split(command)
    if "--epochs" in words:
        place = words.index("--epochs")
        del words[place : place + 2]
    return shlex.join([*words, "--epochs", str(epochs)])


def forget(run: Path) -> None:
    """The run is complete: nothing of it is left to be resumed."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)

"""From a run's folder back to the material of its report."""

from __future__ import annotations

from pathlib import Path

from chainrule.cli.config import CONFIG, Values, read_config
from chainrule.cli.problems import Problem
from chainrule.cli.records import PREDICTIONS, fingerprint, read_history, read_predictions
from chainrule.cli.reporting import material_of, target_of
from chainrule.cli.runs import Run, read_run
from chainrule.cli.sources import problem
from chainrule.cli.table_options import TableOptions
from chainrule.errors import ChainruleError, FileFormatError
from chainrule.report.material import Material


def kept_material(folder: Path) -> tuple[Material, list[str]]:
    """The material of the run in ``folder``, and what there is to say of it.

    Raises:
        DataError, FileFormatError: no run, a broken one, or one of which neither the data nor the
            predictions are there.
    """
    run = read_run(folder)
    if not folder.is_dir():
        raise FileFormatError(
            f"{folder} is a model file; a report is made of a run's folder, which keeps the "
            "history and the predictions too."
        )
    config = read_config(folder)
    try:
        given = kept_problem(config)
    except ChainruleError as error:
        return _of_predictions(folder, run, config), [
            f"The page is made of {PREDICTIONS} alone, without baselines and importance: {error}"
        ]
    return (
        material_of(
            given,
            run.net,
            run.net.predict(given.test.X),
            history=read_history(folder),
            stopped=None,
            facts={"data": given.source, **told_of(run)},
            command=str(config["run"]["command"]),
            seed=int(config["training"]["seed"]),
        ),
        [],
    )


def told_of(run: Run) -> dict[str, str]:
    """What the model's file says of its training, as far as a report tells it."""
    return {k: v for k, v in run.facts().items() if k in ("optimizer", "training")}


def kept_problem(config: Values) -> Problem:
    """The data of the run, if they are what they were.

    Raises:
        ChainruleError: they are not there, or are others by now; a config that does not say.
    """
    try:
        data, seed = config["data"], int(config["training"]["seed"])
        name, known = str(data["data"]), data["test_fingerprint"]
        table = TableOptions.of(config.get("table", {}))
        str(config["run"]["command"])
    except (LookupError, TypeError, ValueError) as error:
        raise FileFormatError(f"{CONFIG} does not say what the run was trained on.") from error
    given = problem(name, table, seed)
    if fingerprint(given.test.X, given.test.y) != known:
        raise FileFormatError(f"{name} is not what it was when the run was made.")
    return given


def _of_predictions(folder: Path, run: Run, config: Values) -> Material:
    said = read_predictions(folder, run.class_names)
    if said is None:
        raise FileFormatError(
            f"{folder} keeps no {PREDICTIONS}, and what it was trained on is not there either, so "
            "there is nothing to judge it by. Train it again: chainrule train."
        )
    command = config.get("run", {}).get("command")
    return Material(
        folder.absolute().name,
        run.net,
        target_of(run.class_names, run.encoder),
        said.y,
        said.outputs,
        history=read_history(folder),
        facts=told_of(run),
        command=None if command is None else str(command),
    )

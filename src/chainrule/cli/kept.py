"""From a run's folder back to the material of its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.cli.baselines import linear_outputs
from chainrule.cli.config import CONFIG, Values, read_config
from chainrule.cli.problems import Problem
from chainrule.cli.records import PREDICTIONS, fingerprint, read_history, read_predictions
from chainrule.cli.reporting import material_of, target_of
from chainrule.cli.runs import TABLE, Run, read_run
from chainrule.cli.sources import problem
from chainrule.cli.table_options import TableOptions
from chainrule.data import TableFacts
from chainrule.errors import ChainruleError, DataError, FileFormatError, MissingPackageError
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
    table = _table(folder)
    try:
        given = kept_problem(config, table)
    except ChainruleError as error:
        return _of_predictions(folder, run, config, table), [
            f"The page is made of {PREDICTIONS} alone, without baselines and importance: {error}"
        ]
    return (
        material_of(
            given,
            run.net,
            run.net.predict(given.test.X),
            history=read_history(folder),
            stopped=str(run.about.get("training", "")).partition("; ")[2] or None,
            facts={"data": given.source, **told_of(run)},
            linear=_linear(given),
            table=table,
            command=str(config["run"]["command"]),
            seed=int(config["training"]["seed"]),
        ),
        [],
    )


def _table(folder: Path) -> TableFacts | None:
    """What the run keeps of its table; None where it was trained on none."""
    path = folder / TABLE
    return TableFacts.from_json(path.read_text("utf-8")) if path.is_file() else None


def _linear(given: Problem) -> tuple[str, Any] | None:
    """A linear model's answers, as the training of a table has them."""
    if given.known is None:
        return None
    try:
        return linear_outputs(given)
    except MissingPackageError:
        return None  # the report says so itself


def told_of(run: Run) -> dict[str, str]:
    """What the model's file says of its training, as far as a report tells it."""
    return {k: v for k, v in run.facts().items() if k in ("optimizer", "training")}


def kept_problem(config: Values, facts: TableFacts | None = None) -> Problem:
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
    if facts is not None and facts.streamed:
        raise DataError(f"{name} does not fit into memory; it is read by trainings alone.")
    given = problem(name, table, seed)
    if fingerprint(given.test.X, given.test.y) != known:
        raise FileFormatError(f"{name} is not what it was when the run was made.")
    return given


def _of_predictions(folder: Path, run: Run, config: Values, table: TableFacts | None) -> Material:
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
        table=table,
        command=None if command is None else str(command),
    )

"""What a run's folder holds: the model, the report, and the records that both can be made of."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from chainrule import __version__
from chainrule.cli.config import CONFIG, write_config
from chainrule.cli.console import note
from chainrule.cli.live import waiting
from chainrule.cli.pictures import draw
from chainrule.cli.problems import Problem, Recipe
from chainrule.cli.records import HISTORY, PREDICTIONS, Predicted, fingerprint, write_predictions
from chainrule.cli.run_options import Options
from chainrule.cli.runs import MODEL, REPORT, TABLE, Run, write_folder
from chainrule.cli.scores import Score
from chainrule.cli.table_facts import table_facts
from chainrule.data import TableFacts
from chainrule.errors import ChainruleError
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import Optimizer
from chainrule.train import History


@dataclass(frozen=True)
class Trained:
    """A network that was trained, with all that led to it; ``linear`` is the linear baseline."""

    given: Problem
    options: Options
    recipe: Recipe
    optimizer: Optimizer
    net: Sequential
    history: History
    result: Score
    linear: tuple[str, Any] | None

    @property
    def run(self) -> Run:
        """The model as it is saved, with what is told of its training."""
        given = self.given
        return Run(self.net, given.class_names, given.encoder, given.pixel_maximum, _about(self))


def write(trained: Trained, folder: Path) -> None:
    """Write all files of the run into its folder, and tell their names.

    Raises:
        OSError: what went wrong.
    """
    given, net, result = trained.given, trained.net, trained.result
    run = trained.run

    def fill(place: Path) -> None:
        net.save(place / MODEL, **run.metadata())
        facts = None if given.known is None else table_facts(given, net, result)
        if facts is not None:
            (place / TABLE).write_text(facts.to_json(), encoding="utf-8")
        write_config(place / CONFIG, _config(trained))
        _report(place, trained, run, facts)
        draw(given, net, trained.history, result.outputs, place)

    with waiting("writing the report and the pictures"):
        written = write_folder(folder, fill)
    click.echo(f"saved in {folder}: {', '.join(written)}")


def _report(place: Path, trained: Trained, run: Run, table: TableFacts | None) -> None:
    """Write the page, and the plain records that it can be made of again."""
    from chainrule.cli.kept import told_of
    from chainrule.cli.reporting import material_of
    from chainrule.report.report import report

    given, history = trained.given, trained.history
    if len(history):
        history.save_csv(place / "history.csv")
        history.save_jsonl(place / HISTORY)
    material = material_of(
        given,
        run.net,
        trained.result.outputs,
        history=history.rows,
        stopped=history.stopped,
        facts={"data": given.source, **told_of(run)},
        command=trained.options.command,
        seed=trained.options.seed,
        linear=trained.linear,
        table=table,
    )
    write_predictions(
        place / PREDICTIONS, Predicted(material.y, material.outputs), given.class_names
    )
    try:
        report(material).save(place / REPORT)
    except ChainruleError as error:
        note(f"No {REPORT}: {error}")


def _config(trained: Trained) -> dict[str, dict[str, Any]]:
    given, options = trained.given, trained.options
    rows = {"rows": given.training_rows, "test_rows": len(given.test)}
    return {
        "run": {"command": options.command, "chainrule": __version__},
        "data": {
            "data": options.data,
            **rows,
            "test_fingerprint": fingerprint(given.test.X, given.test.y),
        },
        "table": options.table.given(),
        "training": {**dataclasses.asdict(trained.recipe), "optimizer": options.optimizer.lower(),
                     "learning_rate": trained.optimizer.learning_rate,
                     "seed": options.seed, "engine": options.engine},
        "score": trained.result.numbers,
    }  # fmt: skip


def _about(trained: Trained) -> dict[str, Any]:
    """What the model's file keeps of its training: sentences for people, and the numbers."""
    given, options, history = trained.given, trained.options, trained.history
    rate, epochs = trained.optimizer.learning_rate, trained.recipe.epochs
    parts = f"{given.training_rows:,} rows"
    if not given.is_gate:
        held = given.validation_rows
        parts += f" ({held:,} more for validation, {len(given.test):,} for the test)"
    batch = trained.recipe.batch_size or given.training_rows
    stopped = f"; {history.stopped}" if history.stopped else ""
    return {
        "trained on": f"{given.source}, {parts}",
        "optimizer": f"{options.optimizer.lower()}, learning rate {rate:g}",
        "training": f"{len(history)} of {epochs} epochs, {min(batch, given.training_rows)} rows "
        f"a step, seed {options.seed}{stopped}",
        "score": trained.result.text,
        "numbers": trained.result.numbers,
    }

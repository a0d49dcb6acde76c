"""The work of ``chainrule train``: from options to a run in its folder."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from chainrule import __version__
from chainrule.cli.baselines import linear_outputs
from chainrule.cli.config import CONFIG, command_line, write_config
from chainrule.cli.console import live_line, note, show_table
from chainrule.cli.pictures import draw
from chainrule.cli.problems import Problem, Recipe
from chainrule.cli.records import HISTORY, PREDICTIONS, Predicted, fingerprint, write_predictions
from chainrule.cli.runs import MODEL, REPORT, TABLE, Run, check_folder, new_folder, write_folder
from chainrule.cli.scores import Score, score, truth_table
from chainrule.cli.sources import problem
from chainrule.cli.table_facts import table_facts
from chainrule.cli.table_options import TableOptions
from chainrule.data import TableFacts
from chainrule.errors import ChainruleError, MissingPackageError, TrainingWarning, unknown_name
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import NAMED, Optimizer
from chainrule.train import EarlyStopping, History
from chainrule.train.streaming import fit_stream

#: Rows a step where all were asked for, and the table is read in batches.
MOST_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Options:
    """The options of the command; None where nothing was given. ``batch_size`` 0 is all rows."""

    data: str
    table: TableOptions
    hidden: tuple[int, ...] | None
    activation: str | None
    optimizer: str
    lr: float | None
    epochs: int | None
    batch_size: int | None
    seed: int
    restarts: int | None
    engine: str
    out: Path | None
    force: bool

    def recipe(self, default: Recipe) -> Recipe:
        """The default of the data, with what was given instead."""
        given: dict[str, Any] = {
            "hidden": self.hidden,
            "activation": self.activation,
            "learning_rate": self.lr,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "restarts": self.restarts,
        }
        recipe = dataclasses.replace(default, **{k: v for k, v in given.items() if v is not None})
        return dataclasses.replace(recipe, batch_size=recipe.batch_size or None)


def train(options: Options) -> None:
    """Train, tell the score, write the run.

    Raises:
        ChainruleError: options or data that are of no use, before anything is written.
    """
    if options.out is not None:
        check_folder(options.out, options.force)
    place = _existing(options.out or Path("runs"))
    _check_name(options.optimizer)
    given = problem(options.data, options.table, options.seed, place)
    # A stream's rows lie on the disk until the training ends.
    with given.stream or contextlib.nullcontext():
        train_on(given, options)


def train_on(given: Problem, options: Options) -> None:
    """Train on a problem, tell the score, write the run.

    Raises:
        ChainruleError: options that are of no use, before anything is written.
    """
    folder = options.out or new_folder(given.name)
    check_folder(folder, options.force)
    recipe = options.recipe(given.recipe)
    net = network(given, recipe)
    optimizer = optimizer_of(options, recipe)
    for remark in given.remarks:
        note(remark)
    history = _fit(net, optimizer, given, recipe, options)
    linear = _linear(given)
    result = score(given, net.predict(given.test.X), linear)
    interrupted = (history.stopped or "").startswith("interrupted")
    _tell(given, history, result, interrupted)
    run = Run(
        net,
        given.class_names,
        given.encoder,
        given.pixel_maximum,
        _about(given, recipe, options, optimizer, history, result),
    )

    def fill(place: Path) -> None:
        net.save(place / MODEL, **run.metadata())
        facts = None if given.known is None else table_facts(given, net, result)
        if facts is not None:
            (place / TABLE).write_text(facts.to_json(), encoding="utf-8")
        write_config(place / CONFIG, _config(given, options, recipe, optimizer, result))
        _report(place, run, given, options, history, result, linear, facts)
        draw(given, net, history, result.outputs, place)

    written = write_folder(folder, fill)
    click.echo(f"saved in {folder}: {', '.join(written)}")
    if interrupted:
        click.get_current_context().exit(130)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in [folder, *folder.absolute().parents] if place.is_dir())


def _report(
    place: Path, run: Run, given: Problem, options: Options, history: History, result: Score,
    linear: tuple[str, Any] | None, table: TableFacts | None,
) -> None:  # fmt: skip
    """Write the page, and the plain records that it can be made of again."""
    from chainrule.cli.kept import told_of
    from chainrule.cli.reporting import material_of
    from chainrule.report.report import report

    if len(history):
        history.save_csv(place / "history.csv")
        history.save_jsonl(place / HISTORY)
    material = material_of(
        given,
        run.net,
        result.outputs,
        history=history.rows,
        stopped=history.stopped,
        facts={"data": given.source, **told_of(run)},
        command=command_line(),
        seed=options.seed,
        linear=linear,
        table=table,
    )
    write_predictions(
        place / PREDICTIONS, Predicted(material.y, material.outputs), given.class_names
    )
    try:
        report(material).save(place / REPORT)
    except ChainruleError as error:
        note(f"No {REPORT}: {error}")


def _config(
    given: Problem, options: Options, recipe: Recipe, optimizer: Optimizer, result: Score
) -> dict[str, dict[str, Any]]:
    rows = {"rows": given.training_rows, "test_rows": len(given.test)}
    return {
        "run": {"command": command_line(), "chainrule": __version__},
        "data": {
            "data": options.data,
            **rows,
            "test_fingerprint": fingerprint(given.test.X, given.test.y),
        },
        "table": options.table.given(),
        "training": {**dataclasses.asdict(recipe), "optimizer": options.optimizer.lower(),
                     "learning_rate": optimizer.learning_rate,
                     "seed": options.seed, "engine": options.engine},
        "score": result.numbers,
    }  # fmt: skip


def network(given: Problem, recipe: Recipe) -> Sequential:
    """The hidden layers, then a sigmoid for two classes, a softmax for more, or one number."""
    layers = [Dense(units, recipe.activation) for units in recipe.hidden]
    count = len(given.class_names)
    if count > 2:
        return Sequential(*layers, Dense(count, "softmax"))
    return Sequential(*layers, Dense(1, "sigmoid" if count else None))


def _check_name(optimizer: str) -> None:
    """Find a slip before a large table is read."""
    if optimizer.lower() not in NAMED:
        raise unknown_name("optimizer", optimizer, NAMED)


def optimizer_of(options: Options, recipe: Recipe) -> Optimizer:
    """The optimizer that the options ask for.

    Raises:
        OptionError: no such optimizer, with the nearest name.
    """
    _check_name(options.optimizer)
    name = options.optimizer.lower()
    kind: Any = NAMED[name]
    # The recipe's rate is Adam's; the others have their own unless one is asked for.
    rate = recipe.learning_rate if name in ("adam", "adamw") else options.lr
    made: Optimizer = kind() if rate is None else kind(rate)
    return made


def _fit(
    net: Sequential, optimizer: Optimizer, given: Problem, recipe: Recipe, options: Options
) -> History:
    held = given.validation
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", TrainingWarning)
        with live_line() as line:
            callbacks: list[Any] = [line]
            if recipe.patience is not None:
                callbacks.append(EarlyStopping(patience=recipe.patience))
            common: dict[str, Any] = {
                "optimizer": optimizer,
                "epochs": recipe.epochs,
                "validation": None if held is None else (held.X, held.y),
                "metrics": ["accuracy" if given.class_names else "r2"],
                "callbacks": callbacks,
                "seed": options.seed,
                "engine": options.engine,
            }
            if given.stream is not None:
                history = fit_stream(
                    net,
                    given.stream,
                    sample=(given.train.X, given.train.y),
                    batch_size=recipe.batch_size or MOST_AT_ONCE,
                    class_weights=given.class_weights,
                    **common,
                )
            else:
                history = net.fit(
                    given.train.X,
                    given.train.y,
                    batch_size=recipe.batch_size,
                    class_weight=dict(enumerate(given.class_weights)) or None,
                    restarts=recipe.restarts,
                    progress=False,
                    **common,
                )
    for warning in told:
        note(f"Warning: {warning.message}")
    return history


def _linear(given: Problem) -> tuple[str, Any] | None:
    """The baseline of a linear model, for tables and where scikit-learn is installed."""
    if given.known is None:
        return None
    try:
        return linear_outputs(given)
    except MissingPackageError as error:
        note(f"No linear baseline: {error}")
        return None


def _tell(given: Problem, history: History, result: Score, interrupted: bool) -> None:
    for attempt in history.tries:
        note(f"{attempt}.")
    if interrupted:
        note(f"{str(history.stopped).capitalize()}; what was learnt until then is kept.")
    elif history.stopped and "finite" not in history.stopped:
        note(f"Stopped after epoch {len(history)}: {history.stopped}.")
    if given.is_gate:
        head, rows = truth_table(given, result.outputs)
        show_table(head, rows, right=head)
    click.echo(result.text)
    if result.verdict:
        note(result.verdict)


def _about(
    given: Problem, recipe: Recipe, options: Options, optimizer: Optimizer, history: History,
    result: Score,
) -> dict[str, Any]:  # fmt: skip
    """What the model's file keeps of its training: sentences for people, and the numbers."""
    held = 0 if given.validation is None else len(given.validation)
    parts = f"{given.training_rows:,} rows"
    if not given.is_gate:
        parts += f" ({held:,} more for validation, {len(given.test):,} for the test)"
    batch = recipe.batch_size or given.training_rows
    stopped = f"; {history.stopped}" if history.stopped else ""
    return {
        "trained on": f"{given.source}, {parts}",
        "optimizer": f"{options.optimizer.lower()}, learning rate {optimizer.learning_rate:g}",
        "training": f"{len(history)} of {recipe.epochs} epochs, {min(batch, given.training_rows)} "
        f"rows a step, seed {options.seed}{stopped}",
        "score": result.text,
        "numbers": result.numbers,
    }

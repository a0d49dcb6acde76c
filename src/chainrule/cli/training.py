"""The work of ``chainrule train``: from options to a run in its folder."""

from __future__ import annotations

import dataclasses
import shlex
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from chainrule.cli.baselines import linear_outputs
from chainrule.cli.checkpoints import FOLDER, forget, keep_options
from chainrule.cli.console import live_line, note, show_table
from chainrule.cli.group_data import problem_for_all
from chainrule.cli.interrupts import interrupts
from chainrule.cli.live import waiting
from chainrule.cli.problems import Problem, Recipe
from chainrule.cli.processes import joined, tell_launcher
from chainrule.cli.run_files import Trained, write
from chainrule.cli.run_options import Options
from chainrule.cli.runs import check_folder, new_folder
from chainrule.cli.scores import Score, score, truth_table
from chainrule.distributed import current, is_first
from chainrule.errors import MissingPackageError, TrainingWarning, unknown_name
from chainrule.nn.layers import Dense
from chainrule.nn.sequential import Sequential
from chainrule.optim.optimizers import NAMED, Optimizer
from chainrule.train import Callback, Checkpoint, EarlyStopping, History
from chainrule.train.streaming import fit_stream

#: Rows a step where all were asked for, and the table is read in batches.
MOST_AT_ONCE = 1 << 16


def train(options: Options) -> None:
    """Train, tell the score, write the run. In a group, process 0 alone speaks and writes.

    Raises:
        ChainruleError: options or data that are of no use, before anything is written.
    """
    with joined(options.processes):
        _check_folder(options.out, options)
        place = _existing(options.out or Path("runs"))
        _check_name(options.optimizer)
        with problem_for_all(options, place) as given:
            interrupted = train_on(given, options)
    if interrupted:
        click.get_current_context().exit(130)


def train_on(given: Problem, options: Options) -> bool:
    """Train on a problem, tell the score, write the run; returns whether it was interrupted.

    Raises:
        ChainruleError: options that are of no use, before anything is written.
    """
    folder = options.out or new_folder(given.name)
    _check_folder(folder, options)
    recipe = options.recipe(given.recipe)
    recipe, checkpoint = _kept(options, recipe, folder)
    net = network(given, recipe)
    optimizer = optimizer_of(options, recipe)
    for remark in given.remarks:
        note(remark)
    with interrupts() as watched:
        history, is_strange = _fit(net, optimizer, given, recipe, options, [watched], checkpoint)
        interrupted = (history.stopped or "").startswith("interrupted")
        if is_first():
            with waiting("scoring"):
                linear = _linear(given)
                result = score(given, net.predict(given.test.X), linear, _cut_short(history))
            _tell(given, history, result, interrupted)
            write(Trained(given, options, recipe, optimizer, net, history, result, linear), folder)
            if is_strange:
                note(
                    f"The command chainrule doctor {shlex.quote(str(folder))} looks for the cause."
                )
            if not interrupted:
                forget(folder)
    return interrupted or watched.late


def _check_folder(folder: Path | None, options: Options) -> None:
    """Find out before the training whether the run can be written, by the process that writes."""
    if folder is not None and options.resume is None and is_first():
        check_folder(folder, options.force)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in [folder, *folder.absolute().parents] if place.is_dir())


def _kept(options: Options, recipe: Recipe, folder: Path) -> tuple[Recipe, Checkpoint | None]:
    """The recipe, and what writes checkpoints of the run, if they are wanted."""
    every = options.checkpoint
    resumable = options.optimizer.lower() != "lbfgs"
    if every is None and options.restarts is None and recipe.restarts == 0 and resumable:
        every = 1 if current() is not None or options.resume is not None else None
    if every is None:
        return recipe, None
    if options.restarts is None:  # those of the recipe would not go with checkpoints
        recipe = dataclasses.replace(recipe, restarts=0)
    if is_first():
        keep_options(folder, dataclasses.asdict(options))
        tell_launcher(folder)
    return recipe, Checkpoint(folder / FOLDER, every=every)


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
    net: Sequential, optimizer: Optimizer, given: Problem, recipe: Recipe, options: Options,
    watching: Sequence[Callback], checkpoint: Checkpoint | None,
) -> tuple[History, bool]:  # fmt: skip
    """Train and tell what was warned of; the history, and whether a doctor may know more of it."""
    held = given.validation
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", TrainingWarning)
        with live_line() if is_first() else nullcontext(Callback()) as line:
            callbacks: list[Any] = [*watching, line]
            if checkpoint is not None:
                callbacks.append(checkpoint)
            if recipe.patience is not None:
                callbacks.append(EarlyStopping(patience=recipe.patience))
            common: dict[str, Any] = {
                "optimizer": optimizer,
                "epochs": recipe.epochs,
                "validation": None if held is None else (held.X, held.y),
                "metrics": [_metric(given)],
                "callbacks": callbacks,
                "seed": options.seed,
                "engine": options.engine,
                "resume": None if options.resume is None else options.resume / FOLDER,
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
    is_strange = False
    for message in (warning.message for warning in told):
        if isinstance(message, TrainingWarning):
            # Its advice is of clip_norm and cr.diagnose, which the command has not.
            is_strange |= bool(message.advice)
            message = message.what
        note(f"Warning: {message}")
    return history, is_strange


def _cut_short(history: History) -> str:
    """What kept the training from learning all that it could, or nothing."""
    stopped = history.stopped or ""
    if stopped.startswith("interrupted"):
        return "the training was interrupted"
    if "not finite" in stopped:
        return "the training ended too early, at a number that is not finite. Try a smaller --lr"
    return ""


def _metric(given: Problem) -> str:
    """What is told of each epoch, of training and validation alike: what the test score leads with.

    Rows that were weighted or repeated until classes count alike have no accuracy of their own.
    """
    if not given.class_names:
        return "r2"
    return "balanced_accuracy" if given.class_weights else "accuracy"


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

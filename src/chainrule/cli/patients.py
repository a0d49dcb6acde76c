"""Patients: what ``chainrule doctor`` is given, as something to be diagnosed, treated and shown."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from chainrule.cli.config import read_config
from chainrule.cli.kept import kept_problem
from chainrule.cli.problems import Problem
from chainrule.cli.records import read_history
from chainrule.cli.run_options import Options
from chainrule.cli.runs import MODEL, read_run
from chainrule.cli.sources import problem
from chainrule.cli.table_options import TableOptions
from chainrule.cli.training import network, optimizer_of
from chainrule.cli.user_file import UserFile
from chainrule.cli.user_program import USUAL, data_in, network_in, options_in, program_in
from chainrule.doctor import Case, Diagnosis, Finding, case_of, diagnose_case
from chainrule.doctor.adapters import adapted
from chainrule.doctor.byhand import Program, diagnosed, program_of
from chainrule.doctor.case import copied
from chainrule.errors import OptionError, TrainingWarning
from chainrule.optim.optimizers import NAMED
from chainrule.report.diagnosed import Trials, case_page, program_page, tried, tried_by_hand
from chainrule.train import EarlyStopping


@dataclass(frozen=True, eq=False)
class Patient:
    """A case or a program by hand.

    Attributes:
        title: what it is called. folder: of the run that it is, or None.
        remarks: what there is to say of its data.
    """

    title: str
    case: Case | Program
    folder: Path | None = None
    remarks: Sequence[str] = ()

    def diagnosed(self, tell: Callable[[str], Any]) -> Diagnosis:
        """The diagnosis; ``tell`` is handed a line before each longer piece of work."""
        if isinstance(self.case, Case):
            return diagnose_case(self.case, tell)
        return diagnosed(self.case, tell)

    def treated(self, finding: Finding) -> Trials:
        """The training as it was, and with the finding's repair."""
        if isinstance(self.case, Case):
            return tried(self.case, finding)
        return tried_by_hand(self.case, finding)

    def page(self, found: Diagnosis, trials: Trials | None) -> str:
        """The account as a page with pictures."""
        if isinstance(self.case, Case):
            return case_page(self.title, found, self.case, trials)
        return program_page(self.title, found, trials)


@contextmanager
def admitted(given: str, options: Mapping[str, Any]) -> Iterator[Patient]:
    """The patient that the argument means: a run, a Python file, or data to be trained on.

    Raises:
        ChainruleError: there is no such thing, or it is broken.
        UserFileError: what the user's file raised, inside of the context too.
    """
    path = Path(given)
    if path.suffix == ".py":
        with UserFile(path) as user:
            yield _of_file(user, path.name)
    elif (path / MODEL).is_file():
        yield _of_run(path)
    else:
        yield _of_data(given, options)


def _of_run(folder: Path) -> Patient:
    """The training that the run's config describes."""
    run, config = read_run(folder), read_config(folder)
    given = kept_problem(config)
    asked = config["training"]
    epochs = _kept_epochs(read_history(folder), asked.get("patience")) or int(asked["epochs"])
    kind: Any = NAMED[str(asked["optimizer"])]
    case = _case(
        given,
        run.net,
        kind(asked["learning_rate"]),
        asked.get("batch_size"),
        epochs,
        int(asked["seed"]),
    )
    return Patient(folder.absolute().name, case, folder)


def _of_data(given: str, options: Mapping[str, Any]) -> Patient:
    """The training that ``chainrule train`` would do."""
    chosen = dict(options)
    table = TableOptions(**{field.name: chosen.pop(field.name) for field in fields(TableOptions)})
    asked = Options(
        data=given, table=table, restarts=None, engine="numpy", out=None, force=False, **chosen
    )
    data = problem(given, table, asked.seed)
    recipe = asked.recipe(data.recipe)
    optimizer, batch = optimizer_of(asked, recipe), recipe.batch_size
    case = _case(data, network(data, recipe), optimizer, batch, recipe.epochs, asked.seed)
    if recipe.patience is not None:
        # Stopping early is part of the training: what it would have kept is what is judged.
        kept = _kept_epochs(_history(case, recipe.patience), recipe.patience)
        case = replace(case, epochs=kept or case.epochs)
    return Patient(given, case, remarks=data.remarks)


def _history(case: Case, patience: int) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        return (
            copied(case.network)
            .fit(
                case.X,
                case.y,
                optimizer=copy.copy(case.optimizer),
                epochs=case.epochs,
                batch_size=case.batch_size,
                validation=case.validation,
                class_weight=case.class_weight,
                callbacks=[EarlyStopping(patience=patience)],
                seed=case.seed,
                progress=False,
            )
            .rows
        )


def _case(
    data: Problem, net: Any, optimizer: Any, batch_size: int | None, epochs: int, seed: int
) -> Case:
    held = data.validation
    return case_of(
        net,
        data.train.X,
        data.train.y,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        validation=None if held is None else (held.X, held.y),
        class_weight=dict(enumerate(data.class_weights)) or None,
        seed=seed,
    )


def _kept_epochs(history: Sequence[Mapping[str, Any]], patience: int | None) -> int | None:
    """The epoch whose parameters were kept, where training was to stop early."""
    scored = [row for row in history if row.get("validation_loss") is not None]
    if patience is None or not scored:
        return len(history) or None
    return int(min(scored, key=lambda row: row["validation_loss"])["epoch"])


def _of_file(user: UserFile, title: str) -> Patient:
    """The network or the program that a user's file holds."""
    network = network_in(user)
    if network is not None:
        net, X, y, options = adapted(network, *data_in(user), options_in(user))
        return Patient(title, case_of(net, X, y, **options))
    if user.first(*USUAL["step"]) is None:
        raise OptionError(
            f"{title} has neither a network nor a step. The doctor needs network, X and y; or, for "
            f"a loop in plain NumPy, step, forward, parameters, X and y. It has: {user.names()}."
        )
    return Patient(title, program_of(**program_in(user)))

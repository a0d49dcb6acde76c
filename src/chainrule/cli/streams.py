"""A table that is too large for the memory, as a problem: read in batches, twice.

The first pass looks at the training rows of every batch and learns what the columns are; the second
encodes all rows. Those to train on go to a file on disk, those held out stay in memory. Which row
is for what is drawn by the row's place, so that both passes draw the same.
"""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.console import note
from chainrule.cli.live import Wait, waiting
from chainrule.cli.problems import Part, Problem, Recipe
from chainrule.cli.splits import Split, split_kind, times_of
from chainrule.cli.table_options import TableOptions
from chainrule.cli.table_parts import (
    Learnt,
    Pieces,
    known_classes,
    learn,
    made_problem,
    refuse_few_rows,
    with_target,
)
from chainrule.data import Table, TableFile
from chainrule.data.learning import MISSING_IS_FINE, refuse_strays_of
from chainrule.data.packed import is_longer, packing
from chainrule.data.spool import NewSpool, Spool
from chainrule.data.survey import ColumnSurvey
from chainrule.data.table import as_texts, joined
from chainrule.data.table_file import Mixed, rows_a_batch
from chainrule.data.transformers import scikit
from chainrule.errors import DataError

#: Files of more bytes are read in batches.
LARGE = 1 << 28
#: Rows that are held out for each of validation and test, at most, and the numbers in them; as
#: many training rows are kept in memory for the baselines.
HELD_ROWS, HELD_NUMBERS = 20_000, 10_000_000
#: Rows that count as an epoch, at most.
EPOCH_ROWS = 1 << 22
#: The share of test and of validation, at most, and rows that tell where the last ones begin.
MOST_SHARE, ROWS_FOR_BORDERS = 0.16, 200_000
TRAIN, VALIDATION, TEST = 0, 1, 2
#: Between two lines that say how far the reading is.
SECONDS_BETWEEN = 10


def is_large(path: Path, file: TableFile) -> bool:
    """Whether a file is to be read in batches."""
    if file.format == "parquet":  # compressed
        size = max(path.stat().st_size, 8 * file.rows_expected() * len(file.names))
        return size > LARGE
    return is_longer(path, LARGE)


def stream_problem(
    path: Path, file: TableFile, options: TableOptions, seed: int, new_spool: NewSpool
) -> Problem:
    """The problem of predicting a column of a table that is read in batches.

    A row is for the test, for validation or for the training by chance, by its time, or with all
    of its group.

    Args:
        path, file, options, seed: as for ``table_problem``.
        new_spool: makes what is to hold the encoded training rows.

    Raises:
        OptionError, DataError, FileFormatError, MissingPackageError: as for ``table_problem``; or a
            disk that is full.
    """
    size, packed = _size(path.stat().st_size), packing(path)
    if packed:
        note(
            f"{path.name} ({size}, {packed}) is read in batches, twice. It is unpacked each time, "
            "and once more to count its lines."
        )
    else:
        note(f"{path.name} ({size}) is read in batches, twice.")
    with _modules_left_alone():
        draw = _Draw(file, options, seed)
        learnt, training_rows = _survey(file, options, draw)
        spool = new_spool(len(learnt.encoder.feature_names) + 1, training_rows)
        try:
            pieces = _encode(file, learnt, draw, spool, training_rows)
        except BaseException:
            spool.close()
            raise
    made = made_problem(
        path, file, learnt, pieces, draw.split, options, recipe(len(pieces.validation) > 0)
    )
    where = (
        f"The {spool.rows:,} rows to train on lie as numbers on disk ({_size(spool.nbytes)}) until "
        f"the training ends."
    )
    if spool.rows > EPOCH_ROWS:
        where += f" {EPOCH_ROWS:,} of them count as an epoch."
    assert made.known is not None
    known = dataclasses.replace(made.known, streamed=True)
    return dataclasses.replace(made, stream=spool, remarks=(*made.remarks, where), known=known)


def _by_chance(text: str) -> float:
    """A number from 0 to 1 that texts have in common with nobody, however alike they are."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


@contextmanager
def _modules_left_alone() -> Iterator[None]:
    """Load scikit-learn, and meanwhile keep the garbage collector out of all that is loaded.

    The texts of many rows make it look for garbage again and again, also in the hundred thousand
    objects of scikit-learn and what that needs: a tenth of the time.
    """
    scikit("preprocessing")
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def recipe(validated: bool) -> Recipe:
    """What suits millions of rows: few epochs, each of up to four million rows."""
    return Recipe((64, 32), "relu", 0.003, 20, 256, patience=3 if validated else None)


def _size(count: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count / 1e3:,.1f} KB"


class _Draw:
    """Which part each row of a batch is for, the same in every pass.

    ``rows`` counts the rows of a pass, ``untold`` those of them without a target; ``mixed`` are the
    columns that it found to be numbers in some batches only, and ``texts`` those read as text.
    """

    def __init__(self, file: TableFile, options: TableOptions, seed: int) -> None:
        self.expected = max(1, file.rows_expected())
        held = min(HELD_ROWS, HELD_NUMBERS // len(file.names))
        self.share = min(MOST_SHARE, held / self.expected)
        self._seed, self._target = seed, options.check(file.names)
        self._rows = rows_a_batch(len(file.names))
        self._file, self._borders = file, (np.inf, np.inf)
        self._style: str | None = None
        self.column, how = None, "random"
        self.rows = self.untold = 0
        self.texts: frozenset[str] = frozenset()
        self.mixed = Mixed()
        if options.split_by is not None:
            first = dataclasses.replace(next(file.batches(self._rows)), target=self._target)
            how, self.column = split_kind(first, options.split_by)
        none, percent = np.zeros(0, np.intp), f"{100 * self.share:.2g} % of the rows"
        text = f"About {percent} are the test, as many validation, by chance."
        if how == "time":
            self._borders = self._found_borders(str(self.column))
            text = f"About {percent} are the test: what comes last by {self.column!r}."
        elif how == "groups":
            text = f"Rows of one {self.column!r} stay together: about {percent} are the test."
        self.split = Split(none, none, none, how, text, self.column)

    def tables(self, wait: Wait) -> Iterator[tuple[Table, NDArray[np.intp]]]:
        """Each batch of rows whose target is there, with the part of each of them."""
        rng = np.random.default_rng([self._seed, 1])
        self.rows = self.untold = 0
        told_at, self.mixed = time.monotonic(), Mixed()
        batches = wait.rows(self._file.batches(self._rows, self.texts), lambda: self.expected)
        for table in self.mixed.seen(batches):
            if wait.is_silent and time.monotonic() - told_at > SECONDS_BETWEEN:
                told_at = time.monotonic()
                note(f"{self.rows:,} of about {self.expected:,} rows are read.")
            told = with_target(dataclasses.replace(table, target=self._target))
            self.rows, self.untold = self.rows + len(table), self.untold + len(table) - len(told)
            if self.split.how == "time":
                first, second = self._borders
                times = times_of(told, str(self.column), self._style)
                late, last = times >= first, times >= second
            else:
                at = rng.random(len(told))
                if self.column is not None:
                    at = self._of_groups(as_texts(told.columns[self.column]))
                late, last = at < 2 * self.share, at < self.share
            yield told, late.astype(np.intp) + last

    def _of_groups(self, texts: list[str | None]) -> NDArray[np.float64]:
        """A number from 0 to 1 for each row, by chance, the same for equal texts."""
        known = {text: _by_chance(f"{self._seed} {text}") for text in set(texts)}
        return np.fromiter((known[text] for text in texts), np.float64, len(texts))

    def _found_borders(self, column: str) -> tuple[float, float]:
        """From which times on rows are for validation, and for the test."""
        rng = np.random.default_rng([self._seed, 2])
        survey, some = ColumnSurvey(column), []
        with waiting(f"reading {column!r}") as wait:
            for table in wait.rows(self._file.batches(self._rows), lambda: self.expected):
                survey.add(table)
                chosen = rng.random(len(table)) * self.expected < ROWS_FOR_BORDERS
                some.append(table.take(np.flatnonzero(chosen)))
        # Of all rows: in a few, 1/5 and 2/6 may be months as well as days.
        self._style = survey.styles[0] if survey.styles else None
        times = times_of(joined(some), column, self._style)
        first, second = np.quantile(times, [1 - 2 * self.share, 1 - self.share], method="higher")
        return float(first), float(second)


def _survey(file: TableFile, options: TableOptions, draw: _Draw) -> tuple[Learnt, int]:
    """The first pass: what the columns are, by the training rows."""
    surveys, parts = _surveyed(file, options, draw)
    mixed = draw.mixed.names - set(options.drop).difference({draw.column})
    if mixed:
        # Only now is it known that they are texts, whose numbers were read as such and counted so.
        names = ", ".join(map(repr, sorted(mixed)[:5])) + (", ..." if len(mixed) > 5 else "")
        note(
            f"Not all values are numbers in {names}, or some are codes: the file is read once "
            f"more, as text there."
        )
        draw.texts = mixed
        surveys, parts = _surveyed(file, options, draw)
    target = options.check(file.names)
    refuse_few_rows(file.source, target, draw.rows - draw.untold, draw.untold)
    if not parts.all():
        lacking = ("training", "validation", "test")[int(np.flatnonzero(parts == 0)[0])]
        raise DataError(
            f"{file.source}: no row is for the {lacking}. Give more rows, another --seed, or "
            f"another --split-by."
        )
    for name, survey in surveys.items():
        classes = name == target and options.task == "classification"
        if name not in options.drop and not classes and not options.groups_by(name):
            refuse_strays_of(survey, file.source, MISSING_IS_FINE)
    learnt = learn(file.source, surveys, target, options.task, options, draw.split)
    return learnt, int(parts[TRAIN])


def _surveyed(
    file: TableFile, options: TableOptions, draw: _Draw
) -> tuple[dict[str, ColumnSurvey], NDArray[np.intp]]:
    """Surveys of the training rows, and how many rows each part has."""
    surveys = {name: ColumnSurvey(name) for name in file.names}
    parts = np.zeros(3, np.intp)
    with waiting(f"surveying {Path(file.source).name}") as wait:
        for table, part in draw.tables(wait):
            parts += np.bincount(part, minlength=3)
            train = table.take(np.flatnonzero(part == TRAIN))
            for name, survey in surveys.items():
                if name not in options.drop:
                    survey.add(train)
    return surveys, parts


def _encode(
    file: TableFile, learnt: Learnt, draw: _Draw, spool: Spool, training_rows: int
) -> Pieces:
    """The second pass: training rows to the disk, the others and some of them to memory."""
    encoder, rng = learnt.encoder, np.random.default_rng(0)
    kept: list[list[Part]] = [[], [], []]
    tests: list[Table] = []
    wanted = min(HELD_ROWS, HELD_NUMBERS // len(encoder.feature_names))
    share = wanted / training_rows
    with waiting(f"encoding {Path(file.source).name}") as wait:
        for table, part in draw.tables(wait):
            for which in (TRAIN, VALIDATION, TEST):
                rows = known_classes(table.take(np.flatnonzero(part == which)), learnt.target)
                if not len(rows):
                    continue
                X, y = encoder.transform(rows), encoder.encode_target(rows)
                if which == TRAIN:
                    spool.append(np.concatenate([X, y[:, None].astype(np.float32)], axis=1))
                    some = rng.random(len(rows)) < share
                    X, y = X[some], y[some]
                elif which == TEST:
                    tests.append(rows)
                kept[which].append(Part(X, y))
    if not tests or not kept[VALIDATION]:
        raise DataError(f"{file.source}: no row of the test has a class that training rows have.")
    train, held, test = (_whole(parts) for parts in kept)
    sizes = (spool.rows, len(held), len(test))
    return Pieces(train, held, test, joined(tests), sizes, draw.rows, draw.untold)


def _whole(parts: list[Part]) -> Part:
    return Part(
        np.concatenate([part.X for part in parts]), np.concatenate([part.y for part in parts])
    )

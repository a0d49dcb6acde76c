"""Setting rows aside, for validation and for the test: by chance, by time, or in groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import dates
from chainrule.data.learning import is_identifier
from chainrule.data.survey import ColumnSurvey
from chainrule.data.table import Table, as_texts, cell_text, compact
from chainrule.errors import DataError, OptionError, unknown_name
from chainrule.report.wording import amount

Rows = NDArray[np.intp]

TEST_SHARE = 0.2
#: Of what is left for training.
VALIDATION_SHARE = 0.2
FEWEST_GROUPS = 5


@dataclass(frozen=True)
class Split:
    """Which rows are for what, each in ascending order, and how that was found out.

    ``how`` is ``"stratified"``, ``"random"``, ``"time"`` or ``"groups"``, by ``column``; ``text``
    says it. ``is_short`` where far fewer rows are set aside than a fifth.
    """

    train: Rows
    validation: Rows
    test: Rows
    how: str
    text: str
    column: str | None = None
    is_short: bool = False


def set_aside(
    rows: Rows, labels: NDArray[Any] | None, share: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Split ``rows`` in two, (kept, set aside), both in ascending order.

    With ``labels`` (one for each row of the whole data) each class gives its own share, rounded,
    and keeps a row at least: both parts have the same mix, and the first knows every class.
    """
    groups = [rows]
    if labels is not None:
        groups = [rows[labels[rows] == label] for label in np.unique(labels[rows])]
    aside = []
    for group in groups:
        count = min(round(share * len(group)), len(group) - 1)
        aside.append(rng.permutation(group)[:count])
    chosen = np.sort(np.concatenate(aside))
    return np.setdiff1d(rows, chosen, assume_unique=True), chosen


def split_by_chance(rows: int, labels: NDArray[Any] | None, rng: np.random.Generator) -> Split:
    """A fifth of the rows for the test, a fifth of the others for validation; by classes."""
    kept, test = set_aside(np.arange(rows), labels, TEST_SHARE, rng)
    kept, validation = set_aside(kept, labels, VALIDATION_SHARE, rng)
    how, mix = ("random", "") if labels is None else ("stratified", ", each class its share")
    text = f"A fifth of the rows is the test, a fifth of the others validation{mix}."
    is_short = 2 * len(test) < TEST_SHARE * rows
    if is_short:
        text = (
            f"Of the {rows:,} rows only {len(test):,} {'is' if len(test) == 1 else 'are'} the test "
            f"and {len(validation):,} validation: most classes have fewer than 3 rows, too few to "
            f"set one aside."
        )
    return Split(kept, validation, test, how, text, is_short=is_short)


def split_kind(table: Table, by: str) -> tuple[str, str]:
    """(``"time"`` or ``"groups"``, the column) that the option ``--split-by`` means.

    ``time:COLUMN`` and ``group:COLUMN`` say it. Otherwise dates and numbers mean time, unless the
    column is called as identifiers are; texts mean groups.

    Raises:
        OptionError: no such column, or the target.
    """
    kind, colon, column = by.partition(":")
    said = bool(colon) and by not in table.columns and kind in ("time", "group", "groups")
    name = column if said else by
    if name not in table.columns:
        raise unknown_name("--split-by column", name, table.names)
    if name == table.target:
        raise OptionError(f"--split-by {name!r}: that is the target.")
    if said:
        return ("time" if kind == "time" else "groups"), name
    survey = ColumnSurvey(name)
    survey.add(table)
    numbers = survey.all_numbers and not survey.codes
    ordered = survey.present and (numbers or survey.all_dates)
    return ("time" if ordered and not is_identifier(name) else "groups"), name


def split_by_time(table: Table, name: str) -> Split:
    """The last fifth is the test, the last fifth before it validation; equal times stay together.

    Raises:
        DataError: missing values, values that have no order, or too few different ones.
    """
    times = times_of(table, name)
    first = _border(times, np.ones(len(times), bool), TEST_SHARE)
    test = times >= first
    second = first if test.all() else _border(times, ~test, VALIDATION_SHARE)
    validation = ~test & (times >= second)
    train = ~test & ~validation
    if not train.any() or not validation.any():
        raise DataError(
            f"{table.source}: column {name!r} of --split-by has too few different values to cut "
            f"the rows into earlier and later ones."
        )
    begins = cell_text(table.columns[name][int(np.flatnonzero(times == first)[0])])
    text = (
        f"The test is what comes last by {name!r} (from {begins} on), validation what comes last "
        f"before it; --split-by group:{name} keeps equal values together instead."
    )
    parts = [np.flatnonzero(part) for part in (train, validation, test)]
    return Split(parts[0], parts[1], parts[2], "time", text)


def times_of(table: Table, name: str, style: str | None = None) -> NDArray[np.float64]:
    """A column of numbers or dates as numbers that grow, (n,); ``style`` is how dates are written.

    Raises:
        DataError: missing values, or values that have no order.
    """
    values = table.columns[name]
    values = compact(values) if isinstance(values, list) else values
    if isinstance(values, list):
        if style is None:
            style = next(iter(dates.styles_of(v for v in values if v is not None)), None)
        if style is None:
            raise DataError(
                f"{table.source}: column {name!r} of --split-by holds neither numbers nor dates, "
                f"which have an order. For groups write --split-by group:{name}."
            )
        values = dates.parse_all(values, style)
    times = dates.seconds(values) if values.dtype.kind == "M" else values
    if np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        raise DataError(
            f"{table.where(row)}: column {name!r} of --split-by is missing. Fill it in, or leave "
            f"the row out."
        )
    return np.asarray(times)


def _border(times: NDArray[np.float64], among: NDArray[np.bool_], share: float) -> float:
    """The least time of the last ``share`` of some rows."""
    ordered = np.sort(times[among])
    return float(ordered[min(len(ordered) - 1, round((1 - share) * len(ordered)))])


def split_by_groups(table: Table, name: str, rng: np.random.Generator) -> Split:
    """Whole groups of rows, by chance, until about a fifth is set aside; twice.

    Raises:
        DataError: fewer than 5 groups. A missing value is a group too.
    """
    groups, of = np.unique(
        np.array([value or "" for value in as_texts(table.columns[name])]), return_inverse=True
    )
    if len(groups) < FEWEST_GROUPS:
        raise DataError(
            f"{table.source}: column {name!r} of --split-by has "
            f"{amount(len(groups), 'different value')}; whole groups can be set aside if there are "
            f"at least {FEWEST_GROUPS}."
        )
    sizes = np.bincount(of)
    order = rng.permutation(len(groups))
    part = np.zeros(len(groups), int)
    wanted = [TEST_SHARE * len(of), VALIDATION_SHARE * (1 - TEST_SHARE) * len(of)]
    for place, rows in ((2, wanted[0]), (1, wanted[1])):
        taken = 0
        # At least one group each, and two stay for the training.
        while len(order) > 2 and (not taken or taken + sizes[order[0]] / 2 < rows):
            part[order[0]] = place
            taken += sizes[order[0]]
            order = order[1:]
    counts = [int((part == place).sum()) for place in (2, 1)]
    text = (
        f"Rows of one {name!r} stay together: the test has {counts[0]:,} of {len(groups):,}, "
        f"validation {counts[1]:,}."
    )
    train, validation, test = (np.flatnonzero(part[of] == place) for place in (0, 1, 2))
    return Split(train, validation, test, "groups", text)

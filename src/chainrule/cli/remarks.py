"""What is said of a table before the training: what was decided without being asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from chainrule.data.columns import CategoryColumn, Column, DateColumn, NumberColumn
from chainrule.data.commas import Marks
from chainrule.data.facts import ColumnFacts
from chainrule.data.numbers import nearly_numbers
from chainrule.data.target import ClassTarget, Target

#: A day written without dashes, and so many of them make one think of dates.
_DAY, FEWEST_DAYS = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"), 5
#: Names that are told one by one; more are counted.
MOST_NAMED = 5


def of_target(target: Target, by_default: bool) -> str:
    """What is predicted, and how it was understood."""
    if isinstance(target, ClassTarget):
        names = target.class_names
        what = f"classification, {len(names)} classes: {_listed(names)}"
        if alike := _alike(names):
            what += f"; {alike[0]!r} and {alike[1]!r} differ only in capitals, and count as two"
    else:
        what = "regression"
    if by_default:
        return f"Predicting the last column, {target.name!r} ({what}); --target chooses another."
    return f"Predicting {target.name!r} ({what})."


def of_columns(facts: Sequence[ColumnFacts], columns: Sequence[Column]) -> list[str]:
    """Which columns are left out and why, and what else is not plain to see."""
    reasons: dict[str, list[str]] = {}
    for fact in facts:
        if fact.role in ("left out", "split"):
            reasons.setdefault(fact.why, []).append(fact.name)
    remarks = []
    for why, names in reasons.items():
        if len(names) <= 2:
            remarks += [f"Column {name!r} is left out: {why}." for name in names]
        else:
            remarks.append(f"{len(names)} columns are left out ({_listed(names)}): {why}.")
    missing = {fact.name: fact.missing for fact in facts}
    flagged = [c.name for c in columns if isinstance(c, NumberColumn) and c.flag]
    if flagged:
        counts = [f"{name!r} ({missing[name]:,})" for name in flagged[:MOST_NAMED]]
        more = f" and {len(flagged) - MOST_NAMED} more" if len(flagged) > MOST_NAMED else ""
        remarks.append(
            f"Missing numbers count as the mean, and a further input says where: "
            f"{', '.join(counts)}{more}."
        )
    for column in columns:
        if isinstance(column, DateColumn):
            remarks.append(f"Column {column.name!r} holds dates ({column.style}).")
    for column in columns:
        if not isinstance(column, CategoryColumn):
            continue
        values = (*column.categories, *column.rare)
        if hint := nearly_numbers(values):
            remarks.append(f"Column {column.name!r} is one of categories{hint}.")
        if alike := _alike(values):
            remarks.append(
                f"Column {column.name!r}: {alike[0]!r} and {alike[1]!r} differ only in capitals, "
                f"and count as two categories."
            )
    for fact in facts:
        if fact.codes and fact.kind == "number":
            remarks.append(
                f"Column {fact.name!r} holds numbers such as {fact.codes!r}, as codes and times of "
                f"day are written; they are too many for categories, and are taken as numbers."
            )
        elif fact.codes:
            remarks.append(
                f"Column {fact.name!r} holds codes, not numbers: {fact.codes!r} begins with 0."
            )
    for fact in facts:
        if fact.kind == "number" and fact.role == "input" and _are_days(fact):
            day = fact.common[0][0]
            remarks.append(
                f"Column {fact.name!r} holds numbers such as {day}; if these are dates, write them "
                f"{day[:4]}-{day[4:6]}-{day[6:]}."
            )
    return remarks + [_of_far(fact) for fact in facts if fact.far]


def _are_days(fact: ColumnFacts) -> bool:
    """Whether numbers may be days written without dashes, as 20240105, by those kept of them."""
    texts = [text for text, _ in fact.common]
    return len(texts) >= FEWEST_DAYS and all(_DAY.fullmatch(text) for text in texts)


def _of_far(fact: ColumnFacts) -> str:
    """That a number such as -999 stands far from all others."""
    told = " and ".join(
        f"{value} ({count:,} training row{'s' if count > 1 else ''})" for value, count in fact.far
    )
    out = " (rows without a target are left out)" if fact.role == "target" else ""
    return (
        f"Column {fact.name!r}: nearly all of its spread comes from {told}, beside which its other "
        f"numbers are hardly told apart. If that stands for a missing value, leave those cells "
        f"empty{out}; if it is a mistake, correct it."
    )


def of_marks(marks: Marks, facts: Sequence[ColumnFacts]) -> list[str]:
    """How numbers with dots were read, where that is not plain to see."""
    read = [
        fact.name for fact in facts if fact.kind == "number" and fact.role in ("input", "target")
    ]
    remarks = []
    if thousands := [name for name in read if name in marks.thousands]:
        why = ", as the file writes decimal commas" if marks.unsure.keys() & set(thousands) else ""
        remarks.append(f"Dots part thousands in {_listed(thousands)}: 1.234 is 1234 there{why}.")
    for name in read:
        if name in marks.unsure and name not in marks.thousands:
            value = marks.unsure[name]
            remarks.append(
                f"Column {name!r} is ambiguous: {value} is read with a decimal point and not as "
                f"{value.replace('.', '')}, as nothing in the file shows a decimal comma."
            )
    return remarks


def of_weights(names: Sequence[str], counts: Sequence[int], weights: Sequence[float]) -> list[str]:
    """That rarer classes weigh more, where they do."""
    if not weights:
        return []
    most, least = (
        max(range(len(counts)), key=counts.__getitem__),
        min(range(len(counts)), key=counts.__getitem__),
    )
    return [
        f"Classes are unequal ({counts[most]:,} rows of {names[most]!r}, {counts[least]:,} of "
        f"{names[least]!r}): rarer ones weigh more, so that each class counts alike; "
        f"--class-weight none turns that off."
    ]


def of_unjudged(names: Sequence[str], labels: NDArray[Any]) -> list[str]:
    """Which classes have no row among the test's ``labels``, (n,), so that no score is of them."""
    judged = set(labels.tolist())
    lacking = [name for k, name in enumerate(names) if k not in judged]
    if not lacking:
        return []
    of, them = "", "it"
    if len(lacking) > 1:
        of, them = f"{len(lacking):,} of {len(names):,} classes, ", "them"
    return [
        f"The test has no row of {of}{_listed(lacking)}: how well the network tells {them} stays "
        f"unknown."
    ]


def _alike(names: Sequence[str]) -> tuple[str, str] | None:
    """Two of the names that are one if capitals do not count."""
    seen: dict[str, str] = {}
    for name in names:
        if (first := seen.setdefault(name.casefold(), name)) != name:
            return first, name
    return None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown

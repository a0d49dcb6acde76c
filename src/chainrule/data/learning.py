"""From the survey of a column to what is learned of it, or to the reason why it is of no use."""

from __future__ import annotations

import math
import re

from chainrule.data import dates
from chainrule.data.columns import (
    BOOLEANS,
    TRUTH,
    BooleanColumn,
    CategoryColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from chainrule.data.numbers import how_to_write, nearly_numbers, number, too_far_apart
from chainrule.data.survey import LONGEST_COUNTED, MOST_COUNTED, ColumnSurvey
from chainrule.data.table import Table, number_text
from chainrule.errors import DataError

MOST_CATEGORIES = 50
#: A category is rare if it has fewer training rows than this, and than this share of them.
FEW_ROWS, FEW_SHARE = 10, 0.01
#: Text is no category if there are more different ones than this share of so many rows.
MOST_DISTINCT, ENOUGH_ROWS = 0.5, 20
#: Categories too many to keep are cut to the most frequent if those make up this share of the rows.
KEPT_SHARE = 0.5
#: From when on a column is meant to be one of numbers or of dates, whatever else it holds.
LEAST_SHARE, FEWEST_NUMBERS = 0.8, 5
#: From here on not every whole number is a float64.
EXACT = 2.0**53
#: What may be done about a value that is none, in a column to learn from.
MISSING_IS_FINE = "leave the cell empty (missing values are filled in)"
ROW_COUNTER = "it counts the rows"
#: How people call what only tells one row from another.
_IDENTIFIER = re.compile(
    r"(?:.*[\W_])?(?i:id|uuid|guid|key|index|idx|nr|no|row|row[\W_]?names?)|.*[a-z](?:I[Dd]|Key)"
    r"|(?i:unnamed: ?\d+)|__index_level_\d+__|column 1"
)
_MONTH = re.compile(r"\d{4}[-/.]\d{1,2}|\d{1,2}[-/.]\d{4}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?")


def learn_column(survey: ColumnSurvey) -> Column | str:
    """What a column of training rows is; a string is the reason why it is of no use."""
    if not survey.present:
        return "it has no values"
    if survey.all_numbers and not survey.codes:
        return _numbers(survey)
    if survey.all_dates:
        return _dates(survey)
    found = _categories(survey)
    # Codes that are too many for categories: as numbers they say what comes after what.
    if isinstance(found, str) and survey.all_numbers and (survey.kept or survey.codes.are_times):
        return _numbers(survey)
    return found


def _numbers(survey: ColumnSurvey) -> NumberColumn | str:
    found = survey.numbers
    if found.minimum == found.maximum:
        if survey.whole and abs(found.mean) >= EXACT:
            return f"whole numbers near {found.mean:.4g}, which float64 does not tell apart"
        return f"always {number_text(found.mean)}"
    if found.std == 0.0:
        return "it varies by less than float64 can tell"
    if not math.isfinite(found.std):
        return too_far_apart(found)
    if survey.row_counter and not survey.kept:
        return ROW_COUNTER
    every = survey.distinct in (None, survey.present) and not survey.kept
    if every and survey.whole and survey.present > FEW_ROWS and is_identifier(survey.name):
        return "numbers that only tell one row from another"
    often = survey.missing >= max(FEW_ROWS, FEW_SHARE * survey.rows)
    return NumberColumn(survey.name, found.mean, found.std, often)


def is_identifier(name: str) -> bool:
    """Whether a column is called as identifiers are: id, customer_id, PassengerId, ..."""
    return _IDENTIFIER.fullmatch(name) is not None


def _dates(survey: ColumnSurvey) -> DateColumn | str:
    found = survey.dates
    if not found.std > 0.0:
        return f"always {next(iter(survey.counted))}"
    parts = dates.parts_of(found.minimum, found.maximum, survey.clock)
    return DateColumn(survey.name, found.mean, found.std, survey.styles[0], parts)


def _categories(survey: ColumnSurvey) -> BooleanColumn | CategoryColumn | str:
    counted = survey.counted
    if survey.distinct == 1 and not survey.missing:
        return f"always {next(iter(counted))!r}"
    words = {text.lower() for text in counted}
    if {TRUTH.get(word) for word in words} == {-1.0, 1.0}:
        no, yes = next((no, yes) for no, yes in BOOLEANS if words & {no, yes})
        return BooleanColumn(survey.name, no, yes)
    if survey.long:
        return f"text of more than {LONGEST_COUNTED} characters"
    if survey.overflow:
        return f"text with more than {MOST_COUNTED:,} different values{_hint(survey)}"
    if len(counted) == survey.present > 1:
        return f"text that is different in every row{_hint(survey)}"
    if survey.present >= ENOUGH_ROWS and len(counted) > MOST_DISTINCT * survey.present:
        return f"text that is different in most rows{_hint(survey)}"
    enough = min(FEW_ROWS, FEW_SHARE * survey.rows)
    kept = {text: count for text, count in counted.items() if count >= enough}
    if len(counted) > MOST_CATEGORIES:
        often = {text: count for text, count in kept.items() if count >= FEW_ROWS}
        most = sorted(often, key=lambda text: (-often[text], text))[:MOST_CATEGORIES]
        kept = {text: often[text] for text in most}
        if sum(kept.values()) < KEPT_SHARE * survey.present:
            return (
                f"text with {len(counted):,} different values, more than {MOST_CATEGORIES}"
                f"{_hint(survey)}"
            )
    rare = tuple(sorted(set(counted).difference(kept)))
    return CategoryColumn(survey.name, tuple(sorted(kept)), bool(rare), rare)


def _hint(survey: ColumnSurvey) -> str:
    """What to do, if a column that is too different to be one of categories is meant as numbers."""
    if survey.all_numbers and survey.codes:
        return (
            f"; {survey.codes.example!r} begins with 0, as codes do: numbers are written without it"
            f" (--keep takes them as numbers)"
        )
    texts = list(survey.counted)
    if all(any(dates.parse(text, style) is not None for style in dates.STYLES) for text in texts):
        return "; dates are read where all of a column are written alike"
    if all(_CLOCK.fullmatch(text) for text in texts):
        return "; times of day are read behind a date (2024-01-05 09:35), or as numbers (0935)"
    if all(_MONTH.fullmatch(text) for text in texts):
        return "; months are read with a day, 2024-01-01 and not 2024-01"
    return nearly_numbers(texts)


def refuse_strays(table: Table, name: str, advice: str) -> None:
    """Stop at a column of numbers or dates that a few wrong cells would turn into text.

    A column is one of numbers when at least 80 % of the values that are there, and at least 5 of
    them, are numbers; the same holds for dates.

    Args:
        table: the rows to look at.
        name: the column.
        advice: what else than a correction would help.

    Raises:
        DataError: such a column holds other values too, with the line and the text of the first.
    """
    values = table.columns[name]
    if not isinstance(values, list):
        return
    cells = [(row, value) for row, value in enumerate(values) if value is not None]
    read = {value: number(value) is not None for value in {value for _, value in cells}}
    strays, kind = [cell for cell in cells if not read[cell[1]]], "numbers"
    if strays and not _mostly(len(cells) - len(strays), len(cells)):
        style, kind = _likely_style([value for _, value in cells]), "dates"
        if style is None:
            return
        read = {value: dates.parse(value, style) is not None for value in read}
        strays = [cell for cell in cells if not read[cell[1]]]
    if not strays or not _mostly(len(cells) - len(strays), len(cells)):
        return
    row, value = strays[0]
    at = f"{table.unit} {table.lines[row]}"
    raise _stray(table.source, name, kind, len(cells), len(strays), at, value, advice)


def refuse_strays_of(survey: ColumnSurvey, source: str, advice: str) -> None:
    """The same of a column of numbers that was seen in batches.

    Raises:
        DataError: as for ``refuse_strays``.
    """
    count, total = survey.numbers.count, survey.present
    if survey.stray is not None and count < total and _mostly(count, total):
        at, value = survey.stray
        raise _stray(source, survey.name, "numbers", total, total - count, at, value, advice)


def _stray(
    source: str, name: str, kind: str, total: int, strays: int, at: str, value: str, advice: str
) -> DataError:
    more = strays - 1
    others = f", and {more:,} more {'is' if more == 1 else 'are'} none" if more else ""
    it = "them" if more else "it"
    hint = how_to_write(value) if kind == "numbers" else ""
    return DataError(
        f"{source}: column {name!r}: {total - strays:,} of {total:,} values are {kind}, and {at} "
        f"holds {value!r}{others}{hint}. Correct {it} or {advice}."
    )


def _mostly(count: int, total: int) -> bool:
    return count >= FEWEST_NUMBERS and count >= LEAST_SHARE * total


def _likely_style(texts: list[str]) -> str | None:
    """The way in which most of the first texts write dates, if there is one."""
    first = texts[:50]
    counts = {s: sum(dates.parse(text, s) is not None for text in first) for s in dates.STYLES}
    best = max(counts, key=lambda style: counts[style])
    return best if _mostly(counts[best], len(first)) else None

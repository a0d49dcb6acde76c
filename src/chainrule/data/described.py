"""The facts of a column, from its survey and from what was learned of it."""

from __future__ import annotations

import math

from chainrule.data.columns import (
    BooleanColumn,
    CategoryColumn,
    Column,
    DateColumn,
    NumberColumn,
)
from chainrule.data.facts import ColumnFacts
from chainrule.data.survey import ColumnSurvey

#: Frequent values that are kept of a column.
MOST_COMMON = 10
_KINDS = {
    NumberColumn: "number",
    BooleanColumn: "boolean",
    CategoryColumn: "category",
    DateColumn: "date",
}


def column_facts(
    survey: ColumnSurvey, learned: Column | None, role: str, why: str = "", *,
    regression: bool = False,
) -> ColumnFacts:  # fmt: skip
    """What the training rows hold in one column, and what is done with it.

    ``regression``: it is the target of one, and so holds numbers, however they are written.
    """
    codes = survey.all_numbers and bool(survey.codes) and not regression
    if learned is not None:
        kind = _KINDS[type(learned)]
    elif survey.present and survey.all_numbers and not codes:
        kind = "number"
    elif survey.present and survey.all_dates:
        kind = "date"
    else:
        kind = "category" if role == "target" else "text"
    moments = survey.dates if kind == "date" else survey.numbers
    ranged = kind in ("number", "date") and moments.count > 0
    told = ranged and math.isfinite(moments.std)
    counted = () if survey.distinct is None else tuple(survey.counted.most_common(MOST_COMMON))
    return ColumnFacts(
        survey.name,
        kind,
        role,
        why,
        () if learned is None else learned.feature_names,
        survey.missing,
        survey.distinct,
        moments.minimum if ranged else None,
        moments.maximum if ranged else None,
        moments.mean if told else None,
        moments.std if told else None,
        counted if kind != "date" else (),
        codes=survey.codes.example if codes and kind in ("category", "number") else "",
        far=survey.far if kind == "number" and (role == "input" or regression) else (),
    )

"""Far values: numbers such as -999 that make up nearly all of a column's spread."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.data.far import far_values
from chainrule.data.survey import ColumnSurvey
from chainrule.data.table import Table

RNG = np.random.default_rng(4)
PLAIN = RNG.normal(50, 10, 400).round(3)


def far(*numbers):
    values, counts = np.unique(np.concatenate(numbers), return_counts=True)
    return far_values(values, counts.astype(float)).tolist()


@pytest.mark.parametrize("mark", [-999999, -9999, 1e9, 1e300, -1e300])
@pytest.mark.parametrize("rows", [1, 20, 300])
def test_a_mark_for_missing_values_is_found(mark, rows):
    if abs(mark) == 9999 and rows == 1:
        mark *= 10
    assert far(PLAIN, [mark] * rows) == [mark]


def test_two_marks_are_found_at_one_end_or_at_both():
    assert far(PLAIN, [99998] * 9, [99999] * 9) == [99998, 99999]
    assert far(PLAIN, [-99999] * 9, [88888] * 9) == [-99999, 88888]


@pytest.mark.parametrize(
    "numbers",
    [
        PLAIN, [*PLAIN, *[0] * 401], [*PLAIN, -1] * 3, [*PLAIN, -30, 180], [0, 1] * 50,
        [0, 1, 99] * 9, [0] * 99 + [5],
        np.exp(RNG.normal(0, 1, 300)), RNG.poisson(0.05, 500), [3.0] * 9, RNG.integers(0, 2, 99),
    ],
)  # fmt: skip
def test_others_are_left_in_peace(numbers):
    assert far(numbers) == []


@pytest.mark.parametrize("as_text", [True, False])
def test_a_survey_counts_them_batch_by_batch(as_text):
    survey = ColumnSurvey("a")
    column = np.concatenate([PLAIN, [-999999.0] * 7, np.arange(20_000) / 300, [1e7]])
    RNG.shuffle(column)
    for part in np.array_split(column, 9):
        values = [f"{value:g}" for value in part] if as_text else part
        survey.add(Table(("a",), {"a": values}))
    assert survey.overflow
    # Of more values than are counted, at least the ends are known.
    found = dict(survey.far)
    assert set(found) == {"-999999", "10000000"}
    assert 1 <= found["-999999"] <= 7


def test_codes_texts_and_nothing_have_none():
    for texts in (["0123", "0999999", "0124", "0125"], ["a", "b"], [None, None]):
        survey = ColumnSurvey("a")
        survey.add(Table(("a",), {"a": texts}))
        assert survey.far == ()

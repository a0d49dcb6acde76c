"""Dates: the ways of writing them, and the numbers that they become."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.data import Table, TableEncoder, dates
from chainrule.errors import DataError


@pytest.mark.parametrize(
    ("text", "style", "date"),
    [
        ("2024-01-05", "year-month-day", "2024-01-05"),
        ("2024/1/5", "year-month-day", "2024-01-05"),
        ("2024-01-05T12:30:59.25Z", "year-month-day", "2024-01-05T12:30:59"),
        ("2024-01-05 12:30:00+02:00", "year-month-day", "2024-01-05T12:30"),
        ("1/5/2024", "month/day/year", "2024-01-05"),
        ("1/5/24 3:04 PM", "month/day/year", "2024-01-05T15:04"),
        ("12/31/99 12:00 am", "month/day/year", "1999-12-31"),
        ("5.1.2024", "day.month.year", "2024-01-05"),
        ("31/12/2024", "day.month.year", "2024-12-31"),
        ("5 Jan 2024", "day month year", "2024-01-05"),
        ("05-January-2024 07:08", "day month year", "2024-01-05T07:08"),
        ("Jan 5 2024", "month day year", "2024-01-05"),
        ("March 5, 2024", "month day year", "2024-03-05"),
        ("1970-01-01", "year-month-day", "1970-01-01"),
    ],
)
def test_ways_of_writing_a_date(text, style, date):
    assert dates.styles_of([text])[0] == style
    assert dates.parse_all([text, None], style)[0] == np.datetime64(date, "s")


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "2024-13-01", "13/13/2024", "5 Foo 2024", "12:30", "2024", "today", "1-2/2024",
     "2024-01-05 25:00", "Januar", "192.168.1.1"],
)  # fmt: skip
def test_what_is_no_date(text):
    assert dates.styles_of([text]) == []


def test_month_first_unless_a_day_says_otherwise():
    assert dates.styles_of(["1/5/2024", "2/6/2024"])[0] == "month/day/year"
    assert dates.styles_of(["1/5/2024", "25/6/2024"]) == ["day.month.year"]


def table(when, **more):
    columns = {"when": when, **more, "y": ["a", "b"] * (len(when) // 2)}
    return Table(tuple(columns), columns, "y")


DAYS = [f"2023-{month:02}-{day:02}" for month in range(1, 13) for day in (1, 9, 18, 27)]


def test_a_column_of_dates_becomes_its_place_in_time_year_and_week():
    encoder = TableEncoder().fit(table(DAYS))
    assert encoder.feature_names == (
        "when time", "when season sin", "when season cos", "when weekday sin", "when weekday cos"
    )  # fmt: skip
    X = encoder.transform(table(DAYS))
    assert X[:, 0].mean() == pytest.approx(0, abs=1e-6)
    assert X[:, 0].std() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(X[:, 1] ** 2 + X[:, 2] ** 2, 1, atol=1e-6)
    # Mondays are Mondays, and the first of January lies beside the last of December.
    later = encoder.transform(Table(("when",), {"when": ["2023-01-02", "2023-05-22", None]}))
    np.testing.assert_allclose(later[0, 3:], later[1, 3:], atol=1e-5)
    assert later[2].tolist() == [0, 0, 0, 0, 0]
    ends = encoder.transform(Table(("when",), {"when": ["2023-01-01", "2023-12-31"]}))
    np.testing.assert_allclose(ends[0, 1:3], ends[1, 1:3], atol=0.03)


def test_the_hour_counts_where_it_is_told_and_the_year_where_there_is_more_than_one_season():
    hours = [f"2024-05-01 {hour:02}:30" for hour in range(24)]
    assert TableEncoder().fit(table(hours)).feature_names == (
        "when time", "when hour sin", "when hour cos"
    )  # fmt: skip


def test_an_array_of_dates_is_encoded_as_its_text():
    array = np.array(DAYS, "datetime64[s]")
    by_text, by_array = (TableEncoder().fit(table(values)) for values in (DAYS, array))
    assert by_text.columns == by_array.columns
    assert np.array_equal(by_text.transform(table(DAYS)), by_array.transform(table(array)))
    again = TableEncoder.from_json(by_text.to_json())
    assert np.array_equal(again.transform(table(array)), by_text.transform(table(DAYS)))


def test_a_wrong_date_among_dates_is_told():
    wrong = [*DAYS]
    wrong[7] = "soon"
    with pytest.raises(DataError) as caught:
        TableEncoder().fit(table(wrong))
    assert str(caught.value) == (
        "table: column 'when': 47 of 48 values are dates, and line 9 holds 'soon'. Correct it or "
        "leave the cell empty (missing values are filled in)."
    )
    encoder = TableEncoder().fit(table(DAYS))
    with pytest.raises(DataError) as caught:
        encoder.transform(Table(("when",), {"when": ["2024-01-01", "1. May"]}, None, (), "t.csv"))
    assert str(caught.value) == (
        "t.csv, line 3: column 'when' holds dates, written year-month-day, got '1. May'."
    )


def test_dates_of_one_day_are_constant():
    more = {"x": [str(k * k) for k in range(6)]}
    assert TableEncoder().fit(table(["2024-01-05"] * 6, **more)).ignored == {
        "when": "always 2024-01-05"
    }

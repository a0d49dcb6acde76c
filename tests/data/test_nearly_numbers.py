"""Columns that are numbers but for the way in which they are written: said, and nothing made up."""

from __future__ import annotations

import pytest

from chainrule.data import Table, TableEncoder
from chainrule.data.numbers import nearly_numbers
from chainrule.errors import DataError

UNIT = "; numbers are written without a unit"


@pytest.mark.parametrize(
    ("texts", "hint"),
    [
        (["54%", "3 %"], UNIT),
        (["12.50 €", "7 €"], UNIT),
        (["$12", "$7.5"], UNIT),
        (["1,234", "987"], "; numbers are written without a comma between thousands, 1000 and not"),
        (["1'234.5", "987"], "; numbers are written without an apostrophe between thousands, 1000"),
        (["1\u202f234", "2\u202f345\u202f678"], "; numbers are written without a space between"),
        (["1 234", "1,234"], ""),
        (["1,5", "2,25"], "; numbers are written with a decimal point, 1.5 and not 1,5"),
        (["A12", "A13"], ""),
        (["\u22121.5", "3"], "; a minus is written as -, and not as \u2212"),
        (["\u20132", "\u20133"], "; a minus is written as -, and not as \u2013"),
        (["(1.5)", "3"], "; numbers below 0 are written with a minus, -1.5 and not (1.5)"),
        (["(a)", "3"], ""),
        (["3\u20135", "4\u20136"], ""),
        (["12 kg", "3 m"], ""),
        (["1", "2"], ""),
        (["red", "54%"], ""),
    ],
)
def test_what_all_of_them_would_need(texts: list[str], hint: str) -> None:
    found = nearly_numbers(texts)
    assert found.startswith(hint) if hint else found == ""


def table(name: str, values: list[str]) -> Table:
    numbers = [str(k % 7) for k in range(len(values))]
    return Table(
        (name, "x", "z"), {name: values, "x": numbers, "z": numbers[::-1]}, "z", source="t.csv"
    )


def test_a_column_with_a_unit_is_left_out_with_the_reason() -> None:
    encoder = TableEncoder("regression").fit(table("price", [f"{k}.50 €" for k in range(40)]))
    assert encoder.ignored["price"] == f"text that is different in every row{UNIT}"


def test_a_target_with_a_unit_is_no_class_for_each_number() -> None:
    values = [f"{k % 30}%" for k in range(90)]
    with pytest.raises(DataError) as error:
        TableEncoder().fit(
            Table(("y", "x"), {"y": values, "x": ["1", "2", "3"] * 30}, "y", source="t.csv")
        )
    assert str(error.value) == (
        "t.csv: the target 'y' holds 30 different texts that are nearly numbers; numbers are "
        "written without a unit. Correct them, or ask for the task classification."
    )
    asked = Table(("y", "x"), {"y": values, "x": ["1", "2", "3"] * 30}, "y", source="t.csv")
    assert len(TableEncoder("classification").fit(asked).class_names) == 30


def test_whole_numbers_that_float64_makes_one_are_not_called_constant() -> None:
    values = [str(2**60 + k % 50) for k in range(200)]
    encoder = TableEncoder("regression").fit(table("id64", values))
    assert encoder.ignored["id64"] == (
        "whole numbers near 1.153e+18, which float64 does not tell apart"
    )

"""Tables as people have them: what is not plain to see is said, and nothing is wrong in silence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainrule.data import TableFacts

N = 120


def train(command, header, row, *options):
    """Train on rows that ``row`` makes of their place; returns what is said of the table."""
    lines = [header, *[row(k) for k in range(N)]]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = command("train", "t.csv", "--epochs", "1", "--out", "run", "--force", *options)
    assert result.exit_code == 0
    return [line for line in result.stderr.splitlines() if not line.startswith("epoch ")]


def test_categories_that_are_nearly_numbers_are_told(command):
    said = train(command, "share,x,y", lambda k: f"{k % 5}0 %,{k * 7 % 50},{k % 17 / 2}")
    assert "Column 'share' is one of categories; numbers are written without a unit." in said
    said = train(command, "size,x,y", lambda k: f"{k % 5} by {k % 3},{k * 7 % 50},{k % 17 / 2}")
    assert not any("'size'" in line for line in said)


def test_names_that_differ_in_capitals_are_told(command):
    towns = ["Bonn", "Kiel", "bonn"]
    said = train(command, "town,x,y", lambda k: f"{towns[k % 3]},{k * 7 % 50},{k % 17 / 2}")
    assert (
        "Column 'town': 'Bonn' and 'bonn' differ only in capitals, and count as two categories."
        in said
    )
    said = train(command, "x,town", lambda k: f"{k * 7 % 50},{towns[k % 3]}")
    assert said[0] == (
        "Predicting the last column, 'town' (classification, 3 classes: 'Bonn', 'Kiel', 'bonn'; "
        "'Bonn' and 'bonn' differ only in capitals, and count as two); --target chooses another."
    )


@pytest.mark.parametrize("end", [",", ",,"])
def test_marks_at_the_end_of_each_line_are_no_target(command, end):
    said = train(command, f"x,y{end}", lambda k: f"{k * 7 % 50},{k % 17 / 2}{end}")
    assert said[0].startswith("Predicting the last column, 'y' (regression)")
    assert said[1] == "Column 'column 3' is left out: it has no values."


def test_a_table_as_excel_writes_it_in_europe(command):
    def row(k):
        money = f"{1 + k % 9}.{k * 37 % 1000:03},{k % 10}0"
        day = f"{1 + k % 28:02}.{1 + k % 12:02}.2024"
        return f"{money};{day};{k % 7:02}234;{'ja' if k % 2 else 'nein'};{k % 5},5"

    said = train(command, "sep=;\nPreis (€);Datum;PLZ;Balkon;Ziel", row, "--task", "regression")
    assert said[0] == "Predicting the last column, 'Ziel' (regression); --target chooses another."
    assert said[1] == "Column 'Datum' holds dates (day.month.year)."
    assert said[2].startswith("Column 'PLZ' holds codes, not numbers: '0")
    assert said[3] == "Dots part thousands in 'Preis (€)': 1.234 is 1234 there."


@pytest.mark.parametrize("how", [(), ("--stream",)])
def test_a_number_that_stands_for_a_missing_value_is_told(command, how):
    def row(k):
        return f"{-999999 if k % 7 == 0 else k * 7 % 50},{k % 6},{k % 17 / 2}"

    said = train(command, "x,z,y", row, *how)
    (told,) = [line for line in said if "spread" in line]
    rows = re.search(r"\((\d+) training rows\)", told)[1]
    assert 5 < int(rows) < 17
    assert told == (
        f"Column 'x': nearly all of its spread comes from -999999 ({rows} training rows), beside "
        "which its other numbers are hardly told apart. If that stands for a missing value, leave "
        "those cells empty; if it is a mistake, correct it."
    )
    facts = TableFacts.from_json(Path("run/table.json").read_text(encoding="utf-8"))
    assert [fact.far for fact in facts.columns] == [(("-999999", int(rows)),), (), ()]


def test_so_it_is_of_a_target(command):
    said = train(command, "x,y", lambda k: f"{k * 7 % 50},{-99999 if k % 9 == 0 else k % 37 / 2}")
    (told,) = [line for line in said if "spread" in line]
    assert told.startswith("Column 'y': nearly all of its spread comes from -99999 (")
    assert "leave those cells empty (rows without a target are left out); if" in told


def test_powers_as_classes_have_no_spread(command):
    said = train(command, "x,y", lambda k: f"{k * 7 % 50},{10 ** (k % 7)}")
    assert not any("spread" in line for line in said)


def test_months_are_told_how_to_be_read(command):
    said = train(
        command, "m,x,y", lambda k: f"{2000 + k // 12}-{k % 12 + 1:02},{k % 9},{k % 17 / 2}"
    )
    assert (
        "Column 'm' is left out: text that is different in every row; months are read with a day, "
        "2024-01-01 and not 2024-01." in said
    )


def test_days_without_dashes_are_told(command):
    told = "Column 'd' holds numbers such as 20240"
    said = train(
        command, "d,x,y", lambda k: f"2024{k % 9 + 1:02}{k % 28 + 1:02},{k % 9},{k % 17 / 2}"
    )
    (line,) = [line for line in said if line.startswith(told)]
    assert re.search(r"if these are dates, write them 2024-0\d-\d\d\.$", line)
    said = train(
        command, "d,x,y", lambda k: f"2024{k % 90 + 10}{k % 28 + 1:02},{k % 9},{k % 17 / 2}"
    )
    assert not any(line.startswith(told) for line in said)

"""Commas and dots in new rows: a written program reads files as ``chainrule predict`` does."""

from __future__ import annotations

import csv
import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli.live import Wait
from chainrule.cli.predict import predictions
from chainrule.cli.runs import Run
from chainrule.data import TableEncoder, open_table, read_table
from chainrule.data.csv_table import CsvFile
from chainrule.errors import DataError, FileFormatError
from chainrule.formats import python_source

#: How a column of two rows may be written, alone or beside others.
COLUMNS = [
    ("2500", "3"),
    ("50,125", "3,5"),
    ("1,234", "2,345"),
    ("50.5", "1.25"),
    ("1.234", "2.500"),
    ("1.234", "2.5"),
    ("1.234.567", "2.500"),
    ("1.234,5", "2.500"),
    ("1,5", "1.5"),
    ("", "1,234"),
    ("NA", "1.234"),
    ("-1,5e3", "2"),
    ("007", "010"),
    ("many", "1,5"),
]
#: What the model is trained on: what parts values, and how its two columns are written.
TRAININGS = {
    "commas": (";", "{0:.2f}", "{1:.2f}", True),
    "commas and thousands": (";", "{0:,.2f}", "{1:.2f}", True),
    "commas and points": (";", "{0:.2f}", "{1:.1f}p", True),
    "points": (";", "{0:.2f}", "{1:.2f}", False),
    "points where commas part": (",", "{0:.2f}", "{1:.2f}", False),
    "whole numbers": (";", "{0:.0f}", "{1:.0f}", False),
    "commas between tabs": ("\t", "{0:.2f}", "{1:.2f}", True),
}
Rows = list[dict[str, str]]


def exchanged(text: str) -> str:
    """1,234.5 as 1.234,5; a number with a p behind it keeps its point."""
    return text[:-1] if text.endswith("p") else text.translate(str.maketrans(",.", ".,"))


def written(path: Path, rows: Rows, delimiter: str = ";") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def trained(path: Path, training: str) -> tuple[Run, dict[str, Any]]:
    """A network that learned from a file, and the names of the program that is written of it."""
    delimiter, first, second, commas = TRAININGS[training]
    draw = random.Random(0)
    rows = []
    for _ in range(60):
        a, b = draw.uniform(500, 5000), draw.uniform(1, 900)
        texts = [form.format(a, b) for form in (first, second, "{0:.1f}")]
        rows.append(dict(zip("abt", map(exchanged, texts) if commas else texts, strict=True)))
    written(path, rows, delimiter)
    table, file = read_table(path, "t"), open_table(path)
    assert isinstance(file, CsvFile)
    encoder = TableEncoder().fit(table)
    encoder.marks = file.marks
    net = cr.Sequential(cr.Dense(1))
    net.fit(encoder.transform(table), encoder.encode_target(table), epochs=2, seed=0)
    names: dict[str, Any] = {"__name__": "model"}
    # What the run's folder keeps is what a program is written from.
    encoder = TableEncoder.from_json(encoder.to_json())
    exec(python_source(net, encoder=encoder), names)
    return Run(net, (), encoder), names


def told(run: Run, path: Path) -> list[float] | str:
    """What ``chainrule predict`` answers, or that it refuses."""
    try:
        return [float(line) for line in "".join(predictions(run, path, Wait())).splitlines()[1:]]
    except (DataError, FileFormatError):
        return "refused"


def answered(names: dict[str, Any], rows: Any) -> list[float] | str:
    """What the program answers for rows, or for a file."""
    try:
        if isinstance(rows, Path):
            rows = names["table"](str(rows))
        found: list[float] = names["predict"](rows).tolist()
    except ValueError:
        return "refused"
    return found


def same(found: list[float] | str, wanted: list[float] | str) -> bool:
    if isinstance(found, str) or isinstance(wanted, str):
        return found == wanted
    return bool(np.allclose(found, wanted, rtol=1e-5))


@pytest.mark.parametrize("training", TRAININGS)
def test_new_rows_are_read_as_predict_reads_them(tmp_path: Path, training: str) -> None:
    run, names = trained(tmp_path / "t.csv", training)
    path, wrong, refused = tmp_path / "new.csv", [], 0
    # A column that the model does not know has its say in what commas mean.
    others = itertools.cycle([("x", "y"), *COLUMNS])
    marks = itertools.cycle([";", ";,", ";", ";\t", ";|"])
    for a, b in itertools.product(COLUMNS, COLUMNS):
        cells = zip(a, b, next(others), strict=True)
        rows = [dict(zip("abc", row, strict=True)) for row in cells]
        for delimiter in next(marks):
            written(path, rows, delimiter)
            wanted = told(run, path)
            refused += wanted == "refused"
            for new in [path, rows] if delimiter == ";" else [path]:
                if not same(found := answered(names, new), wanted):
                    wrong.append((rows, delimiter, new is rows, found, wanted))
    assert wrong == []
    assert 50 < refused < 250  # both are tried


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\na;b\n50,125;3\n",
        '"sep=;";\na;b\n50,125;3\n',
        "sep=,\na;b\n50,125;3\n",
        "size, in m, or so;a;b\n1;50,125;3\n",
        "a,b|b|a\n1|3|50,125\n",
        'a;b\n "50,125"; 3 \n',
        "a;b\r50,125;3\r\r2;1,5\r",
        "a;b\r\n50,125;3\r\n   \r\n",
        "a\tb\n50,125\t3\n",
        "\ufeffa;b\n50,125;3",
    ],
)
def test_what_parts_values_is_found_as_predict_finds_it(tmp_path: Path, text: str) -> None:
    run, names = trained(tmp_path / "t.csv", "commas")
    for ending in "csv", "tsv":
        path = tmp_path / f"new.{ending}"
        path.write_bytes(text.encode())
        wanted = told(run, path)
        assert same(answered(names, path), wanted)
        assert (wanted == "refused") == (ending == "tsv" and "\t" not in text)


def test_texts_and_numbers_from_python(tmp_path: Path) -> None:
    _, names = trained(tmp_path / "t.csv", "commas")
    predict = names["predict"]
    wanted = predict([{"a": 50.125, "b": 3}, {"a": 1234, "b": None}, {"a": 1.234, "b": 2.5}])
    mixed = [{"a": "50,125", "b": "3"}, {"a": "1.234", "b": ""}, {"a": 1.234, "b": "2,5"}]
    np.testing.assert_array_equal(predict(mixed), wanted)
    assert predict([]).tolist() == []
    _, names = trained(tmp_path / "t.csv", "whole numbers")
    wanted = names["predict"]([{"a": 1.234, "b": 2.5}])
    np.testing.assert_array_equal(names["predict"]([{"a": "1.234", "b": "2.5"}]), wanted)
    with pytest.raises(ValueError) as caught:
        names["predict"]([{"a": "1.234", "b": "2,5"}])
    assert str(caught.value) == (
        "column 'a': 1.234 may be 1234, as these rows have decimal commas, or 1,234; the model's "
        "own table had none. Write it in one of these two ways"
    )

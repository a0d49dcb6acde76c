"""Raw rows of a table: through the ONNX model and the written program, as through the encoder."""

from __future__ import annotations

import csv
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import chainrule as cr
from chainrule.data import Table, TableEncoder
from chainrule.data.commas import Marks
from chainrule.errors import OptionError
from chainrule.formats import python_source, save_python, to_onnx
from chainrule.formats.onnx_table import kind

Rows = list[dict[str, Any]]
ROWS = 120
#: Names that are parameters, outputs or Python elsewhere.
NAMES = ("W1", "prediction", 'a "quoted" \\ """ name', "when", "answer", "kind", "größe")


def people(seed: int) -> Rows:
    """Numbers with some missing, one all there, categories, dates, yes and no."""
    draw = random.Random(seed)
    number, other, district, when, answer, species, size = NAMES
    rows = []
    for _ in range(ROWS):
        day = np.datetime64("2020-01-01T00") + draw.randrange(900 * 24)
        rows.append(
            {
                number: None if draw.random() < 0.2 else f"{draw.uniform(30, 150):.1f}",
                other: f"{draw.gauss(1e6, 10):.4f}",
                district: draw.choice(["north", "south", "old, town", None]),
                when: draw.choice([None, str(day).replace("T", " ") + ":00"]),
                answer: draw.choice(["Yes", "no"]),
                species: draw.choice(["a", "b", "c"]),
                size: f"{draw.gauss(100, 20):.2f}",
            }
        )
    return rows


def as_table(rows: Rows, target: str | None = None) -> Table:
    return Table(NAMES, {name: [row[name] for row in rows] for name in NAMES}, target)


def trained(target: str) -> tuple[cr.Sequential, TableEncoder]:
    table = as_table(people(0), target)
    encoder = TableEncoder().fit(table)
    count = len(encoder.class_names)
    last: tuple[Any, ...] = {0: (1,), 2: (1, "sigmoid")}.get(count, (count, "softmax"))
    net = cr.Sequential(cr.Dense(6, "tanh"), cr.Dense(*last))
    net.fit(encoder.transform(table), encoder.encode_target(table), epochs=3)
    return net, encoder


def unseen(encoder: TableEncoder) -> Rows:
    """Other rows: a category that training had not, a truth in other words, and what is none."""
    rows = people(1)[:20]
    for row, word in zip(rows, ["True", "0", "perhaps"], strict=False):
        row[NAMES[2]], row[NAMES[4]] = "moon", word
    return rows


def expected(net: cr.Sequential, encoder: TableEncoder, rows: Rows) -> Any:
    return net.predict(encoder.transform(as_table(rows)))


def fed(model: Any, encoder: TableEncoder, rows: Rows) -> list[Any]:
    """What ONNX Runtime makes of the rows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    kinds = {c["name"]: kind(c) for c in json.loads(encoder.to_json())["columns"]}
    feed = {}
    for name, one in kinds.items():
        values = [row[name] for row in rows]
        if one == "date":
            values = [
                v and float(np.datetime64(v.replace(" ", "T"), "s").astype(int)) for v in values
            ]
        if one in ("number", "date"):
            feed[name] = np.array([np.nan if v is None else float(v) for v in values])
        else:
            feed[name] = np.array([v or "" for v in values], object)
    assert [one.name for one in session.get_inputs()] == list(kinds)
    found: list[Any] = session.run(None, feed)
    return found


@pytest.mark.parametrize("target", ["größe", "answer", "kind", "W1"])
def test_the_model_takes_raw_columns(target: str) -> None:
    if target == "W1":  # a target may not be missing
        net, encoder = trained("prediction")
    else:
        net, encoder = trained(target)
    model = to_onnx(net, encoder=encoder)
    for count in (20, 1):
        rows = unseen(encoder)[:count]
        outputs = expected(net, encoder, rows)
        found = fed(model, encoder, rows)
        if encoder.task == "regression":
            (value,) = found
            assert (value.dtype, value.shape) == (np.float64, (count, 1))
            close = 1e-5 * np.abs(encoder.decode_target(1.0) - encoder.decode_target(0.0))
            np.testing.assert_allclose(value, encoder.decode_target(outputs), rtol=0, atol=close)
            continue
        names, p = found
        both = np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs
        np.testing.assert_allclose(p, both, atol=1e-6)
        assert list(names) == [encoder.class_names[k] for k in both.argmax(axis=1)]


def loaded(net: cr.Sequential, encoder: TableEncoder) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "model"}
    exec(python_source(net, encoder=encoder), namespace)
    return namespace


@pytest.mark.parametrize("target", ["größe", "answer", "kind"])
def test_the_program_takes_raw_rows(target: str) -> None:
    net, encoder = trained(target)
    names, rows = loaded(net, encoder), unseen(encoder)
    outputs = expected(net, encoder, rows)
    np.testing.assert_allclose(names["network"](rows), outputs, atol=1e-6)
    found = names["predict"](rows)
    if target == "größe":
        np.testing.assert_allclose(found, encoder.decode_target(outputs[:, 0]), rtol=1e-6)
    elif target == "kind":
        assert found == [encoder.class_names[k] for k in outputs.argmax(axis=1)]
    else:
        assert found == [encoder.class_names[int(p > 0.5)] for p in outputs[:, 0]]


def test_numbers_and_marks_of_missing_values_are_understood() -> None:
    net, encoder = trained("kind")
    names, rows = loaded(net, encoder), people(2)[:4]
    for row, value in zip(rows, (None, "", "NA", float("nan")), strict=True):
        row["W1"] = value
    other = [row | {"W1": None, "prediction": float(row["prediction"])} for row in rows]
    np.testing.assert_array_equal(names["network"](rows), names["network"](other))


def written(folder: Path, rows: Rows) -> None:
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def alone(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "model.py", "rows.csv"],
        cwd=folder, env={}, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip


def test_the_command_of_the_program(tmp_path: Path) -> None:
    for target in ("größe", "kind"):
        net, encoder = trained(target)
        save_python(net, tmp_path / "model.py", encoder=encoder)
        rows = unseen(encoder)
        written(tmp_path, [{k: row[k] for k in reversed(NAMES)} for row in rows])
        done = alone(tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        head, *lines = done.stdout.splitlines()
        outputs = expected(net, encoder, rows)
        table = np.array([line.split(",") for line in lines])
        if target == "größe":
            assert head == "prediction"
            values = encoder.decode_target(outputs)
            np.testing.assert_allclose(table.astype(float), values, rtol=1e-6)
        else:
            assert head == "prediction,probability_a,probability_b,probability_c"
            np.testing.assert_allclose(table[:, 1:].astype(float), outputs, rtol=1e-5)


def test_decimal_commas_are_read_as_in_the_training(tmp_path: Path) -> None:
    net, encoder = trained("größe")
    save_python(net, tmp_path / "model.py", encoder=encoder)
    rows = unseen(encoder)
    # A thousand, in a file whose other numbers say that a comma is no mark of thousands.
    rows[0]["prediction"], rows[1]["prediction"] = "1.234", "1000012"

    def with_commas(row: dict[str, Any], *names: str) -> dict[str, Any]:
        return row | {name: row[name] and row[name].replace(".", ",") for name in names}

    written(tmp_path, [with_commas(row, "W1", "prediction", "größe") for row in rows])
    done = alone(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = np.array(done.stdout.splitlines()[1:], float)
    wanted = encoder.decode_target(expected(net, encoder, rows))[:, 0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)

    # Points and commas in one column are a mistake, not a number.
    rows[0]["W1"] = "28.5"
    written(tmp_path, [rows[0], *[with_commas(row, "W1", "größe") for row in rows[1:]]])
    told = alone(tmp_path).stderr
    assert re.fullmatch(
        r"Error: rows\.csv, line \d+: column 'W1' holds numbers, got '\d+,\d'\.\n", told
    )


def test_dots_mean_what_they_meant_in_the_training(tmp_path: Path) -> None:
    net, encoder = trained("größe")
    rows = unseen(encoder)[:3]
    for row, area in zip(rows, ["1234", "2500", "950"], strict=True):
        row |= {"W1": area, "prediction": "1000000", "größe": "1"}
    wanted = encoder.decode_target(expected(net, encoder, rows))[:, 0]

    def found(values: list[str], other: str) -> Any:
        told = zip(rows, values, strict=True)
        written(tmp_path, [row | {"W1": value, "prediction": other} for row, value in told])
        return np.array(alone(tmp_path).stdout.splitlines()[1:], float)

    dotted = ["1.234", "2.500", "950"]
    for thousands in (True, False):
        name = frozenset({"W1"})
        encoder.marks = Marks(True, name) if thousands else Marks(True, points=name)
        save_python(net, tmp_path / "model.py", encoder=encoder)
        same = np.allclose(found(dotted, "1000000"), wanted, rtol=1e-6)
        assert same == thousands
        # The file itself tells.
        np.testing.assert_allclose(found(["1.234,0", "2.500", "950"], "1000000"), wanted, rtol=1e-6)
    encoder.marks = Marks()
    save_python(net, tmp_path / "model.py", encoder=encoder)
    assert not np.allclose(found(dotted, "1000000"), wanted, rtol=1e-6)
    # Trained without decimal commas, asked with them: 1.234 may be either, and is asked about.
    written(tmp_path, [row | {"W1": "1.234", "prediction": "1000000,0"} for row in rows])
    done = alone(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: column 'W1': 1.234 may be 1234, as these rows have decimal commas, or 1,234; the "
        "model's own table had none. Write it in one of these two ways.\n"
    )
    encoder.marks = Marks(commas=True)
    save_python(net, tmp_path / "model.py", encoder=encoder)
    np.testing.assert_allclose(found(dotted, "1000000,0"), wanted, rtol=1e-6)


def test_a_comma_that_may_part_thousands_is_no_number(tmp_path: Path) -> None:
    net, encoder = trained("kind")
    save_python(net, tmp_path / "model.py", encoder=encoder)
    rows = [row | {"W1": "1,234", "prediction": "5", "größe": "7"} for row in people(3)[:3]]
    written(tmp_path, rows)
    told = alone(tmp_path).stderr
    assert told == "Error: rows.csv, line 2: column 'W1' holds numbers, got '1,234'.\n"


def test_mistakes_in_a_file_are_lines(tmp_path: Path) -> None:
    net, encoder = trained("kind")
    save_python(net, tmp_path / "model.py", encoder=encoder)
    rows = people(3)[:3]

    def told(rows: Rows) -> str:
        written(tmp_path, rows)
        done = alone(tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    assert told([*rows, rows[0] | {"W1": "many"}]) == (
        "Error: rows.csv, line 5: column 'W1' holds numbers, got 'many'.\n"
    )
    assert told([rows[0] | {"when": "soon"}]) == (
        "Error: rows.csv, line 2: column 'when' holds dates, written year-month-day, got 'soon'.\n"
    )
    short = [{"W1": "1", "größe": "2"}]
    assert told(short) == (
        "Error: the column 'prediction' is missing; there are ['W1', 'größe'].\n"
    )
    written(tmp_path, rows)
    with (tmp_path / "rows.csv").open("a", encoding="utf-8") as file:
        file.write("1;2\n")
    assert alone(tmp_path).stderr == "Error: rows.csv, line 5: 7 values were expected, got 2.\n"
    (tmp_path / "rows.csv").write_text("W1|W1\n1|2\n")
    assert alone(tmp_path).stderr == "Error: rows.csv names a column twice: ['W1', 'W1'].\n"
    (tmp_path / "rows.csv").write_text("W1;größe\n")
    assert alone(tmp_path).stderr == "Error: rows.csv has no rows below the names of the columns.\n"


def test_an_encoder_belongs_to_a_network() -> None:
    _, encoder = trained("kind")
    with pytest.raises(OptionError, match="a graph has the rows it was recorded for, and its own"):
        to_onnx(cr.trace(cr.exp, 1.0), encoder=encoder)
    with pytest.raises(OptionError, match="TableEncoder has learned nothing yet"):
        to_onnx(cr.Sequential(cr.Dense(1)).build(2), encoder=TableEncoder())

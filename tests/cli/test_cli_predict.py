"""``chainrule predict``: rows in, predictions out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli.runs import read_run
from chainrule.data import read_csv


def table(text):
    head, *rows = csv.reader(io.StringIO(text))
    return head, rows


@pytest.fixture
def gate(command):
    assert command("train", "xor", "--out", "gate").exit_code == 0
    return Path("gate")


def test_prices_in_their_unit_with_and_without_the_target(command, houses, folder):
    command("train", houses, "--out", "run")
    result = command("predict", "run", houses)
    assert (result.exit_code, result.stderr) == (0, "")
    head, rows = table(result.stdout)
    assert head == ["prediction"]
    assert len(rows) == 200
    prices = np.array(read_csv(houses).columns["price"], dtype=float)
    assert np.corrcoef(prices, np.array(rows, dtype=float)[:, 0])[0, 1] > 0.95

    lines = [line.rsplit(",", 1)[0] for line in houses.read_text().splitlines()]
    (folder / "new.csv").write_text("\n".join(lines))
    assert command("predict", "run", "new.csv").stdout == result.stdout
    assert command("predict", "run/model.safetensors", "new.csv").stdout == result.stdout


def test_classes_and_their_probabilities(command, flowers):
    command("train", flowers, "--target", "kind", "--out", "run")
    head, rows = table(command("predict", "run", flowers).stdout)
    assert head == [
        "prediction", "probability_blue", "probability_red, wild", "probability_white"
    ]  # fmt: skip
    p = np.array([row[1:] for row in rows], dtype=float)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    names = ["blue", "red, wild", "white"]
    assert [row[0] for row in rows] == [names[k] for k in p.argmax(axis=1)]
    right = np.mean([row[0] == kind for row, kind in zip(rows, kinds(flowers), strict=True)])
    assert right > 0.8


def kinds(path):
    return read_csv(path).columns["kind"]


@pytest.mark.parametrize("header", ["", "x1,x2\n"])
def test_plain_numbers_with_and_without_a_header(command, gate, header):
    Path("rows.csv").write_text(header + "0,1\n1,1\n")
    head, rows = table(command("predict", gate, "rows.csv").stdout)
    assert head == ["prediction", "probability_0", "probability_1"]
    assert [row[0] for row in rows] == ["1", "0"]
    p = np.array([row[1:] for row in rows], dtype=float)
    expected = read_run(gate).net.predict(np.array([[0.0, 1], [1, 1]]))[:, 0]
    assert p[:, 1] == pytest.approx(expected, rel=1e-5)
    assert p[:, 0] == pytest.approx(1 - expected, rel=1e-5)


def test_pixels_as_counts_or_between_0_and_1(command):
    command("train", "digits", "--epochs", "3", "--out", "run")
    X = cr.data.digits().X_test[:20]
    np.savetxt("scaled.csv", X, delimiter=",")
    np.savetxt("counts.csv", X * 16, delimiter=",", fmt="%d")
    scaled = command("predict", "run", "scaled.csv").stdout
    assert len(scaled.splitlines()) == 21
    assert command("predict", "run", "counts.csv").stdout == scaled
    np.savetxt("bytes.csv", X * 255, delimiter=",", fmt="%d")
    result = command("predict", "run", "bytes.csv")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: bytes.csv holds values from 0 to 255; this model takes pixels from 0 to 16, or "
        "already divided, from 0 to 1.\n"
    )


def test_a_network_saved_without_the_command(command):
    net = cr.Sequential(cr.Dense(3)).build(2)
    net.save("own.safetensors")
    Path("rows.csv").write_text("1,2\n-1,0.5\n")
    head, rows = table(command("predict", "own.safetensors", "rows.csv").stdout)
    assert head == ["prediction_1", "prediction_2", "prediction_3"]
    assert np.array(rows, float) == pytest.approx(net.predict([[1, 2], [-1, 0.5]]), rel=1e-6)


def test_out_is_written_once(command, gate):
    Path("rows.csv").write_text("0,1\n")
    result = command("predict", gate, "rows.csv", "--out", "p.csv")
    assert (result.exit_code, result.output) == (0, "")
    assert Path("p.csv").read_text() == command("predict", gate, "rows.csv").stdout
    Path("p.csv").write_text("mine")
    result = command("predict", gate, "rows.csv", "--out", "p.csv")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: p.csv is there already. Give another --out, or --force to replace it.\n"
    )
    assert Path("p.csv").read_text() == "mine"
    assert command("predict", gate, "rows.csv", "--out", "p.csv", "--force").exit_code == 0
    assert Path("p.csv").read_text().startswith("prediction,")
    result = command("predict", gate, "rows.csv", "--out", "no/p.csv")
    assert result.stderr == "Error: --out no/p.csv cannot be written: there is no folder no.\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("0,1,1\n", "rows.csv, line 1: 3 values, and the model takes 2 numbers a row, one for"),
        ("a,b\n0,1\n1\n", "rows.csv, line 3: 1 value, and the model takes 2 numbers"),
        ("0,1\n0,one\n", "rows.csv, line 2, column 2: 'one' is not a finite number; this model"),
        ("0,1\n,1\n", "rows.csv, line 2, column 1: the value is missing; this model takes plain"),
        ("0,1\n0,nan\n", "rows.csv, line 2, column 2: 'nan' is not a finite number"),
        ("", "rows.csv has no rows of numbers: there is nothing to predict."),
        ("a,b\n", "rows.csv has no rows of numbers: there is nothing to predict."),
    ],
)
def test_rows_that_do_not_fit_a_gate(command, gate, content, text):
    Path("rows.csv").write_text(content)
    result = command("predict", gate, "rows.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {text}")


def test_rows_that_do_not_fit_a_table(command, houses, flowers):
    command("train", houses, "--epochs", "1", "--out", "run")
    result = command("predict", "run", flowers)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {flowers} lacks columns 'area', 'rooms', 'district', 'heating', which the "
        "training rows had. It has: length, kind, width.\n"
    )
    result = command("predict", "run", "hauses.csv")
    assert result.stderr == "Error: hauses.csv: there is no such file. Did you mean 'houses.csv'?\n"


def test_a_key_that_no_json_object_has(command, houses):
    command("train", houses, "--epochs", "1", "--out", "run")
    Path("some.jsonl").write_text('{"area": 80, "rooms": 3}\n{"area": 20}\n')
    Path("null.jsonl").write_text(
        '{"area": 80, "rooms": 3, "district": null, "heating": null}\n{"area": 20}\n'
    )
    Path("none.jsonl").write_text('{"AREA": 80}\n')
    said = command("predict", "run", "some.jsonl")
    assert said.exit_code == 0
    assert said.stderr.splitlines() == [
        "Column 'district': no row has this key; it counts as missing.",
        "Column 'heating': no row has this key; it counts as missing.",
    ]
    whole = command("predict", "run", "null.jsonl")
    assert (said.stdout, whole.stderr) == (whole.stdout, "")
    result = command("predict", "run", "none.jsonl")
    assert result.exit_code == 1
    assert "none.jsonl lacks columns 'area', 'rooms'" in result.stderr


def test_decimal_commas_are_remembered(command, folder):
    lines = [f"{k % 7 + 0.125:.3f};{k}.5;{2 * (k % 7)}".replace(".", ",") for k in range(60)]
    Path("train.csv").write_text("\n".join(["x;w;y", *lines]) + "\n")
    command("train", "train.csv", "--task", "regression", "--epochs", "1", "--out", "run")
    Path("one.csv").write_text("x;w\n1,234;5\n")
    Path("two.csv").write_text("x;w\n1,234;5\n1,25;6\n")
    Path("point.csv").write_text("x,w\n1.234,5\n")
    one, two, point = (
        float(command("predict", "run", f"{name}.csv").stdout.splitlines()[1])
        for name in ("one", "two", "point")
    )
    assert (one, two) == (pytest.approx(point, rel=1e-5), pytest.approx(point, rel=1e-5))
    # Where commas part values, a comma within one is no decimal comma.
    Path("quoted.csv").write_text('x,w\n"1,234",5\n')
    assert "column 'x' holds numbers, got '1,234'" in command("predict", "run", "quoted.csv").stderr


def test_dots_of_thousands_are_remembered(command, folder):
    lines = [f"{k % 7 + 1}.{k % 5}00;{k % 3},5;{k % 4}.5;{k % 7}" for k in range(60)]
    Path("train.csv").write_text("\n".join(["area;share;grade;y", *lines]) + "\n")
    trained = command("train", "train.csv", "--task", "regression", "--epochs", "1", "--out", "run")
    assert trained.stderr.splitlines()[1] == (
        "Dots part thousands in 'area': 1.234 is 1234 there, as the file writes decimal commas."
    )
    Path("one.csv").write_text("area;share;grade\n1.234;2;1.500\n")
    Path("two.csv").write_text("area;share;grade\n1234;2,0;1.5\n")
    Path("point.csv").write_text("area,share,grade\n1234,2,1.5\n")
    one, two, point = (
        command("predict", "run", f"{name}.csv").stdout for name in ("one", "two", "point")
    )
    assert one == two == point


def test_dots_that_may_mean_both_are_told(command, folder):
    lines = [f"{k % 7 + 1}.{k % 5}00;{k % 7}" for k in range(60)]
    Path("train.csv").write_text("\n".join(["area;y", *lines]) + "\n")
    trained = command("train", "train.csv", "--task", "regression", "--epochs", "1", "--out", "run")
    assert trained.stderr.splitlines()[1] == (
        "Column 'area' is ambiguous: 1.000 is read with a decimal point and not as 1000, as "
        "nothing in the file shows a decimal comma."
    )
    Path("new.csv").write_text("area;place\n1.234;0,5\n")
    Path("same.csv").write_text("area,place\n1.234,0.5\n")
    said = [command("predict", "run", f"{name}.csv").stdout for name in ("new", "same")]
    assert said[0] == said[1]


def test_dots_that_turn_out_to_be_points_below_the_head(command, folder, monkeypatch):
    from chainrule.data import csv_rows, table_file

    monkeypatch.setattr(csv_rows, "CHARACTERS_TO_SNIFF", 200)
    monkeypatch.setattr(table_file, "MOST_ROWS_A_BATCH", 50)
    monkeypatch.setattr(table_file, "FEWEST_ROWS_A_BATCH", 50)
    lines = [f"{1 + k % 9}.{k % 5}00;{k % 3},5;{k % 7}" for k in range(90)]
    Path("train.csv").write_text("\n".join(["area;share;y", *lines, *["1.5;2;3"] * 30]) + "\n")
    Path("same.csv").write_text(Path("train.csv").read_text().replace(",", ".").replace(";", ","))
    said = []
    for table, asked in (("train", "area;share\n1.234;0,5\n"), ("same", "area,share\n1.234,0.5\n")):
        Path("new.csv").write_text(asked)
        options = ["--task", "regression", "--epochs", "1", "--out", table]
        trained = command("train", f"{table}.csv", *options)
        assert "thousands" not in trained.stderr
        said.append(command("predict", table, "new.csv").stdout)
    assert said[0] == said[1] != ""
    told = command("predict", "same", "train.csv")
    assert "1.000 may be 1000, as this file writes decimal commas" in told.stderr
    # A training reads the file once more; predicting has told the first rows, and stops.
    lines = [f"{1 + k % 9};{k % 3},5;{k % 7}" for k in range(90)]
    Path("whole.csv").write_text("\n".join(["area;share;y", *lines]) + "\n")
    command("train", "whole.csv", "--task", "regression", "--epochs", "1", "--out", "whole")
    told = command("predict", "whole", "train.csv")
    assert told.exit_code == 1
    assert told.stderr == (
        "Error: train.csv: dots part thousands at first in 'area', and are decimal points from "
        "line 52 on or later. Write all numbers of a column alike.\n"
    )

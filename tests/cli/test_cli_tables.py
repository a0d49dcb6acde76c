"""``chainrule train FILE.csv``: what becomes of a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainrule.cli import tables
from chainrule.cli.runs import read_run
from chainrule.cli.splits import set_aside
from chainrule.cli.table_options import TableOptions
from chainrule.cli.tables import table_problem
from chainrule.data import read_csv

#: What every run keeps.
KEPT = (
    "model.safetensors, report.html, predictions.csv, history.csv, table.json, history.jsonl, "
    "config.toml"
)


def test_regression(command, houses):
    result = command("train", houses, "--out", "run")
    assert result.exit_code == 0
    score, saved = result.stdout.splitlines()
    assert score.startswith("test R² 0.9")
    assert "in the unit of 'price' (40 rows); always saying the mean would give " in score
    assert ", a linear model " in score
    assert saved == f"saved in run: {KEPT}, curves.png"
    notes = result.stderr.splitlines()
    assert notes[:3] == [
        "Predicting the last column, 'price' (regression); --target chooses another.",
        "Column 'id' is left out: text that is different in every row.",
        "Column 'country' is left out: always 'FI'.",
    ]
    assert notes[3].startswith("epoch ")
    assert notes[4].startswith("Stopped after epoch ")
    assert "validation_loss has not improved for 20 epochs; the best was " in notes[4]


def test_the_score_is_that_of_rows_never_seen(command, houses):
    command("train", houses, "--out", "run", "--seed", "5")
    run, given = read_run(Path("run")), table_problem(houses, TableOptions(), 5)
    said = given.encoder.decode_target(run.net.predict(given.test.X)[:, 0])
    # The prices of the test part, straight from the file.
    prices = np.array(read_csv(houses).columns["price"], dtype=float)
    true = prices[np.abs(prices[:, None] - given.encoder.decode_target(given.test.y)).argmin(0)]
    rmse = np.sqrt(np.mean((said - true) ** 2))
    r2 = 1 - np.sum((said - true) ** 2) / np.sum((true - true.mean()) ** 2)
    assert run.about["numbers"]["test_rmse"] == pytest.approx(rmse, rel=1e-4)
    assert run.about["numbers"]["test_r2"] == pytest.approx(r2, rel=1e-4)
    assert f"R² {r2:.4f}" in run.about["score"]


def test_what_is_learnt_of_columns_is_learnt_from_training_rows_alone(houses):
    given = table_problem(houses, TableOptions(), 0)
    assert (len(given.train), len(given.validation), len(given.test)) == (128, 32, 40)
    place = given.feature_names.index("rooms")
    assert given.train.X[:, place].mean() == pytest.approx(0, abs=1e-6)
    assert given.train.X[:, place].std() == pytest.approx(1, abs=1e-5)
    assert abs(given.test.X[:, place].mean()) > 1e-3
    assert abs(given.validation.X[:, place].mean()) > 1e-3


def test_rows_encoded_some_at_a_time_are_those_encoded_at_once(houses, flowers, monkeypatch):
    for file, options in ((houses, TableOptions()), (flowers, TableOptions(target="kind"))):
        whole = table_problem(file, options, 0)
        with monkeypatch.context() as patched:
            patched.setattr(tables, "ROWS_AT_ONCE", 7)
            pieces = table_problem(file, options, 0)
        for name in ("train", "validation", "test"):
            one, other = getattr(whole, name), getattr(pieces, name)
            assert np.array_equal(one.X, other.X)
            assert np.array_equal(one.y, other.y)
            assert (one.X.dtype, one.y.dtype) == (other.X.dtype, other.y.dtype)


def test_classes(command, flowers):
    result = command("train", flowers, "--target", "kind", "--out", "run")
    assert result.exit_code == 0
    score, saved = result.stdout.splitlines()
    assert " of 18 rows); always saying 'blue' would give 33.33 %, logistic regression " in score
    assert float(score.split()[2]) > 80
    assert saved == (
        f"saved in run: {KEPT}, curves.png, decision_regions.png, confusion_matrix.png"
    )
    assert "Predicting the last column" not in result.stderr
    assert read_run(Path("run")).class_names == ("blue", "red, wild", "white")


def test_two_classes_have_one_output(command, flowers):
    text = flowers.read_text().replace("white", "blue")
    flowers.write_text(text)
    assert command("train", flowers, "--target", "kind", "--out", "run").exit_code == 0
    run = read_run(Path("run"))
    assert run.net.output_shape == (1,)
    assert run.class_names == ("blue", "red, wild")
    assert "always saying 'blue' would give 66.67 %" in run.about["score"]


def test_a_name_with_spaces_makes_a_plain_folder(command, houses, folder):
    houses.rename("my houses (new).csv")
    assert command("train", "my houses (new).csv", "--epochs", "1").exit_code == 0
    (run,) = (folder / "runs").iterdir()
    assert run.name.startswith("my-houses-new-20")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "table.csv is empty: expected a header row and at least one row."),
        ("a,b\n", "table.csv has a header and no rows: there is nothing to learn from."),
        ("a,b\n1,2\n3,4\n", "table.csv has 2 rows, too few to set some aside for the test; give"),
        ("a,b\n1,2\n3\n", "table.csv, line 3: 1 value, and the header names 2 columns."),
        (
            "a,b\n" + "1,\n2,NA\n" * 5,
            "table.csv: the target 'b' is missing in every row: there is nothing to learn.",
        ),
        (
            "a,b\n" + "".join(f"{k},{c}{n}\n" for k, c in enumerate("abcdef") for n in (1, 1)),
            "table.csv: no class of the target 'b' occurs three times, so that no row can be set "
            "aside for the test.",
        ),
        (
            "b\n" + "1\n2\n" * 10,
            "table.csv: no column is left to learn from. Ignored: none, the target is the only",
        ),
        ("a,b\n" + "1,x\n2,x\n" * 9, "table.csv: the target 'b' is x in every row: there is"),
    ],
)
def test_tables_that_nobody_could_learn_from(command, folder, content, text):
    (folder / "table.csv").write_text(content)
    result = command("train", "table.csv")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {text}")
    assert [p.name for p in folder.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_wrong_cell_is_told_whatever_part_it_falls_into(command, folder, seed):
    lines = [f"{k},{k % 7}.5" for k in range(100)]
    lines[17] = "oops,2.5"
    (folder / "table.csv").write_text("\n".join(["a,b", *lines]))
    result = command("train", "table.csv", "--seed", seed)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: table.csv: column 'a': 99 of 100 values are numbers, and line 19 holds 'oops'. "
        "Correct it or leave the cell empty (missing values are filled in).\n"
    )
    lines[17] = '17,"1,000"'
    (folder / "table.csv").write_text("\n".join(["a,b", *lines]))
    result = command("train", "table.csv", "--seed", seed)
    assert result.stderr == (
        "Error: table.csv: column 'b': 99 of 100 values are numbers, and line 19 holds '1,000'; "
        "numbers are written without a comma between thousands, 1000 and not 1,000. Correct it or "
        "leave the row out (a target cannot be missing).\n"
    )


def test_a_mistyped_column_is_suggested(command, houses):
    result = command("train", houses, "--target", "prise")
    assert result.exit_code == 1
    assert result.stderr.startswith(
        "Error: column 'prise' is not known. Did you mean 'price'? Known: area, "
    )


def test_a_missing_file_and_a_folder(command, houses, folder):
    result = command("train", "house.csv")
    assert result.stderr == "Error: house.csv: there is no such file. Did you mean 'houses.csv'?\n"
    result = command("train", folder)
    assert result.exit_code == 1
    assert "is a directory; give the path of a table in it." in result.stderr


def test_rows_set_aside_keep_the_mix_of_classes():
    labels = np.array([0] * 50 + [1] * 20 + [2] * 3 + [3])
    rng = np.random.default_rng(0)
    kept, aside = set_aside(np.arange(74), labels, 0.2, rng)
    assert sorted([*kept, *aside]) == list(range(74))
    assert np.bincount(labels[aside], minlength=4).tolist() == [10, 4, 1, 0]
    assert np.bincount(labels[kept], minlength=4).tolist() == [40, 16, 2, 1]
    again, _ = set_aside(np.arange(74), labels, 0.2, np.random.default_rng(0))
    other, _ = set_aside(np.arange(74), labels, 0.2, np.random.default_rng(1))
    assert np.array_equal(kept, again)
    assert not np.array_equal(kept, other)
    kept, aside = set_aside(np.arange(10, 30), None, 0.2, rng)
    assert (len(kept), len(aside)) == (16, 4)
    assert sorted([*kept, *aside]) == list(range(10, 30))

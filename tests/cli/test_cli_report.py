"""What a run keeps beside its model, and ``chainrule report``, which makes its page anew."""

from __future__ import annotations

import json
import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.cli.config import read_config, write_config
from chainrule.cli.records import Predicted, read_history, read_predictions, write_predictions
from chainrule.data import read_csv
from chainrule.errors import FileFormatError
from chainrule.train import History


@pytest.fixture
def run(command, flowers):
    """A run on a table of three kinds of flowers."""
    done = command(
        "train", flowers, "--target", "kind", "--epochs", "6", "--hidden", "5,3",
        "--batch-size", "all", "--seed", "2", "--out", "run",
    )  # fmt: skip
    assert done.exit_code == 0
    return Path("run")


# What is kept


def test_the_config_says_how_the_run_was_made(run):
    config = tomllib.loads((run / "config.toml").read_text(encoding="utf-8"))
    assert config["run"]["command"].startswith("chainrule train /")
    assert config["run"]["command"].endswith(
        "flowers.csv --target kind --hidden 5,3 --epochs 6 --batch-size all --seed 2"
    )
    assert config["table"]["target"] == "kind"
    assert (config["data"]["rows"], config["data"]["test_rows"]) == (57, 18)
    assert config["training"]["hidden"] == [5, 3]
    assert config["training"]["seed"] == 2
    assert config["training"]["learning_rate"] == 0.01
    assert 0 <= config["score"]["test_accuracy"] <= 1


def test_the_command_makes_the_same_run(command, run):
    words = tomllib.loads((run / "config.toml").read_text("utf-8"))["run"]["command"].split()
    assert command(*words[1:], "--out", "again").exit_code == 0
    for name in ("predictions.csv", "config.toml"):
        assert (run / name).read_bytes() == (Path("again") / name).read_bytes()


def test_histories_are_the_same_as_csv_and_as_json_lines(run):
    lines = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    table = read_csv(run / "history.csv")
    assert list(lines[0]) == list(table.names)
    for name in table.names:
        assert [row[name] for row in lines] == [float(v) for v in table.columns[name]]
    assert read_history(run) == lines
    (run / "history.jsonl").unlink()
    assert read_history(run) == lines
    (run / "history.csv").unlink()
    assert read_history(run) == []


def test_what_is_not_finite_is_null(tmp_path):
    history = History()
    history.add({"epoch": [1, 2], "loss": [0.5, math.nan]})
    history.save_jsonl(tmp_path / "history.jsonl")
    assert (tmp_path / "history.jsonl").read_text() == (
        '{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": null}\n'
    )


def test_predictions_are_those_of_the_test_rows(run):
    table = read_csv(run / "predictions.csv")
    assert table.names[:2] == ("target", "prediction")
    assert set(table.columns["target"]) == {"red, wild", "white", "blue"}
    assert len(table) == 18
    right = np.mean(np.array(table.columns["target"]) == np.array(table.columns["prediction"]))
    score = tomllib.loads((run / "config.toml").read_text("utf-8"))["score"]["test_accuracy"]
    assert right == pytest.approx(score)


def test_predictions_come_back(tmp_path):
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 3, 9), rng.dirichlet([1, 1, 1], 9)
    names = ('a "b"', "c,d", "é")
    write_predictions(tmp_path / "predictions.csv", Predicted(y, p), names)
    read = read_predictions(tmp_path, names)
    assert np.array_equal(read.y, y)
    np.testing.assert_allclose(read.outputs, p, rtol=1e-8)
    y, f = rng.normal(size=(7, 2)) * 1e6, rng.normal(size=(7, 2))
    write_predictions(tmp_path / "predictions.csv", Predicted(y, f), ())
    read = read_predictions(tmp_path, ())
    np.testing.assert_allclose(read.y, y, rtol=1e-8)
    np.testing.assert_allclose(read.outputs, f, rtol=1e-8)


plain = st.one_of(
    st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(),
    st.lists(st.integers(-9, 9)), st.lists(st.text(), max_size=3),
)  # fmt: skip
titles = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(st.dictionaries(titles, st.dictionaries(st.text(), st.one_of(plain, st.none()))))
def test_any_config_comes_back(tmp_path_factory, values):
    folder = tmp_path_factory.mktemp("config")
    write_config(folder / "config.toml", values)
    wanted = {k: {a: b for a, b in v.items() if b is not None} for k, v in values.items()}
    assert read_config(folder) == wanted


# Making it anew


def page(path):
    """The page without measured times and its title, which say nothing of what was found."""
    text = Path(path).read_text(encoding="utf-8")
    return re.sub(r"[\d.]+\u00a0(µs|ms|s)\b", "", text)


def test_the_page_comes_out_the_same(command, run):
    before = page(run / "report.html")
    (run / "report.html").unlink()
    result = command("report", "run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "saved in run/report.html\n"
    again = page(run / "report.html")
    for key in ("score", "confusion", "calibration", "hardest", "importance", "network"):
        part = re.search(rf'<section id="{key}".*?</section>', before, re.DOTALL)
        assert part is not None
        assert part[0] in again
    assert sorted(p.name for p in run.iterdir())[:3] == [
        "config.toml", "confusion_matrix.png", "curves.png"
    ]  # fmt: skip


def test_without_the_data_it_is_made_of_the_predictions(command, run, flowers):
    flowers.rename("elsewhere.csv")
    result = command("report", "run", "--out", "page.html")
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "The page is made of predictions.csv alone, without baselines and importance: "
    )
    assert "there is no such file" in result.stderr
    text = page("page.html")
    assert 'id="confusion"' in text
    assert 'id="importance"' not in text
    assert "no linear model could learn" in text


def test_data_that_have_changed_are_not_taken_for_the_same(command, run, flowers):
    flowers.write_text(flowers.read_text().replace("white", "White"))
    result = command("report", "run")
    assert result.exit_code == 0
    assert "flowers.csv is not what it was when the run was made." in result.stderr


def test_a_run_of_numbers_and_a_gate(command, houses):
    for arguments in ([houses, "--epochs", "3"], ["and", "--epochs", "3"]):
        assert command("train", *arguments, "--out", "run", "--force").exit_code == 0
        assert command("report", "run").exit_code == 0
        assert "chainrule train" in page("run/report.html")
    command("train", houses, "--epochs", "3", "--out", "run", "--force")
    houses.unlink()
    assert command("report", "run").exit_code == 0
    assert "price" in page("run/report.html")


def told(command, *arguments):
    result = command("report", *arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_mistakes_are_told_in_a_line(command, run, flowers):
    assert told(command, "rum") == "Error: rum: there is no such run. Did you mean 'run'?\n"
    assert told(command, "run", "--out", "a.txt").startswith(
        "Error: a report is a page, so its name must end with .html, and this is 'a.txt'."
    )
    assert "a report is made of a run's folder" in told(command, "run/model.safetensors")
    Path("mine.html").write_text("mine")
    assert told(command, "run", "--out", "mine.html") == (
        "Error: mine.html is there already. Give another --out, or --force to replace it.\n"
    )
    assert Path("mine.html").read_text() == "mine"
    assert command("report", "run", "--out", "mine.html", "--force").exit_code == 0
    flowers.unlink()
    (run / "predictions.csv").unlink()
    assert told(command, "run").startswith("Error: run keeps no predictions.csv, and what it was")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config.toml", "[run", "config.toml cannot be read as TOML"),
        ("config.toml", "a = 1\n", "a stands outside of all tables"),
        ("history.jsonl", '{"epoch": 1}\nnonsense\n', "history.jsonl, line 2 is broken"),
        ("history.jsonl", '{"loss": 1}\n', "history.jsonl, line 1 is broken"),
        ("history.jsonl", '{"epoch": "x"}\n', "numbers by name were expected"),
    ],
)
def test_broken_records_are_named(command, run, name, text, message):
    (run / name).write_text(text)
    assert message in told(command, "run")


@pytest.mark.parametrize("text", ["", "target,prediction\n", "target,prediction,p_a\nx,y,1\n"])
def test_broken_predictions_are_named(command, run, flowers, text):
    flowers.unlink()
    (run / "predictions.csv").write_text(text)
    assert "predictions.csv is broken" in told(command, "run")


def test_a_broken_history_of_an_older_run(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n1,x\n")
    with pytest.raises(FileFormatError, match=r"history\.csv is broken"):
        read_history(tmp_path)


def test_a_report_that_cannot_be_made_costs_no_run(command, monkeypatch):
    from chainrule.errors import DataError

    def refuse(_):
        raise DataError("planted")

    monkeypatch.setattr("chainrule.report.report.report", refuse)
    result = command("train", "or", "--epochs", "2", "--out", "run")
    assert result.exit_code == 0
    assert "No report.html: planted" in result.stderr
    assert Path("run/model.safetensors").is_file()
    assert not Path("run/report.html").exists()

"""``chainrule compare``: settings that differ, scores, tests on the same rows, and the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.fixture
def train(command, flowers):
    """Trains on the flowers, or on what is named."""

    def run(name, *options, data=flowers, epochs=6):
        words = ["--target", "kind"] if data == flowers else []
        done = command("train", data, *words, "--epochs", epochs, *options, "--out", f"runs/{name}")
        assert done.exit_code == 0

    return run


def test_settings_that_differ_and_scores(command, train):
    train("small", "--hidden", "1", epochs=1)
    train("large", "--hidden", "16,8", "--lr", "0.03", epochs=40)
    result = command("compare", "runs/small", "runs/large")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [re.split(r"  +", line) for line in result.stdout.splitlines()]
    assert lines[0] == ["setting", "small", "large"]
    assert ["hidden", "1", "16,8"] in lines
    assert ["learning_rate", "0.01", "0.03"] in lines
    assert ["epochs", "1", "40"] in lines
    assert not any(line[0] in ("seed", "data", "activation") for line in lines)
    assert ["run", "accuracy", "log loss", "against the first"] in lines
    small, large = (next(line for line in lines if line[0] == name) for name in ("small", "large"))
    assert len(small) == 3
    assert re.fullmatch(r"\+\d+\.\d points, p [<=] 0\.\d+", large[3])


def test_the_same_settings_and_other_rows(command, train):
    train("a")
    train("b")
    result = command("compare", "runs/a", "runs/b")
    assert result.stderr == "The runs have the same settings.\n"
    assert "+0.0 points, p = 1.00" in result.stdout
    train("c", "--seed", "1")
    result = command("compare", "runs/a", "runs/c")
    assert result.stderr == (
        "No paired test for runs/c: the test rows are not known to be those of runs/a. Train with "
        "the same data and --seed.\n"
    )
    assert "p = " not in result.stdout


def test_numbers_are_compared_too(command, train, houses):
    train("a", data=houses, epochs=1)
    train("b", data=houses, epochs=30)
    result = command("compare", "runs/a", "runs/b")
    assert re.search(r"b +0\.9\d+ .*\+\d\.\d{3}, p < 0\.001", result.stdout)


def test_several_tests_are_warned_of(command, train):
    names = ["a", "b", "c", "d"]
    for name in names:
        train(name, epochs=1)
    result = command("compare", *[f"runs/{name}" for name in names])
    assert "These are 3 tests: by luck alone" in result.stderr


def test_what_predicts_different_things_is_not_tested(command, train, houses):
    train("a")
    train("b", data=houses)
    result = command("compare", "runs/a", "runs/b", "--out", "both.html")
    assert result.exit_code == 0
    assert "The runs predict different things" in result.stderr
    assert "cannot be compared" in Path("both.html").read_text(encoding="utf-8")


def test_the_page(command, train):
    for name, epochs in {"a": 2, "b": 9, "c": 4, "d": 3, "e": 5}.items():
        train(name, epochs=epochs)
    runs = [f"runs/{name}" for name in "abcde"]
    result = command("compare", *runs, "--out", "page.html")
    assert result.stdout.endswith("saved in page.html\n")
    text = Path("page.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)"', text) == ["settings", "scores", "curves"]
    assert text.count('<svg class="chart"') == 3
    # The fifth run has the first one's colour, and is dashed.
    assert text.count('class="line c1 dashed"') == 4
    assert "http" not in re.sub(r'http-equiv|xmlns="[^"]*"', "", text)
    again = command("compare", *runs, "--out", "page.html")
    assert again.exit_code == 1
    assert "page.html is there already" in again.stderr
    assert command("compare", *runs, "--out", "page.html", "--force").exit_code == 0


def test_a_metric_of_some_runs_is_drawn_for_those(command, train):
    train("plain")
    train("weighted", "--class-weight", "balanced")
    command("compare", "runs/plain", "runs/weighted", "--out", "page.html")
    text = Path("page.html").read_text(encoding="utf-8")
    for name in ("Loss", "Accuracy", "Balanced accuracy"):
        assert f"{name} on the validation rows by epoch." in text


def test_mistakes_are_told_in_a_line(command, train):
    train("a")
    for arguments, text in {
        (): "compare takes two runs or more, such as runs/a runs/b.",
        ("runs/a",): "compare takes two runs or more, such as runs/a runs/b.",
        ("runs/a", "runs/A1"): "runs/A1: there is no such run.",
        ("runs/a", "runs/a", "--out", "a.png"): "a report is a page",
    }.items():
        result = command("compare", *arguments)
        assert result.exit_code == 1
        assert result.stderr.startswith(f"Error: {text}")
        assert len(result.stderr.splitlines()) == 1
    Path("runs/a/predictions.csv").unlink()
    assert "runs/a keeps no predictions.csv, by which runs are compared" in (
        command("compare", "runs/a", "runs/a").stderr
    )

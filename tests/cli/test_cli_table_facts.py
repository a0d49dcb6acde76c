"""What is said and kept of a training on a table: baselines, weights, suspects, ``table.json``."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule.cli.runs import read_run
from chainrule.data import TableFacts, read_table

RNG = np.random.default_rng(4)


def write(path: Path, **columns) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows(zip(*columns.values(), strict=True))
    return path


def facts_of(run: str = "run") -> TableFacts:
    return TableFacts.from_json((Path(run) / "table.json").read_text(encoding="utf-8"))


@pytest.fixture
def left(folder) -> Path:
    """Customers who left, one in nine; a refund that is paid to those who left, and only then."""
    n = 450
    y = np.arange(n) % 9 == 0
    x = RNG.normal(size=n) + 1.5 * y
    return write(
        folder / "left.csv",
        number=RNG.permutation(n) + 1000,
        x=x.round(5),
        z=RNG.normal(size=n).round(5),
        refund=np.where(y, RNG.uniform(5, 9, n), 0.0).round(2),
        left=np.where(y, "yes", "no"),
    )


def test_rarer_classes_weigh_more_and_that_is_said(command, left):
    result = command("train", left, "--drop", "refund", "--drop", "number", "--out", "run")
    assert result.exit_code == 0
    notes = result.stderr.splitlines()
    assert notes[1:3] == [
        "Column 'number' is left out: --drop says so.",
        "Column 'refund' is left out: --drop says so.",
    ]
    assert (
        "Classes are unequal (256 rows of 'no', 32 of 'yes'): rarer ones weigh more, so that each "
        "class counts alike; --class-weight none turns that off." in notes
    )
    first, second = result.stdout.splitlines()[:2]
    assert first.startswith("test balanced accuracy ")
    assert "always saying 'no' would give 50.00 %, logistic regression " in first
    assert second.startswith("test accuracy ")
    facts = facts_of()
    assert facts.class_counts == (256, 32)
    assert facts.class_weights == (0.5625, 4.5)
    assert facts.scores[0].metric == "balanced_accuracy"
    # Those who left are found, which no one who never says it would do.
    found = [s for s, a in zip(facts.predictions.predicted, facts.predictions.actual, strict=True)
             if a == "yes"]  # fmt: skip
    assert found.count("yes") > len(found) / 2


def test_training_and_validation_are_told_in_one_quantity(command, folder):
    """A network that says "common" of every row is no better on one of the two."""
    y = np.where(np.arange(400) % 80 == 0, "rare", "common")
    write(folder / "t.csv", b=np.arange(400) % 2, y=y)
    # At such a rate nothing is learnt.
    options = ("--epochs", "3", "--lr", "1e-12", "--out", "run")
    result = command("train", "t.csv", *options)
    with Path("run/history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert "accuracy" not in rows[0]
    for row in rows:
        assert row["balanced_accuracy"] == row["validation_balanced_accuracy"] == "0.5"
    assert "  balanced_accuracy 0.5000  val loss " in result.stderr
    assert "  val balanced_accuracy 0.5000  " in result.stderr
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "Balanced accuracy by epoch. On the validation rows" in page
    assert "Accuracy by epoch" not in page


def test_validation_rows_are_counted_once(command, left):
    """Those of rarer classes are repeated, so that the validation loss means what the loss does."""
    command("train", left, "--epochs", "2", "--out", "run")
    facts = facts_of()
    assert (facts.split.train, facts.split.validation, facts.split.test) == (288, 72, 90)
    assert read_run(Path("run")).about["trained on"] == (
        "left.csv, 288 rows (72 more for validation, 90 for the test)"
    )


def test_a_class_of_which_the_test_has_no_row_is_named(command, folder):
    """Its only row is for the training: the score is the other class's, and proves nothing."""
    y = np.where(np.arange(400) == 7, "rare", "common")
    write(folder / "t.csv", a=RNG.normal(size=400), y=y)
    result = command("train", "t.csv", "--epochs", "2", "--out", "run")
    notes = result.stderr.splitlines()
    told = "The test has no row of 'rare': how well the network tells it stays unknown."
    assert told in notes
    assert told in facts_of().notes
    first, second = result.stdout.splitlines()[:2]
    assert first.startswith("test balanced accuracy ")
    assert ", of 'common' alone, as the test has no row of another class; always saying " in first
    assert "each class counting alike" not in first
    assert second.startswith("test accuracy ")
    assert "found nothing in the columns" not in result.stderr
    assert (
        notes[-1] == "All test rows are 'common': whether the network tells classes apart is open."
    )
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "Only classes that occur in the test are counted." in page


def test_a_test_that_shrank_to_a_row_is_told_and_proves_nothing(command, folder):
    y = [f"name {k // 2}" if k < 297 else "often" for k in range(300)]
    write(folder / "t.csv", a=RNG.normal(size=300), y=y)
    result = command("train", "t.csv", "--epochs", "2", "--out", "run")
    told = (
        "Of the 300 rows only 1 is the test and 0 validation: most classes have fewer than 3 rows, "
        "too few to set one aside."
    )
    notes = result.stderr.splitlines()
    assert told in notes
    assert facts_of().split.text == told
    assert any(
        line.startswith("The test has no row of 149 of 150 classes, 'name 0'") for line in notes
    )
    assert "found nothing in the columns" not in result.stderr


def test_few_test_rows_say_nothing_of_the_columns(command, folder):
    write(folder / "t.csv", a=RNG.normal(size=30), y=RNG.normal(size=30))
    result = command("train", "t.csv", "--epochs", "2", "--out", "run")
    assert result.stderr.endswith(
        "Always saying the mean is no worse, which says nothing of the columns: 6 test rows are "
        "too few to tell.\n"
    )


def test_days_that_repeat_may_be_classes(command, folder):
    days = [f"2024-01-0{1 + k % 3}" for k in range(60)]
    write(folder / "t.csv", a=RNG.normal(size=60), day=days)
    result = command("train", "t.csv", "--epochs", "2", "--out", "run")
    assert "(classification, 3 classes: '2024-01-01', '2024-01-02', '2024-01-03')" in result.stderr


def test_weights_may_be_turned_off(command, left):
    result = command("train", left, "--class-weight", "none", "--epochs", "3", "--out", "run")
    assert "Classes are unequal" not in result.stderr
    assert facts_of().class_weights == ()
    assert result.stdout.startswith("test accuracy ")
    assert "  val accuracy " in result.stderr


def test_a_column_that_gives_the_answer_away_is_named(command, left):
    result = command("train", left, "--epochs", "3", "--out", "run")
    assert (
        "Column 'refund' alone gives 'left' away: on rows held back it answers 100.0 % of what a "
        "constant answer gets wrong. If it is not known before 'left' is, leave it out: --drop "
        "'refund'." in result.stderr.splitlines()
    )
    assert [s.column for s in facts_of().suspects] == ["refund"]
    assert (
        "Column 'refund' alone"
        not in command("train", left, "--drop", "refund", "--epochs", "3", "--out", "run2").stderr
    )


def test_duplicates_across_the_split_are_told(command, folder):
    x = RNG.normal(size=200).round(6)
    write(folder / "t.csv", x=np.repeat(x, 2), z=np.repeat(x**2, 2), y=np.repeat(3 * x, 2))
    result = command("train", "t.csv", "--drop", "z", "--epochs", "3", "--out", "run")
    (line,) = [line for line in result.stderr.splitlines() if "equal to a training row" in line]
    assert line.endswith("or keep together what belongs together with --split-by COLUMN.")
    (suspect,) = [s for s in facts_of().suspects if s.kind == "duplicates"]
    assert 0.4 < suspect.share < 0.9


def test_a_column_may_be_kept(command, folder):
    """A curve over 1, 2, 3, ... beside another column."""
    k = np.arange(1, 201)
    write(folder / "t.csv", step=k, x=RNG.normal(size=200).round(4), y=(k / 10).round(3))
    result = command("train", "t.csv", "--epochs", "3", "--out", "run")
    assert "Column 'step' is left out: it counts the rows." in result.stderr
    command("train", "t.csv", "--epochs", "3", "--keep", "step", "--out", "run2")
    assert [c.name for c in facts_of("run2").columns if c.role == "input"] == ["step", "x"]


def test_the_task_may_be_said(command, houses):
    assert (
        command("train", houses, "--target", "rooms", "--epochs", "2", "--out", "a").exit_code == 0
    )
    assert facts_of("a").task == "classification"
    options = ("--target", "rooms", "--task", "regression", "--epochs", "2", "--out", "b")
    assert "Predicting 'rooms' (regression)." in command("train", houses, *options).stderr
    assert facts_of("b").task == "regression"


def test_the_facts_are_those_of_the_run(command, houses):
    result = command("train", houses, "--out", "run")
    facts, run, table = facts_of(), read_run(Path("run")), read_table(houses)
    assert (facts.source, facts.format, facts.rows) == ("houses.csv", "csv", 200)
    assert facts.file_bytes == houses.stat().st_size
    assert [c.name for c in facts.columns] == list(table.names)
    assert {c.name: c.role for c in facts.columns if c.role != "input"} == {
        "id": "left out", "country": "left out", "price": "target"
    }  # fmt: skip
    features = [name for c in facts.columns if c.role == "input" for name in c.features]
    assert tuple(features) == run.encoder.feature_names
    assert facts.notes[0] == facts.task_text == result.stderr.splitlines()[0]
    network, error = facts.scores[:2]
    assert (network.who, network.metric, error.metric) == ("network", "r2", "rmse")
    assert network.value == pytest.approx(run.about["numbers"]["test_r2"])
    assert network.low < network.value < network.high
    assert {score.who for score in facts.scores} == {"network", "constant", "linear model"}
    # The predictions are the network's, for the rows at these lines.
    rows = [list(table.lines).index(line) for line in facts.predictions.lines]
    chosen = table.take(rows)
    said = run.encoder.decode_target(run.net.predict(run.encoder.transform(chosen))[:, 0])
    np.testing.assert_allclose(facts.predictions.predicted, said, rtol=1e-5)
    np.testing.assert_allclose(facts.predictions.actual, chosen.columns["price"], rtol=1e-5)
    assert facts.predictions.total == facts.split.test == 40
    worst = np.abs(said - chosen.columns["price"]).argmax()
    assert facts.hardest[0].line == facts.predictions.lines[worst]
    assert facts.hardest[0].cells == chosen.cells(int(worst))
    # The area decides most of the price.
    worth = {c.name: c.importance for c in facts.columns if c.importance is not None}
    assert set(worth) == {"area", "rooms", "district", "heating"}
    assert max(worth, key=worth.get) == "area"
    assert worth["area"] > 0.5


def test_probabilities_are_kept_for_classes(command, flowers):
    command("train", flowers, "--target", "kind", "--out", "run")
    facts = facts_of()
    chances = np.array(facts.predictions.probabilities)
    assert chances.shape == (18, 3)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    assert facts.predictions.predicted == tuple(facts.classes[k] for k in chances.argmax(axis=1))
    assert facts.split.how == "stratified"
    assert facts.scores[0].interval == "Wilson"


def test_a_linear_model_that_does_as_well_is_told(command, folder):
    x = RNG.normal(size=(300, 2)).round(5)
    y = (x[:, 0] - x[:, 1] + 0.3 * RNG.normal(size=300)).round(5)
    write(folder / "line.csv", a=x[:, 0], b=x[:, 1], y=y)
    result = command("train", "line.csv", "--out", "run")
    last = result.stderr.splitlines()[-1]
    assert last.startswith(("A linear model does as well on", "A linear model does better on"))
    write(folder / "curve.csv", a=x[:, 0], b=x[:, 1], y=(x[:, 0] * x[:, 1]).round(5))
    assert "linear model does" not in command("train", "curve.csv", "--out", "run2").stderr
    noise = RNG.normal(size=300).round(5)
    write(folder / "noise.csv", a=x[:, 0], b=x[:, 1], y=noise)
    last = command("train", "noise.csv", "--out", "run3").stderr.splitlines()[-1]
    assert last == (
        "Always saying the mean is about as good: the network found nothing in the columns that "
        "holds for other rows. Perhaps they do not tell the target, or there are too few rows."
    )


def test_without_scikit_learn_there_is_no_linear_baseline_and_a_line_says_so(
    command, houses, monkeypatch
):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    result = command("train", houses, "--epochs", "2", "--out", "run")
    assert result.exit_code == 0
    assert (
        "No linear baseline: The linear baseline needs the package 'sklearn', which is not "
        "installed: pip install 'chainrule[tables]'" in result.stderr
    )
    assert "a linear model" not in result.stdout
    state = json.loads(Path("run/table.json").read_text("utf-8"))
    assert {score["who"] for score in state["facts"]["scores"]} == {"network", "constant"}


def test_without_scikit_learn_a_table_is_one_line(command, houses, monkeypatch):
    command("train", houses, "--epochs", "1", "--out", "run")
    monkeypatch.setitem(sys.modules, "sklearn.preprocessing", None)
    for arguments in (("train", houses, "--out", "other"), ("predict", "run", houses)):
        result = command(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "Error: Encoding a table needs the package 'sklearn', which is not installed: "
            "pip install 'chainrule[tables]'\n"
        )
    assert not Path("other").exists()


def test_asking_tells_of_categories_never_seen(command, houses, folder):
    command("train", houses, "--epochs", "2", "--out", "run")
    (folder / "new.jsonl").write_text(
        '{"area": 50, "rooms": 2, "district": "harbour", "heating": "gas"}\n'
        '{"area": 60, "rooms": 3, "district": "north", "heating": null}\n'
    )
    result = command("predict", "run", "new.jsonl")
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == (
        "Column 'district': 1 row holds what no training row had (such as 'harbour'); it counts as "
        "missing.\n"
    )


def test_asking_tells_of_categories_never_seen_among_rare_ones(command, folder):
    words = ["Bonn"] * 600 + ["Kiel"] * 500 + ["Ulm"] * 8
    rows = [f"{word},{k % 13 + len(word)}" for k, word in enumerate(words)]
    Path("towns.csv").write_text("\n".join(["town,y", *rows]) + "\n")
    command("train", "towns.csv", "--task", "regression", "--epochs", "1", "--out", "run")
    Path("new.csv").write_text("town,x\nBonn,1\nUlm,1\nRom,1\nRom,1\n,1\n")
    result = command("predict", "run", "new.csv")
    said = result.stdout.splitlines()[1:]
    assert said[1] == said[2] == said[3] != said[4]
    assert result.stderr == (
        "Column 'town': 2 rows hold what no training row had (such as 'Rom'); it counts as "
        "(other).\n"
    )

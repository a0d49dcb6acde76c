"""``chainrule train``: what it learns, what it tells, what it saves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainrule.cli.console import live_line
from chainrule.cli.runs import read_run
from chainrule.data import read_csv
from chainrule.train import Progress

#: What every run keeps.
KEPT = "model.safetensors, report.html, predictions.csv, history.csv, history.jsonl, config.toml"

GATES = {"and": "0001", "nand": "1110", "or": "0111", "xor": "0110"}


@pytest.mark.parametrize("gate", GATES)
def test_gates_are_learnt_and_told_as_a_truth_table(command, folder, gate):
    result = command("train", gate, "--out", "run")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["x1", "x2", gate, "predicted", "output"]
    rows = [line.split() for line in lines[2:6]]
    assert [row[:2] for row in rows] == [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]
    for row, wanted in zip(rows, GATES[gate], strict=True):
        assert row[2:4] == [wanted, wanted]
        assert abs(float(row[4]) - float(wanted)) < 0.1
    assert lines[6:] == [
        "4 of 4 rows right",
        f"saved in run: {KEPT}, curves.png, decision_regions.png",
    ]
    assert sorted(p.name for p in folder.iterdir()) == ["run"]
    # Progress goes to stderr, one line where that is no terminal.
    assert result.stderr.startswith("epoch 500/500  loss 0.0")
    assert len(result.stderr.splitlines()) == 1


def test_the_xla_engine_tells_what_it_took_to_compile(command):
    result = command("train", "xor", "--hidden", "7", "--engine", "xla", "--out", "run")
    assert "4 of 4 rows right" in result.stdout
    assert result.stderr.startswith("epoch 500/500  loss 0.0")
    assert re.search(r"\+ \d+\.\d s to compile$", result.stderr.splitlines()[0])


def test_a_stuck_start_is_told_and_another_is_made(command):
    result = command(
        "train", "xor", "--hidden", "2", "--activation", "sigmoid", "--seed", "4", "--out", "run"
    )
    assert "seed 4 got stuck: its loss stays at 0.478" in result.stderr
    assert "4 of 4 rows right" in result.stdout
    alone = command(
        "train",
        "xor",
        "--hidden",
        "2",
        "--activation",
        "sigmoid",
        "--seed",
        "4",
        "--restarts",
        "0",
        "--out",
        "r2",
    )
    assert "stuck" not in alone.stderr
    assert "3 of 4 rows right" in alone.stdout


def test_the_default_folder_has_name_date_and_time(command, folder):
    for _ in range(3):
        assert command("train", "or", "--epochs", "2").exit_code == 0
    runs = sorted((folder / "runs").iterdir())
    assert len(runs) == 3
    assert all(
        [part.isdigit() for part in run.name.split("-")[1:3]] == [True, True] for run in runs
    )
    assert all(run.name.startswith("or-20") for run in runs)


def test_options_arrive(command):
    result = command(
        "train", "xor", "--hidden", "5,3", "--activation", "gelu", "--optimizer", "SGD",
        "--lr", "0.25", "--epochs", "7", "--batch-size", "3", "--seed", "4", "--engine",
        "reference", "--restarts", "0", "--out", "run",
    )  # fmt: skip
    assert result.exit_code == 0
    run = read_run_at("run")
    assert repr(run.net).startswith("Sequential(Dense(units=5, activation='gelu'")
    assert [a.shape for a in run.net.parameters.values()] == [
        (2, 5), (5,), (5, 3), (3,), (3, 1), (1,)
    ]  # fmt: skip
    assert run.about["optimizer"] == "sgd, learning rate 0.25"
    assert run.about["training"] == "7 of 7 epochs, 3 rows a step, seed 4"
    assert len(read_csv("run/history.csv")) == 7
    assert command("train", "xor", "--hidden", "0", "--batch-size", "all", "--out", "r").stdout
    assert list(read_run_at("r").net.parameters) == ["W1", "b1"]


def test_other_optimizers_keep_their_own_rate(command):
    command("train", "xor", "--optimizer", "sgd", "--epochs", "3", "--out", "run")
    assert read_run_at("run").about["optimizer"] == "sgd, learning rate 0.1"
    command("train", "xor", "--optimizer", "lbfgs", "--out", "run2")
    assert "4 of 4 rows right" in read_run_at("run2").about["score"]


def test_digits(command, folder):
    result = command("train", "digits", "--epochs", "8", "--out", "run")
    assert result.exit_code == 0
    score, saved = result.stdout.splitlines()
    # The test part holds 37 ones of 360 rows.
    assert score.endswith(" of 360 rows); always saying '1' would give 10.28 %")
    assert float(score.split()[2]) > 93
    assert saved == (
        f"saved in run: {KEPT}, curves.png, confusion_matrix.png, "
        "first_layer_weights.png, mistakes.png"
    )
    for name in saved.removeprefix("saved in run: ").split(", "):
        content = (folder / "run" / name).read_bytes()
        assert content.startswith(b"\x89PNG") == name.endswith(".png")
    history = read_csv(folder / "run" / "history.csv")
    assert {"epoch", "loss", "accuracy", "validation_accuracy"} <= set(history.names)


def test_the_same_seed_gives_the_same_network(command, houses):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        result = command(
            "train", houses, "--epochs", "5", "--seed", seed, "--out", name
        )  # fmt: skip
        assert result.exit_code == 0
    a, b, c = (read_run_at(name) for name in "abc")
    assert all(np.array_equal(a.net.parameters[k], b.net.parameters[k]) for k in a.net.parameters)
    assert a.metadata() == b.metadata()
    assert not np.array_equal(a.net.parameters["W1"], c.net.parameters["W1"])
    assert a.about["score"] != c.about["score"]
    losses = [read_csv(f"{name}/history.csv").columns["loss"] for name in "ab"]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["xro"],
            "data set 'xro' is not known. Did you mean 'xor'? Known: and, digits, mnist, nand, or, "
            "xor. A table is given by its path, such as houses.csv.",
        ),
        (["xor", "--activation", "rellu"], "activation 'rellu' is not known. Did you mean 'relu'?"),
        (["xor", "--optimizer", "adaam"], "optimizer 'adaam' is not known. Did you mean 'adam'?"),
        (["xor", "--engine", "nunpy"], "engine 'nunpy' is not known. Did you mean 'numpy'?"),
        (
            ["xor", "--target", "y"],
            "--target chooses a column of a table; xor has its own target.",
        ),
        (
            ["xor", "--optimizer", "lbfgs", "--lr", "3"],
            "LBFGS finds its own step: it takes no learning_rate and no clipping.",
        ),
        (["./runs"], "runs: there is no such file."),
    ],
)
def test_mistakes_are_told_in_a_line(command, folder, arguments, text):
    result = command("train", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {text}")
    assert len(result.stderr.splitlines()) == 1
    assert list(folder.iterdir()) == []


def test_a_training_that_diverges_saves_nothing(command, folder):
    result = command("train", "digits", "--optimizer", "sgd", "--lr", "1e9", "--out", "run")
    assert result.exit_code == 1
    assert "Warning: training stopped: the first value that is not finite was born" in result.stderr
    assert result.stderr.endswith(
        "Error: the training diverged: the network's answers to the test rows are not finite. "
        "Nothing was saved. Try a smaller --lr; the command chainrule doctor, given the same data "
        "and options, looks for the cause.\n"
    )
    assert list(folder.iterdir()) == []


def test_what_is_told_of_an_explosion_is_of_use_to_who_typed_a_command(command, folder):
    """No line of Click's, no options of ``fit``, no word on columns that were hardly looked at."""
    a = np.random.default_rng(0).normal(size=300)
    rows = [f"{value:.4f},{'ja' if value > 0 else 'nein'}" for value in a]
    Path("t.csv").write_text("\n".join(["a,y", *rows]))
    result = command("train", "t.csv", "--lr", "1e6", "--optimizer", "sgd", "--out", "my run")
    assert result.exit_code == 0
    (warning,) = [line for line in result.stderr.splitlines() if line.startswith("Warning: ")]
    assert re.fullmatch(
        r"Warning: training stopped: the first value that is not finite was born in step \d+, in "
        r"the op \w+ \(layer \d Dense\), from .*\. The parameters are those of the last step that "
        r"was finite\.",
        warning,
    )
    assert result.stderr.endswith(
        "Always saying 'nein' is no worse, which says nothing of the columns: the training ended "
        "too early, at a number that is not finite. Try a smaller --lr.\n"
        "The command chainrule doctor 'my run' looks for the cause.\n"
    )
    assert ".py" not in command("doctor", "my run").stdout


def test_without_matplotlib_there_are_no_pictures_and_a_line_says_so(folder):
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from chainrule.cli import main; main(['train', 'or', '--out', 'run'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.splitlines()[1:] == [
        "No pictures: drawing needs the package 'matplotlib', which is not installed: "
        "pip install 'chainrule[plot]'"
    ]
    assert done.stdout.endswith(f"saved in run: {KEPT}\n")


def test_no_terminal_means_plain_progress():
    with live_line() as line:
        assert type(line) is Progress


def read_run_at(name):
    from pathlib import Path

    return read_run(Path(name))

"""``chainrule summary``, and models that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

import chainrule as cr


def test_a_run_says_what_it_is(command, houses):
    command("train", houses, "--epochs", "3", "--hidden", "4", "--out", "run")
    result = command("summary", "run")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "layer         output  parameters          count"
    assert lines[2] == "1 Dense relu  (n, 4)  W1 (8, 4), b1 (4,)     36"
    facts = dict(line.split("  ", 1) for line in lines[5:])
    facts = {name: text.strip() for name, text in facts.items()}
    score = facts.pop("score")
    assert facts == {
        "parameters": "41, 0.2 KiB of float32",
        "input": "8 numbers a row",
        "loss": "mean_squared_error",
        "columns": "area, rooms, district, heating",
        "target": "price",
        "trained on": "houses.csv, 128 rows (32 more for validation, 40 for the test)",
        "optimizer": "adam, learning rate 0.01",
        "training": "3 of 3 epochs, 32 rows a step, seed 0",
    }
    assert score.startswith("test R² ")
    assert command("summary", "run/model.safetensors").stdout == result.stdout


def test_a_gate_says_its_classes(command):
    command("train", "and", "--out", "run")
    text = command("summary", "run").stdout
    assert "classes     0, 1\n" in text
    assert "trained on  and, 4 rows\n" in text
    assert "score       4 of 4 rows right\n" in text


def test_a_network_saved_without_the_command(command):
    cr.Sequential(cr.Flatten(), cr.Dense(2)).build((3, 4)).save("own.safetensors")
    text = command("summary", "own.safetensors").stdout
    assert "input       12 numbers a row, shape (3, 4)\n" in text
    assert text.endswith("loss        none kept\n")


@pytest.mark.parametrize("name", ["summary", "predict"])
@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("nothing", "nothing: there is no such run."),
        ("empty", "empty is not a run: it holds no model.safetensors."),
        ("broken", "broken is not a safetensors file, or it is broken or cut short: "),
        ("cut", "cut is not a safetensors file, or it is broken or cut short: "),
        ("scribbled", "scribbled: what it says of its training is broken: "),
        ("odd", "This JSON is not a table encoder: no format 'chainrule table encoder' in it."),
    ],
)
def test_models_that_cannot_be_read(command, name, model, text):
    Path("empty").mkdir()
    Path("broken").write_text("hello")
    net = cr.Sequential(cr.Dense(1)).build(1)
    net.save("scribbled", run="[1")
    net.save("odd", table_encoder="{}")
    Path("cut").write_bytes(Path("odd").read_bytes()[:-4])
    Path("rows.csv").write_text("1\n")
    result = command(name, model, *(["rows.csv"] if name == "predict" else []))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {text}")
    assert len(result.stderr.splitlines()) == 1

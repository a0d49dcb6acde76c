"""The folder of a run: never overwritten unasked, and there as a whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chainrule.cli import runs


def files(folder):
    return sorted(p.name for p in Path(folder).iterdir())


def test_an_older_run_stays(command, folder):
    command("train", "or", "--epochs", "1", "--out", "run")
    before = {p.name: p.read_bytes() for p in Path("run").iterdir()}
    result = command("train", "and", "--out", "run")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: --out run is there already and is not empty. Give another folder, or --force to "
        "replace the run in it.\n"
    )
    assert {p.name: p.read_bytes() for p in Path("run").iterdir()} == before


def test_force_replaces_the_run_and_nothing_else(command, houses, folder):
    command("train", "or", "--epochs", "1", "--out", "run")
    Path("run/notes.txt").write_text("mine")
    result = command("train", houses, "--epochs", "1", "--out", "run", "--force")
    assert result.exit_code == 0
    # The gate's decision_regions.png would be a lie beside the new model.
    assert files("run") == ["curves.png", "history.csv", "model.safetensors", "notes.txt"]
    assert "houses.csv" in command("summary", "run").stdout
    assert files(folder) == ["houses.csv", "run"]


def test_force_spares_folders_that_are_no_runs(command):
    Path("photos").mkdir()
    Path("photos/cat.png").write_text("miaow")
    result = command("train", "or", "--out", "photos", "--force")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: --force replaces runs, and photos is none: it holds no model.safetensors. Give "
        "another folder.\n"
    )
    assert files("photos") == ["cat.png"]


def test_an_empty_folder_and_new_folders_above_are_fine(command):
    Path("empty").mkdir()
    assert command("train", "or", "--epochs", "1", "--out", "empty").exit_code == 0
    assert "model.safetensors" in files("empty")
    assert command("train", "or", "--epochs", "1", "--out", "a/b/c").exit_code == 0
    assert files("a/b") == ["c"]


def test_a_file_in_the_way(command):
    Path("taken").write_text("mine")
    result = command("train", "or", "--out", "taken")
    assert result.stderr == "Error: --out taken is a file; give a folder.\n"
    result = command("train", "or", "--out", "taken/run")
    assert result.stderr.startswith("Error: --out taken/run cannot be made: ")
    assert result.stderr.endswith("taken is a file.\n")
    assert result.exit_code == 1


def test_a_folder_that_may_not_be_written_is_known_before_the_training(command, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    result = command("train", "or", "--out", "run")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: --out run cannot be made: you may not write in ")
    assert "epoch" not in result.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left", "disk")])
def test_a_run_that_dies_while_it_is_written_leaves_nothing(command, monkeypatch, folder, error):
    def draw(*_):
        raise error

    monkeypatch.setattr("chainrule.cli.training.draw", draw)
    result = command("train", "or", "--epochs", "1", "--out", "run")
    assert result.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert files(folder) == []


def test_the_folder_has_its_name_only_when_all_is_written(folder):
    def fill(place):
        (place / "model.safetensors").write_text("all of it")
        assert not Path("run").exists()
        assert place.name.startswith(".run.")

    assert runs.write_folder(Path("run"), fill) == ["model.safetensors"]
    assert files(folder) == ["run"]

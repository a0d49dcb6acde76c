"""The folder of a run: never overwritten unasked, and there as a whole or not at all."""

from __future__ import annotations

import os
import re
import signal
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
    assert files("run") == [
        "config.toml", "curves.png", "history.csv", "history.jsonl", "model.safetensors",
        "notes.txt", "predictions.csv", "report.html", "table.json",
    ]  # fmt: skip
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


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(13, "Permission denied"), "made: you may not write in {above}."),
        (OSError(30, "Read-only file system"), "made in {above}: Read-only file system."),
    ],
)
def test_a_folder_that_cannot_be_written_is_known_before_the_training(
    command, monkeypatch, folder, error, text
):
    make = os.mkdir

    def mkdir(path, *rest, **named):
        if str(path).endswith(".part"):
            raise error
        make(path, *rest, **named)

    monkeypatch.setattr(os, "mkdir", mkdir)
    result = command("train", "or", "--out", "run/deeper")
    assert result.exit_code == 1
    assert result.stderr == f"Error: --out run/deeper cannot be {text.format(above=folder)}\n"
    assert files(folder) == []


def test_trying_the_folder_leaves_nothing(folder):
    runs.check_folder(Path("a/b"), False)
    assert files(folder) == []


def test_errors_name_the_folder_that_was_asked_for(folder):
    def fill(place):
        raise OSError(28, "No space left on device", str(place / "curves.png"))

    with pytest.raises(OSError, match="No space left") as caught:
        runs.write_folder(Path("run"), fill)
    assert caught.value.filename == os.path.join("run", "curves.png")
    assert files(folder) == []
    Path("taken.csv").mkdir()
    with pytest.raises(OSError, match="directory") as caught:
        runs.write_text(Path("taken.csv"), "text")
    assert (caught.value.filename, caught.value.filename2) == ("taken.csv", None)
    assert files(folder) == ["taken.csv"]


@pytest.mark.parametrize("there", [False, True])
def test_a_run_that_is_ended_while_it_is_written_leaves_nothing(folder, there):
    if there:
        Path("run").mkdir()
    before = signal.getsignal(signal.SIGTERM)

    def fill(place):
        (place / "model.safetensors").write_text("half of")
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit) as caught:
        runs.write_folder(Path("run"), fill)
    assert caught.value.code == 143
    assert files(folder) == (["run"] if there else [])
    assert not there or files("run") == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_mistyped_run_is_suggested(command, houses, folder):
    for place, name in enumerate(["xor-20260101-120000", "xor-20260102-120000", "houses"]):
        made = folder / "runs" / name
        made.mkdir(parents=True)
        (made / "model.safetensors").write_text("")
        os.utime(made, (place, place))
    (folder / "runs" / "notes").mkdir()

    def told(run):
        result = command("predict", run, "houses.csv")
        assert result.exit_code == 1
        return result.stderr

    no = "there is no such run."
    assert told("runs/huoses") == f"Error: runs/huoses: {no} Did you mean 'runs/houses'?\n"
    assert told("runs/xor") == f"Error: runs/xor: {no} Did you mean 'runs/xor-20260102-120000'?\n"
    assert told("runs/note") == f"Error: runs/note: {no} The newest in runs is 'runs/houses'.\n"
    assert told("run/xor") == f"Error: run/xor: {no} Its folder run does not exist either.\n"
    assert told("runs") == (
        "Error: runs is not a run: it holds no model.safetensors. The newest in runs is "
        "'runs/houses'.\n"
    )
    assert told("house") == f"Error: house: {no}\n"
    (folder / "runs" / "houses").rename("mine")
    assert told("other") == f"Error: other: {no} The newest here is 'mine'.\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left", "disk")])
def test_a_run_that_dies_while_it_is_written_leaves_nothing(command, monkeypatch, folder, error):
    def draw(*_):
        raise error

    monkeypatch.setattr("chainrule.cli.run_files.draw", draw)
    result = command("train", "or", "--epochs", "1", "--out", "run")
    assert result.exit_code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert files(folder) == []


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("train", "or", "--epochs", "1", "--out", "run"), "run/model.safetensors"),
        (("train", "or", "--epochs", "1", "--restarts", "0", "--checkpoint", "1", "--out", "run"),
         "run/checkpoint/"),
    ],
)  # fmt: skip
def test_a_full_disk_is_told_with_the_file(command, monkeypatch, arguments, name):
    def full(_):
        raise OSError(27, "File too large")

    monkeypatch.setattr("chainrule.formats.whole_file.os.fsync", full)
    result = command(*arguments)
    assert result.exit_code == 1
    assert re.search(rf"^Error: {name}.*: File too large\.$", result.stderr, re.MULTILINE)


def test_an_error_that_names_no_file_gets_the_runs(folder):
    def fill(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"'run'$"):
        runs.write_folder(Path("run"), fill)
    assert files(folder) == []


def test_the_folder_has_its_name_only_when_all_is_written(folder):
    def fill(place):
        (place / "model.safetensors").write_text("all of it")
        assert not Path("run").exists()
        assert place.name.startswith(".run.")

    assert runs.write_folder(Path("run"), fill) == ["model.safetensors"]
    assert files(folder) == ["run"]

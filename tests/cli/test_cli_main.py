"""The group: help, version, what it loads, and how mistakes are told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule
import chainrule.cli

HEAVY = {"rich", "matplotlib", "sklearn", "pooch", "scipy", "safetensors", "pandas"}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["train", "--help"], ["predict", "-h"]]
)
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules))\n"
        "from chainrule.cli import main\n"
        f"main({arguments!r})"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    loaded = {name.split(".")[0] for name in out.splitlines()[-1].split()}
    assert "click" in loaded
    assert not HEAVY & loaded


def test_commands_themselves_load_no_work_before_they_run():
    code = (
        "import sys, chainrule.cli; print(*[m for m in sys.modules if m[:14] == 'chainrule.cli.'])"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert sorted(out.split()) == [
        f"chainrule.cli.{name}"
        for name in (
            "check",
            "compare",
            "doctor",
            "export",
            "options",
            "predict",
            "report",
            "show",
            "summary",
            "train",
            "training_options",
        )
    ]


def test_version(command):
    result = command("--version")
    assert (result.exit_code, result.stdout) == (0, f"chainrule {chainrule.__version__}\n")


@pytest.mark.parametrize("name", ["train", "predict", "summary", "check", "show"])
def test_every_help_has_examples(command, name):
    result = command(name, "--help")
    assert result.exit_code == 0
    assert f"Examples:\n    chainrule {name} " in result.stdout


def test_help_names_the_commands(command):
    text = command("--help").stdout
    assert "Examples:\n    chainrule train xor\n" in text
    for line in ("predict  Predict the rows", "summary  Show what", "train    Train a network"):
        assert line in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["trian", "xor"], "No such command 'trian'. Did you mean 'train'?"),
        (["train", "xor", "--hiden", "3"], "No such option '--hiden'."),
        (["train"], "Missing argument 'DATA'."),
        (["train", "xor", "--epochs", "0"], "0 is not in the range x>=1."),
        (["train", "xor", "--seed", "-1"], "-1 is not in the range x>=0."),
        (["train", "xor", "--lr", "-1"], "'-1' is not a number above 0, such as 0.01."),
        (["train", "xor", "--lr", "fast"], "'fast' is not a number above 0"),
        (["train", "xor", "--lr", "nan"], "'nan' is not a number above 0"),
        (["train", "xor", "--lr", "inf"], "'inf' is not a number above 0"),
        (
            ["train", "xor", "--hidden", "8,x"],
            "'8,x' is not a list of layer sizes. Give whole numbers from 1 to 1,000,000 with "
            "commas between, such as 100,50, or 0 for no hidden layer.",
        ),
        (["train", "xor", "--hidden", ""], "'' is not a list of layer sizes."),
        (["train", "xor", "--hidden", "8,0"], "'8,0' is not a list of layer sizes."),
        (["train", "xor", "--hidden", "-3"], "'-3' is not a list of layer sizes."),
        (["train", "xor", "--hidden", "9999999"], "'9999999' is not a list of layer sizes."),
        (
            ["train", "xor", "--batch-size", "some"],
            "'some' is not a number of rows. Give a whole number above 0, or all.",
        ),
        (["train", "xor", "--batch-size", "0"], "'0' is not a number of rows."),
    ],
)
def test_usage_errors(command, folder, arguments, text):
    result = command(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr
    assert result.stdout == ""
    assert list(folder.iterdir()) == []


def test_an_option_is_suggested(command):
    assert "'--hidden'" in command("train", "xor", "--hiden", "3").stderr


def raises(error):
    def raiser(*_):
        raise error

    return raiser


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            PermissionError(13, "Permission denied", "a.csv"),
            1,
            "Error: a.csv: Permission denied.\n",
        ),
        (
            OSError(28, "No space left on device", "run"),
            1,
            "Error: run: No space left on device.\n",
        ),
        (OSError(27, "File too large"), 1, "Error: File too large.\n"),
        (FileNotFoundError("there is no file x."), 1, "Error: there is no file x.\n"),
        (
            MemoryError("9 GiB"),
            1,
            "Error: not enough memory (9 GiB). Try fewer hidden units, or a smaller batch size.\n",
        ),
        (KeyboardInterrupt(), 130, "Interrupted: nothing was written.\n"),
    ],
)
def test_troubles_are_one_line(command, monkeypatch, folder, error, code, text):
    monkeypatch.setattr("chainrule.cli.group_data.problem", raises(error))
    result = command("train", "xor")
    assert (result.exit_code, result.stderr, result.stdout) == (code, text, "")
    assert list(folder.iterdir()) == []


def test_a_bug_shows_itself(command, monkeypatch):
    monkeypatch.setattr("chainrule.cli.group_data.problem", raises(ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        command("train", "xor")


def test_python_m_chainrule_is_the_command(folder):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "chainrule", *arguments], capture_output=True, text=True
        )

    done = run("train", "nowhere.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert run("--help").stdout.startswith("Usage: python -m chainrule [OPTIONS] COMMAND")
    assert run("--version").stdout == f"chainrule {chainrule.__version__}\n"


def test_the_installed_command_reports_mistakes_without_a_traceback(folder):
    code = "from chainrule.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "nowhere.csv"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: nowhere.csv: there is no such file.")
    assert len(done.stderr.splitlines()) == 1


def test_letters_that_a_terminal_lacks_are_no_reason_to_fail(folder):
    code = "from chainrule.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "and", "--out", "run", "--epochs", "1"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )
    assert done.returncode == 0
    assert b"x1  x2  and  predicted  output\n??" in done.stdout


def test_no_circles_among_the_modules_of_the_command_even_inside_functions() -> None:
    folder = Path(chainrule.cli.__file__).parent
    left = {
        path.stem: set(re.findall(r"chainrule\.cli\.(\w+)", path.read_text("utf-8"))) - {path.stem}
        for path in folder.glob("*.py")
        if path.stem != "__init__"
    }
    assert left["training"] > {"problems", "group_data"}
    while free := {name for name, wanted in left.items() if not wanted & left.keys()}:
        left = {name: wanted for name, wanted in left.items() if name not in free}
    assert not left

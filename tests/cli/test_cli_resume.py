"""A run that is resumed is the run that it would have been: its table, its report, its command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.cli.checkpoints import FOLDER, OPTIONS, has_checkpoint, kept_options
from chainrule.cli.config import read_config
from chainrule.cli.records import read_history
from chainrule.cli.runs import FILES, read_run
from chainrule.formats import checkpoint_file

#: The hidden layers and the batches, so that a run is short.
SMALL = ("--hidden", "4", "--batch-size", "32")


@pytest.fixture
def interrupted(command, monkeypatch):
    """Train with these arguments, stopped by Ctrl-C after the second checkpoint."""

    def run(*arguments):
        kept = checkpoint_file.save_checkpoint

        def interrupt(path, content):
            kept(path, content)
            if content["epoch"] == 2:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint_file, "save_checkpoint", interrupt)
            result = command("train", *arguments, "--checkpoint", "1", "--out", "run")
        assert result.exit_code == 130, result.output
        assert has_checkpoint(Path("run"))

    return run


TABLES = {
    "in memory": (
        "--target", "price", "--drop", "heating", "--keep", "id", "--split-by", "rooms",
    ),
    "streamed": ("--target", "price", "--drop", "rooms", "--stream"),
    "classes": ("--target", "rooms", "--task", "classification", "--class-weight", "balanced"),
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_options_of_a_table_come_back(table, command, houses, interrupted):
    given = (houses.name, *table, *SMALL, "--epochs", "4")
    assert command("train", *given, "--out", "whole").exit_code == 0
    interrupted(*given)
    done = command("train", "--resume", "run")
    assert done.exit_code == 0, done.output
    assert not has_checkpoint(Path("run"))
    whole, resumed = read_run(Path("whole")), read_run(Path("run"))
    for name, array in whole.net.parameters.items():
        assert array.tobytes() == resumed.net.parameters[name].tobytes()
    assert whole.about == resumed.about
    first, second = read_config(Path("whole")), read_config(Path("run"))
    assert first["table"] == second["table"] != {}
    assert first["data"]["test_fingerprint"] == second["data"]["test_fingerprint"]
    assert {f for f in FILES if Path("whole", f).exists()} == {
        path.name for path in Path("run").iterdir()
    }


def test_the_report_has_the_whole_history_and_the_command_that_began_it(
    command, houses, interrupted
):
    interrupted(houses.name, *SMALL, "--epochs", "3")
    assert command("train", "--resume", "run", "--epochs", "5").exit_code == 0
    assert [row["epoch"] for row in read_history(Path("run"))] == [1, 2, 3, 4, 5]
    asked = read_config(Path("run"))["run"]["command"]
    assert asked == shlex.join(
        ["chainrule", "train", "houses.csv", *SMALL, "--checkpoint", "1", "--epochs", "5"]
    )
    assert asked in Path("run/report.html").read_text("utf-8")


def test_kept_options_of_another_kind_are_refused(command, houses, interrupted):
    interrupted(houses.name, *SMALL, "--epochs", "3")
    file = Path("run", FOLDER, OPTIONS)
    kept = json.loads(file.read_text("utf-8"))
    for broken in (kept | {"table": {"colour": 1}}, {"data": "xor"}, [1]):
        file.write_text(json.dumps(broken), encoding="utf-8")
        with pytest.raises(cr.errors.FileFormatError, match="the options of the run are broken"):
            kept_options(Path("run"), {})

"""The data of a group: read by process 0 alone, mapped by all, and trained on as by one process."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from chainrule.cli import group_data
from chainrule.cli.problems import Part, Problem, Recipe
from chainrule.cli.run_options import Options
from chainrule.cli.runs import check_folder, read_run
from chainrule.cli.table_options import TableOptions
from chainrule.distributed import Group
from chainrule.distributed.place import Place
from chainrule.errors import OptionError

#: Longer than a run takes, also on a machine that is busy.
PATIENCE = 120
PROGRAM = "import sys; from chainrule.cli import main; sys.exit(main())"

#: Notes each file that a process opens, in a file of its own for each process.
WATCH = """
import os, sys
me = os.environ.get("CHAINRULE_PROCESS")
if me is not None:
    told = os.open(os.environ["OPENED"] + me, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    def watch(event, arguments):
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            os.write(told, f"{os.fspath(arguments[0])}\\n".encode())
    sys.addaudithook(watch)
"""

ROUTES = {
    "classes that weigh": (
        ("flowers.csv", "--target", "kind", "--class-weight", "balanced", "--batch-size", "16"),
        ["train-X.npy", "train-y.npy", "validation-X.npy"],
    ),
    "a stream": (("houses.csv", "--stream", "--batch-size", "16"), ["train-X.npy", "rows"]),
}


def in_two(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """``chainrule train`` by two processes."""
    command = [sys.executable, "-c", PROGRAM, "train", *map(str, arguments)]
    return subprocess.run(
        [*command, "--engine", "xla", "--processes", "2"], env={**os.environ, **variables},
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


@pytest.mark.parametrize(("data", "mapped"), ROUTES.values(), ids=ROUTES)
def test_process_0_alone_reads_the_table(
    data, mapped, command, houses, flowers, folder, tmp_path_factory
):
    watch = tmp_path_factory.mktemp("watch")
    (watch / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    path = os.pathsep.join([str(watch), os.environ.get("PYTHONPATH", "")])
    training = ("--hidden", "8", "--epochs", "3", "--lr", "0.01")
    done = in_two(*data, *training, "--out", "two", PYTHONPATH=path, OPENED=str(watch / "by-"))
    assert done.returncode == 0, done.stderr
    opened = [
        [Path(line).name for line in (watch / f"by-{k}").read_text("utf-8").splitlines()]
        for k in range(2)
    ]
    assert data[0] in opened[0]
    assert data[0] not in opened[1]
    assert set(mapped) <= set(opened[0])
    assert set(mapped) <= set(opened[1])
    # Only tables and runs are left.
    assert sorted(p.name for p in folder.iterdir()) == ["flowers.csv", "houses.csv", "two"]
    alone = command("train", *data, *training, "--engine", "xla", "--out", "one")
    assert alone.exit_code == 0
    assert alone.stdout.replace("one", "two").splitlines()[-1] == done.stdout.splitlines()[-1]
    first, second = (read_run(Path(run)).net.parameters for run in ("one", "two"))
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=0, atol=2e-5, err_msg=name)
    # What a person is told is told once, by process 0, in the same words.
    told = [line for line in alone.stderr.splitlines() if not line.startswith("epoch")]
    assert [line for line in done.stderr.splitlines() if not line.startswith("epoch")] == told


def test_a_table_that_cannot_be_read_is_told_once_and_nothing_is_left(folder):
    (folder / "broken.csv").write_text("a,b\n" + "1,2\n" * 50 + "1,2,3\n", encoding="utf-8")
    done = in_two("broken.csv", "--out", "run")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: broken.csv")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["broken.csv"]


def test_where_nothing_can_be_shared_that_is_told(monkeypatch, capsys, folder, houses):
    @contextmanager
    def unshared(make, beside):
        yield make(None)

    monkeypatch.setattr(group_data, "current", lambda: Group(Place("here:1", 2, 0), None))
    monkeypatch.setattr(group_data, "prepared", unshared)
    options = Options(
        str(houses), TableOptions(stream=True), hidden=None, activation=None, optimizer="adam",
        lr=None, epochs=None, batch_size=None, seed=0, restarts=None, engine="xla", out=None,
        force=False,
    )  # fmt: skip
    with group_data.problem_for_all(options, folder) as given:
        assert given.known is not None
        assert given.training_rows == given.stream.rows
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"The processes cannot share the prepared data in a folder in {folder}: each prepares all "
        "of them for itself, and holds them in memory."
    )


def test_a_problem_comes_together_again_from_its_arrays():
    """As another process has it, which knows what it trains on and no more."""
    X, y = np.arange(12.0, dtype=np.float32).reshape(4, 3), np.array([0, 1, 1, 2])
    given = Problem(
        "visits", "visits.csv", Part(X, y), None, Part(X[:2], y[:2]),
        Recipe((8, 4), "relu", 0.01, 7, 32, patience=3), ("no", "yes", "0.5"), ("a", "b", "c"),
        class_weights=(1 / 3, 2.0, 1.0), remarks=("two are left out",),
    )  # fmt: skip
    arrays = group_data._arrays(given)
    told = group_data._told(arrays["facts"])
    found = group_data._whole(arrays, told)
    for name in ("name", "source", "recipe", "class_names", "class_weights", "validation"):
        assert getattr(found, name) == getattr(given, name)
    assert found.remarks == ()
    assert found.stream is None
    np.testing.assert_array_equal(found.train.X, X)
    np.testing.assert_array_equal(found.test.y, y[:2])


def test_the_folder_of_the_run_may_hold_what_is_shared_and_no_more(folder):
    (folder / "run" / ".chainrule-x7").mkdir(parents=True)
    check_folder(folder / "run", force=False)
    (folder / "run" / "notes").touch()
    with pytest.raises(OptionError, match="is there already and is not empty"):
        check_folder(folder / "run", force=False)

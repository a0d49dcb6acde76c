"""``--processes``, ``--checkpoint`` and ``--resume``: runs that survive the end of a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import checkpoints
from chainrule.cli.checkpoints import has_checkpoint
from chainrule.cli.processes import CLUSTER
from chainrule.cli.runs import read_run
from chainrule.distributed.place import VARIABLES
from chainrule.errors import OptionError

#: Longer than a run takes, also on a machine that is busy.
PATIENCE = 120
SMALL = ("digits", "--hidden", "8", "--epochs", "4", "--engine", "xla")


def chainrule(*arguments: str) -> list[str]:
    program = "import sys; from chainrule.cli import main; sys.exit(main())"
    return [sys.executable, "-c", program, *arguments]


def until_checkpoint(run: subprocess.Popen, folder: Path) -> None:
    """Wait until a run can be resumed, and leave the processor to it meanwhile."""
    while not has_checkpoint(folder):
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(0.1)
            pytest.fail(f"it ended before that: {run.communicate()}")


def test_a_killed_run_goes_on_alone_and_ends_as_it_would_have(command, folder):
    whole = command("train", *SMALL, "--out", "whole")
    assert whole.exit_code == 0
    run = subprocess.Popen(
        chainrule("train", *SMALL, "--epochs", "100000", "--processes", "2", "--out", "run"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until_checkpoint(run, Path("run"))
    run.send_signal(signal.SIGTERM)  # which the launcher passes on
    out, _ = run.communicate(timeout=PATIENCE)
    assert (out, run.returncode) == ("", 128 + signal.SIGTERM)
    assert [path.name for path in Path("run").iterdir()] == ["checkpoint"]
    epoch = json.loads(Path("run/checkpoint/options.json").read_text("utf-8"))["epochs"]
    assert epoch == 100000
    # The checkpoint is of some epoch of many; as many as there are already are enough.
    done = command("train", "--resume", "run", "--epochs", "1")
    assert done.exit_code == 0
    assert "saved in run: model.safetensors, " in done.stdout
    assert not Path("run/checkpoint").exists()
    first = np.loadtxt("whole/history.csv", delimiter=",", skiprows=1)
    again = np.loadtxt("run/history.csv", delimiter=",", skiprows=1, ndmin=2)
    count = min(len(first), len(again))
    np.testing.assert_allclose(again[:count, :2], first[:count, :2], rtol=1e-5)


ENDS = {
    signal.SIGKILL: "(pid {}) was killed by SIGKILL.",
    signal.SIGSTOP: "(pid {} on {}) has not been heard of for 2 s: it stands still, or its machine "
    "is cut off.",
}


@pytest.mark.parametrize(("number", "told"), ENDS.items(), ids=["killed", "frozen"])
def test_a_group_that_dies_tells_how_to_go_on(number, told, flowers, folder, monkeypatch):
    if number == signal.SIGSTOP:
        monkeypatch.setenv("CHAINRULE_SILENCE_SECONDS", "2")
    table = ("flowers.csv", "--target", "kind", "--engine", "xla", "--hidden", "8")
    run = subprocess.Popen(
        chainrule("train", *table, "--epochs", "100000", "--processes", "2", "--out", "my run"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until_checkpoint(run, Path("my run"))
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text("utf-8").split()
    assert len(children) == 2
    os.kill(int(children[1]), number)
    out, errors = run.communicate(timeout=PATIENCE)
    assert (out, run.returncode) == ("", 1)
    assert errors.splitlines()[-1] == (
        f"Error: process 1 of 2 {told.format(children[1], socket.gethostname())} The others were "
        "ended. "
        "Go on from the last checkpoint, with any number of processes: "
        "chainrule train --resume 'my run' --processes 2"
    )
    # Nor is anything left of the data that they shared.
    assert sorted(path.name for path in folder.iterdir()) == ["flowers.csv", "my run"]


def test_checkpoints_in_one_process(command, folder, monkeypatch):
    given = ("train", "digits", "--hidden", "8", "--epochs", "3")
    assert command(*given, "--out", "whole").exit_code == 0

    def interrupt(path, content):
        kept(path, content)
        if content["epoch"] == 2:
            raise KeyboardInterrupt

    from chainrule.formats import checkpoint_file

    kept = checkpoint_file.save_checkpoint
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint_file, "save_checkpoint", interrupt)
        stopped = command(*given, "--checkpoint", "1", "--out", "run")
    assert stopped.exit_code == 130
    assert "what was learnt until then is kept" in stopped.stderr
    assert has_checkpoint(Path("run"))  # it can still be resumed
    done = command("train", "--resume", "run")
    assert done.exit_code == 0
    assert not has_checkpoint(Path("run"))
    whole, resumed = read_run(Path("whole")).net, read_run(Path("run")).net
    for name, array in whole.parameters.items():
        assert array.tobytes() == resumed.parameters[name].tobytes()


def test_checkpoints_of_gates_start_once(command, folder):
    assert command("train", "xor", "--checkpoint", "100", "--out", "run").exit_code == 0
    wrong = command("train", "xor", "--checkpoint", "9", "--restarts", "2", "--out", "other")
    assert wrong.exit_code == 1
    assert "restarts=2 and checkpoints do not go together" in wrong.stderr


def test_a_group_by_l_bfgs_has_no_checkpoints_unless_asked_for(command, flowers, monkeypatch):
    """They could not be resumed; a group of one process is enough to see it."""
    for name, value in zip(VARIABLES, ("127.0.0.1:9", "1", "0"), strict=True):
        monkeypatch.setenv(name, value)
    given = ("train", "flowers.csv", "--target", "kind", "--optimizer", "lbfgs", "--engine", "xla",
             "--hidden", "4", "--epochs", "3")  # fmt: skip
    assert command(*given, "--out", "run").exit_code == 0
    asked = command(*given, "--checkpoint", "1", "--out", "other")
    assert asked.exit_code == 1
    assert "L-BFGS cannot be resumed" in asked.stderr


WRONG = {
    "engine": (("xor", "--processes", "2"), "--processes 2 needs --engine xla; the engine numpy"),
    "number": (("xor", "--processes", "0"), "'0' is not a number of processes. Give a whole numb"),
    "no data": ((), "Missing argument 'DATA'"),
    "no run": (("--resume", "runs/none"), "--resume runs/none: there is no checkpoint in it."),
    "options": (
        ("xor", "--resume", "run", "--lr", "1", "--force"),
        "leave out --lr, --force, DATA. --processes and --epochs may change",
    ),
    "no scheduler": (
        ("xor", "--engine", "xla", "--processes", "cluster"),
        "no scheduler seems to have started this process: the variables of Slurm (srun) or Open M",
    ),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_line(arguments, told, command, folder):
    result = command("train", *arguments)
    assert result.exit_code in (1, 2)
    assert told in " ".join(result.stderr.split())
    assert list(folder.iterdir()) == []


def test_a_mistake_is_told_once_by_the_launcher(folder):
    done = subprocess.run(
        chainrule("train", "none.csv", "--engine", "xla", "--processes", "2"),
        capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("Error") == 1
    assert "none.csv" in done.stderr


def test_without_jax_one_line_says_what_to_install(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = command("train", "xor", "--engine", "xla", "--processes", "2")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: --processes 2 needs the package 'jax', which is not installed: "
        "pip install 'chainrule[xla]'\n"
    )


def test_kept_options_that_are_broken(tmp_path):
    place = tmp_path / checkpoints.FOLDER
    cr.Sequential(cr.Dense(1)).fit(np.ones((4, 1)), np.ones(4), callbacks=cr.Checkpoint(place))
    (place / checkpoints.OPTIONS).write_text("{", encoding="utf-8")
    with pytest.raises(
        cr.errors.FileFormatError, match=r"options\.json: the options of the run are"
    ):
        checkpoints.kept_options(tmp_path, {})
    with pytest.raises(OptionError, match="leave out --batch-size"):
        checkpoints.kept_options(tmp_path, {"batch_size": 3})


def test_on_a_cluster_the_scheduler_says_the_place(command, folder, monkeypatch):
    """One process, as the one task of a job."""
    for name, value in {
        "SLURM_JOB_ID": "7", "SLURM_STEP_NODELIST": "node1", "SLURM_NTASKS": "1",
        "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    result = command("train", *SMALL[:-4], "--epochs", "1", "--engine", "xla",
                     "--processes", CLUSTER, "--out", "run")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert cr.distributed.current() is None

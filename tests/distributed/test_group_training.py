"""Groups that train: the same result as one process, and a clear end whatever happens to one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import group_work as work
import numpy as np
import pytest

import chainrule as cr
from chainrule.distributed.place import Place

PROGRAM = str(Path(work.__file__))
#: Longer than any group takes, also on a machine that is busy.
PATIENCE = 150

#: How far parameters may be from those of one process after 50 steps. The sum of the gradients over
#: rows is added in another order: an error of some ε of its largest term, a step, which the rate
#: scales down and 50 steps add up: 50 * rate (0.1) * 2 ε is 1.2e-6 for float32, were all of them on
#: one side; they are not. Adam divides by the gradient's own size, so the rate is 0.01 there.
NEAR = {"float32": 1e-6, "float64": 2e-15}


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "")


def group(processes: int, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a group, by the launcher."""
    command = [sys.executable, "-m", "chainrule.distributed.launcher", str(processes), PROGRAM]
    return subprocess.run(
        [*command, *map(str, arguments)], env={**os.environ, **variables}, timeout=PATIENCE,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """What one process with one device gives."""
    return {
        f"{case} {dtype} {name}": array
        for case, dtype in work.TRAINED
        for name, array in work.trained(case, dtype).items()
    }


def is_near(folder: Path, alone: dict[str, Any]) -> None:
    with np.load(folder / "results.npz") as found:
        # On three, half of them are enough.
        assert {name.rsplit(" ", 1)[0] for name in found} >= {
            "plain float32",
            "across rows float64",
        }
        for name, array in alone.items():
            if name not in found:
                continue
            near = NEAR["float32" if "float32" in name else "float64"]
            if "losses" in name:
                near *= 4  # of size 1 and averaged over batches of float32 losses
            if "L-BFGS" in name:
                near *= 10  # what it knows of the curvature are differences of gradients
            np.testing.assert_allclose(found[name], array, rtol=0, atol=near, err_msg=name)


@pytest.mark.parametrize("processes", [2, 3])
def test_a_group_gives_what_one_process_gives(
    processes: int, alone: dict[str, Any], tmp_path: Path
) -> None:
    done = group(processes, "train", tmp_path)
    assert (done.stdout, done.returncode) == (f"{processes} {processes}\n", 0), done.stderr
    is_near(tmp_path, alone)


def test_several_devices_of_one_process_give_it_too(alone: dict[str, Any], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, "train", str(tmp_path)], timeout=PATIENCE,
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "2"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("1 2\n", 0), done.stderr
    is_near(tmp_path, alone)


def test_a_wrong_share_is_noticed(alone: dict[str, Any], tmp_path: Path) -> None:
    """A planted fault, and not a large one: a rate that is off by a ten-thousandth."""
    net = cr.Sequential(*work.CASES["plain"][0])
    options = {"epochs": work.EPOCHS, "batch_size": work.BATCH, "engine": "xla", "seed": 1}
    net.fit(*work.data(), optimizer=cr.SGD(0.1 * (1 + 1e-4)), **options)
    W = alone["plain float32 W1"]
    assert np.abs(net.parameters["W1"] - W).max() > NEAR["float32"]


def test_a_run_goes_on_with_another_number_of_processes(tmp_path: Path) -> None:
    whole = work.resumed(tmp_path / "whole", 8, resume=False)
    begun = group(2, "begin", tmp_path)
    assert begun.returncode == 0, begun.stderr
    (tmp_path / "alone").mkdir()
    checkpoint = tmp_path / "checkpoint.safetensors"
    (tmp_path / "alone" / checkpoint.name).write_bytes(checkpoint.read_bytes())
    one = work.resumed(tmp_path / "alone", 8, resume=True)
    done = group(3, "go_on", tmp_path)
    assert (done.stdout, done.returncode) == ("3 3\n", 0), done.stderr
    with np.load(tmp_path / "results.npz") as three:
        for name, array in whole.items():
            np.testing.assert_allclose(one[name], array, rtol=0, atol=1e-14, err_msg=name)
            np.testing.assert_allclose(three[name], array, rtol=0, atol=1e-14, err_msg=name)


TROUBLE: dict[str, tuple[str, int, str]] = {
    "killed": ("SIGKILL", 1, r"Error: process 1 of 2 (pid ...) was killed by SIGKILL."),
    "the first killed": ("SIGKILL", 0, r"Error: process 0 of 2 (pid ...) was killed by SIGKILL."),
    "terminated": ("SIGTERM", 1, r"Error: process 1 of 2 (pid ...) was killed by SIGTERM."),
    "stopped": (
        "SIGSTOP",
        1,
        "Error: process 1 of 2 (pid ... on ...) has not been heard of for 3 s: it stands still, or "
        "its machine is cut off.",
    ),
    "an error": (
        "raise",
        1,
        "Error: process 1 of 2 (pid ...) ended with exit code 1: ValueError: planted.",
    ),
    "never started": (
        "never",
        1,
        "Error: process 1 of 2 did not come to 127.0.0.1:... within 2 s. It was not started, ended "
        "at once, or cannot reach that address.",
    ),
}


@pytest.mark.parametrize(("what", "process", "told"), TROUBLE.values(), ids=TROUBLE)
def test_trouble_in_one_ends_all_and_names_it(
    what: str, process: int, told: str, tmp_path: Path, alike: Callable[[str, str], bool]
) -> None:
    # Shortened only where it is waited for: on a busy machine, others are silent for long.
    short = {
        "never": {"CHAINRULE_START_SECONDS": "2"},
        "SIGSTOP": {"CHAINRULE_SILENCE_SECONDS": "3"},
    }
    done = group(2, "trouble", what, process, tmp_path, **short.get(what, {}))
    assert done.returncode == 1
    assert done.stdout == ""
    assert alike(f"{told} The others were ended.\n", done.stderr), done.stderr
    # What was learnt is not lost.
    assert cr.Checkpoint(tmp_path).exists == (what != "never")


def test_ctrl_c_ends_all_after_the_same_step_and_keeps_what_was_learnt(tmp_path: Path) -> None:
    done = group(2, "trouble", "ctrl-c", 0, tmp_path)
    assert done.stdout.startswith("interrupted by the user in epoch"), done.stderr
    assert done.returncode == 0


def test_only_the_xla_engine_trains_in_groups() -> None:
    place = Place("here:1", 2, 0)
    joined = cr.distributed.Group(place, None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.distributed.membership._current", joined)
        net = cr.Sequential(cr.Dense(3, "softmax"))
        with pytest.raises(cr.errors.OptionError, match="only engine='xla' trains in groups"):
            net.fit(*work.data())
        with pytest.raises(cr.errors.GroupError, match="this process has joined a group already"):
            cr.distributed.join()


def test_who_catches_that_nobody_came_goes_on_alone(address: str) -> None:
    code = (
        "import sys; import chainrule as cr\n"
        f"try: cr.distributed.join({address!r}, 2, 1, start_seconds=0.2)\n"
        "except cr.errors.GroupError as error: print(error)\n"
        "assert cr.distributed.current() is None\n"
        "sys.exit(7)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("process 1 of 2 looked for process 0 of 2 at 127.0.0.1:")
    assert done.returncode == 7


def test_joining_comes_before_computing(address: str) -> None:
    cr.Sequential(cr.Dense(1)).fit(np.ones((2, 1)), np.ones(2), epochs=1, engine="xla")
    with pytest.raises(cr.errors.GroupError, match="join the group before anything runs on the XL"):
        cr.distributed.join(address, 2, 0)

"""Leftovers: the folder of a group is gone, whatever ends its processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

#: What every process does; process 0 has the folder.
HEAD = """
import os, signal, sys
from pathlib import Path
from chainrule.distributed.leftovers import removed_afterwards, removed_if_this_fails
from chainrule.distributed.reports import end_process, end_with_the_launcher, reports_folder

me, folder = int(os.environ.get("CHAINRULE_PROCESS", 0)), Path("data")
end_with_the_launcher()
Path(f"pid-{me}").write_text(str(os.getpid()))

def forever():
    while True:
        signal.pause()

def ready():
    (folder / "rows").write_text("1 2 3")
    print("ready", flush=True)
"""
MAKES = """
if me == 0:
    folder.mkdir()
    with removed_afterwards(folder, reports_folder()):
        ready()
        {}
"""
#: Longer than any of this takes.
PATIENCE = 120

ALONE = {
    "success": ("pass", 0),
    "an error": ("raise ValueError", 1),
    "Ctrl-C": ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    "another one is lost": ("end_process(0, 'process 1 of 2 is gone')", 75),
}


@pytest.fixture(autouse=True)
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("event", "code"), ALONE.values(), ids=ALONE)
def test_nothing_is_left_by_a_process_that_ends(event: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + MAKES.format(event)], capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("ready\n", code), done.stderr
    assert not Path("data").exists()


def test_who_only_reads_removes_if_it_fails() -> None:
    body = "folder.mkdir()\nwith removed_if_this_fails(folder):\n    ready()\n    {}"
    for event, is_left in (("pass", True), ("sys.exit(1)", False)):
        Path("data/rows").unlink(missing_ok=True)
        code = HEAD + body.replace("folder.mkdir()", "folder.mkdir(exist_ok=True)").format(event)
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert Path("data").exists() == is_left


def launched(body: str) -> subprocess.Popen[str]:
    """Two processes, once process 0 has its folder."""
    Path("script.py").write_text(HEAD + body, encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "chainrule.distributed.launcher", "2", "script.py"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    assert Path("data/rows").exists()
    return child


@pytest.mark.parametrize("killed", [0, 1])
def test_the_launcher_removes_what_the_killed_have_left(killed: int) -> None:
    child = launched(MAKES.format("forever()") + "forever()")
    while not Path("pid-1").exists() or not Path("pid-1").read_text("utf-8"):
        assert child.poll() is None
    os.kill(int(Path(f"pid-{killed}").read_text("utf-8")), signal.SIGKILL)
    _, errors = child.communicate(timeout=PATIENCE)
    assert f"process {killed} of 2" in errors
    assert not Path("data").exists()


def test_processes_remove_it_where_the_launcher_is_killed() -> None:
    child = launched(
        "print(reports_folder(), file=sys.stderr, flush=True) if me == 0 else None\n"
        + MAKES.format("forever()")
        + "forever()"
    )
    assert child.stderr is not None
    reports = Path(child.stderr.readline().strip())
    assert reports.is_dir()
    end = os.pidfd_open(int(Path("pid-0").read_text("utf-8")))
    child.kill()
    assert select.select([end], [], [], PATIENCE)[0], "a child outlived the launcher"
    os.close(end)
    child.communicate(timeout=PATIENCE)
    assert not Path("data").exists()
    assert not reports.exists()

"""The launcher: all end at the first death, the error says whose it was, and nobody is left over.

Its children are small programs without JAX here; ``test_training`` has groups that really train.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chainrule.distributed.launcher import launch
from chainrule.errors import ChainruleError, GroupError, OptionError

#: What all children begin with.
HEAD = """
import os, signal, sys
from pathlib import Path
me = int(os.environ["CHAINRULE_PROCESS"])
Path(f"pid-{me}").write_text(str(os.getpid()))

def forever():
    print(f"ready {me}", flush=True)
    Path(f"ready-{me}").touch()  # with its signals' handlers in place, and nothing half printed
    while True:
        signal.pause()
"""
#: Longer than any of this takes.
PATIENCE = 120


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    monkeypatch.chdir(tmp_path)

    def write(body: str) -> list[str]:
        Path("script.py").write_text(HEAD + body, encoding="utf-8")
        return [sys.executable, "script.py"]

    return write


def nobody_is_left() -> bool:
    """Whether all children that told their number are gone, and no zombies."""
    for told in Path().glob("pid-*"):
        with contextlib.suppress(ProcessLookupError, ValueError):  # or it ended before it told
            os.kill(int(told.read_text(encoding="utf-8")), 0)
            return False
    return True


def test_all_end_well(script: Callable[[str], list[str]], capfd: pytest.CaptureFixture) -> None:
    assert launch(script("print(me, os.environ['CHAINRULE_PROCESSES'])"), 3) == 0
    assert capfd.readouterr().out == "0 3\n"  # process 0 alone speaks
    assert len(list(Path().glob("pid-*"))) == 3
    assert nobody_is_left()


ENDS = {
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", r"was killed by SIGKILL\."),
    "crashed": ("os.kill(os.getpid(), signal.SIGSEGV)", r"was killed by SIGSEGV\."),
    "exit code": ("sys.exit(3)", r"ended with exit code 3\."),
    "traceback": (
        "raise ValueError('planted')",
        r"ended with exit code 1\. The others were ended\.\n"
        r"Its last lines:\n(.*\n)*  ValueError: planted",
    ),
}


@pytest.mark.parametrize(("body", "told"), ENDS.values(), ids=ENDS)
def test_the_first_death_ends_all(body: str, told: str, script: Callable[[str], list[str]]) -> None:
    with pytest.raises(GroupError, match=rf"^process 2 of 3 \(pid \d+\) {told}"):
        launch(script(f"if me == 2: {body}\nforever()"), 3)
    assert nobody_is_left()


def test_the_cause_is_told_not_those_that_followed(script: Callable[[str], list[str]]) -> None:
    """All of them end at about the same time; one says why, the others that they lost it."""
    command = script(
        "from chainrule.distributed.reports import end_process, report\n"
        "if me == 1:\n"
        "    report(me, MemoryError('too many rows'))\n"
        "    sys.exit(1)\n"
        "end_process(me, 'process 1 of 3 is gone')"
    )
    with pytest.raises(GroupError, match=r"^process 1 of 3 .* code 1: MemoryError: too many rows"):
        launch(command, 3)


def test_one_that_stands_still_is_named_by_the_others_and_killed(
    script: Callable[[str], list[str]],
) -> None:
    command = script(
        "from chainrule.distributed.reports import end_process\n"
        "if me: os.kill(os.getpid(), signal.SIGSTOP)\n"
        "end_process(me, 'process 1 of 2 has not been heard of for 10 s')"
    )
    with pytest.raises(GroupError) as told:
        launch(command, 2)
    assert str(told.value) == (
        "process 1 of 2 has not been heard of for 10 s. The others were ended."
    )
    assert nobody_is_left()


def test_a_mistake_of_the_users_is_told_once_as_it_is(script: Callable[[str], list[str]]) -> None:
    command = script(
        "from chainrule.distributed.reports import report\n"
        "from chainrule.errors import DataError\n"
        "report(me, DataError('row 7 holds NaN'))\n"
        "sys.exit(1)"
    )
    with pytest.raises(ChainruleError) as told:
        launch(command, 2)
    assert not isinstance(told.value, GroupError)
    assert str(told.value) == "row 7 holds NaN"


def test_what_cannot_be_started_is_told(script: Callable[[str], list[str]]) -> None:
    with pytest.raises(GroupError, match=r"^process 0 of 2 could not be started: No such file"):
        launch(["no-such-program"], 2)


def test_advice_is_added(script: Callable[[str], list[str]]) -> None:
    with pytest.raises(GroupError, match=r"The others were ended\. Try again\.$"):
        launch(script("sys.exit(2)"), 2, advice=lambda reports: " Try again.")


# Signals to the launcher


def started(command: list[str], processes: int = 2) -> subprocess.Popen[str]:
    """A launcher of its own, once its process 0 is ready."""
    child = subprocess.Popen(
        [sys.executable, "-m", "chainrule.distributed.launcher", str(processes), *command[1:]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "ready 0\n"
    while len(list(Path().glob("ready-*"))) < processes:
        assert child.poll() is None
    return child


def test_ctrl_c_is_passed_on_to_process_0(script: Callable[[str], list[str]]) -> None:
    child = started(
        script(
            "def end(*_):\n    print('ended', me, flush=True)\n    sys.exit(130)\n"
            "signal.signal(signal.SIGINT, end if me == 0 else signal.SIG_DFL)\nforever()"
        )
    )
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=PATIENCE)
    assert (out, child.returncode) == ("ended 0\n", 130)
    assert nobody_is_left()


def test_a_process_that_ctrl_c_ends_before_it_can_hear_it_is_no_death(
    script: Callable[[str], list[str]],
) -> None:
    child = started(script("signal.signal(signal.SIGINT, signal.SIG_DFL)\nforever()"))
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=PATIENCE)
    assert (out, errors, child.returncode) == ("", "", 130)


def test_after_ctrl_c_the_others_may_end_before_process_0(
    script: Callable[[str], list[str]],
) -> None:
    """Process 0 still writes and draws what was learnt when the launcher sees the others' end."""
    child = started(
        script(
            "import contextlib\n"
            "def end(*_):\n"
            "    other = int(Path('pid-1').read_text())\n"
            "    os.kill(other, signal.SIGINT)\n"
            "    with contextlib.suppress(ProcessLookupError):\n"
            "        while True: os.kill(other, 0)  # until the launcher has asked for its end\n"
            "    print('written', flush=True)\n"
            "    sys.exit(130)\n"
            "signal.signal(signal.SIGINT, (lambda *_: sys.exit(130)) if me else end)\n"
            "forever()"
        )
    )
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=PATIENCE)
    assert (out, errors, child.returncode) == ("written\n", "", 130)


def test_a_second_ctrl_c_ends_at_once(script: Callable[[str], list[str]]) -> None:
    child = started(
        script("signal.signal(signal.SIGINT, lambda *_: print('heard', flush=True))\nforever()")
    )
    child.send_signal(signal.SIGINT)
    assert child.stdout is not None
    assert child.stdout.readline() == "heard\n"
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE)
    assert child.returncode == 130
    assert nobody_is_left()


def test_sigterm_is_passed_on_to_all(script: Callable[[str], list[str]]) -> None:
    child = started(
        script(
            "def end(*_):\n    Path(f'term-{me}').touch()\n    sys.exit(0)\n"
            "signal.signal(signal.SIGTERM, end)\nforever()"
        )
    )
    child.terminate()
    child.communicate(timeout=PATIENCE)
    assert child.returncode == 128 + signal.SIGTERM
    assert sorted(str(p) for p in Path().glob("term-*")) == ["term-0", "term-1"]
    assert nobody_is_left()


def test_when_the_launcher_is_killed_nobody_is_left(script: Callable[[str], list[str]]) -> None:
    child = started(
        script(
            "from chainrule.distributed.reports import end_with_the_launcher\n"
            "end_with_the_launcher()\nforever()"
        )
    )
    pids = [int(path.read_text(encoding="utf-8")) for path in Path().glob("pid-*")]
    ends = [os.pidfd_open(pid) for pid in pids]
    child.kill()
    for end in ends:
        assert select.select([end], [], [], PATIENCE)[0], "a child outlived the launcher"
        os.close(end)
    child.communicate(timeout=PATIENCE)
    assert len(pids) == 2


def test_the_module_tells_how_it_is_used() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "chainrule.distributed.launcher"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    assert told.stderr.startswith("usage: python -m chainrule.distributed.launcher PROCESSES")


def test_limits_are_numbers(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import chainrule as cr

    with pytest.raises(OptionError, match="start_seconds is a number of seconds above 0, got -1"):
        cr.distributed.join(address, 2, 0, start_seconds=-1)
    monkeypatch.setenv("CHAINRULE_SILENCE_SECONDS", "ten")
    with pytest.raises(OptionError, match=r"silence_seconds is a number of .*, got 'ten'"):
        cr.distributed.join(address, 2, 0)

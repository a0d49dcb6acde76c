"""The launcher: starts the processes of a group on this machine, watches them, ends them together.

It is the parent of all of them. At the first death the others are ended at once, and an error says
which died and why. Should the launcher itself be killed, the pipes to its children close, and they
end too: no process is left over.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from chainrule.distributed.leftovers import remove_leftovers
from chainrule.distributed.place import COORDINATOR, Place
from chainrule.distributed.reports import read_report, worker_variables
from chainrule.errors import ChainruleError, GroupError

#: Seconds between two looks at the processes.
LOOK_SECONDS = 0.05
#: Seconds for the one that died first to be told from those that ended because of it.
CAUSE_SECONDS = 2.0
#: Seconds to end by itself for who is asked to by SIGTERM.
TERM_SECONDS = 5.0
#: The exit code of a program that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT
#: That of a child, which Python by itself ends by the signal.
INTERRUPTS = (INTERRUPTED, -signal.SIGINT)
#: Lines quoted of what a process wrote to stderr before it died.
LINES = 10


@dataclass
class _Worker:
    """A child: which process of the group it is, and where its stderr goes (process 0's: here)."""

    number: int
    child: subprocess.Popen[bytes]
    errors: Path | None
    code: int | None = None

    def poll(self) -> int | None:
        """The exit code, once there is one."""
        if self.code is None:
            self.code = self.child.poll()
        return self.code

    def last_lines(self) -> str:
        """The end of what it wrote to stderr."""
        if self.errors is None:
            return ""
        lines = self.errors.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:]
        return "".join(f"\n  {line}" for line in lines)


@dataclass
class _Signals:
    """What the user has asked for since the launch, and how often that was passed on."""

    interrupts: int = 0
    passed_on: int = 0
    terminated: int | None = None


def launch(
    command: Sequence[str], processes: int, environment: Mapping[str, str] = os.environ,
    advice: Callable[[Path], str] = lambda reports: "",
) -> int:  # fmt: skip
    """Run ``command`` as so many processes of one group; returns the exit code of process 0.

    Process 0 has this process's stdout and stderr; what the others write to stderr is kept and
    quoted if they die. Ctrl-C is passed on to process 0, which ends the training in all of them; a
    second one ends them at once. SIGTERM is passed on to all, and what has not ended after
    5 s is killed. ``advice`` may add a sentence to the error.

    Raises:
        GroupError: a process died, could not be started, stood still, or never came to the others.
        ChainruleError: the mistake of the user's that process 0 reports, as it was there.
    """
    coordinator = environment.get(COORDINATOR) or f"127.0.0.1:{_free_port()}"
    workers: list[_Worker] = []
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder, _caught() as signals:
        reports = Path(folder)
        try:
            for number in range(processes):
                place = Place(coordinator, processes, number)
                workers.append(_start(command, place, reports, environment))
            return _watch(workers, signals, reports, advice)
        finally:
            _kill(workers)
            remove_leftovers(reports)


def _start(
    command: Sequence[str], place: Place, reports: Path, environment: Mapping[str, str]
) -> _Worker:
    variables = {**environment, **worker_variables(place, reports)}
    own_group: dict[str, Any] = {} if os.name == "nt" else {"process_group": 0}
    errors = reports / f"stderr-{place.process}" if place.process else None
    stderr: IO[bytes] | None = None if errors is None else errors.open("wb")
    try:
        child = subprocess.Popen(
            command, env=variables, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if place.process else None, stderr=stderr, **own_group,
        )  # fmt: skip
    except OSError as error:
        raise GroupError(
            f"{place.name(place.process)} could not be started: {error.strerror}. The others were "
            "ended."
        ) from error
    finally:
        if stderr is not None:
            stderr.close()
    return _Worker(place.process, child, errors)


def _watch(
    workers: Sequence[_Worker], signals: _Signals, reports: Path, advice: Callable[[Path], str]
) -> int:
    until: float | None = None
    while True:
        codes = [worker.poll() for worker in workers]
        if signals.terminated is not None:
            return _terminate(workers, signals.terminated)
        if signals.interrupts > signals.passed_on:
            signals.passed_on = signals.interrupts
            if signals.interrupts > 1:
                return INTERRUPTED
            _signal(workers[0], signal.SIGINT)
        ended = INTERRUPTS if signals.interrupts else ()
        if codes[0] in ended:
            return INTERRUPTED
        dead = [worker for worker in workers if worker.code and worker.code not in ended]
        if None not in codes and not dead:
            return 0
        if dead:
            until = until or time.monotonic() + CAUSE_SECONDS
            cause = _cause(dead, reports)
            if cause is not None or time.monotonic() > until or None not in codes:
                raise _error(workers, cause, reports, advice)
        time.sleep(LOOK_SECONDS)


def _cause(dead: Sequence[_Worker], reports: Path) -> _Worker | None:
    """The one that died by itself: by a signal, or with an error that is not the loss of others."""
    found = {worker.number: read_report(reports, worker.number) for worker in dead}
    own = [w for w in dead if (r := found[w.number]) is None or r.kind != "lost"]
    by_signal = [worker for worker in own if worker.code is not None and worker.code < 0]
    return next(iter(by_signal or own), None)


def _error(
    workers: Sequence[_Worker], cause: _Worker | None, reports: Path, advice: Callable[[Path], str]
) -> ChainruleError:
    if cause is None:
        # All that ended did so because another was lost: what the first of them says of it.
        first = next(worker for worker in workers if worker.code)
        report = read_report(reports, first.number)
        told = "" if report is None else report.text
        return GroupError(f"{_sentence(told)} The others were ended.{advice(reports)}")
    report = read_report(reports, cause.number)
    if report is not None and report.kind == "mistake":
        return ChainruleError(report.text)
    name = f"process {cause.number} of {len(workers)} (pid {cause.child.pid})"
    why = "" if report is None else f": {report.text}"
    lines = cause.last_lines() if report is None else ""
    quoted = f"\nIts last lines:{lines}" if lines else ""
    told = _sentence(f"{name} {_end_of(cause)}{why}")
    return GroupError(f"{told} The others were ended.{advice(reports)}{quoted}")


def _sentence(text: str) -> str:
    return text.rstrip(".") + "."


def _end_of(worker: _Worker) -> str:
    code = worker.code or 0
    if code < 0:
        return f"was killed by {_signal_name(-code)}"
    return f"ended with exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _terminate(workers: Sequence[_Worker], number: int) -> int:
    for worker in workers:
        _signal(worker, signal.SIGTERM)
    until = time.monotonic() + TERM_SECONDS
    while time.monotonic() < until and any(worker.poll() is None for worker in workers):
        time.sleep(LOOK_SECONDS)
    return 128 + number


def _signal(worker: _Worker, number: int) -> None:
    if worker.poll() is None:
        worker.child.send_signal(number)


def _kill(workers: Sequence[_Worker]) -> None:
    """End whoever is left, also who stands still, and wait until they are gone."""
    for worker in workers:
        if worker.poll() is None:
            worker.child.kill()
    for worker in workers:
        worker.child.wait()
        if worker.child.stdin is not None:
            worker.child.stdin.close()


@contextmanager
def _caught() -> Iterator[_Signals]:
    """Note Ctrl-C and SIGTERM instead of ending by them."""
    signals = _Signals()

    def interrupt(number: int, frame: object) -> None:
        signals.interrupts += 1

    def terminate(number: int, frame: object) -> None:
        signals.terminated = number

    handlers = {signal.SIGINT: interrupt, signal.SIGTERM: terminate}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = terminate
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def main() -> None:
    """``python -m chainrule.distributed.launcher N SCRIPT ...``: a script of one's own."""
    try:
        processes, script = int(sys.argv[1]), sys.argv[2:]
    except (IndexError, ValueError):
        sys.exit("usage: python -m chainrule.distributed.launcher PROCESSES SCRIPT [ARGUMENT ...]")
    try:
        code = launch([sys.executable, *script], processes)
    except ChainruleError as error:
        sys.exit(f"Error: {error}")
    sys.exit(code)


if __name__ == "__main__":
    main()

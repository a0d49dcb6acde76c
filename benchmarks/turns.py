"""Contestants' processes, and the rounds in which they take turns."""

from __future__ import annotations

import json
import math
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import machine
from measure import Orders
from work import Failure, Outcome, Result

CHILD = Path(__file__).with_name("measure.py")
#: Seconds after which a process that says nothing is given up.
PATIENCE = 180.0
#: Seconds of rest before a turn: threads of whoever went before spin on for a while, OpenBLAS's for
#: 2²⁶ ticks of the clock, some 30 ms, on a core that the next one needs.
REST = 0.1


class SilenceError(Exception):
    """The process ended or took too long; the message says which."""


class Child:
    """A process that runs ``measure.py``; ``close`` ends it."""

    def __init__(self, orders: Orders) -> None:
        # A file and not a pipe, so that a talkative library cannot fill it and stop.
        self.complaints = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), json.dumps(asdict(orders))],
            env=machine.environment(orders.threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
        )

    def ask(self) -> None:
        """Have it measure."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write("go\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise SilenceError(self._last_words()) from error

    def answer(self, patience: float) -> dict[str, Any]:
        """Its next line. Raises SilenceError."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(patience):
                raise SilenceError(f"not done after {patience:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise SilenceError(self._last_words())
        found: dict[str, Any] = json.loads(line)
        return found

    def _last_words(self) -> str:
        self.complaints.seek(0)
        said = [line.strip() for line in self.complaints.read().splitlines() if line.strip()]
        return said[-1] if said else f"exit status {self.process.poll()}"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.complaints):
            if stream is not None:
                stream.close()


def as_result(fields: dict[str, Any]) -> Result:
    """A Result from its JSON."""
    return Result(**{**fields, "pools": tuple((name, n) for name, n in fields["pools"])})


def ask_once(orders: Orders) -> dict[str, Any]:
    """The one answer of a process that is asked nothing more: the reference."""
    child = Child(orders)
    try:
        return child.answer(PATIENCE)
    finally:
        child.close()


def take_turns(
    orders: Mapping[str, Orders], rounds: int, seconds: float, tell: Callable[[str], None]
) -> dict[str, list[Outcome]]:
    """A B C A B C, so that a slow minute of the machine meets everybody alike.

    Each takes its first turn. After that the slowest give way where ``seconds`` would not suffice
    for all. Processes are idle between their turns, and end with this call.
    """
    outcomes: dict[str, list[Outcome]] = {name: [] for name in orders}
    children: dict[str, Child] = {}
    costs: dict[str, float] = {}
    began = time.perf_counter()
    try:
        for turn in range(rounds):
            left = seconds - (time.perf_counter() - began)
            names = who_goes(list(orders), costs, left / (rounds - turn)) if turn else list(orders)
            for number, name in enumerate(names):
                tell(f"round {turn + 1} of {rounds}, {number + 1} of {len(names)}: {name}")
                start = time.perf_counter()
                try:
                    if name not in children:
                        children[name] = Child(orders[name])
                        children[name].answer(PATIENCE)
                        start = time.perf_counter()
                    time.sleep(REST)
                    children[name].ask()
                    outcomes[name].append(as_result(children[name].answer(PATIENCE)))
                    costs[name] = time.perf_counter() - start
                except SilenceError as silence:
                    outcomes[name].append(Failure(str(silence)))
                    costs.pop(name, None)
    finally:
        for child in children.values():
            child.close()
    return outcomes


def who_goes(names: Sequence[str], costs: Mapping[str, float], seconds: float) -> list[str]:
    """Whoever fits into the seconds of a round, the quickest first; in the usual order."""
    going, total = set(), 0.0
    for name in sorted(costs, key=lambda name: costs[name]):
        total += costs[name]
        if total <= max(seconds, 0.0) or math.isinf(seconds):
            going.add(name)
    return [name for name in names if name in going]

"""Addresses for groups on this machine, and groups of threads."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from group_lines import SECONDS, Ended

from chainrule.distributed import line as line_module
from chainrule.distributed.line import Line
from chainrule.distributed.meeting import Peers, meet
from chainrule.distributed.place import Place


@pytest.fixture
def address() -> str:
    """A host and a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


@pytest.fixture
def alike() -> Callable[[str, str], bool]:
    """Whether a text is as expected, where ``...`` stands for anything within a line."""

    def check(expected: str, text: str) -> bool:
        return re.fullmatch(".*".join(map(re.escape, expected.split("..."))), text) is not None

    return check


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats of fiftieths of a second."""
    monkeypatch.setattr(line_module, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(line_module, "GRACE_SECONDS", 0.05)


@pytest.fixture
def peers(quick: None, address: str) -> Callable[[int], list[Peers]]:
    """The connections of each of several processes, all in this one."""

    def make(count: int) -> list[Peers]:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda k: meet(Place(address, count, k), 5.0), range(count)))

    return make


@pytest.fixture
def lines(peers: Callable[[int], list[Peers]]) -> Iterator[Callable[..., list[Line]]]:
    """Lines of several processes, all in this one."""
    made: list[Line] = []

    def make(count: int, silence: float = 5.0) -> list[Line]:
        for k, found in enumerate(peers(count)):
            made.append(Line(Place("here:1", count, k), found, silence, Ended()))
        return made

    yield make
    for line in made:
        line._closing = True
        line._thread.join(SECONDS)
        for peer in line._peers.values():
            peer.connection.close()

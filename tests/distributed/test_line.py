"""The line: what process 0 decides reaches all, and who is lost is named to all."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from group_lines import SECONDS, Ended, together

from chainrule.distributed import line as line_module
from chainrule.distributed.line import Line
from chainrule.distributed.meeting import Peers
from chainrule.distributed.place import Place
from chainrule.errors import GroupError


def exchanged(line: Line, meanwhile: Callable[[], Any]) -> None:
    """An exchange of data that fails, as that of a peer that is gone does."""
    with line.exchange():
        meanwhile()
        raise RuntimeError("all-reduce failed: connection closed by peer")


def test_process_0_decides(lines: Callable[..., list[Line]]) -> None:
    a, b, c = lines(3)
    for value in (7, None, "why", [1.5, {"x": float("inf")}]):
        assert (
            together(lambda v=value: a.agree(v), lambda: b.agree(0), lambda: c.agree(1))
            == [value] * 3
        )


def test_all_hear_what_each_says(lines: Callable[..., list[Line]]) -> None:
    a, b, c = lines(3)
    for said in ([1, "two", None], [[3], {"x": 4}, 5.5]):
        calls = [
            lambda line=line, v=v: line.gather(v) for line, v in zip((a, b, c), said, strict=True)
        ]
        assert together(*calls) == [said] * 3


def test_who_is_gone_is_not_waited_for(lines: Callable[..., list[Line]]) -> None:
    a, b, c = lines(3)
    told = together(lambda: a.gather(0), lambda: b.gather(1), lambda: c.fail("out of rows"))
    assert [type(error) for error in told[:2]] == [GroupError] * 2
    assert all("process 2 of 3" in str(error) and "out of rows" in str(error) for error in told[:2])


def test_who_has_left_says_nothing_more(lines: Callable[..., list[Line]]) -> None:
    a, b = lines(2)
    b._send_all(bye=True)
    with pytest.raises(GroupError, match=r"^process 1 of 2 .* has left while the others still tr"):
        a.gather(0)


def test_an_interrupt_of_one_ends_all_at_the_same_place(lines: Callable[..., list[Line]]) -> None:
    a, b, c = lines(3)
    c.interrupt()
    c._send_all(beat=True)
    rounds = []
    while True:
        found = together(*[lambda line=line: line.agree(len(rounds)) for line in (a, b, c)])
        rounds.append(found)
        if any(isinstance(value, KeyboardInterrupt) for value in found):
            break
        assert len(rounds) < 1000
    assert [type(value) for value in rounds[-1]] == [KeyboardInterrupt] * 3
    assert together(lambda: a.agree(1), lambda: b.agree(2), lambda: c.agree(3)) == [1, 1, 1]


def test_leaving_waits_for_all(lines: Callable[..., list[Line]]) -> None:
    assert together(*[line.leave for line in lines(3)]) == [None] * 3


def test_a_closed_connection_names_the_process(lines: Callable[..., list[Line]]) -> None:
    a, b, c = lines(3)
    b._closing = True
    b._thread.join(SECONDS)
    b._peers[0].connection.close()
    errors = together(lambda: a.agree(1) or a._is_lost.wait(SECONDS) or a.check(), c.leave)
    a._is_lost.wait(SECONDS)
    with pytest.raises(GroupError, match=r"^process 1 of 3 \(pid \d+ on .*\) is gone: it was kil"):
        a.check()
    assert str(errors[1]) == a.lost


def test_an_error_of_one_is_told_to_all(lines: Callable[..., list[Line]]) -> None:
    a, b, c = lines(3)
    b.fail("ValueError: planted")
    for found in together(lambda: c.agree(0), a.leave):
        assert isinstance(found, GroupError)
        assert str(found).endswith("ended: ValueError: planted")
        assert str(found).startswith("process 1 of 3 (pid")


@pytest.mark.parametrize("frozen", [0, 1])
def test_silence_names_the_process(frozen: int, peers: Callable[[int], list[Peers]]) -> None:
    found = peers(2)
    alive = 1 - frozen
    ended = Ended()
    line = Line(Place("here:1", 2, alive), found[alive], 0.2, ended)
    # The program waits for what never comes: the line ends the process.
    why = ended.wait()
    assert why is not None
    assert why.startswith(f"process {frozen} of 2 (pid")
    assert "has not been heard of for 0.2 s: it stands still, or its machine is cut off" in why
    line._thread.join(SECONDS)
    for connection, _ in [*found[0].values(), *found[1].values()]:
        connection.close()


def test_who_stood_still_itself_takes_nobody_for_dead(
    lines: Callable[..., list[Line]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped for long counts one beat, not all that it slept through."""
    a, b = lines(2)
    now = line_module.time.monotonic
    leap = [0.0]
    monkeypatch.setattr(line_module.time, "monotonic", lambda: now() + leap[0])
    leap[0] = 3600.0
    assert together(lambda: a.agree(5), lambda: b.agree(0)) == [5, 5]
    assert a.lost is None
    assert b.lost is None


def test_a_failed_exchange_gets_the_reason(lines: Callable[..., list[Line]]) -> None:
    a, b = lines(2)

    (error,) = together(lambda: exchanged(a, lambda: b.fail("MemoryError")))
    assert isinstance(error, GroupError)
    assert "process 1 of 2 (pid" in str(error)
    assert isinstance(error.__cause__, RuntimeError)


def test_an_error_of_its_own_stays_what_it_is(
    lines: Callable[..., list[Line]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "REASON_SECONDS", 0.05)
    a, _ = lines(2)
    (error,) = together(lambda: exchanged(a, lambda: None))
    assert type(error) is RuntimeError


def test_who_leaves_while_the_others_train(lines: Callable[..., list[Line]]) -> None:
    a, b = lines(2, silence=1.0)
    with ThreadPoolExecutor(1) as pool:
        leaving = pool.submit(b.leave)
        (error,) = together(lambda: exchanged(a, lambda: a._is_lost.wait(SECONDS)))
        assert isinstance(error, GroupError)
        assert "process 1 of 2 (pid" in str(error)
        assert str(error).endswith("has left while the others still trained")
        assert isinstance(leaving.exception(), GroupError)


def test_nonsense_on_the_line_ends_it(peers: Callable[[int], list[Peers]]) -> None:
    found = peers(2)
    ended = Ended()
    line = Line(Place("here:1", 2, 0), found[0], 5.0, ended)
    other: socket.socket = found[1][0][0]
    other.sendall(b"no json\n")
    why = ended.wait()
    assert why is not None
    assert why.startswith("the line between the processes broke: JSONDecodeError")
    line._thread.join(SECONDS)
    for connection in (other, found[0][1][0]):
        connection.close()

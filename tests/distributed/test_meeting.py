"""The meeting: all come, or an error names who is missing, twice there, or in the way."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from chainrule.distributed import meeting
from chainrule.distributed.meeting import Peers, meet
from chainrule.distributed.place import Place
from chainrule.errors import GroupError


def come(places: list[Place], seconds: float = 5.0) -> list[Future[Peers]]:
    with ThreadPoolExecutor(len(places)) as pool:
        return [pool.submit(meet, place, seconds) for place in places]


def errors(futures: list[Future[Any]]) -> list[str]:
    found = [future.exception() for future in futures]
    assert all(isinstance(error, GroupError) for error in found)
    return [str(error) for error in found]


def close(futures: list[Future[Peers]]) -> None:
    for future in futures:
        for connection, _ in future.result().values():
            connection.close()


def test_all_come_and_know_one_another(address: str) -> None:
    futures = come([Place(address, 3, k) for k in (2, 1, 0)])
    peers = [future.result() for future in futures]
    assert [sorted(found) for found in peers] == [[0], [0], [1, 2]]
    assert all(" on " in where for found in peers for _, where in found.values())
    # The port is free again, while the connections are there.
    with socket.create_server(("127.0.0.1", Place(address, 3, 0).address[1])):
        pass
    close(futures)


def test_who_did_not_come_is_named_everywhere(address: str) -> None:
    for told in errors(come([Place(address, 4, 0), Place(address, 4, 2)], 1.0)):
        assert told.startswith(
            f"process 1 of 4 and process 3 of 4 did not come to {address} within 1 s."
        )


def test_a_missing_process_0_is_named(address: str) -> None:
    (told,) = errors(come([Place(address, 2, 1)], 0.3))
    assert told.startswith(f"process 1 of 2 looked for process 0 of 2 at {address} for 0.3 s in ")


def test_two_with_one_number(address: str) -> None:
    told = errors(come([Place(address, 3, 0), Place(address, 3, 1), Place(address, 3, 1)]))
    assert sum("two processes are number 1 of 3: pid" in text for text in told) >= 2


def test_other_counts(address: str) -> None:
    told = errors(come([Place(address, 2, 0), Place(address, 3, 1)]))
    assert all("counts 3 processes, and process 0 counts 2" in text for text in told)


def test_a_port_in_use(address: str) -> None:
    port = Place(address, 2, 0).address[1]
    with socket.create_server(("127.0.0.1", port)):
        (told,) = errors(come([Place(address, 2, 0)]))
    assert told.startswith(f"process 0 of 2 cannot listen at {address}: Address already in use.")
    assert "choose another port" in told


def stranger(answer: bytes) -> Callable[[socket.socket], None]:
    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with closing(connection):
            connection.recv(1000)
            connection.sendall(answer)

    return serve


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"[1]\n", b""])
def test_something_else_listens_there(answer: bytes, address: str) -> None:
    with (
        socket.create_server(("127.0.0.1", Place(address, 2, 0).address[1])) as listener,
        ThreadPoolExecutor(1) as pool,
    ):
        serving = pool.submit(stranger(answer), listener)
        (told,) = errors(come([Place(address, 2, 1)]))
        serving.result()
    assert f"process 1 of 2 got no answer from process 0 at {address}" in told
    assert "something else listens there" in told


def test_strangers_are_hung_up_on(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meeting, "HELLO_SECONDS", 1.0)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(meet, Place(address, 2, 0), 5.0)
        strangers = []
        for said in (b"GET / HTTP/1.1\r\n\r\n", b'{"process": 1}\n', b""):
            while True:
                try:
                    strangers.append(socket.create_connection(Place(address, 2, 0).address))
                    break
                except ConnectionRefusedError:
                    assert not first.done()
            strangers[-1].sendall(said)
        second = pool.submit(meet, Place(address, 2, 1), 5.0)
        close([first, second])
    for connection in strangers:
        connection.close()

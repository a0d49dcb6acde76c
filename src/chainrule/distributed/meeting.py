"""The meeting: every process of a group connects to process 0, or learns who is missing.

Done before JAX connects, because JAX waits for minutes, does not say who has not come, and ends the
process instead of raising.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from typing import Any

from chainrule.distributed.place import Place
from chainrule.errors import GroupError

#: Seconds between two tries to reach process 0, which may start later.
RETRY_SECONDS = 0.1
#: Seconds after which whoever connects, but says nothing that belongs here, is hung up on.
HELLO_SECONDS = 2.0
#: Seconds more than process 0 that the others wait, so that it can tell them who is missing.
ANSWER_SECONDS = 2.0

Peers = dict[int, tuple[socket.socket, str]]
"""The connection to each process, and where that runs."""


def meet(place: Place, seconds: float) -> Peers:
    """Connections to all others (process 0), or to process 0 (the others), within ``seconds``.

    Raises:
        GroupError: a process did not come, or came twice, or counts differently; or the address is
            not to be had. The text names the process.
    """
    return _gather(place, seconds) if place.process == 0 else {0: _come(place, seconds)}


def send(connection: socket.socket, **message: Any) -> None:
    """One message, a line of JSON; numbers of NumPy's become Python's."""
    connection.sendall(json.dumps(message, default=float).encode() + b"\n")


def who() -> str:
    """This process, as others may look for it."""
    return f"pid {os.getpid()} on {socket.gethostname()}"


# Process 0


def _gather(place: Place, seconds: float) -> Peers:
    listener = _listener(place)
    until = time.monotonic() + seconds
    peers: Peers = {}
    try:
        while len(peers) < place.processes - 1:
            left = until - time.monotonic()
            if left <= 0 or not select.select([listener], [], [], left)[0]:
                lacking = [k for k in range(1, place.processes) if k not in peers]
                raise GroupError(_missing(place, lacking, seconds))
            connection, _ = listener.accept()
            hello = _hello(connection)
            if hello is None:
                connection.close()  # whoever that was, it is none of us
                continue
            wrong = _wrong(place, hello, peers)
            if wrong is not None:
                _refuse(connection, wrong)
                raise GroupError(wrong)
            peers[hello["process"]] = connection, str(hello["who"])
        listener.close()  # the port is free again, for JAX
        for connection, _ in peers.values():
            send(connection, go=who())
        return peers
    except BaseException as error:
        for connection, _ in peers.values():
            _refuse(connection, str(error))
        raise
    finally:
        listener.close()


def _listener(place: Place) -> socket.socket:
    host, port = place.address
    try:
        is_local = host == "localhost" or host.startswith("127.")
        # As others on the net know it, the host may have a name that is not its own.
        return socket.create_server(("127.0.0.1" if is_local else "", port), backlog=128)
    except OSError as error:
        raise GroupError(
            f"{place.name(0)} cannot listen at {place.coordinator}: {_in_words(error)}. Another "
            "program may hold that port, or another group that is still running: choose another "
            "port."
        ) from error


def _in_words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def _hello(connection: socket.socket) -> dict[str, Any] | None:
    connection.settimeout(HELLO_SECONDS)
    try:
        hello = read_line(connection)
    except (OSError, ValueError):
        return None
    return hello if {"process", "processes", "who"} <= set(hello) else None


def _wrong(place: Place, hello: dict[str, Any], peers: Peers) -> str | None:
    number, count, where = hello["process"], hello["processes"], hello["who"]
    if count != place.processes:
        return (
            f"process {number} ({where}) counts {count} processes, and process 0 counts "
            f"{place.processes}: give all of them the same number."
        )
    if number in peers or not (isinstance(number, int) and 0 < number < place.processes):
        other = peers[number][1] if number in peers else who()
        return (
            f"two processes are number {number} of {place.processes}: {other}, and {where}. Give "
            "each a number of its own."
        )
    return None


def _missing(place: Place, lacking: list[int], seconds: float) -> str:
    names = " and ".join(place.name(k) for k in lacking)
    return (
        f"{names} did not come to {place.coordinator} within {seconds:g} s. It was not started, "
        "ended at once, or cannot reach that address."
    )


def _refuse(connection: socket.socket, text: str) -> None:
    try:
        send(connection, refused=text)
    except OSError:
        return  # gone meanwhile: nobody to tell
    finally:
        connection.close()


# The others


def _come(place: Place, seconds: float) -> tuple[socket.socket, str]:
    until = time.monotonic() + seconds
    connection = _connection(place, until, seconds)
    try:
        send(connection, process=place.process, processes=place.processes, who=who())
        connection.settimeout(max(until - time.monotonic(), 0.0) + ANSWER_SECONDS)
        answer = read_line(connection)
    except (OSError, ValueError) as error:
        connection.close()
        raise GroupError(
            f"{place.name(place.process)} got no answer from process 0 at {place.coordinator} "
            f"({error}). Process 0 ended, or something else listens there."
        ) from error
    if "go" not in answer:
        connection.close()
        raise GroupError(str(answer.get("refused", f"no sense in {answer}")))
    return connection, str(answer["go"])


def _connection(place: Place, until: float, seconds: float) -> socket.socket:
    while True:
        try:
            return socket.create_connection(place.address, timeout=max(RETRY_SECONDS, 1.0))
        except OSError as error:
            if time.monotonic() + RETRY_SECONDS > until:
                raise GroupError(
                    f"{place.name(place.process)} looked for {place.name(0)} at "
                    f"{place.coordinator} for {seconds:g} s in vain ({_in_words(error)}). "
                    "It was not started, ended at once, or the address is wrong."
                ) from error
            time.sleep(RETRY_SECONDS)


def read_line(connection: socket.socket) -> dict[str, Any]:
    """The next message, and nothing of what follows it.

    Raises:
        OSError: the connection closed, or nothing came in time.
        ValueError: something that is no message.
    """
    held = b""
    while not held.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError("the connection closed")
        if len(held) > 65536:
            raise ValueError("a line without an end")
        held += byte
    message = json.loads(held)
    if not isinstance(message, dict):
        raise ValueError("not a message")
    return message

"""The line between the processes of a group: who is alive, and what process 0 decides.

A star of connections with process 0 in its middle. A thread of each process sends a beat every
second and listens. When a process dies, its connections close; when it stands still, its beats stay
away. Process 0 then tells all others, and each ends with an error that names the one that is lost.
"""

from __future__ import annotations

import json
import queue
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chainrule.distributed.meeting import Peers, send
from chainrule.distributed.place import Place
from chainrule.distributed.reports import end_process
from chainrule.errors import GroupError

#: Seconds between two beats.
BEAT_SECONDS = 1.0
#: Seconds that a process which learns of a loss has for ending by itself, by an exception.
GRACE_SECONDS = 2.0
#: Seconds within which the reason for a failed exchange of data comes to be known.
REASON_SECONDS = 3.0

_LEFT = "has left while the others still trained"


@dataclass
class _Peer:
    """Another process: its connection, where it runs, and how many beats it owes."""

    connection: socket.socket
    where: str
    owed: int = 0
    held: bytes = b""
    has_left: bool = False
    said: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)


class Line:
    """The line of one process, made of the connections of its meeting."""

    def __init__(
        self, place: Place, peers: Peers, silence: float,
        end: Callable[[int, str], None] = end_process,
    ) -> None:  # fmt: skip
        self.place, self.silence = place, silence
        self.lost: str | None = None
        self.interrupted = False
        self._peers = {k: _Peer(connection, where) for k, (connection, where) in peers.items()}
        for peer in self._peers.values():
            peer.connection.settimeout(silence)
        self._end = end
        self._decisions: queue.Queue[dict[str, Any]] = queue.Queue()
        self._sending = threading.Lock()
        self._is_lost, self._all_left = threading.Event(), threading.Event()
        self._raised, self._closing = False, False
        self._exchanging = 0  # beats since this process began to wait for data of the others
        self._is_exchanging = False
        self._thread = threading.Thread(target=self._listen, name="chainrule line", daemon=True)
        self._thread.start()

    # --- what the program calls ----------------------------------------------------------------

    def agree(self, value: Any) -> Any:
        """Process 0's value (of JSON's kinds) in every process.

        Raises:
            GroupError: a process is lost.
            KeyboardInterrupt: in all processes, if one was interrupted since the last time.
        """
        if self.place.process == 0:
            decision = {"value": value, "interrupted": self.interrupted}
            self._send_all(decided=decision)
        else:
            decision = self._wait_for(self._decisions)
        self.check()
        # Only what was told is forgotten: an interrupt may arrive while this one is decided.
        if decision["interrupted"]:
            self.interrupted = False
            raise KeyboardInterrupt
        return decision["value"]

    def gather(self, value: Any) -> list[Any]:
        """What each process says (of JSON's kinds), in the order of their numbers, in all of them.

        Whoever is early waits, however long the others take, as long as they are alive.

        Raises:
            GroupError, KeyboardInterrupt: see ``agree``.
        """
        if self.place.process:
            self._send_all(said={"value": value})
            said = None
        else:
            said = [value, *map(self._word_of, range(1, self.place.processes))]
        everything: list[Any] = self.agree(said)
        return everything

    def interrupt(self) -> None:
        """Let the next ``agree`` raise KeyboardInterrupt in all processes."""
        self.interrupted = True
        if self.place.process:
            self._send_all(interrupt=True)

    @contextmanager
    def exchange(self) -> Iterator[None]:
        """Around a computation that needs the others' data: its failure gets the reason's name.

        Raises:
            GroupError: it failed because a process is lost.
        """
        self.check()
        self._exchanging, self._is_exchanging = 0, True
        try:
            yield
        except Exception as error:
            if self._is_lost.wait(REASON_SECONDS):
                self._raised = True
                raise GroupError(str(self.lost)) from error
            for number, peer in self._peers.items():
                if peer.has_left:
                    raise GroupError(f"{self._name(number)} {_LEFT}") from error
            raise
        finally:
            self._is_exchanging = False

    def check(self) -> None:
        """Raise what is known of a loss.

        Raises:
            GroupError: a process is lost.
        """
        if self.lost is not None:
            self._raised = True
            raise GroupError(self.lost)

    def fail(self, why: str) -> None:
        """Tell the others that this process ends because of ``why``."""
        self._send_all(failed=why)

    def leave(self) -> None:
        """Wait until all others leave as well.

        Raises:
            GroupError: a process is lost.
        """
        if self.place.process:
            self._send_all(bye=True)
        while self.lost is None and not self._all_left.wait(BEAT_SECONDS / 4):
            pass
        self.check()
        if self.place.process == 0:
            self._send_all(bye=True)
        self._closing = True
        self._thread.join(2 * BEAT_SECONDS)
        for peer in self._peers.values():
            peer.connection.close()

    # --- the thread ----------------------------------------------------------------------------

    def _listen(self) -> None:
        beat = time.monotonic() + BEAT_SECONDS
        try:
            while not self._closing and self.lost is None:
                connections = [p.connection for p in self._peers.values() if not p.has_left]
                wait = max(0.0, min(beat - time.monotonic(), BEAT_SECONDS / 4))
                if connections:
                    for ready in select.select(connections, [], [], wait)[0]:
                        self._read(ready)
                else:
                    time.sleep(wait)
                self._note_who_left()
                if time.monotonic() >= beat:
                    # From now on, not from when it was due: a process that stood still itself
                    # counts one beat, and does not take the others for dead.
                    beat = time.monotonic() + BEAT_SECONDS
                    self._beat()
        except Exception as error:  # nothing may end the watch unnoticed
            self._lose(f"the line between the processes broke: {error!r}")
        if self.lost is not None:
            self._see_to_the_end()

    def _read(self, ready: socket.socket) -> None:
        number, peer = next((k, p) for k, p in self._peers.items() if p.connection is ready)
        try:
            got = ready.recv(65536)
        except OSError:
            got = b""
        if not got:
            peer.has_left = True
            self._lose(f"{self._name(number)} is gone: it was killed, or crashed")
            return
        peer.owed = 0
        *lines, peer.held = (peer.held + got).split(b"\n")
        for line in lines:
            self._take(number, peer, json.loads(line))

    def _take(self, number: int, peer: _Peer, message: dict[str, Any]) -> None:
        if "decided" in message:
            self._decisions.put(message["decided"])
        elif "said" in message:
            peer.said.put(message["said"])
        elif "interrupt" in message:
            self.interrupted = True
        elif "failed" in message:
            self._lose(f"{self._name(number)} ended: {message['failed']}")
        elif "lost" in message:
            self._lose(message["lost"])
        elif "bye" in message:
            peer.has_left = True
            peer.said.put({})

    def _beat(self) -> None:
        allowed = self.silence / BEAT_SECONDS
        self._exchanging += self._is_exchanging
        for number, peer in self._peers.items():
            if peer.has_left:
                if self._is_exchanging and self._exchanging > allowed:
                    self._lose(f"{self._name(number)} {_LEFT}")
                continue
            peer.owed += 1
            if peer.owed > allowed:
                self._lose(
                    f"{self._name(number)} has not been heard of for {self.silence:g} s: it stands "
                    "still, or its machine is cut off"
                )
        if self.lost is None:
            self._send_all(beat=True)

    def _note_who_left(self) -> None:
        if all(peer.has_left for peer in self._peers.values()):
            self._all_left.set()

    def _lose(self, why: str) -> None:
        if self.lost is not None:
            return
        self.lost = why
        self._is_lost.set()
        if self.place.process == 0:
            self._send_all(lost=why)
        for awaited in (self._decisions, *(peer.said for peer in self._peers.values())):
            awaited.put({})  # whoever waits need not wait any longer

    def _see_to_the_end(self) -> None:
        """End the process if the loss did not reach the program as an exception."""
        time.sleep(GRACE_SECONDS)
        if not self._raised and not self._closing:
            self._end(self.place.process, str(self.lost))

    # --- details -------------------------------------------------------------------------------

    def _wait_for(self, awaited: queue.Queue[dict[str, Any]]) -> dict[str, Any]:
        message = awaited.get()
        if not message:
            self.check()
        return message

    def _word_of(self, number: int) -> Any:
        message = self._wait_for(self._peers[number].said)
        if not message:
            raise GroupError(f"{self._name(number)} {_LEFT}")
        return message["value"]

    def _send_all(self, **message: Any) -> None:
        with self._sending:
            for peer in self._peers.values():
                if self.place.process and peer.has_left:
                    continue
                try:
                    send(peer.connection, **message)
                except OSError:
                    continue  # a connection that closed is noticed by who reads from it

    def _name(self, number: int) -> str:
        return f"{self.place.name(number)} ({self._peers[number].where})"

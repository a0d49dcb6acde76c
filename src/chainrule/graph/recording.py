"""Where a node was recorded: the layer it belongs to, and the user's line of code."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from os.path import basename
from types import FrameType
from typing import Any, NamedTuple

from chainrule.graph.callers import Whose, whose

# A member of an Enum is slow to look up, and this is asked of every frame of every op.
_USER, _COMMAND = Whose.USER, Whose.COMMAND

_scope: ContextVar[str] = ContextVar("scope", default="")
_place: ContextVar[str] = ContextVar("place", default="")
_gradients: ContextVar[int] = ContextVar("gradients", default=0)
_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)

Line = tuple[str, int, str]
"""A file, a line of it, and the name of the function around it."""


class _Kept(NamedTuple):
    nodes: list[Any]
    asked_in: FrameType | None


class Place(str):
    """A line of code as people read it, ``model.py:12``.

    While every node is being kept, ``lines`` has where in its source the user's code was: file,
    line and function, the line itself first and then its callers.
    """

    __slots__ = ("lines",)
    lines: tuple[Line, ...]

    @classmethod
    def at(cls, file: str, line: int, lines: tuple[Line, ...] = ()) -> Place:
        """The line of a file, under the file's short name."""
        place = cls(f"{basename(file)}:{line}")
        place.lines = lines
        return place


@contextmanager
def every_node() -> Iterator[list[Any]]:
    """All nodes traced inside, in the list that is handed out: also those that nothing needs."""
    kept = _Kept([], sys._getframe(2))
    token = _kept.set(kept)
    try:
        yield kept.nodes
    finally:
        _kept.reset(token)


def sources_of(nodes: Iterable[Any]) -> dict[str, list[str]]:
    """The source of the files in which these nodes were recorded, as it is now, line by line."""
    places = (node.place for node in nodes)
    lines = (line for place in places if isinstance(place, Place) for line in place.lines)
    return {file: linecache.getlines(file) for file in dict.fromkeys(line[0] for line in lines)}


def remember(node: Any) -> None:
    """Put a traced node into the list of ``every_node``, if somebody asked for one.

    A derivative borrows its line, and is not what the user wrote there.
    """
    kept = _kept.get()
    if kept is not None and not _place.get():
        kept.nodes.append(node)


@contextmanager
def for_gradient() -> Iterator[None]:
    """A function is being run inside in order to be differentiated."""
    token = _gradients.set(_gradients.get() + 1)
    try:
        yield
    finally:
        _gradients.reset(token)


def is_for_gradient() -> bool:
    """Whether what is computed now is to be differentiated by ``grad``."""
    return _gradients.get() > 0


@contextmanager
def within(name: str, at: str = "") -> Iterator[None]:
    """Everything traced inside belongs to the layer ``name``, and to the line ``at`` if given."""
    tokens = _scope.set(name), _place.set(at)
    try:
        yield
    finally:
        _scope.reset(tokens[0])
        _place.reset(tokens[1])


def move(name: str, at: str) -> None:
    """What follows, up to the end of ``within``, is traced for the layer ``name``, line ``at``."""
    _scope.set(name)
    _place.set(at)


def scope() -> str:
    """The layer whose forward pass is being traced, or nothing."""
    return _scope.get()


def place() -> str:
    """The line that is being traced: the nearest one of the user's program, as ``model.py:12``.

    Nothing, where there is none: below the command, or in a process of somebody else's. A
    derivative belongs to the line of what it is the derivative of.
    """
    if given := _place.get():
        return given
    kept = _kept.get()
    stop = None if kept is None else kept.asked_in
    lines: tuple[Line, ...] = ()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (who := whose(frame.f_code.co_filename)) is not _USER:
        if who is _COMMAND:
            return ""
        if frame is stop:
            kept = None
        frame = frame.f_back
    if frame is None:
        return ""
    if kept is not None:
        lines = tuple(_lines_of(frame))
    return Place.at(frame.f_code.co_filename, frame.f_lineno, lines)


def _lines_of(frame: FrameType | None) -> Iterator[Line]:
    """Where the user's code is: this frame and its callers, back to the first of ours."""
    while frame is not None and (who := whose(frame.f_code.co_filename)) is not Whose.HOUSE:
        if who is Whose.USER:
            yield frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back

"""Where a node was recorded: the layer it belongs to, and the user's line of code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_HOUSE = str(Path(__file__).parents[1])
_scope: ContextVar[str] = ContextVar("scope", default="")
_place: ContextVar[str] = ContextVar("place", default="")
_gradients: ContextVar[int] = ContextVar("gradients", default=0)


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
    """The line that is being traced: the nearest caller outside chainrule, as ``model.py:12``.

    A derivative belongs to the line of what it is the derivative of.
    """
    if given := _place.get():
        return given
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HOUSE):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return ""
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"

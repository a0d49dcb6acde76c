"""Where a node was recorded: the layer it belongs to, and the user's line of code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_HOUSE = str(Path(__file__).parents[1])
_scope: ContextVar[str] = ContextVar("scope", default="")


@contextmanager
def within(name: str) -> Iterator[None]:
    """Everything traced inside belongs to the layer ``name``."""
    token = _scope.set(name)
    try:
        yield
    finally:
        _scope.reset(token)


def scope() -> str:
    """The layer whose forward pass is being traced, or nothing."""
    return _scope.get()


def place() -> str:
    """The file and line of the nearest caller outside chainrule, such as ``model.py:12``."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HOUSE):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return ""
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"

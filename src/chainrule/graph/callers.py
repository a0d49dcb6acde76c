"""Whose code a file holds: chainrule's own, the user's program, or what others wrote.

Between an op and the user's line there may be frames of anybody: scikit-learn fits estimators,
pytest runs tests, Python's own library caches and starts threads. None of their lines says where
in the user's program something happened.
"""

from __future__ import annotations

import os
import re
import sysconfig
from enum import Enum
from functools import cache
from pathlib import Path

_HOUSE = str(Path(__file__).parents[1]) + os.sep
_COMMAND = _HOUSE + "cli" + os.sep
#: Where packages are installed; under Debian the second.
_INSTALLED = re.compile(r"[\\/](site|dist)-packages[\\/]")
#: What runs without a file: Python's own start, the processes that it starts, code that was made.
_MADE = re.compile(r"<(string|planned step|__array_function__ internals|(frozen|attrs) .*)>")


class Whose(Enum):
    """Whose code a file holds.

    ``COMMAND`` is chainrule's own command: it was typed, so that no program of the user's lies
    behind it, but only what starts commands.
    """

    USER = "user"
    HOUSE = "house"
    COMMAND = "command"
    OTHERS = "others"


@cache
def whose(file: str) -> Whose:
    """Whose code ``file`` holds, a name as code objects have it: ``<stdin>`` is the user's too."""
    if file.startswith(_COMMAND):
        return Whose.COMMAND
    if file.startswith(_HOUSE):
        return Whose.HOUSE
    if _MADE.fullmatch(file) or _INSTALLED.search(file) or file.startswith(_pythons()):
        return Whose.OTHERS
    return Whose.USER


@cache
def _pythons() -> tuple[str, ...]:
    """The folders of Python's own library, and of the commands that packages bring."""
    return tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "scripts"))

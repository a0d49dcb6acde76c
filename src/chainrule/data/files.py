"""Opening and reading files, with errors that say which file was meant."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from chainrule.errors import ChainruleError, DataError

T = TypeVar("T")
#: Bytes that tell what a file is.
START = 4096


def read_bytes(path: str | os.PathLike[str], kind: str) -> bytes:
    """The contents of a file.

    Args:
        path: where the file is.
        kind: what the file should be, for the message, such as ``"a CSV file"``.

    Raises:
        DataError: no such file (with the nearest name beside it), a directory, or a file that may
            not be read.
    """
    return reading(path, kind, Path.read_bytes)


def look(path: str | os.PathLike[str], kind: str) -> bytes:
    """The first bytes of a file; the arguments and errors are those of ``read_bytes``."""

    def start(path: Path) -> bytes:
        with path.open("rb") as file:
            return file.read(START)

    return reading(path, kind, start)


def reading(path: str | os.PathLike[str], kind: str, read: Callable[[Path], T]) -> T:
    """What ``read`` gives of a file, with this module's errors where it cannot be read."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a directory; give the path of {kind} in it.")
    try:
        return read(path)
    except ChainruleError:
        raise
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.{_nearest(path)}") from None
    except (OSError, ValueError) as error:
        # ValueError: a path with a NUL character in it.
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"{path} cannot be read as {kind}: {reason}.") from error


def _nearest(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" Its folder {folder} does not exist either."
    try:
        names = [entry.name for entry in folder.iterdir() if entry.is_file()]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Python is running in {Path.cwd()}."

"""Files that appear whole or not at all: a write that is killed leaves the older file untouched."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from chainrule.errors import FileFormatError, OptionError


def path_of(given: Any, example: str) -> Path:
    """A path, from what the user gave.

    Raises:
        OptionError: something else than a path.
    """
    if not isinstance(given, str | os.PathLike) or not str(given):
        raise OptionError(f"a model file is named by a path, as {example!r}; got {given!r}.")
    return Path(given)


def check_place(path: Path) -> None:
    """Refuse to write where no file can be.

    Raises:
        FileFormatError: ``path`` is a folder. FileNotFoundError: its folder does not exist.
    """
    if path.is_dir():
        raise FileFormatError(f"{path} is a folder; name a file in it, as {path / 'net'}.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to save {path.name} in.")


def check_source(path: Path) -> None:
    """Refuse to read what is no file.

    Raises:
        FileFormatError: ``path`` is a folder. FileNotFoundError: nothing is there.
    """
    if path.is_dir():
        raise FileFormatError(f"{path} is a folder, not a model file.")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}.")


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the target, then rename.

    Raises:
        OSError: what went wrong, with the path; of a disk that is full, the system tells none.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        beside.unlink(missing_ok=True)

"""The config of a run: config.toml says what was asked for, to be read and to make it again."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from chainrule.errors import FileFormatError

CONFIG = "config.toml"
#: Where the run is written is no part of what was asked for.
PLACES = ("out", "force")

Values = dict[str, dict[str, Any]]


def command_line() -> str:
    """The command that is running, with the options that were typed, as a shell reads it."""
    context = click.get_current_context()
    words = ["chainrule", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params.get(name)
        if isinstance(parameter, click.Argument):
            words.insert(2, str(value))
        elif (
            name not in PLACES and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        ):
            several = isinstance(parameter, click.Option) and parameter.multiple
            for each in list(value or ()) if several else [value]:
                words.append(parameter.opts[-1])
                words += [] if each is True else [_typed(name, each)]
    return shlex.join(words)


def _typed(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "0"
    return "all" if name == "batch_size" and value == 0 else str(value)


def write_config(path: Path, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Write tables of plain values as TOML; what is None is left out."""
    lines = ["# What made this run. `chainrule report` and `chainrule compare` read it."]
    for title, table in values.items():
        lines += ["", f"[{title}]"]
        lines += [f"{_key(k)} = {_value(v)}" for k, v in table.items() if v is not None]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def read_config(folder: Path) -> Values:
    """The config of the run in ``folder``; empty for a run that was made without one.

    Raises:
        FileFormatError: it is not TOML, or holds something else than tables.
    """
    path = folder / CONFIG
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileFormatError(
            f"{path} cannot be read as TOML: {error}. Mend it, or remove it; the model does not "
            "need it."
        ) from error
    loose = [key for key, value in found.items() if not isinstance(value, dict)]
    if loose:
        raise FileFormatError(f"{path}: {loose[0]} stands outside of all tables, such as [data].")
    return found


def _key(name: str) -> str:
    bare = all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in name)
    return name if bare and name else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)


def _text(value: str) -> str:
    """A string of TOML, whose escapes are those of JSON, and one more."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

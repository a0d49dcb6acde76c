"""A checkpoint in a safetensors file: arrays by name, and all else as JSON in the metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import FileFormatError, OptionError
from chainrule.formats.safetensors_file import read_arrays
from chainrule.formats.whole_file import write_whole

FORMAT = "chainrule checkpoint 1"

#: How an array is named where it was taken out of the rest.
_ARRAY = "array of the file"


def save_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write dicts and lists of arrays, numbers and texts. An older file stays until it is done.

    Raises:
        OptionError: something else is among them, with its place.
    """
    from safetensors.numpy import save as to_bytes

    text, arrays = _parts(content)
    write_whole(path, to_bytes(arrays, metadata={"format": FORMAT, "content": text}))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What :func:`save_checkpoint` wrote.

    Raises:
        FileNotFoundError: no such file.
        FileFormatError: broken, cut short, or not a checkpoint.
    """
    arrays, metadata = read_arrays(path, FORMAT, "a chainrule checkpoint")
    try:
        content: dict[str, Any] = _with_arrays(json.loads(metadata["content"]), arrays)
    except (LookupError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path}: what it says of the training is broken: {error}") from error
    return content


def check_storable(content: dict[str, Any]) -> None:
    """Refuse what :func:`save_checkpoint` would refuse, before there is something to be lost.

    Raises:
        OptionError: what cannot be stored, with its place.
    """
    _parts(content)


def _parts(content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    arrays: dict[str, Any] = {}
    return json.dumps(_without_arrays(content, arrays, "")), arrays


def _without_arrays(value: Any, arrays: dict[str, Any], name: str) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind not in "OSUMmc":
        while name in arrays:  # as {"a/b": ...} and {"a": {"b": ...}} would make it
            name += "'"
        arrays[name] = np.ascontiguousarray(value).reshape(value.shape)
        return {_ARRAY: name}
    if isinstance(value, dict):
        return {k: _without_arrays(v, arrays, f"{name}/{k}".strip("/")) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(v, arrays, f"{name}/{i}") for i, v in enumerate(value)]
    value = value.item() if isinstance(value, np.generic) else value
    if not isinstance(value, str | int | float | None):
        raise OptionError(
            "a checkpoint keeps arrays of numbers, numbers and texts, in dicts and lists, and "
            f"{name or 'its content'} is of the type {type(value).__name__}. Let state() say it "
            "by these, and restore() make it of them again."
        )
    return value


def _with_arrays(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if list(value) == [_ARRAY]:
            return arrays[value[_ARRAY]]
        return {name: _with_arrays(part, arrays) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_arrays(part, arrays) for part in value]
    return value

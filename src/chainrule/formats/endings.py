"""Endings: a network as a file for another program; the ending of its name says which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainrule.errors import OptionError, known_options, options_of
from chainrule.formats.onnx_model import save_onnx
from chainrule.formats.python_file import save_python
from chainrule.formats.torch_state import save_torch
from chainrule.formats.whole_file import path_of
from chainrule.nn.sequential import Sequential

ENDINGS: dict[str, tuple[Callable[..., None], str]] = {
    ".onnx": (save_onnx, "a model for ONNX Runtime"),
    ".py": (save_python, "a program that needs NumPy alone"),
    ".pt": (save_torch, "weights for PyTorch"),
    ".pth": (save_torch, "weights for PyTorch"),
    ".safetensors": (save_torch, "weights for PyTorch"),
}
"""What writes a file of each ending, and what that is."""


def export(net: Sequential, path: str | Path, **options: Any) -> None:
    """Write a network for another program: see :data:`ENDINGS`, and ``net.save`` for our own.

    Args:
        path: ``.onnx`` (:func:`save_onnx`), ``.py`` (:func:`save_python`), ``.pt``, ``.pth`` or
            ``.safetensors`` (:func:`save_torch`).
        options: those of the function in brackets.

    Raises:
        OptionError: another ending, or as that function.
    """
    path = path_of(path, "net.onnx")
    writer = writer_for(path)
    known_options(f"the {path.suffix} export", options_of(writer)[2:], options)
    writer(net, path, **options)


def writer_for(path: Path) -> Callable[..., None]:
    """What writes a file with the ending of ``path``.

    Raises:
        OptionError: nothing does; the text lists the endings.
    """
    if path.suffix not in ENDINGS:
        known = ", ".join(f"{ending} ({what})" for ending, (_, what) in ENDINGS.items())
        raise OptionError(
            f"{path}: the ending says what to export to, and {path.suffix or 'none'} is not known. "
            f"Known: {known}."
        )
    return ENDINGS[path.suffix][0]

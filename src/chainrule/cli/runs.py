"""A run's folder: where it is, how it is written at one stroke, and how its model is read again."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chainrule.data import TableEncoder
from chainrule.errors import FileFormatError, OptionError
from chainrule.formats import load, read_metadata
from chainrule.nn.sequential import Sequential

MODEL = "model.safetensors"
FILES = (
    MODEL,
    "history.csv",
    "curves.png",
    "decision_regions.png",
    "confusion_matrix.png",
    "first_layer_weights.png",
    "mistakes.png",
)
"""All that a run may hold, in the order in which it is told."""


def new_folder(name: str) -> Path:
    """``runs/NAME-DATE-TIME``, with a number after it where that is taken."""
    first = Path("runs") / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    folder, number = first, 2
    while folder.exists():
        folder, number = first.with_name(f"{first.name}-{number}"), number + 1
    return folder


def check_folder(folder: Path, force: bool) -> None:
    """Find out before the training whether the run can be written after it.

    Raises:
        OptionError: the folder is not empty (without ``force``), holds no run (with it), is a file,
            or may not be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"--out {folder} is a file; give a folder.")
    if folder.exists() and any(folder.iterdir()):
        if not force:
            raise OptionError(
                f"--out {folder} is there already and is not empty. Give another folder, or "
                f"--force to replace the run in it."
            )
        if not (folder / MODEL).is_file():
            raise OptionError(
                f"--force replaces runs, and {folder} is none: it holds no {MODEL}. Give another "
                f"folder."
            )
    above = folder.absolute()
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise OptionError(f"--out {folder} cannot be made: {above} is a file.")
    if not os.access(above, os.W_OK):
        raise OptionError(f"--out {folder} cannot be made: you may not write in {above}.")


def write_folder(folder: Path, fill: Callable[[Path], None]) -> list[str]:
    """Let ``fill`` write a run into a hidden folder, then give that its name; returns the files.

    So a run that is killed leaves no half of one. Where a run is there already its files are
    replaced one by one, and files that no run writes are left alone.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    beside.mkdir()
    try:
        fill(beside)
        written = [name for name in FILES if (beside / name).exists()]
        if not folder.exists() or not any(folder.iterdir()):
            beside.replace(folder)
            return written
        for name in FILES:
            if name in written:
                (beside / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        return written
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        OptionError: its folder does not exist.
    """
    if not path.parent.is_dir():
        raise OptionError(f"--out {path} cannot be written: there is no folder {path.parent}.")
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@dataclass(frozen=True)
class Run:
    """A model that was saved, and what its file says of it; other models say nothing."""

    net: Sequential
    class_names: tuple[str, ...] = ()
    encoder: TableEncoder | None = None
    pixel_maximum: int | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def metadata(self) -> dict[str, str]:
        """The texts to be kept in the model's file."""
        texts = {"run": json.dumps(self.about), "class_names": json.dumps(self.class_names)}
        if self.pixel_maximum is not None:
            texts["pixel_maximum"] = json.dumps(self.pixel_maximum)
        if self.encoder is not None:
            texts["table_encoder"] = self.encoder.to_json()
        return texts

    def facts(self) -> dict[str, str]:
        """What is told of the training, by name."""
        names = ("trained on", "optimizer", "training", "score")
        return {name: str(self.about[name]) for name in names if name in self.about}


def read_run(path: Path) -> Run:
    """The model in a run's folder, or in a file of its own.

    Raises:
        FileNotFoundError: nothing is there.
        FileFormatError: a folder without a model, or a file that is broken or of another kind.
    """
    file = path
    if path.is_dir():
        file = path / MODEL
        if not file.exists():
            raise FileFormatError(f"{path} is not a run: it holds no {MODEL}.")
    net, texts = load(file), read_metadata(file)
    try:
        names = tuple(map(str, json.loads(texts.get("class_names", "[]"))))
        about = dict(json.loads(texts.get("run", "{}")))
        pixels = json.loads(texts.get("pixel_maximum", "null"))
    except (TypeError, ValueError) as error:
        raise FileFormatError(
            f"{file}: what it says of its training is broken: {error}."
        ) from error
    encoder = TableEncoder.from_json(texts["table_encoder"]) if "table_encoder" in texts else None
    return Run(net, names, encoder, pixels, about)

"""A run's folder: where it is, how it is written at one stroke, and how its model is read again."""

from __future__ import annotations

import difflib
import json
import secrets
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from chainrule.data import TableEncoder
from chainrule.distributed.preparation import PREFIX
from chainrule.errors import DataError, FileFormatError, OptionError
from chainrule.formats import load, read_metadata
from chainrule.nn.sequential import Sequential

MODEL = "model.safetensors"
REPORT = "report.html"
TABLE = "table.json"
FILES = (
    MODEL,
    REPORT,
    "predictions.csv",
    "history.csv",
    TABLE,
    "history.jsonl",
    "config.toml",
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
    # The data that a group shares may lie in it already.
    if folder.exists() and any(not path.name.startswith(PREFIX) for path in folder.iterdir()):
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
    probe = above / _hidden(folder)
    try:
        # Tried, not asked: permissions tell nothing of disks that are read-only, or of /sys.
        probe.mkdir()
        probe.rmdir()
    except PermissionError:
        raise OptionError(f"--out {folder} cannot be made: you may not write in {above}.") from None
    except OSError as error:
        raise OptionError(f"--out {folder} cannot be made in {above}: {error.strerror}.") from error


def write_folder(folder: Path, fill: Callable[[Path], None]) -> list[str]:
    """Let ``fill`` write a run into a hidden folder, then give that its name; returns the files.

    So a run that is killed leaves no half of one. Where the folder is there already, the hidden one
    is made inside it (what is above may be another disk), the files are replaced one by one, and
    files that no run writes are left alone.

    Raises:
        OSError: what went wrong, with the path that was asked for and not the hidden one.
    """
    there = folder.is_dir()
    if not there:
        folder.parent.mkdir(parents=True, exist_ok=True)
    beside = (folder if there else folder.parent) / _hidden(folder)
    with _ended_by_sigterm(), _called(folder, beside):
        try:
            beside.mkdir()
            fill(beside)
            written = [name for name in FILES if (beside / name).exists()]
            if not there:
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


def write_text(path: Path, text: str | Iterable[str]) -> None:
    """Write a file, a text or its pieces one by one, that appears whole or not at all.

    Raises:
        OptionError: its folder does not exist.
        OSError: what went wrong, with the path that was asked for.
    """
    if not path.parent.is_dir():
        raise OptionError(f"--out {path} cannot be written: there is no folder {path.parent}.")
    beside = path.with_name(_hidden(path))
    with _ended_by_sigterm(), _called(path, beside):
        try:
            with beside.open("w", encoding="utf-8", newline="") as file:
                file.writelines([text] if isinstance(text, str) else text)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _hidden(path: Path) -> str:
    """A name that nothing has, for what is not finished."""
    return f".{path.absolute().name}.{secrets.token_hex(4)}.part"


@contextmanager
def _called(path: Path, beside: Path) -> Iterator[None]:
    """Errors of the system name ``path``, which the user knows, where they mean ``beside``.

    An error that names no file, as of a disk that is full, gets ``path``.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        elif error.filename is not None:
            error.filename = str(error.filename).replace(str(beside), str(path))
            error.filename2 = None
        raise


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the program as an exception would, so that what is hidden is removed."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread set what a signal does
        return

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # None: set by no Python


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
        DataError: nothing is there; the text suggests a run that is.
        FileFormatError: a folder without a model, or a file that is broken or of another kind.
    """
    file = path
    if path.is_dir():
        file = path / MODEL
        if not file.exists():
            raise FileFormatError(f"{path} is not a run: it holds no {MODEL}.{_newest(path)}")
    elif not path.exists():
        raise DataError(f"{path}: there is no such run.{_nearest(path)}")
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


def _nearest(path: Path) -> str:
    """What was perhaps meant: a run with a similar name, or one whose name begins like that."""
    if not path.parent.is_dir():
        return f" Its folder {path.parent} does not exist either."
    found = _models_in(path.parent)
    near = difflib.get_close_matches(path.name, found, n=1)
    near = near or [name for name in reversed(found) if name.startswith(path.name)][:1]
    return f" Did you mean '{path.parent / near[0]}'?" if near else _newest(path.parent)


def _newest(folder: Path) -> str:
    found = _models_in(folder)
    where = f"in {folder}" if folder.parts else "here"
    return f" The newest {where} is '{folder / found[-1]}'." if found else ""


def _models_in(folder: Path) -> list[str]:
    """The names of the runs and model files in a folder, the newest last."""
    try:
        times = {
            entry.name: entry.stat().st_mtime
            for entry in folder.iterdir()
            if entry.suffix == Path(MODEL).suffix or (entry / MODEL).is_file()
        }
    except OSError:  # a folder that may not be read
        return []
    return sorted(times, key=lambda name: (times[name], name))

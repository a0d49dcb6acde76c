"""Event files: a training's history as TensorBoard shows it, while it grows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chainrule import settings
from chainrule.errors import optional_package
from chainrule.train.tracking import EXTRA, Tracking, scalars

if TYPE_CHECKING:
    from chainrule.train.loop import Training

HELD = "validation_"
#: The name of an event file, by which TensorBoard knows it, and what the file begins with.
EVENTS, VERSION = "events.out.tfevents.chainrule", "brain.Event:2"


class TensorBoard(Tracking):
    """Write the history to event files, which ``tensorboard --logdir FOLDER`` shows.

    Columns that belong together share a chart: ``loss/training`` and ``loss/validation``. Where the
    folder has the record of a training already, the next one (see ``restarts`` of ``fit``; or a
    fold of scikit-learn's cross-validation) has a folder of its own inside, ``start-2``. One that
    is taken up again (``resume``) goes on in its own record.

    Args:
        folder: where to; it is made if need be. TensorBoard compares the folders of one folder.

    Raises:
        OptionError: ``folder`` is no path, or that of a file.
        MissingPackageError: the package tensorboard is not installed.

    >>> net.fit(X, y, callbacks=cr.TensorBoard("logs/first"))  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        self.folder = settings.folder("TensorBoard", folder)
        self._package("summary.writer.record_writer")

    def open(self, training: Training) -> None:
        self.number = 0
        if training.epoch == 0:  # else its own record may be known, see restore
            self._begin_next()

    def write(self, rows: list[dict[str, float]]) -> None:
        if not self.number:
            self._begin_next()
        event = self._package("compat.proto.event_pb2").Event
        summary = self._package("compat.proto.summary_pb2").Summary
        told = []
        for row in rows:
            values = [summary.Value(tag=_tag(k), simple_value=v) for k, v in scalars(row)]
            one = summary(value=values)
            told.append(event(wall_time=time.time(), step=int(row["epoch"]), summary=one))
        self._append(told)

    def state(self) -> dict[str, Any]:
        return {"number": self.number, "told": self.told} if self.is_open else {}

    def restore(self, state: dict[str, Any]) -> None:
        self._try(lambda: self._go_on(**state))

    def _go_on(self, number: int, told: int) -> None:
        self.number = number
        self.told = 0 if self._begin() else told

    def _begin_next(self) -> None:
        self.number = 1
        while not self._begin():
            self.number += 1

    def _begin(self) -> bool:
        """Begin the file of this start, and say whether it was not there yet."""
        place = self.folder if self.number == 1 else self.folder / f"start-{self.number}"
        place.mkdir(parents=True, exist_ok=True)
        self.file = place / EVENTS
        try:
            self.file.touch(exist_ok=False)  # of trainings side by side, one gets it
        except FileExistsError:
            return False
        event = self._package("compat.proto.event_pb2").Event
        self._append([event(wall_time=time.time(), file_version=VERSION)])
        return True

    def _append(self, events: Iterable[Any]) -> None:
        # Opened anew each time, so that a callback that is copied or pickled holds nothing open.
        with self.file.open("r+b") as file:
            file.seek(0, os.SEEK_END)
            writer = self._package("summary.writer.record_writer").RecordWriter(file)
            for event in events:
                writer.write(event.SerializeToString())

    def _package(self, module: str) -> Any:
        return optional_package(f"tensorboard.{module}", EXTRA, "cr.TensorBoard")


def _tag(name: str) -> str:
    """``loss/training`` for loss, ``loss/validation`` for validation_loss."""
    if name in ("learning_rate", "seconds"):
        return name
    return f"{name.removeprefix(HELD)}/{'validation' if name.startswith(HELD) else 'training'}"

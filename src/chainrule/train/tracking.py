"""Tracking: a training's history in TensorBoard's event files, or in MLflow, while it grows."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chainrule import settings
from chainrule.errors import OptionError, optional_package
from chainrule.train.callbacks import Callback

if TYPE_CHECKING:
    from chainrule.train.loop import Training

EXTRA = "tracking"
HELD = "validation_"
#: What MLflow takes at a time.
MOST_METRICS = 1000


class _Tracking(Callback):
    """The base: hands every epoch on once, also those that were run in a block."""

    every_epoch = False

    def __init__(self) -> None:
        self.starts = 0

    def on_start(self, training: Training) -> None:
        self.starts += 1
        self.told = 0
        self.open(training)

    def on_epoch(self, training: Training) -> None:
        rows = training.history.rows[self.told :]
        self.told += len(rows)
        self.write(rows)

    def on_end(self, training: Training) -> None:
        self.close(training)

    def open(self, training: Training) -> None:
        """Begin the record of a training."""

    def write(self, rows: list[dict[str, float]]) -> None:
        """Record some epochs."""

    def close(self, training: Training) -> None:
        """End the record."""


class TensorBoard(_Tracking):
    """Write the history to event files, which ``tensorboard --logdir FOLDER`` shows.

    Columns that belong together share a chart: ``loss/training`` and ``loss/validation``. A start
    after the first (see ``restarts`` of ``fit``) has a folder of its own inside, ``start-2``.

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
        self._package("summary.writer.event_file_writer")

    def open(self, training: Training) -> None:
        place = self.folder if self.starts == 1 else self.folder / f"start-{self.starts}"
        writing = self._package("summary.writer.event_file_writer")
        self.writer = writing.EventFileWriter(str(place))

    def write(self, rows: list[dict[str, float]]) -> None:
        event = self._package("compat.proto.event_pb2").Event
        summary = self._package("compat.proto.summary_pb2").Summary
        for row in rows:
            values = [summary.Value(tag=_tag(k), simple_value=v) for k, v in _scalars(row)]
            told = summary(value=values)
            self.writer.add_event(
                event(wall_time=time.time(), step=int(row["epoch"]), summary=told)
            )
        self.writer.flush()

    def close(self, training: Training) -> None:
        self.writer.close()

    def _package(self, module: str) -> Any:
        return optional_package(f"tensorboard.{module}", EXTRA, "cr.TensorBoard")


class MLflow(_Tracking):
    """Log the history, and what the training was given, as a run of MLflow.

    Metrics are the columns of the history, by epoch; what is not finite is left out, as MLflow's
    stores do not keep it. Parameters are the optimizer, its learning rate, the epochs asked for,
    the rows, the layers and the number of their parameters. A start after the first (see
    ``restarts`` of ``fit``) is a run of its own.

    Args:
        experiment: what the runs are for; made if it is not there.
        run: the run's name; default one that MLflow makes up.
        uri: where MLflow keeps its runs; default as MLflow itself is told (by
            ``MLFLOW_TRACKING_URI``). The small package ``mlflow-skinny`` talks to a server; a
            database file (``sqlite:///mlflow.db``) needs the whole ``mlflow``.
        parameters: more to be logged, by name.

    Raises:
        OptionError: MLflow does not take the uri; ``parameters`` are not given by name.
        MissingPackageError: no package of MLflow is installed.

    ``run_ids`` are the runs that were made, in order.

    >>> net.fit(X, y, callbacks=cr.MLflow("houses", uri="http://localhost:5000"))  # doctest: +SKIP
    """

    def __init__(
        self, experiment: str = "chainrule", *, run: str | None = None, uri: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        for name, given in (("experiment", experiment), ("run", run), ("uri", uri)):
            if not isinstance(given, str | os.PathLike | None) or given is experiment is None:
                raise OptionError(f"MLflow needs {name} to be text, got {given!r}.")
        if not isinstance(parameters, Mapping | None):
            raise OptionError(f"MLflow takes parameters by name, as a dict, not {parameters!r}.")
        self.experiment, self.run = experiment, run
        self.parameters = dict(parameters or {})
        self.run_ids: list[str] = []
        self._package("mlflow.tracking")
        refused = self._package("mlflow.exceptions").MlflowException
        try:
            self.client = self._package("mlflow.tracking").MlflowClient(tracking_uri=uri)
            found = self.client.get_experiment_by_name(experiment)
            self.number = (
                self.client.create_experiment(experiment) if found is None else found.experiment_id
            )
        except refused as error:
            raise OptionError(
                f"MLflow does not keep runs at {uri or 'its default place'}: {error} "
                "(mlflow-skinny talks to servers alone; databases need: pip install mlflow)"
            ) from error

    def open(self, training: Training) -> None:
        name = self.run if self.starts == 1 or self.run is None else f"{self.run} {self.starts}"
        made = self.client.create_run(self.number, run_name=name)
        self.run_id = str(made.info.run_id)
        self.run_ids.append(self.run_id)
        parameter = self._package("mlflow.entities").Param
        given = [parameter(name, str(value)) for name, value in self._given(training).items()]
        self.client.log_batch(self.run_id, params=given)

    def write(self, rows: list[dict[str, float]]) -> None:
        metric, now = self._package("mlflow.entities").Metric, int(1000 * time.time())
        found = [
            metric(name, value, now, int(row["epoch"]))
            for row in rows
            for name, value in _scalars(row)
            if math.isfinite(value)
        ]
        for begin in range(0, len(found), MOST_METRICS):
            self.client.log_batch(self.run_id, metrics=found[begin : begin + MOST_METRICS])

    def close(self, training: Training) -> None:
        why = training.stopping
        if why is not None:
            self.client.set_tag(self.run_id, "stopped", why)
        killed = why is not None and why.startswith("interrupted")
        self.client.set_terminated(self.run_id, "KILLED" if killed else "FINISHED")

    def _given(self, training: Training) -> dict[str, Any]:
        net = training.net
        return {
            "optimizer": type(training.optimizer).__name__,
            "learning_rate": training.optimizer.learning_rate,
            "epochs": training.epochs,
            "rows": training.rows,
            "layers": ", ".join(map(repr, net.layers)),
            "parameters": sum(array.size for array in net.parameters.values()),
            **self.parameters,
        }

    def _package(self, module: str) -> Any:
        return optional_package(module, EXTRA, "cr.MLflow")


def _scalars(row: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in row.items() if name != "epoch")


def _tag(name: str) -> str:
    """``loss/training`` for loss, ``loss/validation`` for validation_loss."""
    if name in ("learning_rate", "seconds"):
        return name
    return f"{name.removeprefix(HELD)}/{'validation' if name.startswith(HELD) else 'training'}"

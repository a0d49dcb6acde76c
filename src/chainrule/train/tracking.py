"""Tracking: a training's history in a store of another package, while it grows; that of MLflow."""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.distributed import is_first
from chainrule.errors import OptionError, TrainingWarning, optional_package
from chainrule.optim.optimizers import NAMED as OPTIMIZERS
from chainrule.optim.optimizers import Optimizer
from chainrule.train.advice import level_outside
from chainrule.train.callbacks import Callback

if TYPE_CHECKING:
    from chainrule.train.loop import Training

EXTRA = "tracking"
#: What MLflow takes at a time.
MOST_METRICS = 1000


class Tracking(Callback):
    """The base: hands every epoch on once, also those that were run in a block.

    A store that fails while a training runs costs its record, and never the training. In a group
    of processes, process 0 keeps the record.
    """

    every_epoch = False

    def __init__(self) -> None:
        self.starts = 0

    def on_start(self, training: Training) -> None:
        self.starts += 1
        self.told, self.is_open = 0, False
        if not is_first():
            return
        try:
            self.open(training)
            self.is_open = True
        except Exception as error:  # see _try
            if self.starts > 1:
                self._give_up(error)
                return
            kind = type(self).__name__  # nothing is lost yet
            raise OptionError(f"{kind} cannot keep the record: {error}") from error

    def on_epoch(self, training: Training) -> None:
        rows = training.history.rows[self.told :]
        self._try(lambda: self.write(rows))
        self.told += len(rows)

    def on_end(self, training: Training) -> None:
        self._try(lambda: self.close(training))

    def on_failure(self, training: Training) -> None:
        self._try(lambda: self.abandon(training))

    def open(self, training: Training) -> None:
        """Begin the record of a training."""

    def write(self, rows: list[dict[str, float]]) -> None:
        """Record some epochs."""

    def close(self, training: Training) -> None:
        """End the record."""

    def abandon(self, training: Training) -> None:
        """End the record of a training that ended by an error."""
        self.close(training)

    def _try(self, record: Callable[[], object]) -> None:
        if not self.is_open:
            return
        try:
            record()
        except Exception as error:
            # Any at all: stores raise what they like (MLflow's even a bare Exception), and a
            # training of hours is worth more than its record.
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.is_open = False
        why = str(error).rstrip(".") or type(error).__name__
        warnings.warn(
            f"{type(self).__name__} keeps no record after epoch {self.told}: {why}. The training "
            "goes on, and its history is whole.",
            TrainingWarning,
            stacklevel=level_outside(),
        )


class MLflow(Tracking):
    """Log the history, and what the training was given, as a run of MLflow.

    Metrics are the columns of the history, by epoch; what is not finite is left out, as MLflow's
    stores do not keep it. Parameters are the optimizer, its learning rate, the epochs asked for,
    the rows, the layers and the number of their parameters. A start after the first (see
    ``restarts`` of ``fit``) is a run of its own.

    Args:
        experiment: what the runs are for; made if it is not there.
        run: the run's name; default one that MLflow makes up.
        uri: where MLflow keeps its runs, an address or the path of a folder; default as MLflow
            itself is told (by ``MLFLOW_TRACKING_URI``). The small package ``mlflow-skinny`` talks
            to a server; a database file (``sqlite:///mlflow.db``) needs the whole ``mlflow``.
        parameters: more to be logged, by name.

    Raises:
        OptionError: MLflow does not take the uri; a name or the uri is no text, or empty;
            ``parameters`` are not given by name.
        MissingPackageError: no package of MLflow is installed.

    ``run_ids`` are the runs that were made, in order.

    >>> net.fit(X, y, callbacks=cr.MLflow("houses", uri="http://localhost:5000"))  # doctest: +SKIP
    """

    def __init__(
        self, experiment: str = "chainrule", *, run: str | None = None,
        uri: str | os.PathLike[str] | None = None, parameters: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if isinstance(uri, os.PathLike):
            uri = Path(uri).absolute().as_uri()
        for name, given in (("experiment", experiment), ("run", run), ("uri", uri)):
            may_lack = given is None and name != "experiment"
            if not may_lack and not (isinstance(given, str) and given.strip()):
                raise OptionError(f"MLflow needs {name} to be text, got {given!r}.")
        if not isinstance(parameters, Mapping | None):
            raise OptionError(f"MLflow takes parameters by name, as a dict, not {parameters!r}.")
        self.parameters = dict(parameters or {})
        for key in self.parameters:
            if not isinstance(key, str):
                raise OptionError(f"MLflow takes parameters by name, and {key!r} is no text.")
        self.experiment, self.run, self.uri = experiment, run, uri
        self.run_ids: list[str] = []
        self._package("mlflow.tracking")
        try:
            found = self.client.get_experiment_by_name(experiment)
            self.number = (
                self.client.create_experiment(experiment) if found is None else found.experiment_id
            )
        except Exception as error:  # see _try
            raise OptionError(
                f"MLflow does not keep runs at {uri or 'its default place'}: {error} (A database "
                "needs the whole package: pip install mlflow)"
            ) from error

    @cached_property
    def client(self) -> Any:
        """What talks to the store."""
        return self._package("mlflow.tracking").MlflowClient(tracking_uri=self.uri)

    def __getstate__(self) -> dict[str, Any]:
        """Without the client, which no file can hold: the next training makes one anew."""
        return {name: value for name, value in self.__dict__.items() if name != "client"}

    def open(self, training: Training) -> None:
        name = self.run if self.starts == 1 or self.run is None else f"{self.run} {self.starts}"
        made = self.client.create_run(self.number, run_name=name)
        self.run_id = str(made.info.run_id)
        self.run_ids = [*self.run_ids, self.run_id]  # a copy's list is its own
        parameter = self._package("mlflow.entities").Param
        given = [parameter(name, str(value)) for name, value in self._given(training).items()]
        self.client.log_batch(self.run_id, params=given)

    def write(self, rows: list[dict[str, float]]) -> None:
        metric, now = self._package("mlflow.entities").Metric, int(1000 * time.time())
        found = [
            metric(name, value, now, int(row["epoch"]))
            for row in rows
            for name, value in scalars(row)
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

    def abandon(self, training: Training) -> None:
        self.client.set_terminated(self.run_id, "FAILED")

    def _given(self, training: Training) -> dict[str, Any]:
        net = training.net
        return {
            "optimizer": _kind(training.optimizer),
            "learning_rate": training.optimizer.learning_rate,
            "epochs": training.epochs,
            "rows": training.rows,
            "layers": ", ".join(map(repr, net.layers)),
            "parameters": sum(array.size for array in net.parameters.values()),
            **self.parameters,
        }

    def _package(self, module: str) -> Any:
        return optional_package(module, EXTRA, "cr.MLflow")


def _kind(optimizer: Optimizer) -> str:
    """The name of its class; of a form that chainrule keeps to itself, that of the public one."""
    return next(
        kind.__name__
        for kind in type(optimizer).__mro__
        if kind in OPTIMIZERS.values() or not kind.__module__.startswith("chainrule.")
    )


def scalars(row: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The columns of an epoch and their values, but for its number."""
    return ((name, value) for name, value in row.items() if name != "epoch")

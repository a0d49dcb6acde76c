"""Material: what a report is made of, be it of the command's run or of a user's arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data import TableFacts
from chainrule.nn.sequential import Sequential

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """Samples: X (n, ...) as the network takes them; y as :class:`Material` says."""

    X: Array
    y: Array

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Target:
    """What is predicted: classes, or numbers of which a network knows (value - mean) / std.

    ``names`` are those of the classes, or empty; ``unit`` is what the numbers are called.
    """

    names: tuple[str, ...] = ()
    unit: str = "target"
    mean: float = 0.0
    std: float = 1.0

    def decoded(self, outputs: Array) -> Array:
        """(n, K) probabilities of the classes, or (n, m) values in the target's unit."""
        table = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
        if not self.names:
            return table * self.std + self.mean
        return np.hstack([1 - table, table]) if table.shape[1] == 1 else table


@dataclass(frozen=True, eq=False)
class Material:
    """What a report tells of. What is None or empty is left out of the page.

    Attributes:
        title: the page's.
        net: the network.
        target: what it predicts.
        y: of the judged rows: class numbers (n,), or values (n, m) in the target's unit.
        outputs: the network's answers to them: (n, K) probabilities, or (n, m) values.
        X: the judged rows, as the network takes them.
        by_heart: the judged rows are those it was trained on, and there are no others.
        training: the rows it was trained on, y as above; baselines learn from them.
        validation: how many rows were held out to watch the training.
        history: a dict for each epoch.
        stopped: why the training ended before its last epoch.
        feature_names: one a number of a sample.
        columns: features that stand for one column of a table, by its name: they are moved together
            where the importance of columns is measured. Default: each feature by itself.
        image_shape: (height, width), where a sample is a picture.
        linear: the name and the answers of a linear model, where one was fitted already.
        facts: what was trained on what, by name.
        table: what is known of the table that the rows are of.
        remarks: what was decided without being asked for.
        findings: what a doctor found; see ``sections/findings.py``.
        command: what makes the run again.
        seed: of everything random in the report.
    """

    title: str
    net: Sequential
    target: Target
    y: Array
    outputs: Array
    X: Array | None = None
    by_heart: bool = False
    training: Rows | None = None
    validation: int = 0
    history: Sequence[Mapping[str, Any]] = ()
    stopped: str | None = None
    feature_names: tuple[str, ...] = ()
    columns: Mapping[str, Sequence[int]] = field(default_factory=dict)
    image_shape: tuple[int, int] | None = None
    linear: tuple[str, Array] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    table: TableFacts | None = None
    remarks: Sequence[str] = ()
    findings: Sequence[Any] = ()
    command: str | None = None
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The classes; empty where numbers are predicted."""
        return self.target.names

    @property
    def judged(self) -> str:
        """What the judged rows are called."""
        return "rows" if self.by_heart else "test rows"

    def predict(self, X: Array) -> Array:
        """The network's answers to ``X``, as ``outputs`` has them."""
        return self.target.decoded(self.net.predict(X))

    def of_rows(self, rows: NDArray[np.intp]) -> Material:
        """The same with some of the judged rows."""
        X = None if self.X is None else self.X[rows]
        return replace(self, y=self.y[rows], outputs=self.outputs[rows], X=X)

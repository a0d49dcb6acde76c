"""What is to be learnt, whatever it was made of: the data in its parts, and fitting settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from chainrule.data import Table, TableEncoder
from chainrule.data.facts import ColumnFacts, SplitFacts, Suspect
from chainrule.data.spool import MappedRows, Spool

GATES = ("and", "nand", "or", "xor")


@dataclass(frozen=True)
class Part:
    """Some samples: X (n, features), and y as a network learns it, (n,)."""

    X: NDArray[Any]
    y: NDArray[Any]

    def __len__(self) -> int:
        return len(self.X)


@dataclass(frozen=True)
class Recipe:
    """Settings that suit Adam. ``batch_size`` None: all rows at once; ``patience`` in epochs."""

    hidden: tuple[int, ...]
    activation: str
    learning_rate: float
    epochs: int
    batch_size: int | None
    restarts: int = 0
    patience: int | None = None


@dataclass(frozen=True)
class Known:
    """What was found out about a table on the way to a problem, for the record of the run.

    ``test`` has the test rows as they stand in the file.
    """

    format: str
    rows: int
    file_bytes: int
    task_text: str
    columns: tuple[ColumnFacts, ...]
    split: SplitFacts
    suspects: tuple[Suspect, ...]
    test: Table
    streamed: bool = False


@dataclass(frozen=True)
class Problem:
    """Data to learn from. ``class_names`` is empty for a regression.

    Of unequal classes ``validation`` has the rows of rarer ones several times.
    ``class_counts`` are those of the training rows; ``class_weights`` is what a row of each class
    counts, and empty where all count alike. A stream's training rows lie in ``stream``, and
    ``train`` holds only some of them.
    """

    name: str
    source: str
    train: Part
    validation: Part | None
    test: Part
    recipe: Recipe
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    image_shape: tuple[int, int] | None = None
    pixel_maximum: int | None = None
    encoder: TableEncoder | None = None
    remarks: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()
    class_weights: tuple[float, ...] = ()
    known: Known | None = None
    stream: Spool | MappedRows | None = None

    @property
    def training_rows(self) -> int:
        """How many rows are trained on."""
        return len(self.train) if self.stream is None else self.stream.rows

    @property
    def validation_rows(self) -> int:
        """How many rows are held out to watch the training, each counted once."""
        if self.known is not None:
            return self.known.split.validation
        return 0 if self.validation is None else len(self.validation)

    @property
    def is_gate(self) -> bool:
        """Whether this is a truth table, which is learnt by heart: all its rows are the test."""
        return self.encoder is None and self.name in GATES

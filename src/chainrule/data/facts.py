"""The facts of a table and of a training on it: plain records, kept as JSON beside the model.

Nothing here computes; what is found out about a table elsewhere is written down here, so that a
report can be made of it later, without the table.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from chainrule.errors import FileFormatError

_FORMAT = "chainrule table facts"
_VERSION = 1


@dataclass(frozen=True)
class ColumnFacts:
    """What one column holds, in the training rows, and what was done with it.

    Attributes:
        name: as in the file.
        kind: ``"number"``, ``"category"``, ``"boolean"``, ``"date"`` or ``"text"``.
        role: ``"input"``, ``"target"``, ``"split"`` or ``"left out"``.
        why: the reason why it is left out, else empty.
        features: names of the numbers that it gives to the network, in the network's order. The
            inputs' features one after the other are the columns of the network's first layer.
        missing: how many values are missing.
        distinct: how many different values there are; None where there are too many to count.
        minimum, maximum, mean, std: of numbers; of dates as seconds since 1970.
        common: the most frequent values of categories, with how often they occur.
        importance: by how much the score falls when this column alone is shuffled among the test
            rows: in shares of right answers or in R²; None where it was not computed.
        codes: of digits that begin with 0, as codes and times of day do, the first; else empty. The
            ``kind`` says whether they are taken as categories or as numbers.
        far: numbers that make up nearly all of the spread, such as -999 for a missing value, with
            how often they occur.
    """

    name: str
    kind: str
    role: str
    why: str = ""
    features: tuple[str, ...] = ()
    missing: int = 0
    distinct: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    common: tuple[tuple[str, int], ...] = ()
    importance: float | None = None
    codes: str = ""
    far: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class SplitFacts:
    """Which rows were for what.

    Attributes:
        how: ``"stratified"``, ``"random"``, ``"time"`` or ``"groups"``.
        column: the column of ``--split-by``, else None.
        train, validation, test: numbers of rows.
        text: a sentence that says it.
    """

    how: str
    column: str | None
    train: int
    validation: int
    test: int
    text: str


@dataclass(frozen=True)
class ScoreFacts:
    """One score on the test rows, with its 95 % interval.

    Attributes:
        who: ``"network"``, ``"linear model"`` or ``"constant"``.
        called: who in words, such as ``"logistic regression"`` or ``"always saying 'no'"``.
        metric: ``"accuracy"``, ``"balanced_accuracy"``, ``"r2"`` or ``"rmse"`` (in the target's
            unit).
        value: the score.
        low, high: the ends of its 95 % interval.
        interval: how they were found: ``"Wilson"``, ``"score"`` or ``"bootstrap"``.
    """

    who: str
    called: str
    metric: str
    value: float
    low: float
    high: float
    interval: str


@dataclass(frozen=True)
class Suspect:
    """Something that may make the score look better than it is.

    Attributes:
        kind: ``"column"`` (alone it gives the answer) or ``"duplicates"`` (test rows that are
            equal to training rows).
        column: its name, or None.
        share: of the held-out rows: how many it answers, or how many are duplicates, 0 to 1.
        text: a sentence that says it, and what to do.
    """

    kind: str
    column: str | None
    share: float
    text: str


@dataclass(frozen=True)
class Predictions:
    """What was predicted for rows of the test, at most 10,000 of them, in the file's order.

    Attributes:
        lines: where each row begins in the file (or its place, counted from 1).
        actual: the classes' names, or numbers in the target's unit.
        predicted: the same, as the network says.
        probabilities: for classes, a row each, in the order of ``TableFacts.classes``; else empty.
        total: how many rows the test has.
    """

    lines: tuple[int, ...]
    actual: tuple[str, ...] | tuple[float, ...]
    predicted: tuple[str, ...] | tuple[float, ...]
    probabilities: tuple[tuple[float, ...], ...]
    total: int


@dataclass(frozen=True)
class HardRow:
    """A test row that the network got most wrong, as the file has it: column names to texts."""

    line: int
    cells: dict[str, str]
    actual: str
    predicted: str
    loss: float


@dataclass(frozen=True)
class TableFacts:
    """All that is known of a table and of a training on it.

    Attributes:
        source: the file's name.
        format: ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"`` or ``"npy"``.
        rows: how many rows the file has.
        file_bytes: its size.
        streamed: whether it was read in batches and never held in memory.
        target: the column that is predicted.
        task: ``"classification"`` or ``"regression"``.
        task_text: a sentence that says how the task was found out.
        classes: the names of the classes in the order of their indices; empty for a regression.
        class_counts: how many rows of each class the training part has.
        class_weights: what a row of each class counts in the loss; empty if all count alike.
        columns: every column of the file, in its order.
        split: which rows were for what.
        scores: of the network, a linear model and a constant answer; the network's first.
        suspects: what may flatter the score.
        notes: all that was said to the user about the table, a sentence each.
        predictions: what was predicted for the test rows.
        hardest: the test rows that the network got most wrong, the worst first.
    """

    source: str
    format: str
    rows: int
    file_bytes: int
    streamed: bool
    target: str
    task: str
    task_text: str
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    class_weights: tuple[float, ...]
    columns: tuple[ColumnFacts, ...]
    split: SplitFacts
    scores: tuple[ScoreFacts, ...]
    suspects: tuple[Suspect, ...]
    notes: tuple[str, ...]
    predictions: Predictions
    hardest: tuple[HardRow, ...] = ()

    def to_json(self) -> str:
        """The facts as JSON text, from which ``from_json`` makes equal ones."""
        state = {"format": _FORMAT, "version": _VERSION, "facts": asdict(self)}
        return json.dumps(state, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> TableFacts:
        """The facts that ``to_json`` wrote down.

        Raises:
            FileFormatError: the text is damaged, or was written by something else.
        """
        try:
            state = json.loads(text)
        except (ValueError, TypeError, RecursionError) as error:
            raise FileFormatError(f"The table's facts are not JSON: {error}.") from error
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            raise FileFormatError(f"This JSON is none of a table's facts: no format {_FORMAT!r}.")
        if state.get("version") != _VERSION:
            raise FileFormatError(
                f"The table's facts have version {state.get('version')!r}, and this chainrule "
                f"reads version {_VERSION}; a newer chainrule may read them."
            )
        try:
            made: TableFacts = _record(cls, state["facts"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileFormatError(
                f"The table's facts are damaged: {type(error).__name__} {error}."
            ) from error
        return made


def _record(kind: Any, state: Any) -> Any:
    """A record of a dataclass from what JSON holds of it."""
    hints = typing.get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    return kind(**{name: _value(hints[name], state[name]) for name in known & set(state)})


def _value(hint: Any, state: Any) -> Any:
    """A value of a record: lists are tuples again, and dicts records."""
    if is_dataclass(hint):
        return _record(hint, state)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is ...:
            return tuple(_value(inner[0], item) for item in state)
        return tuple(_value(each, item) for each, item in zip(inner, state, strict=True))
    if origin in (types.UnionType, typing.Union):
        # None, or the first of what may be there; texts and numbers tell themselves apart.
        return None if state is None else _value(inner[0], state)
    return state

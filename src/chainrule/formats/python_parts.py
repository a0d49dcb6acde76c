"""What differs between written programs: rows of plain numbers, or rows of a table."""

from __future__ import annotations

import ast
import json
import pprint
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from chainrule.data import TableEncoder, commas, dates, delimiters
from chainrule.formats import standalone, standalone_dates, standalone_table
from chainrule.graph.op import Shape

#: From this line on, the text of a ``standalone`` module is copied.
_CUT = "# --- copied from here on ---\n"

#: What the text of ``data.commas`` needs besides.
_IMPORTS_OF_COMMAS = "from collections.abc import Mapping\nfrom typing import NamedTuple"


@dataclass(frozen=True)
class Given:
    """The network that is written: shapes of a sample and an output, and what outputs mean."""

    shape: Shape
    outputs: Shape
    dtype: str
    classes: tuple[str, ...]
    largest: int | None


@dataclass(frozen=True)
class Part:
    """Pieces of a program: how to call it, its functions, constants, and its answer to a file."""

    example: str
    predict: str
    copied: str
    constants: str
    answer: str


def plain_part(given: Given) -> Part:
    """A program that takes arrays of samples."""
    rows, results = (", ".join(["rows", *map(str, s)]) for s in (given.shape, given.outputs))
    return Part(
        f"predict(X)    # X ({rows}) gives ({results})",
        f'def predict(X):\n    """The outputs ({results}) for the samples X ({rows})."""\n'
        f"    return outputs(forward, PARAMETERS, X, {given.shape}, {given.dtype!r})",
        "\n\n\n".join(_reading()),
        f"CLASSES = {given.classes!r}",
        f"lambda path: as_csv(predict(plain_numbers(path, {given.shape}, {given.largest})), "
        "CLASSES)",
    )


def table_part(given: Given, encoder: TableEncoder) -> Part:
    """A program that takes rows of a table as they are, and gives what the target holds."""
    state = json.loads(encoder.to_json())
    columns, target = state["columns"], state["target"]
    for column in columns:
        column.pop("rare", None)  # a program says nothing of categories never seen
    copied = [*_reading(), _IMPORTS_OF_COMMAS, _without_imports(commas)]
    copied.append(_copied(standalone_table))
    if any(column.get("kind") == "date" for column in columns):
        copied += [_without_imports(dates), _copied(standalone_dates)]
    network = (
        "def network(rows):\n"
        '    """What the network itself gives for the rows: an array."""\n'
        f"    return outputs(forward, PARAMETERS, encoded(COLUMNS, MARKS, rows), "
        f"{given.shape}, {given.dtype!r})"
    )
    names = ", ".join(f"{_plain(column['name'])}: ..." for column in columns[:3])
    more = ", ..." if len(columns) > 3 else ""
    example = f"predict([{{{names}{more}}}])    # a dict for each row"
    told = f"The {_plain(target['name'])} of each row, which is a dict of its columns"
    constants = f"COLUMNS = {pprint.pformat(columns, width=96, sort_dicts=False)}"
    constants += f"\nMARKS = {_marks(encoder.marks)}"
    if target["task"] == "regression":
        predict = (
            "def predict(rows):\n"
            f'    """{told}: an array."""\n'
            "    return network(rows)[:, 0].astype(float) * STD + MEAN"
        )
        constants += f"\nMEAN, STD = {target['mean']!r}, {target['std']!r}"
        answer = "lambda path: as_csv(predict(table(path))[:, None], ())"
    else:
        predict = (
            "def predict(rows):\n"
            f'    """{told}: a list."""\n'
            "    return [CLASSES[k] for k in both_classes(network(rows)).argmax(axis=1)]"
        )
        constants += f"\nCLASSES = {tuple(target['classes'])!r}"
        answer = "lambda path: as_csv(network(table(path)), CLASSES)"
    return Part(example, f"{network}\n\n\n{predict}", "\n\n\n".join(copied), constants, answer)


def _marks(marks: commas.Marks) -> str:
    """What commas and dots meant in the training rows, as a program writes it."""
    thousands, points = (
        f"frozenset({sorted(names)!r})" for names in (marks.thousands, marks.points)
    )
    return f"Marks({marks.commas!r}, {thousands}, {points})"


def _plain(name: str) -> str:
    """A name of a column as it may stand in a docstring."""
    return ascii(name).replace('"', "'").replace("\\", "/")


def _reading() -> list[str]:
    """What every program has, behind what it takes to tell what parts values."""
    return [_without_imports(delimiters), _copied(standalone)]


def _copied(module: ModuleType) -> str:
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    return text.partition(_CUT)[2].strip()


def _without_imports(module: ModuleType) -> str:
    """A module's text behind its docstring and its imports, which the program has already."""
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    body = ast.parse(text).body[1:]
    last = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)][-1]
    return "\n".join(text.splitlines()[last.end_lineno :]).strip()

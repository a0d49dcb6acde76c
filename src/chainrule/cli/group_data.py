"""The problem of a group of processes: prepared by one of them on each machine, mapped by all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.console import note
from chainrule.cli.problems import Part, Problem, Recipe
from chainrule.cli.run_options import Options
from chainrule.cli.sources import MADE_HERE, problem
from chainrule.data.spool import MappedRows, Spool
from chainrule.distributed import current, prepared

Arrays = dict[str, NDArray[Any]]

#: The parts of a problem, whose arrays are called ``train-X`` and so on; a stream's rows; the rest.
PARTS, ROWS, FACTS = ("train", "validation", "test"), "rows", "facts"
#: What the other processes must know beside the arrays.
_TOLD = ("name", "source", "recipe", "class_names", "class_weights")
_NOTHING = Part(np.zeros((0, 0), np.float32), np.zeros(0, np.float32))


@contextmanager
def problem_for_all(options: Options, place: Path) -> Iterator[Problem]:
    """The problem that the options mean, in a group with its arrays mapped from files.

    In a group, a table is read and encoded by process 0 alone, which keeps what the report needs
    of it; the others know what the training needs. ``place`` is on the disk for the files.

    Raises:
        GroupError: another process is lost, or found the data wrong.
        ChainruleError: see ``chainrule.cli.sources.problem``.
    """
    group = current()
    if group is None or group.processes == 1 or options.data in MADE_HERE:
        given = problem(options.data, options.table, options.seed, partial(Spool, place))
        # A stream's rows lie on the disk until the training ends.
        with given.stream if isinstance(given.stream, Spool) else nullcontext():
            yield given
        return
    rest: list[Problem] = []

    def make(folder: Path | None) -> Arrays:
        new = partial(Spool, place) if folder is None else partial(Spool, folder, name=ROWS)
        given = problem(options.data, options.table, options.seed, new)
        rest.append(
            dataclasses.replace(given, train=_NOTHING, validation=None, test=_NOTHING, stream=None)
        )
        return _arrays(given)

    with prepared(make, place) as arrays:
        if not isinstance(arrays["train-X"], np.memmap):
            note(
                f"The processes cannot share the prepared data in a folder in {place.absolute()}: "
                "each prepares all of them for itself, and holds them in memory."
            )
        yield _whole(arrays, rest[0] if rest else _told(arrays[FACTS]))


def _arrays(given: Problem) -> Arrays:
    """The data, by what they are called, and the facts, which are a text of JSON."""
    arrays: Arrays = {}
    for name in PARTS:
        part = getattr(given, name)
        if part is not None:
            arrays |= {f"{name}-X": part.X, f"{name}-y": part.y}
    if isinstance(given.stream, Spool):
        with given.stream as spool:
            arrays[ROWS] = spool.mapped()
    facts = {name: getattr(given, name) for name in _TOLD}
    facts["recipe"] = dataclasses.asdict(given.recipe)
    arrays[FACTS] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    return arrays


def _told(facts: NDArray[np.uint8]) -> Problem:
    """What another process has told of its problem."""
    told = json.loads(facts.tobytes())
    recipe = told["recipe"] | {"hidden": tuple(told["recipe"]["hidden"])}
    return Problem(
        told["name"], told["source"], _NOTHING, None, _NOTHING, Recipe(**recipe),
        tuple(told["class_names"]), class_weights=tuple(told["class_weights"]),
    )  # fmt: skip


def _whole(arrays: Arrays, rest: Problem) -> Problem:
    """A problem with its data."""
    parts: dict[str, Any] = {
        name: Part(arrays[f"{name}-X"], arrays[f"{name}-y"])
        for name in PARTS
        if f"{name}-X" in arrays
    }
    stream = MappedRows(arrays[ROWS]) if ROWS in arrays else None
    return dataclasses.replace(rest, stream=stream, **parts)

"""From a run of the command to the material of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.problems import Part, Problem
from chainrule.data import TableEncoder, TableFacts
from chainrule.nn.sequential import Sequential
from chainrule.report.material import Material, Rows, Target

Array = NDArray[Any]


def target_of(class_names: Sequence[str], encoder: TableEncoder | None) -> Target:
    """What a run predicts."""
    if class_names or encoder is None:
        return Target(tuple(class_names))
    zero, one = (float(v) for v in encoder.decode_target(np.array([0.0, 1.0])))
    return Target(unit=encoder.target, mean=zero, std=one - zero)


def material_of(
    problem: Problem, net: Sequential, outputs: Array, *, history: Sequence[Mapping[str, Any]],
    stopped: str | None, facts: Mapping[str, str], command: str, seed: int,
    linear: tuple[str, Array] | None = None, table: TableFacts | None = None,
) -> Material:  # fmt: skip
    """The material of a report: the problem, and what the network made of it.

    Args:
        outputs: the network's answers to the test rows, as it gives them.
        linear: what a linear model is called, and its answers, in the same way.
    """
    target = target_of(problem.class_names, problem.encoder)
    judged = rows_of(problem.test, target)
    return Material(
        title_of(problem),
        net,
        target,
        judged.y,
        target.decoded(outputs),
        judged.X,
        by_heart=problem.is_gate,
        training=rows_of(problem.train, target),
        validation=problem.validation_rows,
        history=history,
        stopped=stopped,
        feature_names=problem.feature_names,
        columns=columns_of(problem.encoder),
        image_shape=problem.image_shape,
        linear=None if linear is None else (linear[0], target.decoded(linear[1])),
        facts=facts,
        table=table,
        remarks=problem.remarks,
        command=command,
        seed=seed,
    )


def rows_of(part: Part, target: Target) -> Rows:
    """A part of the data with its targets as a report wants them."""
    return Rows(part.X, np.asarray(part.y) if target.names else target.decoded(part.y))


def columns_of(encoder: TableEncoder | None) -> dict[str, list[int]]:
    """The places of each column's features, by the column's name."""
    found: dict[str, list[int]] = {}
    place = 0
    for column in () if encoder is None else encoder.columns:
        count = len(column.feature_names)
        found[column.name] = list(range(place, place + count))
        place += count
    return found


def title_of(problem: Problem) -> str:
    """What the page is called."""
    if problem.encoder is not None:
        return f"{problem.encoder.target}, from {problem.source}"
    if problem.is_gate or problem.name == "mnist":
        return problem.name.upper()
    return problem.name.capitalize()

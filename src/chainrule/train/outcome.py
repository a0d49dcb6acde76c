"""The outcome of a population: from the groups that were trained to its table and its networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.graph.op import Array
from chainrule.nn.metrics import Metric
from chainrule.train.group import Group
from chainrule.train.population import Population
from chainrule.train.rows import Rows


def population_of(
    groups: Sequence[Group], metrics: Mapping[str, Metric], stopped: str | None, seconds: float
) -> Population:
    """The record of what was trained, every network with its last finite parameters."""
    count = sum(len(group.members) for group in groups)
    done = max(group.done for group in groups)
    losses = np.full((count, done), np.nan)
    validated = np.full((count, done), np.nan) if groups[0].validation is not None else None
    nets: list[Any] = [None] * count
    table: list[Any] = [None] * count
    for group in groups:
        scores = _scores(group, metrics)
        for i, member in enumerate(group.members):
            place = member.place
            member.net.restore(group.settled(i))
            member.net.loss = group.loss
            nets[place] = member.net
            epochs = group.done if member.failed is None else member.failed - 1
            losses[place, :epochs] = group.losses[:epochs, i]
            found = {"loss": _last(losses[place, :epochs])}
            if validated is not None and group.validation is not None:
                validated[place, :epochs] = group.validation[:epochs, i]
                found["validation_loss"] = _last(validated[place, :epochs])
            found |= {name: float(values[i]) for name, values in scores.items()}
            state = _state(member.failed, epochs, group.epochs)
            table[place] = {**member.wishes, "epochs": epochs, **found, "state": state}
    return Population(table, nets, losses, validated, stopped, seconds)


def _last(curve: Array) -> float:
    return float(curve[-1]) if curve.size else float("nan")


def _state(failed: int | None, epochs: int, wanted: int) -> str:
    if failed is not None:
        return "not finite"
    return "trained" if epochs == wanted else "interrupted"


def _scores(group: Group, metrics: Mapping[str, Metric]) -> dict[str, Array]:
    """Each metric for each member, on what it was trained on and on what was held back."""
    found: dict[str, Array] = {}
    parts = {"": group.data} | ({} if group.held is None else {"validation_": group.held})
    for prefix, rows in parts.items() if metrics else ():
        outputs = group.scorer(rows).outputs()
        for name, function in metrics.items():
            found[prefix + name] = np.array(
                [
                    _score(function, outputs[i], _targets(rows, i), member.failed is not None)
                    for i, member in enumerate(group.members)
                ]
            )
    return found


def _targets(rows: Rows, i: int) -> Array:
    t = rows.data["t"]
    return t if rows.index is None else t[rows.index[i]]


def _score(function: Any, outputs: Array, targets: Array, failed: bool) -> float:
    if failed or not np.isfinite(outputs).all():
        return float("nan")
    return float(function(outputs, targets))

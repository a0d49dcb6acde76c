"""The outcome of a population: from the stacks that were trained to its table and its networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.graph.op import Array
from chainrule.nn.metrics import Metric
from chainrule.train.populations.population import Population
from chainrule.train.populations.rows import Rows
from chainrule.train.populations.stack import Stack


def population_of(
    stacks: Sequence[Stack], metrics: Mapping[str, Metric], stopped: str | None, seconds: float
) -> Population:
    """The record of what was trained, every network with its last finite parameters."""
    count = sum(len(stack.members) for stack in stacks)
    done = max(stack.done for stack in stacks)
    losses = np.full((count, done), np.nan)
    validated = np.full((count, done), np.nan) if stacks[0].validation is not None else None
    nets: list[Any] = [None] * count
    table: list[Any] = [None] * count
    for stack in stacks:
        scores = _scores(stack, metrics)
        for i, member in enumerate(stack.members):
            place = member.place
            member.net.restore(stack.settled(i))
            member.net.loss = stack.loss
            nets[place] = member.net
            epochs = stack.done if member.failed is None else member.failed - 1
            losses[place, :epochs] = stack.losses[:epochs, i]
            found = {"loss": _last(losses[place, :epochs])}
            if validated is not None and stack.validation is not None:
                validated[place, :epochs] = stack.validation[:epochs, i]
                found["validation_loss"] = _last(validated[place, :epochs])
            found |= {name: float(values[i]) for name, values in scores.items()}
            state = _state(member.failed, epochs, stack.epochs)
            table[place] = {**member.wishes, "epochs": epochs, **found, "state": state}
    return Population(table, nets, losses, validated, stopped, seconds)


def _last(curve: Array) -> float:
    return float(curve[-1]) if curve.size else float("nan")


def _state(failed: int | None, epochs: int, wanted: int) -> str:
    if failed is not None:
        return "not finite"
    return "trained" if epochs == wanted else "interrupted"


def _scores(stack: Stack, metrics: Mapping[str, Metric]) -> dict[str, Array]:
    """Each metric for each member, on what it was trained on and on what was held back."""
    found: dict[str, Array] = {}
    parts = {"": stack.data} | ({} if stack.held is None else {"validation_": stack.held})
    for prefix, rows in parts.items() if metrics else ():
        outputs = stack.scorer(rows).outputs()
        for name, function in metrics.items():
            found[prefix + name] = np.array(
                [
                    _score(function, outputs[i], _targets(rows, i), member.failed is not None)
                    for i, member in enumerate(stack.members)
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

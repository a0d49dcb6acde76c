"""Where the first number was born that is not finite: found by going back and looking closely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engine import evaluate_nodes
from chainrule.graph.graph import Graph
from chainrule.graph.op import Array
from chainrule.train.rates import Rates
from chainrule.train.runner import Runner


@dataclass(frozen=True)
class Birth:
    """The node whose result was not finite although all that it read was."""

    step: int
    op: str
    layer: str
    place: str
    reads: tuple[str, ...]

    def __str__(self) -> str:
        where = ", ".join(
            part for part in (f"layer {self.layer}" if self.layer else "", self.place) if part
        )
        return (
            f"the first value that is not finite was born in step {self.step}, in the op "
            f"{self.op}{f' ({where})' if where else ''}, from {' and '.join(self.reads)}"
        )


def find(runner: Runner, before: dict[str, Any], epochs: int, rates: Rates) -> Birth | None:
    """Replay from the state ``before`` to the step that fails, and that step node by node.

    Leaves the runner in its last finite state: after the last step whose results were all finite.
    """
    runner.restore(before)
    for epoch in range(_finite_epochs(runner, epochs, rates), epochs):
        for i, rows in enumerate(runner.batches()):
            kept = runner.state()
            rate = rates(epoch + i * runner.batch_size / runner.rows)
            value = runner.make_step(rows, rate)
            if not (np.isfinite(value) and runner.is_finite):
                failed = runner.steps
                runner.restore(kept)
                return look_closely(runner, rows, failed)
    return None


def _finite_epochs(runner: Runner, epochs: int, rates: Rates) -> int:
    """Run the epochs before the one that fails, but for a few at most; returns how many.

    What once is not finite stays so: half of the epochs are run at a time, and undone if they fail.
    """
    done, together = 0, runner.together
    while epochs - done > together:
        kept = runner.state()
        half = max(1, (epochs - done) // 2 // together) * together
        losses = runner.run(half, rates.later(done), lambda at: None)
        if np.isfinite(losses).all() and runner.is_finite:
            done += half
        else:
            runner.restore(kept)
            epochs = done + half
    return done


def look_closely(runner: Runner, rows: Array, step: int) -> Birth | None:
    """Evaluate one step on ``rows`` node by node; None if all its numbers are finite."""
    graph = runner.step_on(len(rows)).graph
    arrays = runner.bound() | {name: array[rows] for name, array in runner.data.items()}
    values: dict[Any, Array] = {}
    given = [arrays[name] for name in graph.input_names()]
    for node, value in evaluate_nodes(graph, given):
        values[node] = value
        if (
            node.op is not None
            and not _finite(value)
            and all(_finite(values[x]) for x in node.inputs)
        ):
            reads = tuple(_range(graph, x, values[x]) for x in node.inputs)
            return Birth(step, str(node.op), node.scope, node.place, reads)
    return None


def _finite(value: Array) -> bool:
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _range(graph: Graph, node: Any, value: Array) -> str:
    name = node.name or (node.op.name if node.op is not None else "a constant")
    if value.size == 0 or value.dtype.kind not in "iuf":
        return str(name)
    return f"{name} in {value.min():.3g} to {value.max():.3g}"

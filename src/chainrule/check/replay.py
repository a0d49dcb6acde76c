"""Replay: a recorded backward pass, run again on the same numbers with a few rules altered.

The forward values are computed once. A replay starts at the altered node that is nearest the
output, from what had arrived by then, and hands out each parameter's gradient as soon as it is
complete, so that whoever compares can stop at the first that does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from chainrule.check.evidence import Array
from chainrule.engine.reference import evaluate_nodes, fitter
from chainrule.graph import Graph, Tensor
from chainrule.graph.differentiate import Rule, by_the_op, dependents, send_back
from chainrule.graph.graph import needed

Rules = Mapping[Tensor, Rule]
"""The altered rule of some nodes; every other node keeps its op's."""

#: At most this many stages of a pass are remembered, to start from.
STAGES = 256


@dataclass(frozen=True, eq=False)
class Pass:
    """A finished backward pass.

    ``cotangents`` has what arrived at each node, ``gradients`` what arrived at each parameter, by
    name. ``stages`` has, by the position of a node, what had arrived everywhere before that node's
    turn.
    """

    rules: Rules
    cotangents: Mapping[Tensor, Array]
    gradients: Mapping[str, Array]
    stages: Mapping[int, Mapping[Tensor, Array]] = field(repr=False)


class Replay:
    """The backward pass of ``graph`` at ``parameters`` (by the names of its inputs).

    ``values`` replaces the forward values of some nodes: what a cache that was not renewed holds.
    """

    def __init__(
        self,
        graph: Graph,
        parameters: Mapping[str, Array],
        values: Mapping[Tensor, Array] | None = None,
    ) -> None:
        arrays = fitter(graph)(tuple(parameters[name] for name in graph.input_names()))
        self.graph = graph
        self.parameters = parameters
        self.output = graph.outputs[0]
        self.values: dict[Tensor, Array] = dict(evaluate_nodes(graph, arrays)) | dict(values or {})
        self.names = dict(zip(graph.inputs, graph.input_names(), strict=True))
        self.nodes: Sequence[Tensor] = needed(graph.outputs)
        self.position = {node: i for i, node in enumerate(self.nodes)}
        self.leads = dependents(self.nodes, graph.inputs)
        self.users: dict[Tensor, list[Tensor]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            if node in self.leads:
                for x in dict.fromkeys(node.inputs):
                    self.users[x].append(node)
        self._complete_at: dict[int, list[Tensor]] = {}
        for node in graph.inputs:
            first = self.users.get(node)
            if first:
                self._complete_at.setdefault(self.position[first[0]], []).append(node)

    def finished(self, rules: Rules, after: Pass | None = None) -> Pass:
        """The whole pass with ``rules``; those of an earlier pass go on holding."""
        cotangents, start, rules = self._start(rules, after)
        stages = {i: kept for i, kept in after.stages.items() if i >= start} if after else {}
        stride = max(1, len(self.nodes) // STAGES)
        for i in range(start, -1, -1):
            if i % stride == 0 or i == len(self.nodes) - 1:
                stages[i] = dict(cotangents)
            self._step(self.nodes[i], cotangents, rules)
        return Pass(rules, cotangents, self._of_parameters(cotangents), stages)

    def gradients(self, rules: Rules, after: Pass) -> Iterator[tuple[str, Array]]:
        """Each parameter's gradient, with ``rules`` on top of the pass ``after``.

        What the altered nodes cannot reach is not handed out.
        """
        cotangents, start, rules = self._start(rules, after)
        for i in range(start, -1, -1):
            self._step(self.nodes[i], cotangents, rules)
            for node in self._complete_at.get(i, ()):
                yield self.names[node], np.asarray(cotangents.get(node, np.zeros(node.shape)))

    def gradients_from(self, arriving: Mapping[Tensor, Array]) -> dict[str, Array]:
        """The part of the gradients that comes by way of these nodes, given what arrives there."""
        cotangents = dict(arriving)
        for i in range(max((self.position[node] for node in arriving), default=-1), -1, -1):
            self._step(self.nodes[i], cotangents, {})
        return self._of_parameters(cotangents)

    def _of_parameters(self, cotangents: Mapping[Tensor, Array]) -> dict[str, Array]:
        return {
            name: np.asarray(cotangents.get(node, np.zeros(node.shape)))
            for node, name in self.names.items()
        }

    def _start(
        self, rules: Rules, after: Pass | None
    ) -> tuple[dict[Tensor, Array], int, dict[Tensor, Rule]]:
        last = len(self.nodes) - 1
        if after is None:
            return {self.output: np.ones(self.output.shape)}, last, dict(rules)
        altered = max((self.position[node] for node in rules), default=0)
        start = min(i for i in after.stages if i >= altered)
        return dict(after.stages[start]), start, {**after.rules, **rules}

    def _step(self, node: Tensor, cotangents: dict[Tensor, Array], rules: Rules) -> None:
        g = cotangents.get(node)
        if g is None or not node.inputs or node not in self.leads:
            return
        found: dict[Tensor, Any] = {x: cotangents.get(x) for x in node.inputs if x in self.leads}
        rule = rules.get(node, by_the_op)
        with np.errstate(all="ignore"):
            send_back([(node, g)], found, partial(self._pull, rule))
        cotangents |= {x: gx for x, gx in found.items() if gx is not None}

    def _pull(self, rule: Rule, node: Tensor, g: Any) -> tuple[Any, ...]:
        return rule(node, g, *[self.values[x] for x in (node, *node.inputs)])

    def pulled(self, node: Tensor, g: Any, *inputs: Any) -> dict[Tensor, Array]:
        """What ``node`` sends back for ``g``, with other values of its inputs if given."""
        values = dict(zip(node.inputs, inputs, strict=True)) if inputs else {}

        def pull(node: Tensor, g: Any) -> tuple[Any, ...]:
            x = [np.asarray(values.get(x, self.values[x])) for x in (node, *node.inputs)]
            return by_the_op(node, g, *x)

        found: dict[Tensor, Any] = {x: None for x in node.inputs if x in self.leads}
        with np.errstate(all="ignore"):
            send_back([(node, g)], found, pull)
        return {x: gx for x, gx in found.items() if gx is not None}

    def ancestors(self, *nodes: Tensor) -> set[Tensor]:
        """These nodes and all that they are computed from."""
        return set(needed(nodes))

    def descendants(self, node: Tensor) -> set[Tensor]:
        """The node and all on the way to the output that are computed from it."""
        found = {node}
        for later in self.nodes[self.position[node] + 1 :]:
            if any(x in found for x in later.inputs):
                found.add(later)
        return found

"""Walk: every number of a graph, forward and then backward, with the rule behind each.

Forward, each node is computed from its inputs. Backward, the cotangent of a node (the derivative of
the output by it) goes to each of its inputs, changed by the local derivative; what arrives at a
node on several ways is added up. Rumelhart, Hinton & Williams (1986), Learning representations by
back-propagating errors.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.graph.differentiate import by_the_op
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT, FUNCTIONS, Array, Shape
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor, placeholder
from chainrule.show.arrays import number_text
from chainrule.show.names import Names, names
from chainrule.show.numbers import Numbers, by_name, has_backward, numbers
from chainrule.show.numpy_source import Source

DIGITS = 6


@dataclass(frozen=True, eq=False)
class ForwardRow:
    """A node: its name, how it is computed (nothing for an input), and its value."""

    node: str
    how: str
    value: Array

    @property
    def shape(self) -> Shape:
        return self.value.shape


@dataclass(frozen=True, eq=False)
class BackwardRow:
    """What a node sends back to one of its inputs.

    ``sent`` is computed from the node's ``cotangent`` by ``rule``; ``filled`` is the rule with the
    numbers put in, where all are single. ``local`` is the derivative of each entry of the node by
    the entry of the input; None where the op does not work entry by entry.
    """

    node: str
    to: str
    cotangent: Array
    local: Array | None
    rule: str
    filled: str
    sent: Array


@dataclass(frozen=True, eq=False)
class Walk:
    """The rows of a walk in order; ``str()`` of it is a text, and a notebook shows a table.

    ``gradients`` has, for each input of floats, the derivative of the output by it. Where the graph
    has not one output of one number, there is no way back, and ``note`` says so.
    """

    forward: tuple[ForwardRow, ...]
    backward: tuple[BackwardRow, ...] = ()
    gradients: Mapping[str, Array] = field(default_factory=dict)
    note: str = ""

    @property
    def rows(self) -> tuple[ForwardRow | BackwardRow, ...]:
        """All rows, forward and then backward."""
        return (*self.forward, *self.backward)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        from chainrule.show.walk_text import text

        return text(self)

    def __repr__(self) -> str:
        count = f"{len(self.forward)} values forward, {len(self.backward)} contributions backward"
        return f"<Walk: {count}>"

    def _repr_html_(self) -> str:
        from chainrule.show.walk_text import html

        return html(self)


def walk(graph: Graph, /, *given: Any, **named: Any) -> Walk:
    """Walk through ``graph`` for these inputs. See :meth:`chainrule.graph.graph.Graph.walk`."""
    found = numbers(graph, by_name(graph, given, named))
    writer = _Writer(graph, found)
    forward = tuple(writer.forward())
    if not has_backward(graph):
        shapes = ", ".join(str(node.shape) for node in graph.outputs)
        return Walk(
            forward,
            note=f"no way back: it begins at one number, such as a loss, and this graph gives "
            f"{shapes if graph.outputs else 'nothing'}",
        )
    gradients = {
        writer.name(x): found.cotangents.get(x, np.zeros(x.shape, x.dtype))
        for x in graph.inputs
        if x.dtype.kind == "f"
    }
    return Walk(forward, tuple(writer.backward()), gradients)


class _Writer:
    """Names, and writes, the nodes of one graph with their numbers."""

    def __init__(self, graph: Graph, found: Numbers) -> None:
        self.graph, self.found = graph, found
        self.called: Names = names(graph)
        self.inputs = set(graph.inputs)
        for node in graph.nodes:
            if not _is_number(node):
                self.called.need(node, "c" if node.op is CONSTANT else "u")

    def name(self, node: Tensor) -> str:
        """What a node is called; a constant number is written out."""
        if _is_number(node) and node not in self.called:
            return number_text(node.value.reshape(())[()], DIGITS)
        return self.called[node].code

    def forward(self) -> Iterator[ForwardRow]:
        for node in self.graph.nodes:
            if _is_number(node) and node not in self.called:
                continue
            leaf = node in self.inputs or node.op is None or node.op is CONSTANT
            how = "" if leaf else self.source(node, {})
            yield ForwardRow(self.name(node), how, self.found.values[node])

    def backward(self) -> Iterator[BackwardRow]:
        for node in reversed(self.graph.nodes):
            places = [i for i in range(len(node.inputs)) if (node, i) in self.found.pulled]
            if node in self.inputs or not places:
                continue
            values = [self.found.values[x] for x in node.inputs]
            y, g = self.found.values[node], self.found.cotangents[node]
            rules = self._rules(node, places)
            local = _local(node, y, values, places)
            for i in places:
                rule, filled = rules[i]
                yield BackwardRow(
                    self.name(node), self.name(node.inputs[i]), g, local.get(i), rule, filled,
                    self.found.pulled[node, i],
                )  # fmt: skip

    def _rules(self, node: Tensor, places: list[int]) -> dict[int, tuple[str, str]]:
        """How each input's part is written, with names and with numbers."""
        # The rule is of this node alone, however its inputs were made; numbers are seen through.
        stands = {
            x: x if _is_number(x) else placeholder(x.shape, x.dtype) for x in (node, *node.inputs)
        }
        g = placeholder(node.shape, node.dtype)
        pulled = by_the_op(node, g, *[stands[x] for x in (node, *node.inputs)])
        given = {stands[x]: x for x in stands if not _is_number(x)}
        own = {g: f"d{self.name(node)}"} | {one: self.name(x) for one, x in given.items()}
        values = {g: self.found.cotangents[node]}
        values |= {one: self.found.values[x] for one, x in given.items()}
        texts = {
            own[one]: number_text(value.reshape(())[()], DIGITS)
            for one, value in values.items()
            if value.size == 1
        }
        found = {}
        for i in places:
            sent, x = _taken(pulled[i]), node.inputs[i]
            if sent.shape != x.shape:
                sent = FUNCTIONS["sum_to"](sent, x.shape)
            sent = _plain(sent, list(own))
            rule = own[g] if sent is g else self.source(sent, own)
            found[i] = rule, _filled(rule, texts) if len(texts) == len(values) else ""
        return found

    def source(self, node: Tensor, own: Mapping[Tensor, str]) -> str:
        """A node as an expression of the nodes that have names, or have one in ``own``."""

        def called(x: Tensor) -> str | None:
            if x in own:
                return own[x]
            return self.called[x].code if x in self.called else None

        return Source(called).expression(node)


def _is_number(node: Tensor) -> bool:
    return node.op is CONSTANT and node.size == 1


def _taken(gx: Any) -> Any:
    return gx() if callable(gx) else gx


def _plain(sent: Tensor, known: Sequence[Tensor]) -> Tensor:
    """The rule without what only spreads one number, and with its constants worked out."""
    sent = Graph(known, [sent]).simplify().outputs[0]
    while came_from(sent, "broadcast_to", "reshape") and sent.inputs[0].size == 1:
        sent = sent.inputs[0]
    return sent


def _local(node: Tensor, y: Array, x: list[Array], places: list[int]) -> dict[int, Array]:
    """The derivative of each entry by the input's entry, of ops that work entry by entry."""
    if node.op is None or not node.op.is_elementwise:
        return {}
    with np.errstate(all="ignore"):
        pulled = by_the_op(node, np.ones(y.shape, y.dtype), y, *x)
        return {i: np.asarray(_taken(pulled[i])) for i in places}


class _Numbers(ast.NodeTransformer):
    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.parse(self.texts[node.id], mode="eval").body


def _filled(rule: str, texts: Mapping[str, str]) -> str:
    """The rule with numbers instead of names; nothing where that would say no more."""
    tree = ast.parse(rule, mode="eval").body
    has_call = any(isinstance(part, ast.Call) for part in ast.walk(tree))
    if has_call or not all(map(_is_finite, texts.values())):
        return ""
    is_negated = isinstance(tree, ast.UnaryOp) and isinstance(tree.operand, ast.Name)
    if is_negated or isinstance(tree, ast.Name):
        return ""
    return ast.unparse(_Numbers(texts).visit(tree))


def _is_finite(text: str) -> bool:
    return text in ("True", "False") or bool(np.isfinite(complex(text)))

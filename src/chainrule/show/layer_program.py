"""Layer program: a Sequential as the classes of a textbook, each with ``forward`` and ``backward``.

A layer keeps in ``self`` what its backward pass will need, and a network sends the gradient back
through its layers. Every class is the reading of a small graph: the layer's own part of the whole
one, differentiated with a cotangent that arrives from behind.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainrule.errors import OptionError
from chainrule.graph.differentiate import gradients_and_cotangents
from chainrule.graph.graph import Graph, rewired
from chainrule.graph.notes import BackwardPass, Notes
from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from
from chainrule.graph.tensor import Tensor, placeholder
from chainrule.show.numpy_source import Source, wrapped
from chainrule.show.program import assembled, check_constants
from chainrule.show.reading import reading

_CLASSES = {
    "relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU",
    "sigmoid_cross_entropy": "SigmoidWithLoss", "softmax_cross_entropy": "SoftmaxWithLoss",
}  # fmt: skip


@dataclass(frozen=True)
class _Part:
    """What one class computes: from the data ``x`` and inputs of the graph to ``y``."""

    scope: str
    nodes: tuple[Tensor, ...]
    x: Tensor
    own: tuple[Tensor, ...]
    y: Tensor


def layer_program(graph: Graph) -> str:
    """The NumPy source of the classes, with a ``Network`` at the end.

    Raises:
        OptionError: the graph is not that of a Sequential.
    """
    parts = _parts(graph)
    source = Source(lambda node: None)
    classes: dict[str, str] = {}
    names = []
    for part in parts:
        is_loss = not part.scope
        text = _Class(_own_graph(part, graph.notes, is_loss), source, is_loss).text()
        base = _class_name(part)
        number = 1
        while classes.setdefault(name := base if number == 1 else f"{base}{number}", text) != text:
            number += 1
        names.append(name)
    bodies = [f"class {name}:\n{textwrap.indent(text, '    ')}" for name, text in classes.items()]
    return assembled(source, *bodies, _network(graph, parts, names))


# --- taking the graph apart --------------------------------------------------------------------


def _parts(graph: Graph) -> list[_Part]:
    inner = [node for node in graph.nodes[len(graph.inputs) :] if node.op is not CONSTANT]
    if graph.notes.passes or not inner or not re.match(r"\d+ ", inner[0].scope):
        raise OptionError(
            "style='layers' writes the forward graph of a Sequential, which net.graph(rows) or "
            "net.graph(rows, loss='...') gives. For any other graph use style='function'."
        )
    groups: list[list[Tensor]] = []
    for node in inner:
        if not groups or not _belongs(node, groups[-1]):
            groups.append([])
        groups[-1].append(node)
    if len(groups) > 2 and not groups[-1][0].scope and _reaches_behind(groups[-1], groups[-2]):
        loss = groups.pop()
        groups[-1] += loss
    parts: list[_Part] = []
    x = graph.inputs[0]
    for nodes in groups:
        part = _part(graph, nodes, x)
        parts.append(part)
        x = part.y
    return parts


def _reaches_behind(loss: Sequence[Tensor], last: Sequence[Tensor]) -> bool:
    """Whether a loss also takes what went into the last activation, as a stable form may."""
    before = {x for node in last for x in node.inputs if x.op is not None} - set(last)
    return any(x in before for node in loss for x in node.inputs if x.op is not CONSTANT)


def _belongs(node: Tensor, group: Sequence[Tensor]) -> bool:
    """Whether a node is part of the group's class: an affine map is one without its activation."""
    if node.scope != group[0].scope:
        return False
    if not _is_affine(group):
        return True
    return _is_affine([*group, node])


def _is_affine(nodes: Sequence[Tensor]) -> bool:
    if not nodes[0].scope or not came_from(nodes[0], "matmul"):
        return False
    return len(nodes) == 1 or (len(nodes) == 2 and came_from(nodes[1], "add"))


def _part(graph: Graph, nodes: Sequence[Tensor], x: Tensor) -> _Part:
    inside = set(nodes)
    uses = [one for node in nodes for one in node.inputs if one.op is not CONSTANT]
    outside = {one for one in uses if one not in inside}
    later = {one for node in graph.nodes if node not in inside for one in node.inputs}
    results = [node for node in nodes if node in later | set(graph.outputs)]
    known = {x, *graph.inputs[1:]}
    if len(results) != 1 or any(one not in known for one in outside):
        raise OptionError(
            "style='layers' needs layers that hand on one result each, and "
            f"{nodes[-1].scope or 'the loss'} does otherwise. Use style='function'."
        )
    own = tuple(one for one in graph.inputs if one in outside and one is not x)
    return _Part(nodes[-1].scope, tuple(nodes), x, own, results[0])


def _class_name(part: _Part) -> str:
    if _is_affine(part.nodes):
        return "Affine"
    ops = [node.op.name for node in part.nodes if node.op is not None]
    if not part.scope:
        return next((_CLASSES[op] for op in ops if op in _CLASSES), "Loss")
    if len(ops) > 1 or ops[0] == "reshape":
        return part.scope.split()[1]
    return _CLASSES.get(ops[0], "".join(word[:1].upper() + word[1:] for word in ops[0].split("_")))


# --- one class ---------------------------------------------------------------------------------


def _own_graph(part: _Part, notes: Notes, is_loss: bool) -> Graph:
    """The part as a graph of its own, both passes, behind it the cotangent ``dy`` if any."""
    x = placeholder(part.x.shape, part.x.dtype, "x")
    become = {part.x: x}
    for one in part.own:
        short = re.sub(r"\d+$", "", one.name or "p")
        become[one] = placeholder(one.shape, one.dtype, "t" if is_loss else short)
    for node in part.nodes:
        fresh = rewired(node, tuple(become.get(one, one) for one in node.inputs))
        fresh.scope, fresh.place = node.scope, ""
        become[node] = fresh
    y = become[part.y]
    y.name = "loss" if is_loss else "y"
    dy = None if is_loss else placeholder(y.shape, y.dtype, "dy")
    wrt = [x, *[become[one] for one in part.own if one in set(notes.parameters)]]
    gradients, cotangents = gradients_and_cotangents(y, wrt, dy)
    recorded = [become[node] for node in part.nodes]
    if is_loss:
        recorded = [*_predictions(part, notes, x), *recorded]
    walk = BackwardPass(y, tuple(wrt), cotangents)
    own = [become[one] for one in part.own]
    inputs = [x, *own, *([] if dy is None else [dy])]
    return Graph(inputs, [y, *gradients], notes=Notes(tuple(recorded), passes=(walk,))).simplify()


def _predictions(part: _Part, notes: Notes, x: Tensor) -> Iterator[Tensor]:
    """The activation that the loss was taken through, which its gradient needs again."""
    for node in notes.forward:
        if came_from(node, "sigmoid", "softmax") and node.inputs[0] is part.x:
            prediction = Tensor(node.op, (x,), None, node.shape, node.dtype, "y_hat")
            yield prediction


class _Class:
    """The methods of one class, written from the reading of its graph.

    A name of the forward pass that the backward pass mentions is kept in ``self``; the gradient of
    a parameter W is left in ``self.dW``.
    """

    def __init__(self, graph: Graph, source: Source, is_loss: bool) -> None:
        self.read = read = reading(graph)
        check_constants(read)
        self.source, self.is_loss = source, is_loss
        self.dy = [node for node in graph.inputs if node.name == "dy"]
        self.x, *self.own = [node for node in graph.inputs if node.name != "dy"]
        self.y, self.dx, *self.gradients = read.graph.outputs
        self.code = {node: read.names[node].code for node in (*read.statements, *graph.inputs)}
        self.here = {*read.backward, *self.dy}
        self.inside = {} if is_loss else {node: f"self.{self.code[node]}" for node in self.own}
        self.result = dict(zip(self.gradients, self._left(), strict=True))
        self.kept: dict[str, None] = {}

    def text(self) -> str:
        """The methods."""
        backward = self._method("backward", self.dy, self._backward())
        forward = [self.x, *self.own] if self.is_loss else [self.x]
        methods = [self._method("forward", forward, self._forward()), backward]
        if self.inside:
            names = [self.code[node] for node in self.own]
            methods.insert(0, self._method("__init__", self.own, [_kept_in_self(names)]))
        return "\n\n".join(methods)

    def _left(self) -> list[str]:
        """Where the gradient of each parameter is left."""
        return [f"self.d{one.name}" for one in self.read.graph.notes.passes[-1].wrt[1:]]

    def _in_forward(self, node: Tensor) -> str | None:
        if self.read.rows.is_symbol(node):
            self.kept.setdefault("")
            return self.read.rows.letter
        return self.inside.get(node) or self.code.get(node)

    def _in_backward(self, node: Tensor) -> str | None:
        if node in self.result or node in self.inside:
            return self.result.get(node) or self.inside[node]
        is_count = self.read.rows.is_symbol(node)
        name = self.read.rows.letter if is_count else self.code.get(node)
        if name is None or node in self.here:
            return name
        self.kept.setdefault(name)
        return f"self.{name}"

    def _backward(self) -> list[str]:
        self.source.called = self._in_backward
        only_returned = self.dx in set(self.read.backward) and self.dx not in self.result
        lines = [
            f"{self._in_backward(node)} = {self.source.expression(node)}"
            for node in self.read.backward
            if not (only_returned and node is self.dx)
        ]
        written = {line.split(" = ")[0] for line in lines}
        for name, g in zip(self._left(), self.gradients, strict=True):
            if name not in written:
                lines.append(f"{name} = {self._in_backward(g) or self.source.expression(g)}")
        end = None if only_returned else self._in_backward(self.dx)
        return [*lines, f"return {end or self.source.expression(self.dx)}"]

    def _forward(self) -> list[str]:
        """The forward pass, once ``_backward`` has said what to keep."""
        self.source.called = self._in_forward
        lines = [f"{self.code[one]} = {self.source.expression(one)}" for one in self.read.forward]
        kept = [name for name in self.kept if name]
        if not kept and self.read.forward[-1] is self.y:
            lines[-1] = f"return {self.source.expression(self.y)}"
        else:
            lines += [*([_kept_in_self(kept)] if kept else []), f"return {self.code[self.y]}"]
        letter = self.read.rows.letter
        counts = letter in self.kept or "" in self.kept
        return [*([f"{letter} = len({self.code[self.x]})"] if counts else []), *lines]

    def _method(self, name: str, arguments: Sequence[Tensor], lines: Sequence[str]) -> str:
        handed = "".join(f", {self.code[one]}" for one in arguments)
        body = "\n".join(map(wrapped, lines))
        return f"def {name}(self{handed}):\n{textwrap.indent(body, '    ')}"


def _kept_in_self(names: Sequence[str]) -> str:
    return f"{', '.join(f'self.{name}' for name in names)} = {', '.join(names)}"


# --- the network -------------------------------------------------------------------------------


def _network(graph: Graph, parts: Sequence[_Part], names: Sequence[str]) -> str:
    layers = [(part, name) for part, name in zip(parts, names, strict=True) if part.scope]
    loss = [name for part, name in zip(parts, names, strict=True) if not part.scope]
    targets = [one.name for part in parts if not part.scope for one in part.own]
    given = [one.name for part, _ in layers for one in part.own]
    made = [f"{name}({', '.join(str(one.name) for one in part.own)})" for part, name in layers]
    learned = set(graph.notes.parameters)
    gradients = [
        f'"{one.name}": self.layers[{i}].d{re.sub(r"[0-9]+$", "", str(one.name))},'
        for i, (part, _) in enumerate(layers)
        for one in part.own
        if one in learned
    ]
    x = str(graph.inputs[0].name)
    lines = ["class Network:"]
    lines += [f"    def __init__(self{''.join(f', {name}' for name in given)}):"]
    lines += ["        self.layers = [", *[f"            {one}," for one in made], "        ]"]
    lines += [f"        self.loss = {loss[0]}()"] if loss else []
    handed = ", ".join([x, *map(str, targets)])
    lines += ["", f"    def forward(self, {handed}):"]
    lines += ["        for layer in self.layers:", f"            {x} = layer.forward({x})"]
    lines += [f"        return self.loss.forward({handed})" if loss else f"        return {x}"]
    lines += ["", f"    def backward(self{'' if loss else ', dx'}):"]
    lines += ["        dx = self.loss.backward()"] if loss else []
    lines += ["        for layer in reversed(self.layers):", "            dx = layer.backward(dx)"]
    lines += ["        return {", *[f"            {one}" for one in gradients], "        }"]
    return "\n".join(lines)

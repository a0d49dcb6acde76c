"""Names: how every node that deserves a name is called, in code and in formulas.

In this order: an input by its own name; a node by the variable to which the user assigned it; in
a Sequential by its layer (z1 before the activation, a1 behind it, y_hat at the end); the only
number that comes out as the loss. A cotangent is called after what it belongs to: dz1, and ∂L/∂z1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count

from chainrule.graph.graph import Graph
from chainrule.graph.notes import BackwardPass
from chainrule.graph.op import CONSTANT
from chainrule.graph.origin import came_from, identity_of
from chainrule.graph.tensor import Tensor
from chainrule.show.layer_names import layer_names
from chainrule.show.sources import assigned
from chainrule.show.spelling import Name, spelled

#: Losses that are taken from the logits, each with the activation whose result is the prediction.
PREDICTIONS = {
    "sigmoid_cross_entropy": "sigmoid",
    "softmax_cross_entropy": "softmax",
    "log_softmax": "softmax",
}


class Names:
    """The names of some nodes of a graph; every name once."""

    def __init__(self) -> None:
        self._of: dict[Tensor, Name] = {}
        self._offered: dict[Tensor, Name] = {}
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def __contains__(self, node: Tensor) -> bool:
        return node in self._of

    def __getitem__(self, node: Tensor) -> Name:
        return self._of[node]

    def get(self, node: Tensor) -> Name | None:
        """The name of ``node``, or None if it has none."""
        return self._of.get(node)

    def give(self, node: Tensor, name: Name) -> None:
        """Call ``node`` so, unless it has a name; a number is added where another has this name."""
        if node in self._of:
            return
        code, latex, number = name.code, name.latex, 1
        while code in self._taken:
            number += 1
            code = f"{name.code}_{number}"
            base = f"({name.latex})" if "^" in name.latex else name.latex
            latex = rf"{base}^{{({number})}}"
        self._of[node] = Name(code, latex)
        self._taken.add(code)

    def offer(self, node: Tensor, name: Name) -> None:
        """A name for ``node`` in case that it needs one: by itself it does not."""
        self._offered.setdefault(node, name)

    def need(self, node: Tensor, letter: str) -> None:
        """Give ``node`` a name if it has none: the one that was offered, or u1, u2, ..."""
        if node not in self._of:
            self.give(node, self._offered.get(node) or self.fresh(letter))

    def share(self, node: Tensor, twin: Tensor) -> None:
        """Call ``node`` as its ``twin``, unless it has a name."""
        self._of.setdefault(node, self._of[twin])

    def take(self, code: str) -> None:
        """Let no node be called so."""
        self._taken.add(code)

    def is_taken(self, code: str) -> bool:
        """Whether a node is called so."""
        return code in self._taken

    def fresh(self, letter: str) -> Name:
        """The first of u1, u2, ... that nobody has."""
        numbers = count(self._last.get(letter, 0) + 1)
        number = next(n for n in numbers if f"{letter}{n}" not in self._taken)
        self._last[letter] = number
        return Name(f"{letter}{number}", f"{letter}_{{{number}}}")

    def moved(self, old: Graph, new: Graph, nodes: Mapping[Tensor, Tensor]) -> Names:
        """The same names, after a transform made ``new`` from ``old``, node by node."""
        raw = old.notes.recorded
        become = {old.notes.now.get(node, node): new.notes.now.get(node, node) for node in raw}
        become |= nodes
        names = Names()
        names._taken = set(self._taken)
        for node, name in self._of.items():
            names._of.setdefault(become.get(node, node), name)
        for node, name in self._offered.items():
            names._offered.setdefault(become.get(node, node), name)
        return names


def names(graph: Graph) -> Names:
    """The names of a graph's inputs, named intermediates, outputs and cotangents."""
    found = Names()
    for node, name in zip(graph.inputs, graph.input_names(), strict=True):
        found.give(node, spelled(name))
    notes = graph.notes
    forward = notes.forward or graph.nodes
    passes = graph.notes.passes
    outputs = [one.output for one in passes[:1]] or list(graph.outputs)
    for node in forward:
        if node.name and node.op is not CONSTANT:
            found.give(node, spelled(node.name))
    variables = [(notes.now.get(node, node), name) for node, name in assigned(notes.recorded)]
    _give_numbered(found, variables)
    for node, called, is_needed in layer_names(forward):
        (found.give if is_needed else found.offer)(node, called)
    _give_predictions(found, forward)
    _give_outputs(found, outputs, graph.inputs)
    _give_cotangents(found, graph)
    _give_twins(found, forward, graph.nodes)
    return found


def _give_twins(found: Names, forward: Iterable[Tensor], nodes: Iterable[Tensor]) -> None:
    """What computes again what the user computed (and no output needed) has the user's name."""
    named = [node for node in forward if node in found and node.inputs]
    known = {identity_of(node.op, node.inputs): node for node in named}
    for node in nodes:
        twin = known.get(identity_of(node.op, node.inputs))
        if twin is not None:
            found.share(node, twin)


def _give_numbered(found: Names, assigned: Iterable[tuple[Tensor, str]]) -> None:
    """A variable that was assigned several times gets a number each time."""
    pairs = [(node, name) for node, name in assigned if node not in found and node.op is not None]
    first = list(dict(reversed(pairs)).items())[::-1]
    count = Counter(name for _, name in first)
    given: Counter[str] = Counter()
    for node, name in first:
        given[name] += 1
        if count[name] == 1:
            found.give(node, spelled(name))
            continue
        gap = "_" if re.search(r"\d$", name) else ""
        found.give(node, spelled(f"{name}{gap}{given[name]}"))


def _give_predictions(found: Names, forward: Iterable[Tensor]) -> None:
    """The activation of the logits that a loss was taken from is the prediction."""
    nodes = list(forward)
    for loss in nodes:
        if not came_from(loss, *PREDICTIONS):
            continue
        for node in nodes:
            if (
                came_from(node, PREDICTIONS[loss.op.name])  # type: ignore[union-attr]
                and node.inputs[0] is loss.inputs[0]
                and not found.is_taken("y_hat")
            ):
                found.give(node, spelled("y_hat"))


def _give_outputs(found: Names, outputs: list[Tensor], inputs: Iterable[Tensor]) -> None:
    is_loss = len(outputs) == 1 and outputs[0].size == 1 and any(x.size > 1 for x in inputs)
    for node in outputs:
        if node.op is not None and node.op is not CONSTANT:
            found.give(node, spelled("loss" if is_loss else "y"))


def _give_cotangents(found: Names, graph: Graph) -> None:
    """Each cotangent of a named node is called after it, for every backward pass."""
    uses = Counter(x for node in graph.nodes for x in node.inputs)
    forward = set(graph.notes.forward)
    for order, one in enumerate(graph.notes.passes, start=1):
        if one.output not in found:
            found.give(one.output, spelled("y"))
        for node, g in one.cotangents.items():
            if g.op is CONSTANT or g.op is None or g in forward:
                continue
            if g not in found and uses[g] > 1 and node.op is not None and node in forward:
                _give_sum(found, node)
            if node in found:
                found.give(g, _cotangent(found, one, node, order))


def gradient_names(graph: Graph, names: Names) -> list[Name | None]:
    """What each output of a graph is as a gradient; None for one that is none."""
    if not graph.notes.passes:
        return [None for _ in graph.outputs]
    order, last = len(graph.notes.passes), graph.notes.passes[-1]
    found = [_cotangent(names, last, x, order) for x in last.wrt]
    return [*[None for _ in graph.outputs[len(found) :]], *found]


def _cotangent(names: Names, one: BackwardPass, node: Tensor, order: int) -> Name:
    of, by = names[one.output], names[node]
    return Name(f"{'d' * order}{by.code}", derivative(of.latex, by.latex))


def _give_sum(found: Names, node: Tensor) -> None:
    """Call the sum around W2 z2, because its cotangent is needed more than once."""
    product = node.inputs[0] if came_from(node, "add") else node
    if came_from(product, "matmul"):
        weights = found.get(product.inputs[1])
        number = re.search(r"\d*$", weights.code if weights else "")
        found.give(node, spelled(f"z{number[0] if number else ''}"))


def derivative(of: str, by: str) -> str:
    r"""∂ of / ∂ by; where ``of`` is itself a derivative, one of higher order."""
    match = re.fullmatch(r"\\frac\{\\partial(?:\^(\d))? (.*)\}\{(\\partial .*)\}", of)
    if match is None:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"
    order, top, bottom = int(match[1] or 1) + 1, match[2], match[3]
    if bottom == rf"\partial {by}":
        return rf"\frac{{\partial^{order} {top}}}{{{bottom}^2}}"
    return rf"\frac{{\partial^{order} {top}}}{{\partial {by}\, {bottom}}}"

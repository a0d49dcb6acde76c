"""Symbolic: a graph in SymPy, entry by entry, with its derivatives by two ways.

Each input becomes an array of symbols, W_11, W_12, ... (rows and columns counted from 1, as in
textbooks), and each op says what it is in SymPy. Derivatives come from our chain rule, and, to be
compared, from SymPy's.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from chainrule.errors import OptionError, ShapeError, optional_package, unknown_name
from chainrule.graph.differentiate import differentiate
from chainrule.graph.graph import Graph, needed
from chainrule.graph.op import CONSTANT, Array
from chainrule.graph.tensor import Tensor, placeholder, require_float
from chainrule.show.names import names

#: Beyond so many entries of a node nobody would read the expressions, and SymPy would be slow.
MOST_ENTRIES = 64


def symbolic(graph: Graph, **values: Any) -> Symbolic:
    """The graph as SymPy expressions.

    Args:
        values: numbers for some inputs, by name, instead of symbols. Inputs of integers, such as
            class labels, need them.

    Raises:
        MissingPackageError: SymPy is not installed.
        ShapeError: the arrays are too large to be read entry by entry.
        OptionError: integers without values, or an op that is no expression.
    """
    return Symbolic(graph, values)


class Symbolic:
    """A graph's inputs, outputs and named intermediates as ``sympy.Array``s.

    ``inputs`` and ``named`` are by name; ``named`` has the intermediates and outputs in order.
    ``output`` is the only output, ``outputs`` all of them.
    """

    def __init__(self, graph: Graph, values: Mapping[str, Any]) -> None:
        self._sympy = optional_package("sympy", "show", "graph.symbolic()")
        self._graph = graph
        called = names(graph)
        self._known: dict[Tensor, Array] = {}
        for name in values:
            graph.input(name)
        for name, node in zip(graph.input_names(), graph.inputs, strict=True):
            self._known[node] = self._given(name, node, values)
        self._fill(graph.nodes)
        self._nodes = {called[node].code: node for node in graph.nodes if node in called}
        self.inputs = {
            name: self._array(self._known[node])
            for name, node in zip(graph.input_names(), graph.inputs, strict=True)
        }
        inputs = set(graph.inputs)
        self.named = {
            name: self._array(self._known[node])
            for name, node in self._nodes.items()
            if node not in inputs
        }
        self.outputs = [self._array(self._known[node]) for node in graph.outputs]

    @property
    def output(self) -> Any:
        """The only output.

        Raises:
            OptionError: there are several.
        """
        return self._array(self._known[self._only_output()])

    def derivative(self, by: str, of: str | None = None) -> Any:
        """The derivative by our chain rule: an array of the shape of ``of``, then that of ``by``.

        Args:
            by: an input or an intermediate, by name.
            of: an intermediate or an output; default: the only output.

        Raises:
            OptionError: an unknown name, or several outputs to choose from.
            DtypeError: ``by`` holds integers.
        """
        top, bottom = self._of(of), self._node(by)
        require_float(bottom, "a derivative")
        cotangent = placeholder(top.shape, top.dtype)
        (gradient,) = differentiate(top, [bottom], cotangent)
        found = np.empty((top.size, bottom.size), object)
        for row in range(top.size):
            weights = np.zeros(top.size, object)
            weights[row] = 1
            known = {**self._known, cotangent: self._exact(weights.reshape(top.shape))}
            # Before the cotangent all is known; what comes after it is new for each row.
            found[row] = self._value(gradient, known).ravel()
        return self._array(found.reshape(top.shape + bottom.shape))

    def derivative_by_sympy(self, by: str, of: str | None = None) -> Any:
        """The same derivative with respect to an input, by SymPy's own ``diff``."""
        top, bottom = self._of(of), self._node(by)
        symbols = self._known[bottom].ravel()
        if not all(isinstance(one, self._sympy.Symbol) for one in symbols):
            raise OptionError(f"SymPy differentiates by symbols, and {by} is made of others.")
        entries = self._known[top].ravel()
        found = np.empty((top.size, bottom.size), object)
        for row, entry in enumerate(entries):
            found[row] = [self._sympy.diff(entry, symbol) for symbol in symbols]
        return self._array(found.reshape(top.shape + bottom.shape))

    def agrees(self, by: str, of: str | None = None) -> bool:
        """Whether our derivative and SymPy's are the same expression, after simplifying."""
        ours, theirs = self.derivative(by, of), self.derivative_by_sympy(by, of)
        pairs = zip(np.ravel(np.array(ours)), np.ravel(np.array(theirs)), strict=True)
        return all(self._sympy.simplify(a - b) == 0 for a, b in pairs)

    # --- nodes ---------------------------------------------------------------------------------

    def _only_output(self) -> Tensor:
        if len(self._graph.outputs) != 1:
            raise OptionError(
                f"the graph has {len(self._graph.outputs)} outputs: say which by of=, one of "
                f"{', '.join(self.named)}."
            )
        return self._graph.outputs[0]

    def _of(self, name: str | None) -> Tensor:
        return self._only_output() if name is None else self._node(name)

    def _node(self, name: str) -> Tensor:
        if name not in self._nodes:
            raise unknown_name("node", name, self._nodes)
        return self._nodes[name]

    # --- expressions ---------------------------------------------------------------------------

    def _given(self, name: str, node: Tensor, values: Mapping[str, Any]) -> Array:
        _check_size(node, name)
        if name in values:
            array = np.asarray(values[name], node.dtype)
            if array.shape != node.shape:
                raise ShapeError(f"{name} has shape {node.shape}, and was given as {array.shape}.")
            return self._exact(array) if node.dtype.kind == "f" else array
        if node.dtype.kind != "f":
            raise OptionError(
                f"{name} holds {node.dtype}, which symbols cannot stand for (an index must be a "
                f"number): give its values, as graph.symbolic({name}=...)."
            )
        symbols = np.empty(node.shape, object)
        for place in np.ndindex(node.shape):
            gap = "," if max(node.shape, default=0) > 9 else ""
            at = gap.join(str(i + 1) for i in place)
            symbols[place] = self._sympy.Symbol(f"{name}_{at}" if at else name, real=True)
        return symbols

    def _fill(self, nodes: Any) -> None:
        for node in nodes:
            if node not in self._known:
                self._known[node] = self._value(node, self._known)

    def _value(self, node: Tensor, known: dict[Tensor, Array]) -> Array:
        for one in needed([node], known):
            _check_size(one, str(one.op))
            known[one] = self._applied(one, known)
        return known[node]

    def _applied(self, node: Tensor, known: Mapping[Tensor, Array]) -> Array:
        if node.op is CONSTANT or node.op is None:
            return self._exact(node.value) if node.dtype.kind == "f" else node.value
        if not node.op.has_symbol:
            raise OptionError(
                f"{node.op.name} is no expression of its inputs' entries, so SymPy cannot write it."
            )
        return self._exact(np.asarray(node.op.symbol(*[known[x] for x in node.inputs]), object))

    def _exact(self, array: Array) -> Array:
        """The entries with whole numbers and fractions instead of floats, where they are such."""
        exact = np.empty(array.shape, object)
        for place in np.ndindex(array.shape):
            entry = array[place]
            if isinstance(entry, np.generic):
                entry = entry.item()
            entry = self._sympy.sympify(entry)
            floats = entry.atoms(self._sympy.Float)
            exact[place] = entry.xreplace({one: self._number(float(one)) for one in floats})
        return exact

    def _number(self, value: float) -> Any:
        if not np.isfinite(value):
            return self._sympy.Float(value)
        near = Fraction(value).limit_denominator(10000)
        if abs(float(near) - value) <= 4 * np.spacing(abs(value)):
            return self._sympy.Rational(near.numerator, near.denominator)
        return self._sympy.Float(value)

    def _array(self, array: Array) -> Any:
        return self._sympy.Array(array.ravel().tolist(), array.shape)


def _check_size(node: Tensor, name: str) -> None:
    if node.size > MOST_ENTRIES:
        raise ShapeError(
            f"symbols are for small arrays: {name} has {node.size} entries (shape {node.shape}), "
            f"and {MOST_ENTRIES} is the most. Record the graph for fewer rows and smaller layers: "
            "the expressions have the same form."
        )

"""Program: a graph as a NumPy program that a learner would have written, and can run.

It needs NumPy and nothing else. What it computes equals the graph to rounding.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from chainrule.errors import OptionError, unknown_name
from chainrule.graph.graph import Graph
from chainrule.graph.op import CONSTANT
from chainrule.graph.tensor import Tensor
from chainrule.show.numpy_source import Source, wrapped
from chainrule.show.reading import Reading, reading

#: A constant array with more entries than this is not printed.
MOST_ENTRIES = 1000
STYLES = ("function", "layers")


def program(graph: Graph, *wrt: str, style: str = "function") -> str:
    """The NumPy source of ``graph``.

    One number as output: a function that gives it and its gradients with respect to the inputs
    named by ``wrt`` (default: a network's parameters, else every input of floats). Anything else,
    and a graph that ``backward`` made: a function that gives the outputs.

    Args:
        style: "function", or "layers" for a Sequential as classes with forward and backward.

    Raises:
        OptionError: an unknown style or input; layers of a graph that is no Sequential's; a large
            constant array, which should be an input.
    """
    if style not in STYLES:
        raise unknown_name("style", style, STYLES)
    if style == "layers":
        from chainrule.show.layer_program import layer_program

        return layer_program(graph)
    read = reading(_with_gradients(graph, wrt))
    check_constants(read)
    body = _Body(read)
    lines = [*body.lines(), f"return {', '.join(body.outputs())}"]
    inputs = ", ".join(read.names[x].code for x in graph.inputs)
    text = textwrap.indent("\n".join(lines), "    ")
    function = f"def {_function_name(read)}({inputs}):\n{text}"
    return assembled(body.source, function)


def assembled(source: Source, *parts: str) -> str:
    """A whole program: the import, the helpers in use, then the parts."""
    helpers = [helper.strip() for helper in source.used.values()]
    text = "\n\n\n".join(["import numpy as np", *helpers, *parts])
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def _with_gradients(graph: Graph, wrt: tuple[str, ...]) -> Graph:
    if graph.notes.passes and not wrt:
        return graph
    (first, *others) = graph.outputs
    if others or first.size != 1 or first.dtype.kind != "f":
        if wrt:
            return graph.value_and_gradients(*wrt)  # says what is missing
        return graph
    if wrt or graph.notes.parameters:
        return graph.value_and_gradients(*wrt)
    names = zip(graph.input_names(), graph.inputs, strict=True)
    floats = [name for name, x in names if x.dtype.kind == "f"]
    return graph.value_and_gradients(*floats) if floats else graph


def _function_name(read: Reading) -> str:
    passes = read.graph.notes.passes
    if not passes:
        return "forward"
    (first, *_) = read.graph.outputs
    if first is passes[-1].output and first in read.names:
        return f"{read.names[first].code}_and_gradients"
    return "gradients"


def check_constants(read: Reading) -> None:
    """Refuse to print a large constant array.

    Raises:
        OptionError: there is one.
    """
    for node in read.statements:
        if node.op is CONSTANT and node.size > MOST_ENTRIES:
            raise OptionError(
                f"the graph holds a constant array of {node.size} entries (shape {node.shape}), "
                "too many to print. Make it an argument of the function that you trace."
            )


class _Body:
    """The statements of one reading, as lines of Python."""

    def __init__(self, read: Reading) -> None:
        self.read = read
        self.leaves = {*read.statements, *read.graph.inputs}
        self.says_rows = False
        self.source = Source(self.called)
        #: A gradient that is something else's value, under its own name too.
        self.again = {
            place: name.code
            for place, (name, _) in read.repeats.items()
            if not read.names.is_taken(name.code)
        }

    @property
    def repeats(self) -> list[str]:
        """The statements dA = B."""
        nodes = {place: node for place, (_, node) in self.read.repeats.items()}
        return [f"{name} = {self.written(nodes[place])}" for place, name in self.again.items()]

    def called(self, node: Tensor) -> str | None:
        """The identifier of a node that has a statement."""
        if self.read.rows.is_symbol(node):
            self.says_rows = True
            return self.read.rows.letter
        return self.read.names[node].code if node in self.leaves else None

    def lines(self) -> Iterator[str]:
        """Forward, then backward, then nothing: the caller returns."""
        forward = [self.statement(node) for node in self.read.forward]
        backward = [self.statement(node) for node in self.read.backward]
        if self.says_rows:
            assert self.read.rows.input is not None
            yield f"{self.read.rows.letter} = len({self.read.names[self.read.rows.input].code})"
        yield from forward
        if forward and backward:
            yield ""
        yield from backward
        yield from self.repeats
        if forward or backward or self.repeats:
            yield ""

    def statement(self, node: Tensor) -> str:
        """One statement."""
        return wrapped(f"{self.read.names[node].code} = {self.source.expression(node)}")

    def written(self, node: Tensor) -> str:
        """The name of a node, or what it is."""
        name = self.called(node)
        return self.source.expression(node) if name is None else name

    def outputs(self) -> list[str]:
        """What is returned."""
        outputs = enumerate(self.read.graph.outputs)
        return [self.again.get(place) or self.written(node) for place, node in outputs]
